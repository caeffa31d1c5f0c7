/** Guards: a provider reads exactly its own fields, in its own words, whatever happens with the PSP behind them. */
import { expect, test } from '@jest/globals';
import { presentEvent } from '../../src/events/presentEvent.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { type PayoutState, STATES } from '../../src/payouts/rules/machine.ts';
import { presentProviderPayout } from '../../src/providers/present/providerPayout.ts';

const ID = `po_${'0'.repeat(32)}`;
const record: PayoutRecord = {
  id: ID,
  merchantId: 'mer_1',
  mode: 'test',
  kind: 'provider',
  owner: { kind: 'provider', id: 'prv_1' },
  currency: 'NGN',
  amountMinor: '5000000',
  feeMinor: '1000',
  reference: ID,
  description: null,
  metadata: {},
  destination: { type: 'bank', bankCode: '044', accountLast4: '0031', accountTitle: 'Ada Obi' },
  psp: 'flutterwave',
  pspReference: null,
  state: 'QUEUED',
  round: 1,
  attempt: 0,
  attemptsBefore: 0,
  attemptOpen: false,
  unproven: [],
  returns: 0,
  sequence: 1,
  review: null,
  hold: null,
  failure: null,
  needsOperator: false,
  pausedBy: null,
  maxAttempts: 4,
  dispatch: 'run',
  runId: null,
  method: 'bank_transfer',
  risk: null,
  reviewUntil: null,
  nextAttemptAt: null,
  outcomeUntil: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  updatedAt: '2026-11-21T10:00:00.000Z',
  completedAt: null,
};
const shown = (change: Partial<PayoutRecord> = {}) => presentProviderPayout({ ...record, ...change });

test('a payout has these fields and no other', () => {
  expect(shown()).toEqual({
    id: ID,
    object: 'provider_payout',
    providerId: 'prv_1',
    status: 'APPROVED',
    amount: '50000.00',
    fee: '10.00',
    currency: 'NGN',
    method: 'bank_transfer',
    bankAccount: { bankCode: '044', accountLast4: '0031', accountName: 'Ada Obi' },
    review: null,
    hold: null,
    failure: null,
    retry: null,
    waitingOn: 'run',
    timelineUrl: `/api/provider/payouts/${ID}/timeline`,
    livemode: false,
    createdAt: '2026-11-21T10:00:00.000Z',
    updatedAt: '2026-11-21T10:00:00.000Z',
    completedAt: null,
  });
});

test.each<[PayoutState, string, Partial<PayoutRecord>?]>([
  ['QUEUED', 'REQUESTED', { sequence: 0 }],
  ['REJECTED', 'REJECTED', { sequence: 0 }],
  ['IN_REVIEW', 'REQUESTED'],
  ['REVIEW_ON_HOLD', 'REQUESTED'],
  ['QUEUED', 'APPROVED'],
  ['ON_HOLD', 'APPROVED'],
  ['ON_HOLD', 'PROCESSING', { runId: 'run_1', attempt: 1 }],
  ['QUEUED', 'PROCESSING', { runId: 'run_1' }],
  ['QUEUED', 'PROCESSING', { dispatch: 'now' }],
  ['RETRY_WAIT', 'PROCESSING', { runId: 'run_1', attempt: 1 }],
  ['SUBMITTING', 'PROCESSING'],
  ['PSP_QUEUED', 'PROCESSING'],
  ['PSP_HELD', 'PROCESSING'],
  ['PROCESSING', 'PROCESSING'],
  ['UNKNOWN', 'PROCESSING'],
  ['UNRESOLVED', 'PROCESSING'],
  ['SUCCEEDED', 'COMPLETED'],
  ['FAILED', 'FAILED'],
  ['REJECTED', 'REJECTED'],
  ['CANCELLED', 'CANCELLED'],
  ['RETURNED', 'FAILED'],
])('%s is %s to a provider', (state, status, change = {}) => {
  expect(shown({ state, ...change })).toMatchObject({ status });
});

test('every state has its word', () => {
  for (const state of Object.keys(STATES) as PayoutState[]) expect(shown({ state }).status).toMatch(/^[A-Z]+$/);
});

test('money that the bank sent back has failed, and says so', () => {
  expect(shown({ state: 'RETURNED' }).failure).toEqual({
    code: 'returned',
    message: expect.stringContaining('available again'),
    retryable: false,
  });
});

test('while a retry is coming it says which, of how many, and when; afterwards which was the last', () => {
  const nextAttemptAt = '2026-11-21T10:01:00.000Z';
  const after = (attempt: number, change: Partial<PayoutRecord> = {}) =>
    shown({ state: 'RETRY_WAIT', attempt, nextAttemptAt, ...change }).retry;
  expect(after(1)).toEqual({ attempt: 1, max: 3, nextAt: nextAttemptAt });
  expect(after(3)).toEqual({ attempt: 3, max: 3, nextAt: nextAttemptAt });
  // Attempts of earlier rounds, and those for which our own funds were short, are no retries.
  expect(after(5, { attemptsBefore: 4 })).toMatchObject({ attempt: 1, max: 3 });
  expect(after(1, { attemptsBefore: 1 })).toMatchObject({ attempt: 0, max: 3 });
  expect(shown({ state: 'PROCESSING', attempt: 1 }).retry).toBeNull();
  expect(shown({ state: 'PROCESSING', attempt: 2 }).retry).toEqual({ attempt: 1, max: 3, nextAt: null });
  expect(shown({ state: 'FAILED', attempt: 4 }).retry).toEqual({ attempt: 3, max: 3, nextAt: null });
  expect(shown({ state: 'SUCCEEDED', attempt: 1 }).retry).toBeNull();
});

test('of a review it shows the reasons in full, but not who decided', () => {
  const reasons = [{ code: 'amount_over_limit', detail: 'too much', value: '50000.01', limit: '50000.00' }];
  const approvals = [{ adminId: 'adm_1', decision: 'approved', at: '2026-11-21T11:00:00.000Z', note: 'ours' }];
  expect(shown({ state: 'QUEUED', review: { reasons, approvals } }).review).toEqual({
    reasons,
    approvals: [{ decision: 'approved', at: '2026-11-21T11:00:00.000Z' }],
  });
});

test('the platform’s event carries it in the provider’s words', () => {
  const event = {
    id: 'evt_1',
    subjectKind: 'payout',
    type: 'payout.created',
    at: new Date('2026-11-21T10:00:00.123Z'),
    mode: 'test',
    sequence: 1,
  } as const;
  expect(presentEvent({ ...event, object: record }, 'merchant').data.object).toEqual(shown());
  expect(presentEvent({ ...event, object: record }, 'provider').data.object).toEqual(shown());
});

test('an event of a kind that nobody has words for goes out to nobody', () => {
  const at = new Date('2026-11-21T10:00:00.123Z');
  const strange = {
    id: 'evt_1',
    subjectKind: 'raffle',
    type: 'raffle.won',
    at,
    mode: 'test',
    sequence: 1,
    object: record,
  } as const;
  expect(() => presentEvent(strange, 'merchant')).toThrow('raffle');
});
