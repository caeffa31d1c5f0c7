/** What a history keeps of a payout: shorter than the record, and no workflow may decide by less than the books said. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type PayoutState, STATES } from '../../src/payouts/rules/machine.ts';
import { heard, heardIn, type PayoutStanding, said, saidIn } from '../../src/payouts/rules/standing.ts';

const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const instant = orNull(fc.date({ noInvalidDate: true }).map((date) => date.toISOString()));

const standing: fc.Arbitrary<PayoutStanding> = fc.record({
  id: fc.string(),
  psp: fc.string(),
  state: fc.constantFrom(...(Object.keys(STATES) as PayoutState[])),
  round: fc.nat(),
  sequence: fc.nat(),
  unproven: fc.array(fc.nat()),
  kind: fc.constantFrom('merchant', 'provider'),
  attempt: fc.nat(3),
  attemptsBefore: fc.nat(3),
  attemptOpen: fc.boolean(),
  maxAttempts: fc.nat(5),
  needsOperator: fc.boolean(),
  dispatch: fc.constantFrom('now', 'run'),
  runId: orNull(fc.string()),
  reviewUntil: instant,
  nextAttemptAt: instant,
  outcomeUntil: instant,
  review: orNull(fc.record({ reasons: fc.constant([]), approvals: fc.constant([]) })),
  hold: orNull(fc.record({ reason: fc.string(), source: fc.constantFrom('psp', 'operator', 'risk') })),
  pausedBy: orNull(fc.string()),
  failure: orNull(fc.record({ code: fc.string(), message: fc.string(), retryable: fc.boolean() })),
});

const throughTemporal = <T>(value: T): T => JSON.parse(JSON.stringify(value));

test('a workflow hears of a payout what the books said of it, also after it was written into a history', () => {
  fc.assert(fc.property(standing, (payout) => expect(heard(throughTemporal(said(payout)))).toEqual(payout)));
  fc.assert(
    fc.property(standing, (payout) => {
      const answer = { outcome: 'applied', payout } as const;
      expect(heardIn(throughTemporal(saidIn(answer)))).toEqual(answer);
    }),
  );
});

test('a history of before is heard as it was meant, whatever the kinds of payouts say today', () => {
  const words = { id: 'po_1', psp: 'sandbox', state: 'SUBMITTING', round: 1, sequence: 2, unproven: [1] } as const;
  expect(heard(words)).toEqual({
    ...words,
    ...{ kind: 'merchant', attempt: 0, attemptsBefore: 0, attemptOpen: false, maxAttempts: 3, needsOperator: false },
    ...{ dispatch: 'now', runId: null, reviewUntil: null, nextAttemptAt: null, outcomeUntil: null, pausedBy: null },
    ...{ review: null, hold: null, failure: null },
  });
});

test('nothing of the record but the standing gets into a history', () => {
  fc.assert(
    fc.property(standing, (payout) => {
      const record = { ...payout, destination: { accountLast4: '0001' }, metadata: { name: 'Ada' } };
      expect(said(record)).toEqual(said(payout));
    }),
  );
});
