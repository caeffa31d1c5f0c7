/**
 * What every workflow of a payout shares: the one door through which facts reach the ledger, what this run knows of
 * the payout, and the webhooks that a change leaves behind.
 */
import {
  type ActivityInterfaceFor,
  type ActivityOptions,
  allHandlersFinished,
  condition,
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { LedgerActivities } from '../activities/ledger.ts';
import type { PspActivities } from '../activities/psp.ts';
import type { WebhookActivities } from '../activities/webhooks.ts';
import { deliveryWorkflowId, notificationsWorkflowId } from '../src/domain/ids.ts';
import type { NotificationsInput } from '../src/domain/notifications.ts';
import type { Fact, FactAnswer, PayoutRecord, PayoutTimes, PspNotice } from '../src/domain/payout/contract.ts';
import { currentDetails } from '../src/domain/payout/currentDetails.ts';
import { factsOf, type ReplyContext, replyContext, retryWait } from '../src/domain/payout/facts.ts';
import { isFinal, PUBLIC_STATUS, waitingOn } from '../src/domain/payout/machine.ts';
import type { PspReply } from '../src/domain/payout/reply.ts';
import { NEEDS_OPERATOR, PAYOUT_STATUS } from '../src/domain/payout/searchAttributes.ts';
import { stepKey } from '../src/domain/payout/steps.ts';
import { DECISIONS_QUEUE, PROVIDER_PSP_QUEUE, WEBHOOKS_QUEUE } from '../src/domain/queues.ts';
import type { WebhookDeliveryInput } from '../src/domain/webhookDelivery.ts';
import { now } from './clock.ts';

/**
 * Short, idempotent database calls. Tried until the database is back: giving up would leave money reserved with nobody
 * in charge. The first tries are local and quick; a longer outage waits in the server (beyond a minute's backoff).
 */
export const ledger = proxyLocalActivities<LedgerActivities>({
  startToCloseTimeout: '15s', // above the pool's own limits (10 s), which give the better error
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/**
 * The same for what an update asks. Until its workflow task is done an update stands in no history, only in the server's
 * memory: what the ledger wrote in that task, the workflow would never hear of if worker and server died. An activity is
 * handed out when the update is stored.
 */
const asked = proxyActivities<Pick<ActivityInterfaceFor<LedgerActivities>, 'applyAsked'>>({
  taskQueue: DECISIONS_QUEUE,
  startToCloseTimeout: '15s', // as above
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** One look-up because a message came: a few tries, then the payout's own look-ups go on. */
const onMessage: ActivityOptions = {
  startToCloseTimeout: '45s', // above PSP_TIMEOUT's upper limit of 30 s
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 5 },
  summary: 'look up: the PSP sent a message',
};

/** The same after the payout has ended: no look-up of its own will find a return or a late payment, so this one insists. */
const onMessageAfterTheEnd: ActivityOptions = {
  startToCloseTimeout: '45s', // above PSP_TIMEOUT's upper limit of 30 s
  scheduleToCloseTimeout: '30d', // a PSP that is silent for longer is gone; the message stays as received for an operator
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '15m' },
  summary: 'look up: the PSP sent a message after the end',
};

/** The PSP's activities on the queue of this kind of payout. */
export function pspOf({ kind }: PayoutRecord, options: ActivityOptions): ActivityInterfaceFor<PspActivities> {
  return proxyActivities<PspActivities>({ ...options, ...(kind === 'provider' ? { taskQueue: PROVIDER_PSP_QUEUE } : {}) });
}

const webhooks = proxyActivities<Pick<ActivityInterfaceFor<WebhookActivities>, 'deliverWebhooks'>>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '2m', // every receiver has 15 s, in parallel; new tries begin within the first minute
  heartbeatTimeout: '15s', // a dead worker is noticed by five missed beats
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'deliver webhooks',
});

export interface PayoutDoor {
  /** The payout as this run last saw it. */
  seen(): PayoutRecord;
  /** The number of its newest event when this run began. */
  readonly openedAt: number;
  /** Whether the books may be further than that. */
  isBehind(): boolean;
  /** Waits for news of the payout, which the books have before us. */
  whileBehind<T>(news: Promise<T>): Promise<T>;
  /**
   * Takes over what was seen elsewhere, such as in an activity; an older view than ours changes nothing.
   * @param askedAt the newest event's number that we had seen when we asked.
   */
  see(answer: { readonly payout: PayoutRecord; readonly notify: boolean }, askedAt: number): void;
  apply(fact: Fact, actor: string): Promise<FactAnswer>;
  /** The same for what a person asks: it must be stored first, and the person may not be allowed to. */
  applyAsked(fact: Fact, actor: string): Promise<FactAnswer>;
  /** Shown with the current details until the payout changes. */
  remark(text: string): void;
  /** All that a PSP's reply makes true. */
  applyReply(reply: PspReply, source: 'reply' | 'look_up', attempt: number): Promise<void>;
  /** A PSP's message: asks the PSP, and applies what it says, whatever the message claimed. */
  confirm(notice: PspNotice): Promise<void>;
  /**
   * Answers the messages that still come, until nothing else is under way: every webhook so far is delivered or handed to
   * a workflow of its own, and whoever asked for something has an answer. Then the workflow must end: a later message would
   * be nobody's.
   */
  settleDown(notices: PspNotice[]): Promise<void>;
}

/** @param times of a payout that may still be tried again. */
export function openDoor(opened: { readonly payout: PayoutRecord; readonly notify: boolean }, times?: PayoutTimes): PayoutDoor {
  const { attemptsBefore } = opened.payout; // other rounds': the waits of this one grow with its own, whether they count or not
  let seen = opened.payout;
  let awaited = 0; // news on their way to us
  let delivering: Promise<void> | undefined;
  let moreToDeliver = false;
  let notifiedOf = 0; // the newest change that left webhooks behind
  const handedOver = new Set<string>(); // workflows that deliver what this one left
  let shown = '';

  async function deliver(): Promise<void> {
    while (moreToDeliver) {
      moreToDeliver = false;
      const { undelivered, through, notifications = [] } = await webhooks.deliverWebhooks({ payoutId: seen.id });
      if (through !== undefined && through >= notifiedOf) moreToDeliver = false; // it has seen what we were told of meanwhile
      // The long tail must not keep the payout open: a workflow of its own follows the schedule for each.
      for (const deliveryId of undelivered) {
        await handOver('webhookDelivery', deliveryWorkflowId(deliveryId), {
          deliveryId,
          tried: 1,
        } satisfies WebhookDeliveryInput);
      }
      for (const eventId of notifications) {
        await handOver('notifications', notificationsWorkflowId(eventId), { eventId } satisfies NotificationsInput);
      }
    }
    delivering = undefined;
  }

  async function handOver(workflowType: string, workflowId: string, input: object): Promise<void> {
    if (handedOver.has(workflowId)) return;
    handedOver.add(workflowId);
    await startChild(workflowType, {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    }).catch(ignoreRunningTwin);
  }

  function see({ payout, notify }: { readonly payout: PayoutRecord; readonly notify: boolean }, askedAt: number): void {
    if (notify) {
      moreToDeliver = true;
      notifiedOf = Math.max(notifiedOf, payout.sequence);
      delivering ??= deliver();
    }
    // Overtaken by another answer. One with less than we knew when we asked is not: the books were restored from a backup.
    if (payout.sequence < seen.sequence && payout.sequence >= askedAt) return;
    seen = payout;
    shown = show(payout, shown);
  }

  async function whileBehind<T>(news: Promise<T>): Promise<T> {
    awaited += 1;
    try {
      return await news;
    } finally {
      awaited -= 1;
    }
  }

  async function applyBy(
    door: typeof ledger.applyFact | typeof asked.applyAsked,
    fact: Fact,
    actor: string,
  ): Promise<FactAnswer> {
    const { sequence } = seen;
    const step: Parameters<LedgerActivities['applyFact']> = [seen.id, stepKey(fact, seen), fact, actor];
    const answer = await whileBehind(door.executeWithOptions({ summary: fact.type }, step));
    see(answer, sequence);
    return answer;
  }

  const apply = (fact: Fact, actor: string): Promise<FactAnswer> => applyBy(ledger.applyFact, fact, actor);

  const applyAsked = (fact: Fact, actor: string): Promise<FactAnswer> => applyBy(asked.applyAsked, fact, actor);

  /** Of a failure that another attempt follows, the fact says when: the clock is ours, and so is the wait that it ends. */
  function contextOf(attempt: number, source: ReplyContext['source']): ReplyContext {
    const waitMs = times && retryWait(attempt - attemptsBefore, times);
    return replyContext(seen, attempt, source, waitMs === undefined ? undefined : new Date(now() + waitMs).toISOString());
  }

  async function applyReply(reply: PspReply, source: 'reply' | 'look_up', attempt: number): Promise<void> {
    for (const fact of factsOf(reply, contextOf(attempt, source))) {
      await apply(fact, `psp:${seen.psp}`);
    }
  }

  async function confirm({ messageId, attempt, claim }: PspNotice): Promise<void> {
    const hasEnded = isFinal(seen.state);
    const reply = await pspOf(seen, hasEnded ? onMessageAfterTheEnd : onMessage)
      .lookUp({ payoutId: seen.id, attempt, known: null, notFoundGraceMs: 0, insist: hasEnded })
      .catch((): PspReply => ({ kind: 'unknown', reason: 'the PSP does not answer look-ups' }));
    // What proves nothing is no fact. The message stays as received; while the payout is open its own look-ups go on.
    if (reply.kind === 'unknown' || reply.kind === 'not_taken' || reply.kind === 'not_found') return;
    const facts = factsOf(reply, contextOf(attempt, 'callback'));
    for (const [index, fact] of facts.entries()) {
      const isLast = index === facts.length - 1; // the one that the message is compared with
      await apply(isLast ? { ...fact, messageId, claim } : fact, `psp:${seen.psp}`);
    }
  }

  async function settleDown(notices: PspNotice[]): Promise<void> {
    const isSettled = () => delivering === undefined && allHandlersFinished();
    while (notices.length > 0 || !isSettled()) {
      for (let notice = notices.shift(); notice; notice = notices.shift()) await confirm(notice);
      await condition(() => notices.length > 0 || isSettled());
    }
  }

  const remark = (text: string): void => setCurrentDetails(`${currentDetails(seen)}\n\n${text}`);

  see(opened, 0);
  return {
    seen: () => seen,
    openedAt: opened.payout.sequence,
    isBehind: () => awaited > 0,
    whileBehind,
    see,
    apply,
    applyAsked,
    remark,
    applyReply,
    confirm,
    settleDown,
  };
}

/** What an operator reads and filters by in the Temporal UI. An upsert costs a history event: only where he would look. */
function show(payout: PayoutRecord, shown: string): string {
  const status = PUBLIC_STATUS[payout.state];
  const waitsFor = waitingOn(payout);
  setCurrentDetails(currentDetails(payout));
  const wantsAttention = isFinal(payout.state) || payout.needsOperator || waitsFor === 'approver' || waitsFor === 'operator';
  const now = `${status} ${payout.needsOperator}`;
  if (now === shown || !(wantsAttention || shown !== '')) return shown;
  upsertSearchAttributes([
    { key: PAYOUT_STATUS, value: status },
    { key: NEEDS_OPERATOR, value: payout.needsOperator },
  ]);
  return now;
}

/** There is such a workflow already: it will be tried. */
function ignoreRunningTwin(error: unknown): void {
  if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return;
  throw error;
}
