/**
 * One payout, from the first request to its final state: taken in, then played (payoutStory.ts) until it ends. Nothing here
 * moves money or remembers more than what the ledger answers.
 */
import { allHandlersFinished, CancellationScope, condition, setHandler } from '@temporalio/workflow';
import {
  type Accepted,
  acceptUpdate,
  type Fact,
  letGoSignal,
  type Opening,
  type PayoutInput,
  type PayoutResult,
  type PayoutTimes,
  type PspNotice,
  stateQuery,
} from '../../src/payouts/rules/contract.ts';
import { feeMinor } from '../../src/payouts/rules/fee.ts';
import { reviewReasons } from '../../src/payouts/rules/review.ts';
import type { PayoutStanding } from '../../src/payouts/rules/standing.ts';
import { stepKey } from '../../src/payouts/rules/steps.ts';
import { now } from '../clock.ts';
import { ledger, refusedForGood } from './ledgerCalls.ts';
import { hearNotices, takeCommands } from './payoutCommands.ts';
import { openDoor, type PayoutDoor } from './payoutDoor.ts';
import { openStory } from './payoutStory.ts';

/** Not to be cancelled from the Temporal UI: a payout in mid-air would keep its money reserved with nobody in charge. */
export async function payout(input: PayoutInput): Promise<PayoutResult> {
  return await CancellationScope.nonCancellable(() => run(input));
}

async function run({ opening, times, allowSignalDecisions }: PayoutInput): Promise<PayoutResult> {
  let accepted: Accepted | undefined;
  let door: PayoutDoor | undefined;
  const early: PspNotice[] = []; // heard before the payout was opened
  let hear = (notice: PspNotice): void => void early.push(notice);
  // Before it is opened nothing of it waits.
  let letGo = (): void => undefined;
  let hurry = (): void => undefined;

  const answer = async (): Promise<Accepted> => {
    await condition(() => accepted !== undefined);
    return accepted as Accepted;
  };
  setHandler(acceptUpdate, answer, { validator: (_order) => undefined }); // only where there is one are strangers refused
  hearNotices((notice) => hear(notice));
  setHandler(letGoSignal, () => letGo(), { description: 'sent when a pause has ended' });
  takeCommands({ isOpened: () => accepted !== undefined, door: () => door, hurry: () => hurry(), allowSignalDecisions });
  setHandler(stateQuery, () => viewOf(opening, door?.seen()));

  const opened = await open(opening, times);
  accepted = opened.outcome === 'refused' ? opened : { outcome: 'accepted', sequence: opened.payout.sequence };
  if (opened.outcome === 'refused') {
    await condition(allHandlersFinished);
  } else {
    door = openDoor(opened.now ?? opened.payout);
    const story = openStory(door, roundOf(opening), times);
    hear = story.hear;
    letGo = story.letGo;
    hurry = story.hurry;
    for (const notice of early) story.hear(notice);
    await story.play();
  }
  return { endedAs: door?.seen().state ?? 'REFUSED', accepted };
}

/** `payout`: as it was taken in; `now`: as it is, where that is known to be further. */
type Opened =
  | { readonly outcome: 'accepted'; readonly payout: PayoutStanding; readonly now?: PayoutStanding }
  | Extract<Accepted, { outcome: 'refused' }>;

/** Takes the payout in, again, or up: afterwards its money is reserved, or it is refused and nothing is booked. */
async function open(opening: Opening, times: PayoutTimes): Promise<Opened> {
  try {
    switch (opening.type) {
      case 'new':
        return await takeIn(opening.request, times);
      case 'reinitiate':
        return await takeInAgain(opening);
      case 'resume':
        return { outcome: 'accepted', payout: await ledger.readPayout(opening.payoutId) };
    }
  } catch (error) {
    if (refusedForGood(error) === undefined || opening.type === 'resume') throw error;
    return { outcome: 'refused', code: 'not_bookable' };
  }
}

async function takeIn(
  { terms, ...request }: Extract<Opening, { type: 'new' }>['request'],
  { reviewWindowMs }: PayoutTimes,
): Promise<Opened> {
  const amount = BigInt(request.amountMinor);
  const answer = await ledger.reserve({
    ...request,
    feeMinor: feeMinor(amount, terms).toString(),
    reviewUntil: new Date(now() + reviewWindowMs).toISOString(),
    reviewReasons: reviewReasons(amount, request.currency, terms),
  });
  if ('payout' in answer) {
    const { payout } = answer;
    // Taken in before, it is answered as it was then, and may be anywhere by now.
    const isRepeat = answer.outcome === 'already';
    return { outcome: 'accepted', payout, ...(isRepeat ? { now: await ledger.readPayout(payout.id) } : {}) };
  }
  return { outcome: 'refused', code: answer.outcome };
}

async function takeInAgain({
  payoutId,
  round,
  by,
  byAdmin,
  requestId,
}: Extract<Opening, { type: 'reinitiate' }>): Promise<Opened> {
  const fact: Fact = { type: 'reinitiated', requestId };
  const key = stepKey(fact, { sequence: 0, round });
  const answer = await ledger.applyFact(payoutId, key, fact, `${byAdmin ? 'admin' : 'merchant'}:${by}`);
  if (answer.outcome === 'applied' || answer.outcome === 'already') return { outcome: 'accepted', payout: answer.payout };
  const { outcome } = answer;
  return {
    outcome: 'refused',
    code: outcome === 'insufficient_balance' || outcome === 'user_frozen' ? outcome : 'not_reinitiable',
  };
}

function viewOf(opening: Opening, seen: PayoutStanding | undefined) {
  const payoutId = opening.type === 'new' ? opening.request.payoutId : opening.payoutId;
  return {
    payoutId,
    round: roundOf(opening),
    state: seen?.state ?? null,
    attempt: seen?.attempt ?? 0,
    sequence: seen?.sequence ?? 0,
  };
}

/** A later one has a run of its own. */
const roundOf = (opening: Opening): number => (opening.type === 'new' ? 1 : opening.round);
