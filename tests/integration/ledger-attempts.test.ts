/** What the PSP says of several attempts, late or in the wrong order: never a payment too many, never money lost from the books. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.stop();
});

let payoutsPaidTwiceOnPurpose = 0;
afterEach(async () => {
  const expected = payoutsPaidTwiceOnPurpose > 0 ? ['payouts_paid_by_one_attempt'] : [];
  expect(await books.broken()).toEqual(expected);
});

async function failedPayout(funds: bigint): Promise<{ owner: Owner; id: string }> {
  const owner = await books.merchant(funds);
  const id = await books.payout(owner, { amount: 1000n, fee: 25n });
  await books.told(id, 'attempt_started 1', 'failed 1');
  return { owner, id };
}

const twoAttempts = ['attempt_started 1', 'attempt_failed 1', 'attempt_started 2'] as const;

test('a payment learned of after the money was released is taken from what is available', async () => {
  const { owner, id } = await failedPayout(1025n);
  const { payout } = await books.tell(id, 'paid', { attempt: 1 });
  expect(payout).toMatchObject({ state: 'SUCCEEDED', needsOperator: true, failure: null });
  expect(await books.entries(id)).toEqual(['RESERVE 1025', 'RELEASE 1025', 'SETTLE 1000', 'FEE 25']);
  expect(await books.money(owner)).toEqual({ available: 0n, reserved: 0n });
  expect(await books.debt(owner)).toBe(0n);
});

test.each([
  [400n, ['SETTLE 400', 'DEBT 600', 'DEBT 25'], 625n],
  [1010n, ['SETTLE 1000', 'FEE 10', 'DEBT 15'], 15n],
  [0n, ['DEBT 1000', 'DEBT 25'], 1025n],
])('a late payment that %s minor units are there for becomes a debt, never a negative balance', async (left, entries, debt) => {
  const { owner, id } = await failedPayout(1025n);
  if (left < 1025n) await books.payout(owner, { amount: 1025n - left });
  await books.told(id, 'paid 1');
  expect((await books.entries(id)).slice(2)).toEqual(entries);
  expect(await books.debt(owner)).toBe(debt);
  expect((await books.money(owner)).available).toBe(0n);
});

test('a late payment that comes back repays the debt first, then the merchant', async () => {
  const { owner, id } = await failedPayout(1025n);
  await books.payout(owner, { amount: 625n });
  await books.told(id, 'paid 1', 'returned 1');
  expect((await books.entries(id)).slice(2)).toEqual(['SETTLE 400', 'DEBT 600', 'DEBT 25', 'REVERSE 625', 'REVERSE 375']);
  expect(await books.debt(owner)).toBe(0n);
  expect((await books.money(owner)).available).toBe(375n); // the fee is not given back: the transfer was made
});

test.each([
  ['cancelled', []],
  ['rejected', [{ adminId: 'adm_1', reason: 'no' }]],
] as const)('a payout %s while it waits to go again, yet paid, is settled late', async (fact, [data]) => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1', 'not_taken 1', 'held');
  await books.tell(id, fact, data ?? {});
  expect(await books.attempts(id)).toEqual(['1 failed']);
  expect((await books.told(id, 'paid 1')).state).toBe('SUCCEEDED');
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'RELEASE 1000', 'SETTLE 1000']);
});

test('an earlier attempt paid while a later is in flight waits for the later, and the payout ends paid by the earlier', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, ...twoAttempts);
  const early = await books.tell(id, 'paid', { attempt: 1, pspRef: `first-${id}` });
  expect(early).toMatchObject({ outcome: 'ignored', payout: { state: 'SUBMITTING', needsOperator: true } });
  expect((await books.tell(id, 'paid', { attempt: 1 })).outcome).toBe('unchanged');
  const { payout } = await books.tell(id, 'attempt_failed', { attempt: 2, pspRef: `second-${id}` });
  expect(payout).toMatchObject({ state: 'SUCCEEDED', attempt: 2, pspReference: `first-${id}`, failure: null });
  expect(await books.attempts(id)).toEqual(['1 succeeded', '2 failed']);
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
  expect((await books.tell(id, 'attempt_started', { attempt: 3 })).outcome).toBe('wrong_state');
});

test.each(['failed', 'not_taken'] as const)('also when the later one ends by %s', async (fact) => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, ...twoAttempts);
  await books.tell(id, 'paid', { attempt: 1 });
  expect((await books.tell(id, fact, { attempt: 2 })).payout.state).toBe('SUCCEEDED');
  expect(await books.attempts(id)).toEqual(['1 succeeded', '2 failed']);
});

test('also when an operator finds that the later one was not paid', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, ...twoAttempts);
  await books.tell(id, 'paid', { attempt: 1 });
  await books.told(id, 'outcome_unknown 2', 'outcome_overdue 2');
  const { payout } = await books.tell(id, 'resolved_not_paid', { adminId: 'adm_1', reason: 'their statement' });
  expect(payout.state).toBe('SUCCEEDED');
  expect(await books.attempts(id)).toEqual(['1 succeeded', '2 failed']);
});

test('no request goes out again while an earlier one is known to be paid', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, ...twoAttempts, 'outcome_unknown 2');
  await books.tell(id, 'paid', { attempt: 1 });
  expect((await books.tell(id, 'attempt_started', { attempt: 2 })).outcome).toBe('wrong_state');
});

test('an earlier attempt paid while the later waits to be sent again closes the later', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, ...twoAttempts, 'not_taken 2');
  expect((await books.told(id, 'paid 1')).state).toBe('SUCCEEDED');
  expect(await books.attempts(id)).toEqual(['1 succeeded', '2 failed']);
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
});

test('an earlier payment that comes back while a later attempt is in flight no longer counts as paid', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, ...twoAttempts);
  await books.tell(id, 'paid', { attempt: 1 });
  expect((await books.tell(id, 'returned', { attempt: 1 })).outcome).toBe('ignored');
  expect((await books.tell(id, 'returned', { attempt: 1 })).outcome).toBe('unchanged');
  expect((await books.told(id, 'failed 2')).state).toBe('FAILED');
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'RELEASE 1000']);
});

test.each([
  ['before it', ['attempt_started 1', 'attempt_failed 1', 'attempt_started 2', 'paid 2'], 1],
  ['after it', ['attempt_started 1', 'attempt_failed 1', 'attempt_started 2', 'attempt_failed 2', 'paid 1'], 2],
] as const)(
  'of two payments, the second is seen, an operator is asked, and a return of one leaves the other settled: %s',
  async (_, facts, second) => {
    const owner = await books.merchant(5000n);
    const id = await books.payout(owner, { amount: 1000n });
    await books.told(id, ...facts);
    payoutsPaidTwiceOnPurpose += 1;
    expect(await books.tell(id, 'paid', { attempt: second })).toMatchObject({
      outcome: 'ignored',
      payout: { state: 'SUCCEEDED', needsOperator: true },
    });
    expect(await books.attempts(id)).toEqual(['1 succeeded', '2 succeeded']);
    expect(await books.broken()).toEqual(['payouts_paid_by_one_attempt']);
    expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);

    expect((await books.tell(id, 'returned', { attempt: second })).outcome).toBe('ignored');
    payoutsPaidTwiceOnPurpose -= 1;
    expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
    expect((await books.told(id, `returned ${3 - second}`)).state).toBe('RETURNED');
    expect(await books.money(owner)).toEqual({ available: 5000n, reserved: 0n });
  },
);

test('two payments found out while the outcome of the later is with an operator keep asking for one', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, ...twoAttempts, 'mismatch 2');
  await books.tell(id, 'paid', { attempt: 1 });
  payoutsPaidTwiceOnPurpose += 1;
  expect(await books.tell(id, 'paid', { attempt: 2 })).toMatchObject({
    outcome: 'applied',
    payout: { state: 'SUCCEEDED', needsOperator: true },
  });
  await books.tell(id, 'returned', { attempt: 2 });
  payoutsPaidTwiceOnPurpose -= 1;
});

test('a request that may have got through is not taken for "not taken" because its repeat was refused', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1', 'outcome_unknown 1', 'attempt_started 1');
  expect((await books.told(id, 'not_taken 1')).state).toBe('UNKNOWN');
  expect((await books.tell(id, 'cancelled')).outcome).toBe('wrong_state');
  expect((await books.tell(id, 'attempt_started', { attempt: 2 })).outcome).toBe('wrong_state');
  expect((await books.tell(id, 'not_taken', { attempt: 1 })).outcome).toBe('unchanged');
});

test('a request that was certainly not taken goes again under its own key, which a person may stop', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1', 'not_taken 1');
  expect((await books.tell(id, 'attempt_started', { attempt: 2 })).outcome).toBe('wrong_state');
  await books.told(id, 'attempt_started 1', 'not_taken 1', 'cancelled');
  const { rows } = await books.db.owner.query('SELECT psp_key, sends, state FROM payout_attempts WHERE payout_id = $1', [id]);
  expect(rows).toEqual([{ psp_key: `${id}:1`, sends: 2, state: 'failed' }]);
});

test('old news of a failed attempt changes nothing and calls nobody', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, ...twoAttempts);
  for (const fact of ['attempt_failed', 'failed', 'outcome_unknown'] as const) {
    expect(await books.tell(id, fact, { attempt: 1 })).toMatchObject({
      outcome: 'unchanged',
      payout: { needsOperator: false, sequence: 4 },
    });
  }
  expect(await books.tell(id, 'not_taken', { attempt: 1 })).toMatchObject({
    outcome: 'ignored',
    payout: { state: 'SUBMITTING', needsOperator: false },
  });
  expect((await books.timeline(id)).slice(4)).toEqual(['payout.fact_ignored SUBMITTING→SUBMITTING']);
});

test.each(['psp_queued', 'psp_held', 'psp_processing', 'mismatch'] as const)(
  'an attempt that failed for certain and is shown alive (%s) stops everything until the PSP or a person has sorted it out',
  async (fact) => {
    const owner = await books.merchant(5000n);
    const id = await books.payout(owner, { amount: 1000n });
    await books.told(id, 'attempt_started 1');
    await books.tell(id, 'attempt_failed', { attempt: 1, pspRef: `a-${id}` });
    expect(await books.tell(id, fact, { attempt: 1, pspRef: `a-${id}` })).toMatchObject({
      outcome: 'applied',
      payout: { state: 'UNRESOLVED', needsOperator: true, unproven: [1] },
    });
    expect(await books.attempts(id)).toEqual(['1 doubted']);
    for (const attempt of [1, 2]) expect((await books.tell(id, 'attempt_started', { attempt })).outcome).toBe('wrong_state');
    expect((await books.tell(id, 'attempt_failed', { attempt: 1, pspRef: `a-${id}`, source: 'look_up' })).payout).toMatchObject({
      state: 'RETRY_WAIT',
      needsOperator: false,
      unproven: [],
    });
    await books.told(id, 'attempt_started 2', 'paid 2');
    expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
  },
);

test('a payout that was released cannot be tried again while one of its attempts is shown alive', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1');
  await books.tell(id, 'failed', { attempt: 1, pspRef: `a-${id}` });
  expect(await books.tell(id, 'psp_processing', { attempt: 1, pspRef: `a-${id}` })).toMatchObject({
    outcome: 'ignored',
    payout: { state: 'FAILED', needsOperator: true, unproven: [1] },
  });
  expect((await books.tell(id, 'reinitiated', { key: 'reinitiated:2' })).outcome).toBe('wrong_state');
  await books.tell(id, 'failed', { attempt: 1, pspRef: `a-${id}`, source: 'callback' });
  expect((await books.tell(id, 'reinitiated', { key: 'reinitiated:2' })).outcome).toBe('applied');
});

test('where several attempts may have been paid, evidence that does not name them all releases nothing', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, ...twoAttempts, 'psp_processing 1');
  expect((await books.ledger.read(id))?.unproven).toEqual([1, 2]);
  const evidence = { adminId: 'adm_1', reason: 'their statement' };
  for (const attempts of [undefined, [2], [1]]) {
    const { outcome } = await books.tell(id, 'resolved_not_paid', { ...evidence, ...(attempts ? { attempts } : {}) });
    expect(outcome).toBe('unproven_attempts');
  }
  expect((await books.tell(id, 'resolved_paid', { ...evidence, attempts: [1, 2] })).outcome).toBe('unproven_attempts');
  expect((await books.tell(id, 'resolved_not_paid', { ...evidence, attempts: [1, 2] })).payout.state).toBe('FAILED');
  expect(await books.attempts(id)).toEqual(['1 failed', '2 failed']);
});

test('an answer that was asked for before something newer was told is asked for again, not believed', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  const { sequence } = await books.told(id, 'attempt_started 1', 'outcome_unknown 1');
  await books.told(id, 'paid 1', 'returned 1');
  for (const fact of ['paid', 'failed', 'psp_processing'] as const) {
    expect((await books.tell(id, fact, { attempt: 1, askedAt: sequence, source: 'look_up' })).outcome).toBe('stale');
  }
  expect((await books.ledger.read(id))?.state).toBe('RETURNED');
});

test('a doubt about an attempt is not acknowledged away while the payout is held: it would lie there unwatched', async () => {
  const { id } = await failedPayout(1025n);
  await books.told(id, 'reinitiated', 'held');
  await books.tell(id, 'psp_processing', { attempt: 1, pspRef: 'tr_1', source: 'look_up' });
  const { outcome, payout } = await books.tell(id, 'acknowledged', { adminId: 'adm_1', reason: 'seen' });
  expect([outcome, payout.state, payout.needsOperator]).toEqual(['wrong_state', 'ON_HOLD', true]);
});

test('what is wrong with a payout is cleared by whoever has seen to it, and nothing else changes', async () => {
  const { owner, id } = await failedPayout(1025n);
  const before = (await books.tell(id, 'paid', { attempt: 1 })).payout;
  const { payout } = await books.tell(id, 'acknowledged', { adminId: 'adm_1', reason: 'the merchant was told' });
  const { updatedAt: _, sequence, needsOperator, ...rest } = payout;
  expect(before).toMatchObject(rest);
  expect([sequence, needsOperator]).toEqual([before.sequence + 1, false]);
  expect((await books.timeline(id)).at(-1)).toBe('payout.acknowledged SUCCEEDED→SUCCEEDED');
  expect(await books.money(owner)).toEqual({ available: 0n, reserved: 0n });
});

test('the time at which an operator is asked is set once for an attempt, whatever is heard meanwhile', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1');
  const lost = { attempt: 1, outcomeUntil: '2026-11-30T10:00:00.000Z' } as const;
  const { outcomeUntil } = (await books.tell(id, 'outcome_unknown', lost)).payout;
  expect(outcomeUntil).not.toBeNull();
  await books.told(id, 'psp_processing 1');
  expect(
    (await books.tell(id, 'outcome_unknown', { ...lost, outcomeUntil: '2026-11-30T11:00:00.000Z' })).payout.outcomeUntil,
  ).toBe(outcomeUntil);
  await books.told(id, 'attempt_started 1');
  expect((await books.tell(id, 'outcome_unknown', lost)).payout.outcomeUntil).toBe(outcomeUntil);
});

test('what the PSP says of an attempt that never was is not believed', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  for (const attempt of [0, -1]) expect((await books.tell(id, 'paid', { attempt })).outcome).toBe('unchanged');
  expect((await books.tell(id, 'attempt_started')).outcome).toBe('wrong_state'); // which one?
  await books.told(id, 'attempt_started 1');
  expect((await books.tell(id, 'paid', { attempt: 999_999_999 })).payout).toMatchObject({
    state: 'SUBMITTING',
    needsOperator: true,
  });
  await expect(books.tell(id, 'paid')).rejects.toThrow('names no attempt');
  expect((await books.ledger.read(id))?.sequence).toBe(3);
});

test('the deadline of an earlier attempt does not end the wait for a later one', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, ...twoAttempts, 'outcome_unknown 2');
  expect((await books.tell(id, 'outcome_overdue', { attempt: 1 })).outcome).toBe('wrong_state');
  expect((await books.told(id, 'outcome_overdue 2')).state).toBe('UNRESOLVED');
});

test('what is known already writes nothing', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1');
  for (const fact of ['psp_queued', 'psp_held', 'psp_processing', 'outcome_unknown', 'mismatch'] as const) {
    const applied = await books.tell(id, fact, { attempt: 1 });
    const again = await books.tell(id, fact, { attempt: 1 });
    expect([applied.outcome, again.outcome]).toEqual(['applied', 'unchanged']);
    expect(again.payout).toEqual(applied.payout);
  }
  expect((await books.tell(id, 'outcome_unknown', { attempt: 1 })).outcome).toBe('unchanged');
});

test('a failure after the payment contradicts it: nothing changes, an operator is asked', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1', 'paid 1');
  expect(await books.tell(id, 'failed', { attempt: 1 })).toMatchObject({
    outcome: 'ignored',
    payout: { state: 'SUCCEEDED', needsOperator: true },
  });
  expect(await books.attempts(id)).toEqual(['1 succeeded']);
});

test("a PSP that names another transfer's reference is not believed, and the true word still counts", async () => {
  const owner = await books.merchant(5000n);
  const [first, second] = [await books.payout(owner), await books.payout(owner)];
  const pspRef = newId('psp');
  await books.told(first, 'attempt_started 1');
  await books.tell(first, 'paid', { attempt: 1, pspRef, key: 'paid:1' });
  await books.told(second, 'attempt_started 1');
  const wrong = await books.tell(second, 'paid', { attempt: 1, pspRef, key: 'paid:1' });
  expect(wrong).toMatchObject({ outcome: 'applied', payout: { state: 'UNRESOLVED', pspReference: null, needsOperator: true } });
  expect((await books.tell(second, 'paid', { attempt: 1, pspRef, key: 'paid:1' })).outcome).toBe('already');
  const right = await books.tell(second, 'paid', { attempt: 1, pspRef: newId('psp'), key: 'paid:1' });
  expect(right).toMatchObject({ outcome: 'applied', payout: { state: 'SUCCEEDED', needsOperator: false } });
});

test('that another transfer failed proves nothing of the one that the PSP has named: nothing is released, and nothing sent', async () => {
  const owner = await books.merchant(5000n);
  for (const fact of ['attempt_failed', 'failed'] as const) {
    const id = await books.payout(owner);
    await books.told(id, 'attempt_started 1');
    await books.tell(id, 'psp_processing', { attempt: 1, pspRef: `x-${id}` });
    const { payout } = await books.tell(id, fact, { attempt: 1, pspRef: `y-${id}`, source: 'look_up', key: 'failed:1' });
    expect(payout).toMatchObject({ state: 'UNRESOLVED', needsOperator: true, unproven: [1], pspReference: `x-${id}` });
    const own = await books.tell(id, fact, { attempt: 1, pspRef: `x-${id}`, source: 'look_up', key: 'failed:1' });
    expect(own).toMatchObject({ outcome: 'applied', payout: { unproven: [] } });
  }
});

test("the payout names the PSP's reference of the attempt it stands for", async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1');
  expect((await books.tell(id, 'psp_processing', { attempt: 1, pspRef: `a-${id}` })).payout.pspReference).toBe(`a-${id}`);
  await books.told(id, 'outcome_unknown 1');
  expect((await books.told(id, 'attempt_started 1')).pspReference).toBe(`a-${id}`); // the same request once more
  await books.tell(id, 'attempt_failed', { attempt: 1, pspRef: `a-${id}`, source: 'look_up' });
  expect((await books.told(id, 'attempt_started 2')).pspReference).toBeNull();
});

test('an operator may say that it was paid, and then the payment may still come back', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n, fee: 5n });
  await books.told(id, 'attempt_started 1', 'outcome_unknown 1', 'outcome_overdue 1');
  const { payout } = await books.tell(id, 'resolved_paid', { adminId: 'adm_1', reason: 'their statement' });
  expect(payout).toMatchObject({ state: 'SUCCEEDED', needsOperator: false });
  expect((await books.tell(id, 'paid', { attempt: 1 })).outcome).toBe('unchanged');
  expect((await books.told(id, 'returned 1')).state).toBe('RETURNED');
  expect(await books.entries(id)).toEqual(['RESERVE 1005', 'SETTLE 1000', 'FEE 5', 'REVERSE 1000']);
});

test('an operator who last saw the first attempt decides on the one that is in doubt', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, ...twoAttempts, 'mismatch 2');
  expect((await books.tell(id, 'resolved_paid', { attempt: 1, adminId: 'adm_1' })).payout.state).toBe('SUCCEEDED');
  expect(await books.attempts(id)).toEqual(['1 failed', '2 succeeded']);
});

test('an admin who approved a payout may stop it when it is tried again', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { reviewReasons: [{ code: 'amount', detail: 'large' }] });
  await books.tell(id, 'approved', { adminId: 'adm_1' });
  await books.told(id, 'attempt_started 1', 'failed 1', 'reinitiated', 'held');
  expect((await books.tell(id, 'rejected', { adminId: 'adm_1', reason: 'enough' })).outcome).toBe('applied');
});

test.each(['failed', 'attempt_failed'] as const)(
  'a refusal (%s) that comes when its request was given up for lost and asked again releases nothing: the second may be paid',
  async (fact) => {
    const owner = await books.merchant(5000n);
    const id = await books.payout(owner, { amount: 1000n });
    const { sequence: askedAt } = await books.told(id, 'attempt_started 1');
    await books.told(id, 'outcome_unknown 1');
    const late = { attempt: 1, source: 'reply', askedAt } as const;
    expect(await books.tell(id, fact, late)).toMatchObject({ outcome: 'stale', payout: { state: 'UNKNOWN' } });
    const { sequence: again } = await books.told(id, 'attempt_started 1');
    expect(await books.tell(id, fact, late)).toMatchObject({ payout: { state: 'SUBMITTING' } }); // its own reply will tell
    expect(await books.tell(id, 'paid', late)).toMatchObject({ outcome: 'applied', payout: { state: 'SUCCEEDED' } });
    expect(again).toBeGreaterThan(askedAt);
    expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
  },
);

test('a refusal of a repeat speaks of the repeat alone: the first request may be paid, so nothing is released and no key is new', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1', 'outcome_unknown 1');
  const { sequence: askedAt } = await books.told(id, 'attempt_started 1');
  const refused = await books.tell(id, 'failed', { attempt: 1, source: 'reply', askedAt });
  expect(refused).toMatchObject({ outcome: 'applied', payout: { state: 'UNKNOWN' } });
  expect((await books.tell(id, 'attempt_started', { attempt: 2 })).outcome).toBe('wrong_state');
  const shown = await books.tell(id, 'failed', { attempt: 1, source: 'look_up', pspRef: `a-${id}` });
  expect(shown).toMatchObject({ outcome: 'applied', payout: { state: 'FAILED' } }); // under its own name
});

test('a payment by the PSP that a payout was routed away from is settled with that one, and its return, too', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1', 'attempt_failed 1');
  await books.tell(id, 'routed', { adminId: 'adm_1', psp: 'other' });
  const { payout } = await books.tell(id, 'paid', { attempt: 1, pspRef: `late-${id}`, pspFeeMinor: '7' }); // it was not dead after all
  expect(payout).toMatchObject({ state: 'SUCCEEDED', psp: 'other' });
  await books.told(id, 'returned 1');
  const { rows } = await books.db.owner.query(
    `SELECT e.type, a.owner_id AS psp FROM ledger_entries e
       JOIN accounts a ON a.id IN (e.debit_account, e.credit_account) AND a.purpose = 'clearing' WHERE e.subject_id = $1 ORDER BY e.id`,
    [id],
  );
  expect(rows.map(({ type, psp }) => `${type} ${psp}`)).toEqual(['SETTLE sandbox', 'PSP_FEE sandbox', 'REVERSE sandbox']);
});

test('a payout is routed only once every request that was ever sent is proven dead', async () => {
  const owner = await books.merchant(50_000n);
  const route = (id: string) => books.tell(id, 'routed', { adminId: 'adm_1', psp: 'other' });
  const after = async (...facts: string[]): Promise<string> => {
    const id = await books.payout(owner);
    if (facts.length > 0) await books.told(id, ...facts);
    return id;
  };
  for (const facts of [['attempt_started 1'], ['attempt_started 1', 'outcome_unknown 1'], ['attempt_started 1', 'psp_queued 1']])
    expect((await route(await after(...facts))).outcome).toBe('attempt_alive');
  const doubted = await after('attempt_started 1', 'attempt_failed 1', 'held');
  await books.tell(doubted, 'psp_processing', { attempt: 1 }); // shown alive while it is held
  expect((await route(doubted)).outcome).toBe('attempt_alive');
  const unread = await after('attempt_started 1', 'attempt_failed 1');
  await books.db.owner.query(
    `INSERT INTO psp_messages (id, psp, event_key, payout_id, attempt, claim, body, state) VALUES ($1, 'sandbox', $1, $1, 1, 'paid', '{}', 'received')`,
    [unread],
  );
  expect((await route(unread)).outcome).toBe('attempt_alive');
  const refused = await after('attempt_started 1', 'not_taken 1');
  expect((await route(refused)).outcome).toBe('applied');
  expect(await books.attempts(refused)).toEqual(['1 failed']);
  expect((await books.tell(refused, 'attempt_started', { attempt: 1 })).outcome).toBe('wrong_state'); // never again under that key
  const { rows } = await books.db.owner.query('SELECT proof FROM payout_attempts WHERE payout_id = $1', [refused]);
  expect(rows).toEqual([{ proof: 'refused' }]);
});
