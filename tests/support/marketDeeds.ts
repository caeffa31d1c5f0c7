/** One market, twice: in the real books, and in the model's (model/markets). What can be said and done to it is told to both. */
import { commit, credit, debit, freeze as freezeUser, fund, idOf, newMarket, type Told, type MarketBooks as Twin } from '../../model/markets/books.ts'; // biome-ignore format: a list
import { type Deciding, decide, decideDistribution, dispute, disputeDistribution, endWindow, type Judgement, openResolution, passTime } from '../../model/markets/decisions.ts'; // biome-ignore format: a list
import { cover, endPaying, endRollback, payUsers, plan, planned, stop, unpayUsers } from '../../model/markets/paying.ts';
import * as real from '../../src/ledger/distributions.ts';
import { distributionId } from '../../src/markets/rules/ids.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Books } from './books.ts';
import { type MarketBooks, marketBooksOf, type TestMarket } from './marketBooks.ts';
import { beginPause, endPause } from './pauses.ts';
import type { TestUser } from './users.ts';

const USERS = 4;
const PURSE = 200n;
const MONEY = { currency: 'INR' };
const TERMS = { houseFeeBps: 700, creatorFeeBps: 300, feeBase: 'gross' } as const;
const WINDOW_MS = 3_600_000; // it ends when the walk says so

export interface WalkedMarket {
  readonly books: Books;
  readonly markets: MarketBooks;
  readonly market: TestMarket;
  /** In the order of their ids, which decides who gets what is left over. */
  readonly users: readonly TestUser[];
  /** Of its resolutions, in order. */
  readonly ids: string[];
  pause: string | undefined;
  twin: Twin;
}

export interface MarketDeed {
  readonly name: string;
  really(): Promise<string>;
  twin(now: Twin): Told;
}

export async function beginMarket(books: Books, reviewLimit: bigint | null): Promise<WalkedMarket> {
  const markets = marketBooksOf(books);
  const merchant = await books.merchant(0n);
  if (reviewLimit !== null)
    await books.db.owner.query(`INSERT INTO merchants (id, name, review_limits, webhook_secret) VALUES ($1, 'm', $2, 's')`, [
      merchant.merchantId,
      JSON.stringify({ INR: String(reviewLimit) }),
    ]);
  const users: TestUser[] = [];
  for (let nth = 0; nth < USERS; nth += 1) users.push(await markets.player(merchant, PURSE));
  users.sort((a, b) => (a.userId < b.userId ? -1 : 1));
  const [creator] = users;
  if (!creator) throw new Error('nobody is there');
  const market = await markets.open(merchant, { ...TERMS, creator, windowMs: WINDOW_MS });
  const people = users.map(() => ({ available: PURSE }));
  const twin = newMarket({ terms: TERMS, merchant: 0n, reviewLimit, people, creator: 0 });
  return { books, markets, market, users, ids: [], pause: undefined, twin };
}

/** What the workflow does by itself, whether or not it is time for it. */
export function stepsOf({ books, ids, users, twin }: WalkedMarket, nth: number, at: readonly number[]) {
  const { pool, owner } = books.db;
  const id = ids[nth] ?? '';
  const names = at.map(idOf);
  const userIds = at.flatMap((each) => users[each]?.userId ?? []);
  const walk = (name: 'pay_users' | 'unpay_users', same: typeof payUsers): MarketDeed => ({
    name: `${name} ${names}`,
    async really() {
      const told = await real.walkUsers(pool, name, id, userIds);
      return `${told.outcome} ${(told.apart ?? []).map((apart) => idOf(users.findIndex(({ userId }) => userId === apart)))}`;
    },
    twin(now) {
      const told = same(now, nth, names);
      return { ...told, outcome: `${told.outcome} ${told.apart ?? []}` };
    },
  });
  const step = (name: string, really: () => Promise<{ readonly outcome: string }>, same: (now: Twin) => Told): MarketDeed => ({
    name,
    really: async () => (await really()).outcome,
    twin: same,
  });
  return {
    passTime: {
      name: 'the time to dispute it is over',
      async really() {
        const over = `UPDATE resolutions SET window_until = created_at - interval '1 second' WHERE id = $1 AND state = 'DISPUTE_WINDOW'`;
        await owner.query(over, [id]);
        return 'over';
      },
      twin: (now) => ({ outcome: 'over', books: now.resolutions[nth]?.state === 'DISPUTE_WINDOW' ? passTime(now, nth) : now }),
    },
    endWindow: step('end_window', () => real.endWindow(pool, id), (now) => endWindow(now, nth)), // biome-ignore format: a table
    cover: step('cover', () => real.coverMarket(pool, id), (now) => cover(now, nth)), // biome-ignore format: a table
    plan: step(
      'plan',
      async () => {
        const covered = await real.coverMarket(pool, id);
        return covered.outcome === 'whole' ? await real.planResolution(pool, id, await real.findCut(pool, id)) : covered;
      },
      (now) => {
        const told = cover(now, nth);
        return told.outcome === 'whole' ? plan(told.books, nth, planned(now, twin.resolutions[nth]?.outcome ?? '')) : told;
      },
    ),
    pay: walk('pay_users', payUsers),
    unpay: walk('unpay_users', unpayUsers),
    endPaying: step('end_paying', () => real.endPaying(pool, id, {}), (now) => endPaying(now, nth)), // biome-ignore format: a table
    endRollback: step('end_rollback', () => real.endRollback(pool, id), (now) => endRollback(now, nth)), // biome-ignore format: a table
    stop: step('stop', () => real.stopResolution(pool, id, 'it cannot be'), (now) => stop(now, nth)), // biome-ignore format: a table
  } satisfies Record<string, MarketDeed>;
}

export function decided({ books, ids }: WalkedMarket, nth: number, adminId: string, decision: Deciding, key: string): MarketDeed {
  const resolutionId = ids[nth] ?? '';
  return {
    name: `${adminId} says ${decision.kind} of ${nth}, ${key}`,
    really: async () =>
      (await real.decideResolution(books.db.pool, { resolutionId, adminId, key, via: 'api', decision })).outcome,
    twin: (now) => decide(now, nth, { adminId, key, decision }),
  };
}

export const freezing = ({ markets, users }: WalkedMarket, nth: number, frozen: boolean): MarketDeed => ({
  name: `${idOf(nth)} is ${frozen ? 'frozen' : 'freed'}`,
  async really() {
    const user = users[nth];
    if (user) await markets.users.freeze(user, frozen);
    return 'done';
  },
  twin: (now) => freezeUser(now, idOf(nth), frozen),
});

export const pausing = (world: WalkedMarket): MarketDeed => ({
  name: 'a pause begins, or ends',
  async really() {
    const { pool } = world.books.db;
    if (world.pause === undefined) world.pause = await beginPause(pool, ['merchant', world.market.merchantId]);
    else {
      await endPause(pool, world.pause);
      world.pause = undefined;
    }
    return 'done';
  },
  twin: (now) => ({ outcome: 'done', books: { ...now, isPaused: !now.isPaused } }),
});

export const funding = ({ books, market }: WalkedMarket, amount: bigint): MarketDeed => ({
  name: `the merchant gets ${amount}`,
  async really() {
    await books.fund(market, amount, newId('ext'), MONEY.currency);
    return 'moved';
  },
  twin: (now) => fund(now, amount),
});

const ofUser = ({ users }: WalkedMarket, nth: number): TestUser => {
  const found = users[nth];
  if (!found) throw new Error(`nobody is ${nth}`);
  return found;
};

export const staking = (world: WalkedMarket, nth: number, option: string, amount: bigint): MarketDeed => ({
  name: `${idOf(nth)} stakes ${amount} on ${option}`,
  really: () => world.markets.commit(world.market, ofUser(world, nth), option, amount),
  twin: (now) => commit(now, idOf(nth), option, amount),
});

export const resolving = ({ books, market, ids }: WalkedMarket, adminId: string, outcome: string): MarketDeed => ({
  name: `${adminId} resolves it as ${outcome}`,
  async really() {
    const resolutionId = newId('res');
    const request = { resolutionId, marketId: market.marketId, outcome, evidence: null, adminId, planHash: null };
    const told = await real.openResolution(books.db.pool, request);
    if (told.outcome === 'opened') ids.push(resolutionId);
    return told.outcome;
  },
  twin: (now) => openResolution(now, { id: `resolution ${now.resolutions.length}`, outcome, adminId }),
});

export const disputing = (world: WalkedMarket, nth: number, reason: string): MarketDeed => ({
  name: `${idOf(nth)} disputes it: ${reason}`,
  really: () => world.markets.dispute(world.market, ofUser(world, nth), reason),
  twin: (now) => dispute(now, idOf(nth), reason),
});

/** To the merchant. */
export const givingBack = (world: WalkedMarket, nth: number, amount: bigint): MarketDeed => ({
  name: `${idOf(nth)} gives back ${amount}`,
  really: () => world.markets.users.debit(ofUser(world, nth), amount, MONEY),
  twin: (now) => debit(now, idOf(nth), amount),
});

/** From the merchant. */
export const giving = (world: WalkedMarket, nth: number, amount: bigint): MarketDeed => ({
  name: `${idOf(nth)} gets ${amount}`,
  really: () => world.markets.users.credit(ofUser(world, nth), amount, MONEY),
  twin: (now) => credit(now, idOf(nth), amount),
});

/** Of what a single user was paid by a resolution: the user doubts it, and an admin decides. */
export function doubting(world: WalkedMarket, nth: number, user: number, reason: string): MarketDeed {
  const { books, market, ids } = world;
  const single = distributionId(ids[nth] ?? '', ofUser(world, user).userId);
  return {
    name: `${idOf(user)} disputes what ${nth} paid: ${reason}`,
    really: async () => (await real.disputeDistribution(books.db.pool, { ...market, distributionId: single, reason })).outcome,
    twin: (now) => disputeDistribution(now, nth, idOf(user), reason),
  };
}

export function judging(world: WalkedMarket, nth: number, user: number, judgement: Judgement): MarketDeed {
  const { adminId, key, kind } = judgement;
  const single = distributionId(world.ids[nth] ?? '', ofUser(world, user).userId);
  return {
    name: `${adminId} says ${kind} of what ${nth} paid ${idOf(user)}, ${key}`,
    really: async () =>
      (await real.decideDistribution(world.books.db.pool, { distributionId: single, adminId, key, via: 'api', kind })).outcome,
    twin: (now) => decideDistribution(now, nth, idOf(user), judgement),
  };
}
