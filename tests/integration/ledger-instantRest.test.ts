/** What nobody paid of a withdrawal goes to one ordinary payout, or back to the payee, once: never both, and never neither. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { giveBackRest, openPayin, restOfInstantPayout } from '../../src/ledger/instant.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks, reserveRequest } from '../support/books.ts';
import { type Instant, instantOf } from '../support/instant.ts';

let books: Books;
let instant: Instant;
beforeAll(async () => {
  books = await openBooks({ connections: 20 });
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

/** Of three slices of 100 one is paid; then its time is over. */
async function partlyPaid() {
  const payee = await instant.user(300n);
  const { id, batches } = await instant.open(payee, [100n, 100n, 100n], { onUnfilled: 'psp' });
  const batchId = batches[0] as string;
  await instant.prove(batchId, await instant.claim(await instant.user(), batchId));
  return { id, payee, batchId, other: batches[1] as string };
}

test('the rest is one payout, whoever asks for it and however often: never the payee’s to spend between the two', async () => {
  const { id, payee, batchId } = await partlyPaid();
  expect(await instant.rest(id)).toBe('waiting');
  expect(await instant.close(id, 'unfilled')).toBe('closed');
  expect(await instant.rest(id)).toBe('waiting'); // for the payee's word on the one that was paid
  expect(await instant.purse(payee)).toMatchObject({ available: 0n, reserved: 200n });
  await instant.confirm(batchId);
  expect((await instant.withdrawal(id)).state).toBe('partially_paid');
  const answers = await Promise.all(Array.from({ length: 10 }, () => instant.rest(id)));
  expect(answers.filter((each) => each === 'handed reserved')).toHaveLength(1);
  expect(new Set(answers)).toEqual(new Set(['handed reserved', ...answers.filter((each) => each !== 'handed reserved')]));
  for (const each of answers) expect(['handed reserved', 'handed already', 'over']).toContain(each);
  const withdrawal = await instant.withdrawal(id);
  expect(withdrawal).toMatchObject({
    state: 'partially_completed',
    paidMinor: '100',
    handedMinor: '200',
    remainingMinor: '0',
    restPayoutId: expect.any(String),
  });
  expect(await instant.purse(payee)).toMatchObject({ available: 0n, reserved: 200n });
  expect(await instant.rest(id)).toBe('over');
  const payoutId = withdrawal.restPayoutId as string;
  expect(await books.entries(payoutId)).toEqual(['RESERVE 200']);
  await books.told(payoutId, 'attempt_started 1', 'paid 1');
  expect(await instant.purse(payee)).toMatchObject({ available: 0n, reserved: 0n });
});

test('a payout of the rest that fails leaves the money with the payee', async () => {
  const { id, payee, batchId } = await partlyPaid();
  await instant.confirm(batchId);
  await instant.close(id, 'unfilled');
  await instant.rest(id);
  const { restPayoutId } = await instant.withdrawal(id);
  await books.told(restPayoutId as string, 'attempt_started 1', 'failed 1');
  expect(await instant.purse(payee)).toMatchObject({ available: 200n, reserved: 0n });
});

test('a payout of the rest that is refused for ever gives the rest back to the payee, and not before it is refused', async () => {
  const { id, payee, batchId } = await partlyPaid();
  await instant.confirm(batchId);
  await instant.close(id, 'unfilled');
  const asked = await restOfInstantPayout(books.db.pool, id, newId('po'));
  if (asked.outcome !== 'hand_over') throw new Error(asked.outcome);
  expect((await giveBackRest(books.db.pool, id)).outcome).toBe('wrong_state');
  expect(await instant.close(id)).toBe('handing_over');
  const merchant = { merchantId: payee.merchantId, mode: payee.mode };
  await books.fund(merchant, 10n, 'in', 'INR');
  await books.payout(merchant, { reference: 'taken', amount: 10n, currency: 'INR' });
  const order = {
    ...reserveRequest(merchant, { payoutId: asked.payoutId, amount: 200n, currency: 'INR', reference: 'taken' }),
    kind: 'user',
    owner: { kind: 'user', id: payee.userId },
  } as const;
  expect([
    (await books.ledger.reserve(order)).outcome,
    (await books.ledger.reserve({ ...order, reference: 'free' })).outcome,
  ]).toEqual([
    'duplicate_reference',
    'duplicate_reference', // for ever
  ]);
  expect(await instant.purse(payee)).toMatchObject({ available: 0n, reserved: 200n });
  expect([(await giveBackRest(books.db.pool, id)).outcome, (await giveBackRest(books.db.pool, id)).outcome]).toEqual([
    'given_back',
    'over',
  ]);
  expect(await instant.purse(payee)).toMatchObject({ available: 200n, reserved: 0n });
  expect(await instant.withdrawal(id)).toMatchObject({ state: 'partially_completed', returnedMinor: '200', handedMinor: '0' });
});

test('a user is paid out by the rest of a withdrawal alone, of that amount, and not while frozen', async () => {
  const { id, payee, batchId } = await partlyPaid();
  await instant.confirm(batchId);
  await instant.close(id, 'unfilled');
  const merchant = { merchantId: payee.merchantId, mode: payee.mode };
  const asked = { kind: 'user', owner: { kind: 'user', id: payee.userId } } as const;
  await expect(books.ledger.reserve({ ...reserveRequest(merchant, { amount: 1n, currency: 'INR' }), ...asked })).rejects.toThrow(
    'of no withdrawal',
  );
  await instant.users.freeze(payee, true);
  expect(await instant.rest(id)).toBe('user_frozen');
  await instant.users.freeze(payee, false);
  const rest = await restOfInstantPayout(books.db.pool, id, newId('po'));
  if (rest.outcome !== 'hand_over') throw new Error(rest.outcome);
  await expect(
    books.ledger.reserve({ ...reserveRequest(merchant, { payoutId: rest.payoutId, amount: 199n, currency: 'INR' }), ...asked }),
  ).rejects.toThrow('is not the rest');
  expect(await instant.rest(id)).toBe('handed reserved');
});

test('a slice that was rejected waits with the rest for its payout; one that is cancelled meanwhile comes back with all of it', async () => {
  const { id, payee, batchId, other } = await partlyPaid();
  await instant.confirm(batchId);
  await books.db.owner.query(`UPDATE instant_payouts SET policy = policy || '{"creditOn": "payee_confirmed"}' WHERE id = $1`, [
    id,
  ]);
  await instant.prove(other, await instant.claim(await instant.user(), other));
  expect(await instant.decide(other, 'reject')).toBe('rejected');
  expect(await instant.batch(other)).toMatchObject({ state: 'rejected', money: 'held' });
  expect(await instant.close(id)).toBe('closed');
  expect(await instant.purse(payee)).toMatchObject({ available: 200n, reserved: 0n });
  expect((await instant.withdrawal(id)).state).toBe('partially_completed');
});

test('each end is told to the callback of whose it is, once: the withdrawal’s to the payee’s merchant, the payin’s to the payer’s', async () => {
  const payee = await instant.user(200n);
  const { id, batches } = await instant.open(payee, [100n, 100n], { callbackUrl: 'https://payee.example/cb' });
  const batchId = batches[0] as string;
  const payer = await instant.user();
  const payinId = newId('pin');
  const request = { ...payer, payinId, reference: 'd-1', callbackUrl: 'https://payer.example/cb', wanted: { batchId } };
  expect([(await openPayin(books.db.pool, request)).outcome, (await openPayin(books.db.pool, request)).outcome]).toEqual([
    'opened',
    'already',
  ]);
  await instant.expire(batchId);
  await instant.prove(batchId, payinId); // late, and honoured
  await instant.dispute(batchId);
  await instant.decide(batchId, 'reject');
  await instant.close(id);
  const { rows } = await books.db.owner.query(
    `SELECT d.url, d.merchant_id AS merchant, e.to_state AS state FROM webhook_deliveries d JOIN events e ON e.id = d.event_id
      WHERE d.subject_id IN ($1, $2) AND d.endpoint_id IS NULL ORDER BY e.position`,
    [id, payinId],
  );
  const to = (user: typeof payee, url: string, ...states: string[]) =>
    states.map((state) => ({ url, merchant: user.merchantId, state }));
  expect(rows).toEqual([
    ...to(payer, 'https://payer.example/cb', 'expired', 'completed', 'reversed'),
    ...to(payee, 'https://payee.example/cb', 'cancelled'),
  ]);
});
