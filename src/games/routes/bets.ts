/** Bets: a stake of a user's on a side of an open game. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField, mustReadAmount } from '../../http/amounts.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { type Answer, once } from '../../http/plugins/idempotency.ts';
import { invalidRequest, notFound, Problem, paused } from '../../http/problem.ts';
import { newId } from '../../rules/newId.ts';
import { presentBet } from '../present/game.ts';
import { betSchema } from '../present/schemas.ts';
import { listBets } from '../reads.ts';
import type { WholeGame } from '../rules/game.ts';
import { bet } from '../useCases/bet.ts';
import { mustOwnGame } from './games.ts';

const { read, write } = documented('games');

const body = z.strictObject({ userId: word, side: word, amount: amountField }).meta({ id: 'NewBet' });

/** What a side of the game's must be, wherever a request names one. @throws Problem 400 */
export function mustHaveSide({ sides }: Pick<WholeGame, 'sides'>, given: string, pointer: string): void {
  if (sides.some(({ side }) => side === given)) return;
  const detail = `Must be ${sides.map(({ side }) => side).join(' or ')}.`;
  throw invalidRequest([{ pointer, code: 'unknown_side', detail }]);
}

export function betRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/games/:id/bets',
      {
        onRequest: [merchantAuth(context, 'games:write'), flowOn('games')],
        schema: { params: byId, querystring: noQuery, body, ...keyed, ...write('Bet on a side of an open game', 201, betSchema) },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('bet'),
          async execute(betId) {
            const game = await mustOwnGame(context, tenant, request.params.id);
            const { userId, side, amount } = request.body;
            mustHaveSide(game, side, '/side');
            const { minor } = mustReadAmount({ amount, currency: game.currency });
            const stake = { betId, gameId: game.id, userId, side, amountMinor: minor.toString() };
            const locked = [`game ${game.id}`, `user ${userId}`, `bank’s ${game.currency}`];
            return answerOf(await context.inLine(tenant, locked, () => bet(context, { ...tenant, ...stake })));
          },
        });
      },
    );

    app.get(
      '/games/:id/bets',
      {
        onRequest: merchantAuth(context, 'games:read'),
        schema: {
          params: byId,
          querystring: z.strictObject({ ...pageQuery, userId: word.optional() }),
          ...read('The bets in a game, newest first', listSchema(betSchema)),
        },
      },
      async (request) => {
        const { id } = await mustOwnGame(context, tenantOf(merchantOf(request)), request.params.id);
        const page = openPage(request, request.query, ID_KEY);
        const { userId } = request.query;
        const bets = await listBets(context.pool, id, { userId, before: page.after, take: page.take });
        return page.answer(bets, (each) => each.id, presentBet);
      },
    );
  };
}

function answerOf(answer: Awaited<ReturnType<typeof bet>>): Answer {
  switch (answer.outcome) {
    case 'unknown_user':
      throw notFound();
    case 'game_closed':
      throw new Problem(409, 'wrong_state', 'This game takes no bets any more.');
    case 'paused':
      throw paused();
    case 'user_frozen':
      throw new Problem(409, 'user_frozen', 'This user is frozen: nothing moves their money.');
    case 'insufficient_balance':
      throw new Problem(400, 'insufficient_balance', 'The user’s available balance does not cover the stake.');
    case 'bank_insufficient':
      throw new Problem(400, 'bank_insufficient', 'Your bank could not pay the most that may be won: deposit more first.');
    default:
      return { status: 201, body: presentBet(answer.bet) };
  }
}
