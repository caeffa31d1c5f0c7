/** Withdrawals paid person to person over HTTP: payees, payers and their two merchants. No worker runs: what was told is written down. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import sharp from 'sharp';
import { createInstantActivities } from '../../activities/instant/look.ts';
import { createLookAfterInstantActivities } from '../../activities/instant/lookAfter.ts';
import { type Form, formOf, screenshot } from '../../harness/screenshots.ts';
import type { InstantClient } from '../../src/instant/rules/contract.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { newUtr } from '../support/instant.ts';
import { beginPause, endPause } from '../support/pauses.ts';

let door: Door;
/** The payees' merchant, and the payers'. */
let ours: Merchant;
let theirs: Merchant;
let operator: string;
let folder: string;
/** What was told to workflows. */
let told: string[] = [];
let isTemporalAway = false;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proofs-'));
  const tell = async (id: string) => {
    if (isTemporalAway) throw new TemporalUnavailable('away');
    told.push(id);
  };
  const instant: InstantClient = { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell };
  door = await openDoor({ instant, env: { PROOFS_DIR: folder } });
  ours = await door.merchant();
  theirs = await door.merchant();
  operator = (await door.admin('operator')).key;
  for (const { id } of [ours, theirs])
    for (const mode of ['test', 'live'] as const)
      await fund(door.context, {
        merchantId: id,
        mode,
        currency: 'INR',
        amountMinor: '10000000000',
        externalId: newId('ext'),
      });
});
beforeEach(() => {
  told = [];
  isTemporalAway = false;
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
  await rm(folder, { recursive: true, force: true });
});

const call = (key: string, method: string, path: string, body?: unknown, idempotencyKey?: string) =>
  door.call(method, `/api/v1${path}`, { key, ...(body !== undefined && { body }), ...(idempotencyKey && { idempotencyKey }) });
const post = (path: string, body: unknown, key = ours.key, idempotencyKey?: string) =>
  call(key, 'POST', path, body, idempotencyKey);
const get = (path: string, key = ours.key) => call(key, 'GET', path);
const act = (path: string, body?: unknown, key = operator) =>
  door.call('POST', `/api/admin/instant-payouts${path}`, { key, ...(body !== undefined && { body }) });
const look = (path: string, key = operator) => door.call('GET', `/api/admin/instant-payouts${path}`, { key });

async function user(purse = '0', key = ours.key): Promise<string> {
  const { id } = (await post('/users', { externalId: newId('user') }, key)).body;
  if (purse !== '0') await post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: newId('ext') }, key);
  return id;
}
const purseOf = async (id: string, key = ours.key) => {
  const [balance] = (await get(`/users/${id}/balance`, key)).body.balances;
  return [balance?.available ?? '0.00', balance?.locked ?? '0.00'];
};

const UPI = { type: 'upi', upiId: 'asha.k@okhdfc' };
const order = (userId: string, change: Readonly<Record<string, unknown>> = {}) => ({
  userId,
  amount: '1000',
  currency: 'INR',
  reference: newId('wd'),
  payee: UPI,
  ...change,
});

interface Opened {
  readonly id: string;
  readonly payee: string;
  readonly batches: readonly string[];
}

/** A withdrawal of these slices. */
async function open(amounts: readonly string[], change: Readonly<Record<string, unknown>> = {}): Promise<Opened> {
  const amount = String(amounts.reduce((sum, each) => sum + Number(each), 0));
  const payee = await user(amount);
  const { status, body } = await post('/instant-payouts', order(payee, { amount, batches: amounts, ...change }));
  expect([status, body.code]).toEqual([201, undefined]);
  return { id: body.id, payee, batches: body.batches.map(({ id }: { id: string }) => id) };
}

/** By a payer of the other merchant's, who is new. */
async function claim(batchId: string, key = theirs.key): Promise<{ payinId: string; payer: string }> {
  const payer = await user('0', key);
  const { status, body } = await post(`/instant-payouts/batches/${batchId}/claim`, { userId: payer }, key);
  expect([status, body.code]).toEqual([201, undefined]);
  return { payinId: body.payinId, payer };
}

async function prove(batchId: string, form: Form = {}, key = theirs.key, idempotencyKey = newId('k')): Promise<Reply> {
  const { body, headers } = await formOf({ image: await screenshot(), utr: newUtr(), ...form });
  return await door.call('POST', `/api/v1/instant-payouts/batches/${batchId}/screenshot`, { key, body, headers, idempotencyKey });
}
const confirm = (batchId: string, by: string, key = ours.key) => post(`/instant-payouts/batches/${batchId}/confirm`, { by }, key);

const codes = ({ status, body }: Reply) => [
  status,
  body.code,
  ...(body.errors ?? []).map(({ pointer, code }: { pointer: string; code: string }) => `${pointer} ${code}`),
];
/** As if the process had been killed between the work and the record of its answer. */
const forget = (key: string) =>
  door.db.owner.query(
    'UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = $1',
    [key],
  );
const kept = async () => (await readdir(folder, { recursive: true }).catch(() => [])).filter((name) => name.includes('.jpg'));

describe('a withdrawal', () => {
  test('holds the whole amount, is cut into slices that sum to it, and is told to its workflow; asked for again it is the same', async () => {
    const payee = await user('10000.50');
    const body = order(payee, { amount: '10000.50', maxBatch: '2600' });
    const first = await post('/instant-payouts', body, ours.key, 'open-1');
    expect(first).toMatchObject({
      status: 201,
      headers: { location: `/api/v1/instant-payouts/${first.body.id}` },
      body: {
        id: expect.stringMatching(/^ip_[0-9a-f]{32}$/),
        object: 'instant_payout',
        status: 'open',
        totalAmount: '10000.50',
        instantPaid: '0.00',
        remaining: '10000.50',
        walletStatus: 'lock',
        userId: payee,
        payee: { type: 'upi', label: 'as••@okhdfc' },
        onUnfilled: 'refund',
      },
    });
    expect(first.body.batches.map(({ amount }: { amount: string }) => amount)).toEqual([
      '2500.00',
      '2500.00',
      '2500.00',
      '2500.50',
    ]);
    expect(first.body.batches[0]).toMatchObject({ status: 'unassigned', number: 1, payinId: null, utr: null, review: null });
    expect(told).toEqual([first.body.id]);
    expect(await purseOf(payee)).toEqual(['0.00', '10000.50']);
    await forget('open-1');
    expect(await post('/instant-payouts', body, ours.key, 'open-1')).toMatchObject({ status: 201, text: first.text });
    expect((await get(`/instant-payouts/${first.body.id}`)).text).toBe(first.text);
    expect((await get(`/instant-payouts/${first.body.id}/batches`)).body.data).toEqual(first.body.batches);
    expect((await get('/instant-payouts?status=open&limit=1')).body.data[0].id).toBe(first.body.id);
  });

  test('while Temporal is away stands in the books, and its repeat tells it', async () => {
    const payee = await user('1000');
    const body = order(payee);
    isTemporalAway = true;
    expect((await post('/instant-payouts', body, ours.key, 'away-1')).status).toBe(503);
    isTemporalAway = false;
    const again = await post('/instant-payouts', body, ours.key, 'away-1');
    expect([again.status, told, await purseOf(payee)]).toEqual([201, [again.body.id], ['0.00', '1000.00']]);
  });

  test('takes amounts as JSON numbers', async () => {
    const payee = await user('1000');
    const one = await post('/instant-payouts', order(payee, { amount: 600.5, batches: [300, 300.5] }));
    expect(one.body.batches.map(({ amount }: { amount: string }) => amount)).toEqual(['300.00', '300.50']);
    const two = await post('/instant-payouts', order(payee, { amount: 399.5, minBatch: 100, maxBatch: 200 }));
    expect(two.body.batches.map(({ amount }: { amount: string }) => amount)).toEqual(['200.00', '199.50']);
  });

  test.each<[string, Readonly<Record<string, unknown>>, readonly unknown[]]>([
    ['of too much', { amount: '1000.01' }, [400, 'insufficient_balance']],
    ['of nobody', { userId: 'usr_1' }, [404, 'not_found']],
    ['of nothing', { amount: '0' }, [400, 'invalid_request', '/amount amount_zero']],
    ['in rupees of Pakistan', { currency: 'PKR' }, [400, 'invalid_request', '/currency unsupported_currency']],
    ['without a payee', { payee: undefined }, [400, 'invalid_request', '/payee missing']],
    ['to an odd UPI id', { payee: { type: 'upi', upiId: 'a b@c' } }, [400, 'invalid_request', '/payee/upiId invalid_upi_id']],
    [
      'to an odd account',
      { payee: { type: 'bank', bankCode: 'x', accountNumber: 12, swift: 'X' } },
      [
        400,
        'invalid_request',
        '/payee/swift unknown_field',
        '/payee/bankCode invalid_bank_code',
        '/payee/accountNumber invalid_type',
        '/payee/accountTitle missing',
      ],
    ],
    ['in slices of another sum', { batches: ['500', '499'] }, [400, 'invalid_request', '/batches wrong_sum']],
    [
      'in slices that are no amounts',
      { batches: ['500', 'x', 500.001] },
      [400, 'invalid_request', '/batches/1 invalid_amount', '/batches/2 too_many_decimals'],
    ],
    ['in no slices', { batches: [] }, [400, 'invalid_request', '/batches too_small']],
    ['between crossed limits', { minBatch: '300', maxBatch: '200' }, [400, 'invalid_request', '/minBatch limits_crossed']],
    ['that no slices make', { minBatch: '600', maxBatch: '700' }, [400, 'invalid_request', '/amount impossible']],
    ['in too many slices', { minBatch: '1', maxBatch: '10' }, [400, 'invalid_request', '/maxBatch too_many_batches']],
    ['with a deadline of a week', { assignmentMinutes: 10_080 }, [400, 'invalid_request', '/assignmentMinutes too_large']],
    ['that goes nowhere', { onUnfilled: 'away' }, [400, 'invalid_request', '/onUnfilled invalid_value']],
    ['with a callback inside', { callbackUrl: 'http://10.0.0.1/' }, [400, 'invalid_request', '/callbackUrl blocked_address']],
  ])('%s is refused, and nothing is held', async (_, change, expected) => {
    const payee = await user('1000');
    expect(codes(await post('/instant-payouts', order(payee, change)))).toEqual(expected);
    expect(await purseOf(payee)).toEqual(['1000.00', '0.00']);
    expect(told).toEqual([]);
  });

  test('of a frozen user, under a used reference, or of a merchant who may not begin one, is refused', async () => {
    const payee = await user('1000');
    await call(ours.key, 'PATCH', `/users/${payee}`, { frozen: true });
    expect(codes(await post('/instant-payouts', order(payee)))).toEqual([409, 'user_frozen']);
    await call(ours.key, 'PATCH', `/users/${payee}`, { frozen: false });
    expect((await post('/instant-payouts', order(payee, { amount: '100', reference: 'ref-once' }))).status).toBe(201);
    expect(codes(await post('/instant-payouts', order(payee, { amount: '100', reference: 'ref-once' })))).toEqual([
      409,
      'duplicate_reference',
      '/reference duplicate_reference',
    ]);
    const other = await door.merchant();
    await door.db.owner.query(`UPDATE merchants SET flows = '{"instant": false}' WHERE id = $1`, [other.id]);
    expect(codes(await post('/instant-payouts', order('usr_1'), other.key))).toEqual([403, 'flow_disabled']);
    expect(codes(await post('/payins', { userId: 'usr_1', amount: '1', currency: 'INR', reference: 'x' }, other.key))).toEqual([
      403,
      'flow_disabled',
    ]);
  });

  test('whose rest nobody could pay out in live mode is refused at its opening', async () => {
    const body = order('usr_1', { onUnfilled: 'psp' });
    expect(codes(await post('/instant-payouts', body, ours.liveKey))).toEqual([
      422,
      'psp_not_configured',
      '/onUnfilled psp_not_configured',
    ]);
  });

  test('is closed by its merchant: what nobody has comes back at once, what somebody has is waited for', async () => {
    const { id, payee, batches } = await open(['300', '700']);
    const [first = '', second = ''] = batches;
    const { payinId } = await claim(first);
    told = [];
    const closed = await post(`/instant-payouts/${id}/cancel`, {});
    expect(closed).toMatchObject({ status: 200, body: { status: 'open', walletStatus: 'lock', remaining: '300.00' } });
    expect(closed.body.batches.map(({ status }: { status: string }) => status)).toEqual(['assigned', 'cancelled']);
    expect(told.sort()).toEqual([first, second, id].sort());
    expect(await purseOf(payee)).toEqual(['700.00', '300.00']);
    expect(codes(await post(`/instant-payouts/batches/${second}/claim`, { userId: await user() }))).toEqual([409, 'batch_taken']);
    expect((await prove(first, { payinId })).status).toBe(202);
    await confirm(first, payee);
    expect((await get(`/instant-payouts/${id}`)).body).toMatchObject({
      status: 'partially_completed',
      walletStatus: 'unlock',
      instantPaid: '300.00',
      receiptId: expect.stringMatching(/^RCP-[0-9]{8}-[0-9A-Z]{8}$/),
    });
    expect((await post(`/instant-payouts/${id}/cancel`, {})).status).toBe(200); // again is nothing
  });
});

describe('a payin', () => {
  test('takes a free slice of its amount, and shows this payer alone whom to pay, while it is their turn', async () => {
    const { batches } = await open(['311.11']);
    const payer = await user('0', theirs.key);
    told = [];
    const made = await post(
      '/payins',
      { userId: payer, amount: '311.11', currency: 'INR', reference: newId('pi') },
      theirs.key,
      'pay-1',
    );
    expect(made).toMatchObject({
      status: 201,
      headers: { location: `/api/v1/payins/${made.body.id}` },
      body: {
        object: 'payin',
        status: 'assigned',
        batchId: batches[0],
        payUntil: expect.any(String),
        payTo: { ...UPI, amount: '311.11', currency: 'INR' },
        instantPayout: { totalAmount: '311.11', instantPaid: '0.00', remaining: '311.11' },
      },
    });
    expect(told).toEqual([batches[0]]);
    expect((await get(`/payins/${made.body.id}`, theirs.key)).body.payTo).toEqual({ ...UPI, amount: '311.11', currency: 'INR' });
    expect((await get('/payins?limit=1', theirs.key)).body.data[0]).not.toHaveProperty('payTo');
    await prove(batches[0] ?? '', { payinId: made.body.id });
    expect((await get(`/payins/${made.body.id}`, theirs.key)).body).toMatchObject({ status: 'success', payTo: null });
    for (const table of ['instant_payouts', 'idempotency_keys', 'events', 'payins', 'webhook_deliveries']) {
      const { rows } = await door.db.owner.query(`SELECT 1 FROM ${table} t WHERE t::text LIKE '%${UPI.upiId}%'`);
      expect([table, rows.length]).toEqual([table, 0]);
    }
  });

  test('waits where no slice of its amount is free', async () => {
    const payer = await user('0', theirs.key);
    const body = { userId: payer, amount: '77777', currency: 'INR', reference: newId('pi') };
    const made = await post('/payins', body, theirs.key);
    expect(made.body).toMatchObject({
      status: 'waiting',
      batchId: null,
      payTo: null,
      payUntil: null,
      waitUntil: expect.any(String),
    });
    expect(told).toEqual([made.body.id]);
    expect(codes(await post('/payins', { ...body }, theirs.key))).toEqual([
      409,
      'duplicate_reference',
      '/reference duplicate_reference',
    ]);
  });

  test.each<[string, Readonly<Record<string, unknown>>, readonly unknown[]]>([
    ['of nobody', { userId: 'usr_9' }, [404, 'not_found']],
    ['of nothing', { amount: '0' }, [400, 'invalid_request', '/amount amount_zero']],
    ['in no currency', { currency: 'XXX' }, [400, 'invalid_request', '/currency unknown_currency']],
    ['with more than that', { amountMinor: 1 }, [400, 'invalid_request', '/amountMinor unknown_field']],
    [
      'with two faults',
      { amount: '1.001', callbackUrl: 7 },
      [400, 'invalid_request', '/amount too_many_decimals', '/callbackUrl invalid_type'],
    ],
  ])('%s is refused', async (_, change, expected) => {
    const payer = await user();
    const body = { userId: payer, amount: '10', currency: 'INR', reference: newId('pi'), ...change };
    expect(codes(await post('/payins', body))).toEqual(expected);
  });

  test('by the payee of the slice, by who has one already, or of a slice that is not there, is refused', async () => {
    const { payee, batches } = await open(['120', '130']);
    const [first = '', second = ''] = batches;
    expect(codes(await post(`/instant-payouts/batches/${first}/claim`, { userId: payee }))).toEqual([409, 'own_batch']);
    const { payer } = await claim(first);
    expect(codes(await post(`/instant-payouts/batches/${second}/claim`, { userId: payer }, theirs.key))).toEqual([
      409,
      'payer_busy',
    ]);
    expect(codes(await post(`/instant-payouts/batches/${first}/claim`, { userId: await user() }))).toEqual([409, 'batch_taken']);
    expect(codes(await post(`/instant-payouts/batches/ipb_1/claim`, { userId: await user() }))).toEqual([404, 'not_found']);
    expect(codes(await post(`/instant-payouts/batches/${second}/claim`, {}))).toEqual([
      400,
      'invalid_request',
      '/userId missing',
    ]);
  });

  test('of twenty at once for one slice is one, and the others are told that it is taken', async () => {
    const { batches } = await open(['140']);
    const payers = await Promise.all(Array.from({ length: 20 }, (_, n) => user('0', n % 2 === 0 ? ours.key : theirs.key)));
    const replies = await Promise.all(
      payers.map((userId, n) =>
        post(`/instant-payouts/batches/${batches[0]}/claim`, { userId }, n % 2 === 0 ? ours.key : theirs.key),
      ),
    );
    expect(replies.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
    expect(new Set(replies.filter(({ status }) => status === 409).map(({ body }) => body.code))).toEqual(
      new Set(['batch_taken']),
    );
  });
});

describe('a proof', () => {
  test('that is valid credits the payer once, and tells both sides; sent again it is the same', async () => {
    const { id, payee, batches } = await open(['200', '300']);
    const [batch = ''] = batches;
    const { payinId, payer } = await claim(batch);
    const form = { image: await screenshot(), utr: '4012 3456-7891', payinId };
    const shown = await prove(batch, form, theirs.key, 'proof-1');
    expect(shown).toMatchObject({
      status: 202,
      body: {
        batch: {
          id: batch,
          status: 'sys_confirmed',
          utr: '401234567891',
          instantPaid: '200.00',
          remaining: '300.00',
          review: null,
        },
        payin: { id: payinId, status: 'success', utr: '401234567891', receiptId: expect.stringMatching(/^RCP-/) },
      },
    });
    expect(await purseOf(payer, theirs.key)).toEqual(['200.00', '0.00']);
    await forget('proof-1');
    expect((await prove(batch, form, theirs.key, 'proof-1')).body.payin.status).toBe('success');
    expect(await purseOf(payer, theirs.key)).toEqual(['200.00', '0.00']);
    expect((await get(`/instant-payouts/${id}`)).body).toMatchObject({ status: 'partially_paid', instantPaid: '200.00' });
    expect(codes(await prove(batch, { payinId }))).toEqual([409, 'proof_exists']);
    expect((await confirm(batch, payee)).body).toMatchObject({
      redirect: false,
      withdrawalDetails: null,
      batch: { status: 'confirmed' },
    });
  });

  test('is kept as an image of our own making, without where it was taken', async () => {
    const { batches } = await open(['150']);
    const [batch = ''] = batches;
    await claim(batch);
    const image = await sharp(await screenshot(40))
      .withExif({ IFD0: { Copyright: 'secret-camera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
      .jpeg()
      .toBuffer();
    expect(image.includes('secret-camera')).toBe(true);
    expect((await prove(batch, { image, name: '../../etc/passwd', type: 'text/html' })).status).toBe(202);
    const path = `/instant-payouts/batches/${batch}/proof`;
    const seen = await door.app.inject({ url: `/api/v1${path}`, headers: { 'x-api-key': theirs.key } });
    expect(seen.statusCode).toBe(200);
    expect(seen.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'cache-control': 'private, no-store',
    });
    expect(seen.rawPayload.includes('secret-camera')).toBe(false);
    expect(await sharp(seen.rawPayload).metadata()).toMatchObject({ format: 'jpeg', width: 360, height: 320 });
    const others = await door.merchant();
    const may = async (key: string, at = `/api/v1${path}`) =>
      (await door.app.inject({ url: at, headers: { 'x-api-key': key } })).statusCode;
    expect([await may(ours.key), await may(others.key), await may(ours.liveKey)]).toEqual([200, 404, 404]);
    const viewer = (await door.admin('viewer')).key;
    expect([await may(viewer, `/api/admin${path}`), await may('', `/api/v1${path}`)]).toEqual([200, 401]);
    await rm(folder, { recursive: true });
    expect(await may(ours.key)).toBe(410);
  });

  test('that is no screenshot is refused by its bytes, and nothing of it is stored', async () => {
    const { batches } = await open(['160']);
    const [batch = ''] = batches;
    await claim(batch);
    const png = await screenshot();
    const bomb = await sharp({ create: { width: 8_000, height: 8_000, channels: 3, background: '#000' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).toBeLessThan(1024 * 1024); // of 192 MB
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    const before = await kept();
    const files: [string, Buffer, string][] = [
      ['an executable by another name', Buffer.concat([Buffer.from('MZ\x90\0'), png]), 'not_an_image'],
      ['an SVG', svg, 'not_an_image'],
      ['an SVG behind the mark of a PNG', Buffer.concat([png.subarray(0, 8), svg]), 'not_an_image'],
      ['half a PNG', png.subarray(0, png.length / 2), 'not_an_image'],
      ['a GIF', await sharp(png).gif().toBuffer(), 'not_an_image'],
      ['a bomb', bomb, 'too_many_pixels'],
      ['too large a file', Buffer.concat([png, Buffer.alloc(5 * 1024 * 1024)]), 'too_big'],
      ['nothing', Buffer.alloc(0), 'missing'],
    ];
    for (const [what, image, code] of files)
      expect([what, ...codes(await prove(batch, { image: image.length > 0 ? image : undefined }))]).toEqual([
        what,
        400,
        'invalid_request',
        `/image ${code}`,
      ]);
    expect(codes(await prove(batch, { image: Buffer.alloc(50 * 1024 * 1024) }))).toEqual([413, 'body_too_large']);
    expect([await kept(), (await get(`/instant-payouts/batches/${batch}`)).body.status]).toEqual([before, 'assigned']);
    // What an SVG is hidden in is decoded, and written anew: what was beside the pixels is gone.
    expect((await prove(batch, { image: Buffer.concat([png, svg]) })).status).toBe(202);
    const seen = await door.app.inject({
      url: `/api/v1/instant-payouts/batches/${batch}/proof`,
      headers: { 'x-api-key': ours.key },
    });
    expect(seen.rawPayload.includes('<svg')).toBe(false);
  });

  test('that is no such form, or says nothing that could be true, is refused with where', async () => {
    const { batches } = await open(['170']);
    const [batch = ''] = batches;
    const { payinId } = await claim(batch);
    const path = `/instant-payouts/batches/${batch}/screenshot`;
    expect(codes(await post(path, { utr: newUtr() }, theirs.key))).toEqual([415, 'unsupported_media_type']);
    const boundary = '--------------------of-a-test';
    const raw = (body: string, type = `multipart/form-data; boundary=${boundary}`) =>
      door.call('POST', `/api/v1${path}`, { key: theirs.key, body, headers: { 'content-type': type } });
    expect(codes(await raw('not a form'))).toEqual([400, 'malformed_multipart', ' malformed_multipart']);
    expect(codes(await raw(`--${boundary}--`, 'multipart/form-data'))).toEqual([
      400,
      'malformed_multipart',
      ' malformed_multipart',
    ]);
    const part = (name: string, value: string) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    expect(
      codes(
        await raw(
          `${part('image', 'text')}${part('utr', '1')}${part('utr', '2')}${part('a/b', '')}${part('payinId', '7')}--${boundary}--\r\n`,
        ),
      ),
    ).toEqual([400, 'invalid_request', '/utr duplicate', '/a~1b unknown_field', '/image invalid_type', '/payinId invalid_id']);
    for (const utr of ['', '12345678901', '1234567890123', '111111111111', 'ABCDEFGH12345678', '40123456789\u0000'])
      expect([utr, ...codes(await prove(batch, { utr }))]).toEqual([utr, 400, 'invalid_request', '/utr invalid_utr']);
    expect(codes(await prove(batch, { utr: undefined }))).toEqual([400, 'invalid_request', '/utr missing']);
    expect(codes(await prove('ipb_1', {}))).toEqual([404, 'not_found']);
    expect(codes(await prove(batch, { payinId: newId('pin') }))).toEqual([404, 'not_found']);
    expect(codes(await prove(batch, { payinId }, ours.key))).toEqual([404, 'not_found']); // not its payer's merchant
    expect((await get(`/payins/${payinId}`, theirs.key)).body.status).toBe('assigned');
  });

  test('under one UTR from two merchants at once is one, and the other is told that it is used', async () => {
    const { batches } = await open(['180', '190']);
    const [first = '', second = ''] = batches;
    await claim(first, theirs.key);
    await claim(second, ours.key);
    const utr = newUtr();
    const replies = await Promise.all([prove(first, { utr }, theirs.key), prove(second, { utr }, ours.key)]);
    expect(replies.map(codes).sort()).toEqual([
      [202, undefined],
      [409, 'utr_used'],
    ]);
  });

  test('with another’s screenshot, also saved anew, waits for a person, whom it names', async () => {
    const { payee, batches } = await open(['210', '220', '230']);
    const [first = '', second = '', third = ''] = batches;
    const image = await screenshot(30);
    for (const batch of batches) await claim(batch);
    expect((await prove(first, { image })).body.batch.status).toBe('sys_confirmed');
    const same = await prove(second, { image });
    expect(same.body.batch).toMatchObject({
      status: 'proof_submitted',
      instantPaid: '210.00',
      review: { reasons: ['same_image'] },
    });
    const similar = await prove(third, { image: await sharp(image).resize(200).jpeg({ quality: 60 }).toBuffer() });
    expect(similar.body.batch).toMatchObject({ status: 'proof_submitted', review: { reasons: ['similar_image'] } });
    const listed = (await look('/reviews')).body.data;
    expect(listed.map(({ batch }: { batch: { id: string } }) => batch.id)).toEqual(expect.arrayContaining([second, third]));
    expect((await confirm(second, payee)).body.batch).toMatchObject({ status: 'confirmed', instantPaid: '430.00' }); // the payee knows
    expect((await act(`/batches/${third}/reject`, { reason: 'the same picture' })).body.status).toBe('rejected');
  });
});

describe('the payee', () => {
  test('alone confirms, and the last confirmation shows the success page', async () => {
    const { id, payee, batches } = await open(['240', '260']);
    const utrs: string[] = [];
    for (const batch of batches) {
      await claim(batch);
      utrs.push((await prove(batch)).body.batch.utr);
    }
    const [first = '', second = ''] = batches;
    expect(codes(await confirm(first, await user()))).toEqual([422, 'not_payee', '/by not_payee']);
    expect(codes(await post(`/instant-payouts/batches/${first}/confirm`, {}))).toEqual([400, 'invalid_request', '/by missing']);
    expect((await confirm(first, payee)).body.redirect).toBe(false);
    told = [];
    const last = await post(`/instant-payouts/batches/${second}/confirm`, { by: payee }, ours.key, 'last-1');
    expect(last.body).toMatchObject({
      redirect: true,
      withdrawalDetails: {
        id,
        totalAmount: '500.00',
        instantPaid: '500.00',
        receiptId: expect.stringMatching(/^RCP-/),
        completedAt: expect.any(String),
        utrs,
        batches: [
          { id: first, amount: '240.00', utr: utrs[0], status: 'confirmed', confirmedAt: expect.any(String) },
          { id: second, amount: '260.00', utr: utrs[1], status: 'confirmed' },
        ],
      },
    });
    expect(told).toEqual([second]);
    await forget('last-1');
    expect((await post(`/instant-payouts/batches/${second}/confirm`, { by: payee }, ours.key, 'last-1')).text).toBe(last.text);
    expect(codes(await post(`/instant-payouts/batches/${second}/reject`, { reason: 'changed my mind' }))).toEqual([
      409,
      'wrong_state',
    ]);
    expect(await purseOf(payee)).toEqual(['0.00', '0.00']);
  });

  test('who has not received it opens a dispute, which an operator decides, who is written down', async () => {
    const { id, payee, batches } = await open(['250', '270']);
    const [first = '', second = ''] = batches;
    expect(codes(await confirm(first, payee))).toEqual([409, 'wrong_state']);
    const { payer } = await claim(first);
    await prove(first);
    await claim(second);
    await prove(second);
    expect(codes(await post(`/instant-payouts/batches/${first}/reject`, {}))).toEqual([
      400,
      'invalid_request',
      '/reason missing',
    ]);
    for (const batch of batches)
      expect((await post(`/instant-payouts/batches/${batch}/reject`, { reason: 'nothing came' })).body.status).toBe('disputed');
    expect((await get(`/instant-payouts/${id}`)).body.status).toBe('disputed');
    const listed = (await look('/disputes')).body.data;
    expect(listed).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          batch: expect.objectContaining({ id: first }),
          reason: 'nothing came',
          openedBy: `user:${payee}`,
        }),
      ]),
    );
    const viewer = (await door.admin('viewer')).key;
    expect((await act(`/disputes/${first}`, { decision: 'reject', note: 'no money' }, viewer)).status).toBe(403);
    expect(codes(await act(`/disputes/${first}`, { decision: 'maybe', note: '' }))).toEqual([
      400,
      'invalid_request',
      '/decision invalid_value',
      '/note too_short',
    ]);
    expect(codes(await act('/disputes/ipb_1', { decision: 'reject', note: 'x' }))).toEqual([404, 'not_found']);
    expect((await act(`/disputes/${first}`, { decision: 'reject', note: 'no money' })).body.status).toBe('rejected');
    expect((await act(`/disputes/${second}`, { decision: 'approve', note: 'the bank says so' })).body.status).toBe(
      'admin_approved',
    );
    expect(codes(await act(`/disputes/${first}`, { decision: 'approve', note: 'x' }))).toEqual([409, 'wrong_state']);
    expect([await purseOf(payer, theirs.key), await purseOf(payee)]).toEqual([
      ['0.00', '0.00'],
      ['250.00', '0.00'],
    ]);
    expect((await get(`/instant-payouts/${id}`)).body).toMatchObject({ status: 'partially_completed', instantPaid: '270.00' });
    const { rows } = await door.db.owner.query('SELECT action, data FROM audit_log WHERE target = ANY ($1) ORDER BY id', [
      batches,
    ]);
    expect(rows).toEqual([
      {
        action: 'request.refused',
        data: { method: 'POST', needs: 'operator', role: 'viewer', route: '/api/admin/instant-payouts/disputes/:id' },
      },
      { action: 'instant_batch.reject', data: { outcome: 'rejected', note: 'no money' } },
      { action: 'instant_batch.approve', data: { outcome: 'approved', note: 'the bank says so' } },
      { action: 'instant_batch.approve', data: { outcome: 'wrong_state', note: 'x' } },
    ]);
  });
});

describe('a bank', () => {
  test('tells with a key that may do nothing else, before or after the proof; what matches confirms by itself', async () => {
    const key = await door.key(ours.id, { scopes: ['bank-credits:write'] });
    const says = (utr: string, amount: unknown, change = {}) =>
      post('/instant-payouts/bank-credits', { utr, amount, creditedAt: '2026-11-29T22:00:00Z', ...change }, key);
    const { id, batches } = await open(['280', '290', '310'], {});
    const [before = '', after = '', other = ''] = batches;
    for (const batch of batches) await claim(batch);
    const utr = newUtr();
    expect((await says(utr, '280')).body).toMatchObject({ object: 'bank_credit', status: 'waiting', batchId: null });
    expect((await says(utr, '280')).body.status).toBe('duplicate');
    expect((await prove(before, { utr })).body.batch.status).toBe('confirmed');
    const later = (await prove(after)).body.batch.utr;
    expect((await says(later, 290)).body).toMatchObject({ status: 'matched', batchId: after });
    expect((await get(`/instant-payouts/batches/${after}`)).body.status).toBe('confirmed');
    // Whoever took it down may have ended before the slice's workflow was told: the bank's repeat tells it.
    told = [];
    expect((await says(later, 290)).body).toMatchObject({ status: 'duplicate', batchId: after });
    expect(told).toEqual([after]);
    const differs = (await prove(other)).body.batch.utr;
    expect((await says(differs, '31')).body).toMatchObject({ status: 'differs', batchId: other });
    expect((await get(`/instant-payouts/batches/${other}`)).body.status).toBe('disputed');
    expect(codes(await says('12', '0', { creditedAt: 'today', currency: 'XXX' }))).toEqual([
      400,
      'invalid_request',
      '/creditedAt invalid_format',
      '/creditedAt invalid_value',
    ]);
    expect(codes(await says('12', '0'))).toEqual([400, 'invalid_request', '/amount amount_zero', '/utr invalid_utr']);
    expect((await get(`/instant-payouts/${id}`, key)).status).toBe(403);
    const reader = await door.key(ours.id, { scopes: ['instant:write', 'instant:read'] });
    expect(
      (await call(reader, 'POST', '/instant-payouts/bank-credits', { utr, amount: '1', creditedAt: '2026-11-29T22:00:00Z' }))
        .status,
    ).toBe(403);
  });

  test('has what an operator rejected: both merchants hear that it is decided again, and whoever rejects it again says so', async () => {
    const key = await door.key(ours.id, { scopes: ['bank-credits:write'] });
    const [batch = ''] = (await open(['335'])).batches;
    const { payinId } = await claim(batch);
    const { utr } = (await prove(batch)).body.batch;
    await post(`/instant-payouts/batches/${batch}/reject`, { reason: 'not there' });
    expect((await act(`/batches/${batch}/reject`, { reason: 'not there' })).body.status).toBe('rejected');
    expect((await get(`/payins/${payinId}`, theirs.key)).body.status).toBe('reversed');
    told = [];
    const arrived = { utr, amount: '335', creditedAt: '2026-11-29T22:00:00Z' };
    expect((await post('/instant-payouts/bank-credits', arrived, key)).body).toMatchObject({ status: 'matched', batchId: batch });
    expect(told).toEqual([batch]);
    expect((await get(`/payins/${payinId}`, theirs.key)).body).toMatchObject({ status: 'late_proof', completedAt: null });
    expect((await look('/late-proofs')).body.data).toContainEqual(
      expect.objectContaining({ batchId: batch, bankCredit: 'matched', was: 'reversed' }),
    );
    const merchant = await door.key(ours.id);
    expect((await get('/events?type=instant-payout-batch-late-proof&limit=1', merchant)).body.data[0].data.object.id).toBe(batch);
    const reject = (change = {}) => act(`/late-proofs/${payinId}`, { decision: 'reject', note: 'another payment', ...change });
    expect(codes(await reject())).toEqual([409, 'bank_matched']);
    expect((await reject({ againstBank: true })).body.status).toBe('reversed');
    expect((await look('/late-proofs')).body.data).not.toContainEqual(expect.objectContaining({ batchId: batch }));
  });

  test('tells of money that nobody has shown: operators see it until one has looked, and every look is written down', async () => {
    const key = await door.key(ours.id, { scopes: ['bank-credits:write'] });
    const utr = newUtr();
    const arrived = { utr, amount: '77.50', creditedAt: '2026-11-29T22:00:00Z' };
    const { id } = (await post('/instant-payouts/bank-credits', arrived, key)).body;
    const shown = async () => (await look('/bank-credits?limit=100')).body.data.find((each: { id: string }) => each.id === id);
    expect(await shown()).toMatchObject({ utr, amount: '77.50', status: 'waiting', merchantId: ours.id, alsoTold: null });
    await post('/instant-payouts/bank-credits', { ...arrived, amount: '80' }, key);
    expect(await shown()).toMatchObject({ alsoTold: { amount: '80.00', currency: 'INR' } });
    expect((await act(`/bank-credits/${id}`, { note: 'a gift' })).body).toEqual({ id, isOpen: false });
    expect(codes(await act('/bank-credits/bcr_1', { note: 'x' }))).toEqual([404, 'not_found']);
    expect(await shown()).toBeUndefined();
    const { rows } = await door.db.owner.query('SELECT action, data FROM audit_log WHERE target = $1', [id]);
    expect(rows).toEqual([{ action: 'bank_credit.decide', data: { outcome: 'decided', note: 'a gift' } }]);
  });
});

describe('an operator', () => {
  /** A slice that its first payer lost to another, and then showed a proof for. */
  async function lateProof(): Promise<{ batch: string; payinId: string; payer: string; payee: string }> {
    const { batches, payee } = await open(['320']);
    const [batch = ''] = batches;
    const { payinId, payer } = await claim(batch);
    expect((await act(`/batches/${batch}/reassign`, {})).body).toMatchObject({ status: 'reassigned', reassignments: 1 });
    await claim(batch);
    expect((await prove(batch, { payinId })).body.payin.status).toBe('late_proof');
    return { batch, payinId, payer, payee };
  }

  test('takes a slice from its payer, and decides of a proof that came late; both merchants see it', async () => {
    const { batch, payinId, payer, payee } = await lateProof();
    const listed = (await look('/late-proofs')).body.data;
    expect(listed).toEqual(
      expect.arrayContaining([expect.objectContaining({ batchId: batch, payin: expect.objectContaining({ id: payinId }) })]),
    );
    const merchant = await door.key(ours.id);
    expect((await get('/events?type=instant-payout-batch-late-proof&limit=1', merchant)).body.data[0].data.object.id).toBe(batch);
    expect((await get(`/payins/${payinId}`, theirs.key)).body.status).toBe('late_proof');
    expect((await act(`/late-proofs/${payinId}`, { decision: 'credit', note: 'the payee has it' })).body).toMatchObject({
      status: 'success',
      receiptId: expect.stringMatching(/^RCP-/),
    });
    expect(codes(await act(`/late-proofs/${payinId}`, { decision: 'refund', note: 'x' }))).toEqual([409, 'wrong_state']);
    expect(codes(await act('/late-proofs/pin_1', { decision: 'refund', note: 'x' }))).toEqual([404, 'not_found']);
    expect(await purseOf(payer, theirs.key)).toEqual(['0.00', '0.00']); // the payee had nothing free: it is owed
    expect((await get(`/users/${payee}/balance`)).body.balances[0].debt).toBe('320.00');
    expect(codes(await act(`/batches/${batch}/approve`, {}))).toEqual([409, 'wrong_state']);
    expect(codes(await act('/batches/ipb_1/reassign', {}))).toEqual([404, 'not_found']);
  });

  test('gives a slice to another, whose payment the first one’s merchant reads nothing of, however late it proves its own', async () => {
    const [batch = ''] = (await open(['325'])).batches;
    const { payinId } = await claim(batch);
    await act(`/batches/${batch}/reassign`, {});
    const third = await door.merchant();
    const other = await claim(batch, third.key);
    const shown = (await prove(batch, { payinId: other.payinId }, third.key)).body.batch;
    expect(shown).toMatchObject({ payinId: other.payinId, utr: expect.any(String), creditedAt: expect.any(String) });
    const utr = newUtr();
    const nothing = {
      payinId: null,
      payUntil: null,
      utr: null,
      receiptId: null,
      review: null,
      creditedAt: null,
      confirmedAt: null,
    };
    for (let n = 0; n < 2; n += 1)
      expect((await prove(batch, { payinId, utr })).body).toMatchObject({
        batch: { id: batch, ...nothing },
        payin: { status: 'late_proof', utr },
      });
  });

  test('cancels the open rest, sees every withdrawal with its merchant, and each step is written down', async () => {
    const { id } = await open(['330']);
    const viewer = (await door.admin('viewer')).key;
    expect((await act(`/${id}/cancel`, { reason: 'fraud' }, viewer)).status).toBe(403);
    expect((await act(`/${id}/cancel`, { reason: 'fraud' })).body).toMatchObject({
      status: 'cancelled',
      merchantId: ours.id,
      walletStatus: 'unlock',
    });
    expect((await look(`/${id}`, viewer)).body).toMatchObject({ id, merchantId: ours.id, batches: [{ status: 'cancelled' }] });
    expect((await look('?limit=1', viewer)).body.data[0]).toMatchObject({ id, merchantId: ours.id });
    expect(codes(await act('/ip_1/cancel', { reason: 'x' }))).toEqual([404, 'not_found']);
    const { rows } = await door.db.owner.query('SELECT action, data FROM audit_log WHERE target = $1', [id]);
    expect(rows).toEqual([
      {
        action: 'request.refused',
        data: { method: 'POST', needs: 'operator', role: 'viewer', route: '/api/admin/instant-payouts/:id/cancel' },
      },
      { action: 'instant_payout.cancel', data: { outcome: 'closed', reason: 'fraud' } },
    ]);
  });

  test('sets what is agreed with a merchant, in part, and the next withdrawal keeps it', async () => {
    const admin = (await door.admin('admin')).key;
    const own = await door.merchant();
    await fund(door.context, {
      merchantId: own.id,
      mode: 'test',
      currency: 'INR',
      amountMinor: '100000',
      externalId: newId('ext'),
    });
    const set = (instantPolicy: unknown) =>
      door.call('PATCH', `/api/admin/merchants/${own.id}`, { key: admin, body: { instantPolicy } });
    expect((await set({ creditOn: 'payee_confirmed' })).body.instantPolicy).toMatchObject({
      creditOn: 'payee_confirmed',
      assignmentMinutes: 15,
    });
    expect((await set({ assignmentMinutes: 5, unconfirmedMost: 0, fillHours: 2 })).body.instantPolicy).toEqual({
      creditOn: 'payee_confirmed',
      unconfirmedMost: 0,
      reassignMost: 5,
      imageDays: 90,
      assignmentMinutes: 5,
      coolDownMinutes: 10,
      validateMinutes: 15,
      confirmHours: 24,
      fillHours: 2,
    });
    expect(codes(await set({ creditOn: 'never', assignmentMinutes: 0, imageDays: 1.5, other: 1 }))[0]).toBe(400);
    const payee = await user('100', own.key);
    const { body } = await post('/instant-payouts', order(payee, { amount: '100' }), own.key);
    const [batch = ''] = body.batches.map(({ id }: { id: string }) => id);
    await claim(batch);
    expect((await prove(batch)).body).toMatchObject({
      batch: { status: 'sys_confirmed', instantPaid: '0.00' },
      payin: { status: 'proof_submitted' },
    });
    expect((await confirm(batch, payee, own.key)).body).toMatchObject({
      redirect: true,
      withdrawalDetails: { instantPaid: '100.00' },
    });
  });
});

const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR', () => undefined) });

test('whose word to its workflow was lost is told again, whoever cannot be told', async () => {
  await door.db.owner.query('UPDATE instant_batches SET seen_over = true'); // what other tests have ended
  await door.db.owner.query('UPDATE instant_payouts SET seen_over = true');
  const { batches } = await open(['350', '360', '370', '365']);
  for (const batch of batches.slice(0, 3)) await claim(batch);
  const late = `now() - interval '2 minutes'`;
  const lateOne = batches[3] ?? ''; // that proof waits for an operator, and the slice for another payer
  const { payinId } = await claim(lateOne);
  await act(`/batches/${lateOne}/reassign`, {});
  await claim(lateOne);
  await prove(lateOne, { payinId });
  // Of nobody else's the time is over, however long the tests before took.
  for (const each of ['instant_batches', 'late_proofs'])
    await door.db.owner.query(`UPDATE ${each} SET validate_until = now() + interval '1 hour'`);
  await door.db.owner.query(`UPDATE late_proofs SET validate_until = ${late} WHERE payin_id = $1`, [payinId]);
  await door.db.owner.query(`UPDATE instant_batches SET pay_until = ${late} WHERE id = ANY ($1)`, [batches.slice(0, 3)]);
  const payer = await user('0', theirs.key);
  const waiting = await post('/payins', { userId: payer, amount: '88888', currency: 'INR', reference: newId('pi') }, theirs.key);
  await door.db.owner.query(`UPDATE payins SET wait_until = ${late} WHERE id = $1`, [waiting.body.id]);
  const { id } = await open(['380']);
  await door.db.owner.query(
    `UPDATE instant_payouts SET created_at = now() - interval '2 days', updated_at = ${late} WHERE id = $1`,
    [id],
  );
  const heard: string[] = [];
  const tell = async (each: string) => {
    if (each === batches[0]) throw new Error('somebody else has its name');
    heard.push(each);
  };
  const { lookAfterInstantPayouts } = createLookAfterInstantActivities({
    pool: door.context.pool,
    instant: { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell },
    page: 1,
  });
  expect(await environment.run(lookAfterInstantPayouts)).toEqual({ batches: 3, payins: 1, withdrawals: 1 });
  expect(heard).toEqual([batches[1], batches[2], lateOne, waiting.body.id, id]);
});

test('a slice that ended, and its withdrawal, are told until their workflows have seen it: none stays open for hours after a lost word', async () => {
  const { id, payee, batches } = await open(['351']);
  const [batch = ''] = batches;
  await claim(batch);
  await prove(batch);
  expect((await confirm(batch, payee)).body.redirect).toBe(true);
  let heard: string[] = [];
  const tell = async (each: string) => {
    heard.push(each);
  };
  const instant = { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell };
  const { lookAfterInstantPayouts } = createLookAfterInstantActivities({ pool: door.context.pool, instant });
  const workflows = createInstantActivities({
    pool: door.context.pool,
    instant,
    handOver: () => Promise.reject(new Error('there is no rest')),
  });
  const heardBy = async (act: () => Promise<unknown>) => {
    heard = [];
    await act();
    return heard;
  };
  const lookAfter = async () =>
    (await heardBy(() => environment.run(lookAfterInstantPayouts))).filter((each) => each === batch || each === id);
  expect(await lookAfter()).toEqual([]); // their own workflows may be about to look
  await door.db.owner.query(`UPDATE instant_batches SET updated_at = updated_at - interval '2 minutes' WHERE id = $1`, [batch]);
  await door.db.owner.query(`UPDATE instant_payouts SET updated_at = updated_at - interval '2 minutes' WHERE id = $1`, [id]);
  expect(await lookAfter()).toEqual([batch, id]);
  expect(await lookAfter()).toEqual([batch, id]); // the word may be lost again
  expect(await heardBy(() => workflows.lookAtBatch({ batchId: batch }))).toEqual([id]);
  expect(await lookAfter()).toEqual([id]);
  await workflows.lookAtInstantPayout({ instantPayoutId: id });
  expect(await lookAfter()).toEqual([]);
});

test('under a pause is 503 `paused`, told to no workflow, and taken under the same keys afterwards', async () => {
  const { id, batches } = await open(['414.14']);
  const [payee, payer] = [await user('500'), await user('0', theirs.key)];
  const begin = order(payee, { amount: '500' });
  const deposit = { userId: payer, amount: '515.15', currency: 'INR', reference: newId('pi') };
  const claimed = [`/instant-payouts/batches/${batches[0]}/claim`, { userId: payer }] as const;
  const all = async () => [
    await post('/instant-payouts', begin, ours.key, 'paused-1'),
    await post('/payins', deposit, theirs.key, 'paused-2'),
    await post(...claimed, theirs.key, 'paused-3'),
  ];
  const by = await beginPause(door.context.pool, ['flow', 'instant']);
  told = [];
  expect((await all()).map(codes)).toEqual(Array(3).fill([503, 'paused']));
  expect([told, await purseOf(payee)]).toEqual([[], ['500.00', '0.00']]);
  const { key } = await door.admin('viewer');
  for (const path of [`instant-payouts/${id}`, `instant-payouts/batches/${batches[0]}`]) {
    const { text } = (await door.call('GET', `/api/admin/${path}/explain`, { key })).body;
    expect([path, text]).toEqual([path, expect.stringContaining('while a pause holds')]);
  }
  await endPause(door.context.pool, by);
  expect((await all()).map(({ status }) => status)).toEqual([201, 201, 201]);
});

test('another merchant, the other mode, or a key without the scope sees and does nothing', async () => {
  const { id, payee, batches } = await open(['340']);
  const [batch = ''] = batches;
  const { payinId } = await claim(batch);
  await prove(batch);
  const others = await door.merchant();
  for (const key of [others.key, ours.liveKey, theirs.key]) {
    for (const path of [`/instant-payouts/${id}`, `/instant-payouts/${id}/batches`, `/instant-payouts/batches/${batch}`])
      expect([path, (await get(path, key)).status]).toEqual([path, 404]);
    expect((await confirm(batch, payee, key)).status).toBe(404);
    expect((await post(`/instant-payouts/batches/${batch}/reject`, { reason: 'x' }, key)).status).toBe(404);
    expect((await post(`/instant-payouts/${id}/cancel`, {}, key)).status).toBe(404);
  }
  for (const key of [others.key, ours.key, theirs.liveKey]) expect((await get(`/payins/${payinId}`, key)).status).toBe(404);
  expect(codes(await post(`/instant-payouts/batches/${batch}/claim`, { userId: 'usr_1' }, ours.liveKey))).toEqual([
    404,
    'not_found',
  ]);
  const weak = await door.key(ours.id, { scopes: ['payouts:write'] });
  expect((await get(`/instant-payouts/${id}`, weak)).status).toBe(403);
  expect((await confirm(batch, payee, weak)).status).toBe(403);
});
