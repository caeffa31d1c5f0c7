/** A merchant's games: opened, found, and followed to their end. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Waiters } from '../../events/waiters.ts';
import { currencyField } from '../../http/amounts.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { flowOn, merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { invalidRequest, mustFind, notFound, paused } from '../../http/problem.ts';
import { earlier } from '../../http/times.ts';
import { nowOrAfter, waitOrAtQuery } from '../../http/waiting.ts';
import { isCurrency, NO_CURRENCY } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';
import type { Tenant } from '../../users/reads.ts';
import { presentListed, presentWhole } from '../present/game.ts';
import { gameSchema, wholeGameSchema } from '../present/schemas.ts';
import { failedOf, gameAsOf, listGames, ownGame, type ShownGame } from '../reads.ts';
import type { WholeGame } from '../rules/game.ts';
import { GAME } from '../rules/machine.ts';
import { GAME_TYPE_NAMES } from '../rules/types.ts';
import { openGame } from '../useCases/openGame.ts';

const { read, write } = documented('games');

const opening = z.strictObject({ type: z.enum(GAME_TYPE_NAMES), currency: currencyField }).meta({ id: 'NewGame' });

/** What a client waits for. */
const NEXT_STATUS = {
  isAnswer: (now: WholeGame, first: WholeGame) => GAME.isFinal(now.state) || now.state !== first.state,
  mayEndUnheard: () => false,
};

/** @throws Problem 404, the same for an unknown id and another merchant's. */
export async function mustOwnGame({ pool }: Pick<ApiContext, 'pool'>, tenant: Tenant, id: string): Promise<WholeGame> {
  const game = await ownGame(pool, tenant, id);
  if (!game) throw notFound();
  return game;
}

/** As it is shown alone. */
export const presentOne = async ({ pool }: Pick<ApiContext, 'pool'>, game: WholeGame) =>
  presentWhole(game, await failedOf(pool, game.id));

export const presentAsOf = ({ game, ...failures }: ShownGame) => presentWhole(game, failures);

export function gameRoutes(context: ApiContext, waiters: Waiters): FastifyPluginAsyncZod {
  const { pool } = context;
  const onRequest = merchantAuth(context, 'games:read');

  return async (app) => {
    app.post(
      '/games',
      {
        onRequest: [merchantAuth(context, 'games:write'), flowOn('games')],
        schema: { querystring: noQuery, body: opening, ...keyed, ...write('Open a game', 201, wholeGameSchema) },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('gam'),
          async execute(gameId) {
            const { type, currency } = request.body;
            const game = await openGame(context, { ...tenant, gameId, type, currency: mustBeCurrency(currency) });
            if (!game) throw paused();
            return { status: 201, headers: { location: `/api/v1/games/${gameId}` }, body: await presentOne(context, game) };
          },
        });
      },
    );

    app.get(
      '/games',
      {
        onRequest,
        schema: { querystring: z.strictObject(pageQuery), ...read('Games, newest first', listSchema(gameSchema)) },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const games = await listGames(pool, tenantOf(merchantOf(request)), { before: page.after, take: page.take });
        return page.answer(games, ({ id }) => id, presentListed);
      },
    );

    app.get(
      '/games/:id',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: waitOrAtQuery,
          ...read('A game as it is now, after its next change, or as it was', wholeGameSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id } = request.params;
        const at = earlier(request.query.at);
        if (at !== undefined) return presentAsOf(mustFind(await gameAsOf(pool, tenantOf(caller), id, at)));
        const question = { read: () => mustOwnGame(context, tenantOf(caller), id), ...NEXT_STATUS };
        const asked = { keyId: caller.keyId, merchantId: caller.merchantId, subject: { kind: 'game', id } };
        const game = await nowOrAfter(reply, request.query, question.read, (wait) =>
          waiters.wait({ ...asked, ...wait }, question),
        );
        return await presentOne(context, game);
      },
    );
  };
}

/** @throws Problem 400 */
function mustBeCurrency(currency: unknown): string {
  if (isCurrency(currency)) return currency;
  const code = typeof currency === 'string' ? 'unknown_currency' : currency === undefined ? 'missing' : 'invalid_type';
  throw invalidRequest([{ pointer: '/currency', code, detail: NO_CURRENCY }]);
}
