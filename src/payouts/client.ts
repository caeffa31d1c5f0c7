/**
 * How the door talks to payout workflows: the one place that knows their ids, policies and search attributes.
 * Every call may be repeated: the workflow id and the update id are the same for the same request.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, TypedSearchAttributes, type WorkflowIdReusePolicy } from '@temporalio/common';
import { followUpWorkflowId, payoutWorkflowId } from '../rules/ids.ts';
import { formatMajor } from '../rules/money.ts';
import { RPC_TIMEOUT_MS, refusalIn, TemporalUnavailable, unavailableOr } from '../temporal/client.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import { unsigned } from '../temporal/rules/unsigned.ts';
import { createSignals } from '../temporal/signals.ts';
import {
  type Accepted,
  type AcceptOrder,
  acceptUpdate,
  type Command,
  type CommandAnswer,
  type CommandOrder,
  commandUpdate,
  type DispatchOrder,
  dispatchSignal,
  type FollowUpInput,
  type Opening,
  type PayoutInput,
  type PayoutRecord,
  type PayoutResult,
  type PayoutTimes,
  type PspNotice,
  pspNoticeSignal,
} from './rules/contract.ts';
import { AMOUNT_MINOR, CURRENCY, MERCHANT_ID, NEEDS_OPERATOR, PAYOUT_KIND, PAYOUT_STATUS } from './rules/searchAttributes.ts';

/** A client waits this long for a first answer; beyond it, 202: the workflow is there and goes on by itself. */
const ANSWER_TIMEOUT_MS = 5_000;
/** For the look whether a payout was started, after ANSWER_TIMEOUT_MS in vain: a server that is there answers at once. */
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

type FollowUp = (input: FollowUpInput) => Promise<void>;
type PayoutWorkflow = (input: PayoutInput) => Promise<PayoutResult>;

export type AcceptAnswer = { readonly kind: 'answered'; readonly accepted: Accepted } | { readonly kind: 'pending' };
const PENDING: AcceptAnswer = { kind: 'pending' };
export type SteeredAnswer = CommandAnswer | { readonly outcome: 'gone' } | { readonly outcome: 'pending' };

/** What a workflow is started with besides its opening; read by operators in the Temporal UI. */
export interface PayoutFacts {
  readonly payoutId: string;
  readonly merchantId: string;
  readonly kind: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly destination: { readonly type: string; readonly bankCode?: string; readonly walletCode?: string };
}

export type SeenPayout = Pick<PayoutRecord, 'id' | 'round' | 'sequence'>;

export interface PayoutsSettings {
  readonly times: PayoutTimes;
  readonly allowSignalDecisions: boolean;
}

export interface PayoutsClient {
  /** Starts the payout or attaches to it, and waits for its first decision. `pending`: no worker answered in time. */
  accept(facts: PayoutFacts, opening: Opening): Promise<AcceptAnswer>;
  /** The first decision on a payout that may have been begun before, whatever was asked then. `unknown`: it never was, or was ended before it decided. */
  recall(payoutId: string): Promise<AcceptAnswer | { readonly kind: 'unknown' }>;
  /**
   * Asks a running payout for something. `gone`: its workflow has ended; `pending`: no worker answered in time.
   * @param seen the payout as whoever asks has seen it.
   */
  command(seen: SeenPayout, command: Command, updateId: string): Promise<SteeredAnswer>;
  /** The same of a payout whose workflow has ended: the one that follows it up takes it, and is started for it. */
  commandAfterEnd(seen: SeenPayout, command: Command, updateId: string): Promise<SteeredAnswer>;
  /** Hands a PSP's message to whoever takes facts of this payout now: its own workflow, or one that follows it up. */
  notice(payoutId: string, round: number, notice: PspNotice): Promise<void>;
  /**
   * Has the attempts in doubt of a payout that is over looked up again, unless somebody has followed it up within this time.
   * @returns whether it was begun
   */
  lookAgain(payoutId: string, withinMs: number): Promise<boolean>;
  /** Takes up an open payout that has no workflow (any more); does nothing where one runs. */
  resume(record: PayoutRecord): Promise<void>;
  /** Hands an approved payout over to its workflow, which sends it; one that was lost is taken up again. */
  dispatch(record: PayoutRecord, runId: string): Promise<void>;
}

/** @param onFull told of each run that was ended because it could take no more signals: an operator should ask who sent them. */
export function createPayoutsClient(
  client: Client,
  settings: PayoutsSettings,
  onFull: (workflowId: string) => void = () => undefined,
): PayoutsClient {
  const { workflow } = client;
  const signalHeard = createSignals(workflow, onFull);

  const startOptions = (facts: PayoutFacts, opening: Opening, reuse: WorkflowIdReusePolicy) => ({
    workflowId: payoutWorkflowId(facts.payoutId, opening.type === 'new' ? 1 : opening.round),
    taskQueue: PAYOUTS_QUEUE,
    args: [{ opening, times: settings.times, allowSignalDecisions: settings.allowSignalDecisions }] as [PayoutInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    workflowIdReusePolicy: reuse,
    // A merchant with a long queue does not delay another's single payout. The key's limit is 64 bytes.
    priority: { priorityKey: 3, fairnessKey: facts.merchantId },
    staticSummary: summaryOf(facts),
    typedSearchAttributes: new TypedSearchAttributes([
      { key: MERCHANT_ID, value: facts.merchantId },
      { key: PAYOUT_STATUS, value: 'PENDING' },
      { key: PAYOUT_KIND, value: facts.kind },
      { key: CURRENCY, value: facts.currency },
      { key: NEEDS_OPERATOR, value: false },
      { key: AMOUNT_MINOR, value: asNumber(facts.amountMinor) },
    ]),
  });

  const followUpOptions = (payoutId: string) => ({
    workflowId: followUpWorkflowId(payoutId),
    taskQueue: PAYOUTS_QUEUE,
    args: [{ payoutId, times: settings.times }] as [FollowUpInput],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const, // facts may keep coming; each goes through the ledger's door
  });

  async function accept(facts: PayoutFacts, opening: Opening): Promise<AcceptAnswer> {
    // A payout is begun once: done means never again. A run that was ended by hand has decided nothing, or what the books
    // say: they answer its successor. A reinitiation that was refused may be asked for again; the ledger opens each round
    // once, whoever asks.
    const isNew = opening.type !== 'reinitiate';
    const options = startOptions(facts, opening, isNew ? 'ALLOW_DUPLICATE_FAILED_ONLY' : 'ALLOW_DUPLICATE');
    const updateId = isNew ? 'accept' : `accept:${opening.requestId}`;
    try {
      const accepted = await inTime(async () => {
        // An operation serves one call.
        const startWorkflowOperation = new WithStartWorkflowOperation<PayoutWorkflow>('payout', options);
        const args: [AcceptOrder] = [{}];
        return await workflow.executeUpdateWithStart(acceptUpdate, { updateId, args, startWorkflowOperation });
      });
      return { kind: 'answered', accepted: ours(accepted) };
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return await pendingIfStarted(options.workflowId);
      // It has ended without this update: the update was lost with a server. The result holds the same answer.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return (await answerOfEnded(options.workflowId)) ?? PENDING;
      throw refusedOr(error);
    }
  }

  async function recall(payoutId: string): Promise<AcceptAnswer | { readonly kind: 'unknown' }> {
    const workflowId = payoutWorkflowId(payoutId, 1);
    const handle = workflow.getHandle<PayoutWorkflow>(workflowId);
    try {
      const question = { updateId: 'accept', args: [{}] as [AcceptOrder] };
      return { kind: 'answered', accepted: ours(await inTime(() => handle.executeUpdate(acceptUpdate, question))) };
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return await pendingIfStarted(workflowId);
      if (!(error instanceof WorkflowNotFoundError)) throw refusedOr(error);
    }
    // It has ended, or there never was one.
    const there = await pendingIfThere(handle);
    return (there.outcome === 'gone' ? undefined : await answerOfEnded(workflowId)) ?? { kind: 'unknown' };
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

  /** The deadline also passes while Temporal is away: only a known workflow makes it "pending". */
  async function pendingIfStarted(workflowId: string): Promise<AcceptAnswer> {
    try {
      await client.withDeadline(Date.now() + LOOK_TIMEOUT_MS, () => workflow.getHandle(workflowId).describe());
      return PENDING;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError)
        throw new TemporalUnavailable('the payout could not be started in time', { cause: error });
      throw unavailableOr(error);
    }
  }

  /** Undefined: it was ended by hand, or lost, and has answered nobody. */
  async function answerOfEnded(workflowId: string): Promise<AcceptAnswer | undefined> {
    try {
      const result = client.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
        workflow.getHandle<PayoutWorkflow>(workflowId).result(),
      );
      return { kind: 'answered', accepted: ours(await result).accepted };
    } catch (error) {
      if (error instanceof WorkflowFailedError) return undefined;
      throw unavailableOr(error);
    }
  }

  async function command(seen: SeenPayout, wanted: Command, updateId: string): Promise<SteeredAnswer> {
    const handle = workflow.getHandle(payoutWorkflowId(seen.id, seen.round));
    const args: [CommandOrder] = [{ updateId, sequence: seen.sequence, command: wanted }];
    return await steered(handle, () => handle.executeUpdate(commandUpdate, { args, updateId }));
  }

  async function commandAfterEnd({ id, sequence }: SeenPayout, wanted: Command, updateId: string): Promise<SteeredAnswer> {
    return await steered(workflow.getHandle(followUpWorkflowId(id)), async () => {
      const startWorkflowOperation = new WithStartWorkflowOperation<FollowUp>('payoutFollowUp', {
        ...followUpOptions(id),
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      const args: [CommandOrder] = [{ updateId, sequence, command: wanted }];
      return await workflow.executeUpdateWithStart(commandUpdate, { args, updateId, startWorkflowOperation });
    });
  }

  async function steered(handle: WorkflowHandle, ask: () => Promise<CommandAnswer>): Promise<SteeredAnswer> {
    try {
      return ours(await inTime(ask));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { outcome: 'gone' };
      const refused = error instanceof WorkflowUpdateFailedError ? refusalOf(error.cause) : undefined;
      if (refused) return { outcome: refused };
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return await pendingIfThere(handle);
      throw refusedOr(error);
    }
  }

  /** As for `accept`: while Temporal is away nothing is pending, it was never asked. */
  async function pendingIfThere(handle: WorkflowHandle): Promise<SteeredAnswer> {
    try {
      await client.withDeadline(Date.now() + LOOK_TIMEOUT_MS, () => handle.describe());
      return { outcome: 'pending' };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { outcome: 'gone' };
      throw unavailableOr(error);
    }
  }

  async function notice(payoutId: string, round: number, message: PspNotice): Promise<void> {
    const [own, after] = [payoutWorkflowId(payoutId, round), followUpWorkflowId(payoutId)];
    try {
      await client.withDeadline(Date.now() + RPC_TIMEOUT_MS, async () => {
        try {
          await signalHeard(own, (run) => run.signal(pspNoticeSignal, message));
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
          const options = { ...followUpOptions(payoutId), signal: pspNoticeSignal, signalArgs: [message] as [PspNotice] };
          const signalWithStart = () => workflow.signalWithStart<FollowUp, [PspNotice]>('payoutFollowUp', options);
          await signalHeard(after, (run) => run.signal(pspNoticeSignal, message), signalWithStart);
        }
      });
    } catch (error) {
      throw unavailableOr(error);
    }
  }

  async function lookAgain(payoutId: string, withinMs: number): Promise<boolean> {
    const options = followUpOptions(payoutId);
    try {
      return await client.withDeadline(Date.now() + RPC_TIMEOUT_MS, async () => {
        const followedUpAt = await startOf(workflow.getHandle(options.workflowId));
        if (followedUpAt !== undefined && Date.now() - followedUpAt.getTime() < withinMs) return false;
        await workflow.start<FollowUp>('payoutFollowUp', options);
        return true;
      });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw unavailableOr(error);
    }
  }

  /** A closed run may be started anew: the payout is open, so that run was lost or terminated, and the ledger keeps it single. */
  const resumeOptions = (record: PayoutRecord) =>
    startOptions(
      { ...record, payoutId: record.id },
      { type: 'resume', payoutId: record.id, round: record.round },
      'ALLOW_DUPLICATE',
    );

  async function resume(record: PayoutRecord): Promise<void> {
    try {
      await workflow.start<PayoutWorkflow>('payout', resumeOptions(record));
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return;
      throw unavailableOr(error);
    }
  }

  async function dispatch(record: PayoutRecord, runId: string): Promise<void> {
    try {
      const options = { ...resumeOptions(record), signal: dispatchSignal, signalArgs: [{ runId }] as [DispatchOrder] };
      const signalWithStart = () => workflow.signalWithStart<PayoutWorkflow, [DispatchOrder]>('payout', options);
      await client.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
        signalHeard(options.workflowId, (run) => run.signal(dispatchSignal, { runId }), signalWithStart),
      );
    } catch (error) {
      throw unavailableOr(error);
    }
  }

  return { accept, recall, command, commandAfterEnd, notice, lookAgain, resume, dispatch };
}

/** When its newest run began; undefined: there is none that the server remembers. */
async function startOf(handle: WorkflowHandle): Promise<Date | undefined> {
  try {
    return (await handle.describe()).startTime;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

const wasThrownAway = (error: unknown): boolean => THROWN_AWAY.includes(refusalIn(error)?.code ?? 0);

/** Whoever can answer a workflow's tasks can answer its updates: what was not encrypted by us is no answer. */
function ours<T>(answer: T): T {
  if (unsigned(answer)) throw new TemporalUnavailable('somebody else has answered in place of a worker of ours');
  return answer;
}

/** A worker that lacks our key refuses us as it would a stranger, and a stranger may have started what we met: both pass. */
const refusedOr = (error: unknown): unknown =>
  error instanceof WorkflowUpdateFailedError
    ? new TemporalUnavailable('the workflow could not do what was asked', { cause: error })
    : unavailableOr(error);

/** The workflow's validator refused the command before it entered the history. */
function refusalOf(cause: unknown): 'wrong_state' | 'already_decided' | undefined {
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  return type === 'wrong_state' || type === 'already_decided' ? type : undefined;
}

function summaryOf({ amountMinor, currency, destination, kind }: PayoutFacts): string {
  return `${kind} payout ${formatMajor(BigInt(amountMinor), currency)} ${currency} → ${destination.bankCode ?? destination.walletCode ?? destination.type}`;
}

/** A search attribute is a JavaScript number; amounts are at most 10^15 minor units (api.md §1), below 2^53. */
function asNumber(amountMinor: string): number {
  return Number.parseInt(amountMinor, 10);
}
