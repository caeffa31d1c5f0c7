/** What a merchant, its users and our admins do to a game while it is under way: each may be done again, under the same key. */
import type { Reply } from '../../harness/installation.ts';
import { isRefusal } from '../insist.ts';
import type { Subject } from '../scenario.ts';
import type { Site } from '../site.ts';
import { type GameDeed, PLAYERS, SAID } from './behaviour.ts';
import { type GameOrder, major } from './orders.ts';

interface Request {
  readonly method?: string;
  readonly path: string;
  readonly key: string;
  readonly body: unknown;
  /** That somebody else was quicker is an answer, too. */
  readonly mayBeTooLate?: boolean;
}

const RACE = ['andar', 'bahar', 'andar', 'bahar', 'andar'] as const;

/** At once, where there are several. */
function requestsOf({ adminKey }: Site, { id, order }: Subject<GameOrder>, does: GameDeed): readonly Request[] {
  const { key, players } = order;
  const path = `${order.path}/${id}`;
  const last = players.at(-1) ?? '';
  const complete = (body: object, mayBeTooLate = false): Request => ({ path: `${path}/complete`, key, body, mayBeTooLate });
  const freeze = (frozen: boolean): Request => ({ method: 'PATCH', path: `/api/v1/users/${last}`, key, body: { frozen } });
  const admin = (what: string, role: string, body: object): Request => ({
    path: `/api/admin/games/${id}/${what}`,
    key: adminKey(role),
    body,
  });
  const voids = admin('void', 'approver', { reason: 'a part of the test' });
  const requests: Readonly<Record<GameDeed, () => readonly Request[]>> = {
    bet: () =>
      PLAYERS.flatMap((stakes, nth) =>
        Object.entries(stakes).map(([side, amount]) => ({
          path: `${path}/bets`,
          key,
          body: { userId: players[nth], side, amount: major(amount) },
        })),
      ),
    complete: () => [complete({ winner: 'andar' })],
    complete_as_said: () => [
      complete({
        winner: 'andar',
        payouts: [...SAID].map(([nth, amount]) => ({ userId: players[nth], amount: major(amount) })),
      }),
    ],
    complete_and_void: () => [complete({ winner: 'andar' }, true), voids],
    race: () => RACE.map((winner) => complete({ winner }, true)),
    dispute: () => [complete({ winner: 'bahar' }, true)],
    freeze: () => [freeze(true)],
    thaw: () => [freeze(false)],
    retry: () => [admin('retry', 'operator', {})],
    spend: () => [
      {
        path: `/api/v1/users/${players[0]}/debit`,
        key,
        body: { amount: major(SPENT), currency: order.currency, externalId: `spent-${id}` },
      },
    ],
    void: () => [voids],
  };
  return requests[does]();
}

/** Of the first player, once it has won by the multipliers: everything. */
const SPENT = 30_000n;

/** @throws where it is not clear whether it was done: then do it again. */
export async function act(site: Site, game: Subject<GameOrder>, does: GameDeed): Promise<'done' | 'refused'> {
  const requests = requestsOf(site, game, does);
  const replies = await Promise.all(
    requests.map(({ method = 'POST', path, key, body }, nth) =>
      site.here.call(method, path, { key, body, idempotencyKey: `${does}-${nth}-${game.id}` }),
    ),
  );
  const unclear = replies.find((reply) => !isDone(reply) && !isRefusal(reply));
  if (unclear) throw new Error(`${does} of ${game.id}: ${unclear.status}`);
  return replies.every((reply, nth) => isDone(reply) || (requests[nth]?.mayBeTooLate && reply.status === 409))
    ? 'done'
    : 'refused';
}

/** Written down; the settlement is awaited by whoever looks. */
const isDone = ({ status }: Reply): boolean => status < 300;
