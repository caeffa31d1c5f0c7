/** Bad input gets the right code and a pointer, does nothing, and is never our fault. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Door, type Merchant, openDoor, payoutBody } from '../support/door.ts';

let door: Door;
let merchant: Merchant;

beforeAll(async () => {
  door = await openDoor();
  merchant = await door.merchant({ funds: 10_000_000n });
});
afterAll(() => door.stop());

const post = (body: unknown, headers: Record<string, string> = {}) =>
  door.call('POST', '/api/v1/payouts', { key: merchant.key, body, headers });

const bank = (change: Record<string, unknown>) =>
  payoutBody({ destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', ...change } });

/** What is sent, the pointer, and the code of its first fault. */
type Row = readonly [sent: string, body: unknown, pointer: string, code: string];

const amount = (value: unknown, code: string, currency = 'PKR'): Row => [
  `amount ${JSON.stringify(value)?.slice(0, 30)} ${currency}`,
  payoutBody({ amount: value, currency }),
  '/amount',
  code,
];

const AMOUNTS: readonly Row[] = [
  amount(0, 'amount_zero'),
  amount('0', 'amount_zero'),
  amount('0.00', 'amount_zero'),
  amount('-0', 'invalid_amount'),
  amount(-1, 'invalid_amount'),
  amount('-1', 'invalid_amount'),
  amount('+1', 'invalid_amount'),
  amount('1.005', 'too_many_decimals'),
  amount(1.005, 'too_many_decimals'),
  amount('1e3', 'invalid_amount'),
  amount('0x10', 'invalid_amount'),
  amount(' 12 ', 'invalid_amount'),
  amount('12 ', 'invalid_amount'),
  amount('', 'invalid_amount'),
  amount('1,500.00', 'invalid_amount'),
  amount('1_500', 'invalid_amount'),
  amount('01', 'invalid_amount'),
  amount('.5', 'invalid_amount'),
  amount('5.', 'invalid_amount'),
  amount(null, 'missing'),
  amount(undefined, 'missing'),
  amount([5], 'invalid_type'),
  amount({ minor: 5 }, 'invalid_type'),
  amount(true, 'invalid_type'),
  amount('NaN', 'invalid_amount'),
  amount('Infinity', 'invalid_amount'),
  amount(Number.MAX_SAFE_INTEGER + 1, 'invalid_amount'),
  amount('10000000000000.01', 'amount_too_large'),
  amount('9223372036854775808', 'amount_too_large'),
  amount(`1${'0'.repeat(400)}`, 'amount_too_large'),
  amount('١٢', 'invalid_amount'),
  amount('１２', 'invalid_amount'),
  amount('1500.5', 'too_many_decimals', 'JPY'),
  amount('1.2345', 'too_many_decimals', 'KWD'),
];

const FIELDS: readonly Row[] = [
  ['an unknown currency', payoutBody({ currency: 'XXX' }), '/currency', 'unknown_currency'],
  ['a currency in lower case', payoutBody({ currency: 'pkr' }), '/currency', 'unknown_currency'],
  ['a retired currency', payoutBody({ currency: 'DEM' }), '/currency', 'unknown_currency'],
  ['a property of Object as currency', payoutBody({ currency: 'toString' }), '/currency', 'unknown_currency'],
  ['no currency', payoutBody({ currency: undefined }), '/currency', 'missing'],
  ['no reference', payoutBody({ reference: undefined }), '/reference', 'missing'],
  ['an empty reference', payoutBody({ reference: '' }), '/reference', 'too_short'],
  ['a long reference', payoutBody({ reference: 'x'.repeat(65) }), '/reference', 'too_long'],
  ['a number as reference', payoutBody({ reference: 7 }), '/reference', 'invalid_type'],
  ['a reference with a line end', payoutBody({ reference: 'a\r\nb' }), '/reference', 'control_character'],
  ['a reference in Urdu', payoutBody({ reference: 'تنخواہ' }), '/reference', 'not_printable_ascii'],
  ['NUL in a description', payoutBody({ description: 'a\u0000b' }), '/description', 'control_character'],
  ['half a surrogate pair', payoutBody({ description: 'a\ud800b' }), '/description', 'lone_surrogate'],
  ['a reversed text', payoutBody({ description: 'a\u202Eb' }), '/description', 'bidi_override'],
  ['a long description', payoutBody({ description: 'x'.repeat(501) }), '/description', 'too_long'],
  ['a number as metadata', payoutBody({ metadata: { order: 7 } }), '/metadata/order', 'invalid_type'],
  ['NUL nested in metadata', payoutBody({ metadata: { 'a/b': '\u0000' } }), '/metadata/a~1b', 'control_character'],
  ['metadata with 21 pairs', payoutBody({ metadata: Object.fromEntries(Array.from({ length: 21 }, (_, n) => [`k${n}`, 'v'])) }), '/metadata', 'too_many_entries'],
  ['a list as metadata', payoutBody({ metadata: ['a'] }), '/metadata', 'invalid_type'],
  ['constructor in metadata', payoutBody({ metadata: { constructor: 'x' } }), '/metadata/constructor', 'forbidden_key'],
  ['an account number of 9 digits', bank({ accountNumber: '123456789' }), '/destination/accountNumber', 'invalid_account_number'],
  ['an account number of 17 digits', bank({ accountNumber: '1'.repeat(17) }), '/destination/accountNumber', 'invalid_account_number'],
  ['an account number with full-width digits', bank({ accountNumber: '１２３４５６７８９０' }), '/destination/accountNumber', 'invalid_account_number'],
  ['an account number as a JSON number', bank({ accountNumber: 12345678900001 }), '/destination/accountNumber', 'invalid_type'],
  ['no account number', bank({ accountNumber: undefined }), '/destination/accountNumber', 'missing'],
  ['an unknown bank', bank({ bankCode: 'NOPE' }), '/destination/bankCode', 'unknown_bank'],
  ['an IBAN with wrong check digits', bank({ bankCode: undefined, accountNumber: undefined, iban: 'PK00HABB0000001123456702' }), '/destination/iban', 'invalid_iban'],
  ['a wallet number that is no mobile', payoutBody({ destination: { type: 'wallet', walletCode: 'JAZZCASH', accountNumber: '12345678901' } }), '/destination/accountNumber', 'invalid_account_number'],
  ['an unknown kind of destination', payoutBody({ destination: { type: 'cash' } }), '/destination/type', 'unknown_type'],
  ['no destination', payoutBody({ destination: undefined }), '/destination', 'missing'],
  ['an unknown field in the destination', bank({ swift: 'X' }), '/destination/swift', 'unknown_field'],
  ['mass assignment of the state', payoutBody({ state: 'SUCCEEDED' }), '/state', 'unknown_field'],
  ['mass assignment of the merchant', payoutBody({ merchantId: 'mer_x' }), '/merchantId', 'unknown_field'],
  ['mass assignment of the fee', payoutBody({ fee: '0' }), '/fee', 'unknown_field'],
  ['a callback URL that is none', payoutBody({ callbackUrl: 'not a url' }), '/callbackUrl', 'invalid_url'],
  ['a callback URL to a file', payoutBody({ callbackUrl: 'file:///etc/passwd' }), '/callbackUrl', 'scheme_not_allowed'],
  ['a callback URL to a private address', payoutBody({ callbackUrl: 'https://10.0.0.1/' }), '/callbackUrl', 'blocked_address'],
  ['a callback URL with a line end', payoutBody({ callbackUrl: 'https://example.com/\n' }), '/callbackUrl', 'control_character'],
  ['a list', [], '', 'invalid_type'],
  ['a text', '"pay me"', '', 'invalid_type'],
  ['null', 'null', '', 'invalid_type'],
  ['not JSON', '{"amount": ', '', 'malformed_json'],
  ['trailing garbage', '{} x', '', 'malformed_json'],
  ['a byte order mark', '\ufeff{}', '', 'malformed_json'],
  ['UTF-16', Buffer.from('{"amount":"1"}', 'utf16le'), '', 'malformed_json'],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), '', 'malformed_json'],
  ['nesting without end', '['.repeat(10_000) + ']'.repeat(10_000), '', 'malformed_json'],
  ['two amounts', '{"amount":"1","amount":"9999"}', '/amount', 'duplicate_key'],
  ['two amounts, one of them escaped', '{"amount":"1","\\u0061mount":"9999"}', '/amount', 'duplicate_key'],
  ['a poisoned prototype', '{"amount":"1","__proto__":{"fee":"0"}}', '/__proto__', 'forbidden_key'],
  ['a poisoned prototype, deep', '{"metadata":{"a":{"__proto__":1}}}', '/metadata/a/__proto__', 'forbidden_key'],
]; // biome-ignore format: a table

test.each([...AMOUNTS, ...FIELDS])('%s is refused where it stands', async (_sent, body, pointer, code) => {
  const reply = await post(body);
  expect({ status: reply.status, first: reply.body.errors?.[0] }).toEqual({
    status: 400,
    first: { pointer, code, detail: expect.any(String) },
  });
  expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(reply.body).toMatchObject({ status: 400, instance: '/api/v1/payouts', requestId: reply.headers['x-request-id'] });
});

test('an empty body says what is missing, field by field', async () => {
  const reply = await post({});
  expect(reply.body.errors.map((each: { pointer: string; code: string }) => [each.pointer, each.code])).toEqual([
    ['/amount', 'missing'],
    ['/currency', 'missing'],
    ['/reference', 'missing'],
    ['/destination', 'missing'],
  ]);
  expect((await post(undefined)).body.errors).toEqual([{ pointer: '', code: 'invalid_type', detail: expect.any(String) }]);
});

test('every fault is said at once, and none of the values comes back', async () => {
  const reply = await post(
    payoutBody({ amount: '-7', reference: '', description: '\u0000', destination: { type: 'bank', bankCode: 'X' } }),
  );
  expect(reply.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
    '/amount',
    '/reference',
    '/description',
    '/destination/bankCode',
    '/destination/accountNumber',
  ]);
});

test('what breaks a rule but is well-formed is 422, not 400', async () => {
  const dollars = await post(payoutBody({ currency: 'USD' }));
  expect(dollars).toMatchObject({ status: 422, body: { code: 'currency_mismatch', errors: [{ pointer: '/currency' }] } });
});

test('a body over 1 MiB is refused before it is read, a megabyte of digits without delay', async () => {
  expect(await post(`{"amount":"${'1'.repeat(1_100_000)}"}`)).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
  const startedAt = performance.now();
  const reply = await post(payoutBody({ amount: '9'.repeat(1_000_000) }));
  expect(reply).toMatchObject({ status: 400, body: { errors: [{ pointer: '/amount', code: 'amount_too_large' }] } });
  expect(performance.now() - startedAt).toBeLessThan(5_000); // BigInt would take minutes
});

test('a hundred thousand unknown fields get an answer of a decent size', async () => {
  const body = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, 1]));
  const reply = await post(body);
  expect(reply.status).toBe(400);
  expect(reply.text.length).toBeLessThan(20_000);
});

test.each([
  ['text/plain', '{}'],
  ['application/x-www-form-urlencoded', 'amount=1'],
  ['multipart/form-data; boundary=x', '--x--'],
  ['application/xml', '<amount/>'],
])('a body as %s is 415', async (contentType, body) => {
  expect(await post(body, { 'content-type': contentType })).toMatchObject({
    status: 415,
    body: { code: 'unsupported_media_type' },
  });
});

test('a packed body is 415: nobody unpacks a bomb', async () => {
  const reply = await post(payoutBody(), { 'content-encoding': 'gzip' });
  expect(reply).toMatchObject({ status: 415, body: { code: 'unsupported_content_encoding' } });
});

test.each([
  ['/api/v1/payouts?limit=0', '/limit', 'invalid_format'],
  ['/api/v1/payouts?limit=101', '/limit', 'invalid_format'],
  ['/api/v1/payouts?limit=1000000000', '/limit', 'invalid_format'],
  ['/api/v1/payouts?limit=1&limit=2', '/limit', 'invalid_type'],
  ['/api/v1/payouts?page=2', '/page', 'unknown_field'],
  ['/api/v1/payouts?__proto__=2', '/__proto__', 'unknown_field'],
  ['/api/v1/payouts?cursor=nonsense', '/cursor', 'invalid_cursor'],
  ['/api/v1/payouts?cursor=%00', '/cursor', 'invalid_cursor'],
  ['/api/v1/payouts?status=PAID', '/status', 'invalid_value'],
  ['/api/v1/payouts?status=', '/status', 'invalid_value'],
  ['/api/v1/payouts?currency=XXX', '/currency', 'invalid_value'],
  ['/api/v1/payouts?reference=%00', '/reference', 'control_character'],
  ['/api/v1/payouts?createdFrom=yesterday', '/createdFrom', 'invalid_format'],
  ['/api/v1/payouts?createdTo=2026-02-30T00:00:00Z', '/createdTo', 'invalid_format'],
  ['/api/v1/payouts?createdTo=0000-01-01T00:00:00Z', '/createdTo', 'invalid_value'],
  ['/api/v1/payouts?createdTo=9999-12-31T23:59:59-14:00', '/createdTo', 'invalid_value'],
  ['/api/v1/directory?country=XX', '/country', 'invalid_value'],
  ['/api/v1/balance?currency=PKR', '/currency', 'unknown_field'],
  ['/api/v1/balance/history?payoutId=%27%3B%20drop', '/payoutId', 'invalid_value'],
])('GET %s is refused where it stands', async (path, pointer, code) => {
  const reply = await door.call('GET', path, { key: merchant.key });
  expect({ status: reply.status, first: reply.body.errors?.[0] }).toEqual({
    status: 400,
    first: { pointer, code, detail: expect.any(String) },
  });
});

test.each(['po_x', "'; drop table payouts", '%00', 'x'.repeat(5_000), `po_${'0'.repeat(32)}`, '__proto__', '%F0%9F%98%80'])(
  'an id that nobody has is 404: %s',
  async (id) => {
    const reply = await door.call('GET', `/api/v1/payouts/${encodeURI(id).replace('%2500', '%00').replaceAll('%25', '%')}`, {
      key: merchant.key,
    });
    expect(reply).toMatchObject({ status: 404, body: { code: 'not_found' } });
  },
);

test('a time with a fraction of any length is a time', async () => {
  const createdFrom = `2026-01-01T00:00:00.${'1'.repeat(900)}Z`;
  expect((await door.call('GET', `/api/v1/payouts?createdFrom=${createdFrom}`, { key: merchant.key })).status).toBe(200);
});

test('an admin who filters by an impossible time is told so too', async () => {
  const { key } = await door.admin('viewer');
  const ask = (time: string) => door.call('GET', `/api/admin/payouts?createdFrom=${encodeURIComponent(time)}`, { key });
  expect((await ask('0915-03-12T09:09:21.48+20:14')).status).toBe(400);
  expect((await ask('2026-03-12T09:09:21.48+20:14')).status).toBe(200); // PostgreSQL knows no such zone, but the moment
});

test('JSON is announced but nothing is sent: for what takes no body that is no fault', async () => {
  const id = `po_${'0'.repeat(32)}`;
  const headers = { 'content-type': 'application/json', 'content-length': '0' };
  expect((await door.call('POST', `/api/v1/payouts/${id}/cancel`, { key: merchant.key, headers })).status).toBe(404);
  expect((await door.call('POST', `/api/v1/payouts/${id}/cancel`, { key: merchant.key, body: {} })).status).toBe(404);
  const reply = await door.call('POST', `/api/v1/payouts/${id}/cancel`, { key: merchant.key, body: { force: true } });
  expect(reply).toMatchObject({ status: 400, body: { errors: [{ pointer: '/force', code: 'unknown_field' }] } });
});

test.each(['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x'])(
  'an empty body is none, whatever it is called: `curl -d ""` says %s',
  async (contentType) => {
    const headers = { 'content-type': contentType, 'content-length': '0' };
    for (const action of ['reinitiate', 'cancel']) {
      const path = `/api/v1/payouts/po_${'0'.repeat(32)}/${action}`;
      expect(await door.call('POST', path, { key: merchant.key, headers })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
    const needed = await door.call('POST', '/api/v1/payouts', { key: merchant.key, headers });
    expect(needed).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  },
);

test('a path that is not well encoded is 400, with a problem and a request id', async () => {
  const reply = await door.call('GET', '/api/v1/payouts/%ZZ', { key: merchant.key });
  expect(reply).toMatchObject({ status: 400, body: { code: 'malformed_url' } });
  expect(reply.headers['x-request-id']).toBe(reply.body.requestId);
});

test.each(['DELETE', 'PATCH', 'PUT', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'])(
  '%s on a path without it is 405, and Allow says what there is',
  async (method) => {
    const reply = await door.call(method, '/api/v1/payouts');
    expect(reply).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(reply.headers['allow']).toBe('GET, HEAD, POST');
  },
);

test('a wrong method is 405 on a path with an id too', async () => {
  const reply = await door.call('DELETE', '/api/v1/payouts/po_1/cancel');
  expect(reply.status).toBe(405);
  expect(reply.headers['allow']).toBe('POST');
});

test('nothing of all this left a trace', async () => {
  const counts = await door.db.owner.query(
    `SELECT (SELECT count(*)::int FROM payouts) AS payouts, (SELECT count(*)::int FROM idempotency_keys) AS keys,
            (SELECT count(*)::int FROM ledger_entries) AS entries`,
  );
  // One key: the broken rule is an answer, kept like any other. One entry: the opening funds.
  expect(counts.rows).toEqual([{ payouts: 0, keys: 1, entries: 1 }]);
});
