/**
 * How the door talks to payout workflows: the one place that knows their ids, policies and search attributes. What is the
 * same for every flow (deadlines, what is asked again, what is pending or gone) is src/temporal/workflowClient.ts.
 */
import type { Client, WorkflowStartOptions } from '@temporalio/client';
import { TypedSearchAttributes, type WorkflowIdReusePolicy } from '@temporalio/common';
import { payout } from '../../workflows/payouts/payout.ts';
import { payoutFollowUp } from '../../workflows/payouts/payoutFollowUp.ts';
import { followUpWorkflowId, payoutWorkflowId } from '../rules/ids.ts';
import { formatMajor } from '../rules/money.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import {
  AMOUNT_MINOR,
  CURRENCY,
  MERCHANT_ID,
  NEEDS_OPERATOR,
  PAYOUT_KIND,
  PAYOUT_STATUS,
} from '../temporal/rules/searchAttributes.ts';
import { type Asked, createWorkflowClient, type Question } from '../temporal/workflowClient.ts';
import {
  type Accepted,
  acceptUpdate,
  type Command,
  type CommandAnswer,
  type CommandOrder,
  commandUpdate,
  dispatchSignal,
  letGoSignal,
  type Opening,
  type PayoutRecord,
  type PayoutTimes,
  type PspNotice,
  pspNoticeSignal,
} from './rules/contract.ts';

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
  /** Tells a payout that waits for the end of a pause to ask the books again; one that was lost is taken up. */
  letGo(record: PayoutRecord): Promise<void>;
}

/** @param onFull told of each run that was ended because it could take no more signals: an operator should ask who sent them. */
export function createPayoutsClient(
  client: Client,
  settings: PayoutsSettings,
  onFull?: (workflowId: string) => void,
): PayoutsClient {
  const temporal = createWorkflowClient(client, onFull);

  const payoutOptions = (
    facts: PayoutFacts,
    opening: Opening,
    reuse: WorkflowIdReusePolicy,
  ): WorkflowStartOptions<typeof payout> => ({
    workflowId: payoutWorkflowId(facts.payoutId, opening.type === 'new' ? 1 : opening.round),
    taskQueue: PAYOUTS_QUEUE,
    args: [{ opening, times: settings.times, allowSignalDecisions: settings.allowSignalDecisions }],
    workflowIdConflictPolicy: 'USE_EXISTING',
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

  /** A closed run may be started anew: the payout is open, so that run was lost or terminated, and the ledger keeps it single. */
  const resumeOptions = (record: PayoutRecord) =>
    payoutOptions(
      { ...record, payoutId: record.id },
      { type: 'resume', payoutId: record.id, round: record.round },
      'ALLOW_DUPLICATE',
    );

  const followUpOptions = (payoutId: string): WorkflowStartOptions<typeof payoutFollowUp> => ({
    workflowId: followUpWorkflowId(payoutId),
    taskQueue: PAYOUTS_QUEUE,
    args: [{ payoutId, times: settings.times }],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE', // facts may keep coming; each goes through the ledger's door
  });

  async function accept(facts: PayoutFacts, opening: Opening): Promise<AcceptAnswer> {
    // A payout is begun once: done means never again. A run that was ended by hand has decided nothing, or what the books
    // say: they answer its successor. A reinitiation that was refused may be asked for again; the ledger opens each round
    // once, whoever asks.
    const isNew = opening.type !== 'reinitiate';
    const options = payoutOptions(facts, opening, isNew ? 'ALLOW_DUPLICATE_FAILED_ONLY' : 'ALLOW_DUPLICATE');
    const updateId = isNew ? ACCEPT : `${ACCEPT}:${opening.requestId}`;
    const asked = await temporal.askOrStart(payout, options, acceptUpdate, { updateId, order: {} });
    // It has ended without this update: the update was lost with a server. The result holds the same answer.
    return acceptedIn(asked) ?? (await answerOfEnded(options.workflowId)) ?? PENDING;
  }

  async function recall(payoutId: string): Promise<AcceptAnswer | { readonly kind: 'unknown' }> {
    const workflowId = payoutWorkflowId(payoutId, 1);
    const asked = await temporal.ask(workflowId, acceptUpdate, { updateId: ACCEPT, order: {} });
    // Where it is gone, it has ended, or there never was one.
    return acceptedIn(asked) ?? (await answerOfEnded(workflowId)) ?? { kind: 'unknown' };
  }

  /** Undefined: it was ended by hand, or lost, and has answered nobody. */
  async function answerOfEnded(workflowId: string): Promise<AcceptAnswer | undefined> {
    const left = await temporal.result<typeof payout>(workflowId);
    return left && { kind: 'answered', accepted: left.accepted };
  }

  async function notice(payoutId: string, round: number, message: PspNotice): Promise<void> {
    if ((await temporal.signal(payoutWorkflowId(payoutId, round), pspNoticeSignal, message)) === 'heard') return;
    await temporal.signalOrStart(payoutFollowUp, followUpOptions(payoutId), pspNoticeSignal, message);
  }

  async function lookAgain(payoutId: string, withinMs: number): Promise<boolean> {
    const followedUpAt = await temporal.startedAt(followUpWorkflowId(payoutId));
    if (followedUpAt !== undefined && Date.now() - followedUpAt.getTime() < withinMs) return false;
    return await temporal.start(payoutFollowUp, followUpOptions(payoutId));
  }

  return {
    accept,
    recall,
    command: async (seen, command, updateId) =>
      steered(await temporal.ask(payoutWorkflowId(seen.id, seen.round), commandUpdate, commanding(seen, command, updateId))),
    commandAfterEnd: async (seen, command, updateId) =>
      steered(
        await temporal.askOrStart(payoutFollowUp, followUpOptions(seen.id), commandUpdate, commanding(seen, command, updateId)),
      ),
    notice,
    lookAgain,
    resume: async (record) => void (await temporal.start(payout, resumeOptions(record))),
    dispatch: (record, runId) => temporal.signalOrStart(payout, resumeOptions(record), dispatchSignal, { runId }),
    letGo: (record) => temporal.signalOrStart(payout, resumeOptions(record), letGoSignal, {}),
  };
}

/** The update id of a payout's first question; a reinitiation's names its request, too. */
const ACCEPT = 'accept';

/** By which the workflow's validator refuses a command (workflows/payouts/payoutCommands.ts). */
const REFUSALS = ['wrong_state', 'already_decided', 'attempt_alive'] as const;
type Refusal = (typeof REFUSALS)[number];

const commanding = ({ sequence }: SeenPayout, command: Command, updateId: string): Question<CommandOrder, Refusal> => ({
  updateId,
  order: { updateId, sequence, command },
  refusals: REFUSALS,
});

/** Undefined: the workflow is gone. */
function acceptedIn(asked: Asked<Accepted>): AcceptAnswer | undefined {
  if (asked.kind === 'answered') return { kind: 'answered', accepted: asked.answer };
  return asked.kind === 'pending' ? PENDING : undefined;
}

function steered(asked: Asked<CommandAnswer, Refusal>): SteeredAnswer {
  switch (asked.kind) {
    case 'answered':
      return asked.answer;
    case 'refused':
      return { outcome: asked.refusal };
    case 'pending':
    case 'gone':
      return { outcome: asked.kind };
  }
}

function summaryOf({ amountMinor, currency, destination, kind }: PayoutFacts): string {
  return `${kind} payout ${formatMajor(BigInt(amountMinor), currency)} ${currency} → ${destination.bankCode ?? destination.walletCode ?? destination.type}`;
}

/** A search attribute is a JavaScript number; amounts are at most 10^15 minor units (api.md §1), below 2^53. */
function asNumber(amountMinor: string): number {
  return Number.parseInt(amountMinor, 10);
}
