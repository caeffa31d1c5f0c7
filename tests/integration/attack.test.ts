/** What a fresh pair of eyes found before this landed. Each of these tests failed when it was written. */

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { createPspActivities, type LookUpInput, type SubmitInput } from '../../activities/payouts/psp.ts';
import { fundBalance } from '../../src/ledger/postings.ts';
import { createPayoutsClient, type PayoutsClient } from '../../src/payouts/client.ts';
import { withBorder } from '../../src/psp/border.ts';
import { createFlutterwaveConnector } from '../../src/psp/flutterwave/connector.ts';
import { createInbox } from '../../src/relay/inbox.ts';
import { createBell } from '../../src/relay/loop.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

let engine: Engine;
/** Waits so long before another attempt that a slow machine can step in between. */
let patient: PayoutsClient;
let stopWorker: () => Promise<void>;
let flutterwave: Stub;

beforeAll(async () => {
  engine = await startEngine();
  patient = createPayoutsClient(engine.client, {
    times: { ...SHORT_TIMES, retryWaitMs: 3_000, retryWaitMaxMs: 3_000 },
    allowSignalDecisions: true,
  });
  flutterwave = await startStub();
  const sandbox = engine.activities;
  const theirs = createPspActivities({
    ledger: engine.ledger,
    pool: engine.db.pool,
    connector: (name) => (name === 'flutterwave' ? withBorder(flutterwave.connector) : undefined),
  });
  const isTheirs = async (payoutId: string) => (await engine.ledger.read(payoutId))?.psp === 'flutterwave';
  stopWorker = await engine.startWorker({
    activities: {
      ...sandbox,
      submit: async (input: SubmitInput) => ((await isTheirs(input.payoutId)) ? theirs : sandbox).submit(input),
      lookUp: async (input: LookUpInput) => ((await isTheirs(input.payoutId)) ? theirs : sandbox).lookUp(input),
    },
  });
});

afterAll(async () => {
  await stopWorker?.();
  await flutterwave?.stop();
  await engine?.stop();
});

const say = (id: string, attempt: number, claim: 'paid' | 'failed' | 'returned' | 'processing') =>
  engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt, claim });

/** A message as the API stores it. */
async function stored(id: string, attempt: number, claim: string): Promise<string> {
  const messageId = newId('msg');
  await engine.db.owner.query(
    `INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body, state, hand_on_at)
     VALUES ($1, 'sandbox', $1, $2 || ':' || $3::int, $2, $3::int, $4, '{}', 'received', now() + interval '1 hour')`,
    [messageId, id, attempt, claim],
  );
  return messageId;
}

test.each([
  ['finds nothing', 'lagging_look_up', {}],
  ['is broken', 'error_before', { lookups: true }],
])('no new key while a signed message says that an earlier attempt was paid and the look-up %s', async (_, kind, params) => {
  const { id } = await engine.pay('0002', {}, patient);
  await engine.until(id, 'RETRY_WAIT');
  await engine.fault({ kind, match: { reference: `${id}:1` }, params, times: 1_000 });
  await engine.force(id, 'paid');
  const messageId = await stored(id, 1, 'paid');
  await engine.payouts.notice(id, 1, { messageId, attempt: 1, claim: 'paid' });
  await eventually(async () => {
    expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNRESOLVED', needsOperator: true, unproven: [1] });
  });
  expect(await engine.transfers(id)).toHaveLength(1); // was 2, both paid
});

test('a message that nobody has looked into yet holds up a new key', async () => {
  const { id } = await engine.pay('0002', {}, patient);
  await engine.until(id, 'RETRY_WAIT');
  const messageId = await stored(id, 1, 'paid'); // Temporal was away: nobody was told
  await engine.force(id, 'paid');
  await sleep(5_000); // longer than the wait before attempt 2
  expect(await engine.ledger.read(id)).toMatchObject({ attempt: 1 });
  await engine.payouts.notice(id, 1, { messageId, attempt: 1, claim: 'paid' });
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
  expect(await engine.transfers(id)).toHaveLength(1);
});

test('an operator’s hold outlives what the PSP says of an earlier attempt', async () => {
  const { id } = await engine.pay('0002', {}, patient);
  await engine.until(id, 'RETRY_WAIT');
  expect(await engine.command(id, { type: 'held', adminId: 'adm_1', reason: 'fraud suspected' })).toMatchObject({
    outcome: 'done',
  });
  await engine.force(id, 'processing' as 'paid');
  await say(id, 1, 'processing');
  await eventually(async () => {
    expect(await engine.ledger.read(id)).toMatchObject({ state: 'ON_HOLD', unproven: [1], needsOperator: true });
  });
  expect(await engine.command(id, { type: 'cancelled', by: engine.merchantId })).toEqual({ outcome: 'wrong_state' });
  await engine.force(id, 'failed', { reason: 'bank_unavailable' });
  await say(id, 1, 'failed');
  await eventually(async () => {
    expect(await engine.ledger.read(id)).toMatchObject({ state: 'ON_HOLD', unproven: [] });
  });
  await sleep(5_000); // longer than the wait before attempt 2
  expect(await engine.ledger.read(id)).toMatchObject({ attempt: 1, state: 'ON_HOLD' }); // was: attempt 2, SUCCEEDED
});

test('paid again after a return, and the look-up is behind: it is asked about again', async () => {
  const { id } = await engine.pay('0001');
  await engine.until(id, 'SUCCEEDED');
  await engine.force(id, 'returned');
  await say(id, 1, 'returned');
  await engine.until(id, 'RETURNED');
  await engine.fault({ kind: 'contradicts', match: { reference: id }, params: { words: ['returned'] }, times: 1 });
  await engine.force(id, 'paid');
  const messageId = await stored(id, 1, 'paid');
  await engine.payouts.notice(id, 1, { messageId, attempt: 1, claim: 'paid' });
  await eventually(async () => {
    const { rows } = await engine.db.owner.query<{ again: boolean }>(
      'SELECT hand_on_at IS NOT NULL AS again FROM psp_messages WHERE id = $1',
      [messageId],
    );
    const { state } = (await engine.ledger.read(id)) ?? {};
    expect(rows[0]?.again || state === 'SUCCEEDED').toBe(true); // was: closed for good, the payout RETURNED, nobody told
  });
});

test.each([
  ['was paid', 'SUCCESSFUL'],
  ['is in a state that nobody here knows', 'PROCESSING'], // was: not seen at all, three requests
])('two transfers under one reference, and the other %s: that one of them failed proves nothing', async (_, description) => {
  const { id } = await engine.pay('0001', { psp: 'flutterwave', currency: 'PKR', description });
  const { state, needsOperator } = await engine.until(id, 'UNRESOLVED', 'FAILED', 'SUCCEEDED');
  expect({ state, needsOperator }).toEqual({ state: 'UNRESOLVED', needsOperator: true });
  await sleep(5_000);
  expect(flutterwave.tape.filter((line) => line.startsWith(`POST ${id}`))).toEqual([`POST ${id}:1`]); // was: sent anew under another key
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNRESOLVED', needsOperator: true, attempt: 1 });
});

test('a second payment is no repetition of the first: somebody is told', async () => {
  const other = await engine.pay('0003');
  await engine.until(other.id, 'FAILED');
  const opening = { type: 'reinitiate', payoutId: other.id, round: 2, by: other.merchantId, requestId: newId('req') } as const;
  await engine.payouts.accept({ ...other, payoutId: other.id }, opening);
  for (let left = 100; left > 0; left -= 1) {
    const now = await engine.ledger.read(other.id);
    if (now?.attempt === 2 && now.state === 'FAILED') break;
    await sleep(100);
  }
  await engine.force(other.id, 'paid');
  await engine.payouts.notice(other.id, 2, { messageId: newId('msg'), attempt: 1, claim: 'paid' });
  await engine.until(other.id, 'SUCCEEDED');
  await engine.db.owner.query('UPDATE payouts SET needs_operator = false WHERE id = $1', [other.id]); // seen and acknowledged
  await engine.force(other.id, 'paid', { attempt: 2 }); // out twice now
  const messageId = await stored(other.id, 2, 'paid');
  await engine.db.owner.query('UPDATE psp_messages SET hand_on_at = now() WHERE id = $1', [messageId]);
  const { payouts, ledger, db } = engine;
  const inbox = createInbox({ pool: db.pool, payouts, ledger, log: pino({ level: 'silent' }), bell: createBell() });
  await inbox.turn();
  await eventually(async () => {
    expect(await engine.ledger.read(other.id)).toMatchObject({ needsOperator: true }); // was: "nothing new"
  });
});

test('a payment under a key that the books do not know is told to somebody', async () => {
  const { id } = await engine.pay('0003');
  await engine.until(id, 'FAILED');
  const accountNumber = '12345678900003';
  const body = { reference: `${id}:2`, amount: '100.00', currency: 'PKR', narration: null };
  const destination = { type: 'bank', bankCode: 'HBL', accountNumber, accountTitle: 'Ayesha Khan' };
  const headers = { 'content-type': 'application/json', authorization: 'Bearer sandbox-key' };
  await fetch(`${engine.sandbox.url}/transfers`, { method: 'POST', headers, body: JSON.stringify({ ...body, destination }) });
  await engine.force(id, 'paid', { attempt: 2 });
  const messageId = await stored(id, 2, 'paid');
  await engine.payouts.notice(id, 1, { messageId, attempt: 2, claim: 'paid' });
  await eventually(async () => {
    expect(await engine.ledger.read(id)).toMatchObject({ needsOperator: true }); // was: "applied", FAILED, nobody told
  });
});

test('what the PSP took and then knows nothing of for longer than the deadline is shown to an operator', async () => {
  const { id } = await engine.pay('0004');
  await engine.until(id, 'PSP_QUEUED');
  await engine.fault({ kind: 'lagging_look_up', match: { reference: id }, times: 10_000 });
  await eventually(async () => {
    expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNRESOLVED', needsOperator: true }); // was: asked for a year
  });
});

test('a reinitiation that was refused stays refused, though money came in and somebody starts it again', async () => {
  const merchantId = newId('mer');
  const { db } = engine;
  await db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Test', 'unused')`, [merchantId]);
  const fund = (externalId: string) =>
    fundBalance(db.pool, { merchantId, mode: 'test', currency: 'PKR', amountMinor: '10000', externalId });
  await fund('start');
  const payout = await engine.pay('0003', { merchantId });
  await engine.until(payout.id, 'FAILED');
  await engine.pay('0004', { merchantId }); // spends it
  const opening = { type: 'reinitiate', payoutId: payout.id, round: 2, by: merchantId, requestId: newId('req') } as const;
  const again = () => engine.payouts.accept({ ...payout, payoutId: payout.id }, opening);
  const refused = { accepted: { outcome: 'refused', code: 'insufficient_balance' } };
  expect(await again()).toMatchObject(refused);
  await fund('later');
  expect(await again()).toMatchObject(refused);
  expect(await engine.ledger.read(payout.id)).toMatchObject({ state: 'FAILED', round: 1 });
});

test('what a person may decide is not told by an activity that asks nobody who it was', async () => {
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  const approved = { type: 'approved', adminId: 'adm_nobody_at_all' } as const;
  const { applyFact } = engine.activities;
  await expect(new MockActivityEnvironment().run(applyFact, id, 'x', approved, 'admin:adm_nobody_at_all')).rejects.toThrow();
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'IN_REVIEW' });
});

interface Stub {
  readonly tape: string[];
  readonly connector: ReturnType<typeof createFlutterwaveConnector>;
  stop(): Promise<void>;
}

/** Takes a request twice under one reference and cuts the line: the newer one fails, the older one is as its narration says. */
async function startStub(): Promise<Stub> {
  const transfers: Record<string, unknown>[] = [];
  const tape: string[] = [];
  let ids = 1_000;
  const nextId = () => ++ids;
  const server: Server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const url = new URL(request.url ?? '/', 'http://x');
    const answer = (status: number, data: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: status < 300 ? 'success' : 'error', message: 'x', data }));
    };
    if (request.method === 'POST') {
      const asked = JSON.parse(text) as Record<string, unknown>;
      tape.push(`POST ${asked['reference']}`);
      const taken = { ...asked, bank_code: asked['account_bank'], complete_message: 'DISBURSE FAILED: please try again' };
      transfers.unshift({ ...taken, id: nextId(), status: 'FAILED' }, { ...taken, id: nextId(), status: asked['narration'] });
      return void response.destroy();
    }
    const [, , byId, retries] = /^\/transfers(\/(\d+)(\/retries)?)?$/.exec(url.pathname) ?? [];
    if (retries) return answer(404, null);
    if (byId !== undefined)
      return answer(
        200,
        transfers.find(({ id }) => String(id) === byId),
      );
    return answer(
      200,
      transfers.filter(({ reference }) => reference === url.searchParams.get('reference')),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connector = createFlutterwaveConnector({
    mode: 'test', baseUrl, secretKey: 'secret-key', webhookHash: 'webhook-hash', referenceSuffix: '', timeoutMs: 1_000,
  }); // biome-ignore format: a list
  return {
    connector,
    tape,
    async stop() {
      await connector.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
