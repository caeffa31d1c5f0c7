/**
 * How a flow's client talks to its workflows: what is the same for each of them. A workflow is named by its own function, a
 * message by its definition, so what goes in and what comes out is what the compiler reads there. Every call may be
 * repeated: ids and update ids are its caller's, and are the same for the same request.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type WorkflowOptions,
  type WorkflowSignalWithStartOptions,
  type WorkflowStartOptions,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import {
  ApplicationFailure,
  type SignalDefinition,
  type UpdateDefinition,
  type Workflow,
  type WorkflowResultType,
} from '@temporalio/common';
import { RPC_TIMEOUT_MS, refusalIn, TemporalUnavailable, unavailableOr } from './client.ts';
import { unsigned } from './rules/unsigned.ts';
import { createSignals } from './signals.ts';

/** A client waits this long for a workflow's answer; beyond it, 202: the workflow is there and goes on by itself. */
const ANSWER_TIMEOUT_MS = 5_000;
/** For the look whether a workflow is there, after ANSWER_TIMEOUT_MS in vain: a server that is there answers at once. */
const LOOK_TIMEOUT_MS = 1_500;

/**
 * A signal that comes in while a workflow's task is at work makes the server throw that task away, and the updates in it
 * too, with one of these codes. Asked again under the same update id they are done once; the SDK repeats only ABORTED, and
 * that for a second.
 */
const THROWN_AWAY = [9, 10]; // FAILED_PRECONDITION, ABORTED
/** The third time in a row it is no signal: the worker cannot do the task (an old build), and whoever asks should know. */
const ASK_TIMES = 3;
const ASK_AGAIN_MS = 150;

export interface Question<Order, Refusal extends string = never> {
  /** Asked again under the same one it is the same question, done once. */
  readonly updateId: string;
  readonly order: Order;
  /** By which of its failures' types the workflow's validator refuses it, before it enters the history. */
  readonly refusals?: readonly Refusal[];
}

/**
 * - `pending`: no worker answered in time; the workflow is there and will
 * - `gone`: there is no such workflow (any more), or it has ended and is not to be started again
 */
export type Asked<Answer, Refusal extends string = never> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'pending' }
  | { readonly kind: 'gone' };

/** Each throws TemporalUnavailable where Temporal is away, or nobody of ours answers. */
export interface WorkflowClient {
  /** @returns false: there is one of this id, and its policies want no other */
  start<W extends Workflow>(workflow: W, options: WorkflowStartOptions<W>): Promise<boolean>;
  /** Asks the workflow of this id for something, and waits for its answer. */
  ask<Answer, Order, Refusal extends string = never>(
    workflowId: string,
    update: UpdateDefinition<Answer, [Order]>,
    question: Question<Order, Refusal>,
  ): Promise<Asked<Answer, Refusal>>;
  /** The same; where none runs it is started, in one call: no crash stands between the start and the question. */
  askOrStart<W extends Workflow, Answer, Order, Refusal extends string = never>(
    workflow: W,
    options: WorkflowStartOptions<W>,
    update: UpdateDefinition<Answer, [Order]>,
    question: Question<Order, Refusal>,
  ): Promise<Asked<Answer, Refusal>>;
  /** Tells the workflow of this id something. */
  signal<Word>(workflowId: string, signal: SignalDefinition<[Word]>, word: Word): Promise<'heard' | 'gone'>;
  /** The same; where none runs it is started, in one call. */
  signalOrStart<W extends Workflow, Word>(
    workflow: W,
    options: WorkflowStartOptions<W>,
    signal: SignalDefinition<[Word]>,
    word: Word,
  ): Promise<void>;
  /** What a workflow that has ended left behind; undefined: it was ended by hand, failed, or there is none. */
  result<W extends Workflow>(workflowId: string): Promise<WorkflowResultType<W> | undefined>;
  /** When its newest run began; undefined: there is none that the server remembers. */
  startedAt(workflowId: string): Promise<Date | undefined>;
}

/** @param onFull told of each run that was ended because it could take no more signals: an operator should ask who sent them. */
export function createWorkflowClient(client: Client, onFull: (workflowId: string) => void = () => undefined): WorkflowClient {
  const { workflow: server } = client;
  const signalHeard = createSignals(server, onFull);

  /** What only has to be stored, or read. */
  async function soon<T>(ask: () => Promise<T>, ms = RPC_TIMEOUT_MS): Promise<T> {
    try {
      return await client.withDeadline(Date.now() + ms, ask);
    } catch (error) {
      throw unavailableOr(error);
    }
  }

  /** Waits for a workflow's answer, and asks again where the server threw the question away. */
  async function inTime<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    return await client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, async () => {
      for (let left = ASK_TIMES - 1; left > 0; left -= 1) {
        try {
          return await ask();
        } catch (error) {
          if (!wasThrownAway(error)) throw error;
          await sleep(ASK_AGAIN_MS);
        }
      }
      return await ask();
    });
  }

  /** @param late what it is when nobody answered in time */
  async function answered<Answer, Refusal extends string>(
    ask: () => Promise<Answer>,
    refusals: readonly Refusal[],
    late: () => Promise<Asked<Answer, Refusal>>,
  ): Promise<Asked<Answer, Refusal>> {
    try {
      return { kind: 'answered', answer: ours(await inTime(ask)) };
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return await late();
      if (error instanceof WorkflowNotFoundError || error instanceof WorkflowExecutionAlreadyStartedError)
        return { kind: 'gone' };
      const refusal = refusalOf(error, refusals);
      if (refusal !== undefined) return { kind: 'refused', refusal };
      throw refusedOr(error);
    }
  }

  /** A deadline also passes while Temporal is away, and then nothing is pending: it was never asked. */
  const isThere = (workflowId: string): Promise<boolean> =>
    soon(() => described(workflowId).then(() => true), LOOK_TIMEOUT_MS).catch(unless(WorkflowNotFoundError, false));

  const described = (workflowId: string) => server.getHandle(workflowId).describe();

  return {
    start: (workflow, options) =>
      soon(() => server.start(workflow, options).then(() => true)).catch(unless(WorkflowExecutionAlreadyStartedError, false)),

    async ask(workflowId, update, { updateId, order, refusals = [] }) {
      const ask = () => server.getHandle(workflowId).executeUpdate(update, { updateId, args: [order] });
      return await answered(ask, refusals, async () => ({ kind: (await isThere(workflowId)) ? 'pending' : 'gone' }));
    },

    async askOrStart(workflow, options, update, { updateId, order, refusals = [] }) {
      const { workflowId } = options;
      const ask = async () => {
        // An operation serves one call.
        const startWorkflowOperation = new WithStartWorkflowOperation(workflow, {
          ...options,
          workflowIdConflictPolicy: 'USE_EXISTING',
        });
        return await server
          .executeUpdateWithStart(update, { updateId, args: [order], startWorkflowOperation })
          .catch(endedMeanwhile);
      };
      return await answered(ask, refusals, async () => {
        if (await isThere(workflowId)) return { kind: 'pending' };
        throw new TemporalUnavailable(`${workflowId} could not be started in time`);
      });
    },

    signal: (workflowId, signal, word) =>
      soon(() => signalHeard(workflowId, (run) => run.signal(signal, word)).then(() => 'heard' as const)).catch(
        unless(WorkflowNotFoundError, 'gone' as const),
      ),

    async signalOrStart<W extends Workflow, Word>(
      workflow: W,
      options: WorkflowStartOptions<W>,
      signal: SignalDefinition<[Word]>,
      word: Word,
    ) {
      const said: WorkflowSignalWithStartOptions<[Word]> = { ...(options as WorkflowOptions), signal, signalArgs: [word] };
      const tellOrStart = () => server.signalWithStart<W, [Word]>(workflow, { ...options, ...said });
      await soon(() => signalHeard(options.workflowId, (run) => run.signal(signal, word), tellOrStart));
    },

    async result<W extends Workflow>(workflowId: string) {
      return await soon(async () => ours(await server.getHandle<W>(workflowId).result()))
        .catch(unless(WorkflowFailedError, undefined))
        .catch(unless(WorkflowNotFoundError, undefined));
    },

    startedAt: (workflowId) =>
      soon(() => described(workflowId).then(({ startTime }) => startTime)).catch(unless(WorkflowNotFoundError, undefined)),
  };
}

/** For `catch`: what this error means as an answer. */
const unless =
  <T>(kind: abstract new (...args: never[]) => Error, answer: T) =>
  (error: unknown): T => {
    if (error instanceof kind) return answer;
    throw error;
  };

/** Started for this question, or met by it, and over before it answered: what was asked may have been done. */
function endedMeanwhile(error: unknown): never {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
  throw new TemporalUnavailable('the workflow ended while it was asked', { cause: error });
}

const wasThrownAway = (error: unknown): boolean => THROWN_AWAY.includes(refusalIn(error)?.code ?? 0);

/** Whoever can answer a workflow's tasks can answer its updates: what was not encrypted by us is no answer. */
function ours<T>(answer: T): T {
  if (unsigned(answer)) throw new TemporalUnavailable('somebody else has answered in place of a worker of ours');
  return answer;
}

/** The workflow's validator refused it, in one of the words that it was to be asked with. */
function refusalOf<Refusal extends string>(error: unknown, refusals: readonly Refusal[]): Refusal | undefined {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  return refusals.find((each) => each === type);
}

/** A worker that lacks our key refuses us as it would a stranger, and a stranger may have started what we met: both pass. */
const refusedOr = (error: unknown): unknown =>
  error instanceof WorkflowUpdateFailedError
    ? new TemporalUnavailable('the workflow could not do what was asked', { cause: error })
    : unavailableOr(error);
