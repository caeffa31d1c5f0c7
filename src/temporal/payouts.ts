/**
 * How the door talks to payout workflows: the one place that knows their ids, policies and search attributes.
 * Every call may be repeated: the workflow id and the update id are the same for the same request.
 */
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
import { followUpWorkflowId, payoutWorkflowId } from '../domain/ids.ts';
import { formatMajor } from '../domain/money.ts';
import {
  type Accepted,
  acceptUpdate,
  type Command,
  type CommandAnswer,
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
} from '../domain/payout/contract.ts';
import {
  AMOUNT_MINOR,
  CURRENCY,
  MERCHANT_ID,
  NEEDS_OPERATOR,
  PAYOUT_KIND,
  PAYOUT_STATUS,
} from '../domain/payout/searchAttributes.ts';
import { PAYOUTS_QUEUE } from '../domain/queues.ts';
import { TemporalUnavailable, unavailableOr } from './client.ts';

/** A client waits this long for a first answer; beyond it, 202: the workflow is there and goes on by itself. */
const ANSWER_TIMEOUT_MS = 5_000;
/** A signal or a start only has to be stored: seconds mean that Temporal is away. */
const RPC_TIMEOUT_MS = 5_000;
/** For the look whether a payout was started, after ANSWER_TIMEOUT_MS in vain: a server that is there answers at once. */
const LOOK_TIMEOUT_MS = 1_500;

type PayoutWorkflow = (input: PayoutInput) => Promise<PayoutResult>;
type StartPayout = WithStartWorkflowOperation<PayoutWorkflow>;

export type AcceptAnswer = { readonly kind: 'answered'; readonly accepted: Accepted } | { readonly kind: 'pending' };
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

export interface PayoutsSettings {
  readonly times: PayoutTimes;
  readonly allowSignalDecisions: boolean;
}

export interface PayoutsClient {
  /** Starts the payout or attaches to it, and waits for its first decision. `pending`: no worker answered in time. */
  accept(facts: PayoutFacts, opening: Opening): Promise<AcceptAnswer>;
  /** Asks a running payout for something. `gone`: its workflow has ended; `pending`: no worker answered in time. */
  command(payoutId: string, round: number, command: Command, updateId: string): Promise<SteeredAnswer>;
  /** Hands a PSP's message to whoever takes facts of this payout now: its own workflow, or one that follows it up. */
  notice(payoutId: string, round: number, notice: PspNotice): Promise<void>;
  /** Takes up an open payout that has no workflow (any more); does nothing where one runs. */
  resume(record: PayoutRecord): Promise<void>;
  /** Hands an approved payout over to its workflow, which sends it; one that was lost is taken up again. */
  dispatch(record: PayoutRecord, runId: string): Promise<void>;
}

export function createPayoutsClient(client: Client, settings: PayoutsSettings): PayoutsClient {
  const { workflow } = client;

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

  async function accept(facts: PayoutFacts, opening: Opening): Promise<AcceptAnswer> {
    // A payout is begun once: closed means never again. A reinitiation that was refused may be asked for again; the
    // ledger opens each round once, whoever asks.
    const isNew = opening.type !== 'reinitiate';
    const startWorkflowOperation = new WithStartWorkflowOperation<PayoutWorkflow>(
      'payout',
      startOptions(facts, opening, isNew ? 'REJECT_DUPLICATE' : 'ALLOW_DUPLICATE'),
    );
    const updateId = isNew ? 'accept' : `accept:${opening.requestId}`;
    try {
      const accepted = await client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
        workflow.executeUpdateWithStart(acceptUpdate, { updateId, startWorkflowOperation }),
      );
      return { kind: 'answered', accepted };
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return await pendingIfStarted(startWorkflowOperation);
      // It has ended without this update: the update was lost with a server. The result holds the same answer.
      if (error instanceof WorkflowExecutionAlreadyStartedError) return await answerOfEnded(startWorkflowOperation);
      throw unavailableOr(error);
    }
  }

  /** The deadline also passes while Temporal is away: only a known workflow makes it "pending". */
  async function pendingIfStarted(operation: StartPayout): Promise<AcceptAnswer> {
    const { workflowId } = operation.options;
    try {
      await client.withDeadline(Date.now() + LOOK_TIMEOUT_MS, () => workflow.getHandle(workflowId).describe());
      return { kind: 'pending' };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError)
        throw new TemporalUnavailable('the payout could not be started in time', { cause: error });
      throw unavailableOr(error);
    }
  }

  async function answerOfEnded(operation: StartPayout): Promise<AcceptAnswer> {
    const { workflowId } = operation.options;
    try {
      const result = client.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
        workflow.getHandle<PayoutWorkflow>(workflowId).result(),
      );
      return { kind: 'answered', accepted: (await result).accepted };
    } catch (error) {
      if (error instanceof WorkflowFailedError) return { kind: 'pending' }; // ended by hand: its payout is open, and will be taken up again
      throw unavailableOr(error);
    }
  }

  async function command(payoutId: string, round: number, wanted: Command, updateId: string): Promise<SteeredAnswer> {
    const handle = workflow.getHandle(payoutWorkflowId(payoutId, round));
    try {
      return await client.withDeadline(Date.now() + ANSWER_TIMEOUT_MS, () =>
        handle.executeUpdate(commandUpdate, { args: [wanted], updateId }),
      );
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return { outcome: 'gone' };
      const refused = error instanceof WorkflowUpdateFailedError ? refusalOf(error.cause) : undefined;
      if (refused) return { outcome: refused };
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return await pendingIfThere(handle);
      throw unavailableOr(error);
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
    try {
      await client.withDeadline(Date.now() + RPC_TIMEOUT_MS, async () => {
        try {
          await workflow.getHandle(payoutWorkflowId(payoutId, round)).signal(pspNoticeSignal, message);
        } catch (error) {
          if (!(error instanceof WorkflowNotFoundError)) throw error;
          await workflow.signalWithStart<(input: FollowUpInput) => Promise<void>, [PspNotice]>('payoutFollowUp', {
            workflowId: followUpWorkflowId(payoutId),
            taskQueue: PAYOUTS_QUEUE,
            args: [{ payoutId, times: settings.times }],
            workflowIdReusePolicy: 'ALLOW_DUPLICATE', // facts may keep coming; each goes through the ledger's door
            signal: pspNoticeSignal,
            signalArgs: [message],
          });
        }
      });
    } catch (error) {
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
      await client.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
        workflow.signalWithStart<PayoutWorkflow, [DispatchOrder]>('payout', {
          ...resumeOptions(record),
          signal: dispatchSignal,
          signalArgs: [{ runId }],
        }),
      );
    } catch (error) {
      throw unavailableOr(error);
    }
  }

  return { accept, command, notice, resume, dispatch };
}

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
