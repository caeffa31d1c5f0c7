/** What an operator sees of our accounts at PSPs, before the money there runs out. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Door, openDoor } from '../support/door.ts';
import { type FlutterwaveWorld, flutterwaveWorld, SECRET_KEY } from '../support/flutterwave.ts';

let psp: FlutterwaveWorld;
let door: Door;
let key: string;
beforeAll(async () => {
  psp = await flutterwaveWorld();
  const env = { FLUTTERWAVE_TEST_URL: `${psp.url}/v3`, FLUTTERWAVE_TEST_SECRET_KEY: SECRET_KEY };
  door = await openDoor({ env });
  key = (await door.admin('viewer')).key;
});
afterAll(async () => {
  await door.stop();
  await psp.close();
});

const ask = (path: string) => door.call('GET', `/api/admin/psps${path}`, { key });

test('what we have at each PSP, and what a payment would cost', async () => {
  await psp.control('PUT', '/balances', { currency: 'NGN', available: '1234.50' });
  expect(await ask('?amount=50000')).toMatchObject({
    status: 200,
    body: {
      data: [
        { name: 'sandbox', mode: 'test', balance: null, fee: null, unavailable: null },
        { name: 'flutterwave', mode: 'test', currency: 'NGN', balance: '1234.5', fee: '26.88', unavailable: null },
      ],
    },
  });
  expect((await ask('?currency=GHS')).body.data[1]).toMatchObject({ currency: 'GHS', balance: '10000000000', fee: null });
});

test('the banks of a PSP, and which of them are in our directory', async () => {
  const { body } = await ask('/flutterwave/banks');
  expect(body.data).toContainEqual({ object: 'psp_bank', code: '058', name: 'Guaranty Trust Bank', inDirectory: true });
  expect(body.data).toContainEqual({ object: 'psp_bank', code: '50211', name: 'Kuda Microfinance Bank', inDirectory: true });
});

test('a PSP that does not answer is said to be away, and is no error of ours', async () => {
  await psp.control('POST', '/faults', { kind: 'down' });
  expect((await ask('')).body.data[1]).toMatchObject({ balance: null, unavailable: 'ECONNRESET' });
  expect(await ask('/flutterwave/banks')).toMatchObject({ status: 503, body: { code: 'psp_unavailable' } });
  await psp.control('DELETE', '/faults');
});

test.each([
  ['/flutterwave/banks?mode=live', 404, 'not_found'],
  ['/sandbox/banks', 404, 'not_found'],
  ['/nobody/banks', 404, 'not_found'],
  ['/flutterwave/banks?country=XX', 400, 'invalid_request'],
  ['?currency=XXX', 400, 'invalid_request'],
  ['?amount=-5', 400, 'invalid_request'],
  ['?amount=1.001', 400, 'invalid_request'],
])('GET /api/admin/psps%s is %d %s', async (path, status, code) => {
  expect(await ask(path)).toMatchObject({ status, body: { code } });
});
