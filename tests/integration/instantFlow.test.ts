/** Withdrawals paid person to person through to their end: over HTTP, with real workflows, and callbacks that arrive. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { Webhook } from 'standardwebhooks';
import { type Receiver, startReceiver } from '../../harness/receiver.ts';
import { formOf, screenshot } from '../../harness/screenshots.ts';
import { batchWorkflowId, instantPayoutWorkflowId, payinWorkflowId } from '../../src/instant/rules/contract.ts';
import type { HandOver } from '../../src/instant/useCases/handOver.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor } from '../support/door.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { newUtr } from '../support/instant.ts';
import { startRelay } from '../support/relay.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let engine: Engine;
let door: Door;
let receiver: Receiver;
let ours: Merchant;
let theirs: Merchant;
let folder: string;
/** Once each, it hands a rest over and is never heard of again. */
let diesAfterHandingOver = 0;
const stops: (() => Promise<void>)[] = [];

const dying =
  (real: HandOver): HandOver =>
  async (rest) => {
    const came = await real(rest);
    if (diesAfterHandingOver > 0) {
      diesAfterHandingOver -= 1;
      throw new Error('the worker is gone');
    }
    return came;
  };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proofs-'));
  engine = await startEngine();
  receiver = await startReceiver();
  door = await openDoor({
    db: engine.db,
    payouts: engine.payouts,
    instant: engine.instant,
    sandboxUrl: engine.sandbox.url,
    env: { PROOFS_DIR: folder },
  });
  stops.push(await engine.startWorker(), await engine.startInstant(dying), startRelay(engine.db.pool));
  ours = await door.merchant();
  theirs = await door.merchant();
  for (const { id: merchantId } of [ours, theirs])
    await fund(door.context, { merchantId, mode: 'test', currency: 'INR', amountMinor: '10000000000', externalId: newId('ext') });
});
afterAll(async () => {
  expect((await checkInvariants(engine.db.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  for (const stop of stops.reverse()) await stop();
  await door.stop();
  await receiver.close();
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
});

const post = (path: string, body: unknown, key = ours.key) => door.call('POST', `/api/v1${path}`, { key, body });
const get = async (path: string, key = ours.key) => (await door.call('GET', `/api/v1${path}`, { key })).body;
async function user(purse = '0', key = ours.key): Promise<string> {
  const { id } = (await post('/users', { externalId: newId('user') }, key)).body;
  if (purse !== '0') await post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: newId('ext') }, key);
  return id;
}
const purseOf = async (id: string, key = ours.key) => {
  const [balance] = (await get(`/users/${id}/balance`, key)).balances;
  return [balance?.available ?? '0.00', balance?.locked ?? '0.00'];
};
async function open(amount: string, change: Readonly<Record<string, unknown>> = {}) {
  const payee = await user(amount);
  const order = { userId: payee, amount, currency: 'INR', reference: newId('wd'), payee: { type: 'upi', upiId: 'asha@okhdfc' } };
  const { body } = await post('/instant-payouts', { ...order, ...change });
  // While a slice's workflow looks for its first payer, a deposit that comes passes that slice by, and waits a moment.
  for (const { id } of body.batches) await until(() => hasLooked(id), Boolean);
  return { id: body.id as string, payee, batches: body.batches.map(({ id }: { id: string }) => id) as string[] };
}
async function hasLooked(batchId: string): Promise<boolean> {
  const history = await engine.client.workflow
    .getHandle(batchWorkflowId(batchId))
    .fetchHistory()
    .catch(() => undefined); // not begun
  return history?.events?.some(({ activityTaskCompletedEventAttributes: done }) => done) ?? false;
}
async function claim(batchId: string, key = theirs.key, callbackUrl?: string) {
  const payer = await user('0', key);
  const { status, body } = await post(`/instant-payouts/batches/${batchId}/claim`, { userId: payer, callbackUrl }, key);
  expect([status, body.code]).toEqual([201, undefined]);
  return { payer, payinId: body.payinId as string };
}
async function prove(batchId: string, key = theirs.key, payinId?: string) {
  const { body, headers } = await formOf({ image: await screenshot(), utr: newUtr(), payinId });
  const shown = await door.call('POST', `/api/v1/instant-payouts/batches/${batchId}/screenshot`, { key, body, headers });
  expect([shown.status, shown.body.code]).toEqual([202, undefined]);
  return shown.body;
}
const confirm = (batchId: string, by: string) => post(`/instant-payouts/batches/${batchId}/confirm`, { by });
const over = (workflowId: string) => engine.client.workflow.getHandle(workflowId).result();

/** Until it is so; fails with what it was at last if a machine may not take that long. */
async function until<Found>(read: () => Promise<Found>, is: (found: Found) => boolean): Promise<Found> {
  let found = await read();
  for (let left = 600; left > 0 && !is(found); left -= 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    found = await read();
  }
  if (!is(found)) throw new Error(`never so: ${JSON.stringify(found)}`);
  return found;
}

test('₹10,000 in four slices by four payers of two merchants: the success page, and each callback once, signed', async () => {
  const { id, payee, batches } = await open('10000', { maxBatch: '2500', callbackUrl: `${receiver.url}/payout` });
  const payers: { payer: string; payinId: string; key: string }[] = [];
  for (const [at, key] of [theirs.key, ours.key, theirs.key, ours.key].entries()) {
    const callbackUrl = `${receiver.url}/payin`;
    if (at < 2) payers.push({ ...(await claim(batches[at] ?? '', key, callbackUrl)), key });
    else {
      const payer = await user('0', key);
      const order = { userId: payer, amount: '2500', currency: 'INR', reference: `deposit-${at}`, callbackUrl };
      const { body } = await post('/payins', order, key);
      expect(body).toMatchObject({
        status: 'assigned',
        batchId: batches[at],
        payTo: { upiId: 'asha@okhdfc', amount: '2500.00' },
      });
      payers.push({ payer, payinId: body.id, key });
    }
  }
  const utrs: string[] = [];
  for (const [at, batch] of batches.entries()) {
    const { payinId, key = '' } = payers[at] ?? {};
    const { batch: shown } = await prove(batch, key, payinId);
    expect(shown).toMatchObject({ status: 'sys_confirmed', instantPaid: `${2_500 * (at + 1)}.00` });
    utrs.push(shown.utr);
  }
  for (const batch of batches.slice(0, 3)) expect((await confirm(batch, payee)).body.redirect).toBe(false);
  const { redirect, withdrawalDetails } = (await confirm(batches[3] ?? '', payee)).body;
  expect([redirect, withdrawalDetails]).toEqual([
    true,
    expect.objectContaining({ id, totalAmount: '10000.00', instantPaid: '10000.00', utrs, receiptId: expect.any(String) }),
  ]);
  for (const { payer, key } of payers) expect(await purseOf(payer, key)).toEqual(['2500.00', '0.00']);
  expect(await purseOf(payee)).toEqual(['0.00', '0.00']);

  const deliveries = async () =>
    (await engine.db.owner.query('SELECT state, count(*)::int AS count FROM webhook_deliveries GROUP BY state')).rows;
  const [told] = await until(deliveries, (found) => found.every(({ state }) => state === 'delivered'));
  expect(told).toEqual({ state: 'delivered', count: 5 });
  // A send that was not answered in time comes again under its id.
  const byId = new Map(receiver.received.map((each) => [each.headers['webhook-id'], each]));
  const received = [...byId.values()].map(({ path, headers, body }) => {
    const signed = new Webhook(`whsec_${Buffer.alloc(32, 1).toString('base64')}`);
    const { type, data } = signed.verify(body, headers) as { type: string; data: { object: Record<string, unknown> } };
    return { path, type, object: data.object };
  });
  const payins = received.filter(({ path }) => path === '/hooks/payin');
  expect(payins.map(({ object }) => object['id']).sort()).toEqual(payers.map(({ payinId }) => payinId).sort());
  for (const { type, object } of payins) {
    const at = payers.findIndex(({ payinId }) => payinId === object['id']);
    expect([type, object]).toEqual([
      'payin-status-update',
      {
        id: payers[at]?.payinId,
        object: 'payin',
        reference: at < 2 ? payers[at]?.payinId : `deposit-${at}`,
        batchId: batches[at],
        amount: '2500.00',
        currency: 'INR',
        utr: utrs[at],
        receiptId: expect.stringMatching(/^RCP-[0-9]{8}-[0-9A-Z]{8}$/),
        status: 'success',
      },
    ]);
  }
  expect(received.filter(({ path }) => path === '/hooks/payout')).toEqual([
    {
      path: '/hooks/payout',
      type: 'instant-payout-status-update',
      object: {
        id,
        object: 'instant_payout',
        reference: expect.stringMatching(/^wd_/),
        amount: '10000.00',
        currency: 'INR',
        instantPaid: '10000.00',
        status: 'success',
        walletStatus: 'unlock',
        receiptId: withdrawalDetails.receiptId,
        utrs,
      },
    },
  ]);
  await over(instantPayoutWorkflowId(id));
  for (const batch of batches) await over(batchWorkflowId(batch));
});

test('a deadline that passes gives the slice to the next payer, and who paid too late waits for a person; their money is not lost', async () => {
  const { batches } = await open('3210');
  const [batch = ''] = batches;
  const first = await claim(batch);
  const next = await user('0', theirs.key);
  const waiting = await post('/payins', { userId: next, amount: '3210', currency: 'INR', reference: newId('pi') }, theirs.key);
  expect(waiting.body.status).toBe('waiting');
  await engine.db.owner.query(`UPDATE instant_batches SET pay_until = now() + interval '1 second' WHERE id = $1`, [batch]);
  await engine.instant.lookAtBatch(batch); // its workflow sleeps until then, and no longer
  const taken = await until(
    () => get(`/payins/${waiting.body.id}`, theirs.key),
    ({ status }) => status === 'assigned',
  );
  expect(taken).toMatchObject({ batchId: batch, payTo: { upiId: 'asha@okhdfc' } });
  expect(await get(`/payins/${first.payinId}`, theirs.key)).toMatchObject({ status: 'expired', payTo: null });
  await over(payinWorkflowId(waiting.body.id));
  await door.admin('operator');
  expect((await prove(batch, theirs.key, first.payinId)).payin.status).toBe('late_proof');
  const { rows } = await until(
    () => engine.db.owner.query('SELECT validator_id AS id FROM late_proofs WHERE payin_id = $1', [first.payinId]),
    (found) => found.rows[0]?.id !== null, // an operator has it, while the slice waits for another payer
  );
  expect(rows).toEqual([{ id: expect.stringMatching(/^adm_/) }]);
  expect((await prove(batch, theirs.key, waiting.body.id)).payin.status).toBe('success');
  expect([await purseOf(first.payer, theirs.key), await purseOf(next, theirs.key)]).toEqual([
    ['0.00', '0.00'],
    ['3210.00', '0.00'],
  ]);
});

/** Its time to be filled is over; its workflow finds that by itself. */
async function endFilling(id: string): Promise<void> {
  await engine.db.owner.query(`UPDATE instant_payouts SET policy = policy || '{"fillMs": 0}' WHERE id = $1`, [id]);
  await engine.instant.lookAtInstantPayout(id);
}

test('what nobody took in time comes back to the payee’s wallet, and its slices wait for nobody any more', async () => {
  const { id, payee, batches } = await open('600', { batches: ['250', '350'] });
  await endFilling(id);
  await over(instantPayoutWorkflowId(id));
  expect(await get(`/instant-payouts/${id}`)).toMatchObject({ status: 'cancelled', walletStatus: 'unlock', remaining: '0.00' });
  expect(await purseOf(payee)).toEqual(['600.00', '0.00']);
  for (const batch of batches) await over(batchWorkflowId(batch));
});

test('or goes to the payee by one ordinary payout, though the worker that handed it over dies', async () => {
  const { id, payee, batches } = await open('700', { batches: ['300', '400'], onUnfilled: 'psp' });
  const [paid = ''] = batches;
  await claim(paid);
  await prove(paid);
  await confirm(paid, payee);
  diesAfterHandingOver = 1;
  await endFilling(id);
  const ended = await until(
    () => get(`/instant-payouts/${id}`),
    ({ walletStatus }) => walletStatus === 'unlock',
  );
  expect(ended).toMatchObject({ status: 'partially_completed', instantPaid: '300.00', remaining: '0.00' });
  const payout = await engine.until(ended.restPayoutId, 'SUCCEEDED');
  expect(payout).toMatchObject({ kind: 'user', amountMinor: '40000', owner: { kind: 'user', id: payee } });
  expect(await engine.transfers(payout.id)).toHaveLength(1);
  const { rows } = await engine.db.owner.query('SELECT count(*)::int AS count FROM payouts WHERE owner_id = $1', [payee]);
  expect(rows).toEqual([{ count: 1 }]);
  expect(diesAfterHandingOver).toBe(0);
  await over(instantPayoutWorkflowId(id));
  expect(await purseOf(payee)).toEqual(['0.00', '0.00']);
});

test('a proof that needs a person has an operator, and another one once that one’s time is over', async () => {
  const operators = [(await door.admin('operator')).id, (await door.admin('operator')).id];
  await engine.db.owner.query(`UPDATE admins SET active = id = ANY ($1)`, [operators]);
  const { batches } = await open('800', { batches: ['390', '410'] });
  const [first = '', second = ''] = batches;
  const image = await screenshot();
  for (const batch of [first, second]) {
    await claim(batch);
    const { body, headers } = await formOf({ image, utr: newUtr() });
    await door.call('POST', `/api/v1/instant-payouts/batches/${batch}/screenshot`, { key: theirs.key, body, headers });
  }
  const validator = async () => {
    const { rows } = await engine.db.owner.query('SELECT validator_id AS id FROM instant_batches WHERE id = $1', [second]);
    return rows[0]?.id as string | null;
  };
  const one = await until(validator, (found) => found !== null);
  await engine.db.owner.query('UPDATE instant_batches SET validate_until = now() WHERE id = $1', [second]);
  await engine.instant.lookAtBatch(second);
  const other = await until(validator, (found) => found !== one);
  expect([one, other].sort()).toEqual(operators.sort());
});
