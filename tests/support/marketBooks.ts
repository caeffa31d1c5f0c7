/** Markets of a merchant's users, over the real ledger: their books alone, without the workflows that move them on. */
import {
  coverMarket,
  type Decision,
  decideResolution,
  disputeResolution,
  endPaying,
  endRollback,
  endWindow,
  findCut,
  openResolution,
  planResolution,
  type ResolveAnswer,
  usersLeft,
  walkUsers,
} from '../../src/ledger/distributions.ts';
import { commitStake } from '../../src/ledger/postings.ts';
import { type FeeBase, POSITIONS } from '../../src/markets/rules/market.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Books, Owner } from './books.ts';
import { type TestUser, type Users, usersOf } from './users.ts';

type Tenant = Pick<Owner, 'merchantId' | 'mode'>;

export interface TestMarket extends Tenant {
  readonly marketId: string;
}

export interface MarketOptions {
  readonly options?: readonly string[];
  readonly houseFeeBps?: number;
  readonly creatorFeeBps?: number;
  readonly feeBase?: FeeBase;
  readonly creator?: TestUser;
  readonly closesAt?: Date;
  readonly windowMs?: number;
}

export interface Standing {
  readonly state: string;
  readonly run: number;
  readonly staked: bigint;
  readonly missing: bigint;
  readonly pool: bigint;
}

export interface MarketBooks {
  readonly users: Users;
  open(merchant: Tenant, options?: MarketOptions): Promise<TestMarket>;
  /** A user of the merchant's with so much; the merchant is given it before. */
  player(merchant: Tenant, purse: bigint): Promise<TestUser>;
  commit(market: TestMarket, user: TestUser, option: string, amount: bigint, id?: string): Promise<string>;
  /** By the admin `adm_maker`, without a plan that was seen. */
  resolve(market: TestMarket, outcome: string, resolutionId?: string): Promise<ResolveAnswer>;
  /** The same, opened, with no window: its id. */
  resolved(market: TestMarket, outcome: string): Promise<string>;
  /** From the end of the window to the plan. Answers what stopped it before, or `planned`. */
  plan(resolutionId: string): Promise<string>;
  /** All who are left, so many at a time, as the activity walks; then the end of it. */
  walk(resolutionId: string, step?: number): Promise<string>;
  /** Opened, planned, paid, ended. */
  pay(market: TestMarket, outcome: string, step?: number): Promise<string>;
  /** By the admin `adm_checker`, under a key that is new each time. */
  decide(resolutionId: string, decision: Decision, adminId?: string, key?: string): Promise<string>;
  /** Asked for, undone, ended: the outcome. */
  rollback(resolutionId: string, step?: number): Promise<string>;
  dispute(market: TestMarket, user: TestUser, reason?: string): Promise<string>;
  market(market: TestMarket): Promise<Standing>;
  state(resolutionId: string): Promise<string>;
  purse(user: TestUser): Promise<bigint>;
  debt(user: TestUser): Promise<bigint>;
  merchantHas(merchant: Tenant): Promise<bigint>;
  /** `TYPE amount` of each entry of a user's balance, in order. */
  entries(user: TestUser): Promise<string[]>;
  /** The records of the user's distribution events, in order. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever it says
  told(user: TestUser): Promise<{ type: string; object: any }[]>;
}

const CURRENCY = 'INR';

export function marketBooksOf(books: Books): MarketBooks {
  const { owner: sql, pool } = books.db;
  const users = usersOf(books);
  const one = async (text: string, values: unknown[]) => (await sql.query(text, values)).rows[0];

  const markets: MarketBooks = {
    users,
    async open({ merchantId, mode }, options = {}) {
      const { houseFeeBps = 0, creatorFeeBps = 0, feeBase = 'gross', creator, closesAt, windowMs = 0 } = options;
      const marketId = newId('mkt');
      const named = options.options?.map((id) => ({ id, title: id }));
      await pool.query('SELECT open_market($1)', [
        JSON.stringify({
          marketId,
          merchantId,
          mode,
          type: named ? 'multi' : 'binary',
          title: 'Will it?',
          currency: CURRENCY,
          creatorUserId: creator?.userId ?? null,
          houseFeeBps,
          creatorFeeBps,
          feeBase,
          closesAt: closesAt?.toISOString() ?? null,
          disputeWindowMs: windowMs,
          options: named ?? ['yes', 'no'].map((id) => ({ id, title: id })),
        }),
      ]);
      return { merchantId, mode, marketId };
    },
    async player(merchant, purse) {
      const user = await users.user(merchant);
      if (purse > 0n) {
        await books.fund(merchant, purse, newId('ext'), CURRENCY);
        await users.credit(user, purse, { currency: CURRENCY });
      }
      return user;
    },
    async commit(market, { userId }, optionId, amount, commitmentId = newId('com')) {
      const position = POSITIONS.find((each) => each === optionId) ?? null;
      const request = { ...market, commitmentId, userId, optionId, position, amountMinor: String(amount) };
      return (await commitStake(pool, request)).outcome;
    },
    resolve: ({ marketId }, outcome, resolutionId = newId('res')) =>
      openResolution(pool, { resolutionId, marketId, outcome, evidence: null, adminId: 'adm_maker', planHash: null }),
    async resolved(market, outcome) {
      const answer = await markets.resolve(market, outcome);
      if (answer.outcome !== 'opened') throw new Error(`not opened: ${answer.outcome}`);
      return answer.resolution.id;
    },
    async plan(resolutionId) {
      const window = await endWindow(pool, resolutionId);
      if (window.outcome === 'early') return 'early';
      const cover = await coverMarket(pool, resolutionId);
      if (cover.outcome !== 'whole') return cover.outcome;
      return (await planResolution(pool, resolutionId, await findCut(pool, resolutionId))).outcome;
    },
    async walk(resolutionId, step = 500) {
      const name = (await markets.state(resolutionId)) === 'ROLLING_BACK' ? 'unpay_users' : 'pay_users';
      for (let after = ''; ; ) {
        const left = await usersLeft(pool, resolutionId, after, step);
        if (left.length === 0) break;
        const { apart = [] } = await walkUsers(pool, name, resolutionId, left);
        for (const user of apart) await walkUsers(pool, name, resolutionId, [user]);
        after = left.at(-1) ?? '';
      }
      const end = name === 'pay_users' ? await endPaying(pool, resolutionId, {}) : await endRollback(pool, resolutionId);
      return end.outcome;
    },
    async pay(market, outcome, step) {
      const resolutionId = await markets.resolved(market, outcome);
      const planned = await markets.plan(resolutionId);
      if (planned !== 'planned') throw new Error(`not planned: ${planned}`);
      const ended = await markets.walk(resolutionId, step);
      if (ended !== 'completed') throw new Error(`not completed: ${ended}`);
      return resolutionId;
    },
    decide: async (resolutionId, decision, adminId = 'adm_checker', key = newId('dec')) =>
      (await decideResolution(pool, { resolutionId, adminId, key, via: 'api', decision })).outcome,
    async rollback(resolutionId, step) {
      const asked = await markets.decide(resolutionId, { kind: 'rollback', reason: 'a wrong result' });
      return asked === 'done' ? markets.walk(resolutionId, step) : asked;
    },
    dispute: async (market, { userId }, reason = 'it did not') =>
      (await disputeResolution(pool, { ...market, userId, reason })).outcome,
    async market({ marketId }) {
      const row = await one('SELECT m.state, m.run, m.staked, m.missing, b.available AS pool FROM markets m JOIN balances b ON b.id = m.pool_id WHERE m.id = $1', [marketId]); // biome-ignore format: one glance
      const { state, run, staked, missing, pool: available } = row;
      return { state, run, staked: BigInt(staked), missing: BigInt(missing), pool: BigInt(available) };
    },
    state: async (resolutionId) => (await one('SELECT state FROM resolutions WHERE id = $1', [resolutionId])).state,
    purse: async (user) => (await users.purse(user, CURRENCY)).available,
    async debt({ userId }) {
      return BigInt((await one(`SELECT debt FROM balances WHERE owner_kind = 'user' AND owner_id = $1 AND currency = $2`, [userId, CURRENCY]))?.debt ?? 0); // biome-ignore format: one glance
    },
    merchantHas: async (merchant) => (await books.money(merchant, CURRENCY)).available,
    async entries({ userId }) {
      const { rows } = await sql.query(
        `SELECT e.type || ' ' || e.amount AS line FROM ledger_entries e JOIN balances b ON b.id IN (e.debit_balance, e.credit_balance)
          WHERE b.owner_kind = 'user' AND b.owner_id = $1 ORDER BY e.id`,
        [userId],
      );
      return rows.map(({ line }) => line);
    },
    async told({ userId }) {
      const { rows } = await sql.query(
        `SELECT type, object FROM events WHERE subject_kind = 'user' AND subject_id = $1 AND type LIKE 'distribution.%' ORDER BY sequence`,
        [userId],
      );
      return rows;
    },
  };
  return markets;
}
