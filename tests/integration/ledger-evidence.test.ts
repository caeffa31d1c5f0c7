/** A person's evidence is about attempts: it settles those that it names, or nothing. */
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
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

/** Its first attempt has failed; what became of the second nobody knows. */
async function secondUnresolved(): Promise<string> {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n });
  await books.told(id, 'attempt_started 1');
  await books.tell(id, 'attempt_failed', { attempt: 1, pspRef: `${id}-1`, source: 'look_up' });
  await books.told(id, 'attempt_started 2', 'outcome_unknown 2', 'outcome_overdue 2');
  return id;
}

const evidence = { adminId: 'adm_1', evidence: 'their statement' };

test.each([
  ['resolved_not_paid', [1]],
  ['resolved_not_paid', [7]],
  ['resolved_not_paid', []],
  ['resolved_not_paid', [1, 2]],
  ['resolved_paid', [1]],
  ['resolved_paid', [7]],
  ['resolved_paid', []],
  ['resolved_paid', [1, 2]],
] as const)('%s of attempts %j moves no money while it is attempt 2 that is without proof', async (fact, attempts) => {
  const id = await secondUnresolved();
  const { outcome, payout } = await books.tell(id, fact, { ...evidence, attempts });
  expect({ outcome, state: payout.state, unproven: payout.unproven }).toEqual({
    outcome: 'unproven_attempts',
    state: 'UNRESOLVED',
    unproven: [2],
  });
  expect(await books.attempts(id)).toEqual(['1 failed', '2 open']);
  expect(await books.entries(id)).toEqual(['RESERVE 1000']);
});

test.each([
  ['resolved_not_paid', [2], 'FAILED', '2 failed'],
  ['resolved_not_paid', [2, 2], 'FAILED', '2 failed'],
  ['resolved_not_paid', undefined, 'FAILED', '2 failed'],
  ['resolved_paid', [2], 'SUCCEEDED', '2 succeeded'],
  ['resolved_paid', undefined, 'SUCCEEDED', '2 succeeded'],
] as const)('%s of attempts %j counts, and the timeline says of which attempt', async (fact, attempts, state, row) => {
  const id = await secondUnresolved();
  const { payout } = await books.tell(id, fact, { ...evidence, ...(attempts ? { attempts } : {}) });
  expect(payout.state).toBe(state);
  expect(await books.attempts(id)).toEqual(['1 failed', row]);
  const { rows } = await books.db.owner.query(
    `SELECT data -> 'attempts' AS attempts FROM events WHERE subject_id = $1 ORDER BY sequence DESC LIMIT 1`,
    [id],
  );
  expect(rows).toEqual([{ attempts: [2] }]);
});
