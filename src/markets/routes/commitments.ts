/** Commitments: a stake of a user's on an option of an open market. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField } from '../../http/amounts.ts';
import { overBalanceLimit } from '../../http/balanceLimit.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { type Answer, once } from '../../http/plugins/idempotency.ts';
import { type FieldError, invalidRequest, notFound, Problem, paused } from '../../http/problem.ts';
import { parseAmount } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';
import { presentCommitment, type WholeMarket } from '../present/market.ts';
import { commitmentSchema } from '../present/schemas.ts';
import { listCommitments, listUsersCommitments } from '../reads.ts';
import { readChoice } from '../rules/stake.ts';
import { commit } from '../useCases/commit.ts';
import { mustOwnMarket } from './markets.ts';
import { mustOwnUser } from './users.ts';

const { read, write } = documented('markets');

const body = z
  .strictObject({
    userId: word,
    amount: amountField,
    optionId: word.optional(),
    position: word.optional().meta({ description: '`yes` or `no`, of a binary market, which takes options and positions alike' }),
  })
  .meta({ id: 'NewCommitment' });

/** As the amount's and the option's rules read it, every fault at once. @throws Problem 400 */
function mustReadStake(said: z.infer<typeof body>, market: WholeMarket) {
  const errors: FieldError[] = [];
  const choice = readChoice(said, market);
  if (!choice.ok) errors.push({ pointer: choice.pointer, code: choice.code, detail: choice.detail });
  const amount = parseAmount(said.amount, market.currency);
  if (!amount.ok) errors.push({ pointer: '/amount', code: amount.code, detail: amount.detail });
  if (!choice.ok || !amount.ok) throw invalidRequest(errors);
  return { ...choice.chosen, amountMinor: amount.minor.toString() };
}

export function commitmentRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = merchantAuth(context, 'markets:read');

  return async (app) => {
    app.post(
      '/markets/:id/commitments',
      {
        onRequest: [merchantAuth(context, 'markets:write'), flowOn('markets')],
        schema: {
          params: byId,
          querystring: noQuery,
          body,
          ...keyed,
          ...write('Stake on an option of an open market', 201, commitmentSchema),
        },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('com'),
          async execute(commitmentId) {
            const market = await mustOwnMarket(context, tenant, request.params.id);
            const stake = mustReadStake(request.body, market);
            const { userId } = request.body;
            const locked = [`market ${market.id}`, `user ${userId}`];
            const asked = { ...tenant, commitmentId, marketId: market.id, userId, ...stake };
            return answerOf(await context.inLine(tenant, locked, () => commit(context, asked)));
          },
        });
      },
    );

    app.get(
      '/markets/:id/commitments',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: z.strictObject({ ...pageQuery, userId: word.optional() }),
          ...read('The commitments to a market, newest first', listSchema(commitmentSchema)),
        },
      },
      async (request) => {
        const { id } = await mustOwnMarket(context, tenantOf(merchantOf(request)), request.params.id);
        const page = openPage(request, request.query, ID_KEY);
        const { userId } = request.query;
        const commitments = await listCommitments(pool, id, { userId, before: page.after, take: page.take });
        return page.answer(commitments, (each) => each.id, presentCommitment);
      },
    );

    app.get(
      '/users/:id/commitments',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: z.strictObject(pageQuery),
          ...read('A user’s commitments to all markets, newest first', listSchema(commitmentSchema)),
        },
      },
      async (request) => {
        const id = await mustOwnUser(context, tenantOf(merchantOf(request)), request.params.id);
        const page = openPage(request, request.query, ID_KEY);
        const commitments = await listUsersCommitments(pool, id, { before: page.after, take: page.take });
        return page.answer(commitments, (each) => each.id, presentCommitment);
      },
    );
  };
}

function answerOf(answer: Awaited<ReturnType<typeof commit>>): Answer {
  switch (answer.outcome) {
    case 'unknown_user':
      throw notFound();
    case 'market_closed':
      throw new Problem(409, 'market_closed', 'This market takes no stakes any more.');
    case 'paused':
      throw paused();
    case 'user_frozen':
      throw new Problem(409, 'user_frozen', 'This user is frozen: nothing moves their money.');
    case 'balance_limit':
      throw overBalanceLimit();
    case 'insufficient_balance':
      throw new Problem(400, 'insufficient_balance', 'The user’s available balance does not cover the stake.');
    default:
      return { status: 201, body: presentCommitment(answer.commitment) };
  }
}
