/** Withdrawals paid person to person over HTTP: payees, payers and their two merchants, until a proof is shown. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { screenshot } from '../../harness/screenshots.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { newId } from '../../src/rules/newId.ts';
import { newUtr } from '../support/instant.ts';
import { codes, type InstantDoor, openInstantDoor, UPI } from '../support/instantDoor.ts';
import { beginPause, endPause } from '../support/pauses.ts';

let w: InstantDoor;
beforeAll(async () => {
  w = await openInstantDoor();
});
beforeEach(() => {
  w.told = [];
  w.isTemporalAway = false;
});
afterAll(async () => {
  expect((await checkInvariants(w.door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
});
afterAll(() => w.stop());

describe('a withdrawal', () => {
  test('holds the whole amount, is cut into slices that sum to it, and is told to its workflow; asked for again it is the same', async () => {
    const payee = await w.user('10000.50');
    const body = w.order(payee, { amount: '10000.50', maxBatch: '2600' });
    const first = await w.post('/instant-payouts', body, w.ours.key, 'open-1');
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
    expect(w.told).toEqual([first.body.id]);
    expect(await w.purseOf(payee)).toEqual(['0.00', '10000.50']);
    await w.forget('open-1');
    expect(await w.post('/instant-payouts', body, w.ours.key, 'open-1')).toMatchObject({ status: 201, text: first.text });
    expect((await w.get(`/instant-payouts/${first.body.id}`)).text).toBe(first.text);
    expect((await w.get(`/instant-payouts/${first.body.id}/batches`)).body.data).toEqual(first.body.batches);
    expect((await w.get('/instant-payouts?status=open&limit=1')).body.data[0].id).toBe(first.body.id);
  });

  test('while Temporal is away stands in the books, and its repeat tells it', async () => {
    const payee = await w.user('1000');
    const body = w.order(payee);
    w.isTemporalAway = true;
    expect((await w.post('/instant-payouts', body, w.ours.key, 'away-1')).status).toBe(503);
    w.isTemporalAway = false;
    const again = await w.post('/instant-payouts', body, w.ours.key, 'away-1');
    expect([again.status, w.told, await w.purseOf(payee)]).toEqual([201, [again.body.id], ['0.00', '1000.00']]);
  });

  test('takes amounts as JSON numbers', async () => {
    const payee = await w.user('1000');
    const one = await w.post('/instant-payouts', w.order(payee, { amount: 600.5, batches: [300, 300.5] }));
    expect(one.body.batches.map(({ amount }: { amount: string }) => amount)).toEqual(['300.00', '300.50']);
    const two = await w.post('/instant-payouts', w.order(payee, { amount: 399.5, minBatch: 100, maxBatch: 200 }));
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
    const payee = await w.user('1000');
    expect(codes(await w.post('/instant-payouts', w.order(payee, change)))).toEqual(expected);
    expect(await w.purseOf(payee)).toEqual(['1000.00', '0.00']);
    expect(w.told).toEqual([]);
  });

  test('of a frozen user, under a used reference, or of a merchant who may not begin one, is refused', async () => {
    const payee = await w.user('1000');
    await w.call(w.ours.key, 'PATCH', `/users/${payee}`, { frozen: true });
    expect(codes(await w.post('/instant-payouts', w.order(payee)))).toEqual([409, 'user_frozen']);
    await w.call(w.ours.key, 'PATCH', `/users/${payee}`, { frozen: false });
    expect((await w.post('/instant-payouts', w.order(payee, { amount: '100', reference: 'ref-once' }))).status).toBe(201);
    expect(codes(await w.post('/instant-payouts', w.order(payee, { amount: '100', reference: 'ref-once' })))).toEqual([
      409,
      'duplicate_reference',
      '/reference duplicate_reference',
    ]);
    const other = await w.door.merchant();
    await w.door.db.owner.query(`UPDATE merchants SET flows = '{"instant": false}' WHERE id = $1`, [other.id]);
    expect(codes(await w.post('/instant-payouts', w.order('usr_1'), other.key))).toEqual([403, 'flow_disabled']);
    expect(codes(await w.post('/payins', { userId: 'usr_1', amount: '1', currency: 'INR', reference: 'x' }, other.key))).toEqual([
      403,
      'flow_disabled',
    ]);
  });

  test('whose rest nobody could pay out in live mode is refused at its opening', async () => {
    const body = w.order('usr_1', { onUnfilled: 'psp' });
    expect(codes(await w.post('/instant-payouts', body, w.ours.liveKey))).toEqual([
      422,
      'psp_not_configured',
      '/onUnfilled psp_not_configured',
    ]);
  });

  test('is closed by its merchant: what nobody has comes back at once, what somebody has is waited for', async () => {
    const { id, payee, batches } = await w.open(['300', '700']);
    const [first = '', second = ''] = batches;
    const { payinId } = await w.claim(first);
    w.told = [];
    const closed = await w.post(`/instant-payouts/${id}/cancel`, {});
    expect(closed).toMatchObject({ status: 200, body: { status: 'open', walletStatus: 'lock', remaining: '300.00' } });
    expect(closed.body.batches.map(({ status }: { status: string }) => status)).toEqual(['assigned', 'cancelled']);
    expect(w.told.sort()).toEqual([first, second, id].sort());
    expect(await w.purseOf(payee)).toEqual(['700.00', '300.00']);
    expect(codes(await w.post(`/instant-payouts/batches/${second}/claim`, { userId: await w.user() }))).toEqual([
      409,
      'batch_taken',
    ]);
    expect((await w.prove(first, { payinId })).status).toBe(202);
    await w.confirm(first, payee);
    expect((await w.get(`/instant-payouts/${id}`)).body).toMatchObject({
      status: 'partially_completed',
      walletStatus: 'unlock',
      instantPaid: '300.00',
      receiptId: expect.stringMatching(/^RCP-[0-9]{8}-[0-9A-Z]{8}$/),
    });
    expect((await w.post(`/instant-payouts/${id}/cancel`, {})).status).toBe(200); // again is nothing
  });
});

describe('a payin', () => {
  test('takes a free slice of its amount, and shows this payer alone whom to pay, while it is their turn', async () => {
    const { batches } = await w.open(['311.11']);
    const payer = await w.user('0', w.theirs.key);
    w.told = [];
    const made = await w.post(
      '/payins',
      { userId: payer, amount: '311.11', currency: 'INR', reference: newId('pi') },
      w.theirs.key,
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
    expect(w.told).toEqual([batches[0]]);
    expect((await w.get(`/payins/${made.body.id}`, w.theirs.key)).body.payTo).toEqual({
      ...UPI,
      amount: '311.11',
      currency: 'INR',
    });
    expect((await w.get('/payins?limit=1', w.theirs.key)).body.data[0]).not.toHaveProperty('payTo');
    await w.prove(batches[0] ?? '', { payinId: made.body.id });
    expect((await w.get(`/payins/${made.body.id}`, w.theirs.key)).body).toMatchObject({ status: 'success', payTo: null });
    for (const table of ['instant_payouts', 'idempotency_keys', 'events', 'payins', 'webhook_deliveries']) {
      const { rows } = await w.door.db.owner.query(`SELECT 1 FROM ${table} t WHERE t::text LIKE '%${UPI.upiId}%'`);
      expect([table, rows.length]).toEqual([table, 0]);
    }
  });

  test('waits where no slice of its amount is free', async () => {
    const payer = await w.user('0', w.theirs.key);
    const body = { userId: payer, amount: '77777', currency: 'INR', reference: newId('pi') };
    const made = await w.post('/payins', body, w.theirs.key);
    expect(made.body).toMatchObject({
      status: 'waiting',
      batchId: null,
      payTo: null,
      payUntil: null,
      waitUntil: expect.any(String),
    });
    expect(w.told).toEqual([made.body.id]);
    expect(codes(await w.post('/payins', { ...body }, w.theirs.key))).toEqual([
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
    const payer = await w.user();
    const body = { userId: payer, amount: '10', currency: 'INR', reference: newId('pi'), ...change };
    expect(codes(await w.post('/payins', body))).toEqual(expected);
  });

  test('by the payee of the slice, by who has one already, or of a slice that is not there, is refused', async () => {
    const { payee, batches } = await w.open(['120', '130']);
    const [first = '', second = ''] = batches;
    expect(codes(await w.post(`/instant-payouts/batches/${first}/claim`, { userId: payee }))).toEqual([409, 'own_batch']);
    const { payer } = await w.claim(first);
    expect(codes(await w.post(`/instant-payouts/batches/${second}/claim`, { userId: payer }, w.theirs.key))).toEqual([
      409,
      'payer_busy',
    ]);
    expect(codes(await w.post(`/instant-payouts/batches/${first}/claim`, { userId: await w.user() }))).toEqual([
      409,
      'batch_taken',
    ]);
    expect(codes(await w.post(`/instant-payouts/batches/ipb_1/claim`, { userId: await w.user() }))).toEqual([404, 'not_found']);
    expect(codes(await w.post(`/instant-payouts/batches/${second}/claim`, {}))).toEqual([
      400,
      'invalid_request',
      '/userId missing',
    ]);
  });

  test('of twenty at once for one slice is one, and the others are told that it is taken', async () => {
    const { batches } = await w.open(['140']);
    const payers = await Promise.all(Array.from({ length: 20 }, (_, n) => w.user('0', n % 2 === 0 ? w.ours.key : w.theirs.key)));
    const replies = await Promise.all(
      payers.map((userId, n) =>
        w.post(`/instant-payouts/batches/${batches[0]}/claim`, { userId }, n % 2 === 0 ? w.ours.key : w.theirs.key),
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
    const { id, payee, batches } = await w.open(['200', '300']);
    const [batch = ''] = batches;
    const { payinId, payer } = await w.claim(batch);
    const form = { image: await screenshot(), utr: '4012 3456-7891', payinId };
    const shown = await w.prove(batch, form, w.theirs.key, 'proof-1');
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
    expect(await w.purseOf(payer, w.theirs.key)).toEqual(['200.00', '0.00']);
    await w.forget('proof-1');
    expect((await w.prove(batch, form, w.theirs.key, 'proof-1')).body.payin.status).toBe('success');
    expect(await w.purseOf(payer, w.theirs.key)).toEqual(['200.00', '0.00']);
    expect((await w.get(`/instant-payouts/${id}`)).body).toMatchObject({ status: 'partially_paid', instantPaid: '200.00' });
    expect(codes(await w.prove(batch, { payinId }))).toEqual([409, 'proof_exists']);
    expect((await w.confirm(batch, payee)).body).toMatchObject({
      redirect: false,
      withdrawalDetails: null,
      batch: { status: 'confirmed' },
    });
  });

  test('is kept as an image of our own making, without where it was taken', async () => {
    const { batches } = await w.open(['150']);
    const [batch = ''] = batches;
    await w.claim(batch);
    const image = await sharp(await screenshot(40))
      .withExif({ IFD0: { Copyright: 'secret-camera' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
      .jpeg()
      .toBuffer();
    expect(image.includes('secret-camera')).toBe(true);
    expect((await w.prove(batch, { image, name: '../../etc/passwd', type: 'text/html' })).status).toBe(202);
    const path = `/instant-payouts/batches/${batch}/proof`;
    const seen = await w.door.app.inject({ url: `/api/v1${path}`, headers: { 'x-api-key': w.theirs.key } });
    expect(seen.statusCode).toBe(200);
    expect(seen.headers).toMatchObject({
      'content-type': 'image/jpeg',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'cache-control': 'private, no-store',
    });
    expect(seen.rawPayload.includes('secret-camera')).toBe(false);
    expect(await sharp(seen.rawPayload).metadata()).toMatchObject({ format: 'jpeg', width: 360, height: 320 });
    const others = await w.door.merchant();
    const may = async (key: string, at = `/api/v1${path}`) =>
      (await w.door.app.inject({ url: at, headers: { 'x-api-key': key } })).statusCode;
    expect([await may(w.ours.key), await may(others.key), await may(w.ours.liveKey)]).toEqual([200, 404, 404]);
    const viewer = (await w.door.admin('viewer')).key;
    expect([await may(viewer, `/api/admin${path}`), await may('', `/api/v1${path}`)]).toEqual([200, 401]);
    await rm(w.folder, { recursive: true });
    expect(await may(w.ours.key)).toBe(410);
  });

  test('that is no screenshot is refused by its bytes, and nothing of it is stored', async () => {
    const { batches } = await w.open(['160']);
    const [batch = ''] = batches;
    await w.claim(batch);
    const png = await screenshot();
    const bomb = await sharp({ create: { width: 8_000, height: 8_000, channels: 3, background: '#000' } })
      .png({ compressionLevel: 9 })
      .toBuffer();
    expect(bomb.length).toBeLessThan(1024 * 1024); // of 192 MB
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    const before = await w.kept();
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
      expect([what, ...codes(await w.prove(batch, { image: image.length > 0 ? image : undefined }))]).toEqual([
        what,
        400,
        'invalid_request',
        `/image ${code}`,
      ]);
    expect(codes(await w.prove(batch, { image: Buffer.alloc(50 * 1024 * 1024) }))).toEqual([413, 'body_too_large']);
    expect([await w.kept(), (await w.get(`/instant-payouts/batches/${batch}`)).body.status]).toEqual([before, 'assigned']);
    // What an SVG is hidden in is decoded, and written anew: what was beside the pixels is gone.
    expect((await w.prove(batch, { image: Buffer.concat([png, svg]) })).status).toBe(202);
    const seen = await w.door.app.inject({
      url: `/api/v1/instant-payouts/batches/${batch}/proof`,
      headers: { 'x-api-key': w.ours.key },
    });
    expect(seen.rawPayload.includes('<svg')).toBe(false);
  });

  test('that is no such form, or says nothing that could be true, is refused with where', async () => {
    const { batches } = await w.open(['170']);
    const [batch = ''] = batches;
    const { payinId } = await w.claim(batch);
    const path = `/instant-payouts/batches/${batch}/screenshot`;
    expect(codes(await w.post(path, { utr: newUtr() }, w.theirs.key))).toEqual([415, 'unsupported_media_type']);
    const boundary = '--------------------of-a-test';
    const raw = (body: string, type = `multipart/form-data; boundary=${boundary}`) =>
      w.door.call('POST', `/api/v1${path}`, { key: w.theirs.key, body, headers: { 'content-type': type } });
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
      expect([utr, ...codes(await w.prove(batch, { utr }))]).toEqual([utr, 400, 'invalid_request', '/utr invalid_utr']);
    expect(codes(await w.prove(batch, { utr: undefined }))).toEqual([400, 'invalid_request', '/utr missing']);
    expect(codes(await w.prove('ipb_1', {}))).toEqual([404, 'not_found']);
    expect(codes(await w.prove(batch, { payinId: newId('pin') }))).toEqual([404, 'not_found']);
    expect(codes(await w.prove(batch, { payinId }, w.ours.key))).toEqual([404, 'not_found']); // not its payer's merchant
    expect((await w.get(`/payins/${payinId}`, w.theirs.key)).body.status).toBe('assigned');
  });

  test('under one UTR from two merchants at once is one, and the other is told that it is used', async () => {
    const { batches } = await w.open(['180', '190']);
    const [first = '', second = ''] = batches;
    await w.claim(first, w.theirs.key);
    await w.claim(second, w.ours.key);
    const utr = newUtr();
    const replies = await Promise.all([w.prove(first, { utr }, w.theirs.key), w.prove(second, { utr }, w.ours.key)]);
    expect(replies.map(codes).sort()).toEqual([
      [202, undefined],
      [409, 'utr_used'],
    ]);
  });

  test('with another’s screenshot, also saved anew, waits for a person, whom it names', async () => {
    const { payee, batches } = await w.open(['210', '220', '230']);
    const [first = '', second = '', third = ''] = batches;
    const image = await screenshot(30);
    for (const batch of batches) await w.claim(batch);
    expect((await w.prove(first, { image })).body.batch.status).toBe('sys_confirmed');
    const same = await w.prove(second, { image });
    expect(same.body.batch).toMatchObject({
      status: 'proof_submitted',
      instantPaid: '210.00',
      review: { reasons: ['same_image'] },
    });
    const similar = await w.prove(third, { image: await sharp(image).resize(200).jpeg({ quality: 60 }).toBuffer() });
    expect(similar.body.batch).toMatchObject({ status: 'proof_submitted', review: { reasons: ['similar_image'] } });
    const listed = (await w.look('/reviews')).body.data;
    expect(listed.map(({ batch }: { batch: { id: string } }) => batch.id)).toEqual(expect.arrayContaining([second, third]));
    expect((await w.confirm(second, payee)).body.batch).toMatchObject({ status: 'confirmed', instantPaid: '430.00' }); // the payee knows
    expect((await w.act(`/batches/${third}/reject`, { reason: 'the same picture' })).body.status).toBe('rejected');
  });
});

test('under a pause is 503 `paused`, told to no workflow, and taken under the same keys afterwards', async () => {
  const { id, batches } = await w.open(['414.14']);
  const [payee, payer] = [await w.user('500'), await w.user('0', w.theirs.key)];
  const begin = w.order(payee, { amount: '500' });
  const deposit = { userId: payer, amount: '515.15', currency: 'INR', reference: newId('pi') };
  const claimed = [`/instant-payouts/batches/${batches[0]}/claim`, { userId: payer }] as const;
  const all = async () => [
    await w.post('/instant-payouts', begin, w.ours.key, 'paused-1'),
    await w.post('/payins', deposit, w.theirs.key, 'paused-2'),
    await w.post(...claimed, w.theirs.key, 'paused-3'),
  ];
  const by = await beginPause(w.door.context.pool, ['flow', 'instant']);
  w.told = [];
  expect((await all()).map(codes)).toEqual(Array(3).fill([503, 'paused']));
  expect([w.told, await w.purseOf(payee)]).toEqual([[], ['500.00', '0.00']]);
  const { key } = await w.door.admin('viewer');
  for (const path of [`instant-payouts/${id}`, `instant-payouts/batches/${batches[0]}`]) {
    const { text } = (await w.door.call('GET', `/api/admin/${path}/explain`, { key })).body;
    expect([path, text]).toEqual([path, expect.stringContaining('while a pause holds')]);
  }
  await endPause(w.door.context.pool, by);
  expect((await all()).map(({ status }) => status)).toEqual([201, 201, 201]);
});

test('another merchant, the other mode, or a key without the scope sees and does nothing', async () => {
  const { id, payee, batches } = await w.open(['340']);
  const [batch = ''] = batches;
  const { payinId } = await w.claim(batch);
  await w.prove(batch);
  const others = await w.door.merchant();
  for (const key of [others.key, w.ours.liveKey, w.theirs.key]) {
    for (const path of [`/instant-payouts/${id}`, `/instant-payouts/${id}/batches`, `/instant-payouts/batches/${batch}`])
      expect([path, (await w.get(path, key)).status]).toEqual([path, 404]);
    expect((await w.confirm(batch, payee, key)).status).toBe(404);
    expect((await w.post(`/instant-payouts/batches/${batch}/reject`, { reason: 'x' }, key)).status).toBe(404);
    expect((await w.post(`/instant-payouts/${id}/cancel`, {}, key)).status).toBe(404);
  }
  for (const key of [others.key, w.ours.key, w.theirs.liveKey]) expect((await w.get(`/payins/${payinId}`, key)).status).toBe(404);
  expect(codes(await w.post(`/instant-payouts/batches/${batch}/claim`, { userId: 'usr_1' }, w.ours.liveKey))).toEqual([
    404,
    'not_found',
  ]);
  const weak = await w.door.key(w.ours.id, { scopes: ['payouts:write'] });
  expect((await w.get(`/instant-payouts/${id}`, weak)).status).toBe(403);
  expect((await w.confirm(batch, payee, weak)).status).toBe(403);
});
