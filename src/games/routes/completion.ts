/** Who won: said once, however often it is repeated. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField } from '../../http/amounts.ts';
import { merchantOf, tenantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, keyed, noQuery, word } from '../../http/documented.ts';
import { manyOf } from '../../http/manyOf.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { type Answer, once } from '../../http/plugins/idempotency.ts';
import { brokenRule, type FieldError, invalidRequest, Problem } from '../../http/problem.ts';
import type { CompletionAnswer, CompletionRequest } from '../../ledger/postings.ts';
import { formatMajor, parseAmount } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';
import { wholeGameSchema } from '../present/schemas.ts';
import { complete } from '../useCases/complete.ts';
import { mustHaveSide } from './bets.ts';
import { mustOwnGame, presentOne } from './games.ts';

const { write } = documented('games');

/** As many as a body of 1 MiB holds. */
const PAYOUTS_MOST = 10_000;

const body = z
  .strictObject({
    winner: word,
    payouts: manyOf(z.strictObject({ userId: word, amount: amountField }), PAYOUTS_MOST)
      .optional()
      .meta({
        description: 'What each winner gets, the stake included; who is not named gets nothing. Without it: by the multipliers',
      }),
  })
  .meta({ id: 'GameCompletion' });

type Said = NonNullable<z.infer<typeof body>['payouts']>;

export function completionRoutes(context: ApiContext): FastifyPluginAsyncZod {
  return async (app) => {
    app.post(
      '/games/:id/complete',
      {
        onRequest: merchantAuth(context, 'games:write'), // also where games are switched off: what runs, finishes
        schema: { params: byId, querystring: noQuery, body, ...keyed, ...write('Say who won', 202, wholeGameSchema) },
      },
      async (request, reply) => {
        const tenant = tenantOf(merchantOf(request));
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            const game = await mustOwnGame(context, tenant, request.params.id);
            const { winner, payouts } = request.body;
            mustHaveSide(game, winner, '/winner');
            const said = payouts === undefined ? null : readPayouts(payouts, game.currency);
            const answer = await complete(context, { ...tenant, gameId: game.id, winner, payouts: said });
            refuse(answer, said);
            const now = await mustOwnGame(context, tenant, game.id);
            return { status: 202, body: await presentOne(context, now) } satisfies Answer;
          },
        });
      },
    );
  };
}

type Payouts = NonNullable<CompletionRequest['payouts']>;

/** Every fault at once. @throws Problem 400 */
function readPayouts(said: Said, currency: string): Payouts {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  const payouts = said.map(({ userId, amount }, at) => {
    const parsed = parseAmount(amount, currency);
    if (!parsed.ok) errors.push({ pointer: `/payouts/${at}/amount`, code: parsed.code, detail: parsed.detail });
    if (seen.has(userId))
      errors.push({ pointer: `/payouts/${at}/userId`, code: 'duplicate', detail: 'This user is named before: once each.' });
    seen.add(userId);
    return { userId, amountMinor: parsed.ok ? parsed.minor.toString() : '0' };
  });
  if (errors.length > 0) throw invalidRequest(errors);
  return payouts;
}

/** @throws Problem for whatever is not written down as it was said. */
function refuse(answer: CompletionAnswer, said: Payouts | null): void {
  switch (answer.outcome) {
    case 'already_completed':
      throw new Problem(409, 'already_completed', `The recorded result is ${answer.winner}: the first report counts.`, {
        recorded: { winner: answer.winner, paid: formatMajor(BigInt(answer.paidMinor), answer.currency) },
      });
    case 'voided':
      throw new Problem(409, 'wrong_state', 'This game is void.');
    case 'bank_insufficient':
      throw new Problem(400, 'bank_insufficient', 'Your bank does not have what these payouts come to. Nothing was paid.');
    case 'no_winning_bet': {
      const losers = new Set(answer.userIds); // ten thousand, in a list of as many
      const detail = 'This user has no winning bet in this game.';
      throw brokenRule(
        (said ?? []).flatMap(({ userId }, at) =>
          losers.has(userId) ? [{ pointer: `/payouts/${at}/userId`, code: 'no_winning_bet', detail }] : [],
        ),
      );
    }
    default:
  }
}
