/** After a restore of an older backup the PSP knows attempts that the books have forgotten: what it paid under them is paid. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.stop();
});
afterEach(async () => {
  await books.expectInOrder();
});

async function failedOnce(...then: string[]): Promise<string> {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1');
  await books.tell(id, 'attempt_failed', { attempt: 1, pspRef: `${id}-1`, source: 'look_up' });
  if (then.length > 0) await books.told(id, ...then);
  return id;
}

const shown = (id: string, attempt: number) => ({ attempt, pspRef: `${id}-${attempt}`, source: 'callback' }) as const;

test('what was paid under a forgotten key is settled, and nothing is sent any more', async () => {
  const id = await failedOnce();
  const { payout } = await books.tell(id, 'paid', shown(id, 2));
  expect(payout).toMatchObject({ state: 'SUCCEEDED', attempt: 2, needsOperator: true, pspReference: `${id}-2` });
  expect(await books.attempts(id)).toEqual(['1 failed', '2 succeeded']);
  for (const attempt of [1, 2, 3]) expect((await books.tell(id, 'attempt_started', { attempt })).outcome).toBe('wrong_state');
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
});

test('between the newest attempt and a forgotten one there were others: they are in doubt, and an operator is asked', async () => {
  const id = await failedOnce();
  expect((await books.tell(id, 'paid', shown(id, 3))).payout).toMatchObject({
    state: 'SUCCEEDED',
    needsOperator: true,
    unproven: [2],
  });
  expect((await books.tell(id, 'attempt_started', { attempt: 2 })).outcome).toBe('wrong_state');
});

test('a payment under a forgotten key that is seen while another is in flight waits for that one, and is settled once', async () => {
  const id = await failedOnce('attempt_started 2', 'outcome_unknown 2');
  const seen = await books.tell(id, 'paid', shown(id, 3));
  expect(seen.payout).toMatchObject({ state: 'UNRESOLVED', needsOperator: true, unproven: [2] });
  expect((await books.tell(id, 'attempt_started', { attempt: 2 })).outcome).toBe('wrong_state'); // not even again
  const { payout } = await books.tell(id, 'failed', shown(id, 2));
  expect(payout).toMatchObject({ state: 'SUCCEEDED', needsOperator: true });
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
});

test('seen while an operator is asked for another reason, it leaves a trace, and the operator stays asked', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1', 'outcome_unknown 1', 'outcome_overdue 1');
  expect((await books.tell(id, 'paid', shown(id, 3))).outcome).toBe('ignored');
  expect((await books.timeline(id)).at(-1)).toBe('payout.fact_ignored UNRESOLVED→UNRESOLVED');
  const { payout } = await books.tell(id, 'failed', shown(id, 1));
  expect(payout).toMatchObject({ state: 'UNRESOLVED', needsOperator: true, unproven: [2] });
});

test('what is alive under a forgotten key keeps a failed payout from being tried again, until its end is proven', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1');
  await books.tell(id, 'failed', shown(id, 1));
  expect((await books.tell(id, 'psp_processing', shown(id, 2))).payout).toMatchObject({ state: 'FAILED', needsOperator: true });
  expect((await books.tell(id, 'reinitiated', { key: 'reinitiated:2' })).outcome).toBe('wrong_state');
  await books.tell(id, 'failed', shown(id, 2));
  expect((await books.tell(id, 'reinitiated', { key: 'reinitiated:2' })).payout).toMatchObject({ state: 'QUEUED', attempt: 2 });
});

test('that the books have forgotten attempts stays before an operator until a person has seen it', async () => {
  const id = await failedOnce();
  await books.tell(id, 'psp_processing', shown(id, 2));
  await books.tell(id, 'attempt_failed', shown(id, 2));
  expect(await books.told(id, 'attempt_started 3')).toMatchObject({ state: 'SUBMITTING', needsOperator: true });
  const seen = await books.tell(id, 'acknowledged', { adminId: 'adm_1', reason: 'restored this morning' });
  expect(seen.payout.needsOperator).toBe(false);
});

test('a payment that the backup forgot together with the approval is settled out of the review', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n, reviewReasons: [{ code: 'amount', detail: 'large' }] });
  expect((await books.tell(id, 'paid', shown(id, 1))).payout).toMatchObject({ state: 'SUCCEEDED', needsOperator: true });
});

test.each([
  ['a forgotten attempt', 3, ['attempt_started 2', 'not_taken 2'], 2],
  ['an earlier attempt', 1, ['attempt_started 2', 'not_taken 2'], 2],
  ['the next attempt', 2, [], 2],
] as const)('nothing is sent while a message that says paid of %s is not looked into', async (_, attempt, facts, next) => {
  const id = await failedOnce(...facts);
  await books.db.owner.query(
    `INSERT INTO psp_messages (id, psp, event_key, payout_id, attempt, claim, body, state) VALUES ($1, 'sandbox', $1, $2, $3, 'paid', '{}', 'received')`,
    [newId('msg'), id, attempt],
  );
  expect((await books.tell(id, 'attempt_started', { attempt: next })).outcome).toBe('wrong_state');
  await books.db.owner.query(`UPDATE psp_messages SET state = 'applied' WHERE payout_id = $1`, [id]);
  expect((await books.tell(id, 'attempt_started', { attempt: next })).outcome).toBe('applied');
});
