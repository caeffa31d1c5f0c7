/** A void is the exact inverse of whatever was done before it: nobody keeps a win, nobody loses a stake, and the bank is made whole. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Books, openBooks } from '../support/books.ts';
import { type Games, gamesOf } from '../support/games.ts';
import type { TestUser } from '../support/users.ts';

const PURSE = 1_000n;
const BANK = 10_000n;

let books: Books;
let games: Games;
beforeAll(async () => {
  books = await openBooks();
  games = gamesOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const owedBy = async ({ userId }: TestUser): Promise<bigint> => {
  const { rows } = await books.db.owner.query(
    `SELECT coalesce(sum(d.owed), 0) AS owed FROM debts d JOIN balances b ON b.id = d.balance_id WHERE b.owner_id = $1`,
    [userId],
  );
  return BigInt(rows[0].owed);
};
const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));
const availableOf = async (user: TestUser): Promise<bigint> => (await games.users.purse(user, 'INR')).available;

test('a void before anybody is settled gives every stake back, and the bank its reserve', async () => {
  const house = await games.house(1000n);
  const game = await games.open(house);
  const [user, frozen] = [await games.player(house, 100n), await games.player(house, 50n)];
  await games.bet(game, user, 'andar', 100n);
  await games.bet(game, frozen, 'bahar', 50n);
  await games.users.freeze(frozen, true);
  expect([await games.void(game), await games.void(game)]).toEqual(['begun', 'already']);
  await games.settle(game);
  expect([await availableOf(user), await availableOf(frozen), await games.bank(house)]).toEqual([
    100n,
    0n,
    { available: 1000n, reserved: 0n },
  ]);
  expect(await games.state(game)).toMatchObject({ state: 'PARTLY_VOIDED', failed: [`${frozen.userId} user_frozen`] });
  expect(await games.complete(game, 'andar')).toEqual({ outcome: 'voided' });
  expect(await games.bet(game, user, 'andar', 1n)).toBe('game_closed');
  expect(await games.completions(user)).toMatchObject([
    {
      winner: null,
      result: 'push',
      amountMinor: '100',
      totalBetMinor: '100',
      netProfitMinor: '0',
      balance: { availableMinor: '100' },
    },
  ]);
  await games.users.freeze(frozen, false);
  await games.retry(game);
  await games.settle(game);
  expect([await availableOf(frozen), (await games.state(game)).state]).toEqual([50n, 'VOIDED']);
});

test('a void after the settlement undoes it to the unit; who has spent the win owes it to the bank, and repays it first', async () => {
  const house = await games.house(1000n);
  const game = await games.open(house);
  const [rich, poor, loser] = [await games.player(house, 100n), await games.player(house, 100n), await games.player(house, 70n)];
  await games.bet(game, rich, 'andar', 100n);
  await games.bet(game, poor, 'andar', 100n);
  await games.bet(game, loser, 'bahar', 70n);
  await games.complete(game, 'andar');
  await games.settle(game);
  expect(await games.users.debit(poor, 180n, { currency: 'INR' })).toBe('moved'); // of 200, 20 are left
  await games.void(game);
  await games.settle(game);
  expect((await games.state(game)).state).toBe('VOIDED');
  expect([await availableOf(rich), await availableOf(poor), await availableOf(loser)]).toEqual([100n, 0n, 70n]);
  expect(await games.bank(house)).toEqual({ available: 920n, reserved: 0n }); // 80 are owed
  const debts = await books.db.owner.query('SELECT owed FROM debts WHERE subject_id = $1', [game.gameId]);
  expect(debts.rows).toEqual([{ owed: '80' }]);
  const { rows } = await books.db.owner.query('SELECT games, won, lost, wagered, paid FROM user_stats WHERE user_id = $1', [
    poor.userId,
  ]);
  expect(rows).toEqual([{ games: 0, won: 0, lost: 0, wagered: '0', paid: '0' }]);
  await games.users.credit(poor, 100n, { currency: 'INR' });
  expect([await availableOf(poor), await games.bank(house)]).toEqual([20n, { available: 1000n, reserved: 0n }]);
});

test('who owes and wins repays first, and everybody else in the step is paid with the others', async () => {
  const house = await games.house(1000n);
  const [first, second] = [await games.open(house), await games.open(house)];
  const [debtor, other] = [await games.player(house, 100n), await games.player(house, 100n)];
  await games.bet(first, debtor, 'andar', 50n);
  await games.complete(first, 'andar');
  await games.settle(first);
  await games.bet(second, debtor, 'andar', 30n);
  await games.bet(second, other, 'andar', 100n);
  await games.users.debit(debtor, 120n, { currency: 'INR' }); // has nothing but the stake in the second game
  await games.void(first);
  await games.settle(first); // owes 50
  await games.complete(second, 'andar');
  expect(await games.settleUsers(second, [debtor, other])).toMatchObject({ settled: 1, apart: [debtor.userId] });
  await games.settle(second);
  expect([await availableOf(debtor), await availableOf(other)]).toEqual([10n, 200n]);
  expect(await games.entries(debtor)).toEqual(expect.arrayContaining(['WIN 60', 'REPAY 50']));
  expect((await games.completions(debtor)).at(-1)).toMatchObject({ amountMinor: '60', balance: { availableMinor: '10' } });
});

test('a bank that has paid out what it won keeps a void from nobody but those it cannot give their stakes back', async () => {
  const house = await games.house(100n);
  const game = await games.open(house);
  const [winner, loser] = [await games.player(house, 50n), await games.player(house, 90n)];
  await games.bet(game, winner, 'andar', 50n);
  await games.bet(game, loser, 'bahar', 90n);
  await games.complete(game, 'andar');
  await games.settle(game);
  expect(await games.withdraw(house, 140n)).toBe('moved'); // all that it has
  await games.void(game);
  await games.settle(game);
  expect([await availableOf(winner), await availableOf(loser)]).toEqual([50n, 0n]);
  expect((await games.state(game)).failed).toEqual([`${loser.userId} bank_insufficient`]);
  await games.deposit(house, 140n);
  await games.retry(game);
  await games.settle(game);
  expect([await availableOf(loser), (await games.state(game)).state]).toEqual([90n, 'VOIDED']);
  expect(await games.bank(house)).toEqual({ available: 100n, reserved: 0n });
});

test('a winner who has spent it all is voided though the bank has nothing: the win pays the stake, and the rest is owed', async () => {
  const house = await games.house(100n);
  const game = await games.open(house);
  const winner = await games.player(house, 50n);
  await games.bet(game, winner, 'andar', 50n);
  await games.complete(game, 'andar');
  await games.settle(game);
  expect(await games.users.debit(winner, 100n, { currency: 'INR' })).toBe('moved');
  expect(await games.withdraw(house, 50n)).toBe('moved'); // all that it has
  await games.void(game);
  await games.settle(game);
  expect(await games.state(game)).toMatchObject({ state: 'VOIDED', failed: [] });
  expect([await availableOf(winner), await owedBy(winner), await games.bank(house)]).toEqual([
    0n,
    50n,
    { available: 0n, reserved: 0n },
  ]);
});

test('of a void game winners give back before losers get their stakes, whoever comes first and however few go in a step', async () => {
  const house = await games.house(90n);
  const game = await games.open(house);
  const [loser, winner, late] = [await games.player(house, 60n), await games.player(house, 90n), await games.player(house, 30n)];
  await games.bet(game, loser, 'bahar', 60n);
  await games.bet(game, winner, 'andar', 90n);
  await games.bet(game, late, 'bahar', 30n);
  await games.complete(game, 'andar');
  await games.settle(game);
  expect(await games.withdraw(house, 90n)).toBe('moved'); // all that it has
  await games.void(game);
  await games.settle(game, 1);
  expect(await games.state(game)).toMatchObject({ state: 'VOIDED', failed: [] });
  expect(await Promise.all([loser, winner, late].map(availableOf))).toEqual([60n, 90n, 30n]);
  expect(await games.bank(house)).toEqual({ available: 0n, reserved: 0n });
});

test('a void in the middle of a settlement gives everybody the stakes back, whoever was settled already', async () => {
  const house = await games.house(10_000n);
  const game = await games.open(house);
  const players = await times(20, () => games.player(house, 100n));
  await Promise.all(players.map((user, n) => games.bet(game, user, n % 3 === 0 ? 'bahar' : 'andar', 100n)));
  await games.complete(game, 'andar');
  await games.settleUsers(game, players.slice(0, 7));
  await Promise.all([games.settle(game, 3), games.void(game), games.settle(game, 2)]);
  await games.settle(game);
  expect((await games.state(game)).state).toBe('VOIDED');
  expect(await Promise.all(players.map(availableOf))).toEqual(players.map(() => 100n));
  expect(await games.bank(house)).toEqual({ available: 10_000n, reserved: 0n });
});

const stories = fc.record({
  bets: fc.array(
    fc.record({ player: fc.nat(3), side: fc.constantFrom('andar', 'bahar'), amount: fc.bigInt({ min: 1n, max: 200n }) }),
    { minLength: 1, maxLength: 8 },
  ),
  /** Undefined: nobody says who won. */
  winner: fc.constantFrom('andar', 'bahar', undefined),
  /** How many of the players are settled before. */
  settled: fc.nat(4),
  /** What each takes out before the void, of a hundred parts of what there is then. */
  spent: fc.array(fc.bigInt({ min: 0n, max: 100n }), { minLength: 4, maxLength: 4 }),
  /** Voided one after the other, or together. */
  apart: fc.boolean(),
});

test('whenever a game is voided, and whatever was spent meanwhile, everybody has what they had, or owes what is missing', async () => {
  await fc.assert(
    fc.asyncProperty(stories, async ({ bets, winner, settled, spent, apart }) => {
      const house = await games.house(BANK);
      const game = await games.open(house);
      const players: TestUser[] = [];
      for (let left = 4; left > 0; left -= 1) players.push(await games.player(house, PURSE));
      for (const { player, side, amount } of bets)
        expect(await games.bet(game, players[player] as TestUser, side, amount)).toBe('placed');
      if (winner !== undefined) {
        expect((await games.complete(game, winner)).outcome).toBe('recorded');
        if (settled > 0) await games.settleUsers(game, players.slice(0, settled));
      }
      const taken: bigint[] = [];
      for (const [at, user] of players.entries()) {
        const part = ((await availableOf(user)) * (spent[at] ?? 0n)) / 100n;
        if (part > 0n) expect(await games.users.debit(user, part, { currency: 'INR' })).toBe('moved');
        taken.push(part);
      }
      expect(await games.void(game)).toBe('begun');
      if (apart) for (const user of players) await games.settleUsers(game, [user], 'void_users');
      await games.settle(game);
      expect(await games.state(game)).toEqual({ state: 'VOIDED', held: 0n, needsOperator: false, failed: [] });

      let owed = 0n;
      for (const [at, user] of players.entries()) {
        const [available, missing] = [await availableOf(user), await owedBy(user)];
        expect(available - missing).toBe(PURSE - (taken[at] ?? 0n));
        expect(available === 0n || missing === 0n).toBe(true); // nobody owes who could pay
        owed += missing;
      }
      expect(await games.bank(house)).toEqual({ available: BANK - owed, reserved: 0n });
      for (const user of players) {
        const missing = await owedBy(user);
        if (missing > 0n) await games.users.credit(user, missing, { currency: 'INR' });
      }
      expect(await games.bank(house)).toEqual({ available: BANK, reserved: 0n });
    }),
    { numRuns: 40 },
  );
});
