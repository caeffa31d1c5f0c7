/** What operators do to a payout that is under way, put to real workflows and PSPs: quicker, never twice. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createPspActivities } from '../../activities/payouts/psp.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutRequest, PayoutTimes } from '../../src/payouts/rules/contract.ts';
import { createPspRegistry, type PspRegistry } from '../../src/psp/registry.ts';
import { startSandbox } from '../../src/psp/sandbox/server.ts';
import type { Simulator } from '../../src/psp/simulator/server.ts';
import { newId } from '../../src/rules/newId.ts';
import { emptyDatabase } from '../support/database.ts';
import { type Door, openDoor } from '../support/door.ts';
import { type Admins, everyRole } from '../support/doorWorld.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { beginPause, endPause } from '../support/pauses.ts';
import { eventually } from '../support/payouts.ts';

/** Whoever waits for any of these is not seen again by a test: what goes on sooner was told to. */
const HOUR = 3_600_000;
const PATIENT: PayoutTimes = {
  ...SHORT_TIMES,
  retryWaitMs: HOUR,
  retryWaitMaxMs: HOUR,
  firstLookUpMs: HOUR,
  lookUpMaxMs: HOUR,
  outcomeDeadlineMs: HOUR,
};

let engine: Engine;
let door: Door;
let admins: Admins;
let other: Simulator;
let registry: PspRegistry;
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  closings.push(() => engine.stop());
  const book = await emptyDatabase();
  closings.push(() => book.stop());
  const settings = { apiKey: 'sandbox-key', webhookSecret: 'sandbox-secret' };
  other = await startSandbox({ ...settings, databaseUrl: book.url, port: 0, callbackUrl: 'http://127.0.0.1:9/' });
  closings.push(() => other.close());
  registry = createPspRegistry({ sandbox: { ...settings, baseUrl: other.url, timeoutMs: 1_000 } });
  closings.push(() => registry.close());
  // A second sandbox under the other name that there is.
  const second = registry.byName('sandbox', 'test');
  const first = createPspRegistry({ sandbox: { ...settings, baseUrl: engine.sandbox.url, timeoutMs: 1_000 } });
  closings.push(() => first.close());
  const connector: PspRegistry['byName'] = (name, mode) =>
    name === 'flutterwave' ? second && { ...second, name } : first.byName(name, mode);
  const psp = createPspActivities({ ledger: engine.ledger, pool: engine.db.pool, connector });
  door = await openDoor({ db: engine.db, payouts: engine.payouts });
  closings.push(() => door.stop());
  admins = await everyRole(door);
  closings.push(await engine.startWorker({ activities: { ...engine.activities, ...psp } }), await engine.startProviderPsp());
  closings.push(await engine.startRuns());
  await engine.trustProviders();
});
afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

const patient = () => createPayoutsClient(engine.client, { times: PATIENT, allowSignalDecisions: true });
const pay = async (suffix: string, change: Partial<PayoutRequest> = {}) => (await engine.pay(suffix, change, patient())).id;

/** As a client should: under a key, and again for as long as no worker has answered. */
async function ask(id: string, action: string, body: object = { reason: 'the payee waits' }) {
  const headers = { 'x-idempotency-key': newId('try') };
  for (;;) {
    const answer = await door.call('POST', `/api/admin/payouts/${id}/${action}`, { key: admins.operator.key, body, headers });
    if (answer.status !== 202) return answer;
  }
}
const refused = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body['code']];
const taken = async (id: string) => (await engine.transfers(id)).filter(({ takenAt }) => takenAt !== null);
const takenByOther = async (id: string) => {
  const answer = await fetch(`${other.url}/control/transfers?reference=${id}`);
  return ((await answer.json()) as { data: { takenAt: string | null; reference: string }[] }).data.filter(
    ({ takenAt }) => takenAt !== null,
  );
};
const account = (() => {
  let serial = 0;
  return () => {
    serial += 1;
    return `7${String(serial).padStart(9, '0')}1111`;
  };
})();
async function payWithFault(fault: object): Promise<string> {
  const accountNumber = account();
  await engine.fault({ ...fault, match: { accountNumber } });
  return await pay('', { destination: { type: 'bank', bankCode: 'HBL', accountNumber, iban: null, accountTitle: null } });
}
const types = async (id: string): Promise<string[]> =>
  (await engine.db.owner.query('SELECT type FROM events WHERE subject_id = $1 ORDER BY sequence', [id])).rows.map(
    ({ type }) => type,
  );

describe('send now', () => {
  test('makes the next attempt at once, and says in the audit log and the timeline who wanted it', async () => {
    const id = await pay('0002');
    await engine.until(id, 'RETRY_WAIT');
    const { status, body } = await ask(id, 'send-now');
    expect([status, body.status]).toEqual([200, 'PENDING']);
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 2 });
    expect((await taken(id)).filter((each) => each.status === 'paid')).toHaveLength(1);
    const audit = await door.call('GET', `/api/admin/audit?target=${id}`, { key: admins.admin.key });
    expect(audit.body.data).toMatchObject([
      { action: 'payout.send-now', adminId: admins.operator.id, data: { note: 'the payee waits', outcome: 'done' } },
    ]);
    const { rows } = await engine.db.owner.query(`SELECT actor FROM events WHERE subject_id = $1 AND actor LIKE 'admin:%'`, [id]);
    expect(rows).toEqual([{ actor: `admin:${admins.operator.id}` }]);
  });

  test('asks a PSP again that was busy, under the same key', async () => {
    const id = await payWithFault({ kind: 'rate_limit', times: 1 });
    await eventually(async () => expect(await engine.ledger.read(id)).toMatchObject({ state: 'QUEUED', attemptOpen: true }));
    expect((await ask(id, 'send-now')).status).toBe(200);
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
    expect(await taken(id)).toHaveLength(1);
  });

  test('sends a provider’s payout before its run, which then leaves it alone', async () => {
    const { id } = await engine.payProvider(await engine.provider('5000'), '0001');
    await engine.until(id, 'QUEUED');
    expect((await ask(id, 'send-now', {})).status).toBe(200);
    await engine.until(id, 'SUCCEEDED');
    await engine.run();
    expect(await taken(id)).toHaveLength(1);
  });

  test('does not reach past a pause', async () => {
    const id = await pay('0002');
    await engine.until(id, 'RETRY_WAIT');
    const by = await beginPause(engine.db.pool, ['merchant', engine.merchantId]);
    await ask(id, 'send-now');
    await eventually(async () => expect((await engine.ledger.read(id))?.pausedBy).toBe(by));
    expect(await engine.ledger.read(id)).toMatchObject({ attempt: 1 });
    await endPause(engine.db.pool, by);
    expect((await ask(id, 'send-now')).status).toBe(200); // and need not wait to be let go
    await engine.until(id, 'SUCCEEDED');
  });

  test('is 409 where nothing waits to be sent', async () => {
    const id = await pay('0004');
    await engine.until(id, 'PSP_QUEUED');
    expect(refused(await ask(id, 'send-now'))).toEqual([409, 'wrong_state']);
  });
});

describe('look up now', () => {
  test('finds out at once what the schedule would ask in an hour', async () => {
    const id = await pay('0004');
    await engine.until(id, 'PSP_QUEUED');
    await engine.force(id, 'paid');
    expect((await ask(id, 'look-up-now')).status).toBe(200);
    await engine.until(id, 'SUCCEEDED');
    expect(await types(id)).toContain('payout.look_up_asked');
    expect(await taken(id)).toHaveLength(1);
  });

  test('is 409 before anything was sent, and when it is over', async () => {
    const id = await pay('0002');
    await engine.until(id, 'RETRY_WAIT');
    expect(refused(await ask(id, 'look-up-now'))).toEqual([409, 'wrong_state']);
    await engine.command(id, { type: 'cancelled', by: engine.merchantId });
    await engine.until(id, 'CANCELLED');
    expect(refused(await ask(id, 'look-up-now'))).toEqual([409, 'wrong_state']);
  });
});

describe('give up waiting', () => {
  test('hands it to an operator with the money reserved, who can resolve it', async () => {
    const id = await pay('0004');
    await engine.until(id, 'PSP_QUEUED');
    const { status, body } = await ask(id, 'give-up');
    expect([status, body.status, body.waitingOn]).toEqual([200, 'PROCESSING', 'operator']);
    expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNRESOLVED', needsOperator: true, unproven: [1] });
    expect((await ask(id, 'resolve', { outcome: 'not_paid', evidence: 'their support, ticket 7' })).status).toBe(200);
    expect(await engine.until(id, 'FAILED')).toMatchObject({ needsOperator: false });
  });

  test('of an outcome that nobody knows; and the PSP’s own word counts as before', async () => {
    const id = await payWithFault({ kind: 'cut_after', times: 1 });
    await eventually(async () => expect((await engine.ledger.read(id))?.state).toMatch(/^(UNKNOWN|SUCCEEDED)$/));
    await ask(id, 'give-up'); // or a look-up was quicker
    await ask(id, 'look-up-now');
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ needsOperator: false });
    expect(await taken(id)).toHaveLength(1);
  });

  test('is 409 before it is sent', async () => {
    const id = await pay('0002');
    await engine.until(id, 'RETRY_WAIT');
    expect(refused(await ask(id, 'give-up'))).toEqual([409, 'wrong_state']);
  });
});

describe('another PSP', () => {
  const route = (id: string, psp = 'flutterwave') => ask(id, 'route', { psp, reason: 'the first one is down' });

  test('pays what the first one certainly did not take, once, and the money is booked as its own', async () => {
    const id = await payWithFault({ kind: 'rate_limit', times: 1 });
    await eventually(async () => expect(await engine.ledger.read(id)).toMatchObject({ state: 'QUEUED', attemptOpen: true }));
    const { status, body } = await route(id);
    expect([status, body.psp]).toEqual([200, { name: 'flutterwave', reference: null }]);
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 2, psp: 'flutterwave' });
    expect([await taken(id), (await takenByOther(id)).map(({ reference }) => reference)]).toEqual([[], [`${id}:2`]]);
    const { rows } = await engine.db.owner.query(
      `SELECT a.owner_id AS psp FROM ledger_entries e JOIN accounts a ON a.id = e.credit_account WHERE e.subject_id = $1 AND e.type = 'SETTLE'`,
      [id],
    );
    expect(rows).toEqual([{ psp: 'flutterwave' }]);
    expect(await types(id)).toContain('payout.routed');
  });

  test('pays the next attempt of a payout whose PSP is paused', async () => {
    const id = await pay('0002');
    await engine.until(id, 'RETRY_WAIT');
    const by = await beginPause(engine.db.pool, ['psp', 'sandbox']);
    await ask(id, 'send-now');
    await eventually(async () => expect((await engine.ledger.read(id))?.pausedBy).toBe(by));
    expect((await route(id)).status).toBe(200);
    await engine.until(id, 'SUCCEEDED');
    expect((await takenByOther(id)).map(({ reference }) => reference)).toEqual([`${id}:2`]);
    await endPause(engine.db.pool, by);
  });

  test('never gets what may still be paid by the first one', async () => {
    const queued = await pay('0004');
    await engine.until(queued, 'PSP_QUEUED');
    const given = await pay('0004');
    await engine.until(given, 'PSP_QUEUED');
    await ask(given, 'give-up');
    for (const id of [queued, given]) {
      expect(refused(await route(id))).toEqual([409, 'attempt_alive']);
      expect(await engine.ledger.read(id)).toMatchObject({ psp: 'sandbox' });
      expect(await takenByOther(id)).toEqual([]);
    }
  });

  test('is one that there is, and another one; and nothing is routed that is over', async () => {
    const id = await pay('0002');
    await engine.until(id, 'RETRY_WAIT');
    expect(refused(await route(id, 'nobody'))).toEqual([422, 'psp_not_configured']);
    expect(refused(await route(id, 'sandbox'))).toEqual([409, 'wrong_state']);
    await engine.command(id, { type: 'cancelled', by: engine.merchantId });
    await engine.until(id, 'CANCELLED');
    expect(refused(await route(id))).toEqual([409, 'wrong_state']);
    expect((await ask(`po_${'0'.repeat(32)}`, 'route', { psp: 'flutterwave' })).status).toBe(404);
  });
});
