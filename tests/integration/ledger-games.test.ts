/** Games: a stake is the user's until somebody has won, the bank can pay whatever may be won, and each player is settled once. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { highestLiability, type Staked, sharesOf } from '../../src/games/rules/payouts.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type Games, gamesOf } from '../support/games.ts';
import type { TestUser } from '../support/users.ts';

const CALLERS = 30;

let books: Books;
let games: Games;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
  games = gamesOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));
const count = (outcomes: readonly string[], outcome: string): number => outcomes.filter((each) => each === outcome).length;
const purse = async (user: TestUser): Promise<bigint> => (await games.users.purse(user, 'INR')).available;

test('what a merchant gives its bank is there once, and comes back once, but not what games hold of it', async () => {
  const house = await games.house(500n);
  await books.fund(house, 100n, 'more', 'INR');
  expect([await games.deposit(house, 100n, 'd1'), await games.deposit(house, 100n, 'd1')]).toEqual(['moved', 'already']);
  expect(await games.deposit(house, 99n, 'd1')).toBe('mismatch');
  expect(await games.withdraw(house, 99n, 'd1')).toBe('mismatch');
  expect(await games.deposit(house, 1n)).toBe('insufficient_balance');
  const game = await games.open(house);
  expect(await games.bet(game, await games.player(house, 200n), 'andar', 200n)).toBe('placed');
  expect(await games.bank(house)).toEqual({ available: 400n, reserved: 200n });
  expect(await games.withdraw(house, 401n)).toBe('insufficient_balance');
  expect(await games.withdraw(house, 400n)).toBe('moved');
  expect(await books.money(house, 'INR')).toEqual({ available: 400n, reserved: 0n });
});

test('a bet takes the stake at once and once; a bank that is one unit short refuses it, and the stake stays where it was', async () => {
  const house = await games.house(299n);
  const game = await games.open(house);
  const user = await games.player(house, 1000n);
  expect(await games.bet(game, user, 'andar', 300n)).toBe('bank_insufficient');
  expect([await purse(user), await games.bank(house)]).toEqual([1000n, { available: 299n, reserved: 0n }]);
  const betId = newId('bet');
  expect([await games.bet(game, user, 'andar', 299n, betId), await games.bet(game, user, 'andar', 299n, betId)]).toEqual([
    'placed',
    'already',
  ]);
  await expect(games.bet(game, user, 'andar', 298n, betId)).rejects.toThrow('another one');
  expect([await purse(user), await games.bank(house)]).toEqual([701n, { available: 0n, reserved: 299n }]);
  // The most that may be lost is that of one side: the other is free up to the same.
  expect(await games.bet(game, user, 'bahar', 300n)).toBe('bank_insufficient');
  expect(await games.bet(game, user, 'bahar', 299n)).toBe('placed');
  expect(await games.bet(game, user, 'bahar', 1n)).toBe('bank_insufficient');
  expect(await games.bet(game, user, 'andar', 403n)).toBe('insufficient_balance');
  expect(await games.entries(user)).toEqual(['USER_CREDIT 1000', 'BET 299', 'BET 299']);
});

test('nobody bets what they have not, while they are frozen, or in somebody else’s game', async () => {
  const house = await games.house(1000n);
  const [game, user] = [await games.open(house), await games.player(house, 10n)];
  expect(await games.bet(game, user, 'andar', 11n)).toBe('insufficient_balance');
  expect(await games.bet(game, await games.users.user(house), 'andar', 1n)).toBe('insufficient_balance');
  await games.users.freeze(user, true);
  expect(await games.bet(game, user, 'andar', 1n)).toBe('user_frozen');
  const stranger = await games.house(1n);
  await expect(games.bet({ ...game, merchantId: stranger.merchantId }, user, 'andar', 1n)).rejects.toThrow('is not of merchant');
  await expect(games.bet(game, await games.player(stranger, 1n), 'andar', 1n)).rejects.toThrow('is not of merchant');
  await expect(games.bet(game, user, 'tie', 1n)).rejects.toThrow();
});

test('the customer’s scenario: three users, their payouts as reported, to the last field', async () => {
  const house = await games.house(30_000_000n);
  const game = await games.open(house);
  const players = [
    { user: await games.player(house, 210_000_000n), bet: 10_000_000n, payout: 10_000_000n, after: 210_000_000n },
    { user: await games.player(house, 150_000_000n), bet: 5_000_000n, payout: 5_000_000n, after: 150_000_000n },
    { user: await games.player(house, 182_500_000n), bet: 2_500_000n, payout: 7_500_000n, after: 187_500_000n },
  ];
  for (const { user, bet } of players) expect(await games.bet(game, user, 'andar', bet)).toBe('placed');
  const report = players.map(({ user, payout }) => [user, payout] as const);
  expect(await games.complete(game, 'andar', report)).toEqual({ outcome: 'recorded' });
  await games.settle(game);
  expect(await games.state(game)).toEqual({ state: 'SETTLED', held: 0n, needsOperator: false, failed: [] });
  for (const { user, bet, payout, after } of players) {
    expect(await purse(user)).toBe(after);
    expect(await games.entries(user)).toEqual([
      `USER_CREDIT ${after - payout + bet}`,
      `BET ${bet}`,
      `STAKE ${bet}`,
      `WIN ${payout}`,
    ]);
    expect(await games.completions(user)).toMatchObject([
      {
        gameId: game.gameId,
        id: user.userId,
        winner: 'andar',
        amountMinor: String(payout),
        totalBetMinor: String(bet),
        netProfitMinor: String(payout - bet),
        result: 'win', // also where there is no profit
        balance: { availableMinor: String(after), reservedMinor: '0', version: 4 },
      },
    ]);
  }
  expect(await games.bank(house)).toEqual({ available: 25_000_000n, reserved: 0n });
});

test('lost stakes go to the bank, a winner gets the multiplier’s prize, and who bet on both sides both', async () => {
  const house = await games.house(1000n);
  const game = await games.open(house);
  const [winner, loser, both] = [await games.player(house, 100n), await games.player(house, 70n), await games.player(house, 50n)];
  await games.bet(game, winner, 'bahar', 100n);
  await games.bet(game, loser, 'andar', 70n);
  await games.bet(game, both, 'andar', 20n);
  await games.bet(game, both, 'bahar', 30n);
  expect(await games.bank(house)).toEqual({ available: 870n, reserved: 130n });
  await games.complete(game, 'bahar');
  await games.settle(game);
  expect([await purse(winner), await purse(loser), await purse(both)]).toEqual([200n, 0n, 60n]);
  expect(await games.bank(house)).toEqual({ available: 960n, reserved: 0n });
  expect((await games.completions(loser))[0]).toMatchObject({ amountMinor: '0', netProfitMinor: '-70', result: 'lose' });
  expect((await games.completions(both))[0]).toMatchObject({ amountMinor: '60', totalBetMinor: '50', result: 'win' });
  const { rows } = await books.db.owner.query('SELECT games, won, lost, wagered, paid FROM user_stats WHERE user_id = $1', [
    both.userId,
  ]);
  expect(rows).toEqual([{ games: 1, won: 1, lost: 0, wagered: '50', paid: '60' }]);
  const bets = await books.db.owner.query(
    'SELECT DISTINCT state, payout_transaction_id AS key FROM bets WHERE user_id = $1 ORDER BY 1',
    [both.userId],
  );
  const key = `game/${game.gameId}/user/${both.userId}`;
  expect(bets.rows).toEqual([
    { state: 'lost', key },
    { state: 'won', key },
  ]);
});

test('a report that pays less than the stakes leaves the rest to the bank; one that names nobody pays nobody', async () => {
  const house = await games.house(1000n);
  const [game, other] = [await games.open(house), await games.open(house)];
  const user = await games.player(house, 200n);
  await games.bet(game, user, 'andar', 100n);
  await games.bet(other, user, 'andar', 100n);
  await games.complete(game, 'andar', [[user, 60n]]);
  await games.settle(game);
  expect([await purse(user), await games.bank(house)]).toEqual([60n, { available: 940n, reserved: 100n }]);
  await games.complete(other, 'andar', []);
  await games.settle(other);
  expect([await purse(user), await games.bank(house)]).toEqual([60n, { available: 1140n, reserved: 0n }]);
  expect((await games.completions(user)).map(({ result }) => result)).toEqual(['win', 'win']);
});

test('payouts that the bank has not, or for who has not bet on the winner, refuse the whole report before anything is written', async () => {
  const house = await games.house(100n);
  const game = await games.open(house);
  const [user, loser] = [await games.player(house, 100n), await games.player(house, 100n)];
  await games.bet(game, user, 'andar', 100n);
  await games.bet(game, loser, 'bahar', 100n);
  expect(await games.complete(game, 'andar', [[user, 201n]])).toEqual({ outcome: 'bank_insufficient' });
  expect(await games.complete(game, 'andar', [[user, 100n], [loser, 1n]])).toEqual({
    outcome: 'no_winning_bet',
    userIds: [loser.userId],
  }); // biome-ignore format: as it reads
  expect(await games.state(game)).toMatchObject({ state: 'OPEN', held: 100n });
  expect(await games.complete(game, 'andar', [[user, 200n]])).toEqual({ outcome: 'recorded' });
  await games.settle(game);
  expect([await purse(user), await games.bank(house)]).toEqual([200n, { available: 100n, reserved: 0n }]);
});

test('20 reports of one result at once settle it once; another winner or other payouts are refused, and operators are told once', async () => {
  const house = await games.house(1000n);
  const game = await games.open(house);
  const user = await games.player(house, 100n);
  await games.bet(game, user, 'andar', 100n);
  const answers = await times(20, (n) => games.complete(game, n === 13 ? 'bahar' : 'andar'));
  const winners = answers.filter(({ outcome }) => outcome !== 'already_completed').length;
  expect([1, 19]).toContain(winners); // whoever was first
  expect(
    count(
      answers.map(({ outcome }) => outcome),
      'recorded',
    ),
  ).toBe(1);
  const recorded = winners === 19 ? 'andar' : 'bahar';
  await Promise.all([games.settle(game), games.settle(game), games.settle(game)]);
  const paid = recorded === 'andar' ? 200n : 0n;
  expect(await purse(user)).toBe(paid);
  expect(await games.complete(game, recorded)).toEqual({ outcome: 'already' });
  if (recorded === 'andar') expect(await games.complete(game, 'andar', [[user, 200n]])).toEqual({ outcome: 'already' });
  if (recorded === 'andar') {
    const otherwise = { outcome: 'already_completed', winner: 'andar', paidMinor: '200', currency: 'INR' };
    expect(await games.complete(game, 'andar', [[user, 199n]])).toEqual(otherwise);
    expect(await games.complete(game, 'andar', [[user, 199n]])).toEqual(otherwise);
  }
  expect(await games.complete(game, recorded === 'andar' ? 'bahar' : 'andar')).toMatchObject({ outcome: 'already_completed' });
  const { rows } = await books.db.owner.query(
    `SELECT count(*)::int AS told, count(DISTINCT op_key)::int AS reports FROM events WHERE subject_id = $1 AND type = 'game.report_refused'`,
    [game.gameId],
  );
  expect(rows[0].told).toBe(rows[0].reports);
  expect(await games.state(game)).toMatchObject({ state: 'SETTLED', needsOperator: true });
  expect(await purse(user)).toBe(paid);
});

test('bets at the instant of completion are either in the game, and settled with it, or refused: no stake is lost', async () => {
  const house = await games.house(100_000n);
  const game = await games.open(house);
  const players = await times(28, () => games.player(house, 100n));
  const bets: Promise<string>[] = players.map((user) => games.bet(game, user, 'andar', 100n));
  const [placed] = await Promise.all([Promise.all(bets), games.complete(game, 'andar')]);
  await games.settle(game, 5);
  const after = await Promise.all(players.map(purse));
  expect(placed.map((outcome) => (outcome === 'placed' ? 200n : 100n))).toEqual(after);
  expect(placed.filter((outcome) => outcome !== 'placed' && outcome !== 'game_closed')).toEqual([]);
});

test('a frozen user among 1,000 leaves 999 paid; he is named, and is paid once he is free and somebody retries', async () => {
  const house = await games.house(1_000_000n);
  const game = await games.open(house);
  const players: TestUser[] = [];
  for (let left = 40; left > 0; left -= 1) players.push(...(await times(25, () => games.player(house, 100n))));
  for (let from = 0; from < players.length; from += 25)
    await Promise.all(
      players.slice(from, from + 25).map((user, n) => games.bet(game, user, n % 2 === 0 ? 'andar' : 'bahar', 100n)),
    );
  const frozen = players[500] as TestUser; // on andar
  await games.users.freeze(frozen, true);
  await games.complete(game, 'andar');
  await games.settle(game);
  expect(await games.state(game)).toEqual({
    state: 'PARTLY_SETTLED',
    held: 100n,
    needsOperator: true,
    failed: [`${frozen.userId} user_frozen`],
  });
  const { rows } = await books.db.owner.query(
    `SELECT count(*)::int AS settled FROM game_players WHERE game_id = $1 AND state = 'settled'`,
    [game.gameId],
  );
  expect(rows).toEqual([{ settled: 999 }]);
  await books.expectInOrder();
  expect(await games.retry(game, 'too-early')).toBe('begun');
  await games.settle(game);
  expect((await games.state(game)).state).toBe('PARTLY_SETTLED');
  await games.users.freeze(frozen, false);
  expect(await games.retry(game, 'too-early')).toBe('already'); // an answer that was lost begins nothing more
  expect(await games.retry(game)).toBe('begun');
  expect(await games.retry(game)).toBe('wrong_state');
  await games.settle(game);
  expect(await games.state(game)).toEqual({ state: 'SETTLED', held: 0n, needsOperator: false, failed: [] });
  expect(await purse(frozen)).toBe(200n);
});

test('a user who is settled again, alone or among others, by whoever, is paid once, and the database itself refuses a second win', async () => {
  const house = await games.house(1000n);
  const game = await games.open(house);
  const [user, other] = [await games.player(house, 100n), await games.player(house, 100n)];
  await games.bet(game, user, 'andar', 100n);
  await games.bet(game, other, 'andar', 100n);
  await games.complete(game, 'andar');
  expect(await games.settleUsers(game, [user])).toMatchObject({ settled: 1 });
  const both = await times(10, () => games.settleUsers(game, [other, user]));
  expect(both.reduce((sum, { settled }) => sum + Number(settled), 0)).toBe(1);
  expect([await purse(user), await purse(other)]).toEqual([200n, 200n]);
  const again = (table: string) => `INSERT INTO ${table} SELECT * FROM ${table}`;
  await expect(
    books.db.owner.query(
      `INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount)
       SELECT op_key, leg, type, debit_account, credit_account, currency, amount FROM ledger_entries WHERE op_key = $1`,
      [`game/${game.gameId}/user/${user.userId}`],
    ),
  ).rejects.toThrow('ledger_entries_pkey');
  await expect(books.db.owner.query(`${again('game_players')} WHERE user_id = $1`, [user.userId])).rejects.toThrow('unique');
  await expect(
    books.db.owner.query('UPDATE game_players SET settlement_key = $1 WHERE user_id = $2', [
      `game/${game.gameId}/user/${user.userId}/2`,
      user.userId,
    ]),
  ).rejects.toThrow('settlement_key_natural');
});

test('what a step of players meets that no function knows keeps only the one it belongs to', async () => {
  const house = await games.house(1000n);
  const game = await games.open(house);
  const [user, broken] = [await games.player(house, 100n), await games.player(house, 100n)];
  await games.bet(game, user, 'andar', 100n);
  await games.bet(game, broken, 'andar', 100n);
  await games.complete(game, 'andar');
  await books.db.owner.query(`ALTER TABLE user_stats ADD CONSTRAINT broken CHECK (user_id <> '${broken.userId}') NOT VALID`);
  await games.settle(game);
  expect((await games.state(game)).failed).toEqual([`${broken.userId} internal_error`]);
  expect([await purse(user), await purse(broken)]).toEqual([200n, 0n]);
  await books.db.owner.query('ALTER TABLE user_stats DROP CONSTRAINT broken');
  await games.retry(game);
  await games.settle(game);
  expect(await purse(broken)).toBe(200n);
});

test('a game that nobody completes in its time is shown to operators, once, and may still be completed', async () => {
  const house = await games.house(100n);
  const game = await games.open(house);
  await books.db.owner.query(`UPDATE games SET overdue_at = now() - interval '1 minute' WHERE id = $1`, [game.gameId]);
  const flag = async () => (await books.db.pool.query('SELECT flag_overdue_games(100) AS n')).rows[0].n;
  expect([await flag(), await flag()]).toEqual([1, 0]);
  expect(await games.state(game)).toMatchObject({ state: 'OPEN', needsOperator: true });
  await games.complete(game, 'andar');
  await games.settle(game);
  expect(await games.state(game)).toMatchObject({ state: 'SETTLED', needsOperator: false });
});

test('a game whose settlement or void does not come to an end is shown to operators, again where somebody has only looked', async () => {
  const house = await games.house(100n);
  const game = await games.open(house);
  await games.complete(game, 'andar');
  const quiet = () =>
    books.db.owner.query(`UPDATE games SET updated_at = now() - interval '16 minutes' WHERE id = $1`, [game.gameId]);
  const flag = async () => (await books.db.pool.query('SELECT flag_overdue_games(100) AS n')).rows[0].n;
  const look = () => books.db.pool.query(`SELECT acknowledge_game($1, 'looked', $2, 'admin:adm_1')`, [game.gameId, newId('req')]);
  expect(await flag()).toBe(0);
  await quiet();
  expect([await flag(), await flag()]).toEqual([1, 0]);
  expect(await games.state(game)).toMatchObject({ state: 'SETTLING', needsOperator: true });
  await quiet();
  expect(await flag()).toBe(0); // on the list already
  await look();
  expect(await games.state(game)).toMatchObject({ needsOperator: false });
  await quiet();
  expect(await flag()).toBe(1);
  await look();
  await games.void(game);
  await quiet();
  expect(await flag()).toBe(1);
  expect(await games.state(game)).toMatchObject({ state: 'VOIDING', needsOperator: true });
  await games.settle(game);
  expect(await games.state(game)).toMatchObject({ state: 'VOIDED', needsOperator: true }); // somebody should still ask why
});

test('games, bets, credits and freezes side by side never deadlock, and the books are right at every moment of it', async () => {
  const house = await games.house(1_000_000n);
  const players = await times(8, () => games.player(house, 10_000n));
  let running = true;
  const watch = (async () => {
    let looks = 0;
    for (; running; looks += 1) expect(await books.broken()).toEqual([]);
    return looks;
  })();
  await times(6, async (n) => {
    for (let round = 0; round < 3; round += 1) {
      const game = await games.open(house);
      const bets = players.map((user, at) => games.bet(game, user, (at + n) % 2 === 0 ? 'andar' : 'bahar', BigInt(at + 1) * 10n));
      const user = players[(n + round) % players.length] as TestUser;
      await Promise.all([...bets, games.users.credit(user, 1n), games.users.freeze(user, round % 2 === 0)]);
      await games.complete(game, n % 2 === 0 ? 'andar' : 'bahar');
      await Promise.all([games.settle(game, 3), n === 5 ? games.void(game) : games.settle(game, 100)]);
      await games.settle(game);
    }
  });
  running = false;
  expect(await watch).toBeGreaterThan(0);
});

const stakes = fc.array(
  fc.record({ player: fc.nat(4), side: fc.constantFrom('andar', 'bahar'), amount: fc.bigInt({ min: 1n, max: 500n }) }),
  { minLength: 1, maxLength: 12 },
);
const multipliers = fc.tuple(fc.integer({ min: 10_000, max: 35_000 }), fc.integer({ min: 10_000, max: 35_000 }));

test('whatever is bet at whatever multipliers, the books hold and pay to the unit what the rules say', async () => {
  const house = await games.house(1_000_000n);
  const players = await times(5, () => games.player(house, 1_000_000n));
  await fc.assert(
    fc.asyncProperty(stakes, multipliers, fc.constantFrom('andar', 'bahar'), async (placed, [andar, bahar], winner) => {
      const game = await games.open(house);
      const sides = [
        { side: 'andar', multiplierBps: andar },
        { side: 'bahar', multiplierBps: bahar },
      ];
      for (const { side, multiplierBps } of sides)
        await books.db.owner.query('UPDATE game_sides SET multiplier_bps = $1 WHERE game_id = $2 AND side = $3', [
          multiplierBps,
          game.gameId,
          side,
        ]);
      const staked: Staked[] = [];
      for (const { player, side, amount } of placed) {
        const user = players[player] as TestUser;
        expect(await games.bet(game, user, side, amount)).toBe('placed');
        staked.push({ userId: user.userId, side, amountMinor: amount });
        expect((await games.state(game)).held).toBe(highestLiability(staked, sides));
      }
      await games.complete(game, winner);
      await games.settle(game);
      const { rows } = await books.db.owner.query<{ user_id: string; stake_won: string; payout: string }>(
        'SELECT user_id, stake_won, payout FROM game_players WHERE game_id = $1',
        [game.gameId],
      );
      const shares = sharesOf(staked, sides, winner);
      expect(rows).toHaveLength(shares.size);
      for (const { user_id, stake_won, payout } of rows)
        expect(shares.get(user_id)).toMatchObject({ stakeWonMinor: BigInt(stake_won), payoutMinor: BigInt(payout) });
    }),
    { numRuns: 40 },
  );
  await books.expectInOrder();
});
