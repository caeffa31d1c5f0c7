/**
 * What every workflow of a payout shares: the one door through which facts reach the ledger, and what this run knows of the
 * payout. Whoever else is to hear of a change, the ledger has noted down with it.
 */
import { type ActivityInterfaceFor, proxyActivities, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { LedgerActivities } from '../../activities/payouts/ledger.ts';
import type { Fact } from '../../src/payouts/rules/contract.ts';
import { currentDetails } from '../../src/payouts/rules/currentDetails.ts';
import { isFinal, PUBLIC_STATUS, waitingOn } from '../../src/payouts/rules/machine.ts';
import { heardIn, type PayoutStanding, type StepAnswer } from '../../src/payouts/rules/standing.ts';
import { stepKey } from '../../src/payouts/rules/steps.ts';
import { DECISIONS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { NEEDS_OPERATOR, PAYOUT_STATUS } from '../../src/temporal/rules/searchAttributes.ts';
import { ledger, refusedForGood } from './ledgerCalls.ts';

/**
 * What an update asks. Until its workflow task is done an update stands in no history, only in the server's memory: what
 * the ledger wrote in that task, the workflow would never hear of if worker and server died. An activity is handed out
 * when the update is stored.
 */
const asked = proxyActivities<Pick<ActivityInterfaceFor<LedgerActivities>, 'applyAsked'>>({
  taskQueue: DECISIONS_QUEUE,
  startToCloseTimeout: '15s', // above the pool's own limits (10 s), which give the better error
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

export interface PayoutDoor {
  /** The payout as this run last saw it. */
  seen(): PayoutStanding;
  /** Called with every view; an older one than ours is no news (next.ts). */
  onView(listener: (payout: PayoutStanding, askedAt: number) => void): void;
  /** Called when a step can never succeed: the payout is parked. */
  onParked(listener: () => void): void;
  /** The number of its newest event when this run began. */
  readonly openedAt: number;
  /** Whether the books may be further than what was seen. */
  isBehind(): boolean;
  /** Waits for news of the payout, which the books have before us. */
  whileBehind<T>(news: Promise<T>): Promise<T>;
  /**
   * Takes over what was seen elsewhere, such as in an activity; an older view than ours changes nothing.
   * @param askedAt the newest event's number that we had seen when we asked.
   */
  see(payout: PayoutStanding, askedAt: number): void;
  /** A fact that can never be written parks the payout, and is answered `wrong_state`. */
  apply(fact: Fact, actor: string): Promise<StepAnswer>;
  /** The same for what a person asks: it must be stored first, and the person may not be allowed to. */
  applyAsked(fact: Fact, actor: string): Promise<StepAnswer>;
  /** Hands the payout to an operator: a step of it can never succeed as things are. */
  park(reason: string): Promise<void>;
  /** Shown with the current details until the payout changes. */
  remark(text: string): void;
}

export function openDoor(opened: PayoutStanding): PayoutDoor {
  let seen = opened;
  let tellView: (payout: PayoutStanding, askedAt: number) => void = () => undefined;
  let tellParked: () => void = () => undefined;
  let awaited = 0; // news on their way to us
  let shown = '';
  let parkedAt: number | null = null; // the newest event's number after it was parked

  function see(payout: PayoutStanding, askedAt: number): void {
    // Overtaken by another answer. One with less than we knew when we asked is not: the books were restored from a backup.
    if (payout.sequence < seen.sequence && payout.sequence >= askedAt) return;
    seen = payout;
    shown = show(payout, shown);
    tellView(payout, askedAt);
  }

  async function whileBehind<T>(news: Promise<T>): Promise<T> {
    awaited += 1;
    try {
      return await news;
    } finally {
      awaited -= 1;
    }
  }

  async function applyBy(write: (step: Step) => Promise<StepAnswer>, fact: Fact, actor: string): Promise<StepAnswer> {
    const { sequence } = seen;
    try {
      const answer = await whileBehind(write([seen.id, stepKey(fact, seen), fact, actor]));
      see(answer.payout, sequence);
      return answer;
    } catch (error) {
      const reason = refusedForGood(error);
      if (reason === undefined) throw error;
      await park(`${fact.type}: ${reason}`);
      return { outcome: 'wrong_state', payout: seen };
    }
  }

  const apply = (fact: Fact, actor: string): Promise<StepAnswer> => applyBy((step) => ledger.applyFact(...step), fact, actor);

  const applyAsked = (fact: Fact, actor: string): Promise<StepAnswer> =>
    applyBy(async (step) => heardIn(await asked.applyAsked.executeWithOptions({ summary: fact.type }, step)), fact, actor);

  async function park(reason: string): Promise<void> {
    const { id, sequence } = seen;
    const fact: Fact = { type: 'parked', reason };
    try {
      // Tried again in vain, and nothing has happened since: that stands there already.
      if (sequence !== parkedAt) {
        const { payout } = await whileBehind(ledger.applyFact(id, stepKey(fact, seen), fact, 'system'));
        see(payout, sequence);
      }
      parkedAt = seen.sequence;
    } catch (error) {
      if (refusedForGood(error) === undefined) throw error; // not even that can be written: it stands here, and in the logs
    }
    remark(`this step can never succeed as things are, and waits for an operator: ${reason}`);
    tellParked();
  }

  const remark = (text: string): void => setCurrentDetails(`${currentDetails(seen)}\n\n${text}`);

  see(opened, 0);
  return {
    seen: () => seen,
    openedAt: opened.sequence,
    onView: (listener) => {
      tellView = listener;
    },
    onParked: (listener) => {
      tellParked = listener;
    },
    isBehind: () => awaited > 0,
    whileBehind,
    see,
    apply,
    applyAsked,
    park,
    remark,
  };
}

type Step = Parameters<LedgerActivities['applyFact']>;

/** What an operator reads and filters by in the Temporal UI. An upsert costs a history event: only where he would look. */
function show(payout: PayoutStanding, shown: string): string {
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
