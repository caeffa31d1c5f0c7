/** The rules stand twice, as TypeScript for the workflow and as SQL for the money: here the two are compared. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newBooks, type PayoutBooks, type ToldFact, tell } from '../../src/payouts/rules/books.ts';
import { EDGES, FACTS, type FactType, type PayoutState, STATES } from '../../src/payouts/rules/machine.ts';
import { PROOFS } from '../../src/payouts/rules/proof.ts';
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

test('what proves that a request is dead is the same table in the database', async () => {
  const { rows } = await books.db.owner.query('SELECT word, named, uncertain, counts, proof FROM payout_proofs');
  const sorted = (proofs: readonly object[]) =>
    proofs.map((each) => JSON.stringify(each, ['word', 'named', 'uncertain', 'counts', 'proof'])).sort();
  expect(sorted(rows)).toEqual(sorted(PROOFS));
});

const legalFrom = (state: PayoutState): FactType[] => EDGES.filter((edge) => edge.from === state).map((edge) => edge.fact);
const ALL = Object.keys(FACTS) as FactType[];

/** Two of three facts are legal in the state they meet, so that walks get somewhere; their attempt is mostly the newest. */
const walks = fc.array(
  fc.record({
    legal: fc.integer({ min: 0, max: 2 }).map((n) => n > 0),
    pick: fc.nat(1000),
    back: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2, -1, -2, -200),
    adminId: fc.constantFrom('maker', 'adm_1', 'adm_2'),
    named: fc.boolean(),
    source: fc.constantFrom('reply', 'look_up', 'callback'),
    askedBefore: fc.constantFrom(null, 0, 0, 1, 2),
    implied: fc.constantFrom(false, false, true),
    about: fc.constantFrom<readonly number[] | null>(null, null, [], [1], [2], [3], [1, 2], [2, 1, 2], [1, 2, 3]),
  }),
  { minLength: 5, maxLength: 40, size: 'max' },
);
type Choice = typeof walks extends fc.Arbitrary<(infer T)[]> ? T : never;

function factFor(now: PayoutBooks, choice: Choice): ToldFact & { readonly attempt: number } {
  const from = choice.legal && legalFrom(now.state).length > 0 ? legalFrom(now.state) : ALL;
  const type = from[choice.pick % from.length] ?? 'paid';
  const newest = now.attempts.length;
  const next = type === 'attempt_started' && now.attempts[newest - 1]?.state !== 'open' ? newest + 1 : newest;
  const isPsps = FACTS[type] === 'psp';
  return {
    type: type === 'contradicted' ? 'psp_processing' : type,
    attempt: next - choice.back,
    adminId: choice.adminId,
    ...(isPsps ? { named: choice.named, source: choice.source } : {}),
    ...(isPsps && choice.askedBefore !== null ? { askedAt: now.sequence - choice.askedBefore } : {}),
    ...(type === 'paid' && choice.implied ? { implied: true } : {}),
    ...(choice.about === null ? {} : { attempts: choice.about }),
  };
}

/** As the ledger is told it. */
function tellingOf(id: string, sequence: number, { type, named, implied, ...fact }: ToldFact & { readonly attempt: number }) {
  const another = type === 'routed' ? { psp: `psp ${sequence}` } : {};
  return {
    ...fact,
    ...another,
    ...(named ? { pspRef: `${id}-${fact.attempt}` } : {}),
    ...(implied ? { implied: true as const } : {}),
  };
}

test('whatever is told, in whatever order and however often, the ledger goes where the rules say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), walks, async (inReview, walk) => {
      const id = await books.payout(owner, {
        amount: 1000n,
        fee: 10n,
        makerId: 'maker',
        reviewReasons: inReview ? [{ code: 'amount', detail: 'large' }] : [],
      });
      let now = newBooks({ state: inReview ? 'IN_REVIEW' : 'QUEUED', sequence: inReview ? 2 : 1, makerId: 'maker' });
      for (const choice of walk) {
        const fact = factFor(now, choice);
        const told = tell(now, fact);
        const { outcome, payout } = await books.tell(id, fact.type, tellingOf(id, now.sequence, fact));
        now = told.books;
        const { state, sequence, round, returns, needsOperator } = payout;
        expect({ fact, outcome, state, sequence, round, returns, needsOperator }).toEqual({
          fact,
          outcome: told.outcome,
          state: now.state,
          sequence: now.sequence,
          round: now.round,
          returns: now.returns,
          needsOperator: now.needsOperator,
        });
      }
      const { rows } = await books.db.owner.query(
        `SELECT state, proof, psp_ref IS NOT NULL AS named, unknown_at AS "unknownAt", told_at AS "toldAt", sends > 0 AS "isSent"
           FROM payout_attempts WHERE payout_id = $1 ORDER BY attempt`,
        [id],
      );
      expect(rows).toEqual(now.attempts);
    }),
    { numRuns: 200 },
  );
  // A PSP that says of two attempts that it paid them is the one thing that the books can only report.
  expect((await books.broken()).filter((name) => name !== 'payouts_paid_by_one_attempt')).toEqual([]);
});
