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
  await books.stop();
});

const owedBy = async ({ userId }: TestUser): Promise<bigint> => {
  const { rows } = await books.db.owner.query(
    `SELECT coalesce(sum(d.owed), 0) AS owed FROM debts d JOIN balances b ON b.id = d.balance_id WHERE b.owner_id = $1`,
    [userId],
  );
  return BigInt(rows[0].owed);
};
const availableOf = async (user: TestUser): Promise<bigint> => (await games.users.purse(user, 'INR')).available;

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
  await books.expectInOrder();
}, 180_000);
