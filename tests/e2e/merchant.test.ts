/** A merchant's payouts over HTTP, from the request to the money, on a whole installation. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Installation, installation } from '../../harness/installation.ts';
import { type Receiver, startReceiver } from '../../harness/receiver.ts';
import {
  admin,
  balance,
  booksAreBalanced,
  control,
  eventually,
  pay,
  payoutTo,
  problem,
  read,
  transfers,
  until,
} from '../support/payouts.ts';

let here: Installation;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  here = await installation();
});

afterAll(async () => {
  await here?.remove();
  await receiver?.close();
});

const paidTransfers = async (id: string) =>
  (await transfers(here, id)).filter(({ status }) => status === 'paid' || status === 'returned');

describe('the scenarios', () => {
  test('0001: paid at once, and the PSP has it once', async () => {
    const payout = await pay(here, '0001');
    expect(payout).toMatchObject({
      object: 'payout',
      status: 'PENDING',
      amount: '100.00',
      fee: '0.00',
      livemode: false,
      attempts: 0,
    });
    expect(await until(here, payout.id, 'SUCCESS')).toMatchObject({ attempts: 1, failure: null });
    expect(await paidTransfers(payout.id)).toMatchObject([{ amount: '100.00', requests: 1 }]);
  });

  test('0002: fails once for certain, is tried again under a new key, and paid once', async () => {
    const { id } = await pay(here, '0002');
    expect(await until(here, id, 'SUCCESS')).toMatchObject({ attempts: 2 });
    expect(await paidTransfers(id)).toHaveLength(1);
  });

  test('0003: fails for good; the money is available again, and reinitiating tries once more', async () => {
    const before = await balance(here);
    const { id } = await pay(here, '0003');
    expect(await until(here, id, 'FAILED')).toMatchObject({
      failure: { retryable: expect.any(Boolean), code: expect.any(String) },
    });
    expect((await balance(here)).available).toBe(before.available);
    const again = await here.call('POST', `/api/v1/payouts/${id}/reinitiate`);
    expect(again.status).toBe(202);
    await eventually(async () => expect(await read(here, id)).toMatchObject({ status: 'FAILED', attempts: 2 }));
    expect(await paidTransfers(id)).toHaveLength(0);
  });

  test('0004: stays pending, its money reserved, until the bank decides', async () => {
    const { id } = await pay(here, '0004');
    await eventually(async () => expect(await read(here, id)).toMatchObject({ status: 'PENDING', waitingOn: 'psp' }));
    problem(await here.call('POST', `/api/v1/payouts/${id}/cancel`), 409, 'not_cancellable');
    await control(here, `transfers/${id}:1`, { status: 'paid' });
    await until(here, id, 'SUCCESS');
  });

  test('0005: held by the PSP', async () => {
    const { id } = await pay(here, '0005');
    expect(await until(here, id, 'ON_HOLD')).toMatchObject({ hold: { source: 'psp' } });
    await control(here, `transfers/${id}:1`, { status: 'failed' });
    await until(here, id, 'FAILED');
  });

  test.each([
    ['0006', 'no_account'],
    ['0007', 'account_closed'],
  ])('%s: the payee cannot be paid, and the reason says so', async (suffix, code) => {
    const { id } = await pay(here, suffix);
    expect(await until(here, id, 'FAILED')).toMatchObject({ failure: { code } });
  });

  test('0008: the PSP takes the money and never answers: paid once, found by look-up', async () => {
    const { id } = await pay(here, '0008');
    expect(await until(here, id, 'SUCCESS')).toMatchObject({ attempts: 1 });
    expect(await paidTransfers(id)).toHaveLength(1);
  });

  test('0009: paid, then sent back: the money is available again', async () => {
    const before = await balance(here);
    const { id } = await pay(here, '0009');
    await until(here, id, 'SUCCESS');
    await until(here, id, 'RETURNED');
    expect(await balance(here)).toMatchObject({ available: before.available, locked: before.locked });
  });

  test('from 100,000.00 PKR on, an approver decides first; the account counts after the approval', async () => {
    const { id } = await pay(here, '0001', { amount: '100000.00' });
    expect(await read(here, id)).toMatchObject({
      status: 'IN_REVIEW',
      review: { reasons: [{ code: 'amount_over_limit' }], approvals: [] },
    });
    const queue = await here.call<{ data: { id: string }[] }>('GET', '/api/admin/review-queue', {
      key: admin(here, 'viewer').key,
    });
    expect(queue.body.data.map((each) => each.id)).toContain(id);
    problem(
      await here.call('POST', `/api/admin/payouts/${id}/approve`, { key: admin(here, 'operator').key, body: {} }),
      403,
      'forbidden',
    );
    const approved = await here.call('POST', `/api/admin/payouts/${id}/approve`, {
      key: admin(here, 'approver').key,
      body: { note: 'seen' },
    });
    expect(approved.status).toBe(200);
    problem(
      await here.call('POST', `/api/admin/payouts/${id}/approve`, { key: admin(here, 'approver').key, body: {} }),
      409,
      'already_decided',
    );
    expect(await until(here, id, 'SUCCESS')).toMatchObject({ review: { approvals: [{ decision: 'approved' }] } });
  });

  test('just below the limit nobody needs to look', async () => {
    const { id, status } = await pay(here, '0001', { amount: '99999.99' });
    expect(status).toBe('PENDING');
    await until(here, id, 'SUCCESS');
  });

  test('a rejected payout is never sent, and its money is available again', async () => {
    const before = await balance(here);
    const { id } = await pay(here, '0001', { amount: '100000.00' });
    const rejected = await here.call('POST', `/api/admin/payouts/${id}/reject`, {
      key: admin(here, 'approver', 1).key,
      body: { reason: 'unknown payee' },
    });
    expect(rejected.body).toMatchObject({ status: 'REJECTED', failure: { message: 'unknown payee' } });
    expect(await transfers(here, id)).toHaveLength(0);
    expect((await balance(here)).available).toBe(before.available);
  });
});

describe('asking twice', () => {
  test('20 identical requests at once make one payout and get 20 equal answers', async () => {
    const body = payoutTo('0001');
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => here.call('POST', '/api/v1/payouts', { body, idempotencyKey: `twin-${process.pid}` })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const id = String(answers[0]?.body['id']);
    await until(here, id, 'SUCCESS');
    expect(await paidTransfers(id)).toHaveLength(1);
  });

  test('a repeat gets the first answer byte for byte; another body under the key, or another payout with the reference, is refused', async () => {
    const body = payoutTo('0001');
    const key = `again-${process.pid}`;
    const first = await here.call('POST', '/api/v1/payouts', { body, idempotencyKey: key });
    await until(here, String(first.body['id']), 'SUCCESS');
    const second = await here.call('POST', '/api/v1/payouts', { body, idempotencyKey: key });
    expect([second.status, second.text, second.headers.get('idempotent-replayed')]).toEqual([201, first.text, 'true']);
    problem(
      await here.call('POST', '/api/v1/payouts', { body: { ...body, amount: '101.00' }, idempotencyKey: key }),
      422,
      'idempotency_key_reused',
    );
    problem(await here.call('POST', '/api/v1/payouts', { body }), 409, 'duplicate_reference');
    problem(await here.call('POST', '/api/v1/payouts', { body, idempotencyKey: null }), 400, 'idempotency_key_missing');
  });

  test('too little money is a final answer for its key, and leaves no trace in the books', async () => {
    const poor = here.credentials.merchants[1]?.testKey ?? '';
    const { body: before } = await here.call('GET', '/api/v1/balance', { key: poor });
    const request = { body: payoutTo('0001', { amount: '999999999.00' }), idempotencyKey: `poor-${process.pid}`, key: poor };
    problem(await here.call('POST', '/api/v1/payouts', request), 400, 'insufficient_balance');
    await here.call('POST', '/api/v1/test/balance/fund', { key: poor, body: { amount: '999999999.00', currency: 'PKR' } });
    problem(await here.call('POST', '/api/v1/payouts', request), 400, 'insufficient_balance');
    expect(before).toHaveProperty('balances');
  });
});

describe('what the PSP may do', () => {
  test.each([
    'error_after',
    'cut_after',
    'no_answer',
    'duplicate_callback',
    'late_callback',
    'reordered_callbacks',
    'forged_callback',
    'no_callback',
  ])('%s: paid once all the same', async (kind) => {
    const accountNumber = `77${String(Math.abs(hash(kind)))
      .padStart(12, '0')
      .slice(0, 12)}`;
    await control(here, 'faults', { kind, match: { accountNumber }, times: 1 });
    const { id } = await pay(here, '', { destination: { type: 'bank', bankCode: 'HBL', accountNumber } });
    await until(here, id, 'SUCCESS');
    expect(await paidTransfers(id)).toHaveLength(1);
  });

  test.each(['error_before', 'rate_limit'])('%s: nothing was taken, so it is asked again, and paid once', async (kind) => {
    const accountNumber = `78${String(Math.abs(hash(kind)))
      .padStart(12, '0')
      .slice(0, 12)}`;
    await control(here, 'faults', { kind, match: { accountNumber }, times: 1 });
    const { id } = await pay(here, '', { destination: { type: 'bank', bankCode: 'HBL', accountNumber } });
    await until(here, id, 'SUCCESS');
    expect(await paidTransfers(id)).toHaveLength(1);
  });

  test('a callback with a wrong signature is turned away', async () => {
    const answer = await here.call('POST', '/api/v1/ipn/sandbox', {
      key: '',
      idempotencyKey: null,
      body: { id: 'sbe_forged', type: 'transfer.paid' },
      headers: { 'x-signature': 'sha256=00' },
    });
    expect(answer.status).toBe(401);
  });

  test('a lie under a good signature changes nothing, and stands in the timeline', async () => {
    const { id } = await pay(here, '0004');
    await eventually(async () => expect(await read(here, id)).toMatchObject({ waitingOn: 'psp' }));
    await control(here, 'faults', { kind: 'forged_callback', match: { reference: id }, times: 1 });
    await control(here, `transfers/${id}:1`, { status: 'paid' });
    await until(here, id, 'SUCCESS');
    await eventually(async () => {
      const { body } = await here.call<{ data: { type: string }[] }>('GET', `/api/v1/payouts/${id}/timeline`);
      expect(body.data.map(({ type }) => type)).toContain('payout.fact_ignored');
    });
    expect(await read(here, id)).toMatchObject({ status: 'SUCCESS' });
  });
});

test('a webhook comes for each change, signed both ways, and its sequence counts up', async () => {
  const endpoint = await here.call<{ id: string; secret: string }>('POST', '/api/v1/webhook-endpoints', {
    body: { url: receiver.url, eventTypes: ['payout.*'] },
  });
  expect(endpoint.status).toBe(201);
  const { id } = await pay(here, '0001');
  await eventually(() => {
    const types = mine(id).map(({ body }) => JSON.parse(body).type as string);
    expect(new Set(types)).toEqual(new Set(['payout.created', 'payout.processing', 'payout.succeeded']));
  });
  const { Webhook } = await import('standardwebhooks');
  const { createHmac } = await import('node:crypto');
  for (const { headers, body } of mine(id)) {
    expect(() => new Webhook(endpoint.body.secret).verify(body, headers)).not.toThrow();
    expect(headers['x-signature']).toBe(`sha256=${createHmac('sha256', endpoint.body.secret).update(body).digest('hex')}`);
    expect(JSON.parse(body)).toMatchObject({ id: headers['webhook-id'], livemode: false, data: { object: { id } } });
  }
  await here.call('DELETE', `/api/v1/webhook-endpoints/${endpoint.body.id}`, { idempotencyKey: null });

  function mine(payoutId: string) {
    return receiver.received.filter(({ body }) => body.includes(payoutId));
  }
});

test("nothing of one merchant is seen with another's key, nor with the same merchant's live key", async () => {
  const { id } = await pay(here, '0001');
  const [owner, stranger] = here.credentials.merchants;
  const unknown = await here.call('GET', '/api/v1/payouts/po_00000000000000000000000000000000');
  for (const key of [stranger?.testKey ?? '', owner?.liveKey ?? '']) {
    for (const path of [`/api/v1/payouts/${id}`, `/api/v1/payouts/${id}/timeline`]) {
      const answer = await here.call('GET', path, { key });
      expect([answer.status, answer.body['code'], answer.body['detail']]).toEqual([
        404,
        unknown.body['code'],
        unknown.body['detail'],
      ]);
    }
    for (const path of ['reinitiate', 'cancel'])
      problem(await here.call('POST', `/api/v1/payouts/${id}/${path}`, { key }), 404, 'not_found');
    const list = await here.call<{ data: unknown[] }>('GET', `/api/v1/payouts?reference=${(await read(here, id)).reference}`, {
      key,
    });
    expect(list.body.data).toEqual([]);
  }
});

test('an operator reads what a payout waits for in Temporal, under its id, and its payloads are not in the clear', async () => {
  const { id } = await pay(here, '0004');
  const ui = `${here.credentials.temporalUi}/api/v1/namespaces/default/workflows/${encodeURIComponent(`payout/${id}`)}`;
  const described = (await (await fetch(ui)).json()) as {
    workflowExecutionInfo: { searchAttributes: { indexedFields: Record<string, unknown> } };
  };
  expect(Object.keys(described.workflowExecutionInfo.searchAttributes.indexedFields)).toEqual(
    expect.arrayContaining(['MerchantId', 'PayoutStatus', 'PayoutKind', 'Currency', 'NeedsOperator', 'AmountMinor']),
  );
  const history = await (await fetch(`${ui}/history`)).text();
  expect(history).not.toContain(Buffer.from('12345678900004').toString('base64').slice(0, 12));
  expect(history).not.toContain('Ayesha');
});

test('after all of this every rule of the books holds, and each paid payout is in the book of the PSP once', async () => {
  await booksAreBalanced(here);
  const { body } = await here.call<{ data: { id: string }[] }>('GET', '/api/v1/payouts?status=SUCCESS&limit=100');
  for (const { id } of body.data) expect(await paidTransfers(id)).toHaveLength(1);
});

function hash(text: string): number {
  return [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 999_983, 7);
}
