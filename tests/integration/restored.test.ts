/** A backup of the books is restored while Temporal and the PSP remember more: nothing is paid twice, nothing that was called off is paid. */

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Backup, backUp } from '../../harness/backup.ts';
import { arrivals, type Receiver, startReceiver } from '../../harness/receiver.ts';
import { newWebhookSecret } from '../../src/crypto/newSecret.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fundBalance } from '../../src/ledger/postings.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutKind, PayoutRecord, PayoutRequest } from '../../src/payouts/rules/contract.ts';
import { BUILT_IN_POLICY } from '../../src/risk/rules/policy.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Owner, reserveRequest } from '../support/books.ts';
import { sealed } from '../support/encryption.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { startRelay } from '../support/relay.ts';
import { lookAfterRestore, resolvedAfterBackup, untilListed } from '../support/restoring.ts';

let engine: Engine;
let receiver: Receiver;
const workers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  [engine, receiver] = await Promise.all([startEngine(), startReceiver()]);
  await engine.db.owner.query('UPDATE merchants SET webhook_secret = $1', [sealed(newWebhookSecret())]);
  await engine.trustProviders();
});
afterAll(async () => {
  await engine?.stop();
  await receiver?.close();
});
beforeEach(startWorker);
afterEach(halt);

async function startWorker(): Promise<void> {
  workers.push(...(await Promise.all([engine.startWorker(), engine.startProviderPsp(), engine.startRuns()])));
}

async function halt(): Promise<void> {
  await Promise.all(workers.splice(0).map((stop) => stop()));
}

const afterRestore = (backup: Backup | undefined, options: { repair: boolean }) => lookAfterRestore(engine, backup, options);

async function restore(backup: Backup): Promise<void> {
  await halt();
  await untilListed(engine);
  await backup.restore();
}

const bank = (accountNumber: string) =>
  ({ type: 'bank', bankCode: 'HBL', accountNumber, iban: null, accountTitle: null }) as const;

const paid = async (id: string): Promise<number> =>
  (await engine.transfers(id)).filter(({ status, takenAt }) => status === 'paid' && takenAt !== null).length;

test('a payout that the books forgot is taken in again under its id: paid once, and a repeat of it is refused', async () => {
  const backup = await backUp(engine.db.ownerUrl);
  const reference = newId('ref');
  const done = await engine.pay('0001', { reference });
  const waiting = await engine.pay('0004');
  await engine.until(done.id, 'SUCCEEDED');
  await engine.until(waiting.id, 'PSP_QUEUED');
  await restore(backup);
  expect(await engine.ledger.read(done.id)).toBeUndefined();

  const told = await afterRestore(backup, { repair: false });
  expect(told.isWell).toBe(false);
  for (const { id } of [done, waiting]) expect(told.lines.join('\n')).toContain(`${id} was taken in after the backup`);
  expect(await engine.ledger.read(done.id)).toBeUndefined(); // it only looked

  expect((await afterRestore(backup, { repair: true })).isWell).toBe(true);
  await startWorker();
  await expect(engine.pay('0001', { reference })).rejects.toThrow('duplicate_reference');
  await engine.until(done.id, 'SUCCEEDED');
  await engine.until(waiting.id, 'PSP_QUEUED');
  await engine.force(waiting.id, 'paid');
  await engine.until(waiting.id, 'SUCCEEDED');
  expect([await paid(done.id), await paid(waiting.id)]).toEqual([1, 1]);
});

interface Kind {
  /** Who has 10.00 PKR, all that one payout takes, and asks for it. */
  owner(): Promise<{
    readonly id: string;
    readonly owner: Owner;
    pay(suffix: string, change?: Partial<PayoutRequest>): Promise<PayoutRecord>;
  }>;
  /** What sends it, where it waits. */
  send(): Promise<unknown>;
  /** What an operator reads where the money is not there. */
  readonly tooLittle: string;
}

/**
 * Every kind of payout that takes its owner's own money: one that is added has its way to be taken in again, and its test. A user's
 * takes over what a withdrawal holds, which the same backup has, or nobody can take it in again.
 */
const KINDS: Readonly<Record<Exclude<PayoutKind, 'user'>, Kind>> = {
  merchant: {
    async owner() {
      const id = newId('mer');
      await fundBalance(engine.db.pool, {
        merchantId: id,
        mode: 'test',
        currency: 'PKR',
        amountMinor: '1000',
        externalId: 'all',
      });
      const owner = { merchantId: id, mode: 'test' } as const;
      return { id, owner, pay: (suffix, change) => engine.pay(suffix, { merchantId: id, amountMinor: '1000', ...change }) };
    },
    send: async () => undefined,
    tooLittle: 'its merchant has too little available: credit what the books forgot first',
  },
  provider: {
    async owner() {
      const provider = await engine.provider('1000');
      const owner = { ...provider, mode: 'test' } as const;
      return { id: provider.providerId, owner, pay: (suffix, change) => engine.payProvider(provider, suffix, change) };
    },
    send: () => engine.run(),
    tooLittle: 'its provider has too little available: post the earnings that the books forgot first',
  },
};

const moneyOf = async (ownerId: string): Promise<unknown> =>
  (await engine.db.owner.query('SELECT available, reserved FROM balances WHERE owner_id = $1', [ownerId])).rows[0];

const expectBooksInOrder = async () =>
  expect((await checkInvariants(engine.db.pool)).filter(({ violations }) => violations > 0)).toEqual([]);

test.each(Object.entries(KINDS))(
  "a %s's payout that the books forgot is taken in again, from its owner's money: paid once, and that money is not spent twice",
  async (kind, { owner, send }) => {
    const mine = await owner();
    const backup = await backUp(engine.db.ownerUrl);
    const { id } = await mine.pay('0001');
    await send();
    await engine.until(id, 'SUCCEEDED');
    await restore(backup);
    expect(await moneyOf(mine.id)).toEqual({ available: '1000', reserved: '0' }); // to be asked for once more

    expect((await afterRestore(backup, { repair: true })).lines[0]).toBe(`${id} taken in again under its own id`);
    expect((await afterRestore(backup, { repair: true })).isWell).toBe(true); // again changes nothing
    expect(await engine.ledger.read(id)).toMatchObject({ kind, owner: { id: mine.id } });
    expect(await moneyOf(mine.id)).toEqual({ available: '0', reserved: '1000' });
    await expectBooksInOrder();
    await startWorker();
    await expect(mine.pay('0001')).rejects.toThrow('insufficient_balance');
    await send();
    await engine.until(id, 'SUCCEEDED');
    expect(await paid(id)).toBe(1);
    await expectBooksInOrder();
  },
);

test.each(Object.entries(KINDS))(
  "a %s's payout that the books forgot, and whose money is gone, is left to a person",
  async (_, { owner, send, tooLittle }) => {
    const mine = await owner();
    const backup = await backUp(engine.db.ownerUrl);
    const { id } = await mine.pay('0004');
    await send();
    await engine.until(id, 'PSP_QUEUED');
    await restore(backup);
    const other = reserveRequest(mine.owner, { amount: 1000n }); // of which Temporal knows nothing
    await engine.activities.reserve(other);
    const { lines, isWell } = await afterRestore(backup, { repair: true });
    expect({ isWell, line: lines[0] }).toEqual({
      isWell: false,
      line: expect.stringContaining(`${id} was taken in after the backup`),
    });
    expect(lines[0]).toContain(tooLittle);
    expect(await engine.ledger.read(id)).toBeUndefined();

    await engine.ledger.applyFact(other.payoutId, 'cancelled', { type: 'cancelled' }, 'system');
    expect((await afterRestore(backup, { repair: true })).isWell).toBe(true);
    expect(await moneyOf(mine.id)).toEqual({ available: '0', reserved: '1000' });
  },
);

test("a provider's payout that waited for a person waits for one again, though the books forgot why", async () => {
  const provider = await engine.provider('1000');
  const backup = await backUp(engine.db.ownerUrl);
  const strict = { ...BUILT_IN_POLICY.rules, minSuccesses: 1 };
  const sql = `INSERT INTO risk_policies (merchant_id, version, policy, created_by) VALUES ($1, 2, $2, 'adm_1')`;
  await engine.db.owner.query(sql, [provider.merchantId, strict]);
  const { id } = await engine.payProvider(provider, '0001');
  await engine.until(id, 'IN_REVIEW');
  await restore(backup);

  expect((await afterRestore(backup, { repair: true })).isWell).toBe(true);
  expect(await engine.ledger.read(id)).toMatchObject({
    state: 'IN_REVIEW',
    risk: { verdict: { decision: 'APPROVE' } },
    review: { reasons: [{ code: 'books_restored' }] },
  });
});

/** A payout that the PSP turns away (429), so that it waits in the queue and can be called off. */
async function turnedAway(accountNumber: string): Promise<string> {
  await engine.fault({ kind: 'rate_limit', match: { accountNumber }, params: { seconds: 3_600 } });
  const { id } = await engine.pay('', { destination: bank(accountNumber) });
  for (let now = await engine.ledger.read(id); now?.state !== 'QUEUED' || now.attempt === 0; now = await engine.ledger.read(id)) {
    await sleep(50);
  }
  return id;
}

test('a payout that was cancelled after the backup is held, not paid', async () => {
  const id = await turnedAway('555000111222');
  const backup = await backUp(engine.db.ownerUrl);
  expect((await engine.command(id, { type: 'cancelled', by: engine.merchantId })).outcome).toBe('done');
  await restore(backup);
  await control('DELETE', 'faults');
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'QUEUED' });

  const { lines } = await afterRestore(backup, { repair: true });
  expect(lines).toContain(`${id} held, for an operator to release or reject`);
  await startWorker();
  expect((await engine.command(id, { type: 'cancelled', by: engine.merchantId })).outcome).toBe('done');
  expect(await engine.transfers(id)).toEqual([]);
});

test('a payout that somebody held and that the books forgot is held again, not paid', async () => {
  const backup = await backUp(engine.db.ownerUrl);
  const id = await turnedAway('555000111444');
  const held = { type: 'held', adminId: 'adm_1', reason: 'a look first' } as const;
  for (let outcome = ''; outcome !== 'done'; ) outcome = (await engine.command(id, held)).outcome; // not while a send is on the wire
  await restore(backup);
  await control('DELETE', 'faults');

  expect((await afterRestore(backup, { repair: true })).isWell).toBe(true);
  await startWorker();
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'ON_HOLD' });
  expect((await engine.command(id, { type: 'hold_lifted', adminId: 'adm_1' })).outcome).toBe('done');
  await engine.until(id, 'SUCCEEDED');
  expect(await paid(id)).toBe(1);
});

test('a payout that was on the wire, and that an operator closed as not paid after the backup, is looked up and not sent', async () => {
  const notPaid = { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'the PSP says so' } as const;
  const { id, backup } = await resolvedAfterBackup(engine, bank('555000111333'), notPaid);
  await restore(backup);
  await control('DELETE', 'faults');
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNKNOWN' });

  expect((await afterRestore(backup, { repair: true })).isWell).toBe(true);
  await startWorker();
  await sleep(2 * SHORT_TIMES.notFoundGraceMs); // by then, one whose outcome is unknown would have gone again
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNRESOLVED', needsOperator: true });
  expect(await engine.transfers(id)).toEqual([]);
  expect((await engine.command(id, notPaid)).outcome).toBe('done');
});

test('a payout that was tried again and paid after the backup goes on in that round, under the key that the PSP knows', async () => {
  const { id } = await engine.pay('0004');
  await engine.until(id, 'PSP_QUEUED');
  await decide(id, 1, 'failed');
  const failed = await engine.until(id, 'FAILED');
  const backup = await backUp(engine.db.ownerUrl);
  const opening = { type: 'reinitiate', payoutId: id, round: 2, by: engine.merchantId, requestId: newId('req') } as const;
  await engine.payouts.accept({ ...failed, payoutId: id }, opening);
  await engine.until(id, 'PSP_QUEUED');
  await decide(id, 2, 'paid');
  await engine.until(id, 'SUCCEEDED');
  await restore(backup);
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'FAILED', round: 1 });

  const { lines, isWell } = await afterRestore(backup, { repair: true });
  expect({ lines, isWell }).toMatchObject({
    lines: [`${id} opened again in that round, under the same keys`, {}, {}],
    isWell: true,
  });
  await startWorker();
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ round: 2, attempt: 2 });
  expect(await paid(id)).toBe(1);
});

/** As the bank decides on an attempt that the PSP has queued; its callback reaches us. */
async function decide(payoutId: string, attempt: number, status: 'paid' | 'failed'): Promise<void> {
  await control('POST', `transfers/${payoutId}:${attempt}`, { status });
  await engine.payouts.notice(payoutId, attempt, { messageId: newId('msg'), attempt, claim: status });
}

async function control(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void> {
  const request = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const answer = await fetch(`${engine.sandbox.url}/control/${path}`, request);
  if (!answer.ok) throw new Error(`the sandbox refused: ${await answer.text()}`);
}

test('a payout under way follows books that are older than it: its attempt goes again under the same key, and nothing spins', async () => {
  const accountNumber = '777000110002';
  const times = { ...SHORT_TIMES, retryWaitMs: 10_000, retryWaitMaxMs: 10_000, outcomeDeadlineMs: 600_000 };
  const patient = createPayoutsClient(engine.client, { times, allowSignalDecisions: true });
  const { id } = await engine.pay('', { destination: bank(accountNumber) }, patient);
  await engine.until(id, 'RETRY_WAIT');
  const backup = await backUp(engine.db.ownerUrl);
  // Longer than we wait for an answer: the PSP pays the second attempt, and nobody can be told so.
  await engine.fault({ kind: 'delay', match: { accountNumber }, params: { ms: 2_500 } });
  await engine.until(id, 'UNKNOWN');
  while ((await paid(id)) === 0) await sleep(100);
  await backup.restore(); // under the feet of the worker
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'RETRY_WAIT', attempt: 1 });
  await control('DELETE', 'faults');

  await engine.until(id, 'SUCCEEDED');
  expect(await engine.ledger.read(id)).toMatchObject({ attempt: 2 });
  expect(await paid(id)).toBe(1);
  expect((await engine.client.workflow.getHandle(`payout/${id}`).describe()).historyLength).toBeLessThan(200);
});

test('Temporal is lost: messages of payouts that have ended are taken up too, so that no return is missed, and their webhooks need nobody', async () => {
  const { id } = await engine.pay('0001', { callbackUrl: receiver.url }); // its webhooks wait: no relay runs here
  await engine.until(id, 'SUCCEEDED');
  await engine.client.workflow.getHandle(`payout/${id}`).result();
  await halt();
  await control('POST', `transfers/${id}:1`, { status: 'returned' });
  await engine.db.owner.query(
    `INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body)
     VALUES ($1, 'sandbox', $1, $2, $3, 1, 'returned', '{}')`,
    [newId('msg'), `${id}:1`, id],
  );

  const { lines, isWell } = await afterRestore(undefined, { repair: true });
  expect(lines[0]).toMatch(/^Taken up: \d+ open payouts, 1 messages of the PSP.$/);
  expect(isWell).toBe(true);
  await startWorker();
  await engine.until(id, 'RETURNED');
  const stopRelay = startRelay(engine.db.pool);
  const told = (await arrivals(receiver, 4)).map(({ body }) => (JSON.parse(body) as { type: string }).type);
  await stopRelay();
  expect(told).toEqual(['payout.created', 'payout.processing', 'payout.succeeded', 'payout.returned']);
});

test('whoever follows events is told that the books begin anew, when they are repaired and not when they are looked at', async () => {
  const epoch = async (): Promise<number> => (await engine.db.pool.query('SELECT max(epoch) AS epoch FROM epochs')).rows[0].epoch;
  const before = await epoch();
  await afterRestore(undefined, { repair: false });
  expect(await epoch()).toBe(before);
  await halt();
  await afterRestore(undefined, { repair: true });
  expect(await epoch()).toBe(before + 1);
  await startWorker();
});

test('nothing is repaired while an API or a worker is at work', async () => {
  const backup = await backUp(engine.db.ownerUrl);
  const other = new pg.Client({ connectionString: engine.db.appUrl, application_name: 'oncepay worker' });
  await other.connect();
  await expect(afterRestore(backup, { repair: true })).rejects.toThrow('Stop APIs and workers first: oncepay worker');
  await other.end();
});
