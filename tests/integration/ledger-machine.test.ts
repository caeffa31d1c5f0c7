/** The rules stand twice, as TypeScript for the workflow and as SQL for the money: here the two are compared. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EDGES, FACTS, type FactType, nextState, type PayoutState, STATES } from '../../src/domain/payout/machine.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';

let books: Books;
let owner: Owner;
beforeAll(async () => {
  books = await openBooks();
  owner = await books.merchant(1_000_000_000n);
});
afterAll(async () => {
  await books.stop();
});

test('the edges in the database are the edges of the state machine', async () => {
  const { rows } = await books.db.owner.query(
    `SELECT from_state AS "from", fact, to_state AS "to", effect, event_type AS event FROM payout_edges`,
  );
  const sorted = (edges: readonly object[]) =>
    edges.map((each) => JSON.stringify(each, ['from', 'fact', 'to', 'effect', 'event'])).sort();
  expect(sorted(rows)).toEqual(sorted(EDGES));
});

test('the database knows of each fact who says it, and of each state whether it is final or in flight', async () => {
  const { owner: sql } = books.db;
  const facts = await sql.query('SELECT f AS fact, fact_origin(f) AS origin FROM unnest($1::text[]) f', [Object.keys(FACTS)]);
  expect(facts.rows).toEqual(Object.entries(FACTS).map(([fact, origin]) => ({ fact, origin })));
  const states = await sql.query(
    'SELECT s AS state, state_final(s) AS final, state_in_flight(s) AS "inFlight" FROM unnest($1::text[]) s',
    [Object.keys(STATES)],
  );
  expect(states.rows).toEqual(Object.entries(STATES).map(([state, { final, inFlight }]) => ({ state, final, inFlight })));
});

/** What `nextState` cannot see: the attempts' rows and the decisions. */
interface Model {
  state: PayoutState;
  attempts: ('open' | 'succeeded' | 'failed' | 'returned')[];
  uncertain: Set<number>;
  deciders: Set<string>;
}

interface Step {
  readonly type: FactType;
  readonly attempt: number;
  readonly adminId: string;
}

/** The payout as the ledger must have it after this fact. */
function expected(before: Model, step: Step): Model {
  const now: Model = {
    ...before,
    attempts: [...before.attempts],
    uncertain: new Set(before.uncertain),
    deciders: new Set(before.deciders),
  };
  const newest = now.attempts.length;
  const type = step.type === 'not_taken' && now.uncertain.has(step.attempt) ? 'outcome_unknown' : step.type;
  const fromPsp = FACTS[type] === 'psp';
  const row = now.attempts[step.attempt - 1];
  const paid = now.attempts.indexOf('succeeded') + 1;
  const otherPaid = now.attempts.some((each, index) => each === 'succeeded' && index !== step.attempt - 1);

  if (type === 'approved' || type === 'rejected') {
    if (step.adminId === 'maker' || now.deciders.has(step.adminId)) return before;
  }
  if (type === 'attempt_started') {
    if (paid > 0 || step.attempt !== newest + (now.attempts[newest - 1] === 'open' ? 0 : 1)) return before;
  }
  if (type === 'outcome_overdue' && step.attempt !== newest) return before;
  if (fromPsp) {
    if (row === undefined || (type === 'paid' && row === 'succeeded')) return before;
    if ((type === 'attempt_failed' || type === 'failed') && (row === 'failed' || row === 'returned')) return before;
    if (type === 'returned' && (row !== 'succeeded' || otherPaid || now.state !== 'SUCCEEDED')) {
      if (row === 'succeeded' && (otherPaid || now.state !== 'RETURNED')) now.attempts[step.attempt - 1] = 'returned';
      return now;
    }
  }

  now.state = nextState({ state: now.state, attempt: newest }, { type, attempt: step.attempt });
  if (now.state === before.state) {
    if (type === 'paid') now.attempts[step.attempt - 1] = 'succeeded';
    return now;
  }
  if (type === 'approved' || type === 'rejected') now.deciders.add(step.adminId);
  if (type === 'reinitiated') now.deciders.clear();
  if (type === 'attempt_started') now.attempts[step.attempt - 1] = 'open';
  if (now.state === 'UNKNOWN') now.uncertain.add(step.attempt);
  if (type === 'mismatch' || type === 'outcome_overdue') now.uncertain.add(step.attempt);
  const failedNow = type === 'attempt_failed' || type === 'failed' || type === 'resolved_not_paid';
  if (failedNow || (type === 'not_taken' && paid > 0)) {
    now.attempts[newest - 1] = 'failed';
    if (paid > 0) now.state = 'SUCCEEDED';
  }
  if (type === 'paid') now.attempts[step.attempt - 1] = 'succeeded';
  if (type === 'resolved_paid') now.attempts[newest - 1] = 'succeeded';
  if (type === 'paid' || type === 'cancelled' || type === 'rejected') {
    now.attempts = now.attempts.map((each) => (each === 'open' ? 'failed' : each));
  }
  return now;
}

const legalFrom = (state: PayoutState): FactType[] => EDGES.filter((edge) => edge.from === state).map((edge) => edge.fact);
const ALL = Object.keys(FACTS) as FactType[];

/** Two of three facts are legal in the state they meet, so that walks get somewhere; their attempt is mostly the newest. */
const walks = fc.array(
  fc.record({
    legal: fc.integer({ min: 0, max: 2 }).map((n) => n > 0),
    pick: fc.nat(1000),
    back: fc.constantFrom(0, 0, 0, 0, 1, 2, -1),
    adminId: fc.constantFrom('maker', 'adm_1', 'adm_2'),
  }),
  { minLength: 5, maxLength: 30 },
);

function stepOf(model: Model, choice: { legal: boolean; pick: number; back: number; adminId: string }): Step {
  const from = choice.legal && legalFrom(model.state).length > 0 ? legalFrom(model.state) : ALL;
  const type = from[choice.pick % from.length] ?? 'paid';
  const newest = model.attempts.length;
  const next = type === 'attempt_started' && model.attempts[newest - 1] !== 'open' ? newest + 1 : newest;
  return { type, attempt: next - choice.back, adminId: choice.adminId };
}

test('whatever is told, in whatever order and however often, the ledger goes where the rules say, and pays once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), walks, async (inReview, walk) => {
      const id = await books.payout(owner, {
        amount: 1000n,
        fee: 10n,
        makerId: 'maker',
        reviewReasons: inReview ? [{ code: 'amount', detail: 'large' }] : [],
      });
      let model: Model = { state: inReview ? 'IN_REVIEW' : 'QUEUED', attempts: [], uncertain: new Set(), deciders: new Set() };
      for (const choice of walk) {
        const step = stepOf(model, choice);
        const before = await books.ledger.read(id);
        model = expected(model, step);
        const { type, ...data } = step;
        const { outcome, payout } = await books.tell(id, type, data);
        expect({ step, state: payout.state }).toEqual({ step, state: model.state });
        expect(payout.sequence - (before?.sequence ?? 0)).toBe(outcome === 'applied' || outcome === 'ignored' ? 1 : 0);
        expect(outcome === 'applied' || payout.state === before?.state).toBe(true);
      }
      const attempts = model.attempts.map((state, index) => `${index + 1} ${state === 'returned' ? 'failed' : state}`);
      expect(await books.attempts(id)).toEqual(attempts);
      const settled = (await books.entries(id)).filter((line) => /^(SETTLE|DEBT) 1000$/.test(line));
      expect(settled.length).toBe(model.state === 'SUCCEEDED' || model.state === 'RETURNED' ? 1 : 0);
    }),
    { numRuns: 150 },
  );
  // A PSP that says of two attempts that it paid them is the one thing that the books can only report.
  expect((await books.broken()).filter((name) => name !== 'payouts_paid_by_one_attempt')).toEqual([]);
}, 60_000);
