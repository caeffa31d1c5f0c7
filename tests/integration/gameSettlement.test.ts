/** A game that has been decided is settled to its end, whoever dies meanwhile and however often it is told; each player once. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancelled } from '@temporalio/activity';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createLookAfterActivities } from '../../activities/games/lookAfter.ts';
import { createGameSettlementActivities } from '../../activities/games/settlement.ts';
import { createGamesClient, type GamesClient } from '../../src/games/client.ts';
import { settlementWorkflowId } from '../../src/games/rules/game.ts';
import { openBooks } from '../support/books.ts';
import { dyingAfter } from '../support/dying.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { type Games, gamesOf, type TestGame } from '../support/games.ts';
import { beginPause, endPause } from '../support/pauses.ts';
import type { TestUser } from '../support/users.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let engine: Engine;
let games: Games;
let client: GamesClient;
let stopWorker: () => Promise<void>;
let stopGames: (() => Promise<void>) | undefined;

beforeAll(async () => {
  engine = await startEngine();
  games = gamesOf(await openBooks({ on: engine.db }));
  client = createGamesClient(engine.client);
  stopWorker = await engine.startWorker();
});
afterAll(async () => {
  await stopGames?.();
  await stopWorker();
  await engine.stop();
});

/** Five players on andar and five on bahar, of a hundred each. */
async function decided(): Promise<{ game: TestGame; players: TestUser[] }> {
  const house = await games.house(10_000n);
  const game = await games.open(house);
  const players: TestUser[] = [];
  for (let n = 0; n < 10; n += 1) {
    const user = await games.player(house, 100n);
    await games.bet(game, user, n % 2 === 0 ? 'andar' : 'bahar', 100n);
    players.push(user);
  }
  expect((await games.complete(game, 'andar')).outcome).toBe('recorded');
  return { game, players };
}

const result = ({ gameId }: TestGame) => engine.client.workflow.getHandle(settlementWorkflowId(gameId)).result();
const PAID = Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? 200n : 0n));
const pursesOf = (players: readonly TestUser[]) =>
  Promise.all(players.map(async (user) => (await games.users.purse(user, 'INR')).available));
const heard = (players: readonly TestUser[]) => Promise.all(players.map(async (user) => (await games.completions(user)).length));

test('a game is settled by one workflow, however many tell it', async () => {
  stopGames = await engine.startGames();
  const { game, players } = await decided();
  await Promise.all(Array.from({ length: 20 }, () => client.settle(game.gameId)));
  await result(game);
  expect(await games.state(game)).toMatchObject({ state: 'SETTLED', held: 0n });
  expect([await pursesOf(players), await heard(players)]).toEqual([PAID, players.map(() => 1)]);
});

test.each([1, 2, 3, 4, 5])(
  'a worker that dies after step %i leaves the rest to the next one, and nobody is paid twice or told twice',
  async (steps) => {
    await stopGames?.();
    const dying = createGameSettlementActivities({
      pool: dyingAfter(engine.db.pool, steps, /settle_users|void_users|end_game/),
      step: 3,
    });
    const whole = createGameSettlementActivities({ pool: engine.db.pool, step: 3 });
    let tries = 0;
    const settleGame = async (input: { gameId: string }) => {
      tries += 1;
      await (tries === 1 ? dying : whole).settleGame(input);
    };
    stopGames = await engine.startGames({ activities: { settleGame } });
    const { game, players } = await decided();
    await client.settle(game.gameId);
    await result(game);
    expect(tries).toBeGreaterThan(1);
    expect(await games.state(game)).toMatchObject({ state: 'SETTLED', held: 0n });
    expect([await pursesOf(players), await heard(players)]).toEqual([PAID, players.map(() => 1)]);
  },
);

test('a retry that comes while the settlement ends is not lost', async () => {
  await stopGames?.();
  const { settleGame } = createGameSettlementActivities({ pool: engine.db.pool, step: 500 });
  let isHeld = true;
  let reached: () => void = () => undefined;
  const atItsEnd = new Promise<void>((resolve) => {
    reached = resolve;
  });
  stopGames = await engine.startGames({
    activities: {
      async settleGame(input: { gameId: string }) {
        await settleGame(input);
        reached();
        while (isHeld) await new Promise((resolve) => setTimeout(resolve, 20));
      },
    },
  });
  const { game, players } = await decided();
  const [frozen] = players as [TestUser];
  await games.users.freeze(frozen, true);
  await client.settle(game.gameId);
  await atItsEnd;
  expect((await games.state(game)).state).toBe('PARTLY_SETTLED');
  await games.users.freeze(frozen, false);
  expect(await games.retry(game)).toBe('begun');
  await client.settle(game.gameId); // the workflow runs: it is told, not started
  isHeld = false;
  await result(game);
  expect((await games.state(game)).state).toBe('SETTLED');
  expect(await pursesOf(players)).toEqual(PAID);
});

test('a game is voided by the same workflow, started again for it', async () => {
  await stopGames?.();
  stopGames = await engine.startGames();
  const { game, players } = await decided();
  await client.settle(game.gameId);
  await result(game);
  await games.void(game);
  await client.settle(game.gameId);
  await result(game);
  expect((await games.state(game)).state).toBe('VOIDED');
  expect([await pursesOf(players), await heard(players)]).toEqual([players.map(() => 100n), players.map(() => 2)]);
});

test('a game whose settlement was never told is taken up by whoever looks after games, once it has been quiet', async () => {
  const { game, players } = await decided(); // and the process that was to tell it is gone
  const { lookAfterGames } = createLookAfterActivities({ pool: engine.db.pool, games: client });
  const look = () => new MockActivityEnvironment().run(lookAfterGames) as ReturnType<typeof lookAfterGames>;
  expect((await look()).takenUp).toBe(0);
  await engine.db.owner.query(`UPDATE games SET updated_at = now() - interval '2 minutes' WHERE id = $1`, [game.gameId]);
  expect((await look()).takenUp).toBe(1);
  await result(game);
  expect(await pursesOf(players)).toEqual(PAID);
});

test('a game that cannot be told is no reason why those behind it are not, however many there are', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.push((await decided()).game.gameId);
  await engine.db.owner.query(`UPDATE games SET updated_at = now() - interval '2 minutes' WHERE id = ANY ($1)`, [ids]);
  const told: string[] = [];
  const settle = async (gameId: string): Promise<void> => {
    if (gameId === ids[0]) throw new Error('somebody else has its name');
    told.push(gameId);
  };
  const { lookAfterGames } = createLookAfterActivities({ pool: engine.db.pool, games: { settle }, page: 2 });
  expect(await new MockActivityEnvironment().run(lookAfterGames)).toMatchObject({ takenUp: 4 });
  expect(told).toEqual(ids.slice(1));
  const away = createLookAfterActivities({
    pool: engine.db.pool,
    games: {
      async settle(gameId) {
        told.push(gameId);
        throw new Error('Temporal is away');
      },
    },
  });
  told.length = 0;
  await expect(new MockActivityEnvironment().run(away.lookAfterGames)).rejects.toThrow('Temporal is away');
  expect(told).toHaveLength(3); // and not all of them, one after the other in vain
  for (const id of ids) await client.settle(id);
  for (const id of ids) await engine.client.workflow.getHandle(settlementWorkflowId(id)).result(); // the next test counts its own steps
});

test('a settlement stops under a pause, and is taken up after it, each player paid once', async () => {
  await stopGames?.();
  stopGames = await engine.startGames({ activities: createGameSettlementActivities({ pool: engine.db.pool, step: 3 }) });
  const { game, players } = await decided();
  const by = await beginPause(engine.db.pool, ['flow', 'games']);
  await client.settle(game.gameId);
  await result(game); // it does not stay and ask
  expect((await games.state(game)).state).toBe('SETTLING');
  expect(await heard(players)).toEqual(players.map(() => 0));
  await engine.db.owner.query(`UPDATE games SET updated_at = now() - interval '2 minutes' WHERE id = $1`, [game.gameId]);
  const { lookAfterGames } = createLookAfterActivities({ pool: engine.db.pool, games: client });
  const look = () => new MockActivityEnvironment().run(lookAfterGames) as ReturnType<typeof lookAfterGames>;
  await look();
  expect(await heard(players)).toEqual(players.map(() => 0));
  await endPause(engine.db.pool, by);
  expect((await look()).takenUp).toBeGreaterThan(0);
  await result(game);
  expect([await pursesOf(players), await heard(players)]).toEqual([PAID, players.map(() => 1)]);
});

test('what a worker has written down, and nobody has heard of, is not done again by the next one', async () => {
  await stopGames?.();
  const { settleGame } = createGameSettlementActivities({ pool: engine.db.pool, step: 4 });
  const stopStill = await engine.startGames({
    activities: {
      async settleGame(input: { gameId: string }) {
        await settleGame(input); // all of it, and nobody hears of it
        await cancelled().catch(() => undefined);
        throw new Error('gone');
      },
    },
  });
  const { game, players } = await decided();
  await client.settle(game.gameId);
  while ((await games.state(game)).state !== 'SETTLED') await new Promise((resolve) => setTimeout(resolve, 20));
  await stopStill();
  stopGames = await engine.startGames();
  await result(game);
  expect([await pursesOf(players), await heard(players)]).toEqual([PAID, players.map(() => 1)]);
});
