/** What operators see of games, and what they do about them: try again for those who failed, or give all stakes back. */
import type { FastifyRequest } from 'fastify';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { writeAudit } from '../../../http/audit.ts';
import { adminOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, noBody, noQuery } from '../../../http/documented.ts';
import { ID_KEY, listSchema, openPage, pageQuery } from '../../../http/paging.ts';
import { plainText } from '../../../http/plainText.ts';
import { adminAuth } from '../../../http/plugins/auth.ts';
import { onceIfKeyed } from '../../../http/plugins/idempotency.ts';
import { mustFind, notFound, Problem } from '../../../http/problem.ts';
import { atQuery, earlier } from '../../../http/times.ts';
import { newId } from '../../../rules/newId.ts';
import { ACTION_ROLES } from '../../../rules/roles.ts';
import { presentListed } from '../../present/game.ts';
import { gameSchema, wholeGameSchema } from '../../present/schemas.ts';
import { gameAsOf, listAllGames, readGame } from '../../reads.ts';
import type { WholeGame } from '../../rules/game.ts';
import { acknowledge, retry, voidGame } from '../../useCases/intervene.ts';
import { presentAsOf, presentOne } from '../games.ts';

const { read, write } = documented('admin');

const LONGEST = 500;
const adminFields = { merchantId: z.string() };
const adminGame = gameSchema.extend(adminFields).meta({ id: 'AdminGame' });
const adminWhole = wholeGameSchema.extend(adminFields).meta({ id: 'AdminWholeGame' });

export function adminGameRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { pool, prisma } = context;
  const reads = adminAuth(context, ACTION_ROLES.read);

  async function mustRead(id: string): Promise<WholeGame> {
    const game = await readGame(pool, id);
    if (!game) throw notFound();
    return game;
  }

  const shown = async (game: WholeGame) => ({ ...(await presentOne(context, game)), merchantId: game.merchantId });

  const note = (request: FastifyRequest, action: string, target: string, data: Record<string, string>) =>
    writeAudit(prisma, request, { action, target, data });

  return async (app) => {
    app.get(
      '/games',
      {
        onRequest: reads,
        schema: {
          querystring: z.strictObject({ ...pageQuery, needsOperator: z.enum(['true', 'false']).optional() }),
          ...read('Games, newest first, or those alone that a person is to look at', listSchema(adminGame)),
        },
      },
      async (request) => {
        const page = openPage(request, request.query, ID_KEY);
        const { needsOperator: asked } = request.query;
        const needsOperator = asked === undefined ? undefined : asked === 'true';
        const games = await listAllGames(pool, { needsOperator, before: page.after, take: page.take });
        return page.answer(
          games,
          ({ id }) => id,
          (game) => ({ ...presentListed(game), merchantId: game.merchantId }),
        );
      },
    );

    app.get(
      '/games/:id',
      { onRequest: reads, schema: { params: byId, querystring: atQuery, ...read('One game, now or as it was', adminWhole) } },
      async (request) => {
        const { id } = request.params;
        const at = earlier(request.query.at);
        if (at === undefined) return await shown(await mustRead(id));
        const then = mustFind(await gameAsOf(pool, undefined, id, at));
        return { ...presentAsOf(then), merchantId: then.game.merchantId };
      },
    );

    app.post(
      '/games/:id/retry',
      {
        onRequest: adminAuth(context, ACTION_ROLES.retry),
        schema: {
          params: byId,
          querystring: noQuery,
          body: noBody,
          ...write('Settle those who could not be, again', 202, adminWhole),
        },
      },
      async (request, reply) => {
        const { id: gameId } = await mustRead(request.params.id);
        const { adminId } = adminOf(request);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute(key) {
            const outcome = await retry(context, { gameId, adminId, key });
            await note(request, 'game.retry', gameId, { outcome });
            if (outcome === 'wrong_state') throw new Problem(409, 'wrong_state', 'Nobody has failed in this game.');
            return { status: 202, body: await shown(await mustRead(gameId)) };
          },
        });
      },
    );

    app.post(
      '/games/:id/void',
      {
        onRequest: adminAuth(context, ACTION_ROLES.voidGame),
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({ reason: plainText(1, LONGEST) }).meta({ id: 'GameVoid' }),
          ...write('Give all stakes back, and take all winnings back', 202, adminWhole),
        },
      },
      async (request, reply) => {
        const { id: gameId } = await mustRead(request.params.id);
        const { adminId } = adminOf(request);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const { reason } = request.body;
            await voidGame(context, { gameId, adminId, reason });
            await note(request, 'game.void', gameId, { reason });
            return { status: 202, body: await shown(await mustRead(gameId)) };
          },
        });
      },
    );

    app.post(
      '/games/:id/acknowledge',
      {
        onRequest: adminAuth(context, ACTION_ROLES.acknowledge),
        schema: {
          params: byId,
          querystring: noQuery,
          body: z.strictObject({ note: plainText(1, LONGEST) }).meta({ id: 'GameAcknowledgement' }),
          ...write('Somebody has looked at it', 200, adminWhole),
        },
      },
      async (request, reply) => {
        const { id: gameId } = await mustRead(request.params.id);
        const { adminId } = adminOf(request);
        return await onceIfKeyed(context, request, reply, {
          allot: () => newId('req'),
          async execute(key) {
            await acknowledge(context, { gameId, adminId, note: request.body.note, key });
            await note(request, 'game.acknowledge', gameId, { note: request.body.note });
            return { status: 200, body: await shown(await mustRead(gameId)) };
          },
        });
      },
    );
  };
}
