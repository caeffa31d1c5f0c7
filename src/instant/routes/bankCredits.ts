/** What a payee's bank says arrived, by a statement or a browser's extension: with a key that may do nothing else. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField, currencyField, readAmount } from '../../http/amounts.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { documented, keyed, noQuery } from '../../http/documented.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { type FieldError, invalidRequest } from '../../http/problem.ts';
import { time } from '../../http/times.ts';
import { newId } from '../../rules/newId.ts';
import { INSTANT_ID_PREFIXES } from '../rules/contract.ts';
import { readUtr } from '../rules/utr.ts';
import { batchOf, creditByBank } from '../useCases/bankCredit.ts';

const { write } = documented('instant payouts');

const body = z
  .strictObject({ utr: z.string(), amount: amountField, currency: currencyField.optional(), creditedAt: time })
  .meta({ id: 'NewBankCredit' });

const answerSchema = z
  .object({
    id: z.string(),
    object: z.literal('bank_credit'),
    status: z.enum(['matched', 'waiting', 'duplicate', 'differs']).meta({
      description:
        '`waiting`: nobody has shown this UTR yet; `differs`: somebody has, for another amount, and a person looks at it',
    }),
    batchId: z.string().nullable(),
  })
  .meta({ id: 'BankCredit' });

export function bankCreditRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/instant-payouts/bank-credits',
      {
        onRequest: merchantAuth(context, 'bank-credits:write'),
        schema: { querystring: noQuery, body, ...keyed, ...write('Tell what a payee’s bank says arrived', 201, answerSchema) },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId(INSTANT_ID_PREFIXES.bankCredit),
          async execute(bankCreditId) {
            const { utr: said, amount: saidAmount, currency = 'INR', creditedAt } = request.body;
            const errors: FieldError[] = [];
            const amount = readAmount({ amount: saidAmount, currency }, errors);
            const utr = readUtr('upi', said) ?? readUtr('bank', said);
            if (!utr)
              errors.push({
                pointer: '/utr',
                code: 'invalid_utr',
                detail: 'Must be a UTR: 12 digits, or 16 or 22 letters and digits.',
              });
            if (!amount || !utr) throw invalidRequest(errors);
            const credit = {
              bankCreditId,
              utr: utr.utr,
              currency: amount.currency,
              amountMinor: amount.minor.toString(),
              creditedAt,
            };
            const answer = await creditByBank(context, { ...tenant, ...credit });
            const batchId = batchOf(answer);
            return {
              status: 201,
              body: { id: answer.bankCreditId, object: 'bank_credit' as const, status: answer.outcome, batchId },
            };
          },
        });
      },
    );
  };
}
