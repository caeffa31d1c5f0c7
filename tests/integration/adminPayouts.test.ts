/** What admins see of payouts: the queue, the list, everything of one, and what PSPs said. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';

interface Listed {
  readonly data: Record<string, unknown>[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
}

const ACCOUNT = '12345678900001'; // of every payout of these tests

let w: DoorWorld;
let key: string;
beforeAll(async () => {
  w = await openDoorWorld({ TEMPORAL_UI_URL: 'https://temporal.example.com/', TEMPORAL_NAMESPACE: 'pay outs' });
  key = w.admins.viewer.key;
});
afterAll(() => w.stop());

const get = <Body = Record<string, unknown>>(url: string) => w.call<Body>('GET', `/api/admin${url}`, { key });
const idsOf = async (url: string) => (await get<Listed>(url)).body.data.map(({ id }) => id);

describe('the review queue', () => {
  test('shows what waits for an approver, in review or held there, the oldest first, with reasons and age', async () => {
    const merchant = await w.merchant();
    await w.books.fund({ merchantId: merchant.id, mode: 'live' }, 1_000_000n);
    const [old, held, decided, young] = [
      await w.payoutOf(merchant, { mode: 'live', inReview: true }),
      await w.payoutOf(merchant, { mode: 'live', inReview: true }),
      await w.payoutOf(merchant, { mode: 'live', inReview: true }),
      await w.payoutOf(merchant, { mode: 'live', inReview: true }),
    ];
    await w.payoutOf(merchant, { mode: 'live' });
    await w.books.tell(held, 'held', { reason: 'ask the bank' });
    await w.books.tell(decided, 'approved', { adminId: w.admins.approver.id });
    const { status, body } = await get<Listed>('/review-queue');
    expect(status).toBe(200);
    expect(body.data.map(({ id }) => id)).toEqual([old, held, young]);
    expect(body.data[0]).toMatchObject({
      object: 'payout',
      status: 'IN_REVIEW',
      merchantId: merchant.id,
      reasons: [{ code: 'amount_over_limit', detail: 'over the limit' }],
      ageSeconds: expect.any(Number),
    });
    expect(body.data[1]).toMatchObject({ status: 'ON_HOLD', state: 'REVIEW_ON_HOLD' });
    const first = await get<Listed>('/review-queue?limit=2');
    expect(first.body).toMatchObject({ hasMore: true });
    expect(await idsOf(`/review-queue?limit=2&cursor=${first.body.nextCursor}`)).toEqual([young]);
  });
});

describe('the list', () => {
  test('finds payouts of all merchants by each filter', async () => {
    const a = await w.payoutOf(w.a);
    const b = await w.payoutOf(w.b, { mode: 'live' });
    await w.books.told(b, 'attempt_started 1', 'mismatch 1');
    expect((await idsOf('/payouts?limit=2')).slice(0, 2)).toEqual([b, a]);
    expect(await idsOf(`/payouts?merchantId=${w.a.id}`)).toEqual([a]);
    expect(await idsOf(`/payouts?merchantId=${w.b.id}&mode=test`)).toEqual([]);
    expect(await idsOf(`/payouts?needsOperator=true`)).toEqual([b]);
    expect(await idsOf(`/payouts?merchantId=${w.b.id}&status=PROCESSING`)).toEqual([b]);
    expect(await idsOf(`/payouts?merchantId=${w.b.id}&needsOperator=false`)).toEqual([]);
    expect(await idsOf(`/payouts?reference=ref-${a}`)).toEqual([a]);
    expect(await idsOf('/payouts?currency=NGN')).toEqual([]);
    const createdAt = (await get(`/payouts/${a}`)).body['createdAt'] as string;
    expect(await idsOf(`/payouts?merchantId=${w.a.id}&createdFrom=${createdAt}&createdTo=${createdAt}`)).toEqual([a]);
    expect(await idsOf(`/payouts?merchantId=${w.a.id}&createdTo=2020-01-01T00:00:00Z`)).toEqual([]);
    for (const query of ['status=DONE', 'createdFrom=yesterday', 'colour=red', 'reference=%00', 'limit=101', 'needsOperator=1']) {
      expect([query, (await get(`/payouts?${query}`)).status]).toEqual([query, 400]);
    }
  });
});

describe('one payout', () => {
  test('has everything of it: attempts, entries by account, approvals, messages, timeline, webhooks and where to look in Temporal', async () => {
    const { id: endpointId } = (
      await w.call('POST', '/api/v1/webhook-endpoints', { key: w.a.key, body: { url: 'https://203.0.114.7/' } })
    ).body;
    const id = await w.payoutOf(w.a, { inReview: true });
    await w.books.tell(id, 'approved', { adminId: w.admins.approver.id, note: 'known' });
    await w.books.told(id, 'attempt_started 1');
    await w.books.db.owner.query(
      `INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body, state)
       VALUES ('ipn_1', 'sandbox', 'k1', $1, $2, 1, 'paid', $3, 'applied')`,
      [
        `${id}:1`,
        id,
        { type: 'transfer.paid', transfer: { accountNumber: ACCOUNT, amount: '10.00', iban: `PK36HABB00${ACCOUNT}` } },
      ],
    );
    await w.books.tell(id, 'paid', { attempt: 1, pspRef: 'sbt_1', pspFeeMinor: '125' });
    await w.books.db.owner.query(
      `INSERT INTO webhook_attempts (delivery_id, number, trigger, status_code, duration_ms)
       SELECT id, 1, 'auto', 500, 12 FROM webhook_deliveries WHERE subject_id = $1 AND event_id LIKE '%_0001'`,
      [id],
    );

    const { status, body, text } = await get(`/payouts/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      object: 'payout',
      status: 'SUCCESS',
      state: 'SUCCEEDED',
      merchantId: w.a.id,
      attempts: [{ attempt: 1, state: 'succeeded', pspKey: `${id}:1`, pspReference: 'sbt_1', pspFee: '1.25', sends: 1 }],
      ledgerEntries: [
        { type: 'RESERVE', amount: '10.00', debit: `merchant:${w.a.id}:available`, credit: `merchant:${w.a.id}:reserved` },
        { type: 'SETTLE', amount: '10.00', debit: `merchant:${w.a.id}:reserved`, credit: 'platform:sandbox:clearing' },
        { type: 'PSP_FEE', amount: '1.25', debit: 'platform:sandbox:psp_fees', availableAfter: null },
      ],
      approvals: [{ adminId: w.admins.approver.id, decision: 'approved', note: 'known', via: 'api' }],
      pspMessages: [
        { id: 'ipn_1', claim: 'paid', state: 'applied', body: { transfer: { accountNumber: '…0001', amount: '10.00' } } },
      ],
      workflowId: `payout/${id}`,
      temporalUi: `https://temporal.example.com/namespaces/pay%20outs/workflows/payout%2F${id}`,
    });
    expect((body['timeline'] as { type: string }[]).map(({ type }) => type)).toEqual([
      'payout.created', 'payout.in_review', 'payout.approved', 'payout.processing', 'payout.succeeded',
    ]); // biome-ignore format: a list
    expect(body['webhookDeliveries']).toHaveLength(5);
    expect((body['webhookDeliveries'] as unknown[])[0]).toMatchObject({
      endpointId,
      state: 'pending',
      attempts: [{ number: 1, statusCode: 500, durationMs: 12 }],
    });
    expect(text).not.toContain(ACCOUNT);
    expect(text).not.toContain('whsec_');
  });

  test('an unknown one is 404, whatever the id looks like', async () => {
    for (const id of [`po_${'0'.repeat(32)}`, 'x', '%00']) expect((await get(`/payouts/${id}`)).status).toBe(404);
  });
});

describe('what PSPs said', () => {
  test('is found by what became of it, with no full account number in it', async () => {
    await w.books.db.owner.query(
      `INSERT INTO psp_messages (id, psp, event_key, claim, body, state)
       SELECT 'ipn_o' || n, 'sandbox', 'o' || n, 'paid', $1, 'orphan' FROM generate_series(1, 3) n`,
      [
        {
          beneficiary: { name: 'Ayesha Khan', account: ACCOUNT, phone: 923001234567 },
          accounts: [ACCOUNT],
          reference: 'elsewhere:1',
        },
      ],
    );
    const { body, text } = await get<Listed>('/ipn?state=orphan&limit=2');
    expect(body).toMatchObject({
      hasMore: true,
      data: [{ id: 'ipn_o3', object: 'psp_message', state: 'orphan' }, { id: 'ipn_o2' }],
    });
    expect(body.data[0]?.['body']).toEqual({
      beneficiary: { name: 'Ayesha Khan', account: '…0001', phone: '…4567' },
      accounts: ['…0001'],
      reference: 'elsewhere:1',
    });
    expect(await idsOf(`/ipn?state=orphan&limit=2&cursor=${body.nextCursor}`)).toEqual(['ipn_o1']);
    expect(text).not.toContain(ACCOUNT);
    expect((await get('/ipn?state=lost')).status).toBe(400);
  });
});

describe('invariants', () => {
  test('each is named with how many rows break it: none, until one does', async () => {
    const { status, body } = await get<Listed>('/invariants');
    expect([status, body.hasMore]).toEqual([200, false]);
    expect(body.data.length).toBeGreaterThan(5);
    for (const each of body.data)
      expect(each).toEqual({ name: expect.any(String), description: expect.any(String), violations: 0 });
    await w.books.db.owner.query('UPDATE balances SET available = available + 1 WHERE merchant_id = $1', [w.b.id]);
    const broken = (await get<Listed>('/invariants')).body.data.filter(({ violations }) => violations !== 0);
    expect(broken.map(({ name }) => name)).toContain('balances_equal_entries');
    await w.books.db.owner.query('UPDATE balances SET available = available - 1 WHERE merchant_id = $1', [w.b.id]);
  });
});
