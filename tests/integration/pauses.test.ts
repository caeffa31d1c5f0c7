/** A pause as operators begin and end it, on a real engine: nothing new is sent meanwhile, and all goes on by itself afterwards. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createMaintenanceActivities } from '../../activities/maintenance.ts';
import { createPauseActivities, type PauseActivities } from '../../activities/pauses.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { type Door, openDoor } from '../support/door.ts';
import { type Admins, everyRole } from '../support/doorWorld.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { beginPause, endPause, type PauseOver } from '../support/pauses.ts';
import { eventually } from '../support/payouts.ts';

let engine: Engine;
let door: Door;
let admins: Admins;
let key: string;
let stopWorker: () => Promise<void>;
let letGoPaused: PauseActivities['letGoPaused'];

beforeAll(async () => {
  engine = await startEngine();
  letGoPaused = async () => {
    const activities = createPauseActivities({ pool: engine.db.pool, payouts: engine.payouts });
    return (await new MockActivityEnvironment().run(activities.letGoPaused)) as { told: number };
  };
  door = await openDoor({ db: engine.db, payouts: engine.payouts, pauses: { letGo: async () => void (await letGoPaused()) } });
  admins = await everyRole(door);
  key = await door.key(engine.merchantId);
  stopWorker = await engine.startWorker();
});
afterAll(async () => {
  await stopWorker();
  await door.stop();
  await engine.stop();
});
afterEach(async () => {
  await engine.db.owner.query(`UPDATE pauses SET resumed_at = now(), resumed_by = 'adm_1' WHERE resumed_at IS NULL`);
});

const post = (path: string, body?: unknown, by = admins.operator, headers?: Record<string, string>) =>
  door.call('POST', `/api/admin/pauses${path}`, {
    key: by.key,
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
const pause = async (scope: object = { kind: 'psp', name: 'sandbox' }, more: object = {}): Promise<string> => {
  const { status, body } = await post('', { scope, reason: 'the PSP pays twice', ...more });
  expect(status).toBe(201);
  return body.id;
};
const resume = (id: string) => post(`/${id}/resume`);
const quiet = (...over: PauseOver) => beginPause(engine.db.pool, over);

/** Until it has met the pause. */
async function waiting(id: string, state = 'QUEUED'): Promise<PayoutRecord> {
  let payout: PayoutRecord | undefined;
  await eventually(async () => {
    payout = await engine.ledger.read(id);
    expect(payout).toMatchObject({ state, pausedBy: expect.any(String) });
  });
  return payout as PayoutRecord;
}

const askedFor = async (id: string): Promise<number> =>
  (await engine.transfers(id)).reduce((sum, { requests }) => sum + requests, 0);
const paidOnce = async (id: string): Promise<void> => {
  await engine.until(id, 'SUCCEEDED');
  expect((await engine.transfers(id)).filter(({ takenAt }) => takenAt !== null)).toHaveLength(1);
};
const timeline = async (id: string): Promise<string[]> => {
  const { body } = await door.call('GET', `/api/v1/payouts/${id}/timeline`, { key });
  return body.data.map(({ type }: { type: string }) => type);
};

describe('a payout under a pause', () => {
  test('is taken in and its money reserved, its merchant reads what it waits for, and it is paid once after the pause', async () => {
    const by = await pause();
    const { id } = await engine.pay('0001');
    await waiting(id);
    const { body } = await door.call('GET', `/api/v1/payouts/${id}`, { key });
    expect(body).toMatchObject({ status: 'PENDING', waitingOn: 'pause', attempts: 0 });
    expect(JSON.stringify(body)).not.toContain('pays twice');
    const told = await door.call('GET', `/api/v1/payouts/${id}/timeline`, { key });
    expect(told.body.data.at(-1)).toMatchObject({ type: 'payout.paused', from: 'PENDING', to: 'PENDING', data: {} });
    expect(await askedFor(id)).toBe(0);
    const { status, body: ended } = await resume(by);
    expect([status, ended.status]).toEqual([200, 'ended']);
    await paidOnce(id);
    expect(await timeline(id)).toEqual(['payout.created', 'payout.paused', 'payout.processing', 'payout.succeeded']);
  });

  test('costs Temporal nothing while it waits, and may be cancelled', async () => {
    await pause({ kind: 'all' });
    const { id } = await engine.pay('0001');
    await waiting(id);
    const handle = engine.client.workflow.getHandle(`payout/${id}`);
    await eventually(async () => {
      const { events } = await handle.fetchHistory();
      expect(Object.keys(events?.at(-1) ?? {})).toContain('timerStartedEventAttributes'); // it has heard, and waits
    });
    const before = (await handle.describe()).historyLength;
    await new Promise((resolve) => setTimeout(resolve, 2_000)); // ten times the wait before a next attempt
    expect((await handle.describe()).historyLength).toBe(before);
    expect(await engine.command(id, { type: 'cancelled', by: engine.merchantId })).toMatchObject({ outcome: 'done' });
    await engine.until(id, 'CANCELLED');
    expect(await askedFor(id)).toBe(0);
  });

  test('that waits for its next attempt does not make it, and makes it afterwards', async () => {
    const times = { ...SHORT_TIMES, retryWaitMs: 1_500, retryWaitMaxMs: 1_500 };
    const { id } = await engine.pay('0002', {}, createPayoutsClient(engine.client, { times, allowSignalDecisions: true }));
    await engine.until(id, 'RETRY_WAIT');
    const by = await pause();
    await waiting(id, 'RETRY_WAIT');
    const { body } = await door.call('GET', `/api/v1/payouts/${id}`, { key });
    expect(body).toMatchObject({ status: 'RETRY', waitingOn: 'pause', attempts: 1 });
    await resume(by);
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 2 });
    await paidOnce(id);
  });

  test('that is at the PSP goes on to its end', async () => {
    const { id } = await engine.pay('0004');
    await engine.until(id, 'PSP_QUEUED');
    await pause({ kind: 'all' });
    await engine.force(id, 'paid');
    await paidOnce(id);
    expect(await timeline(id)).not.toContain('payout.paused');
  });

  test('whose request was lost is looked up and not asked for again; then it is, under the same key', async () => {
    const account = '66600000000012';
    await engine.fault({ kind: 'error_before', match: { accountNumber: account }, times: 1 });
    const times = { ...SHORT_TIMES, notFoundGraceMs: 3_000, outcomeDeadlineMs: 60_000 };
    const destination = { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null } as const;
    const { id } = await engine.pay(
      '',
      { destination },
      createPayoutsClient(engine.client, { times, allowSignalDecisions: true }),
    );
    await engine.until(id, 'UNKNOWN');
    const by = await pause();
    await waiting(id, 'UNKNOWN');
    expect((await engine.transfers(id)).filter(({ takenAt }) => takenAt !== null)).toEqual([]);
    await resume(by);
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
    await paidOnce(id);
  });
});

describe('two pauses, deaths, and words that are lost', () => {
  test('under two pauses it goes on when both have ended', async () => {
    const [first, second] = [await pause(), await pause({ kind: 'merchant', name: engine.merchantId })];
    const { id } = await engine.pay('0001');
    await waiting(id);
    await resume(first);
    expect(await letGoPaused()).toEqual({ told: 0 });
    await engine.payouts.letGo((await engine.ledger.read(id)) as PayoutRecord); // even if it were told
    await eventually(async () => expect((await engine.ledger.read(id))?.pausedBy).toBe(second));
    expect(await askedFor(id)).toBe(0);
    await resume(second);
    await paidOnce(id);
    expect((await timeline(id)).filter((type) => type === 'payout.paused')).toHaveLength(1);
  });

  test('a worker that dies when it was told so changes nothing: it is told again, and waits', async () => {
    const by = await quiet('all');
    await stopWorker();
    let deaths = 0;
    const submit: typeof engine.activities.submit = async (input) => {
      const answer = await engine.activities.submit(input);
      if (deaths++ === 0) throw new Error('the worker is gone');
      return answer;
    };
    stopWorker = await engine.startWorker({ activities: { ...engine.activities, submit } });
    const { id } = await engine.pay('0001');
    await eventually(() => expect(deaths).toBeGreaterThan(1));
    await waiting(id);
    await endPause(engine.db.pool, by);
    await letGoPaused();
    await paidOnce(id);
    expect((await timeline(id)).filter((type) => type === 'payout.paused')).toHaveLength(1);
    await stopWorker();
    stopWorker = await engine.startWorker();
  });

  test('a resumption that nobody was told of is made good by the schedule', async () => {
    const by = await quiet('flow', 'payouts');
    const { id } = await engine.pay('0001');
    await waiting(id);
    await endPause(engine.db.pool, by); // and the API dies
    expect((await letGoPaused()).told).toBeGreaterThan(0);
    await paidOnce(id);
  });

  test('a pause that ends by its time lets all go, without anybody', async () => {
    const by = await pause({ kind: 'all' }, { until: new Date(Date.now() + 3_600_000).toISOString() });
    const { id } = await engine.pay('0001');
    await waiting(id);
    await engine.db.owner.query(`UPDATE pauses SET until = now() WHERE id = $1`, [by]);
    await letGoPaused();
    await paidOnce(id);
  });

  test('a payout whose workflow was lost under a pause, as after a restore, waits again, and goes on with the others', async () => {
    const by = await quiet('all');
    const { id } = await engine.pay('0001');
    await waiting(id);
    await engine.client.workflow.getHandle(`payout/${id}`).terminate('as if it was lost');
    await engine.db.owner.query(`UPDATE payouts SET updated_at = now() - interval '1 hour' WHERE id = $1`, [id]);
    const { takeUpOpenPayouts } = createMaintenanceActivities({ pool: engine.db.pool, payouts: engine.payouts });
    await new MockActivityEnvironment().run(takeUpOpenPayouts);
    await engine.client.workflow.getHandle(`payout/${id}`).terminate('once more, and nobody has seen it');
    await endPause(engine.db.pool, by);
    await letGoPaused(); // takes it up, too
    await paidOnce(id);
  });

  test('what was paused goes on at a pace', async () => {
    const by = await quiet('all');
    const ids: string[] = [];
    for (let n = 0; n < 6; n += 1) ids.push((await engine.pay('0001')).id);
    for (const id of ids) await waiting(id);
    await endPause(engine.db.pool, by);
    const toldAt: number[] = [];
    const payouts = { letGo: async () => void toldAt.push(performance.now()) };
    const { letGoPaused: slowly } = createPauseActivities({ pool: engine.db.pool, payouts, aSecond: 2 });
    const answer = await new MockActivityEnvironment().run(slowly);
    expect(answer).toEqual({ told: 6 });
    for (const nth of [2, 4]) expect((toldAt[nth] ?? 0) - (toldAt[nth - 1] ?? 0)).toBeGreaterThan(900);
  });
});

describe('over HTTP', () => {
  test('a pause says what it is over, why, by whom and until when, and is found until it has ended', async () => {
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const { status, body } = await post('', { scope: { kind: 'flow', name: 'games' }, reason: 'a bug', until });
    expect([status, body]).toEqual([
      201,
      {
        ...{ id: expect.stringMatching(/^pau_/), object: 'pause', scope: { kind: 'flow', name: 'games' }, status: 'holding' },
        ...{
          reason: 'a bug',
          createdBy: admins.operator.id,
          createdAt: expect.any(String),
          until,
          resumedBy: null,
          resumedAt: null,
        },
      },
    ]);
    const ids = async (status: string) =>
      (await door.call('GET', `/api/admin/pauses?status=${status}`, { key: admins.viewer.key })).body.data.map(
        (each: { id: string }) => each.id,
      );
    expect(await ids('holding')).toEqual([body.id]);
    expect((await resume(body.id)).body).toMatchObject({ status: 'ended', resumedBy: admins.operator.id });
    expect(await ids('holding')).toEqual([]);
    expect(await ids('ended')).toContain(body.id);
    expect((await resume(body.id)).status).toBe(200); // and changes nothing more
  });

  test('under the same idempotency key it is begun once, and every act is in the audit log', async () => {
    const order = { scope: { kind: 'all' }, reason: 'everything' };
    const headers = { 'x-idempotency-key': 'pause-1' };
    const [first, again] = [await post('', order, admins.operator, headers), await post('', order, admins.operator, headers)];
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(first.body.scope).toEqual({ kind: 'all', name: null });
    await Promise.all([resume(first.body.id), resume(first.body.id)]);
    expect((await resume(first.body.id)).status).toBe(200); // it has ended: nothing is done, and nothing is written down
    const { body } = await door.call('GET', `/api/admin/audit?target=${first.body.id}`, { key: admins.admin.key });
    expect(body.data.map(({ action }: { action: string }) => action)).toEqual(['pause.resume', 'pause.begin']);
    expect(body.data[1].data).toMatchObject({ scope: { kind: 'all' }, reason: 'everything' });
  });

  test.each([
    [{ scope: { kind: 'psp', name: 'nobody' }, reason: 'x' }, 422, 'unknown_psp', '/scope/name'],
    [{ scope: { kind: 'merchant', name: 'mer_nobody' }, reason: 'x' }, 422, 'unknown_merchant', '/scope/name'],
    [{ scope: { kind: 'flow', name: 'nothing' }, reason: 'x' }, 400, 'invalid_request', '/scope/name'],
    [{ scope: { kind: 'world' }, reason: 'x' }, 400, 'invalid_request', '/scope/kind'],
    [{ scope: { kind: 'all', name: 'x' }, reason: 'x' }, 400, 'invalid_request', '/scope/name'],
    [{ scope: { kind: 'all' }, reason: '' }, 400, 'invalid_request', '/reason'],
    [{ scope: { kind: 'all' }, reason: 'x', until: '2020-01-01T00:00:00Z' }, 400, 'invalid_request', '/until'],
    [{ scope: { kind: 'all' }, reason: 'x', until: 'tomorrow' }, 400, 'invalid_request', '/until'],
  ])('what would pause nothing, or for no reason, is refused: %j', async (body, status, code, pointer) => {
    const answer = await post('', body);
    expect([answer.status, answer.body.code, answer.body.errors[0].pointer]).toEqual([status, code, pointer]);
    const { rows } = await engine.db.owner.query('SELECT FROM pauses WHERE resumed_at IS NULL');
    expect(rows).toEqual([]);
  });

  test('an unknown pause is 404, and Temporal away does not keep a pause from ending', async () => {
    expect((await resume('pau_nobody')).status).toBe(404);
    const id = await pause();
    const cut = await openDoor({ db: engine.db, databaseUrl: engine.db.appUrl });
    try {
      const { status, body } = await cut.call('POST', `/api/admin/pauses/${id}/resume`, { key: admins.operator.key });
      expect([status, body.status]).toEqual([200, 'ended']);
    } finally {
      await cut.stop();
    }
  });

  test('/metrics shows each scope that is paused', async () => {
    await pause();
    const { text } = await door.call('GET', '/metrics');
    expect(text).toContain('oncepay_pauses{kind="psp",name="sandbox"} 1');
    expect(text).toContain('oncepay_payouts_paused ');
  });
});
