/** A market that was resolved is paid to its end, or taken back, whoever dies meanwhile; each user once, and by nobody's word alone. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { createLookAfterMarketsActivities } from '../../activities/markets/lookAfter.ts';
import { createResolutionActivities } from '../../activities/markets/resolution.ts';
import { stopResolution } from '../../src/ledger/distributions.ts';
import { fundBalance } from '../../src/ledger/postings.ts';
import { createMarketsClient, type MarketsClient } from '../../src/markets/client.ts';
import type { Decision } from '../../src/markets/rules/decision.ts';
import { resolutionWorkflowId } from '../../src/markets/rules/ids.ts';
import type { ResolutionRecord } from '../../src/markets/rules/market.ts';
import { decide } from '../../src/markets/useCases/decide.ts';
import { dispute } from '../../src/markets/useCases/dispute.ts';
import { resolve } from '../../src/markets/useCases/resolve.ts';
import { newId } from '../../src/rules/newId.ts';
import { NEEDS_OPERATOR, RESOLUTION_STATE } from '../../src/temporal/rules/searchAttributes.ts';
import { type Books, openBooks } from '../support/books.ts';
import { dyingAfter } from '../support/dying.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { type MarketBooks, type MarketOptions, marketBooksOf, type TestMarket } from '../support/marketBooks.ts';
import { beginPause, endPause } from '../support/pauses.ts';
import { eventually } from '../support/payouts.ts';
import type { TestUser } from '../support/users.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let engine: Engine;
let books: Books;
let markets: MarketBooks;
let client: MarketsClient;
let stopWorker: () => Promise<void>;
let stopMarkets: (() => Promise<void>) | undefined;

beforeAll(async () => {
  // A history that is soon long enough: what waits goes on in a new run, and nothing of it may be lost.
  engine = await startEngine({ dynamicConfig: ['limit.historyCount.suggestContinueAsNew=60'] });
  books = await openBooks({ on: engine.db });
  markets = marketBooksOf(books);
  client = createMarketsClient(engine.client, { allowSignalDecisions: true, fundsEveryMs: 200 });
  await engine.db.owner.query(`INSERT INTO admins (id, name, role) VALUES ('adm_op', 'Op', 'operator')`);
  stopWorker = await engine.startWorker();
});
beforeEach(async () => {
  stopMarkets ??= await engine.startMarkets();
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await stopMarkets?.();
  await stopWorker();
  await engine.stop();
});

interface World {
  readonly market: TestMarket;
  /** Seven who staked 10 on yes, and five who staked 20 on no. */
  readonly users: TestUser[];
}

const STAKED = [...Array.from({ length: 7 }, () => 10n), ...Array.from({ length: 5 }, () => 20n)];
/** 170 less 3 % of the 100 that lost, by sevenths: 23 each, and 6 units for the first six of them. */
const PAID = STAKED.map((_, at) => (at < 6 ? 24n : at === 6 ? 23n : 0n));
const FEES = { houseFeeBps: 300, feeBase: 'losing_pool' } as const;

async function staked(options: MarketOptions = {}): Promise<World> {
  const merchant = await books.merchant(0n);
  const market = await markets.open(merchant, { ...FEES, ...options });
  const users: TestUser[] = [];
  for (const [at, amount] of STAKED.entries()) {
    const user = await markets.player(merchant, amount);
    await markets.commit(market, user, at < 7 ? 'yes' : 'no', amount);
    users.push(user);
  }
  return { market, users };
}

/** The same of a merchant for whom so much is much. */
async function reviewed(): Promise<World> {
  const world = await staked();
  await engine.db.owner.query(
    `INSERT INTO merchants (id, name, webhook_secret, review_limits) VALUES ($1, 'Test', 'unused', '{"INR":"170"}')`,
    [world.market.merchantId],
  );
  return world;
}

const APPROVE: Decision = { kind: 'approve', note: null };
const ROLLBACK: Decision = { kind: 'rollback', reason: 'the match was void' };

const ports = () => ({ pool: engine.db.pool, markets: client });

async function begin({ marketId }: TestMarket, outcome = 'yes', adminId = 'adm_maker'): Promise<ResolutionRecord> {
  const request = { resolutionId: newId('res'), marketId, outcome, evidence: null, adminId, planHash: null };
  const answer = await resolve(ports(), request);
  if (answer.outcome !== 'opened') throw new Error(`not opened: ${answer.outcome}`);
  return answer.resolution;
}

const say = async ({ id }: ResolutionRecord, decision: Decision, adminId = 'adm_1'): Promise<string> =>
  (await decide(ports(), id, { adminId, decision, updateId: randomUUID() })).outcome;

const handle = ({ marketId, run }: ResolutionRecord) => engine.client.workflow.getHandle(resolutionWorkflowId(marketId, run));
const result = async (resolution: ResolutionRecord): Promise<string> =>
  ((await handle(resolution).result()) as { endedAs: string }).endedAs;
const until = (resolution: ResolutionRecord, state: string) =>
  eventually(async () => expect(await markets.state(resolution.id)).toBe(state));

const shown = async (resolution: ResolutionRecord) => (await handle(resolution).describe()).typedSearchAttributes;
const fund = ({ merchantId, mode }: TestMarket, amount: bigint) =>
  fundBalance(engine.db.pool, { merchantId, mode, currency: 'INR', amountMinor: String(amount), externalId: newId('ext') });

const purses = (users: readonly TestUser[]): Promise<bigint[]> => Promise.all(users.map((user) => markets.purse(user)));
const heard = (users: readonly TestUser[]) => Promise.all(users.map(async (user) => (await markets.told(user)).length));
const once = (users: readonly TestUser[]) => users.map(() => 1);

test('a market is paid to the last unit once its window is over, and what was paid is verified', async () => {
  const { market, users } = await staked({ windowMs: 700 });
  const resolution = await begin(market);
  expect(await markets.state(resolution.id)).toBe('DISPUTE_WINDOW');
  expect(await purses(users)).toEqual(users.map(() => 0n));
  expect(await result(resolution)).toBe('COMPLETED');
  expect([await purses(users), await heard(users)]).toEqual([PAID, once(users)]);
  expect(await markets.merchantHas(market)).toBe(3n);
  expect(await markets.market(market)).toMatchObject({ state: 'RESOLVED', pool: 0n });
  const { rows } = await engine.db.owner.query('SELECT verification FROM resolutions WHERE id = $1', [resolution.id]);
  expect(rows[0].verification).toMatchObject({
    ok: true,
    users: 12,
    winners: 7,
    commitments: 12,
    paidMinor: '167',
    feesMinor: '3',
  });
});

test('of twenty admins who resolve a market at the same instant one wins, and the market is paid once', async () => {
  const { market, users } = await staked();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      resolve(ports(), {
        resolutionId: newId('res'),
        marketId: market.marketId,
        outcome: n % 2 === 0 ? 'yes' : 'no',
        evidence: null,
        adminId: `adm_${n}`,
        planHash: null,
      }),
    ),
  );
  const won = answers.flatMap((answer) => (answer.outcome === 'opened' ? [answer.resolution] : []));
  expect([won.length, answers.filter(({ outcome }) => outcome === 'wrong_state').length]).toEqual([1, 19]);
  const [resolution] = won as [ResolutionRecord];
  expect(await result(resolution)).toBe('COMPLETED');
  expect(await heard(users)).toEqual(once(users));
});

test('above the review limit nobody is paid before a second admin has approved: not the resolver, nor who may not', async () => {
  const { market, users } = await reviewed();
  const resolution = await begin(market, 'yes', 'adm_2');
  expect(resolution.state).toBe('IN_REVIEW');
  expect(await say(resolution, APPROVE, 'adm_op')).toBe('not_allowed');
  expect(await say(resolution, APPROVE, 'adm_nobody')).toBe('not_allowed');
  expect(await say(resolution, APPROVE, 'adm_2')).toBe('self_approval');
  expect(await purses(users)).toEqual(users.map(() => 0n));
  expect(await say(resolution, APPROVE)).toBe('done');
  expect(await result(resolution)).toBe('COMPLETED');
  expect(await purses(users)).toEqual(PAID);
});

test('what was rejected pays nobody, and the market can be resolved again', async () => {
  const { market, users } = await reviewed();
  const resolution = await begin(market, 'no', 'adm_2');
  expect(await say(resolution, { kind: 'reject', reason: 'the wrong side' })).toBe('done');
  expect(await result(resolution)).toBe('REJECTED');
  const again = await begin(market, 'yes', 'adm_2');
  expect([again.run, await say(again, APPROVE)]).toEqual([2, 'done']);
  expect(await result(again)).toBe('COMPLETED');
  expect(await purses(users)).toEqual(PAID);
});

test('the signal `decide` approves, too, in the name of an admin who may; why it does not, its sender reads', async () => {
  const { market } = await reviewed();
  const resolution = await begin(market, 'yes', 'adm_2');
  const told = async () =>
    (await handle(resolution).query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
  for (const [said, why] of [
    [{ admin: 'adm_op', decision: 'approve' }, 'nobody who may approve'],
    [{ admin: 'adm_2', decision: 'approve' }, 'self_approval'],
    [{ admin: 'adm_1', decision: 'rollback' }, '`decision` must be'],
  ] as const) {
    await handle(resolution).signal('decide', said);
    await eventually(async () => expect(await told()).toContain(why));
  }
  expect(await told()).toContain('IN_REVIEW');
  await handle(resolution).signal('decide', { admin: 'adm_1', decision: 'approve', note: 'from the UI' });
  expect(await result(resolution)).toBe('COMPLETED');
  const { rows } = await engine.db.owner.query('SELECT admin_id, via FROM approvals WHERE subject_id = $1', [resolution.id]);
  expect(rows).toEqual([{ admin_id: 'adm_1', via: 'signal' }]);
});

test('a disputed outcome is not paid before somebody else than the resolver has upheld it', async () => {
  const { market, users } = await staked({ windowMs: 60_000 });
  const resolution = await begin(market, 'yes', 'adm_2');
  expect((await dispute(ports(), { ...market, userId: users[8]?.userId ?? '', reason: 'it did not' })).outcome).toBe('disputed');
  await eventually(async () => expect((await shown(resolution)).get(NEEDS_OPERATOR)).toBe(true));
  expect(await say(resolution, { kind: 'uphold' }, 'adm_2')).toBe('self_approval');
  expect(await say(resolution, { kind: 'uphold' })).toBe('done');
  expect(await result(resolution)).toBe('COMPLETED');
  expect(await purses(users)).toEqual(PAID);
});

test('an overturned outcome begins again with the other one, and may be disputed again', async () => {
  const { market, users } = await staked({ windowMs: 1_500 });
  const resolution = await begin(market, 'no', 'adm_2');
  await dispute(ports(), { ...market, userId: users[0]?.userId ?? '', reason: 'it did' });
  expect(await say(resolution, { kind: 'overturn', to: 'yes' })).toBe('done');
  expect(await markets.state(resolution.id)).toBe('DISPUTE_WINDOW');
  expect(await result(resolution)).toBe('COMPLETED');
  expect(await purses(users)).toEqual(PAID);
});

test('a dispute at the very end of the window is heard or it is too late: never is a market paid that is disputed', async () => {
  const worlds = await Promise.all(Array.from({ length: 6 }, () => staked({ windowMs: 400 })));
  const outcomes = await Promise.all(
    worlds.map(async ({ market, users }, n) => {
      const resolution = await begin(market);
      await new Promise((done) => setTimeout(done, 340 + 20 * n));
      const { outcome } = await dispute(ports(), { ...market, userId: users[n]?.userId ?? '', reason: 'wait' });
      if (outcome === 'disputed') {
        await eventually(async () => expect((await shown(resolution)).get(RESOLUTION_STATE)).toBe('DISPUTED'));
        expect(await purses(users)).toEqual(users.map(() => 0n));
        expect(await say(resolution, { kind: 'uphold' })).toBe('done');
      }
      await result(resolution);
      return [outcome, await purses(users)] as const;
    }),
  );
  for (const [outcome, paid] of outcomes) {
    expect(['disputed', 'wrong_state']).toContain(outcome);
    expect(paid).toEqual(PAID);
  }
});

/** What a worker may have written down before it dies. */
const STEPS = /pay_users|end_paying|unpay_users|end_rollback/;

test.each([1, 2, 3, 4, 5])(
  'a worker that dies after step %i of paying, and one after that step of rolling back, leave the rest to the next: nobody twice',
  async (steps) => {
    await stopMarkets?.();
    const whole = createResolutionActivities({ pool: engine.db.pool, chunk: 3 });
    let isDying = true;
    let deaths = 0;
    const dyingFirst = <Input extends { readonly resolutionId: string; readonly marketId: string }>(name: keyof typeof whole) => {
      const dying = createResolutionActivities({ pool: dyingAfter(engine.db.pool, steps, STEPS), chunk: 3 });
      return async (input: Input) => {
        try {
          return await (isDying ? dying : whole)[name](input);
        } catch (error) {
          isDying = false;
          deaths += 1;
          throw error;
        }
      };
    };
    const activities = () => ({
      planResolution: dyingFirst('planResolution'),
      payUsers: dyingFirst('payUsers'),
      rollUsersBack: dyingFirst('rollUsersBack'),
    });
    stopMarkets = await engine.startMarkets({ activities: activities() });
    const { market, users } = await staked();
    const resolution = await begin(market, 'yes', 'adm_2');
    expect(await result(resolution)).toBe('COMPLETED');
    expect([await purses(users), await heard(users)]).toEqual([PAID, once(users)]);
    isDying = true;
    await stopMarkets();
    stopMarkets = await engine.startMarkets({ activities: activities() });
    expect(await say(resolution, ROLLBACK)).toBe('done');
    expect(await result(resolution)).toBe('ROLLED_BACK');
    expect([await purses(users), await heard(users)]).toEqual([users.map(() => 0n), users.map(() => 2)]);
    expect(await markets.market(market)).toMatchObject({ state: 'UNRESOLVED', pool: 170n, missing: 0n });
    expect(deaths).toBe(2);
    await stopMarkets();
    stopMarkets = undefined;
  },
);

test('a market is paid in turns, so that others have theirs: a hundred short ones come to the same', async () => {
  await stopMarkets?.();
  stopMarkets = await engine.startMarkets({
    activities: createResolutionActivities({ pool: engine.db.pool, chunk: 1, turnMs: 0 }),
  });
  const { market, users } = await staked();
  const resolution = await begin(market);
  expect(await result(resolution)).toBe('COMPLETED');
  expect([await purses(users), await heard(users)]).toEqual([PAID, once(users)]);
  await stopMarkets();
  stopMarkets = undefined;
});

test('a rollback is nobody’s alone, the market is resolved again by a run of its own, and a second rollback is refused', async () => {
  const { market, users } = await staked();
  const resolution = await begin(market, 'no', 'adm_2');
  expect(await result(resolution)).toBe('COMPLETED');
  expect(await say(resolution, ROLLBACK, 'adm_op')).toBe('not_allowed');
  expect(await say(resolution, ROLLBACK, 'adm_2')).toBe('self_approval');
  expect(await say(resolution, ROLLBACK)).toBe('done');
  expect(await result(resolution)).toBe('ROLLED_BACK');
  expect(await say(resolution, ROLLBACK)).toBe('already_rolled_back');
  const again = await begin(market, 'yes', 'adm_2');
  expect([again.run, await result(again)]).toEqual([2, 'COMPLETED']);
  expect(await purses(users)).toEqual(PAID);
});

test('what winners have spent and the merchant has not is missing: the next resolution waits for it, and is paid once it is there', async () => {
  const { market, users } = await staked();
  const resolution = await begin(market, 'yes', 'adm_2');
  await result(resolution);
  const other = await markets.open(market);
  for (const user of users.slice(0, 7)) await markets.commit(other, user, 'yes', await markets.purse(user));
  expect(await say(resolution, ROLLBACK)).toBe('done');
  expect(await result(resolution)).toBe('ROLLED_BACK');
  const { missing } = await markets.market(market);
  expect(missing).toBe(167n); // the merchant had no more than the house's fee, which went back
  const again = await begin(market, 'yes', 'adm_2');
  await until(again, 'WAITING_FOR_FUNDS');
  expect(await purses(users)).toEqual(users.map(() => 0n));
  const { runId } = await handle(again).describe();
  await eventually(async () => expect((await handle(again).describe()).runId).not.toBe(runId));
  await fund(market, missing);
  expect(await result(again)).toBe('COMPLETED');
});

test('who is frozen stops the resolution for an operator, with everybody else paid; a retry pays the one who was left, once', async () => {
  const { market, users } = await staked();
  const [frozen] = users as [TestUser];
  await markets.users.freeze(frozen, true);
  const resolution = await begin(market);
  expect(await result(resolution)).toBe('PAYING_STOPPED');
  expect(await purses(users)).toEqual(PAID.map((amount, at) => (at === 0 ? 0n : amount)));
  await markets.users.freeze(frozen, false);
  expect(await say(resolution, { kind: 'retry' }, 'adm_op')).toBe('done');
  expect(await result(resolution)).toBe('COMPLETED');
  expect([await purses(users), await heard(users)]).toEqual([PAID, once(users)]);
});

/** What no function does, and no role may: the commitment of this user stands elsewhere among his own. */
async function shiftCommitment({ marketId }: TestMarket, user: TestUser | undefined, by: number): Promise<void> {
  await engine.db.owner.query(`BEGIN; SET LOCAL session_replication_role = replica;
    UPDATE commitments SET staked_before = staked_before + ${by} WHERE market_id = '${marketId}' AND user_id = '${user?.userId}'; COMMIT`);
}

test('what was not paid as the commitments say stops before a fee is taken, and says what is wrong', async () => {
  const { market, users } = await staked();
  await shiftCommitment(market, users[3], 1);
  const resolution = await begin(market);
  expect(await result(resolution)).toBe('PAYING_STOPPED');
  const { rows } = await engine.db.owner.query('SELECT reason, fees_booked, needs_operator FROM resolutions WHERE id = $1', [
    resolution.id,
  ]);
  expect(rows).toEqual([{ reason: 'verification: broken_lines (1)', fees_booked: false, needs_operator: true }]);
  await shiftCommitment(market, users[3], -1);
  expect(await say(resolution, { kind: 'retry' })).toBe('done');
  expect(await result(resolution)).toBe('COMPLETED');
  expect(await purses(users)).toEqual(PAID);
});

test('a plan that the books refuse for good waits for an operator, who sees why; another market is paid, and a retry pays this one', async () => {
  const { market, users } = await staked();
  const other = await staked();
  const { owner } = engine.db;
  await owner.query(`
    CREATE FUNCTION refuse_plan() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no plan for this one'; END $$;
    CREATE TRIGGER refuse_plan BEFORE UPDATE ON resolutions FOR EACH ROW
      WHEN (NEW.market_id = '${market.marketId}' AND NEW.kind IS NOT NULL) EXECUTE FUNCTION refuse_plan()`);
  const mend = () => owner.query('DROP FUNCTION IF EXISTS refuse_plan CASCADE');
  try {
    const resolution = await begin(market);
    expect(await result(resolution)).toBe('PLANNING_STOPPED');
    const { rows } = await owner.query('SELECT reason, kind, needs_operator FROM resolutions WHERE id = $1', [resolution.id]);
    expect(rows).toEqual([{ reason: 'no plan for this one', kind: null, needs_operator: true }]);
    expect((await shown(resolution)).get(NEEDS_OPERATOR)).toBe(true);
    expect(await purses(users)).toEqual(users.map(() => 0n));
    expect(await result(await begin(other.market))).toBe('COMPLETED');
    await mend();
    expect(await say(resolution, { kind: 'retry' }, 'adm_op')).toBe('done');
    expect(await result(resolution)).toBe('COMPLETED');
    const after = await owner.query('SELECT reason, needs_operator FROM resolutions WHERE id = $1', [resolution.id]);
    expect(after.rows).toEqual([{ reason: null, needs_operator: false }]);
    expect([await purses(users), await heard(users)]).toEqual([PAID, once(users)]);
  } finally {
    await mend();
  }
});

/** The books let no resolution of this market go from this state to planning, until it is mended. */
async function refusePlanning({ marketId }: TestMarket, from: string): Promise<() => Promise<unknown>> {
  const { owner } = engine.db;
  await owner.query(`
    CREATE FUNCTION refuse_planning() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not from here'; END $$;
    CREATE TRIGGER refuse_planning BEFORE UPDATE ON resolutions FOR EACH ROW
      WHEN (NEW.market_id = '${marketId}' AND OLD.state = '${from}' AND NEW.state = 'PLANNING') EXECUTE FUNCTION refuse_planning()`);
  return () => owner.query('DROP FUNCTION IF EXISTS refuse_planning CASCADE');
}

async function stopsAndGoesOn(resolution: ResolutionRecord, mend: () => Promise<unknown>): Promise<void> {
  expect(await result(resolution)).toBe('PLANNING_STOPPED');
  const { rows } = await engine.db.owner.query('SELECT reason, kind, needs_operator FROM resolutions WHERE id = $1', [
    resolution.id,
  ]);
  expect(rows).toEqual([{ reason: 'not from here', kind: null, needs_operator: true }]);
  await mend();
  expect(await say(resolution, { kind: 'retry' }, 'adm_op')).toBe('done');
  expect(await result(resolution)).toBe('COMPLETED');
}

test('a window whose end the books refuse for good waits for an operator, who sees why; a retry goes on, and everybody is paid once', async () => {
  const { market, users } = await staked({ windowMs: 300 });
  const mend = await refusePlanning(market, 'DISPUTE_WINDOW');
  try {
    await stopsAndGoesOn(await begin(market), mend);
    expect([await purses(users), await heard(users)]).toEqual([PAID, once(users)]);
  } finally {
    await mend();
  }
});

test('a pool that the books let nobody fill up waits for an operator, who sees why; a retry goes on, and what was lacking is taken once', async () => {
  const { market, users } = await staked();
  const first = await begin(market, 'yes', 'adm_2');
  await result(first);
  const other = await markets.open(market);
  for (const user of users.slice(0, 7)) await markets.commit(other, user, 'yes', await markets.purse(user));
  expect(await say(first, ROLLBACK)).toBe('done');
  expect(await result(first)).toBe('ROLLED_BACK');
  const mend = await refusePlanning(market, 'WAITING_FOR_FUNDS');
  try {
    const again = await begin(market, 'yes', 'adm_2');
    await until(again, 'WAITING_FOR_FUNDS');
    await fund(market, (await markets.market(market)).missing);
    await stopsAndGoesOn(again, mend);
    expect(await markets.merchantHas(market)).toBe(170n); // its fee, and what winners had spent and owed it: all of it came back
  } finally {
    await mend();
  }
});

test('a window that is not over is stopped by nobody: participants may still say no', async () => {
  const { market } = await staked({ windowMs: 60_000 });
  const resolution = await begin(market);
  expect(await stopResolution(engine.db.pool, resolution.id, 'a mistake')).toEqual({ outcome: 'elsewhere' });
  expect(await markets.state(resolution.id)).toBe('DISPUTE_WINDOW');
});

test('a resolution that has lost its workflow is taken up by whoever looks after markets, once it has been quiet', async () => {
  const { market, users } = await staked();
  const opened = await markets.resolved(market, 'yes'); // and the process that was to start its workflow is gone
  const { lookAfterMarkets } = createLookAfterMarketsActivities({ pool: engine.db.pool, markets: client, page: 1 });
  const look = () => new MockActivityEnvironment().run(lookAfterMarkets) as ReturnType<typeof lookAfterMarkets>;
  expect(await look()).toEqual({ takenUp: 0 });
  await engine.db.owner.query(`UPDATE resolutions SET updated_at = now() - interval '2 minutes' WHERE id = $1`, [opened]);
  expect(await look()).toEqual({ takenUp: 1 });
  await eventually(async () => expect(await markets.state(opened)).toBe('COMPLETED'));
  expect(await look()).toEqual({ takenUp: 0 });
  expect(await purses(users)).toEqual(PAID);
});

test('a market is verified however long it takes to look at users who staked a million times: no short call’s limit ends it', async () => {
  const { market, users } = await staked();
  const resolutionId = await markets.resolved(market, 'yes'); // without its workflow
  expect(await markets.plan(resolutionId)).toBe('planned');
  const shortly: string[] = [];
  const query = (...asked: [{ text: string } | string]) => {
    shortly.push(typeof asked[0] === 'string' ? asked[0] : asked[0].text);
    return engine.db.pool.query(...asked);
  };
  const { payUsers } = createResolutionActivities({ pool: Object.create(engine.db.pool, { query: { value: query } }) });
  await new MockActivityEnvironment().run(payUsers, { resolutionId, marketId: market.marketId });
  expect([await markets.state(resolutionId), await purses(users)]).toEqual(['COMPLETED', PAID]);
  expect(shortly.filter((text) => /FROM (commitments|distributions|market_participants)/.test(text))).toEqual([]);
});

test('a resolution stops under a pause that begins between two chunks, does not stay and ask, and is taken up after it, each user paid once', async () => {
  await stopMarkets?.();
  let by: string | undefined;
  const whole = createResolutionActivities({ pool: engine.db.pool, chunk: 3 });
  const oneChunk = createResolutionActivities({ pool: engine.db.pool, chunk: 3, turnMs: 0 });
  stopMarkets = await engine.startMarkets({
    activities: {
      ...whole,
      async payUsers(input: Parameters<typeof whole.payUsers>[0]) {
        if (by !== undefined) return await whole.payUsers(input);
        await oneChunk.payUsers(input);
        by = await beginPause(engine.db.pool, ['flow', 'markets']);
        return await whole.payUsers(input);
      },
    },
  });
  const { market, users } = await staked({ windowMs: 300 });
  const resolution = await begin(market);
  expect(await result(resolution)).toBe('PAYING');
  const paidUsers = async () => (await heard(users)).reduce((sum, each) => sum + each, 0);
  expect(await paidUsers()).toBe(3);
  await engine.db.owner.query(`UPDATE resolutions SET updated_at = now() - interval '2 minutes' WHERE id = $1`, [resolution.id]);
  const { lookAfterMarkets } = createLookAfterMarketsActivities({ pool: engine.db.pool, markets: client });
  const look = () => new MockActivityEnvironment().run(lookAfterMarkets) as ReturnType<typeof lookAfterMarkets>;
  expect(await look()).toEqual({ takenUp: 0 });
  await endPause(engine.db.pool, by ?? '');
  expect(await look()).toEqual({ takenUp: 1 });
  expect(await result(resolution)).toBe('COMPLETED');
  expect([await purses(users), await heard(users)]).toEqual([PAID, once(users)]);
  await stopMarkets();
  stopMarkets = undefined;
});

test('a decision that was given to an earlier run is not obeyed by the next, nor one under another id', async () => {
  const { market } = await reviewed();
  const resolution = await begin(market, 'yes', 'adm_2');
  const order = { updateId: 'upd_kept', sequence: resolution.sequence, adminId: 'adm_1', decision: APPROVE };
  const copied = handle(resolution).executeUpdate('decide', { updateId: 'upd_other', args: [order] });
  await expect(copied).rejects.toThrow();
  expect(await say(resolution, { kind: 'acknowledge', note: 'seen' }, 'adm_op')).toBe('done');
  await handle(resolution).terminate('as if it was lost');
  expect(await client.decide(resolution, order)).toEqual({ outcome: 'wrong_state' });
  expect(await markets.state(resolution.id)).toBe('IN_REVIEW');
  expect(await say(resolution, { kind: 'reject', reason: 'over' })).toBe('done');
});
