/** What every flow's client is told of its workflows: an answer, a refusal, that it must wait, that nobody is there, or an outage. */
import { expect, test } from '@jest/globals';
import {
  type Client,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { defineSignal, defineUpdate } from '@temporalio/workflow';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutTimes } from '../../src/payouts/rules/contract.ts';
import { createPayoutRunsClient } from '../../src/providers/runsClient.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { createWorkflowClient } from '../../src/temporal/workflowClient.ts';
import * as bundled from '../../workflows/index.ts';

const greet = defineUpdate<string, [{ readonly name: string }]>('greet');
const wave = defineSignal<[{ readonly name: string }]>('wave');
async function greeter(_name: string): Promise<string> {
  return 'over';
}
const ID = 'greeter/1';
const OPTIONS = { workflowId: ID, taskQueue: 'q', args: ['Ada'] as [string] };
const ADA = { updateId: 'greet:1', order: { name: 'Ada' }, refusals: ['too_late', 'too_early'] as const };

const late = () => new WorkflowUpdateRPCTimeoutOrCancelledError('late');
const missing = () => new WorkflowNotFoundError('not found', ID, undefined);
const ended = () => new WorkflowExecutionAlreadyStartedError('there was one', ID, 'greeter');
const away = () => {
  const grpc = Object.assign(new Error('away'), { code: 14, details: '', metadata: {} });
  return new ServiceError('no server', { cause: grpc });
};
const refusal = (type: string) => new WorkflowUpdateFailedError('refused', ApplicationFailure.create({ type, message: type }));

interface Server {
  readonly update?: unknown;
  readonly describe?: unknown;
  readonly start?: unknown;
  readonly signal?: unknown;
  readonly result?: unknown;
}

/** A server that answers so; an error is thrown. */
function served({ update, describe = {}, start, signal, result }: Server) {
  const started: unknown[] = [];
  const say = (answer: unknown) => async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const starting = (answer: unknown) => async (workflow: unknown) => {
    started.push(workflow);
    return await say(answer)();
  };
  const run = { executeUpdate: say(update), describe: say(describe), signal: say(signal), result: say(result) };
  const workflow = {
    getHandle: () => run,
    start: starting(start),
    signalWithStart: starting(start),
    executeUpdateWithStart: async (
      _update: unknown,
      { startWorkflowOperation }: { startWorkflowOperation: { workflowTypeOrFunc: unknown } },
    ) => await starting(update)(startWorkflowOperation.workflowTypeOrFunc),
  };
  const schedule = { getHandle: () => ({}) };
  const client = { withDeadline: (_: number, ask: () => unknown) => ask(), workflow, schedule } as unknown as Client;
  return { client, temporal: createWorkflowClient(client), started };
}

const asked = (server: Server) => served(server).temporal.ask(ID, greet, ADA);
const askedOrStarted = (server: Server) => served(server).temporal.askOrStart(greeter, OPTIONS, greet, ADA);

test.each([['ask', asked] as const, ['askOrStart', askedOrStarted] as const])(
  '%s: an answer is an answer, and a refusal is one of the words that were asked for',
  async (_name, ask) => {
    expect(await ask({ update: 'hello' })).toEqual({ kind: 'answered', answer: 'hello' });
    expect(await ask({ update: refusal('too_late') })).toEqual({ kind: 'refused', refusal: 'too_late' });
    await expect(ask({ update: refusal('Unsigned') })).rejects.toBeInstanceOf(TemporalUnavailable);
    await expect(ask({ update: { $unsigned: 'it is not encrypted' } })).rejects.toBeInstanceOf(TemporalUnavailable);
  },
);

test('nobody is told to wait for a workflow that is not there', async () => {
  expect(await asked({ update: late() })).toEqual({ kind: 'pending' });
  expect(await askedOrStarted({ update: late() })).toEqual({ kind: 'pending' });
  expect(await asked({ update: late(), describe: missing() })).toEqual({ kind: 'gone' });
  await expect(askedOrStarted({ update: late(), describe: missing() })).rejects.toBeInstanceOf(TemporalUnavailable);
  await expect(asked({ update: late(), describe: away() })).rejects.toBeInstanceOf(TemporalUnavailable);
});

test('a workflow that has ended is gone; one that ended over the question may be asked again', async () => {
  expect(await asked({ update: missing() })).toEqual({ kind: 'gone' });
  expect(await askedOrStarted({ update: ended() })).toEqual({ kind: 'gone' });
  await expect(askedOrStarted({ update: missing() })).rejects.toBeInstanceOf(TemporalUnavailable);
});

test('starting what runs is no fault, and an outage is no start', async () => {
  expect(await served({ start: {} }).temporal.start(greeter, OPTIONS)).toBe(true);
  expect(await served({ start: ended() }).temporal.start(greeter, OPTIONS)).toBe(false);
  await expect(served({ start: away() }).temporal.start(greeter, OPTIONS)).rejects.toBeInstanceOf(TemporalUnavailable);
});

test('a signal is heard, or nobody is there to hear it; then one may be started for it', async () => {
  expect(await served({}).temporal.signal(ID, wave, { name: 'Ada' })).toBe('heard');
  expect(await served({ signal: missing() }).temporal.signal(ID, wave, { name: 'Ada' })).toBe('gone');
  const { temporal, started } = served({ signal: missing() });
  await temporal.signalOrStart(greeter, OPTIONS, wave, { name: 'Ada' });
  expect(started).toEqual([greeter]);
});

test('what a workflow left behind is read; what was ended by hand has left nothing', async () => {
  const left = (result: unknown) => served({ result }).temporal.result<typeof greeter>(ID);
  expect(await left('over')).toBe('over');
  expect(await left(new WorkflowFailedError('terminated', undefined, 'NON_RETRYABLE_FAILURE' as never))).toBeUndefined();
  expect(await left(missing())).toBeUndefined();
  await expect(left(away())).rejects.toBeInstanceOf(TemporalUnavailable);
});

test('whatever a client starts, a worker has: it is in the bundle, under its own name', async () => {
  const { client, started } = served({ update: { outcome: 'done' }, signal: missing(), describe: missing() });
  const payouts = createPayoutsClient(client, { times: {} as PayoutTimes, allowSignalDecisions: false });
  const facts = {
    payoutId: 'po_1',
    merchantId: 'mer_1',
    kind: 'merchant',
    currency: 'PKR',
    amountMinor: '1',
    destination: { type: 'bank' },
  };
  await payouts.accept(facts, { type: 'resume', payoutId: 'po_1', round: 1 });
  await payouts.notice('po_1', 1, { messageId: 'msg_1', attempt: 1, claim: null });
  await createPayoutRunsClient(client).start('run_1');
  expect(started).toEqual([bundled.payout, bundled.payoutFollowUp, bundled.payoutRun]);
  for (const [name, workflow] of Object.entries(bundled)) expect(workflow.name).toBe(name);
});
