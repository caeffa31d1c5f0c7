/** Money that arrived for a merchant, entered once by the bank's own name for it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField } from '../../../http/amounts.ts';
import { writeAudit } from '../../../http/audit.ts';
import { overBalanceLimit } from '../../../http/balanceLimit.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noQuery } from '../../../http/documented.ts';
import { reference } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../../http/problem.ts';
import { formatMajor, parseAmount } from '../../../rules/money.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { type Funding, fund } from '../../useCases/fund.ts';
import { fundingSchema } from './schemas.ts';

const { write } = documented('admin');

const funding = z
  .strictObject({
    amount: amountField,
    currency: z.string(),
    mode: z.enum(['test', 'live']),
    externalId: reference.meta({ description: 'The transfer’s id at the bank: money with the same one arrives once' }),
  })
  .transform((body, refinement) => {
    const parsed = parseAmount(body.amount, body.currency);
    if (parsed.ok) return { ...body, amountMinor: parsed.minor.toString() };
    const at = parsed.code === 'unknown_currency' ? 'currency' : 'amount';
    refinement.addIssue({ code: 'custom', message: parsed.detail, path: [at], params: { code: parsed.code } });
    return z.NEVER;
  });

export function fundRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const onRequest = adminAuth(context, ACTION_ROLES.fund);

  return async (app) => {
    app.post(
      '/merchants/:id/fund',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: noQuery,
          body: funding,
          ...write('Enter money that arrived', 201, fundingSchema),
        },
      },
      async (request, reply) => {
        const merchantId = request.params.id;
        const { amountMinor, currency, mode, externalId } = request.body;
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('fun'),
          async execute() {
            const money = { merchantId, mode, currency, amountMinor, externalId };
            const answer = await fund(context, money);
            if (answer.outcome === 'unknown_merchant') throw notFound();
            const { outcome } = answer;
            const data = { amount: formatMajor(BigInt(amountMinor), currency), currency, mode, externalId, outcome };
            await writeAudit(context.prisma, request, { action: 'merchant.fund', target: merchantId, data });
            if (outcome === 'balance_limit') throw overBalanceLimit();
            if (outcome === 'mismatch')
              throw new Problem(409, 'external_id_reused', 'Other money has arrived under this externalId before.');
            return { status: 201, body: presentFunding(money, answer.funding) };
          },
        });
      },
    );
  };
}

function presentFunding(
  { merchantId, mode, externalId }: { readonly merchantId: string; readonly mode: string; readonly externalId: string },
  { id, amount, currency, available, reserved, at }: Funding,
): z.infer<typeof fundingSchema> {
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  return {
    id,
    object: 'funding',
    merchantId,
    mode,
    externalId,
    amount: major(amount),
    currency,
    availableAfter: major(available),
    lockedAfter: major(reserved),
    createdAt: at.toISOString(),
  };
}
