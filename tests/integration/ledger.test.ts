/** Each operation of the ledger, done once and done again: the money moves once, and the books say so. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks, reserveRequest } from '../support/books.ts';

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

test('money that arrives is available once, however often it is announced', async () => {
  const owner = await books.merchant(0n);
  expect(await books.fund(owner, 500n, 'wire-1')).toBe('funded');
  expect(await books.fund(owner, 500n, 'wire-1')).toBe('already');
  expect(await books.money(owner)).toEqual({ available: 500n, reserved: 0n });
});

test('a second announcement with another amount or currency is refused, not booked', async () => {
  const owner = await books.merchant(0n);
  await books.fund(owner, 500n, 'wire-1');
  expect(await books.fund(owner, 501n, 'wire-1')).toBe('mismatch');
  expect(await books.fund(owner, 500n, 'wire-1', 'USD')).toBe('mismatch');
  expect(await books.money(owner)).toEqual({ available: 500n, reserved: 0n });
  expect(await books.money(owner, 'USD')).toEqual({ available: 0n, reserved: 0n });
});

test('test money and live money of one merchant never meet', async () => {
  const owner = await books.merchant(500n);
  const live = { ...owner, mode: 'live' } as const;
  expect((await books.reserve(live, { amount: 100n })).outcome).toBe('insufficient_balance');
  expect(await books.fund(live, 70n, 'opening')).toBe('funded');
  expect(await books.money(owner)).toEqual({ available: 500n, reserved: 0n });
  expect(await books.money(live)).toEqual({ available: 70n, reserved: 0n });
});

test('a payout reserves its amount and fee once, and a repeat gets the first answer', async () => {
  const owner = await books.merchant(5000n);
  const request = reserveRequest(owner, { amount: 1000n, fee: 25n });
  const first = await books.ledger.reserve(request);
  const again = await books.ledger.reserve(request);
  expect(first.outcome).toBe('reserved');
  expect(again).toEqual({ ...first, outcome: 'already' });
  expect(await books.money(owner)).toEqual({ available: 3975n, reserved: 1025n });
});

test("one payout's id never answers for another request, least of all another merchant's", async () => {
  const [owner, other] = [await books.merchant(5000n), await books.merchant(5000n)];
  const payoutId = await books.payout(owner, { amount: 1000n });
  for (const [who, options] of [
    [other, {}],
    [{ ...owner, mode: 'live' }, {}],
    [owner, { amount: 999n }],
  ] as const) {
    await expect(books.reserve(who, { payoutId, amount: 1000n, ...options })).rejects.toThrow('taken in with another request');
  }
  expect(await books.money(other)).toEqual({ available: 5000n, reserved: 0n });
});

test('a refusal stays a refusal for its payout, also after money has come', async () => {
  const owner = await books.merchant(100n);
  const request = reserveRequest(owner, { amount: 101n });
  expect(await books.ledger.reserve(request)).toEqual({ outcome: 'insufficient_balance' });
  await books.fund(owner, 1000n);
  expect(await books.ledger.reserve(request)).toEqual({ outcome: 'insufficient_balance' });
  expect(await books.ledger.read(request.payoutId)).toBeUndefined();
  expect(await books.money(owner)).toEqual({ available: 1100n, reserved: 0n });
});

test('the last unit can be paid out, and not one more, the fee counted in', async () => {
  const owner = await books.merchant(1000n);
  expect((await books.reserve(owner, { amount: 990n, fee: 11n })).outcome).toBe('insufficient_balance');
  expect((await books.reserve(owner, { amount: 990n, fee: 10n })).outcome).toBe('reserved');
  expect(await books.money(owner)).toEqual({ available: 0n, reserved: 1000n });
});

test('a reference is used once per merchant and mode; others may use the same', async () => {
  const [one, other] = [await books.merchant(5000n), await books.merchant(5000n)];
  const second = reserveRequest(one, { reference: 'INV-1' });
  expect((await books.reserve(one, { reference: 'INV-1' })).outcome).toBe('reserved');
  expect(await books.ledger.reserve(second)).toEqual({ outcome: 'duplicate_reference' });
  expect(await books.ledger.reserve(second)).toEqual({ outcome: 'duplicate_reference' });
  expect((await books.reserve(other, { reference: 'INV-1' })).outcome).toBe('reserved');
  expect(await books.money(one)).toEqual({ available: 4000n, reserved: 1000n });
});

test('a refused payout does not use up its reference', async () => {
  const owner = await books.merchant(100n);
  expect((await books.reserve(owner, { reference: 'INV-1', amount: 101n })).outcome).toBe('insufficient_balance');
  expect((await books.reserve(owner, { reference: 'INV-1', amount: 100n })).outcome).toBe('reserved');
});

test('a paid payout leaves the merchant once: the amount to the PSP, the fee to us', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n, fee: 25n });
  await books.told(id, 'attempt_started 1', 'psp_processing 1');
  const first = await books.tell(id, 'paid', { attempt: 1, pspRef: newId('psp'), key: 'paid:1' });
  const again = await books.tell(id, 'paid', { attempt: 1, key: 'paid:1' });
  const byAnotherWay = await books.tell(id, 'paid', { attempt: 1 });
  expect([first.outcome, again.outcome, byAnotherWay.outcome]).toEqual(['applied', 'already', 'unchanged']);
  expect(byAnotherWay.payout).toEqual(first.payout);
  expect(await books.entries(id)).toEqual(['RESERVE 1025', 'SETTLE 1000', 'FEE 25']);
  expect(await books.money(owner)).toEqual({ available: 3975n, reserved: 0n });
});

test('a failed payout gives back amount and fee, once', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n, fee: 25n });
  await books.told(id, 'attempt_started 1');
  const first = await books.tell(id, 'failed', { attempt: 1, key: 'failed:1' });
  expect((await books.tell(id, 'failed', { attempt: 1, key: 'failed:1' })).outcome).toBe('already');
  expect((await books.tell(id, 'failed', { attempt: 1 })).outcome).toBe('unchanged');
  expect((await books.tell(id, 'attempt_failed', { attempt: 1 })).outcome).toBe('unchanged');
  expect(first.payout.failure).toEqual({ code: 'temporary', message: 'the bank is away', retryable: true });
  expect(await books.entries(id)).toEqual(['RESERVE 1025', 'RELEASE 1025']);
  expect(await books.money(owner)).toEqual({ available: 5000n, reserved: 0n });
});

test.each([
  ['rejected', 'REJECTED', { adminId: 'adm_1', reason: 'no' }],
  ['cancelled', 'CANCELLED', {}],
  ['review_expired', 'REJECTED', {}],
] as const)('a payout in review that is %s gives its money back, once', async (fact, state, data) => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { reviewReasons: [{ code: 'amount', detail: 'large' }] });
  const first = await books.tell(id, fact, { ...data, key: 'end' });
  expect([first.outcome, first.payout.state]).toEqual(['applied', state]);
  expect((await books.tell(id, fact, { ...data, key: 'end' })).outcome).toBe('already');
  expect(['wrong_state', 'already_decided']).toContain((await books.tell(id, fact, data)).outcome);
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'RELEASE 1000']);
  expect(await books.money(owner)).toEqual({ available: 5000n, reserved: 0n });
});

test('a returned payout is available again without its fee, once, and paid again it is taken again: the books say what the PSP says', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n, fee: 25n });
  await books.told(id, 'attempt_started 1', 'paid 1', 'returned 1');
  expect((await books.tell(id, 'returned', { attempt: 1 })).outcome).toBe('unchanged');
  expect((await books.tell(id, 'paid', { attempt: 1, implied: true })).outcome).toBe('unchanged');
  expect(await books.entries(id)).toEqual(['RESERVE 1025', 'SETTLE 1000', 'FEE 25', 'REVERSE 1000']);
  expect(await books.money(owner)).toEqual({ available: 4975n, reserved: 0n });
  for (const times of [1, 2]) {
    const { payout } = await books.tell(id, 'paid', { attempt: 1 });
    expect(payout).toMatchObject({ state: 'SUCCEEDED', needsOperator: true, returns: times });
    expect(await books.money(owner)).toEqual({ available: 3975n, reserved: 0n });
    expect((await books.tell(id, 'paid', { attempt: 1 })).outcome).toBe('unchanged');
    expect((await books.told(id, 'returned 1')).state).toBe('RETURNED');
    expect(await books.money(owner)).toEqual({ available: 4975n, reserved: 0n });
  }
});

test('a failed payout that is tried again reserves again, once a round', async () => {
  const owner = await books.merchant(1000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1', 'failed 1');
  const first = await books.tell(id, 'reinitiated', { key: 'reinitiated:2' });
  expect((await books.tell(id, 'reinitiated', { key: 'reinitiated:2' })).outcome).toBe('already');
  expect((await books.tell(id, 'reinitiated')).outcome).toBe('wrong_state');
  expect(first.payout).toMatchObject({
    state: 'QUEUED',
    round: 2,
    attempt: 1,
    attemptsBefore: 1,
    failure: null,
    completedAt: null,
  });
  await books.told(id, 'attempt_started 2', 'paid 2');
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'RELEASE 1000', 'RESERVE 1000', 'SETTLE 1000']);
  expect(await books.attempts(id)).toEqual(['1 failed', '2 succeeded']);
});

test('a failed payout cannot be tried again with money that is not there', async () => {
  const owner = await books.merchant(1000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1', 'failed 1');
  await books.payout(owner, { amount: 1n });
  expect(await books.tell(id, 'reinitiated')).toMatchObject({
    outcome: 'insufficient_balance',
    payout: { state: 'FAILED', round: 1, sequence: 3 },
  });
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'RELEASE 1000']);
});

test('a fact about a payout that was never taken in is a fault, not an answer', async () => {
  await expect(books.tell(newId('po'), 'paid', { attempt: 1 })).rejects.toThrow('unknown payout');
});

test('the same step under one key is one event, with the answer of the payout as it is', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.tell(id, 'attempt_started', { attempt: 1, key: 'attempt_started:1:1' });
  const again = await books.tell(id, 'attempt_started', { attempt: 1, key: 'attempt_started:1:1' });
  expect(again).toMatchObject({ outcome: 'already', payout: { state: 'SUBMITTING', sequence: 2 } });
  const { rows } = await books.db.owner.query('SELECT sends FROM payout_attempts WHERE payout_id = $1', [id]);
  expect(rows).toEqual([{ sends: 1 }]);
});

test('a payout is completed when it came to its end, and a return does not change when it was paid', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  expect((await books.told(id, 'attempt_started 1')).completedAt).toBeNull();
  const failed = await books.told(id, 'failed 1');
  expect(failed.completedAt).toBe(failed.updatedAt);
  const paid = await books.told(id, 'paid 1');
  expect(paid.completedAt).toBe(paid.updatedAt);
  expect((await books.told(id, 'returned 1')).completedAt).toBe(paid.completedAt);
});
