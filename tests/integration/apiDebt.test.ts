/** What is owed is seen by whoever owes it and by those who run the installation; and no balance grows beyond its limit. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newProvider } from '../../harness/newProvider.ts';
import { newId } from '../../src/rules/newId.ts';
import type { Owner, Provider } from '../support/books.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';

let w: DoorWorld;
let providerKey: string;
let merchant: Owner;
let provider: Provider;
let late: string;
beforeAll(async () => {
  w = await openDoorWorld();
  merchant = { merchantId: w.a.id, mode: 'test' };
  const made = await newProvider((method, path, asked) => w.call(method, path, asked), w.a.key, {});
  providerKey = made.key;
  provider = { ...merchant, providerId: made.id };
  await w.books.policy({ minSuccesses: 0, bankChangeDays: 0 });
  await w.books.fund(merchant, 5000n, 'ngn', 'NGN');
  await w.books.earn(provider, 5000n, { currency: 'NGN' });
  late = await lateFor(merchant, { amount: 10_000_000n });
  await lateFor(provider, { amount: 5000n, currency: 'NGN' });
});
afterAll(async () => {
  await w.books.expectInOrder();
});
afterAll(() => w.stop());

/** Failed, its money held by another, then paid after all. */
async function lateFor(owner: Owner, options: { amount: bigint; currency?: string }): Promise<string> {
  const id = await w.books.payout(owner, options);
  await w.books.told(id, 'attempt_started 1', 'failed 1');
  await w.books.payout(owner, options);
  await w.books.told(id, 'paid 1');
  return id;
}

const asAdmin = (url: string) => w.call('GET', `/api/admin${url}`, { key: w.admins.admin.key });
const fund = (amount: string, currency: string) =>
  w.call('POST', '/api/v1/test/balance/fund', { key: w.a.key, body: { amount, currency } });

test('a merchant sees what it owes, that money which comes in pays it, and for which payout', async () => {
  const { body } = await w.call<{ balances: Record<string, unknown>[] }>('GET', '/api/v1/balance', { key: w.a.key });
  expect(body.balances).toContainEqual(
    expect.objectContaining({ currency: 'PKR', available: '0.00', locked: '100000.00', total: '100000.00', debt: '100000.00' }),
  );
  expect((await fund('1.00', 'PKR')).body).toMatchObject({
    balances: expect.arrayContaining([expect.objectContaining({ currency: 'PKR', available: '0.00', debt: '99999.00' })]),
  });
  const history = await w.call<{ data: unknown[] }>('GET', '/api/v1/balance/history?currency=PKR&limit=2', { key: w.a.key });
  expect(history.body.data).toMatchObject([
    {
      type: 'REPAY',
      amount: '1.00',
      debit: 'available',
      credit: 'debt',
      payoutId: late,
      availableAfter: '0.00',
      debtAfter: '99999.00',
    },
    { type: 'FUND', amount: '1.00', payoutId: null, availableAfter: '1.00', debtAfter: '100000.00' },
  ]);
  const timeline = await w.call<{ data: unknown[] }>('GET', `/api/v1/payouts/${late}/timeline`, { key: w.a.key });
  expect(timeline.body.data).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ type: 'payout.succeeded', data: { attempt: 1, debt: '100000.00' } }),
      expect.objectContaining({ type: 'payout.debt_repaid', data: { repaid: '1.00', debt: '99999.00' } }),
    ]),
  );
  const events = await w.call<{ data: { type: string }[] }>('GET', `/api/v1/events?payoutId=${late}`, { key: w.a.key });
  expect(events.body.data.map(({ type }) => type)).not.toContain('payout.debt_repaid'); // no webhook tells it
});

test('a provider sees what it owes beside what it has earned', async () => {
  const { body } = await w.call('GET', '/api/provider/earnings', { key: providerKey });
  expect(body).toMatchObject({ currency: 'NGN', availableBalance: '0.00', debt: '50.00' });
});

test('whoever runs the installation sees who owes, of one merchant and of all, and for which payout', async () => {
  const mine = await asAdmin(`/merchants/${w.a.id}`);
  expect(mine.body['debts']).toMatchObject([
    { owner: { kind: 'merchant', id: w.a.id }, mode: 'test', currency: 'PKR' },
    { owner: { kind: 'provider', id: provider.providerId }, mode: 'test', currency: 'NGN', debt: '50.00' },
  ]);
  expect((await asAdmin(`/merchants/${w.b.id}`)).body['debts']).toEqual([]);
  const first = (await asAdmin('/debts?limit=1')).body as { data: Record<string, unknown>[]; nextCursor: string };
  const second = (await asAdmin(`/debts?limit=1&cursor=${first.nextCursor}`)).body as { data: Record<string, unknown>[] };
  expect([...first.data, ...second.data].map((each) => (each['owner'] as { kind: string }).kind)).toEqual([
    'provider',
    'merchant',
  ]);
  expect((await asAdmin(`/payouts/${late}`)).body).toMatchObject({
    debt: expect.stringMatching(/^(100000|99999)\.00$/),
    returns: 0,
  });
});

test('money that would lift a balance over its limit is refused with the field that is wrong, and nothing is booked', async () => {
  const rich: Owner = { merchantId: w.b.id, mode: 'test' };
  await w.books.fund(rich, 10n ** 18n, 'all', 'USD');
  const refusal = { status: 422, body: { code: 'balance_limit', errors: [{ pointer: '/amount', code: 'balance_limit' }] } };
  const test = await w.call('POST', '/api/v1/test/balance/fund', { key: w.b.key, body: { amount: '0.01', currency: 'USD' } });
  expect(test).toMatchObject(refusal);
  const body = { amount: '0.01', currency: 'USD', mode: 'test', externalId: newId('ext') };
  expect(await w.call('POST', `/api/admin/merchants/${w.b.id}/fund`, { key: w.admins.admin.key, body })).toMatchObject(refusal);
  expect(await w.books.money(rich, 'USD')).toEqual({ available: 10n ** 18n, reserved: 0n });
});
