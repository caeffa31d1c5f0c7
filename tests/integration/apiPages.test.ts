/** Hosted pages over HTTP: whom a page's token lets see and do what, and where a page may lead and be shown. */
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Form, formOf, screenshot } from '../../harness/screenshots.ts';
import { issuePageToken, PAGE_TOKEN_MS, type PageClaim, RETURN_URL_MOST } from '../../src/crypto/pageToken.ts';
import { issueStreamToken } from '../../src/crypto/streamToken.ts';
import type { InstantClient } from '../../src/instant/rules/contract.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { keys } from '../support/encryption.ts';
import { newUtr } from '../support/instant.ts';

const SHOP = 'https://shop.example';
const BACK = `${SHOP}/wallet?order=7`;
/** A payer is on a phone, has minutes, and has never been here: 3 s on a slow line of 300 kbit/s. */
const PAGES_MOST_GZIP = 110 * 1024;

let door: Door;
/** The payees' merchant, and the payers'. */
let ours: Merchant;
let theirs: Merchant;
let admin: string;
let folder: string;
let base: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pages-'));
  const tell = async () => undefined;
  const instant: InstantClient = { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell };
  door = await openDoor({ instant, env: { PROOFS_DIR: folder } });
  admin = (await door.admin('admin')).key;
  ours = await door.merchant();
  theirs = await door.merchant();
  for (const { id: merchantId } of [ours, theirs]) {
    await nameOrigins(merchantId, [SHOP]);
    const money = { currency: 'INR', amountMinor: '10000000000', externalId: newId('ext') };
    for (const mode of ['test', 'live'] as const) await fund(door.context, { merchantId, mode, ...money });
  }
  base = await door.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
  await rm(folder, { recursive: true, force: true });
});

const nameOrigins = (merchantId: string, pageOrigins: readonly string[]) =>
  door.call('PATCH', `/api/admin/merchants/${merchantId}`, { key: admin, body: { pageOrigins } });

const post = (path: string, body: unknown, key = ours.key) => door.call('POST', `/api/v1${path}`, { key, body });

async function user(purse = '0', key = ours.key): Promise<string> {
  const { id } = (await post('/users', { externalId: newId('user') }, key)).body;
  if (purse !== '0') await post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: newId('ext') }, key);
  return id;
}

interface Opened {
  readonly id: string;
  readonly payee: string;
  readonly batches: readonly string[];
}

/** A withdrawal of these slices. */
async function open(amounts: readonly string[], key = ours.key): Promise<Opened> {
  const amount = String(amounts.reduce((sum, each) => sum + Number(each), 0));
  const payee = await user(amount, key);
  const order = { userId: payee, amount, currency: 'INR', reference: newId('wd'), batches: amounts };
  const { status, body } = await post('/instant-payouts', { ...order, payee: { type: 'upi', upiId: 'asha.k@okhdfc' } }, key);
  expect([status, body.code]).toEqual([201, undefined]);
  return { id: body.id, payee, batches: body.batches.map(({ id }: { id: string }) => id) };
}

/** By a payer of the other merchant's, who is new. */
async function claim(batchId = ''): Promise<{ readonly payinId: string; readonly payer: string }> {
  const payer = await user('0', theirs.key);
  const { status, body } = await post(`/instant-payouts/batches/${batchId}/claim`, { userId: payer }, theirs.key);
  expect([status, body.code]).toEqual([201, undefined]);
  return { payinId: body.payinId, payer };
}

const askFor = (userId: string, page: object, change: object = {}, key = ours.key) =>
  post(`/users/${userId}/page-tokens`, { page, ...change }, key);

async function payeesToken({ id, payee }: Opened): Promise<string> {
  return (await askFor(payee, { withdrawal: id })).body.token;
}
async function payersToken({ payinId, payer }: { payinId: string; payer: string }): Promise<string> {
  return (await askFor(payer, { payin: payinId }, {}, theirs.key)).body.token;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const see = (path: string, token: string) => door.call('GET', `/api/pages${path}`, { headers: bearer(token) });
const act = (path: string, token: string, body?: unknown, idempotencyKey = newId('k')) =>
  door.call('POST', `/api/pages${path}`, { headers: bearer(token), idempotencyKey, ...(body !== undefined && { body }) });
async function show(token: string, form: Form = {}, idempotencyKey = newId('k')): Promise<Reply> {
  const { body, headers } = await formOf({ image: await screenshot(), utr: newUtr(), ...form });
  return await door.call('POST', '/api/pages/payin/proof', { headers: { ...headers, ...bearer(token) }, body, idempotencyKey });
}

const codes = ({ status, body }: Reply) => [status, body?.code];
const actorOf = async (batchId: string, state: string): Promise<string> =>
  (await door.db.owner.query('SELECT actor FROM events WHERE subject_id = $1 AND to_state = $2', [batchId, state])).rows[0]
    ?.actor;
const keyIdOf = async (key: string): Promise<string> =>
  (await door.db.owner.query('SELECT id FROM api_keys WHERE last4 = $1 ORDER BY created_at DESC', [key.slice(-4)])).rows[0].id;

describe('a token', () => {
  test('is for two hours and one page; it stands in no path or query, and nowhere in the database', async () => {
    const { id, payee } = await open(['500']);
    const { status, body } = await askFor(payee, { withdrawal: id }, { returnUrl: BACK });
    expect(status).toBe(201);
    const url = new URL(body.url);
    expect([url.pathname, url.search, url.hash]).toEqual([`/pages/${ours.id}/withdrawal`, '', `#${body.token}`]);
    expect(Math.abs(Date.parse(body.expiresAt) - Date.now() - PAGE_TOKEN_MS)).toBeLessThan(60_000);
    const { rows } = await door.db.owner.query('SELECT body FROM idempotency_keys WHERE owner_id = $1', [ours.id]);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toContain(body.token);
  });

  test('is given for nobody else’s user, withdrawal or payin', async () => {
    const [one, two] = [await open(['500']), await open(['500'])];
    const { payinId, payer } = await claim(one.batches[0]);
    for (const [userId, page, key] of [
      [one.payee, { withdrawal: two.id }, ours.key],
      [one.payee, { withdrawal: one.id }, theirs.key],
      [one.payee, { withdrawal: one.id }, ours.liveKey],
      [one.payee, { payin: payinId }, ours.key],
      [payer, { payin: payinId }, ours.key],
      [payer, { withdrawal: one.id }, theirs.key],
      [newId('usr'), { withdrawal: one.id }, ours.key],
      [one.payee, { withdrawal: payinId }, ours.key],
    ] as const)
      expect([page, ...codes(await askFor(userId, page, {}, key))]).toEqual([page, 404, 'not_found']);
    const reads = await door.key(ours.id, { scopes: ['instant:read'] });
    expect(codes(await askFor(one.payee, { withdrawal: one.id }, {}, reads))).toEqual([403, 'forbidden']);
    for (const page of [{}, { withdrawal: one.id, payin: payinId }, { game: 'x' }, null, 'withdrawal'])
      expect((await askFor(one.payee, page as object)).status).toBe(400);
  });

  test('leads back to the origins alone that its merchant has named', async () => {
    const { id, payee } = await open(['500']);
    for (const returnUrl of [
      'https://evil.example/',
      'https://shop.example.evil.example/',
      'https://shop.example@evil.example/',
      'https://user:secret@shop.example/',
      'http://shop.example/',
      'https://shop.example:8443/',
      '//shop.example/',
      '/wallet',
      'javascript:alert(1)//https://shop.example',
      'data:text/html,x',
      'blob:https://shop.example/0c4f', // whose origin is the shop's
      'blob:https://user:secret@shop.example/',
      `${SHOP}/${'€'.repeat(400)}`, // nine characters each, where it is written
      '',
    ])
      expect([returnUrl, ...codes(await askFor(payee, { withdrawal: id }, { returnUrl }))]).toEqual([
        returnUrl,
        422,
        'return_url_not_allowed',
      ]);
    const { body } = await askFor(payee, { withdrawal: id }, { returnUrl: BACK });
    expect((await see('/withdrawal', body.token)).body.returnUrl).toBe(BACK);
    const longest = `${SHOP}/?`.padEnd(RETURN_URL_MOST, '\\');
    const long = await askFor(payee, { withdrawal: id }, { returnUrl: longest });
    expect((await see('/withdrawal', long.body.token)).body.returnUrl).toBe(longest);
    await nameOrigins(ours.id, []); // taken off meanwhile
    expect((await see('/withdrawal', body.token)).body.returnUrl).toBeNull();
    await nameOrigins(ours.id, [SHOP]);
  });

  test.each<[string, (token: string, claim: PageClaim) => string | Promise<string>]>([
    ['changed in one place', (token) => token.slice(0, -6) + (token.at(-6) === 'A' ? 'B' : 'A') + token.slice(-5)],
    ['cut short', (token) => token.slice(0, 60)],
    ['whose time is over', (_token, of) => issuePageToken(keys, of, Date.now() - PAGE_TOKEN_MS).token],
    ['of no key', (_token, of) => issuePageToken(keys, { ...of, keyId: newId('key') }, Date.now()).token],
    ['for streams', (_token, { keyId, userId }) => issueStreamToken(keys, { keyId, userId }, Date.now()).token],
    [
      'for streams, called one for pages',
      (_token, { keyId, userId }) => issueStreamToken(keys, { keyId, userId }, Date.now()).token.replace('stk_', 'ptk_'),
    ],
    ['that is a key', () => ours.key],
    ['that is nothing', () => 'ptk_'],
  ])('%s opens nothing', async (_name, make) => {
    const withdrawal = await open(['500']);
    const subject = { kind: 'withdrawal' as const, id: withdrawal.id };
    const of: PageClaim = { keyId: await keyIdOf(ours.key), userId: withdrawal.payee, subject, returnUrl: null };
    const good = issuePageToken(keys, of, Date.now()).token;
    expect((await see('/withdrawal', good)).status).toBe(200);
    const token = await make(good, of);
    for (const answer of [
      await see('/withdrawal', token),
      await see('/payin', token),
      await see('/stream', token),
      await act(`/withdrawal/batches/${withdrawal.batches[0]}/confirm`, token),
      await show(token),
    ])
      expect(codes(answer)).toEqual([401, 'invalid_api_key']);
  });

  test('opens nothing once its key is revoked, and nothing but pages before', async () => {
    const { id, payee } = await open(['500']);
    const key = await door.key(ours.id);
    const { token } = (await askFor(payee, { withdrawal: id }, {}, key)).body;
    expect((await see('/withdrawal', token)).status).toBe(200);
    for (const path of [
      '/api/v1/balance',
      `/api/v1/users/${payee}`,
      `/api/v1/instant-payouts/${id}`,
      '/api/v1/stream',
      '/api/admin/payouts',
    ])
      expect([path, (await door.call('GET', path, { headers: bearer(token) })).status]).toEqual([path, 401]);
    const both = await door.call('GET', '/api/pages/withdrawal', { key: ours.key, headers: bearer(token) });
    expect(both.status).toBe(401);
    await door.db.owner.query('UPDATE api_keys SET revoked_at = now() WHERE id = $1', [await keyIdOf(key)]);
    expect(codes(await see('/withdrawal', token))).toEqual([401, 'invalid_api_key']);
  });
});

describe('a payee’s page', () => {
  test('shows the withdrawal with its slices and deadlines, and nothing of who pays or of where the money goes', async () => {
    const withdrawal = await open(['500', '600']);
    await claim(withdrawal.batches[0]);
    const { body, text } = await see('/withdrawal', await payeesToken(withdrawal));
    expect(body).toMatchObject({
      object: 'withdrawal_page',
      merchant: { name: 'Test' },
      returnUrl: null,
      withdrawal: {
        id: withdrawal.id,
        totalAmount: '1100.00',
        remaining: '1100.00',
        batches: [
          { number: 1, status: 'assigned', payUntil: expect.any(String), confirmUntil: null },
          { number: 2, status: 'unassigned', payUntil: null },
        ],
      },
    });
    expect(Math.abs(Date.parse(body.now) - Date.now())).toBeLessThan(60_000);
    expect(text).not.toContain('asha.k@');
    expect(codes(await see('/payin', await payeesToken(withdrawal)))).toEqual([404, 'not_found']);
  });

  test('says of its own slices alone that they were received, once, and in the payee’s name', async () => {
    const [mine, another] = [await open(['500']), await open(['500'])];
    const [batch = ''] = mine.batches;
    const token = await payeesToken(mine);
    expect(codes(await act(`/withdrawal/batches/${batch}/confirm`, token))).toEqual([409, 'wrong_state']);
    for (const { batches } of [mine, another]) await show(await payersToken(await claim(batches[0])));
    for (const path of [`${another.batches[0]}/confirm`, `${newId('ipb')}/confirm`, 'x/confirm'])
      expect(codes(await act(`/withdrawal/batches/${path}`, token))).toEqual([404, 'not_found']);
    expect(codes(await act(`/withdrawal/batches/${another.batches[0]}/reject`, token, { reason: 'x' }))).toEqual([
      404,
      'not_found',
    ]);
    const first = await act(`/withdrawal/batches/${batch}/confirm`, token, undefined, 'mine');
    expect(first).toMatchObject({
      status: 200,
      body: { redirect: true, withdrawalDetails: { id: mine.id }, batch: { status: 'confirmed' } },
    });
    expect((await act(`/withdrawal/batches/${batch}/confirm`, token, undefined, 'mine')).text).toBe(first.text);
    expect(await actorOf(batch, 'confirmed')).toBe(`user:${mine.payee}`);
    expect((await see('/withdrawal', token)).body.withdrawal).toMatchObject({
      status: 'completed',
      receiptId: expect.stringMatching(/^RCP-/),
    });
  });

  test('says that a slice was not received, with a reason', async () => {
    const withdrawal = await open(['500']);
    const [batch = ''] = withdrawal.batches;
    const token = await payeesToken(withdrawal);
    await show(await payersToken(await claim(batch)));
    expect((await act(`/withdrawal/batches/${batch}/reject`, token, { reason: '' })).status).toBe(400);
    const said = await act(`/withdrawal/batches/${batch}/reject`, token, { reason: 'Nothing came by noon' });
    expect(said).toMatchObject({ status: 200, body: { status: 'disputed' } });
    expect(await actorOf(batch, 'disputed')).toBe(`user:${withdrawal.payee}`);
  });

  test('needs an idempotency key like every act, and meets no other user’s under the same', async () => {
    const [one, two] = [await open(['500']), await open(['500'])];
    for (const { batches } of [one, two]) await show(await payersToken(await claim(batches[0])));
    const path = (of: Opened): string => `/withdrawal/batches/${of.batches[0]}/confirm`;
    const without = await door.call('POST', `/api/pages${path(one)}`, {
      headers: bearer(await payeesToken(one)),
      idempotencyKey: null,
    });
    expect(codes(without)).toEqual([400, 'idempotency_key_missing']);
    for (const each of [one, two])
      expect((await act(path(each), await payeesToken(each), undefined, 'same')).body.withdrawalDetails?.id).toBe(each.id);
    expect((await askFor(one.payee, { withdrawal: one.id })).status).toBe(201);
  });
});

describe('a payer’s page', () => {
  test('says whom to pay while it is the payer’s turn, and takes the proof in the payer’s name', async () => {
    const withdrawal = await open(['500']);
    const [batch = ''] = withdrawal.batches;
    const payer = await claim(batch);
    const token = await payersToken(payer);
    expect((await see('/payin', token)).body).toMatchObject({
      object: 'payin_page',
      payin: { id: payer.payinId, status: 'assigned', payTo: { type: 'upi', upiId: 'asha.k@okhdfc', amount: '500.00' } },
    });
    const utr = newUtr();
    expect(await show(token, { utr })).toMatchObject({ status: 202, body: { payin: { id: payer.payinId, utr } } });
    expect(await actorOf(batch, 'proof_submitted')).toBe(`user:${payer.payer}`);
    expect((await see('/payin', token)).body.payin).toMatchObject({
      status: 'success',
      payTo: null,
      receiptId: expect.any(String),
    });
    expect(codes(await see('/withdrawal', token))).toEqual([404, 'not_found']);
    expect(codes(await act(`/withdrawal/batches/${batch}/confirm`, token))).toEqual([404, 'not_found']);
  });

  test('refuses what is no proof as the merchant’s own route does, and proves no other payin', async () => {
    const withdrawal = await open(['500', '600']);
    const [mine, another] = [await claim(withdrawal.batches[0]), await claim(withdrawal.batches[1])];
    const token = await payersToken(mine);
    expect(codes(await show(token, { image: Buffer.from('<svg onload=alert(1)>') }))).toEqual([400, 'invalid_request']);
    expect(codes(await show(token, { utr: '12' }))).toEqual([400, 'invalid_request']);
    expect(codes(await show(token, { payinId: another.payinId }))).toEqual([404, 'not_found']);
    const waiting = await post(
      '/payins',
      { userId: await user('0', theirs.key), amount: '77777', currency: 'INR', reference: newId('p') },
      theirs.key,
    );
    const idle = await askFor(waiting.body.userId, { payin: waiting.body.id }, {}, theirs.key);
    expect((await see('/payin', idle.body.token)).body.payin).toMatchObject({ status: 'waiting', payTo: null });
    expect(codes(await show(idle.body.token))).toEqual([409, 'wrong_state']);
    expect((await see('/payin', await payersToken(another))).body.payin.status).toBe('assigned');
  });

  test('of a user with two payins keeps them apart, also under one idempotency key', async () => {
    const withdrawal = await open(['500', '600']);
    const payer = await user('0', theirs.key);
    const form = { image: await screenshot(), utr: newUtr() };
    const tokens: string[] = [];
    const answers: Reply[] = [];
    for (const batch of withdrawal.batches) {
      const { body } = await post(`/instant-payouts/batches/${batch}/claim`, { userId: payer }, theirs.key);
      tokens.push(await payersToken({ payinId: body.payinId, payer }));
      answers.push(await show(tokens.at(-1) ?? '', form, `of-${payer}`));
    }
    expect(answers.map(codes)).toEqual([
      [202, undefined],
      [422, 'idempotency_key_reused'],
    ]);
  });
});

describe('a page’s stream', () => {
  test('says that something has changed, and nothing of what', async () => {
    const withdrawal = await open(['500']);
    const payer = await claim(withdrawal.batches[0]);
    const token = await payeesToken(withdrawal);
    const ended = new AbortController();
    const response = await fetch(`${base}/api/pages/stream`, { headers: bearer(token), signal: ended.signal });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    await post(`/users/${withdrawal.payee}/credit`, { amount: '31', currency: 'INR', externalId: newId('ext') });
    const utr = newUtr();
    await show(await payersToken(payer), { utr });
    let heard = '';
    while (!heard.includes('event: ')) heard += (await reader.read()).value ?? '';
    ended.abort();
    expect(heard).toMatch(/event: changed\nid: [^\n]+\ndata: \{\}\n/);
    for (const word of ['credited', utr, withdrawal.id, payer.payinId, '31.00']) expect(heard).not.toContain(word);
  });
});

test.each([
  'https://shop.example/',
  'https://shop.example/path',
  'https://*.example',
  "https://shop.example 'unsafe-inline'",
  'https://shop.example;script-src',
  'https://a,b',
  'https://SHOP.example',
  'https://shop.example:443',
  'https://shop.example:99999',
  'http://shop.example',
  'http://127.0.0.1.evil.example',
  'javascript:alert(1)',
  '*',
  "'self'",
  '',
])('no merchant has the origin %s', async (origin) => {
  const { status, body } = await nameOrigins(ours.id, ['https://fine.example', origin]);
  expect([status, body.errors?.[0]?.pointer]).toEqual([400, '/pageOrigins/1']);
});

test('origins are named as a whole, shown to admins, and are in the audit log', async () => {
  const merchant = await door.merchant();
  const named = ['https://shop.example:8443', 'http://localhost:5173', 'http://127.0.0.1:1'];
  expect((await nameOrigins(merchant.id, named)).body.pageOrigins).toEqual(named);
  await door.call('PATCH', `/api/admin/merchants/${merchant.id}`, { key: admin, body: { name: 'Other' } });
  expect((await door.call('GET', `/api/admin/merchants/${merchant.id}`, { key: admin })).body.pageOrigins).toEqual(named);
  expect((await nameOrigins(merchant.id, [])).body.pageOrigins).toEqual([]);
  const { rows } = await door.db.owner.query(`SELECT data FROM audit_log WHERE target = $1 ORDER BY id DESC`, [merchant.id]);
  expect(JSON.stringify(rows)).toContain('localhost:5173');
});

describe('the document', () => {
  const ASSETS = join('dist', 'pages', 'assets');
  const get = (url: string) => door.app.inject({ url });
  const ancestors = async (url: string) => {
    const { statusCode, headers } = await get(url);
    const policy = String(headers['content-security-policy']);
    return [statusCode, /frame-ancestors ([^;]+)/.exec(policy)?.[1], headers['x-frame-options']];
  };

  test('may be shown in frames of the sites that its merchant has named, and anybody else’s in none', async () => {
    const [named, unnamed] = [await door.merchant(), await door.merchant()];
    await nameOrigins(named.id, [SHOP, 'http://localhost:5173']);
    for (const page of ['withdrawal', 'payin']) {
      expect(await ancestors(`/pages/${named.id}/${page}`)).toEqual([200, `${SHOP} http://localhost:5173`, undefined]);
      for (const id of [unnamed.id, newId('mer'), 'x', '%00', `${named.id};`])
        expect([id, ...(await ancestors(`/pages/${id}/${page}`))]).toEqual([id, 200, "'none'", 'DENY']);
    }
    await door.db.owner.query('UPDATE merchants SET active = false WHERE id = $1', [named.id]);
    expect(await ancestors(`/pages/${named.id}/payin`)).toEqual([200, "'none'", 'DENY']);
    for (const url of ['/pages', '/pages/x', `/pages/${named.id}/other`, `/pages/${named.id}/payin/x`, '/pages/assets/none.js'])
      expect([url, (await get(url)).statusCode]).toEqual([url, 404]);
  });

  test('runs nothing but our own files, which are small, and holds nothing that is anybody’s', async () => {
    const [page, other] = [await get(`/pages/${ours.id}/withdrawal`), await get(`/pages/${theirs.id}/payin`)];
    expect(page.body).toBe(other.body);
    expect(page.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(String(page.headers['content-security-policy'])).toMatch(/default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(page.body).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son[a-z]+=|style=/i);
    const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(files.some((url) => url.endsWith('.js'))).toBe(true);
    for (const url of files) {
      expect(url).toMatch(/^\/pages\/assets\/[\w-]+-[\w-]{8}\.(js|css|svg)$/);
      expect([url, (await get(url)).headers['cache-control']]).toEqual([url, 'public, max-age=31536000, immutable']);
    }
    const sizes = readdirSync(ASSETS).flatMap((name) => (/\.gz$/.test(name) ? [statSync(join(ASSETS, name)).size] : []));
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(PAGES_MOST_GZIP);
  });
});
