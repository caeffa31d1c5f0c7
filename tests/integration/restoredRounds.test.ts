/**
 * Books are restored from a backup that is older than a payout's last round, or than what a bank did after its end: nothing
 * is paid twice, nothing that was called off is paid, and no payment or return is lost.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { createPspActivities } from '../../activities/payouts/psp.ts';
import { type Backup, backUp } from '../../harness/backup.ts';
import { fundBalance } from '../../src/ledger/postings.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { Claim } from '../../src/payouts/rules/contract.ts';
import type { PspConnector } from '../../src/psp/port.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { type Looked, lookAfterRestore, resolvedAfterBackup, untilListed } from '../support/restoring.ts';

let engine: Engine;
let psps: ReturnType<typeof createPspRegistry>;
const workers: (() => Promise<void>)[] = [];
/** References that the PSP refuses at its door today: nothing is taken, nothing stands in its book. */
const refused = new Set<string>();

beforeAll(async () => {
  engine = await startEngine();
  psps = createPspRegistry({
    sandbox: { baseUrl: engine.sandbox.url, apiKey: 'sandbox-key', webhookSecret: 'sandbox-secret', timeoutMs: 1_000 },
  });
});
afterAll(async () => {
  await psps?.close();
  await engine?.stop();
});
beforeEach(startWorker);
afterEach(halt);

async function startWorker(): Promise<void> {
  const connector: typeof psps.byName = (name, mode) => {
    const real = psps.byName(name, mode);
    return real && withClosedDoor(real);
  };
  const psp = createPspActivities({ ledger: engine.ledger, pool: engine.db.pool, connector });
  workers.push(await engine.startWorker({ activities: { ...engine.activities, ...psp } }));
}

const withClosedDoor = (real: PspConnector): PspConnector => ({
  name: real.name,
  lookUp: (order, signal) => real.lookUp(order, signal),
  parseCallback: (raw, headers) => real.parseCallback(raw, headers),
  verifyAccount: (destination, signal) => real.verifyAccount(destination, signal),
  submit: async (order, signal) =>
    refused.has(order.reference)
      ? { kind: 'failed', pspRef: null, failure: { class: 'E', code: 'no_account', message: 'name enquiry failed' } }
      : await real.submit(order, signal),
});

async function halt(): Promise<void> {
  await Promise.all(workers.splice(0).map((stop) => stop()));
}

async function restore(backup: Backup): Promise<void> {
  await halt();
  await untilListed(engine);
  await backup.restore();
}

const look = (backup: Backup, options: { repair: boolean; statement?: boolean }) =>
  lookAfterRestore(engine, backup, { statement: true, ...options });

/** Of what a look found, that of this payout. */
const of = (id: string, { lines }: Looked): string[] => lines.filter((line) => line.includes(id));

const bank = (accountNumber: string) =>
  ({ type: 'bank', bankCode: 'HBL', accountNumber, iban: null, accountTitle: null }) as const;

const paid = async (id: string): Promise<string[]> =>
  (await engine.transfers(id)).flatMap(({ reference, status, takenAt }) =>
    status === 'paid' && takenAt !== null ? [reference.split(':')[1] ?? ''] : [],
  );

async function again(id: string, round: number, by = engine.merchantId) {
  const payout = await engine.ledger.read(id);
  if (!payout) throw new Error('the books have forgotten it');
  const opening = { type: 'reinitiate', payoutId: id, round, by, requestId: newId('req') } as const;
  return await engine.payouts.accept({ ...payout, payoutId: id }, opening);
}

/** As long as it would take one that is sent by itself. */
const untilSent = () => sleep(2 * SHORT_TIMES.notFoundGraceMs + 1_000);

const withoutFaults = () => fetch(`${engine.sandbox.url}/control/faults`, { method: 'DELETE' });

/** The bank decides on an attempt, and its callback reaches us. */
async function decide(
  id: string,
  attempt: number,
  status: 'paid' | 'failed' | 'returned',
  round = attempt,
  reason = 'declined_by_bank',
): Promise<void> {
  await engine.force(id, status, { attempt, ...(status === 'failed' ? { reason } : {}) });
  await engine.payouts.notice(id, round, { messageId: newId('msg'), attempt, claim: status satisfies Claim });
}

/** Waits in QUEUED with nothing at the PSP. */
async function turnedAway(accountNumber: string, change = {}): Promise<string> {
  await engine.fault({ kind: 'rate_limit', match: { accountNumber }, params: { seconds: 1 }, times: 1_000 });
  const { id } = await engine.pay('', { destination: bank(accountNumber), ...change });
  for (let now = await engine.ledger.read(id); now?.state !== 'QUEUED' || now.attempt === 0; now = await engine.ledger.read(id)) {
    await sleep(50);
  }
  return id;
}

const resolvedPaid = { type: 'resolved_paid', adminId: 'adm_1', evidence: 'line 2 of the statement', attempts: [1] } as const;

/** Nobody has sent it, somebody must decide on it, and once that is done it was paid once. */
async function expectLeftToOperator(id: string): Promise<void> {
  await startWorker();
  await untilSent();
  expect(await engine.until(id, 'UNRESOLVED')).toMatchObject({ needsOperator: true });
  expect((await engine.command(id, resolvedPaid)).outcome).toBe('done');
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ id });
}

test.each([
  ['with the statement in hand', true],
  ['from Temporal alone', false],
])(
  'a payout that was refused, tried again and paid after a backup in which it is queued is not paid twice: %s',
  async (_, statement) => {
    const id = await turnedAway(statement ? '901000110001' : '901000110002');
    const backup = await backUp(engine.db.ownerUrl);
    refused.add(`${id}:1`);
    await withoutFaults();
    await engine.until(id, 'FAILED');
    expect(await again(id, 2)).toMatchObject({ accepted: { outcome: 'accepted' } });
    await engine.until(id, 'SUCCEEDED');
    expect(await paid(id)).toEqual(['2']);
    refused.clear(); // the bank's name enquiry works again
    await restore(backup);
    expect(of(id, await look(backup, { repair: false, statement })).join()).toContain('may have been paid in a way');

    expect(of(id, await look(backup, { repair: true, statement })).join()).toContain('left to an operator');
    await expectLeftToOperator(id);
    expect(await paid(id)).toEqual(['2']);
  },
);

test('a payout that the books forgot, with two rounds of which the second paid, is taken in again and not paid twice', async () => {
  const account = bank('902000110001');
  const backup = await backUp(engine.db.ownerUrl);
  await engine.fault({ kind: 'down', match: { accountNumber: account.accountNumber } });
  const { id } = await engine.pay('', { destination: account });
  await engine.until(id, 'UNRESOLVED');
  const notPaid = { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'the PSP was down', attempts: [1] } as const;
  expect((await engine.command(id, notPaid)).outcome).toBe('done');
  await engine.until(id, 'FAILED');
  await withoutFaults();
  expect(await again(id, 2)).toMatchObject({ accepted: { outcome: 'accepted' } });
  await engine.until(id, 'SUCCEEDED');
  await restore(backup);

  expect(of(id, await look(backup, { repair: true })).join()).toContain('taken in again under its own id [it was tried again');
  await expectLeftToOperator(id);
  expect(await paid(id)).toEqual(['2']);
});

test('a payout that failed after the backup, and was refused another round, is held, not paid', async () => {
  const merchantId = newId('mer');
  await engine.db.owner.query(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, 'Test', 'unused')`, [merchantId]);
  await fundBalance(engine.db.pool, { merchantId, mode: 'test', currency: 'PKR', amountMinor: '10000', externalId: 'start' });
  const id = await turnedAway('903000110001', { merchantId });
  const backup = await backUp(engine.db.ownerUrl);
  refused.add(`${id}:1`);
  await withoutFaults();
  await engine.until(id, 'FAILED');
  await engine.pay('0004', { merchantId }); // spends it
  expect(await again(id, 2, merchantId)).toMatchObject({ accepted: { outcome: 'refused' } });
  refused.clear();
  await restore(backup);

  await look(backup, { repair: true });
  await startWorker();
  await untilSent();
  await engine.until(id, 'ON_HOLD');
  expect(await engine.transfers(id)).toEqual([]);
});

test('a payout whose third round paid, two of them forgotten, keeps its money until the books have come to that payment', async () => {
  const { id } = await engine.pay('0004');
  await engine.until(id, 'PSP_QUEUED');
  await decide(id, 1, 'failed');
  await engine.until(id, 'FAILED');
  const backup = await backUp(engine.db.ownerUrl);
  for (const [round, status, state] of [[2, 'failed', 'FAILED'], [3, 'paid', 'SUCCEEDED']] as const) {
    await again(id, round);
    await engine.until(id, 'PSP_QUEUED');
    await decide(id, round, status);
    await engine.until(id, state);
  } // biome-ignore format: a table
  await restore(backup);

  await look(backup, { repair: true });
  await startWorker();
  await untilSent();
  expect(await engine.until(id, 'ON_HOLD')).toMatchObject({ round: 2 }); // neither failed nor sent
  expect(of(id, await look({ ...backup }, { repair: false, statement: false }))).toHaveLength(1);
  // As the runbook says: the PSP knows every key up to the one that it paid.
  expect((await engine.command(id, { type: 'hold_lifted', adminId: 'adm_1' }, 2)).outcome).toBe('done');
  await engine.until(id, 'FAILED');
  expect(await again(id, 3)).toMatchObject({ accepted: { outcome: 'accepted' } });
  await engine.until(id, 'SUCCEEDED');
  expect(await paid(id)).toEqual(['3']);
  expect(of(id, await look(backup, { repair: false }))).toEqual([]);
});

test('a payout that a person resolved as paid after the backup is not sent again', async () => {
  const { id, backup } = await resolvedAfterBackup(engine, bank('904000110001'), resolvedPaid);
  await engine.until(id, 'SUCCEEDED');
  await restore(backup);
  await withoutFaults();

  expect(of(id, await look(backup, { repair: true, statement: false })).join()).toContain('a person had found out');
  await expectLeftToOperator(id);
  expect(await paid(id)).toEqual([]);
});

test('a payout on the wire that failed after the backup, and was cancelled before its next attempt, gets no next attempt', async () => {
  const times = { ...SHORT_TIMES, retryWaitMs: 60_000, retryWaitMaxMs: 60_000 };
  const via = createPayoutsClient(engine.client, { times, allowSignalDecisions: true });
  const { id } = await engine.pay('0004', {}, via);
  await engine.until(id, 'PSP_QUEUED');
  const backup = await backUp(engine.db.ownerUrl);
  await decide(id, 1, 'failed', 1, 'bank_unavailable');
  await engine.until(id, 'RETRY_WAIT');
  expect((await engine.command(id, { type: 'cancelled', by: engine.merchantId })).outcome).toBe('done');
  await engine.until(id, 'CANCELLED');
  await restore(backup);

  expect(of(id, await look(backup, { repair: true })).join()).toContain('closed again as not paid');
  await startWorker();
  await untilSent();
  expect(await engine.until(id, 'FAILED')).toMatchObject({ attempt: 1 });
  expect(await engine.transfers(id)).toMatchObject([{ reference: `${id}:1`, status: 'failed' }]);
});

test('a payout that was cancelled after the backup is held, though a stranger has started a workflow under its id since', async () => {
  const id = await turnedAway('905000110001');
  const backup = await backUp(engine.db.ownerUrl);
  for (let outcome = ''; outcome !== 'done'; ) {
    outcome = (await engine.command(id, { type: 'cancelled', by: engine.merchantId })).outcome; // not while a send is on the wire
  }
  await engine.client.workflow.getHandle(`payout/${id}`).result();
  const stranger = new Client({ connection: engine.env.connection });
  for (const workflowId of [`payout/${id}`, `payout/${id}/9`]) {
    const theirs = await stranger.workflow.start('payout', { workflowId, taskQueue: 'payouts', args: [{}] });
    await expect(theirs.result()).rejects.toThrow(); // refused at once, as it must be
  }
  await restore(backup);
  await withoutFaults();

  expect(of(id, await look(backup, { repair: true }))).toEqual([`${id} held, for an operator to release or reject`]);
  await startWorker();
  await untilSent();
  await engine.until(id, 'ON_HOLD');
  expect(await engine.transfers(id)).toEqual([]);
});

test.each([
  ['came back from its bank', 'returned', 'RETURNED'],
  ['was paid again after it had come back', 'paid', 'SUCCEEDED'],
] as const)('a payout that %s after the backup is booked so', async (_, status, state) => {
  const { id } = await engine.pay('0001');
  await engine.until(id, 'SUCCEEDED');
  if (status === 'paid') {
    await decide(id, 1, 'returned');
    await engine.until(id, 'RETURNED');
  }
  const backup = await backUp(engine.db.ownerUrl);
  await decide(id, 1, status);
  await engine.until(id, state);
  // Whichever of the two took it: nothing is under way any more.
  const { workflow } = engine.client;
  await Promise.allSettled([`payout/${id}`, `payout-return/${id}`].map((each) => workflow.getHandle(each).result()));
  await restore(backup);
  expect(of(id, await look(backup, { repair: false }))).toHaveLength(1);

  expect(of(id, await look(backup, { repair: true })).join()).toContain('handed to it as a message of the PSP');
  await look(backup, { repair: true }); // again changes nothing
  await startWorker();
  await engine.until(id, state);
  expect(of(id, await look(backup, { repair: false }))).toEqual([]);
  const { rows } = await engine.db.owner.query('SELECT state FROM psp_messages WHERE payout_id = $1', [id]);
  expect(rows.map((row: { state: string }) => row.state)).toEqual(['applied']);
});
