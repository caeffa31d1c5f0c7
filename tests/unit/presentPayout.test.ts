/** Guards: a merchant reads exactly the fields of api.md §2, and nothing that is only ours. */
import { expect, test } from '@jest/globals';
import { presentEvent } from '../../src/events/presentEvent.ts';
import { presentPayout } from '../../src/payouts/present/payout.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { type PayoutState, PUBLIC_STATUS, STATES } from '../../src/payouts/rules/machine.ts';

const ID = `po_${'0'.repeat(32)}`;
const record: PayoutRecord = {
  id: ID,
  merchantId: 'mer_1',
  mode: 'test',
  kind: 'merchant',
  owner: { kind: 'merchant', id: 'mer_1' },
  currency: 'PKR',
  amountMinor: '150000',
  feeMinor: '0',
  reference: 'INV-1001',
  description: null,
  metadata: { order: '7' },
  destination: { type: 'bank', bankCode: 'HBL', accountLast4: '0001', accountTitle: 'Ayesha Khan' },
  psp: 'sandbox',
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
  maxAttempts: 3,
  dispatch: 'now',
  runId: null,
  method: null,
  risk: null,
  reviewUntil: null,
  nextAttemptAt: null,
  outcomeUntil: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  updatedAt: '2026-11-21T10:00:00.000Z',
  completedAt: null,
};

test('a new payout reads as the example of the contract', () => {
  expect(presentPayout(record)).toEqual({
    id: ID,
    object: 'payout',
    status: 'PENDING',
    amount: '1500.00',
    fee: '0.00',
    currency: 'PKR',
    reference: 'INV-1001',
    destination: { type: 'bank', bankCode: 'HBL', accountLast4: '0001', accountTitle: 'Ayesha Khan' },
    description: null,
    metadata: { order: '7' },
    attempts: 0,
    psp: { name: 'sandbox', reference: null },
    review: null,
    hold: null,
    failure: null,
    waitingOn: null,
    livemode: false,
    createdAt: '2026-11-21T10:00:00.000Z',
    updatedAt: '2026-11-21T10:00:00.000Z',
    completedAt: null,
  });
});

test.each(Object.keys(STATES) as PayoutState[])('%s is shown by its public word, with the same fields as ever', (state) => {
  const shown = presentPayout({ ...record, state });
  expect(shown.status).toBe(PUBLIC_STATUS[state]);
  expect(Object.keys(shown)).toEqual(Object.keys(presentPayout(record)));
});

test('an unknown outcome says what it waits for', () => {
  expect(presentPayout({ ...record, state: 'QUEUED', pausedBy: 'pau_1' })).toMatchObject({
    status: 'PENDING',
    waitingOn: 'pause',
  });
  expect(presentPayout({ ...record, state: 'UNKNOWN' })).toMatchObject({ status: 'PROCESSING', waitingOn: 'psp_outcome' });
});

test('what is added to the record for our own use stays inside, also in its parts', () => {
  const secret = 'ours alone';
  const extended: unknown = {
    ...record,
    state: 'FAILED',
    makerId: secret,
    destination: { ...record.destination, accountNumber: secret },
    review: { reasons: [{ code: 'amount', detail: 'large', score: secret }], approvals: [], note: secret },
    hold: { reason: 'check', source: 'operator', by: secret },
    failure: { code: 'no_account', message: 'no such account', retryable: false, class: secret },
  };
  const shown = presentPayout(extended as PayoutRecord);
  expect(JSON.stringify(shown)).not.toContain(secret);
  expect(shown).toMatchObject({
    review: { reasons: [{ code: 'amount', detail: 'large' }], approvals: [] },
    hold: { reason: 'check', source: 'operator' },
    failure: { code: 'no_account', message: 'no such account', retryable: false },
  });
});

test('currencies without decimals have none, and a wallet is shown as a wallet', () => {
  const destination = { type: 'wallet', walletCode: 'EASYPAISA', accountLast4: '4567', accountTitle: null } as const;
  expect(presentPayout({ ...record, currency: 'JPY', amountMinor: '1500', destination })).toMatchObject({
    amount: '1500',
    fee: '0',
    destination,
  });
});

test('an event carries the payout as it was right after the change', () => {
  const at = new Date('2026-11-21T10:00:00.123Z');
  expect(
    presentEvent(
      {
        id: 'evt_1',
        subjectKind: 'payout',
        type: 'payout.created',
        at,
        mode: 'live',
        sequence: 1,
        object: { ...record, mode: 'live' },
      },
      'merchant',
    ),
  ).toEqual({
    id: 'evt_1',
    type: 'payout.created',
    timestamp: '2026-11-21T10:00:00.123Z',
    livemode: true,
    sequence: 1,
    data: { object: presentPayout({ ...record, mode: 'live' }) },
  });
});
