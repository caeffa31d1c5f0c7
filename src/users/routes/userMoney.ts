/** A user's money: what there is, and what the merchant gives and takes, once for each name it gives it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField, currencyField, mustReadAmount } from '../../http/amounts.ts';
import { overBalanceLimit } from '../../http/balanceLimit.ts';
import { balanceSchema, readBalance } from '../../http/balances.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../http/documented.ts';
import { reference } from '../../http/plainText.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { type Answer, once } from '../../http/plugins/idempotency.ts';
import { notFound, Problem } from '../../http/problem.ts';
import { newId } from '../../rules/newId.ts';
import { transactionSchema } from '../present/schemas.ts';
import { presentTransaction } from '../present/transaction.ts';
import { type MoneyMoved, moveMoney } from '../useCases/moveMoney.ts';
import { ownUser } from './userReads.ts';

const { read, write } = documented('users');

const body = z.strictObject({ amount: amountField, currency: currencyField, externalId: reference }).meta({ id: 'UserMoney' });

const MOVES = [
  { path: 'credit', type: 'USER_CREDIT', summary: 'Move money of yours to a user, once for each externalId', giver: 'Your' },
  { path: 'debit', type: 'USER_DEBIT', summary: 'Take money of a user’s back, once for each externalId', giver: 'The user’s' },
] as const;

export function userMoneyRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    for (const { path, type, summary, giver } of MOVES) {
      app.post(
        `/users/:id/${path}`,
        {
          onRequest: merchantAuth(context, 'users:write'),
          schema: { params: byId, querystring: noQuery, body, ...keyed, ...write(summary, 201, transactionSchema) },
        },
        async (request, reply) => {
          const tenant = tenantOf(merchantOf(request));
          const userId = request.params.id;
          return await once(context, request, reply, {
            allot: () => newId('req'),
            async execute() {
              const { minor, currency } = mustReadAmount(request.body);
              const money = { currency, amountMinor: minor.toString(), externalId: request.body.externalId };
              const locked = [`user ${userId}`, `merchant’s ${currency}`];
              const moved = await context.inLine(tenant, locked, () => moveMoney(context, { ...tenant, userId, type, ...money }));
              return answerOf(moved, userId, giver);
            },
          });
        },
      );
    }

    app.get(
      '/users/:id/balance',
      {
        onRequest: merchantAuth(context, 'users:read'),
        schema: { params: byId, querystring: noQuery, ...read('What a user has, by currency', balanceSchema) },
      },
      async (request) => {
        const { id, mode } = await ownUser(context.prisma, merchantOf(request), request.params.id);
        return await readBalance(context.prisma, { kind: 'user', id }, mode === 'live' ? 'live' : 'test');
      },
    );
  };
}

function answerOf(answer: MoneyMoved, userId: string, giver: string): Answer {
  switch (answer.outcome) {
    case 'unknown_user':
      throw notFound();
    case 'user_frozen':
      throw new Problem(409, 'user_frozen', 'This user is frozen: nothing moves their money.');
    case 'insufficient_balance':
      throw new Problem(400, 'insufficient_balance', `${giver} available balance does not cover the amount.`);
    case 'balance_limit':
      throw overBalanceLimit();
    case 'mismatch':
      throw new Problem(
        409,
        'external_id_reused',
        'Other money has this externalId: its amount, currency, user or direction differs.',
      );
    default:
      return { status: 201, body: presentTransaction(answer.transaction, userId) };
  }
}
