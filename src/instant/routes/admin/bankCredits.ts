/** What banks told of payees' money and fits nothing in the books: listed until an operator has looked at it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound } from '../../../http/problem.ts';
import { moneySchema, timeSchema } from '../../../http/schemas.ts';
import { formatMajor } from '../../../rules/money.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { listBankCredits, type OpenBankCredit } from '../../reads.ts';
import { lookedAt } from '../../useCases/bankCredit.ts';
import { refuse } from '../answers.ts';

const { read, write } = documented('admin');

const LONGEST = 500;
const said = z.object({ amount: moneySchema, currency: z.string() });

const openBankCreditSchema = z
  .object({
    id: z.string(),
    merchantId: z.string(),
    utr: z.string(),
    amount: moneySchema,
    currency: z.string(),
    status: z.enum(['waiting', 'differs', 'matched']).meta({
      description:
        '`waiting`: no payer of a slice of this merchant’s payees has shown it; `differs`: one has, for another amount; `matched`: the bank tells of `alsoTold`, too',
    }),
    alsoTold: said.nullable().meta({ description: 'What the bank told another time under the same UTR' }),
    batchId: z.string().nullable().meta({ description: 'For which slice the UTR was shown, whosever payee’s it is' }),
    livemode: z.boolean(),
    creditedAt: timeSchema,
    createdAt: timeSchema,
  })
  .meta({ id: 'OpenBankCredit' });

const major = (minor: string, currency: string): string => formatMajor(BigInt(minor), currency);

const present = ({ amountMinor, other, mode, creditedAt, createdAt, ...rest }: OpenBankCredit) => ({
  ...rest,
  amount: major(amountMinor, rest.currency),
  alsoTold: other && { amount: major(other.amountMinor, other.currency), currency: other.currency },
  livemode: mode === 'live',
  creditedAt: creditedAt.toISOString(),
  createdAt: createdAt.toISOString(),
});

export function adminBankCreditRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      '/instant-payouts/bank-credits',
      {
        onRequest: adminAuth(context, ACTION_ROLES.read),
        schema: {
          querystring: z.strictObject(pageQuery),
          ...read('What banks told and fits nothing, until somebody has looked at it', listSchema(openBankCreditSchema)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const found = await listBankCredits(context.pool, { after: page.after, take: page.take });
        return page.answer(found, ({ id }) => id, present);
      },
    );

    app.post(
      '/instant-payouts/bank-credits/:id',
      {
        onRequest: adminAuth(context, ACTION_ROLES.resolve),
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({ note: plainText(1, LONGEST) }).meta({ id: 'BankCreditDecision' }),
          ...write(
            'Say that it was looked at: it is listed no more, and nothing moves',
            200,
            z.object({ id: z.string(), isOpen: z.literal(false) }),
          ),
        },
      },
      async (request, reply) => {
        const { adminId } = adminOf(request);
        const bankCreditId = request.params.id;
        const { note } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const answer = await lookedAt(context, { bankCreditId, note, actor: `admin:${adminId}` });
            if (answer.outcome === 'not_found') throw notFound();
            await writeAudit(context.prisma, request, {
              action: 'bank_credit.decide',
              target: bankCreditId,
              data: { outcome: answer.outcome, note },
            });
            refuse(answer);
            return { status: 200, body: { id: bankCreditId, isOpen: false as const } };
          },
        });
      },
    );
  };
}
