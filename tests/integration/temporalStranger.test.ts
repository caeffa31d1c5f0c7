/**
 * Guards: whoever reaches Temporal without our keys moves no money, and stops nothing. The stranger here has what a CLI
 * has: may read every history, and send, start, complete and copy whatever it likes, but cannot encrypt as we do.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { Client, type WorkflowHandle } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import type proto from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { said } from '../../src/payouts/rules/standing.ts';
import { newId } from '../../src/rules/newId.ts';
import { DECISIONS_QUEUE, PAYOUTS_QUEUE, RELAY_QUEUE } from '../../src/temporal/rules/queues.ts';
import { workerSettings } from '../../src/temporal/workerSettings.ts';
import { keepRelay, RELAY_WORKFLOW_ID } from '../../src/worker/relay.ts';
import { ENCRYPTION_KEYS } from '../support/encryption.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

// What is refused is told by the tests, not in the log.
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'off' } } });

type Failure = proto.temporal.api.failure.v1.IFailure;

const REVIEWED = { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } };

let engine: Engine;
let stopWorker: () => Promise<void>;
let stranger: Client;
let approver: string;

beforeAll(async () => {
  engine = await startEngine();
  stopWorker = await engine.startWorker();
  stranger = new Client({ connection: engine.env.connection });
  approver = newId('adm');
  await engine.db.owner.query(`INSERT INTO admins (id, name, role) VALUES ($1, 'An approver', 'approver')`, [approver]);
});

afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

const idOf = ({ id }: { id: string }) => `payout/${id}`;
const handleOf = (payout: { id: string }): WorkflowHandle => stranger.workflow.getHandle(idOf(payout));
const detailsOf = async (payout: { id: string }): Promise<string> =>
  (await engine.client.workflow.getHandle(idOf(payout)).query<{ currentDetails: string }>('__temporal_workflow_metadata'))
    .currentDetails;
const stateOf = async ({ id }: { id: string }) => (await engine.ledger.read(id))?.state;

/** Somebody asks: refused, or never answered. */
const tried = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'taken',
    () => 'refused',
  );

const command = (payout: { id: string }, ...args: unknown[]) =>
  tried(handleOf(payout).executeUpdate('command', { args: args as [], updateId: newId('upd') }));

interface Recorded {
  readonly updateId: string;
  readonly payloads: Payload[];
}

/** The commands in a payout's history, as they stand there. */
async function recordedCommands(payout: { id: string }): Promise<Recorded[]> {
  const { events } = await handleOf(payout).fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionUpdateAcceptedEventAttributes: accepted }) => {
    const { input, meta } = accepted?.acceptedRequest ?? {};
    if (input?.name !== 'command') return [];
    return [{ updateId: meta?.updateId ?? '', payloads: (input.args?.payloads ?? []) as Payload[] }];
  });
}

/** Sends payloads as they are: copied, and under another update id. */
const sendCopy = (payout: { id: string }, payloads: Payload[], updateId = newId('upd'), name = 'command'): Promise<unknown> =>
  tried(
    stranger.workflowService
      .updateWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: idOf(payout) },
        waitPolicy: { lifecycleStage: 3 },
        request: { meta: { updateId, identity: 'stranger' }, input: { name, args: { payloads } } },
      })
      .then(({ outcome }) => {
        if (outcome?.failure) throw new Error('refused');
        return outcome;
      }),
  );

async function untilPending(payout: { id: string }, type: string): Promise<string> {
  let found: string | undefined;
  await eventually(async () => {
    const { raw } = await handleOf(payout).describe();
    found = raw.pendingActivities?.find(({ activityType }) => activityType?.name === type)?.activityId ?? undefined;
    expect(found).toBeDefined();
  });
  return found ?? '';
}

/** A bank takes its time with it, and pays when told. */
async function atTheBank(): Promise<PayoutRecord> {
  const { id } = await engine.pay('0004');
  return await engine.until(id, 'PSP_QUEUED');
}

async function thenTheBankPays({ id }: PayoutRecord): Promise<void> {
  await engine.force(id, 'paid');
  await engine.payouts.notice(id, 1, { messageId: newId('pm'), attempt: 1, claim: 'paid' });
  await engine.until(id, 'SUCCEEDED');
  expect(await engine.transfers(id)).toMatchObject([{ status: 'paid' }]);
  await engine.client.workflow.getHandle(`payout/${id}`).result();
}

async function thenItCanBeApproved(payout: PayoutRecord): Promise<void> {
  await handleOf(payout).signal('decide', { admin: approver, decision: 'approve' });
  await engine.until(payout.id, 'SUCCEEDED');
  expect(await engine.transfers(payout.id)).toHaveLength(1);
}

test('nobody approves a payout in the name of an admin who does not exist, or of one who does', async () => {
  const payout = await engine.pay('0001', REVIEWED);
  expect(await command(payout, { type: 'approved', adminId: 'adm_nobody_at_all', note: null })).toBe('refused');
  expect(await command(payout, { type: 'approved', adminId: approver, note: null })).toBe('refused');
  expect(await command(payout)).toBe('refused');
  expect(await tried(handleOf(payout).executeUpdate('accept', { updateId: newId('upd') }))).toBe('refused');
  expect(await stateOf(payout)).toBe('IN_REVIEW');
  expect(await engine.transfers(payout.id)).toEqual([]);
  await thenItCanBeApproved(payout);
});

test.each(['failed', 'paid', 'returned', 'attempt_failed'])('nobody says "%s" in a PSP’s place', async (type) => {
  const payout = await atTheBank();
  expect(await command(payout, { type, adminId: approver, by: engine.merchantId, attempt: 1, pspRef: 'x' })).toBe('refused');
  expect(await stateOf(payout)).toBe('PSP_QUEUED');
  await thenTheBankPays(payout);
});

test('a payout that a stranger starts takes nobody’s money', async () => {
  const before = await engine.db.pool.query('SELECT owner_id, available, reserved FROM balances ORDER BY owner_id');
  const payoutId = newId('po');
  const request = {
    ...{ payoutId, merchantId: engine.merchantId, mode: 'test', currency: 'PKR', amountMinor: '500000', reference: payoutId },
    ...{ description: null, metadata: {}, callbackUrl: null, psp: 'sandbox', makerId: null, ...{ terms: REVIEWED.terms } },
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', iban: null, accountTitle: null },
  };
  const args = [{ opening: { type: 'new', request }, times: SHORT_TIMES, allowSignalDecisions: true }];
  await stranger.workflow.start('payout', { workflowId: `payout/${payoutId}`, taskQueue: PAYOUTS_QUEUE, args });
  await expect(engine.client.workflow.getHandle(`payout/${payoutId}`).result()).rejects.toThrow('Workflow execution failed');
  expect(await engine.ledger.read(payoutId)).toBeUndefined();
  expect(await engine.transfers(payoutId)).toEqual([]);
  expect((await engine.db.pool.query('SELECT owner_id, available, reserved FROM balances ORDER BY owner_id')).rows).toEqual(
    before.rows,
  );
});

test.each([
  ['payout', []],
  ['payoutRun', [{ trigger: 'admin', runId: 'run_x' }]],
  ['payoutFollowUp', [{ payoutId: 'po_x' }]],
  ['relay', []],
  ['relay', [{}]],
  ['checkBooks', [{}]],
] as const)('a stranger’s start of %s with %j is refused, and its task does not fail for ever', async (type, args) => {
  const options = { workflowId: newId('x'), taskQueue: PAYOUTS_QUEUE, args: [...args] };
  await stranger.workflow.start(type, options);
  await expect(engine.client.workflow.getHandle(options.workflowId).result()).rejects.toThrow('Workflow execution failed');
});

test.each([
  ['on a queue where nobody works', { taskQueue: 'nobody' }],
  ['that begins in ten years', { taskQueue: PAYOUTS_QUEUE, startDelay: '10 years' }],
] as const)('no webhook or mail is kept back by a workflow of the relay’s name %s', async (_where, options) => {
  const [stopping, running] = [new AbortController(), new AbortController()];
  let turns = 0;
  const runRelay = async () => {
    const beat = setInterval(() => heartbeat(), 200);
    turns += 1;
    await new Promise((resolve) => AbortSignal.any([running.signal, cancellationSignal()]).addEventListener('abort', resolve));
    clearInterval(beat);
  };
  const { nativeConnection: connection } = engine.env;
  const settings = { activities: { runRelay }, shutdownGraceTime: 0, ...workerSettings(ENCRYPTION_KEYS) };
  const worker = await Worker.create({ connection, taskQueue: RELAY_QUEUE, ...settings });
  const ended = worker.run();
  await stranger.workflow.start('relay', { workflowId: RELAY_WORKFLOW_ID, ...options });

  const kept = keepRelay(engine.client, pino({ level: 'silent' }), stopping.signal, 5_000);
  for (let left = 300; left > 0 && turns === 0; left -= 1) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(turns).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  expect(turns).toBe(1); // one that turns is left alone

  stopping.abort();
  await kept;
  await stranger.workflow.getHandle(RELAY_WORKFLOW_ID).terminate();
  running.abort();
  worker.shutdown();
  await ended;
});

test('what was encrypted for one payout says nothing to another', async () => {
  const [one, other] = [await engine.pay('0001', REVIEWED), await engine.pay('0001', REVIEWED)];
  await engine.command(one.id, { type: 'approved', adminId: approver, note: null });
  const [copied] = await recordedCommands(one);
  expect(copied?.payloads).toHaveLength(1);
  expect(await sendCopy(other, copied?.payloads ?? [])).toBe('refused');
  expect(await stateOf(other)).toBe('IN_REVIEW');
  await thenItCanBeApproved(other);
});

test('a command that a person gave before does not count once more, whoever copies it', async () => {
  const payout = await engine.pay('0001', REVIEWED);
  const done = { outcome: 'done' };
  expect(await engine.command(payout.id, { type: 'held', adminId: approver, reason: 'look' })).toMatchObject(done);
  expect(await engine.command(payout.id, { type: 'hold_lifted', adminId: approver })).toMatchObject(done);
  expect(await engine.command(payout.id, { type: 'held', adminId: approver, reason: 'look again' })).toMatchObject(done);
  const [, lifted = { updateId: '', payloads: [] }] = await recordedCommands(payout);
  expect(lifted.payloads).toHaveLength(1);
  await sendCopy(payout, lifted.payloads);
  await sendCopy(payout, lifted.payloads, lifted.updateId);
  expect(await stateOf(payout)).toBe('REVIEW_ON_HOLD');
  // Nor in the next run of the same workflow, which remembers no update.
  await handleOf(payout).terminate('by a stranger');
  const now = await engine.ledger.read(payout.id);
  if (now) await engine.payouts.resume(now);
  for (const updateId of [newId('upd'), lifted.updateId]) await sendCopy(payout, lifted.payloads, updateId);
  expect(await stateOf(payout)).toBe('REVIEW_ON_HOLD');
  expect(await engine.command(payout.id, { type: 'hold_lifted', adminId: approver })).toMatchObject(done);
  await thenItCanBeApproved(payout);
});

test.each([
  ['failed', { kind: 'failed', failure: { class: 'permanent', code: 'x', message: 'x', retryable: false }, pspRef: 'x' }],
  ['paid', { kind: 'paid', pspRef: 'x' }],
  ['nothing at all', undefined],
  ['nonsense', 'x'],
])('who completes a look-up with "%s" is not believed', async (_, result) => {
  const payout = await atTheBank();
  const activityId = await untilPending(payout, 'lookUp');
  await tried(stranger.activity.complete({ workflowId: idOf(payout), activityId }, result));
  await thenTheBankPays(payout);
});

test('who fails a look-up in the PSP’s place changes nothing', async () => {
  const payout = await atTheBank();
  for (let times = 0; times < 3; times += 1) {
    const activityId = await untilPending(payout, 'lookUp');
    await tried(stranger.activity.fail({ workflowId: idOf(payout), activityId }, new Error('no such transfer')));
  }
  expect(await stateOf(payout)).toBe('PSP_QUEUED');
  await thenTheBankPays(payout);
});

test('a failure of ours that is copied, to end what was to be tried again, ends nothing', async () => {
  const payoutId = newId('po');
  // Until they are cleared: however long a busy machine takes to see one that has failed.
  await engine.fault({ kind: 'error_before', params: { lookups: true }, times: 10_000, match: { reference: payoutId } });
  const times = { ...SHORT_TIMES, outcomeDeadlineMs: 60_000 }; // longer than a busy machine takes here
  const patient = createPayoutsClient(engine.client, { times, allowSignalDecisions: false });
  const payout = await engine.pay('0001', { payoutId }, patient);
  await engine.until(payout.id, 'UNKNOWN');
  await eventually(async () => {
    const { raw } = await handleOf(payout).describe();
    const { activityId, lastFailure } = raw.pendingActivities?.find((each) => each.activityType?.name === 'lookUp') ?? {};
    expect(lastFailure?.encodedAttributes).toBeDefined();
    await stranger.workflowService.respondActivityTaskFailedById({
      ...{ namespace: 'default', workflowId: idOf(payout), activityId: activityId ?? '' },
      failure: { ...lastFailure, applicationFailureInfo: { ...lastFailure?.applicationFailureInfo, nonRetryable: true } },
    });
  });
  await fetch(`${engine.sandbox.url}/control/faults`, { method: 'DELETE' });
  await engine.until(payout.id, 'SUCCEEDED');
});

test('who completes a send with what was sent to it, or with "failed", releases no money that the PSP pays', async () => {
  const account = '77700000000001';
  await engine.fault({ kind: 'delay', params: { ms: 800 }, times: 1, match: { accountNumber: account } });
  const payout = await engine.pay('', {
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null },
  });
  const activityId = await untilPending(payout, 'submit');
  const failure = { class: 'permanent', code: 'x', message: 'x', retryable: false };
  const begun = { ...said(payout), state: 'SUBMITTING', sequence: 2, attempt: 1, attemptOpen: true, unproven: [1] };
  const view = { outcome: 'applied', payout: begun };
  await tried(
    stranger.activity.complete(
      { workflowId: idOf(payout), activityId },
      { did: 'asked', view, reply: { kind: 'failed', failure, pspRef: null } },
    ),
  );
  await engine.until(payout.id, 'SUCCEEDED');
  expect(await engine.transfers(payout.id)).toMatchObject([{ status: 'paid' }]);
});

test('what was sent to an activity does not come back as its answer', async () => {
  const payout = await atTheBank();
  const activityId = await untilPending(payout, 'lookUp');
  const { events } = await handleOf(payout).fetchHistory();
  const scheduled = events?.find((event) => event.activityTaskScheduledEventAttributes?.activityId === activityId);
  const input = scheduled?.activityTaskScheduledEventAttributes?.input;
  expect(input?.payloads).toHaveLength(1);
  const place = { namespace: 'default', workflowId: idOf(payout), activityId };
  await tried(stranger.workflowService.respondActivityTaskCompletedById({ ...place, result: input ?? null }));
  await thenTheBankPays(payout);
});

test('our activities work for our workflows only: one of a stranger has no money moved by them', async () => {
  const payout = await engine.pay('0001', REVIEWED);
  const worker = await Worker.create({
    connection: engine.env.nativeConnection,
    taskQueue: 'a-stranger',
    workflowsPath: fileURLToPath(new URL('../support/strangersWorkflows.ts', import.meta.url)),
  });
  await worker.runUntil(async () => {
    const paid = [payout.id, 'paid:1', { type: 'paid', attempt: 1, pspRef: 'x' }, 'psp:sandbox'];
    const approved = [payout.id, 'x', { type: 'approved', adminId: approver }, `admin:${approver}`];
    for (const [taskQueue, type, args] of [
      [PAYOUTS_QUEUE, 'applyFact', paid],
      [PAYOUTS_QUEUE, 'applyFact', approved],
      [DECISIONS_QUEUE, 'applyAsked', approved],
      [PAYOUTS_QUEUE, 'submit', [{ payoutId: payout.id, attempt: 1, sequence: payout.sequence, round: 1 }]],
    ] as const) {
      const options = { workflowId: newId('x'), taskQueue: 'a-stranger', args: [taskQueue, type, args] };
      const handle = await stranger.workflow.start('borrow', options);
      await eventually(async () => {
        const { events } = await handle.fetchHistory();
        expect(events?.some((event) => event.activityTaskFailedEventAttributes)).toBe(true);
      });
      await handle.terminate();
    }
  });
  expect(await stateOf(payout)).toBe('IN_REVIEW');
  expect(await engine.transfers(payout.id)).toEqual([]);
});

const eventsOf = async (payout: { id: string }) => (await handleOf(payout).fetchHistory()).events ?? [];

/** Somebody ends it, and the engine takes it up again: under the same id, in a run that counts its activities anew. */
async function inItsNextRun({ id }: PayoutRecord): Promise<void> {
  await handleOf({ id }).terminate('by a stranger');
  const now = await engine.ledger.read(id);
  if (now) await engine.payouts.resume(now);
}

test('an answer of an earlier run to the same look-up is not believed', async () => {
  const { id } = await engine.pay('0001');
  await engine.until(id, 'SUCCEEDED');
  await engine.client.workflow.getHandle(`payout/${id}`).result(); // whatever comes now has a workflow of its own
  const ofReturn = `payout-return/${id}`;
  const handle = stranger.workflow.getHandle(ofReturn);
  const isDone = async (): Promise<Payload[]> => {
    const { events } = await handle.fetchHistory();
    const done = events?.find((event) => event.activityTaskCompletedEventAttributes);
    expect(done).toBeDefined();
    return (done?.activityTaskCompletedEventAttributes?.result?.payloads ?? []) as Payload[];
  };
  await engine.force(id, 'returned');
  await engine.payouts.notice(id, 1, { messageId: newId('pm'), attempt: 1, claim: 'returned' });
  await engine.until(id, 'RETURNED');
  const copied = await isDone();
  await engine.client.workflow.getHandle(ofReturn).result();
  await engine.fault({ kind: 'delay', params: { ms: 800 }, times: 1, match: { reference: `${id}:1` } });
  await engine.force(id, 'paid');
  await engine.payouts.notice(id, 1, { messageId: newId('pm'), attempt: 1, claim: 'paid' });
  const place = { namespace: 'default', workflowId: ofReturn };
  let activityId = '';
  await eventually(async () => {
    const { raw } = await handle.describe();
    activityId = raw.pendingActivities?.[0]?.activityId ?? '';
    expect(activityId).not.toBe('');
  });
  await stranger.workflowService.respondActivityTaskCompletedById({ ...place, activityId, result: { payloads: copied } });
  await eventually(async () => {
    const { events } = await handle.fetchHistory();
    expect(events?.filter((event) => event.activityTaskScheduledEventAttributes)).toHaveLength(2); // it was asked again
  });
});

/** As an operator does it in the UI: to the last task that was done. */
async function reset(payout: { id: string }): Promise<void> {
  const done = (await eventsOf(payout)).filter((event) => event.workflowTaskCompletedEventAttributes);
  await stranger.workflowService.resetWorkflowExecution({
    ...{ namespace: 'default', workflowExecution: { workflowId: idOf(payout) } },
    ...{ requestId: newId('x'), reason: 'an operator does it', workflowTaskFinishEventId: done.at(-1)?.eventId ?? null },
  });
}

test('a reset payout believes what was answered before the point, and is paid once', async () => {
  const payout = await atTheBank();
  await untilPending(payout, 'lookUp');
  await reset(payout);
  await untilPending(payout, 'lookUp');
  const after = await eventsOf(payout);
  expect(after.some((event) => event.workflowTaskFailedEventAttributes)).toBe(true); // where it was reset
  const sent = after.filter((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'submit');
  expect(sent).toHaveLength(1);
  expect(await detailsOf(payout)).not.toMatch(/not ours/);
  await thenTheBankPays(payout);
});

/** A workflow of a stranger's, under a payout's id, asks an activity of ours for something with a copied input. */
async function borrowed(
  payout: { id: string },
  type: string,
  queue: string,
  copied: { activityId: string; payloads: Payload[] },
) {
  const theirs = newId('x');
  await tried(handleOf(payout).terminate('by a stranger'));
  await stranger.workflow.start('theirs', { workflowId: idOf(payout), taskQueue: theirs, args: [] });
  const service = stranger.workflowService;
  const { taskToken } = await stranger.withDeadline(Date.now() + 20_000, () =>
    service.pollWorkflowTaskQueue({ namespace: 'default', taskQueue: { name: theirs } }),
  );
  const scheduleActivityTaskCommandAttributes = {
    ...{ activityId: copied.activityId, activityType: { name: type }, taskQueue: { name: queue } },
    ...{ input: { payloads: copied.payloads }, retryPolicy: { maximumAttempts: 1 } },
    ...{ startToCloseTimeout: msToTs('20s'), scheduleToCloseTimeout: msToTs('30s') },
  };
  await service.respondWorkflowTaskCompleted({
    ...{ namespace: 'default', taskToken },
    commands: [{ commandType: 1, scheduleActivityTaskCommandAttributes }],
  });
  let failure: string | undefined | null;
  await eventually(async () => {
    const events = await eventsOf(payout);
    expect(events.some((event) => event.activityTaskStartedEventAttributes)).toBe(true);
    const failed = events.find((event) => event.activityTaskFailedEventAttributes);
    failure = failed?.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.type;
  });
  return failure;
}

test('arguments of one activity are none of another, under the same workflow id and the same number', async () => {
  const payout = await engine.pay('0001', REVIEWED);
  await handleOf(payout).signal('decide', { admin: 'adm_nobody_at_all', decision: 'approve' });
  let asked: { activityId?: string | null; input?: { payloads?: unknown[] | null } | null } | undefined | null;
  await eventually(async () => {
    const events = await eventsOf(payout);
    asked = events
      .map((event) => event.activityTaskScheduledEventAttributes)
      .find((each) => each?.activityType?.name === 'applyAsked');
    expect(asked).toBeDefined();
  });
  const copied = { activityId: asked?.activityId ?? '', payloads: (asked?.input?.payloads ?? []) as Payload[] };
  for (const [type, queue] of [
    ['applyFact', DECISIONS_QUEUE],
    ['applyFact', PAYOUTS_QUEUE],
    ['submit', PAYOUTS_QUEUE],
    ['reserve', DECISIONS_QUEUE],
  ] as const) {
    expect([type, await borrowed(payout, type, queue, copied)]).toEqual([type, 'Unsigned']);
    expect(await stateOf(payout)).toBe('IN_REVIEW');
  }
  expect(await engine.transfers(payout.id)).toEqual([]);
  await inItsNextRun(payout);
  await thenItCanBeApproved(payout);
});

test('what was sent as one thing is not heard as another', async () => {
  const payout = await engine.pay('0001', REVIEWED);
  const [started] = await eventsOf(payout);
  const payloads = (started?.workflowExecutionStartedEventAttributes?.input?.payloads ?? []) as Payload[];
  expect(payloads).toHaveLength(1);
  for (const name of ['command', 'accept']) expect(await sendCopy(payout, payloads, newId('upd'), name)).toBe('refused');
  const at = { namespace: 'default', workflowExecution: { workflowId: idOf(payout) } };
  await stranger.workflowService.signalWorkflowExecution({ ...at, signalName: 'pspNotice', input: { payloads } });
  await eventually(async () => expect(await detailsOf(payout)).toMatch(/`pspNotice` .*encrypted for something else/));
  await thenItCanBeApproved(payout);
});

test('a failure with causes in causes, ninety-five deep, ends no worker: the others are paid, and this one after a reset', async () => {
  const payout = await atTheBank();
  let failure: Failure = { message: 'x', applicationFailureInfo: { type: 't', nonRetryable: true } };
  for (let depth = 0; depth < 95; depth += 1) failure = { cause: failure, applicationFailureInfo: { nonRetryable: true } };
  await eventually(async () => {
    const activityId = await untilPending(payout, 'lookUp'); // each time: a look-up in use may have ended meanwhile
    const place = { namespace: 'default', workflowId: idOf(payout), activityId };
    await stranger.workflowService.respondActivityTaskFailedById({ ...place, failure });
  });
  const failures = async () => Number((await handleOf(payout).describe()).raw.pendingWorkflowTask?.attempt ?? 0);
  await eventually(async () => expect(await failures()).toBeGreaterThan(1));
  await engine.until((await engine.pay('0001')).id, 'SUCCEEDED');
  await reset(payout);
  await thenTheBankPays(payout);
});

test('any number of signals full of nonsense stop no payout, and an approver is still heard', async () => {
  const payout = await engine.pay('0001', REVIEWED);
  const handle = handleOf(payout);
  const nonsense = [
    undefined,
    null,
    7,
    'x',
    [],
    {},
    { admin: 'adm_\u0000', decision: 'approve' },
    { admin: approver, decision: 'constructor' },
    { admin: approver, decision: '__proto__' },
    { admin: approver, decision: 'approve', note: 'a\u0000b' },
    { admin: approver, decision: 'approve', note: { a: 1 } },
    { admin: approver, decision: 'approve', note: 'x'.repeat(100_000) },
    { admin: ['x'], decision: ['approve'] },
    { messageId: 'pm_x', attempt: 'x', claim: 'paid' },
    { runId: 'run_x' },
  ];
  for (const each of nonsense) {
    for (const name of ['decide', 'pspNotice', 'dispatch', 'unheardOf']) await handle.signal(name, each);
  }
  await handle.signal('decide');
  const raw = (metadata: Record<string, string>, data: string): Payload => ({
    metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, Buffer.from(value)])),
    data: Buffer.from(data),
  });
  for (const payload of [
    raw({ encoding: 'binary/encrypted', 'encryption-key-id': 'test' }, 'changed '.repeat(9)),
    raw({ encoding: 'binary/encrypted', 'encryption-key-id': 'gone' }, 'x'),
    raw({ encoding: 'binary/encrypted' }, ''),
    raw({ encoding: 'json/protobuf', messageType: 'x' }, '{'),
    raw({ encoding: 'no/such' }, 'x'),
    raw({ encoding: 'json/plain' }, '{not json'),
    raw({ encoding: 'json/plain' }, '['.repeat(50_000)),
    raw({}, ''),
  ]) {
    for (const signalName of ['decide', 'pspNotice', 'dispatch']) {
      await stranger.workflowService.signalWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: idOf(payout) },
        signalName,
        input: { payloads: [payload] },
      });
    }
  }
  await eventually(async () => expect(await detailsOf(payout)).toMatch(/signal/));
  expect(await stateOf(payout)).toBe('IN_REVIEW');
  await thenItCanBeApproved(payout);
});

test('an operator reads that a signal was not heard, and why', async () => {
  const payout = await engine.pay('0001', REVIEWED);
  await handleOf(payout).signal('pspNotice', { messageId: 'pm_x', attempt: 1, claim: 'paid' });
  await eventually(async () => expect(await detailsOf(payout)).toMatch(/signal `pspNotice` .*not encrypted/));
  await handleOf(payout).signal('unheardOf', {});
  await eventually(async () => expect(await detailsOf(payout)).toMatch(/signal `unheardOf`/));
});

test('where signals do not decide, none does', async () => {
  const strict = createPayoutsClient(engine.client, { times: SHORT_TIMES, allowSignalDecisions: false });
  const payout = await engine.pay('0001', REVIEWED, strict);
  await handleOf(payout).signal('decide', { admin: approver, decision: 'approve' });
  await eventually(async () => expect(await detailsOf(payout)).toMatch(/signal `decide`/));
  expect(await stateOf(payout)).toBe('IN_REVIEW');
  expect(await engine.command(payout.id, { type: 'approved', adminId: approver, note: null })).toMatchObject({
    outcome: 'done',
  });
  await engine.until(payout.id, 'SUCCEEDED');
});

test('a run that is started without a word hands over what was approved, as the clock does, and nothing else', async () => {
  const stopRuns = await engine.startRuns();
  const provider = await engine.provider('1000');
  const waiting = await engine.payProvider(provider, '0001', REVIEWED); // nobody has approved it
  const { workflowId } = await stranger.workflow.start('payoutRun', {
    workflowId: newId('x'),
    taskQueue: PAYOUTS_QUEUE,
    args: [],
  });
  expect(await engine.client.workflow.getHandle(workflowId).result()).toMatchObject({ runId: expect.any(String) });
  expect(await stateOf(waiting)).toBe('IN_REVIEW');
  await stopRuns();
});
