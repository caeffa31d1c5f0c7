/**
 * The model of markets explores pure twins of the ledger's functions. Here random walks tell the real functions and the twins the
 * same, in whatever order: answers, pool, resolutions and users must be equal, or the proof would be about something else; the books
 * are in order after every step; and in the end nobody has lost a unit.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { MarketBooks as Twin } from '../../model/markets/books.ts';
import { randomOf } from '../../model/walk.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { marketChecks } from '../../src/markets/invariants.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { beginMarket, decided, freezing, funding, type MarketDeed, pausing, stepsOf, type WalkedMarket } from '../support/marketDeeds.ts'; // biome-ignore format: a list
import { drawDeed, SPENT_AND_TAKEN_BACK } from '../support/marketWalk.ts';

const COUNT = 12;
const DEEDS = 50;

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const of = async (sql: string, ...values: unknown[]) => (await books.db.owner.query(sql, values)).rows;

async function read({ markets, market, users, ids }: WalkedMarket): Promise<unknown> {
  const { state, missing, pool } = await markets.market(market);
  const owned = await of(
    `SELECT owner_id AS id, available::text, debt::text FROM balances WHERE owner_kind = 'user' AND currency = 'INR' AND owner_id = ANY ($1)`,
    users.map(({ userId }) => userId),
  );
  const resolutions = await of(
    `SELECT id, state, outcome, resolved_by AS "resolvedBy", round, needs_operator AS "needsOperator", fees_booked AS "feesBooked",
            paid_users AS "paidUsers", undone_users AS "undoneUsers" FROM resolutions WHERE market_id = $1`,
    market.marketId,
  );
  const rows = await of(
    `SELECT d.resolution_id, d.user_id, d.state, d.failure, d.payout::text, d.dispute_reason AS "disputeReason",
            (SELECT count(*)::int FROM events e WHERE e.subject_id = d.user_id AND e.type = 'distribution.completed' AND e.op_key LIKE '%/run/' || r.run || '/user/%') AS "toldPaid",
            (SELECT count(*)::int FROM events e WHERE e.subject_id = d.user_id AND e.type = 'distribution.rolled_back' AND e.op_key LIKE '%/run/' || r.run || '/user/%') AS "toldUndone"
       FROM distributions d JOIN resolutions r ON r.id = d.resolution_id WHERE d.market_id = $1`,
    market.marketId,
  );
  return {
    state,
    missing,
    pool,
    merchant: await markets.merchantHas(market),
    people: users.map(({ userId }) => {
      const { id: _, ...balance } = owned.find(({ id }) => id === userId);
      return balance;
    }),
    resolutions: ids.map((resolutionId) => {
      const { id: _, ...row } = resolutions.find(({ id }) => id === resolutionId);
      const distributions = users.map(({ userId }) => {
        const found = rows.find((each) => each.resolution_id === resolutionId && each.user_id === userId);
        if (!found) return null;
        const { resolution_id: _of, user_id: _whose, ...distribution } = found;
        return distribution;
      });
      return { ...row, distributions };
    }),
  };
}

const shown = ({ state, missing, pool, merchant, people, resolutions }: Twin): unknown => ({
  state,
  missing,
  pool,
  merchant,
  people: people.map(({ available, debt }) => ({ available: String(available), debt: String(debt) })),
  resolutions: resolutions.map(({ state: its, outcome, resolvedBy, round, needsOperator, feesBooked, paidUsers, undoneUsers, distributions }) => ({
    state: its, outcome, resolvedBy, round, needsOperator, feesBooked, paidUsers, undoneUsers,
    distributions: people.map(({ id }) => {
      const row = distributions[id];
      return row ? { ...row, payout: String(row.payout) } : null;
    }),
  })),
}); // biome-ignore format: one glance

/** Everybody is freed, there is money, and whoever waits for a person gets one: until nothing is left to be done. */
async function comeToAnEnd(world: WalkedMarket, does: (deed: MarketDeed) => Promise<void>): Promise<void> {
  if (world.pause !== undefined) await does(pausing(world));
  for (const nth of world.users.keys()) await does(freezing(world, nth, false));
  await does(funding(world, 100_000n));
  const nth = world.ids.length - 1;
  for (let turn = 0; nth >= 0 && turn < 4; turn += 1) {
    for (const decision of [{ kind: 'uphold' }, { kind: 'approve', note: null }, { kind: 'retry' }] as const)
      await does(decided(world, nth, 'adm_d', decision, newId('dec')));
    const all = stepsOf(world, nth, []);
    for (const deed of [all.passTime, all.endWindow, all.cover, all.plan]) await does(deed);
    for (const user of world.users.keys()) {
      const { pay, unpay } = stepsOf(world, nth, [user]);
      await does(world.twin.resolutions[nth]?.state === 'ROLLING_BACK' ? unpay : pay);
    }
    for (const deed of [all.endPaying, all.endRollback]) await does(deed);
  }
}

/** Else the walks would say little. */
const MUST_REACH = [
  'IN_REVIEW', 'DISPUTED', 'PLANNING_STOPPED', 'WAITING_FOR_FUNDS', 'PAYING_STOPPED', 'COMPLETED', 'ROLLING_BACK_STOPPED', 'ROLLED_BACK', 'REJECTED',
  'already', 'already_disputed', 'already_rolled_back', 'self_approval', 'stopped', 'paused', 'short', 'more',
]; // biome-ignore format: a list

test(`${COUNT} random walks drive the real functions of markets, and they answer as the model does`, async () => {
  const reached = new Set<string>();
  for (let seed = 1; seed <= COUNT; seed += 1) {
    const random = randomOf(seed);
    const world = await beginMarket(books, seed % 3 === 0 ? 20n : null);
    const story: string[] = [];
    const does = async (deed: MarketDeed): Promise<void> => {
      const told = deed.twin(world.twin);
      const outcome = await deed.really();
      world.twin = told.books;
      story.push(`${deed.name}: ${outcome}`);
      for (const { state } of told.books.resolutions) reached.add(state);
      reached.add(outcome);
      const now = await read(world);
      expect({ seed, story, outcome, now }).toEqual({ seed, story, outcome: told.outcome, now: shown(world.twin) });
    };
    if (seed % 4 === 0) for (const deed of SPENT_AND_TAKEN_BACK) await does(deed(world));
    for (let count = 0; count < DEEDS; count += 1) {
      await does(drawDeed(world, random));
      const broken = (await checkInvariants(books.db.pool, marketChecks.invariants)).filter(({ violations }) => violations > 0);
      expect({ seed, story, broken }).toEqual({ seed, story, broken: [] });
    }
    await comeToAnEnd(world, does);
    const { state, staked, missing, pool } = await world.markets.market(world.market);
    expect(['OPEN', 'UNRESOLVED', 'RESOLVED', 'VOID']).toContain(state);
    expect(pool).toBe(state === 'OPEN' || state === 'UNRESOLVED' ? staked - missing : 0n);
  }
  expect(MUST_REACH.filter((each) => !reached.has(each))).toEqual([]);
});
