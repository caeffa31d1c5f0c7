/** Where other open payout engines were measured to fail (double payments, stuck payouts, lost answers), each as a test of ours. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { startMerchantServer } from '../../chaos/merchantServer.ts';
import { freeze, kill, untilBack } from '../../chaos/victims.ts';
import { type Installation, installation, type Reply } from '../../harness/installation.ts';
import {
  admin,
  balance,
  booksAreBalanced,
  control,
  eventually,
  type PayoutBody,
  pay,
  payoutTo,
  problem,
  read,
  transfers,
  until,
} from '../support/payouts.ts';

let here: Installation;
beforeAll(async () => {
  here = await installation({ RATE_LIMIT_PER_SECOND: '5000' });
  const body = { amount: '50000000.00', currency: 'PKR' };
  expect((await here.call('POST', '/api/v1/test/balance/fund', { body })).status).toBe(201);
});
afterAll(() => here?.remove(), 60_000);
afterEach(() => control(here, 'faults', undefined, 'DELETE'));

const post = (body: unknown, idempotencyKey: string): Promise<Reply> =>
  here.call('POST', '/api/v1/payouts', { body, idempotencyKey });

/** Repeats a request under its key as a client should, and returns the first answer that is no "not now". */
async function insist(body: unknown, key: string): Promise<Reply> {
  let last: Reply | undefined;
  await eventually(async () => {
    last = await post(body, key);
    expect([202, 409, 429, 503]).not.toContain(last.status);
  });
  if (!last) throw new Error('no answer');
  return last;
}

async function paidOnce(id: string): Promise<void> {
  await until(here, id, 'SUCCESS');
  expect(await transfers(here, id)).toMatchObject([{ status: 'paid', requests: 1 }]);
}

test('Temporal is frozen while a payout is asked for: 503 with Retry-After, and the same key then makes one payout', async () => {
  const body = payoutTo('0001');
  const frozen = freeze(here, 'temporal');
  const refused = await post(body, 'frozen-1').finally(() => frozen.thaw());
  problem(refused, 503, 'service_unavailable');
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  const made = await insist(body, 'frozen-1');
  expect(made.status).toBe(201);
  await paidOnce(String(made.body['id']));
});

test('the API is killed between taking a key and starting the payout: the same key goes on, and makes one payout', async () => {
  const body = payoutTo('0001');
  const frozen = freeze(here, 'temporal'); // so that it has the key and cannot start anything yet
  try {
    const lost = post(body, 'orphan-1').then(
      () => 'answered',
      () => 'lost',
    );
    await sleep(1_000);
    await kill(here, 'api');
    expect(await lost).toBe('lost');
  } finally {
    frozen.thaw();
  }
  await untilBack(here, 'api');
  const made = await insist(body, 'orphan-1');
  expect(made.status).toBe(201);
  await paidOnce(String(made.body['id']));
  const { body: list } = await here.call<{ data: unknown[] }>('GET', `/api/v1/payouts?reference=${String(body['reference'])}`);
  expect(list.data).toHaveLength(1);
});

test('20 payouts whose worker was killed while the PSP was paying them: the PSP was asked for each of them once', async () => {
  await control(here, 'faults', { kind: 'slow_answer', params: { ms: 2_500 } });
  const ids: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    const made = await Promise.all(Array.from({ length: 10 }, (_, nth) => insist(payoutTo('0001'), `in-call-${round}-${nth}`)));
    const crowd = made.map(({ body }) => String(body['id']));
    ids.push(...crowd);
    await eventually(async () => {
      for (const id of crowd) expect(await transfers(here, id)).toHaveLength(1);
    });
    await kill(here, 'worker');
    await untilBack(here, 'worker');
  }
  await control(here, 'faults', undefined, 'DELETE');
  for (const id of ids) await paidOnce(id);
  await booksAreBalanced(here);
});

test('approved and rejected at the same instant, 20 times: one of the two is done, and the money does as it says', async () => {
  const before = await balance(here);
  const [first, second] = [admin(here, 'approver').key, admin(here, 'approver', 1).key];
  let approvals = 0;
  for (let round = 0; round < 20; round += 1) {
    const { id, status } = await pay(here, '0001', { amount: '100000.00' });
    expect(status).toBe('IN_REVIEW');
    const decisions = await Promise.all([
      here.call('POST', `/api/admin/payouts/${id}/approve`, { key: first, body: {} }),
      here.call('POST', `/api/admin/payouts/${id}/reject`, { key: second, body: { reason: 'not ours' } }),
    ]);
    const [approve, reject] = decisions.map((answer) => answer.status);
    expect([approve, reject].sort()).toEqual([200, 409]);
    if (approve === 200) {
      approvals += 1;
      await paidOnce(id);
    } else {
      expect((await until(here, id, 'REJECTED')).status).toBe('REJECTED');
      expect(await transfers(here, id)).toEqual([]);
    }
  }
  const minor = ({ total }: { total: string }): bigint => BigInt(total.replace('.', ''));
  const after = await balance(here);
  expect({ locked: after.locked, spent: minor(before) - minor(after) }).toEqual({
    locked: before.locked,
    spent: BigInt(approvals) * 10_000_000n,
  });
  await booksAreBalanced(here);
});

test.each(['92233720368547758.08', '9223372036854775808', '184467440737095517.16', '18446744073709551716'])(
  'an amount beyond what a balance can hold is refused, not cut off: %s',
  async (amount) => {
    const before = await balance(here);
    problem(
      await here.call('POST', '/api/v1/payouts', { body: payoutTo('0001', { amount }) }),
      400,
      'invalid_request',
      '/amount',
    );
    expect(await balance(here)).toEqual(before);
  },
);

test('a reference of 64 characters is paid, and one of 65 is refused with nothing booked', async () => {
  const longest = `LONG-${process.pid}-`.padEnd(64, 'x');
  const made = await pay(here, '0001', { reference: longest });
  expect((await until(here, made.id, 'SUCCESS')).reference).toBe(longest);
  const before = await balance(here);
  const refused = await here.call('POST', '/api/v1/payouts', { body: payoutTo('0001', { reference: `${longest}x` }) });
  problem(refused, 400, 'invalid_request', '/reference');
  expect(await balance(here)).toEqual(before);
});

test('an account that does not exist fails with that reason, and its money is available again', async () => {
  const before = await balance(here);
  const { id } = await pay(here, '0006');
  expect((await until(here, id, 'FAILED')).failure).toMatchObject({ code: 'no_account' });
  const { available, locked } = await balance(here);
  expect({ available, locked }).toEqual({ available: before.available, locked: before.locked });
  expect((await transfers(here, id)).filter(({ status }) => status === 'paid')).toEqual([]);
});

test('a repeat with another amount is told apart: by its key, and by its reference', async () => {
  const body = payoutTo('0001');
  const made = await post(body, 'told-apart');
  expect(made.status).toBe(201);
  const dearer = { ...body, amount: '999.00' };
  problem(await post(dearer, 'told-apart'), 422, 'idempotency_key_reused');
  problem(await post(dearer, 'told-apart-2'), 409, 'duplicate_reference');
  const id = String(made.body['id']);
  await paidOnce(id);
  expect((await read(here, id)).amount).toBe('100.00');
});

test('webhooks keep up with payouts at full rate: when the last payout is done, most of the merchant’s news has come', async () => {
  const server = await startMerchantServer();
  try {
    const made: PayoutBody[] = [];
    const all = Array.from({ length: 120 }, () => payoutTo('0001', { callbackUrl: server.urlFor(0) }));
    const caller = async (): Promise<void> => {
      for (let body = all.shift(); body; body = all.shift()) {
        const answer = await insist(body, `rate-${String(body['reference'])}`);
        made.push(answer.body as PayoutBody);
      }
    };
    await Promise.all(Array.from({ length: 40 }, caller));
    for (const { id } of made) await until(here, id, 'SUCCESS');
    const told = () =>
      new Set(server.received.filter(({ body }) => body.includes('payout.succeeded')).map(({ payoutId }) => payoutId));
    const atTheEnd = told().size;
    await eventually(() => expect(told().size).toBe(made.length), 60_000);
    expect(made).toHaveLength(120);
    expect(atTheEnd).toBeGreaterThan(60);
  } finally {
    await server.close();
  }
});
