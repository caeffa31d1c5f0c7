/** What is said of a proof over HTTP, and what comes of it: by the payee, the bank, and operators. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { newUtr } from '../support/instant.ts';
import { codes, type InstantDoor, openInstantDoor } from '../support/instantDoor.ts';

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

describe('the payee', () => {
  test('alone confirms, and the last confirmation shows the success page', async () => {
    const { id, payee, batches } = await w.open(['240', '260']);
    const utrs: string[] = [];
    for (const batch of batches) {
      await w.claim(batch);
      utrs.push((await w.prove(batch)).body.batch.utr);
    }
    const [first = '', second = ''] = batches;
    expect(codes(await w.confirm(first, await w.user()))).toEqual([422, 'not_payee', '/by not_payee']);
    expect(codes(await w.post(`/instant-payouts/batches/${first}/confirm`, {}))).toEqual([400, 'invalid_request', '/by missing']);
    expect((await w.confirm(first, payee)).body.redirect).toBe(false);
    w.told = [];
    const last = await w.post(`/instant-payouts/batches/${second}/confirm`, { by: payee }, w.ours.key, 'last-1');
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
    expect(w.told).toEqual([second]);
    await w.forget('last-1');
    expect((await w.post(`/instant-payouts/batches/${second}/confirm`, { by: payee }, w.ours.key, 'last-1')).text).toBe(
      last.text,
    );
    expect(codes(await w.post(`/instant-payouts/batches/${second}/reject`, { reason: 'changed my mind' }))).toEqual([
      409,
      'wrong_state',
    ]);
    expect(await w.purseOf(payee)).toEqual(['0.00', '0.00']);
  });

  test('who has not received it opens a dispute, which an operator decides, who is written down', async () => {
    const { id, payee, batches } = await w.open(['250', '270']);
    const [first = '', second = ''] = batches;
    expect(codes(await w.confirm(first, payee))).toEqual([409, 'wrong_state']);
    const { payer } = await w.claim(first);
    await w.prove(first);
    await w.claim(second);
    await w.prove(second);
    expect(codes(await w.post(`/instant-payouts/batches/${first}/reject`, {}))).toEqual([
      400,
      'invalid_request',
      '/reason missing',
    ]);
    for (const batch of batches)
      expect((await w.post(`/instant-payouts/batches/${batch}/reject`, { reason: 'nothing came' })).body.status).toBe('disputed');
    expect((await w.get(`/instant-payouts/${id}`)).body.status).toBe('disputed');
    const listed = (await w.look('/disputes')).body.data;
    expect(listed).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          batch: expect.objectContaining({ id: first }),
          reason: 'nothing came',
          openedBy: `user:${payee}`,
        }),
      ]),
    );
    expect((await w.act(`/disputes/${first}`, { decision: 'reject', note: 'no money' }, 'viewer')).status).toBe(403);
    expect(codes(await w.act(`/disputes/${first}`, { decision: 'maybe', note: '' }))).toEqual([
      400,
      'invalid_request',
      '/decision invalid_value',
      '/note too_short',
    ]);
    expect(codes(await w.act('/disputes/ipb_1', { decision: 'reject', note: 'x' }))).toEqual([404, 'not_found']);
    expect((await w.act(`/disputes/${first}`, { decision: 'reject', note: 'no money' })).body.status).toBe('rejected');
    expect((await w.act(`/disputes/${second}`, { decision: 'approve', note: 'the bank says so' })).body.status).toBe(
      'admin_approved',
    );
    expect(codes(await w.act(`/disputes/${first}`, { decision: 'approve', note: 'x' }))).toEqual([409, 'wrong_state']);
    expect([await w.purseOf(payer, w.theirs.key), await w.purseOf(payee)]).toEqual([
      ['0.00', '0.00'],
      ['250.00', '0.00'],
    ]);
    expect((await w.get(`/instant-payouts/${id}`)).body).toMatchObject({ status: 'partially_completed', instantPaid: '270.00' });
    const { rows } = await w.door.db.owner.query('SELECT action, data FROM audit_log WHERE target = ANY ($1) ORDER BY id', [
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
    const key = await w.door.key(w.ours.id, { scopes: ['bank-credits:write'] });
    const says = (utr: string, amount: unknown, change = {}) =>
      w.post('/instant-payouts/bank-credits', { utr, amount, creditedAt: '2026-11-29T22:00:00Z', ...change }, key);
    const { id, batches } = await w.open(['280', '290', '310'], {});
    const [before = '', after = '', other = ''] = batches;
    for (const batch of batches) await w.claim(batch);
    const utr = newUtr();
    expect((await says(utr, '280')).body).toMatchObject({ object: 'bank_credit', status: 'waiting', batchId: null });
    expect((await says(utr, '280')).body.status).toBe('duplicate');
    expect((await w.prove(before, { utr })).body.batch.status).toBe('confirmed');
    const later = (await w.prove(after)).body.batch.utr;
    expect((await says(later, 290)).body).toMatchObject({ status: 'matched', batchId: after });
    expect((await w.get(`/instant-payouts/batches/${after}`)).body.status).toBe('confirmed');
    // Whoever took it down may have ended before the slice's workflow was told: the bank's repeat tells it.
    w.told = [];
    expect((await says(later, 290)).body).toMatchObject({ status: 'duplicate', batchId: after });
    expect(w.told).toEqual([after]);
    const differs = (await w.prove(other)).body.batch.utr;
    expect((await says(differs, '31')).body).toMatchObject({ status: 'differs', batchId: other });
    expect((await w.get(`/instant-payouts/batches/${other}`)).body.status).toBe('disputed');
    expect(codes(await says('12', '0', { creditedAt: 'today', currency: 'XXX' }))).toEqual([
      400,
      'invalid_request',
      '/creditedAt invalid_format',
      '/creditedAt invalid_value',
    ]);
    expect(codes(await says('12', '0'))).toEqual([400, 'invalid_request', '/amount amount_zero', '/utr invalid_utr']);
    expect((await w.get(`/instant-payouts/${id}`, key)).status).toBe(403);
    const reader = await w.door.key(w.ours.id, { scopes: ['instant:write', 'instant:read'] });
    expect(
      (await w.call(reader, 'POST', '/instant-payouts/bank-credits', { utr, amount: '1', creditedAt: '2026-11-29T22:00:00Z' }))
        .status,
    ).toBe(403);
  });

  test('has what an operator rejected: both merchants hear that it is decided again, and whoever rejects it again says so', async () => {
    const key = await w.door.key(w.ours.id, { scopes: ['bank-credits:write'] });
    const [batch = ''] = (await w.open(['335'])).batches;
    const { payinId } = await w.claim(batch);
    const { utr } = (await w.prove(batch)).body.batch;
    await w.post(`/instant-payouts/batches/${batch}/reject`, { reason: 'not there' });
    expect((await w.act(`/batches/${batch}/reject`, { reason: 'not there' })).body.status).toBe('rejected');
    expect((await w.get(`/payins/${payinId}`, w.theirs.key)).body.status).toBe('reversed');
    w.told = [];
    const arrived = { utr, amount: '335', creditedAt: '2026-11-29T22:00:00Z' };
    expect((await w.post('/instant-payouts/bank-credits', arrived, key)).body).toMatchObject({
      status: 'matched',
      batchId: batch,
    });
    expect(w.told).toEqual([batch]);
    expect((await w.get(`/payins/${payinId}`, w.theirs.key)).body).toMatchObject({ status: 'late_proof', completedAt: null });
    expect((await w.look('/late-proofs')).body.data).toContainEqual(
      expect.objectContaining({ batchId: batch, bankCredit: 'matched', was: 'reversed' }),
    );
    const merchant = await w.door.key(w.ours.id);
    expect((await w.get('/events?type=instant-payout-batch-late-proof&limit=1', merchant)).body.data[0].data.object.id).toBe(
      batch,
    );
    const reject = (change = {}) => w.act(`/late-proofs/${payinId}`, { decision: 'reject', note: 'another payment', ...change });
    expect(codes(await reject())).toEqual([409, 'bank_matched']);
    expect((await reject({ againstBank: true })).body.status).toBe('reversed');
    expect((await w.look('/late-proofs')).body.data).not.toContainEqual(expect.objectContaining({ batchId: batch }));
  });

  test('tells of money that nobody has shown: operators see it until one has looked, and every look is written down', async () => {
    const key = await w.door.key(w.ours.id, { scopes: ['bank-credits:write'] });
    const utr = newUtr();
    const arrived = { utr, amount: '77.50', creditedAt: '2026-11-29T22:00:00Z' };
    const { id } = (await w.post('/instant-payouts/bank-credits', arrived, key)).body;
    const shown = async () => (await w.look('/bank-credits?limit=100')).body.data.find((each: { id: string }) => each.id === id);
    expect(await shown()).toMatchObject({ utr, amount: '77.50', status: 'waiting', merchantId: w.ours.id, alsoTold: null });
    await w.post('/instant-payouts/bank-credits', { ...arrived, amount: '80' }, key);
    expect(await shown()).toMatchObject({ alsoTold: { amount: '80.00', currency: 'INR' } });
    expect((await w.act(`/bank-credits/${id}`, { note: 'a gift' })).body).toEqual({ id, isOpen: false });
    expect(codes(await w.act('/bank-credits/bcr_1', { note: 'x' }))).toEqual([404, 'not_found']);
    expect(await shown()).toBeUndefined();
    const { rows } = await w.door.db.owner.query('SELECT action, data FROM audit_log WHERE target = $1', [id]);
    expect(rows).toEqual([{ action: 'bank_credit.decide', data: { outcome: 'decided', note: 'a gift' } }]);
  });
});

describe('an operator', () => {
  /** A slice that its first payer lost to another, and then showed a proof for. */
  async function lateProof(): Promise<{ batch: string; payinId: string; payer: string; payee: string }> {
    const { batches, payee } = await w.open(['320']);
    const [batch = ''] = batches;
    const { payinId, payer } = await w.claim(batch);
    expect((await w.act(`/batches/${batch}/reassign`, {})).body).toMatchObject({ status: 'reassigned', reassignments: 1 });
    await w.claim(batch);
    expect((await w.prove(batch, { payinId })).body.payin.status).toBe('late_proof');
    return { batch, payinId, payer, payee };
  }

  test('takes a slice from its payer, and decides of a proof that came late; both merchants see it', async () => {
    const { batch, payinId, payer, payee } = await lateProof();
    const listed = (await w.look('/late-proofs')).body.data;
    expect(listed).toEqual(
      expect.arrayContaining([expect.objectContaining({ batchId: batch, payin: expect.objectContaining({ id: payinId }) })]),
    );
    const merchant = await w.door.key(w.ours.id);
    expect((await w.get('/events?type=instant-payout-batch-late-proof&limit=1', merchant)).body.data[0].data.object.id).toBe(
      batch,
    );
    expect((await w.get(`/payins/${payinId}`, w.theirs.key)).body.status).toBe('late_proof');
    expect((await w.act(`/late-proofs/${payinId}`, { decision: 'credit', note: 'the payee has it' })).body).toMatchObject({
      status: 'success',
      receiptId: expect.stringMatching(/^RCP-/),
    });
    expect(codes(await w.act(`/late-proofs/${payinId}`, { decision: 'refund', note: 'x' }))).toEqual([409, 'wrong_state']);
    expect(codes(await w.act('/late-proofs/pin_1', { decision: 'refund', note: 'x' }))).toEqual([404, 'not_found']);
    expect(await w.purseOf(payer, w.theirs.key)).toEqual(['0.00', '0.00']); // the payee had nothing free: it is owed
    expect((await w.get(`/users/${payee}/balance`)).body.balances[0].debt).toBe('320.00');
    expect(codes(await w.act(`/batches/${batch}/approve`, {}))).toEqual([409, 'wrong_state']);
    expect(codes(await w.act('/batches/ipb_1/reassign', {}))).toEqual([404, 'not_found']);
  });

  test('gives a slice to another, whose payment the first one’s merchant reads nothing of, however late it proves its own', async () => {
    const [batch = ''] = (await w.open(['325'])).batches;
    const { payinId } = await w.claim(batch);
    await w.act(`/batches/${batch}/reassign`, {});
    const third = await w.door.merchant();
    const other = await w.claim(batch, third.key);
    const shown = (await w.prove(batch, { payinId: other.payinId }, third.key)).body.batch;
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
      expect((await w.prove(batch, { payinId, utr })).body).toMatchObject({
        batch: { id: batch, ...nothing },
        payin: { status: 'late_proof', utr },
      });
  });

  test('cancels the open rest, sees every withdrawal with its merchant, and each step is written down', async () => {
    const { id } = await w.open(['330']);
    expect((await w.act(`/${id}/cancel`, { reason: 'fraud' }, 'viewer')).status).toBe(403);
    expect((await w.act(`/${id}/cancel`, { reason: 'fraud' })).body).toMatchObject({
      status: 'cancelled',
      merchantId: w.ours.id,
      walletStatus: 'unlock',
    });
    expect((await w.look(`/${id}`, 'viewer')).body).toMatchObject({
      id,
      merchantId: w.ours.id,
      batches: [{ status: 'cancelled' }],
    });
    expect((await w.look('?limit=1', 'viewer')).body.data[0]).toMatchObject({ id, merchantId: w.ours.id });
    expect(codes(await w.act('/ip_1/cancel', { reason: 'x' }))).toEqual([404, 'not_found']);
    const { rows } = await w.door.db.owner.query('SELECT action, data FROM audit_log WHERE target = $1', [id]);
    expect(rows).toEqual([
      {
        action: 'request.refused',
        data: { method: 'POST', needs: 'operator', role: 'viewer', route: '/api/admin/instant-payouts/:id/cancel' },
      },
      { action: 'instant_payout.cancel', data: { outcome: 'closed', reason: 'fraud' } },
    ]);
  });

  test('sets what is agreed with a merchant, in part, and the next withdrawal keeps it', async () => {
    const admin = (await w.door.admin('admin')).key;
    const own = await w.door.merchant();
    await fund(w.door.context, {
      merchantId: own.id,
      mode: 'test',
      currency: 'INR',
      amountMinor: '100000',
      externalId: newId('ext'),
    });
    const set = (instantPolicy: unknown) =>
      w.door.call('PATCH', `/api/admin/merchants/${own.id}`, { key: admin, body: { instantPolicy } });
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
    const payee = await w.user('100', own.key);
    const { body } = await w.post('/instant-payouts', w.order(payee, { amount: '100' }), own.key);
    const [batch = ''] = body.batches.map(({ id }: { id: string }) => id);
    await w.claim(batch);
    expect((await w.prove(batch)).body).toMatchObject({
      batch: { status: 'sys_confirmed', instantPaid: '0.00' },
      payin: { status: 'proof_submitted' },
    });
    expect((await w.confirm(batch, payee, own.key)).body).toMatchObject({
      redirect: true,
      withdrawalDetails: { instantPaid: '100.00' },
    });
  });
});
