/** A game: users bet, their merchant says who won (maybe twice, and not the same), they are settled; an admin may undo it all. */

import { GAME, GAME_NOTES, GAME_STATES } from '../../src/games/rules/machine.ts';
import { BEHAVIOURS, type GameBehaviour } from '../games/behaviour.ts';
import { act } from '../games/deeds.ts';
import { judgeGame, readPurse } from '../games/judge.ts';
import { CURRENCY, drawGame, type GameOrder, type House, major } from '../games/orders.ts';
import type { Cast, Scenario, Seen, Stop } from '../scenario.ts';
import type { Site } from '../site.ts';

type GameStop = Stop<GameBehaviour>;

const doing =
  (...deeds: readonly string[]): GameStop['comes'] =>
  ({ steps }) =>
    steps.some(({ does }) => deeds.includes(does));

const EVERYBODY: GameStop = { comes: () => true };
const TOLD: GameStop = { ...EVERYBODY, onlyEnded: true };

export const games: Scenario<GameOrder> = {
  name: 'games',
  title: 'Games',
  behaviours: BEHAVIOURS,
  boundaries: {
    'completion.recorded': { comes: doing('complete', 'complete_as_said', 'race', 'complete_and_void') },
    'void.recorded': { comes: doing('void', 'complete_and_void') },
    'game_step.after': EVERYBODY, // between two steps, or before the end
    'game_end.before': EVERYBODY,
    'game_end.after': EVERYBODY,
    'relay.claimed': TOLD,
    in_webhook: TOLD,
    'relay.sent': TOLD,
    'relay.recorded': TOLD,
  },
  ends: Object.fromEntries(GAME_STATES.filter(GAME.isFinal).map((state) => [state, state])),
  tellsEnd: ['game.settled', 'game.partly_settled', 'game.voided', 'game.partly_voided'],
  timelineOnly: GAME_NOTES,
  workflows: ['gameSettlement'],
  settings: {
    GAME_STEP: '2', // so that a game of five is three steps
    GAME_WORKER_CONCURRENCY: '60', // so that a whole round is held in its settlement
  },
  open,
};

/** The relay begins with one delivery in flight for each one's endpoint; and two games of one bank wait for each other. */
const HOUSES = 12;

/** Far more than any run pays out. */
const FUNDS = '50000000.00';
const BANK = '20000000.00';
const BANK_MINOR = 2_000_000_000n;

async function open(site: Site): Promise<Cast<GameOrder>> {
  const { books, customers } = site;
  const houses = await makeHouses(site);
  /** What each bank must have, and what it must hold, by its games. */
  const banks = new Map(houses.map((house) => [house.key, { total: BANK_MINOR, held: 0n, games: new Set<string>() }]));
  let drawn = 0;
  return {
    scenario: games,
    draw(behaviour) {
      drawn += 1;
      return drawGame(site, behaviour, houses[drawn % houses.length] ?? { key: '' });
    },
    see: async (ids) =>
      await books.rows<Seen & Record<string, unknown>>(
        `SELECT id, state AS stage, 1 AS attempt, sequence, needs_operator AS "needsOperator" FROM games WHERE id = ANY ($1)`,
        ids,
      ),
    act: (game, { does }) => act(site, game, does),
    async attend(open) {
      await customers.lookAtSome(open);
    },
    async judge(made, seen) {
      const { outcome, problems } = await judgeGame(site, made, seen);
      const bank = banks.get(made.order.key);
      if (bank && !bank.games.has(made.id)) {
        bank.games.add(made.id);
        bank.total += outcome.bank;
        bank.held += outcome.held;
      }
      return problems;
    },
    async judgeWhole() {
      const read = await Promise.all(houses.map(({ key }) => readPurse(site, '/api/v1/games/bank', key)));
      return houses.flatMap(({ key }, nth) => {
        const { total = 0n, held = 0n } = banks.get(key) ?? {};
        const should = `${major(total - held)} available, ${major(held)} locked`;
        const has = `${read[nth]?.available} available, ${read[nth]?.locked} locked`;
        return has === should ? [] : [`bank ${nth + 1} has ${has}, not ${should}`];
      });
    },
  };
}

async function makeHouses({ adminKey, furnish, server }: Site): Promise<readonly House[]> {
  const admin = adminKey('admin');
  const houses: House[] = [];
  while (houses.length < HOUSES) {
    const { id } = await furnish('POST', '/api/admin/merchants', admin, { name: `House ${houses.length + 1}` });
    const { key } = await furnish('POST', `/api/admin/merchants/${id}/api-keys`, admin, { mode: 'test' });
    const eventTypes = ['game.*', 'game_complete'];
    await furnish('POST', '/api/v1/webhook-endpoints', key, { url: server.urlFor(houses.length), eventTypes });
    await furnish('POST', '/api/v1/test/balance/fund', key, { amount: FUNDS, currency: CURRENCY });
    await furnish('POST', '/api/v1/games/bank/deposit', key, { amount: BANK, currency: CURRENCY });
    houses.push({ key });
  }
  return houses;
}
