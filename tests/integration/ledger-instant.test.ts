/** Withdrawals paid person to person: each slice is one payer's at a time and credited once, and every unit of the total is somewhere. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { receiptIdOf } from '../../src/instant/rules/receiptId.ts';
import { areNear } from '../../src/instant/rules/utr.ts';
import { countBookSteps } from '../../src/ledger/calls.ts';
import { lapseAssignment, matchBatch, matchPayin, reassignBatch } from '../../src/ledger/instant.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type Instant, instantOf, newUtr } from '../support/instant.ts';
import type { TestUser } from '../support/users.ts';

const CALLERS = 50;

let books: Books;
let instant: Instant;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
  instant = instantOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));
const outcomes = (answers: readonly { readonly outcome: string }[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { outcome } of answers) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
};
const EMPTY = { available: 0n, reserved: 0n, debt: 0n };

test('₹10,000 in four slices, by four payers of three merchants: each is credited once, and it completes with the last confirmation', async () => {
  const payee = await instant.user(1_000_000n);
  const { id, batches } = await instant.open(payee, [250_000n, 250_000n, 250_000n, 250_000n]);
  expect(await instant.purse(payee)).toEqual({ available: 0n, reserved: 1_000_000n, debt: 0n });
  const payers = [await instant.user(), await instant.user(0n, payee), await instant.user(), await instant.user()];
  for (const [at, batchId] of batches.entries()) {
    const payer = payers[at] as TestUser;
    const payinId = await instant.claim(payer, batchId);
    const utr = newUtr();
    const proof = await instant.prove(batchId, payinId, { utr });
    expect(proof).toMatchObject({
      outcome: 'credited',
      batch: { state: 'sys_confirmed', money: 'credited', utr, totals: { paidMinor: String(250_000 * (at + 1)) } },
      payin: { state: 'completed', utr, receiptId: expect.stringMatching(/^RCP-\d{8}-[0-9A-Z]{8}$/) },
    });
    expect((await instant.prove(batchId, payinId, { utr })).outcome).toBe('already');
    expect((await instant.prove(batchId, payinId)).outcome).toBe('proof_exists');
    expect(await instant.purse(payer)).toEqual({ available: 250_000n, reserved: 0n, debt: 0n });
  }
  expect(await instant.withdrawal(id)).toMatchObject({ state: 'partially_paid', paidMinor: '1000000', receiptId: null });
  for (const batchId of batches)
    expect([await instant.confirm(batchId), await instant.confirm(batchId)]).toEqual(['confirmed', 'already']);
  expect(await instant.withdrawal(id)).toMatchObject({
    state: 'completed',
    remainingMinor: '0',
    receiptId: expect.any(String),
    utrs: { length: 4 },
  });
  expect(await instant.purse(payee)).toEqual(EMPTY);
  expect(await books.timeline(id)).toEqual([
    'instant-payout-status-update →open',
    'instant-payout-status-update open→partially_paid',
    ...[1, 2, 3].map(() => 'instant-payout-status-update partially_paid→partially_paid'),
    'instant-payout-status-update partially_paid→completed',
  ]);
  expect(await books.timeline(batches[0] ?? '')).toEqual([
    'instant-payout-batch-status-update →unassigned',
    'instant-payout-batch-assigned unassigned→assigned',
    'instant-payout-batch-status-update assigned→proof_submitted',
    'instant-payout-batch-completed proof_submitted→sys_confirmed',
    'instant-payout-batch-confirmed sys_confirmed→confirmed',
  ]);
});

test('a withdrawal is opened once under its id, not over what there is, not twice under a reference, and not by who is frozen', async () => {
  const payee = await instant.user(100n);
  const id = newId('ip');
  expect((await instant.tryOpen(payee, [60n, 41n])).outcome).toBe('insufficient_balance');
  const [one, other] = await Promise.all([instant.tryOpen(payee, [50n], { id }), instant.tryOpen(payee, [50n], { id })]);
  expect(outcomes([one, other])).toEqual({ opened: 1, already: 1 });
  expect(one).toMatchObject({ batches: (other as typeof one & { batches: unknown }).batches });
  expect((await instant.tryOpen(payee, [1n], { reference: id })).outcome).toBe('duplicate_reference');
  await instant.users.freeze(payee, true);
  expect((await instant.tryOpen(payee, [1n])).outcome).toBe('user_frozen');
  await expect(instant.tryOpen({ ...payee, merchantId: 'mer_x' }, [1n])).rejects.toThrow('is not of merchant');
  expect(await instant.purse(payee)).toEqual({ available: 50n, reserved: 50n, debt: 0n });
});

test('fifty payers at once for ten slices: ten have one each, forty are refused, and no slice has two', async () => {
  const payee = await instant.user(1_000n);
  const { batches } = await instant.open(
    payee,
    Array.from({ length: 10 }, () => 100n),
  );
  const payers = await times(50, () => instant.user());
  const answers = await times(50, (n) => instant.tryClaim(payers[n] as TestUser, batches[n % 10] as string));
  expect(outcomes(answers)).toEqual({ opened: 10, batch_taken: 40 });
  const { rows } = await books.db.owner.query(
    `SELECT count(*)::int AS open, count(DISTINCT batch_id)::int AS batches, count(DISTINCT user_id)::int AS payers FROM instant_assignments WHERE batch_id = ANY ($1)`,
    [batches],
  );
  expect(rows).toEqual([{ open: 10, batches: 10, payers: 10 }]);
});

test('fifty payins at once of one amount: ten get the ten slices there are, the others wait, and get what comes', async () => {
  const payee = await instant.user(1_100n);
  const amount = 77n;
  await instant.open(
    payee,
    Array.from({ length: 10 }, () => amount),
  );
  const payers = await times(50, () => instant.user());
  const answers = await times(50, (n) => instant.tryPayin(payers[n] as TestUser, amount));
  expect(outcomes(answers)).toEqual({ opened: 50 });
  const payins = answers.flatMap((answer) => ('payin' in answer ? [answer.payin] : []));
  for (const { id, state } of payins) if (state === 'waiting') await matchPayin(books.db.pool, id); // whom a lock made miss one
  const now = await Promise.all(payins.map(({ id }) => instant.payin(id)));
  expect(new Set(now.flatMap(({ batchId }) => batchId ?? [])).size).toBe(10);
  const waiting = now.filter(({ state }) => state === 'waiting');
  expect(waiting).toHaveLength(40);
  const more = await instant.open(payee, [amount]);
  const found = await times(5, () => matchBatch(books.db.pool, more.batches[0] as string));
  expect(outcomes(found)).toEqual({ matched: 1, settled: 4 });
  expect((await instant.payin(waiting.map(({ id }) => id).sort()[0] as string)).state).toBe('assigned'); // the oldest
});

test('nobody pays their own withdrawal, two slices at once, or again right after one ran out; nor one whose payee is frozen', async () => {
  const payee = await instant.user(400n);
  const { batches } = await instant.open(payee, [101n, 102n]);
  const [first, second] = batches as [string, string];
  const payer = await instant.user();
  expect((await instant.tryClaim(payee, first)).outcome).toBe('own_batch');
  expect(await instant.tryPayin(payee, 101n)).toMatchObject({ outcome: 'opened', payin: { state: 'waiting' } });
  const payinId = await instant.claim(payer, first);
  expect(await instant.tryClaim(payer, second)).toEqual({ outcome: 'payer_busy', payinId });
  expect(await instant.expire(first)).toBe('reassigned');
  expect(await instant.tryClaim(payer, second)).toEqual({ outcome: 'cooling_down', until: expect.any(String) });
  expect((await instant.payin(payinId)).state).toBe('expired');
  await books.db.owner.query(`UPDATE instant_assignments SET ended_at = now() - interval '11 minutes' WHERE payin_id = $1`, [
    payinId,
  ]);
  await instant.users.freeze(payee, true);
  expect((await instant.tryClaim(payer, second)).outcome).toBe('batch_taken');
  expect(await instant.tryPayin(payer, 102n)).toMatchObject({ payin: { state: 'waiting' } });
  await instant.users.freeze(payee, false);
  expect((await instant.tryClaim(await instant.user(), newId('ipb'))).outcome).toBe('not_found');
  const frozen = await instant.user();
  await instant.users.freeze(frozen, true);
  expect((await instant.tryClaim(frozen, second)).outcome).toBe('user_frozen');
});

test('a slice that runs out goes to another, six payers at most; then its money comes back, and what it was for is over', async () => {
  const payee = await instant.user(100n);
  const { id, batches } = await instant.open(payee, [100n]);
  const batchId = batches[0] as string;
  const run: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    await instant.claim(await instant.user(), batchId);
    run.push(await instant.expire(batchId));
  }
  expect(run).toEqual([...Array.from({ length: 5 }, () => 'reassigned'), 'unfilled']);
  expect(await instant.withdrawal(id)).toMatchObject({ state: 'cancelled', returnedMinor: '100', receiptId: null });
  expect(await instant.purse(payee)).toEqual({ available: 100n, reserved: 0n, debt: 0n });
});

test('a deadline counts for its own assignment alone, and not before its time; an operator may take a slice back at any time', async () => {
  const payee = await instant.user(100n);
  const { batches } = await instant.open(payee, [100n]);
  const batchId = batches[0] as string;
  const payer = await instant.user();
  await instant.claim(payer, batchId);
  expect((await lapseAssignment(books.db.pool, batchId, 1)).outcome).toBe('early');
  const take = (epoch: number) => reassignBatch(books.db.pool, { batchId, epoch, actor: 'admin:adm_1' });
  expect(outcomes(await times(3, () => take(1)))).toEqual({ reassigned: 1, stale: 2 });
  await instant.claim(payer, batchId); // and is not made to wait
  expect((await lapseAssignment(books.db.pool, batchId, 1)).outcome).toBe('stale');
  expect((await instant.batch(batchId)).epoch).toBe(2);
});

test('the same UTR from twenty payers of as many merchants at once proves one payment', async () => {
  const payee = await instant.user(2_000n);
  const { batches } = await instant.open(
    payee,
    Array.from({ length: 20 }, () => 100n),
  );
  const payins = await times(20, async (n) => instant.claim(await instant.user(), batches[n] as string));
  const utr = newUtr();
  const answers = await times(20, (n) => instant.prove(batches[n] as string, payins[n] as string, { utr }));
  expect(outcomes(answers)).toEqual({ credited: 1, utr_used: 19 });
});

test('deadline and proof at the same instant: the payer is credited all the same, once', async () => {
  for (let round = 0; round < 10; round += 1) {
    const { batches } = await instant.open(await instant.user(100n), [100n]);
    const batchId = batches[0] as string;
    const payer = await instant.user();
    const payinId = await instant.claim(payer, batchId);
    const [, proof] = await Promise.all([instant.expire(batchId), instant.prove(batchId, payinId)]);
    expect(proof.outcome).toBe('credited');
    expect(await instant.purse(payer)).toEqual({ available: 100n, reserved: 0n, debt: 0n });
  }
});

test('a withdrawal that is cancelled gives back what nobody has, waits for who has one, and is then over', async () => {
  const payee = await instant.user(300n);
  const { id, batches } = await instant.open(payee, [100n, 100n, 100n]);
  const [paid, running] = batches as [string, string];
  await instant.prove(paid, await instant.claim(await instant.user(), paid));
  await instant.claim(await instant.user(), running);
  expect([await instant.close(id), await instant.close(id), await instant.close(id, 'unfilled')]).toEqual([
    'closed',
    'already',
    'already',
  ]);
  expect(await instant.purse(payee)).toEqual({ available: 100n, reserved: 100n, debt: 0n });
  expect(await instant.expire(running)).toBe('unfilled'); // to nobody else
  expect((await instant.withdrawal(id)).state).toBe('partially_paid');
  await instant.confirm(paid);
  expect(await instant.withdrawal(id)).toMatchObject({
    state: 'partially_completed',
    paidMinor: '100',
    returnedMinor: '200',
    closing: 'cancelled',
  });
  expect(await instant.purse(payee)).toEqual({ available: 200n, reserved: 0n, debt: 0n });
  expect(await instant.close(id)).toBe('already');
});

test('the database numbers receipts and compares UTRs as the rules do', async () => {
  const numbers = [0n, 1n, 2n, 31n, 32n, 123_456_789n, 32n ** 7n - 1n];
  const utrs = [['431234567890', '431234567891'], ['431234567890', '431234567890'], ['431234567890', '431234567980'], ['4', '43']] as const; // biome-ignore format: a table
  for (const number of numbers) {
    const { rows } = await books.db.owner.query(`SELECT receipt_id_of($1, '20261130') AS id`, [number]);
    expect(rows[0].id).toBe(receiptIdOf(number, '20261130'));
  }
  for (const [one, other] of utrs) {
    const { rows } = await books.db.owner.query('SELECT are_near($1, $2) AS near', [one, other]);
    expect(rows[0].near).toBe(areNear(one, other));
  }
});

test('each step of the books is counted by what it was and what came of it, with its time', async () => {
  const registry = new Registry();
  const stop = countBookSteps(registry);
  const payee = await instant.user(10n);
  await instant.tryOpen(payee, [10n]);
  await instant.tryOpen(payee, [10n]);
  await expect(instant.tryOpen({ ...payee, mode: 'live' }, [10n])).rejects.toThrow();
  stop();
  await instant.tryOpen(payee, [10n]);
  const text = await registry.metrics();
  for (const [result, count] of [
    ['opened', 1],
    ['insufficient_balance', 1],
    ['error', 1],
  ] as const)
    expect(text).toContain(`oncepay_ledger_step_seconds_count{operation="open_instant_payout",result="${result}"} ${count}`);
  expect(text).toContain('operation="move_user_money",result="moved"');
});
