import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newBooks, tell } from '../../src/payouts/rules/books.ts';
import { factOf, factsOf, isNews, type ReplyContext, replyContext, retryWait } from '../../src/payouts/rules/facts.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../src/payouts/rules/failures.ts';
import { PAYOUT_KINDS } from '../../src/payouts/rules/kinds.ts';
import { FACTS, type PayoutState, STATES } from '../../src/payouts/rules/machine.ts';
import type { PspReply } from '../../src/payouts/rules/reply.ts';

const first: ReplyContext = { attempt: 1, attemptsThisRound: 1, source: 'reply' };
const lookUp: ReplyContext = { ...first, source: 'look_up' };
const MAX_ATTEMPTS = PAYOUT_KINDS.merchant.maxAttempts;
const lastOne: ReplyContext = { attempt: MAX_ATTEMPTS, attemptsThisRound: MAX_ATTEMPTS, source: 'reply' };

const states = Object.keys(STATES).filter((each): each is PayoutState => each in STATES);
const classes = Object.keys(FAILURE_CLASSES).filter((each): each is FailureClass => each in FAILURE_CLASSES);
const failed = (of: FailureClass, pspRef: string | null = null): PspReply => ({
  kind: 'failed',
  pspRef,
  failure: { class: of, code: 'some_code', message: 'Some words.' },
});

const anyReply: fc.Arbitrary<PspReply> = fc.oneof(
  fc.constantFrom<PspReply>(
    { kind: 'paid', pspRef: 'ref' },
    { kind: 'paid', pspRef: 'ref', feeMinor: '1075' },
    { kind: 'returned', pspRef: 'ref', reason: 'account closed' },
    { kind: 'not_taken', reason: '429', retryAfterMs: 1_000 },
    { kind: 'not_found' },
    { kind: 'mismatch', pspRef: 'ref', detail: 'amount' },
    { kind: 'unknown', reason: 'timeout' },
  ),
  fc
    .constantFrom('queued', 'held', 'processing')
    .map((stage): PspReply => ({ kind: 'accepted', stage, pspRef: 'ref', reason: null })),
  fc.tuple(fc.constantFrom(...classes), fc.constantFrom(null, 'ref')).map(([of, pspRef]) => failed(of, pspRef)),
);
const anyContext: fc.Arbitrary<ReplyContext> = fc
  .record({
    before: fc.nat(9),
    attemptsThisRound: fc.integer({ min: 1, max: MAX_ATTEMPTS }),
    source: fc.constantFrom('reply', 'look_up', 'callback'),
  })
  .map(({ before, attemptsThisRound, source }) => ({ attempt: before + attemptsThisRound, attemptsThisRound, source }));

test('whatever a PSP says becomes a fact that the payout knows, about the attempt that was asked for', () => {
  fc.assert(
    fc.property(anyReply, anyContext, (reply, context) => {
      for (const fact of factsOf(reply, context)) {
        expect(FACTS[fact.type]).toBe('psp');
        expect(fact.attempt).toBe(context.attempt);
        expect(JSON.parse(JSON.stringify(fact))).toEqual(fact); // it travels through Temporal
      }
    }),
  );
});

test('only a certain failure ends an attempt: silence, errors and refused look-ups never let the money go', () => {
  const proofs = new Set<FailureClass>(['A', 'B', 'C', 'D', 'E', 'F']);
  fc.assert(
    fc.property(anyReply, anyContext, (reply, context) => {
      const { type } = factOf(reply, context);
      const isProof = reply.kind === 'failed' && proofs.has(reply.failure.class);
      if (type === 'failed' || type === 'attempt_failed') expect(isProof).toBe(true);
      if (type === 'paid') expect(reply.kind).toBe('paid');
    }),
  );
});

test('a request in flight goes on from whatever is said of it, and to a state where its money is right', () => {
  fc.assert(
    fc.property(anyReply, anyContext, (reply, context) => {
      const row = { proof: null, named: false, unknownAt: null, toldAt: 1, isSent: true } as const;
      const earlier = Array.from({ length: context.attempt - 1 }, () => ({ ...row, state: 'failed', proof: 'refused' }) as const);
      let books = newBooks({ state: 'SUBMITTING', attempts: [...earlier, { ...row, state: 'open' }] });
      for (const fact of factsOf(reply, context)) books = tell(books, { ...fact, named: fact.pspRef !== undefined }).books;
      const { state } = books;
      expect(state).not.toBe('SUBMITTING');
      const isOver =
        reply.kind === 'failed'
          ? !['look_up', 'wait', 'operator'].includes(FAILURE_CLASSES[reply.failure.class].does)
          : ['paid', 'returned', 'not_taken'].includes(reply.kind);
      if (!isOver) expect(STATES[state].money).toBe('reserved');
    }),
  );
});

describe('each class of failure does what its row says', () => {
  test.each([
    ['A', 'failed'],
    ['B', 'attempt_failed'],
    ['C', 'failed'],
    ['D', 'not_taken'],
    ['E', 'failed'],
    ['F', 'failed'],
    ['G', 'outcome_unknown'],
    ['H', 'outcome_unknown'],
    ['I', 'psp_processing'],
    ['J', 'returned'],
    ['K', 'mismatch'],
  ] as const)('%s: %s', (of, type) => {
    expect(factOf(failed(of), first).type).toBe(type);
  });

  test('a merchant is told why, and whether asking again may help', () => {
    expect(factOf(failed('C', 'ref'), first)).toEqual({
      type: 'failed', attempt: 1, source: 'reply', pspRef: 'ref',
      failure: { class: 'C', code: 'some_code', message: 'Some words.', retryable: true },
    }); // biome-ignore format: one glance
    for (const of of classes) {
      const { failure } = factOf(failed(of), lastOne);
      if (failure) expect(failure.retryable).toBe(FAILURE_CLASSES[of].retryable);
    }
  });
});

test('a payout is tried three times and no more', () => {
  expect(MAX_ATTEMPTS).toBe(3);
  const types = [1, 2, 3].map((attempt) => factOf(failed('B'), { attempt, attemptsThisRound: attempt, source: 'reply' }).type);
  expect(types).toEqual(['attempt_failed', 'attempt_failed', 'failed']);
});

test('a reinitiated payout has its tries again, though its attempts count on', () => {
  expect(factOf(failed('B'), { attempt: 4, attemptsThisRound: 1, source: 'reply' }).type).toBe('attempt_failed');
  expect(factOf(failed('B'), { attempt: 6, attemptsThisRound: 3, source: 'reply' }).type).toBe('failed');
});

test('a failure that another attempt follows says when that begins; what nothing follows does not', () => {
  const nextAttemptAt = '2026-11-27T10:00:30.000Z';
  expect(factOf(failed('B'), { ...first, nextAttemptAt })).toMatchObject({ type: 'attempt_failed', nextAttemptAt });
  expect(factOf(failed('D', 'ref'), { ...first, nextAttemptAt })).toMatchObject({ type: 'attempt_failed', nextAttemptAt });
  for (const reply of [failed('A'), failed('D'), failed('E'), { kind: 'paid', pspRef: 'ref' } as const])
    expect(factOf(reply, { ...first, nextAttemptAt })).not.toHaveProperty('nextAttemptAt');
  expect(factOf(failed('B'), { ...lastOne, nextAttemptAt })).not.toHaveProperty('nextAttemptAt');
});

test('a look-up that was refused does not say that the payout was not taken', () => {
  const refused: PspReply = { kind: 'not_taken', reason: '429', retryAfterMs: null };
  expect(factOf(refused, first).type).toBe('not_taken');
  expect(factOf(refused, lookUp).type).toBe('outcome_unknown');
  expect(factOf(refused, { ...first, source: 'callback' }).type).toBe('outcome_unknown');
  expect(factOf({ kind: 'not_found' }, lookUp).type).toBe('outcome_unknown');
});

test('that our own funds at the PSP were short is told with its class, so that whoever fills the account up hears of it', () => {
  expect(factOf(failed('D'), first)).toMatchObject({ type: 'not_taken', failure: { class: 'D' } });
});

test("a failure that stands in the PSP's book has used up its key: the next attempt has a new one, or it would fail for ever", () => {
  expect(factOf(failed('D'), first).type).toBe('not_taken');
  expect(factOf(failed('D', 'ref'), first).type).toBe('attempt_failed');
  expect(factOf(failed('D', 'ref'), lookUp).type).toBe('attempt_failed');
});

test('however often our own funds at the PSP are short, the payout does not fail for it', () => {
  expect(factOf(failed('D', 'ref'), lastOne).type).toBe('attempt_failed');
  expect(factOf(failed('D', 'ref'), { ...lookUp, attempt: 50, attemptsThisRound: 50 }).type).toBe('attempt_failed');
});

test('a payout may have as many attempts as it says, and the last failure of a provider payout calls an operator', () => {
  const asProvider = (attempt: number) =>
    replyContext({ kind: 'provider', attempt, attemptsBefore: 2, maxAttempts: 4 }, { attempt, source: 'callback' });
  expect(asProvider(5)).toEqual({
    attempt: 5,
    source: 'callback',
    attemptsThisRound: 3,
    maxAttempts: 4,
    lastNeedsOperator: true,
  });
  expect(factOf(failed('B'), asProvider(5))).not.toHaveProperty('needsOperator');
  expect(factOf(failed('B'), asProvider(5)).type).toBe('attempt_failed');
  expect(factOf(failed('B'), asProvider(6))).toMatchObject({ type: 'failed', needsOperator: true });
  expect(factOf(failed('E'), asProvider(3))).not.toHaveProperty('needsOperator'); // the payee can repair it
});

test('the end of an earlier attempt begins no more of them than a payout may have', () => {
  const payout = { kind: 'merchant', attempt: 3, attemptsBefore: 0, maxAttempts: 3 } as const;
  expect(factOf(failed('B', 'ref'), replyContext(payout, { attempt: 1, source: 'callback' })).type).toBe('failed');
  const inAnotherRound = { ...payout, attempt: 4, attemptsBefore: 3 };
  expect(factOf(failed('B', 'ref'), replyContext(inAnotherRound, { attempt: 1, source: 'callback' })).type).toBe(
    'attempt_failed',
  );
});

test('a return that overtook the word of the payment gives the money back once', () => {
  const reply: PspReply = { kind: 'returned', pspRef: 'ref', reason: 'account closed' };
  expect(factsOf(reply, lookUp)).toEqual([
    { type: 'paid', attempt: 1, source: 'look_up', implied: true, pspRef: 'ref' },
    { type: 'returned', attempt: 1, source: 'look_up', pspRef: 'ref', reason: 'account closed' },
  ]);
  const row = { proof: null, named: true, unknownAt: null, toldAt: 1, isSent: true } as const;
  for (const [from, attempt] of [
    ['PROCESSING', { ...row, state: 'open' }],
    ['UNKNOWN', { ...row, state: 'open', unknownAt: 1 }],
    ['FAILED', { ...row, state: 'failed', proof: 'failed_transfer' }],
    ['SUCCEEDED', { ...row, state: 'succeeded' }],
    ['RETURNED', { ...row, state: 'returned' }],
  ] as const) {
    const told = factsOf(reply, lookUp).reduce(
      (books, fact) => tell(books, { ...fact, named: true }).books,
      newBooks({ state: from, attempts: [attempt], returns: from === 'RETURNED' ? 1 : 0 }),
    );
    expect([from, told.state, told.returns]).toEqual([from, 'RETURNED', 1]);
  }
});

test('the stages of a payout at the PSP are shown, with the reason of a hold', () => {
  const accepted = (stage: 'queued' | 'held' | 'processing', reason: string | null): PspReply => ({
    kind: 'accepted',
    stage,
    pspRef: 'ref',
    reason,
  });
  expect(factOf(accepted('queued', null), first)).toEqual({ type: 'psp_queued', attempt: 1, source: 'reply', pspRef: 'ref' });
  expect(factOf(accepted('held', 'compliance'), first)).toEqual({
    type: 'psp_held',
    attempt: 1,
    source: 'reply',
    pspRef: 'ref',
    reason: 'compliance',
  });
  expect(factOf(accepted('processing', null), first).type).toBe('psp_processing');
});

test('waits grow, end at their limit, and are the same when a workflow is replayed', () => {
  const times = { retryWaitMs: 2_000, retryWaitMaxMs: 5_000 };
  expect([0, 1, 2, 3, 4, 1_000_000].map((number) => retryWait(number, times))).toEqual([
    2_000, 2_000, 4_000, 5_000, 5_000, 5_000,
  ]);
});

test('what the PSP took for a payment is told with the payment, also when it is back already', () => {
  const fee = { type: 'paid', pspFeeMinor: '1075' };
  expect(factsOf({ kind: 'paid', pspRef: 'ref', feeMinor: '1075' }, lookUp)).toMatchObject([fee]);
  const returned = { kind: 'returned', pspRef: 'ref', reason: 'closed', feeMinor: '1075' } as const;
  expect(factsOf(returned, lookUp)).toMatchObject([fee, { type: 'returned' }]);
  expect(factsOf({ kind: 'paid', pspRef: 'ref' }, lookUp)[0]).not.toHaveProperty('pspFeeMinor');
});

describe('a look-up wakes a payout only for something new: a waiting one would fill its history otherwise', () => {
  test('what proves nothing is no news in any state', () => {
    for (const state of states) {
      expect(isNews({ kind: 'unknown', reason: 'timeout' }, state)).toBe(false);
      expect(isNews({ kind: 'not_taken', reason: '429', retryAfterMs: null }, state)).toBe(false);
    }
  });

  test('that the PSP does not know it is news only while nobody knows whether the PSP was reached', () => {
    for (const state of states) expect([state, isNews({ kind: 'not_found' }, state)]).toEqual([state, state === 'UNKNOWN']);
  });

  test('a payment, a failure or a return is news in every state in which the payout is in flight', () => {
    const replies: PspReply[] = [
      { kind: 'paid', pspRef: 'ref' },
      failed('E', 'ref'),
      failed('B', 'ref'),
      { kind: 'returned', pspRef: 'ref', reason: 'closed' },
    ];
    for (const state of states.filter((each) => STATES[each].inFlight)) {
      for (const reply of replies) expect([state, reply.kind, isNews(reply, state)]).toEqual([state, reply.kind, true]);
    }
  });

  test('that it stands where it stood is no news', () => {
    const accepted = (stage: 'queued' | 'held' | 'processing'): PspReply => ({
      kind: 'accepted',
      stage,
      pspRef: 'ref',
      reason: null,
    });
    expect(isNews(accepted('queued'), 'PSP_QUEUED')).toBe(false);
    expect(isNews(accepted('held'), 'PSP_HELD')).toBe(false);
    expect(isNews(accepted('processing'), 'PROCESSING')).toBe(false);
    expect(isNews(accepted('held'), 'PROCESSING')).toBe(true);
    expect(isNews({ kind: 'mismatch', pspRef: 'ref', detail: 'amount' }, 'UNRESOLVED')).toBe(false);
  });
});
