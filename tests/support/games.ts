/** Games of a merchant's users, over the real ledger. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { createGameSettlementActivities } from '../../activities/games/settlement.ts';
import { openGame } from '../../src/games/useCases/openGame.ts';
import { type CompletionAnswer, moveBankMoney, placeBet, recordCompletion } from '../../src/ledger/postings.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Books, Owner } from './books.ts';
import { type TestUser, type Users, usersOf } from './users.ts';

export interface TestGame {
  readonly merchantId: string;
  readonly mode: 'test' | 'live';
  readonly gameId: string;
}

export interface Games {
  readonly users: Users;
  /** A merchant whose bank has so much. */
  house(bank: bigint): Promise<Pick<Owner, 'merchantId' | 'mode'>>;
  deposit(house: Pick<Owner, 'merchantId' | 'mode'>, amount: bigint, name?: string): Promise<string>;
  withdraw(house: Pick<Owner, 'merchantId' | 'mode'>, amount: bigint, name?: string): Promise<string>;
  /** A user of the merchant's with so much; the merchant is given it before. */
  player(house: Pick<Owner, 'merchantId' | 'mode'>, purse: bigint): Promise<TestUser>;
  open(house: Pick<Owner, 'merchantId' | 'mode'>): Promise<TestGame>;
  bet(game: TestGame, user: TestUser, side: string, amount: bigint, betId?: string): Promise<string>;
  complete(game: TestGame, winner: string, payouts?: readonly (readonly [TestUser, bigint])[]): Promise<CompletionAnswer>;
  /** The settlement's activity, as its worker runs it. */
  settle(game: TestGame, step?: number): Promise<void>;
  /** The same, of these alone, and no end of the game. */
  settleUsers(game: TestGame, users: readonly TestUser[], name?: 'settle_users' | 'void_users'): Promise<Record<string, unknown>>;
  void(game: TestGame): Promise<string>;
  retry(game: TestGame, key?: string): Promise<string>;
  state(game: TestGame): Promise<{ state: string; held: bigint; needsOperator: boolean; failed: string[] }>;
  bank(house: Pick<Owner, 'merchantId' | 'mode'>): Promise<{ available: bigint; reserved: bigint }>;
  /** `TYPE amount` of each entry of a user's balance, in order. */
  entries(user: TestUser): Promise<string[]>;
  /** The records of `game_complete`, in order. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever it says
  completions(user: TestUser): Promise<any[]>;
}

export function gamesOf(books: Books): Games {
  const { owner: sql, pool } = books.db;
  const users = usersOf(books);
  const outcomeOf = async (text: string, values: unknown[]): Promise<string> =>
    (await pool.query(text, values)).rows[0].answer.outcome;
  const money = async (
    type: 'BANK_DEPOSIT' | 'BANK_WITHDRAW',
    { merchantId, mode }: Pick<Owner, 'merchantId' | 'mode'>,
    amount: bigint,
    name = newId('ext'),
  ) => (await moveBankMoney(pool, { merchantId, mode, type, name, currency: 'INR', amountMinor: String(amount) })).outcome;

  const games: Games = {
    users,
    async house(bank) {
      const house = await books.merchant(0n);
      if (bank > 0n) {
        await books.fund(house, bank, newId('ext'), 'INR');
        await games.deposit(house, bank);
      }
      return house;
    },
    deposit: (house, amount, name) => money('BANK_DEPOSIT', house, amount, name),
    withdraw: (house, amount, name) => money('BANK_WITHDRAW', house, amount, name),
    async player(house, purse) {
      const user = await users.user(house);
      if (purse > 0n) {
        await books.fund(house, purse, newId('ext'), 'INR');
        await users.credit(user, purse, { currency: 'INR' });
      }
      return user;
    },
    async open({ merchantId, mode }) {
      const gameId = newId('gam');
      await openGame({ pool }, { gameId, merchantId, mode, type: 'andar_bahar', currency: 'INR' });
      return { merchantId, mode, gameId };
    },
    bet: async (game, { userId }, side, amount, betId = newId('bet')) =>
      (await placeBet(pool, { ...game, betId, userId, side, amountMinor: String(amount) })).outcome,
    complete: (game, winner, payouts) =>
      recordCompletion(pool, {
        ...game,
        winner,
        payouts: payouts?.map(([{ userId }, amount]) => ({ userId, amountMinor: String(amount) })) ?? null,
      }),
    async settle({ gameId }, step = 500) {
      const { settleGame } = createGameSettlementActivities({ pool, step });
      await new MockActivityEnvironment().run(settleGame, { gameId });
    },
    async settleUsers({ gameId }, all, name = 'settle_users') {
      const { rows } = await pool.query(`SELECT ${name}($1, $2) AS answer`, [gameId, all.map(({ userId }) => userId)]);
      return rows[0].answer;
    },
    void: ({ gameId }) => outcomeOf(`SELECT void_game($1, 'a card was seen', 'admin:adm_1') AS answer`, [gameId]),
    retry: ({ gameId }, key = newId('rty')) => outcomeOf(`SELECT retry_game($1, $2, 'admin:adm_1') AS answer`, [gameId, key]),
    async state({ gameId }) {
      const { rows } = await sql.query(
        `SELECT g.state, g.held, g.needs_operator, ARRAY(SELECT p.user_id || ' ' || p.failure FROM game_players p
           WHERE p.game_id = g.id AND p.failure IS NOT NULL ORDER BY 1) AS failed FROM games g WHERE g.id = $1`,
        [gameId],
      );
      const { state, held, needs_operator: needsOperator, failed } = rows[0];
      return { state, held: BigInt(held), needsOperator, failed };
    },
    async bank({ merchantId, mode }) {
      const { rows } = await sql.query(
        `SELECT available, reserved FROM balances WHERE owner_kind = 'bank' AND owner_id = $1 AND mode = $2 AND currency = 'INR'`,
        [merchantId, mode],
      );
      return { available: BigInt(rows[0]?.available ?? 0), reserved: BigInt(rows[0]?.reserved ?? 0) };
    },
    async entries({ userId }) {
      const { rows } = await sql.query(
        `SELECT e.type || ' ' || e.amount AS line FROM ledger_entries e JOIN balances b ON b.id IN (e.debit_balance, e.credit_balance)
          WHERE b.owner_kind = 'user' AND b.owner_id = $1 ORDER BY e.id`,
        [userId],
      );
      return rows.map(({ line }) => line);
    },
    async completions({ userId }) {
      const { rows } = await sql.query(
        `SELECT object FROM events WHERE subject_kind = 'user' AND subject_id = $1 AND type = 'game_complete' ORDER BY sequence`,
        [userId],
      );
      return rows.map(({ object }) => object);
    },
  };
  return games;
}
