/** What a change leaves for others: its event, and a delivery for each receiver that may and wants to know. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';

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

async function endpoint(owner: Owner, eventTypes: string[], column?: 'disabled_at' | 'deleted_at'): Promise<string> {
  const id = newId('we');
  await books.db.pool.query(
    `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret, ${column ?? 'disabled_reason'})
     VALUES ($1, $2, $3, 'https://m.example/hook', $4, 'secret', ${column ? 'now()' : 'NULL'})`,
    [id, owner.merchantId, owner.mode, eventTypes],
  );
  return id;
}

/** The types of the events that go to this endpoint, in order. */
async function deliveredTo(endpointId: string): Promise<string[]> {
  const { rows } = await books.db.owner.query<{ type: string }>(
    'SELECT e.type FROM webhook_deliveries d JOIN events e ON e.id = d.event_id WHERE d.endpoint_id = $1 ORDER BY e.position',
    [endpointId],
  );
  return rows.map((row) => row.type);
}

test("an endpoint hears of its own merchant's payouts in its own mode, and of no others", async () => {
  const owner = await books.merchant(5000n);
  const live = { ...owner, mode: 'live' } as const;
  const other = await books.merchant(5000n);
  await books.fund(live, 5000n);
  const [mine, ofLive, ofOther] = await Promise.all([owner, live, other].map((each) => endpoint(each, ['*'])));
  await books.payout(owner);
  expect(await deliveredTo(mine ?? '')).toEqual(['payout.created']);
  expect(await deliveredTo(ofLive ?? '')).toEqual([]);
  expect(await deliveredTo(ofOther ?? '')).toEqual([]);
});

test('a disabled or deleted endpoint hears nothing', async () => {
  const owner = await books.merchant(5000n);
  const [disabled, deleted] = [await endpoint(owner, ['*'], 'disabled_at'), await endpoint(owner, ['*'], 'deleted_at')];
  await books.payout(owner);
  expect([...(await deliveredTo(disabled)), ...(await deliveredTo(deleted))]).toEqual([]);
});

test.each([
  ['*', ['payout.created', 'payout.processing', 'payout.on_hold', 'payout.succeeded']],
  ['payout.*', ['payout.created', 'payout.processing', 'payout.on_hold', 'payout.succeeded']],
  ['payout.succeeded', ['payout.succeeded']],
  ['payout.on_hold', ['payout.on_hold']],
  ['payout.s*', []], // the API takes no such pattern
  ['payout', []],
  ['payout.on%', []],
  ['payout_created', []],
  ['PAYOUT.CREATED', []],
  ['game.*', []],
])('an endpoint for %s hears of what it names', async (pattern, types) => {
  const owner = await books.merchant(5000n);
  const id = await endpoint(owner, [pattern]);
  await books.told(await books.payout(owner), 'attempt_started 1', 'psp_held 1', 'paid 1');
  expect(await deliveredTo(id)).toEqual(types);
});

test('an endpoint with two patterns that fit hears once', async () => {
  const owner = await books.merchant(5000n);
  const id = await endpoint(owner, ['payout.*', 'payout.created']);
  await books.payout(owner);
  expect(await deliveredTo(id)).toEqual(['payout.created']);
});

test("the payout's own callback address hears of every change, and an ignored fact is for the timeline only", async () => {
  const owner = await books.merchant(5000n);
  const everything = await endpoint(owner, ['*']);
  const id = await books.payout(owner, { callbackUrl: 'https://m.example/callback' });
  await books.told(id, 'attempt_started 1', 'paid 1');
  expect((await books.tell(id, 'failed', { attempt: 1 })).outcome).toBe('ignored');
  const { rows } = await books.db.owner.query(
    'SELECT d.url, e.type FROM webhook_deliveries d JOIN events e ON e.id = d.event_id WHERE d.subject_id = $1 AND endpoint_id IS NULL ORDER BY e.position',
    [id],
  );
  const types = ['payout.created', 'payout.processing', 'payout.succeeded'];
  expect(rows).toEqual(types.map((type) => ({ url: 'https://m.example/callback', type })));
  expect(await deliveredTo(everything)).toEqual(types);
  expect((await books.timeline(id)).at(-1)).toBe('payout.fact_ignored SUCCEEDED→SUCCEEDED');
});

test('an event carries the payout as it was right after, without the account number', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner, { amount: 1000n, fee: 25n });
  await books.told(id, 'attempt_started 1', 'paid 1');
  const { rows } = await books.db.owner.query('SELECT object FROM events WHERE subject_id = $1 ORDER BY sequence', [id]);
  expect(rows.map((row) => [row.object.sequence, row.object.state])).toEqual([
    [1, 'QUEUED'],
    [2, 'SUBMITTING'],
    [3, 'SUCCEEDED'],
  ]);
  const { beside, ...record } = rows[2].object; // what only whoever looks back reads
  expect(record).toEqual(await books.ledger.read(id));
  expect(beside).toMatchObject({ attempts: [{ attempt: 1, state: 'succeeded' }], debtMinor: '0', makerId: null });
  expect(rows[0].object).toMatchObject({ amountMinor: '1000', feeMinor: '25', destination: { accountLast4: '0001' } });
  expect(JSON.stringify(rows)).not.toContain('12345678900001');
});

test('a payout that is reviewed tells so, and who decided', async () => {
  const owner = await books.merchant(5000n);
  const reviewReasons = [{ code: 'amount', detail: 'from 100,000.00 PKR' }];
  const id = await books.payout(owner, { reviewReasons, makerId: 'adm_maker' });
  expect((await books.tell(id, 'approved', { adminId: 'adm_maker' })).outcome).toBe('self_approval');
  const { payout } = await books.tell(id, 'approved', { adminId: 'adm_1' });
  expect(payout.review).toMatchObject({ reasons: reviewReasons, approvals: [{ adminId: 'adm_1', decision: 'approved' }] });
  expect((await books.tell(id, 'approved', { adminId: 'adm_1' })).outcome).toBe('already_decided');
  expect(await books.timeline(id)).toEqual([
    'payout.created →IN_REVIEW',
    'payout.in_review →IN_REVIEW',
    'payout.approved IN_REVIEW→QUEUED',
  ]);
});

test("a PSP's message is closed by the fact that was found out because of it, and one that claimed otherwise is in the timeline", async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1');
  const message = async (): Promise<string> => {
    const messageId = newId('msg');
    const sql = `INSERT INTO psp_messages (id, psp, event_key, payout_id, attempt, claim, body) VALUES ($1, 'sandbox', $1, $2, 1, 'x', '{}')`;
    await books.db.pool.query(sql, [messageId, id]);
    return messageId;
  };
  const [first, again, forgery, stale] = [await message(), await message(), await message(), await message()];
  await books.tell(id, 'paid', { attempt: 1, claim: 'paid', messageId: first });
  await books.tell(id, 'paid', { attempt: 1, claim: 'paid', messageId: again }); // the same news again
  const forged = { attempt: 1, claim: 'failed', messageId: forgery } as const;
  await books.tell(id, 'paid', forged);
  await books.tell(id, 'paid', forged);
  await books.tell(id, 'psp_processing', { attempt: 1, claim: 'processing', messageId: stale }); // stale
  const { rows } = await books.db.owner.query('SELECT state, handled_at IS NOT NULL AS handled FROM psp_messages ORDER BY id');
  expect(rows).toEqual(['applied', 'applied', 'ignored', 'ignored'].map((state) => ({ state, handled: true })));
  expect((await books.timeline(id)).slice(3)).toEqual(Array(2).fill('payout.fact_ignored SUCCEEDED→SUCCEEDED'));
});

test('a message that truly says that the later attempt failed is not taken for a lie because the earlier was paid', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1', 'attempt_failed 1', 'attempt_started 2');
  await books.tell(id, 'paid', { attempt: 1 });
  await books.tell(id, 'failed', { attempt: 2, claim: 'failed', messageId: 'msg_true' });
  expect((await books.timeline(id)).at(-1)).toBe('payout.succeeded SUBMITTING→SUCCEEDED');
});

test('the ten-thousandth event of a payout that goes round in circles is written like the first', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  const sequence = (n: number) => books.db.owner.query('UPDATE payouts SET sequence = $2 WHERE id = $1', [id, n]);
  await sequence(9998);
  await books.told(id, 'held', 'hold_lifted', 'held');
  const ids = `SELECT substr(id, 38) AS number FROM events WHERE subject_id = $1 ORDER BY sequence`;
  const { rows } = await books.db.owner.query(ids, [id]);
  expect(rows.map((row) => row.number)).toEqual(['0001', '9999', '10000', '10001']);
  // Leave the books as if it had been only four.
  await books.db.owner.query(`BEGIN; SET LOCAL session_replication_role = replica;
    UPDATE events SET sequence = sequence - 9997 WHERE subject_id = '${id}' AND sequence > 1; COMMIT`);
  await sequence(4);
});
