/** The Flutterwave connector against servers that answer as Flutterwave, its gateway or a stranger may. */
import { afterEach, expect, test } from '@jest/globals';
import { createFlutterwaveConnector, type FlutterwaveConnectorOptions } from '../../src/psp/flutterwave/connector.ts';
import type { PspOrder, PspReply } from '../../src/psp/port.ts';
import { orderTo, patience } from '../support/sandbox.ts';
import { answering, closeServers, psp, whenDone } from '../support/servers.ts';

afterEach(closeServers);

const connectorTo = (baseUrl: string, options: Partial<FlutterwaveConnectorOptions> = {}) => {
  const connector = createFlutterwaveConnector({
    mode: 'live',
    baseUrl,
    secretKey: 'FLWSECK-key-X',
    webhookHash: 'hash-of-ours',
    referenceSuffix: '',
    timeoutMs: 400,
    ...options,
  });
  whenDone(() => connector.close());
  return connector;
};

const destination = { type: 'bank', bankCode: '044', accountNumber: '0690000031', accountTitle: 'Ade Bond' } as const;
const order = orderTo('', 1, { currency: 'NGN', amountMinor: 150_050n, destination });
const transfer = (over: object = {}) => ({
  id: 4711,
  account_number: '0690000031',
  bank_code: '044',
  full_name: 'Ade Bond',
  created_at: '2026-01-01T00:00:00.000Z',
  currency: 'NGN',
  debit_currency: 'NGN',
  amount: 1500.5,
  fee: 10.75,
  status: 'NEW',
  reference: order.reference,
  meta: null,
  narration: null,
  complete_message: '',
  requires_approval: 0,
  is_approved: 1,
  bank_name: 'ACCESS BANK NIGERIA',
  ...over,
});
const ok = (data: unknown, over: object = {}) => JSON.stringify({ status: 'success', message: 'fine', data, ...over });
const refused = (message: string) => JSON.stringify({ status: 'error', message, data: null });

/** Answers each path by its own body, and remembers what was asked. */
async function flutterwave(answers: Readonly<Record<string, { status?: number; body: string }>>) {
  const asked: { method: string; path: string; body: string; headers: Record<string, unknown> }[] = [];
  const url = await psp((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      asked.push({ method, path, body, headers });
      const answer = answers[path] ?? { status: 404, body: refused('not there') };
      response.writeHead(answer.status ?? 200).end(answer.body);
    });
  });
  return { url, asked };
}

const processing: PspReply = { kind: 'accepted', stage: 'processing', pspRef: '4711', reason: null };
const held = { kind: 'accepted', stage: 'held', pspRef: '4711', reason: expect.stringContaining('approval') };
const mismatch = (field: string) => ({ kind: 'mismatch', pspRef: '4711', detail: `differs in ${field}` });
const refusal = (failureClass: string, code: string) => ({
  kind: 'failed',
  pspRef: null,
  failure: expect.objectContaining({ class: failureClass, code }),
});
const setup = { kind: 'not_taken', reason: 'unauthorized', retryAfterMs: null };

test.each<[string, number, string, unknown]>([
  ['NEW', 200, ok(transfer()), processing],
  ['PENDING', 200, ok(transfer({ status: 'PENDING' })), processing],
  ['NEW that nobody has approved', 200, ok(transfer({ requires_approval: 1, is_approved: 0 })), held],
  [
    'PENDING that nobody has approved',
    200,
    ok(transfer({ status: 'PENDING', requires_approval: true, is_approved: false })),
    held,
  ],
  ['NEW that somebody has approved', 200, ok(transfer({ requires_approval: 1, is_approved: 1 })), processing],
  ['SUCCESSFUL at once', 200, ok(transfer({ status: 'SUCCESSFUL' })), { kind: 'paid', pspRef: '4711', feeMinor: '1075' }],
  ['an id as text', 200, ok(transfer({ id: '4711', status: 'SUCCESSFUL', fee: null })), { kind: 'paid', pspRef: '4711' }],
  ['an amount as text', 200, ok(transfer({ amount: '1500.50' })), processing],
  ['an amount with the rounding of floats', 200, ok(transfer({ amount: 1500.5000000000002 })), processing],
  [
    'a fee in another currency',
    200,
    ok(transfer({ status: 'SUCCESSFUL', debit_currency: 'USD' })),
    { kind: 'paid', pspRef: '4711' },
  ],
  ['another amount', 200, ok(transfer({ amount: 1500.51 })), mismatch('amount')],
  ['a hundred times the amount', 200, ok(transfer({ amount: 150_050, status: 'SUCCESSFUL' })), mismatch('amount')],
  ['another currency', 200, ok(transfer({ currency: 'GHS', status: 'SUCCESSFUL' })), mismatch('currency')],
  ['another account', 200, ok(transfer({ account_number: '0690000032' })), mismatch('account')],
  ['another bank', 200, ok(transfer({ bank_code: '058' })), mismatch('account')],
  ['another reference', 200, ok(transfer({ reference: 'po_other:1' })), mismatch('reference')],
  ['a status nobody knows', 200, ok(transfer({ status: 'REVERSED' })), { kind: 'unknown', reason: 'unreadable answer' }],
  ['no id', 200, ok(transfer({ id: null })), { kind: 'unknown', reason: 'unreadable answer' }],
  ['success without data', 200, ok(null), { kind: 'unknown', reason: 'unreadable answer' }],
  ['HTML', 200, '<html>ok</html>', { kind: 'unknown', reason: 'unreadable answer' }],
  ['half a JSON', 200, ok(transfer()).slice(0, -1), { kind: 'unknown', reason: 'unreadable answer' }],
  ['503 after 28 seconds', 503, refused('The server took too long'), { kind: 'unknown', reason: 'HTTP 503' }],
  ['500 that says it was refused', 500, refused('account_bank is required'), { kind: 'unknown', reason: 'HTTP 500' }],
  ['502 of a proxy', 502, '<html>', { kind: 'unknown', reason: 'HTTP 502' }],
  ['400 of a proxy', 400, '<html>', { kind: 'unknown', reason: 'HTTP 400' }],
  ['400 that says success', 400, ok(transfer()), { kind: 'unknown', reason: 'HTTP 400' }],
  ['a redirect', 302, '', { kind: 'unknown', reason: 'HTTP 302' }],
  ['429', 429, refused('Too many requests'), { kind: 'not_taken', reason: 'rate_limited', retryAfterMs: 2000 }],
  ['401', 401, refused('Invalid authorization key'), setup],
  ['400 about our address', 400, refused('Please enable IP Whitelisting to access this service'), setup],
  ['403', 403, refused('Forbidden'), setup],
  ['401 of a proxy', 401, '<html>', { kind: 'unknown', reason: 'HTTP 401' }],
  ['a blacklisted account', 400, refused('Payout was made to a blacklisted account number'), refusal('A', 'account_blacklisted')],
  ['an error with 200', 200, refused('Payout was made to a blacklisted account number'), refusal('A', 'account_blacklisted')],
  ['a missing name', 400, refused('beneficiary_name is required'), refusal('E', 'beneficiary_name_missing')],
  ['too little in our wallet', 400, refused('Insufficient funds in customer wallet'), refusal('D', 'psp_funds_short')],
  [
    'a reference that it knows',
    400,
    refused('Transfer with reference x already exists'),
    { kind: 'unknown', reason: expect.any(String) },
  ],
  ['a refusal for a reason nobody knows', 400, refused('Oh no'), { kind: 'unknown', reason: expect.any(String) }],
  ['a refusal that sounds temporary', 400, refused('Please try again later'), { kind: 'unknown', reason: expect.any(String) }],
])('a submission answered with %s claims no more than is proven', async (_what, status, body, reply) => {
  const url = await answering(status, body, { 'retry-after': '2' });
  expect(await connectorTo(url).submit(order, patience())).toEqual(reply);
});

test('what is asked for: our key as reference, a number of major units, the account as it is, and who we are', async () => {
  const { url, asked } = await flutterwave({ '/v3/transfers': { body: ok(transfer()) } });
  await connectorTo(`${url}/v3/`).submit(order, patience());
  const [request] = asked;
  expect(request).toMatchObject({ method: 'POST', headers: { authorization: 'Bearer FLWSECK-key-X' } });
  expect(request?.body).toContain('"amount":1500.50}');
  expect(JSON.parse(request?.body ?? '')).toEqual({
    account_bank: '044',
    account_number: '0690000031',
    amount: 1500.5,
    currency: 'NGN',
    reference: order.reference,
    beneficiary_name: 'Ade Bond',
    narration: 'a test',
  });
});

test('a description is folded to what banks print, and cut for the statement', async () => {
  const { url, asked } = await flutterwave({ '/transfers': { body: ok(transfer()) } });
  await connectorTo(url).submit({ ...order, description: '₦5 🦜 ä'.repeat(30) }, patience());
  expect(JSON.parse(asked[0]?.body ?? '').narration).toBe('NGN5 a'.repeat(30).slice(0, 100));
});

test('nothing listens there: certainly not taken, and a look-up knows nothing', async () => {
  const connector = connectorTo('http://127.0.0.1:1');
  expect(await connector.submit(order, patience())).toEqual({ kind: 'not_taken', reason: 'ECONNREFUSED', retryAfterMs: null });
  expect(await connector.lookUp(order, patience())).toEqual({ kind: 'unknown', reason: 'ECONNREFUSED' });
  expect(await connector.verifyAccount(destination, patience())).toEqual({ unavailable: 'ECONNREFUSED' });
  expect(await connector.account.balance('NGN', patience())).toEqual({ unavailable: 'ECONNREFUSED' });
});

test('no answer within our timeout, or a cut connection: unknown', async () => {
  const silent = await psp(() => undefined);
  expect(await connectorTo(silent).submit(order, patience())).toEqual({ kind: 'unknown', reason: 'timeout' });
  const cut = await psp((request) => request.socket.destroy());
  expect(await connectorTo(cut).submit(order, patience())).toMatchObject({ kind: 'unknown' });
});

const LIST = `/transfers?reference=${encodeURIComponent(order.reference)}`;
const lookUp = async (answers: Parameters<typeof flutterwave>[0], over: Partial<PspOrder> = {}) => {
  const { url, asked } = await flutterwave(answers);
  const reply = await connectorTo(url).lookUp({ ...order, ...over }, patience());
  return { reply, paths: asked.map(({ path }) => path) };
};

test.each<[string, { status?: number; body: string }, unknown]>([
  ['one that is paid', { body: ok([transfer({ status: 'SUCCESSFUL' })]) }, { kind: 'paid', pspRef: '4711', feeMinor: '1075' }],
  ['none', { body: ok([]) }, { kind: 'not_found' }],
  [
    'others only: the filter was not heard',
    { body: ok([transfer({ reference: 'other' })]) },
    { kind: 'unknown', reason: expect.any(String) },
  ],
  ['ours among others', { body: ok([transfer({ reference: `${order.reference}1` }), transfer()]) }, processing],
  [
    'two under one reference',
    { body: ok([transfer(), transfer({ id: 4712 })]) },
    { kind: 'mismatch', pspRef: '4711', detail: expect.any(String) },
  ],
  [
    'a failed one and one in a state that nobody knows: that one may be paid yet',
    { body: ok([transfer({ status: 'FAILED' }), transfer({ id: 4712, status: 'PROCESSING' })]) },
    { kind: 'unknown', reason: 'unreadable answer' },
  ],
  [
    'a failed one and something without a name: that may be ours, too',
    { body: ok([transfer({ status: 'FAILED' }), { id: 4712 }]) },
    { kind: 'unknown', reason: 'unreadable answer' },
  ],
  [
    'a failed one on the first of two pages: the other may be on the second',
    { body: ok([transfer({ status: 'FAILED' })], { meta: { page_info: { total: 11, current_page: 1, total_pages: 2 } } }) },
    { kind: 'unknown', reason: 'the list has more pages' },
  ],
  ['no list', { body: ok({}) }, { kind: 'unknown', reason: 'unreadable answer' }],
  ['an error', { status: 400, body: refused('Bad request') }, { kind: 'unknown', reason: 'HTTP 400' }],
  ['404', { status: 404, body: refused('Transfer not found') }, { kind: 'unknown', reason: 'HTTP 404' }],
  ['401', { status: 401, body: refused('Invalid authorization key') }, { kind: 'unknown', reason: 'HTTP 401' }],
  ['429', { status: 429, body: refused('Too many requests') }, { kind: 'unknown', reason: 'HTTP 429' }],
  ['503', { status: 503, body: refused('timeout') }, { kind: 'unknown', reason: 'HTTP 503' }],
  ['another amount', { body: ok([transfer({ amount: 1, status: 'SUCCESSFUL' })]) }, mismatch('amount')],
])('a look-up by reference that finds %s', async (_what, answer, reply) => {
  expect((await lookUp({ [LIST]: answer })).reply).toEqual(reply);
});

test('a transfer whose id we know is looked up by it, and by our reference only if that does not find it', async () => {
  const known = { pspRef: '4711' };
  const direct = await lookUp({ '/transfers/4711': { body: ok(transfer({ status: 'PENDING' })) } }, known);
  expect(direct).toEqual({ reply: processing, paths: ['/transfers/4711'] });
  const around = await lookUp({ [LIST]: { body: ok([transfer({ status: 'SUCCESSFUL' })]) } }, known);
  expect(around).toMatchObject({ reply: { kind: 'paid' }, paths: ['/transfers/4711', LIST] });
});

test('a transfer whose id we know is never not found: we do not send it again because a list is empty', async () => {
  const { reply } = await lookUp({ [LIST]: { body: ok([]) } }, { pspRef: '4711' });
  expect(reply).toEqual({ kind: 'unknown', reason: 'it was known before' });
});

test('a look-up by id that proves nothing is not made up for by another', async () => {
  const { reply, paths } = await lookUp({ '/transfers/4711': { status: 503, body: refused('timeout') } }, { pspRef: '4711' });
  expect(reply).toEqual({ kind: 'unknown', reason: 'HTTP 503' });
  expect(paths).toEqual(['/transfers/4711']);
});

test('a transfer whose id we know and that is in a state nobody knows is not made up for by a list', async () => {
  const strange = { body: ok(transfer({ status: 'PROCESSING' })) };
  const { reply } = await lookUp({ '/transfers/4711': strange, [LIST]: { body: ok([FAILED]) } }, { pspRef: '4711' });
  expect(reply).toEqual({ kind: 'unknown', reason: 'unreadable answer' });
});

const FAILED = transfer({ status: 'FAILED', complete_message: 'DISBURSE FAILED: Unable to obtain user details' });
const retried = (over: object) => transfer({ id: 4799, reference: `${order.reference}_RETRY_1`, ...over });

test.each<[string, { status?: number; body: string }, unknown]>([
  [
    'nobody sent it again',
    { body: ok([]) },
    { kind: 'failed', pspRef: '4711', failure: expect.objectContaining({ class: 'E', code: 'no_account' }) },
  ],
  [
    'Flutterwave knows no retries',
    { status: 404, body: refused('No retries') },
    { kind: 'failed', pspRef: '4711', failure: expect.anything() },
  ],
  [
    'a retry failed, too',
    { body: ok([retried({ status: 'FAILED' })]) },
    { kind: 'failed', pspRef: '4711', failure: expect.anything() },
  ],
  ['a retry is under way', { body: ok([retried({})]) }, processing],
  [
    'a retry was paid',
    { body: ok([retried({ status: 'FAILED' }), retried({ id: 4800, status: 'SUCCESSFUL' })]) },
    { kind: 'paid', pspRef: '4800', feeMinor: '1075' },
  ],
  [
    'a retry of other money was paid',
    { body: ok([retried({ status: 'SUCCESSFUL', amount: 1 })]) },
    { kind: 'mismatch', pspRef: '4799', detail: 'differs in amount' },
  ],
  ['the retries cannot be asked for', { status: 503, body: refused('timeout') }, { kind: 'unknown', reason: 'HTTP 503' }],
  ['the retries cannot be read', { body: ok([{}]) }, { kind: 'unknown', reason: 'unreadable answer' }],
])('a failed transfer that somebody may have sent again in the dashboard: %s', async (_what, answer, reply) => {
  const answers = { '/transfers/4711': { body: ok(FAILED) }, [LIST]: { body: ok([FAILED]) }, '/transfers/4711/retries': answer };
  expect((await lookUp(answers, { pspRef: '4711' })).reply).toEqual(reply);
});

test('one of two transfers under one reference has failed: that proves nothing of the other, whichever we know', async () => {
  const answers = {
    '/transfers/4711': { body: ok(FAILED) },
    [LIST]: { body: ok([FAILED, transfer({ id: 4712, status: 'SUCCESSFUL' })]) },
  };
  expect((await lookUp(answers, { pspRef: '4711' })).reply).toMatchObject({ kind: 'mismatch' });
});

test('the one that we know has failed, and the list shows only another one of ours: that is no proof either', async () => {
  const other = transfer({ id: 4712, status: 'SUCCESSFUL' });
  const answers = { '/transfers/4711': { body: ok(FAILED) }, [LIST]: { body: ok([other]) } };
  expect((await lookUp(answers, { pspRef: '4711' })).reply).toMatchObject({ kind: 'mismatch' });
});

test('what it called SUCCESSFUL and calls FAILED now was sent back by the bank', async () => {
  const listed = { [LIST]: { body: ok([FAILED]) }, '/transfers/4711/retries': { body: ok([]) } };
  const { reply } = await lookUp({ '/transfers/4711': { body: ok(FAILED) }, ...listed }, { pspRef: '4711', isPaid: true });
  expect(reply).toEqual({ kind: 'returned', pspRef: '4711', reason: FAILED.complete_message, feeMinor: '1075' });
});

test('with a suffix for its test mode: sent with it, looked up with it, and still our reference', async () => {
  const reference = `${order.reference}_PMCKDU_1`;
  const { url, asked } = await flutterwave({
    '/transfers': { body: ok(transfer({ reference })) },
    [`/transfers?reference=${encodeURIComponent(reference)}`]: { body: ok([transfer({ reference, status: 'SUCCESSFUL' })]) },
  });
  const connector = connectorTo(url, { mode: 'test', referenceSuffix: '_PMCKDU_1' });
  expect(await connector.submit(order, patience())).toEqual({ ...processing, pspRef: 'test_4711' });
  expect(JSON.parse(asked[0]?.body ?? '').reference).toBe(reference);
  expect(await connector.lookUp(order, patience())).toMatchObject({ kind: 'paid', pspRef: 'test_4711' });
});

test('the same number of a test and of a live transfer are two names in our books', async () => {
  const { url, asked } = await flutterwave({ '/transfers/4711': { body: ok(transfer({ status: 'SUCCESSFUL' })) } });
  const [live, tests] = [connectorTo(url), connectorTo(url, { mode: 'test' })];
  expect(await live.lookUp({ ...order, pspRef: '4711' }, patience())).toMatchObject({ kind: 'paid', pspRef: '4711' });
  expect(await tests.lookUp({ ...order, pspRef: 'test_4711' }, patience())).toMatchObject({ kind: 'paid', pspRef: 'test_4711' });
  expect(asked.map(({ path }) => path)).toEqual(['/transfers/4711', '/transfers/4711']);
});

test('an account is resolved by the bank; one that cannot be is not payable; what proves nothing is unavailable', async () => {
  const asked = async (status: number, body: string) =>
    await connectorTo(await answering(status, body)).verifyAccount(destination, patience());
  expect(await asked(200, ok({ account_number: '0690000031', account_name: 'Ade Bond' }))).toEqual({
    valid: true,
    accountTitle: 'Ade Bond',
    detail: null,
  });
  expect(await asked(400, refused('Invalid account number'))).toEqual({ valid: false, accountTitle: null, detail: 'no_account' });
  expect(await asked(401, refused('Invalid authorization key'))).toEqual({ unavailable: 'HTTP 401' });
  expect(await asked(503, refused('timeout'))).toEqual({ unavailable: 'HTTP 503' });
  expect(await asked(200, ok({}))).toEqual({ unavailable: 'unreadable answer' });
});
