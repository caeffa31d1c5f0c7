/**
 * One payout, from the first request to its final state. The story is the table of steps at the end: which state
 * leads to which act. Every act asks the world (an activity), feeds a fact through the ledger's door, and the state
 * that the door answers says what comes next. Nothing here moves money or remembers more than that state.
 */
import {
  type ActivityOptions,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  patched,
  setHandler,
} from '@temporalio/workflow';
import {
  type Accepted,
  acceptUpdate,
  type Fact,
  type Opening,
  type PayoutInput,
  type PayoutRecord,
  type PayoutResult,
  type PayoutTimes,
  type PspNotice,
  stateQuery,
} from '../src/domain/payout/contract.ts';
import { retryWait } from '../src/domain/payout/facts.ts';
import { feeMinor } from '../src/domain/payout/fee.ts';
import { isBeforeItsRun, isFinal, type PayoutState } from '../src/domain/payout/machine.ts';
import type { PspReply } from '../src/domain/payout/reply.ts';
import { reviewReasons } from '../src/domain/payout/review.ts';
import { stepKey } from '../src/domain/payout/steps.ts';
import { now } from './clock.ts';
import { hearNotices, takeCommands } from './payoutCommands.ts';
import { ledger, openDoor, type PayoutDoor, pspOf } from './payoutDoor.ts';

/** Of one attempt, all under one key. A PSP that lost three requests, each past its grace, needs a person. */
const MAX_RESENDS = 2;

/** One try: whether a request left that was never answered, only a look-up can tell. Heartbeats come every 3 s. */
const toSubmit: ActivityOptions = {
  startToCloseTimeout: '60s', // above PSP_TIMEOUT's upper limit of 30 s and the ledger's 10 s before and after
  heartbeatTimeout: '10s', // a dead worker is noticed by three missed beats
  retry: { maximumAttempts: 1 },
  summary: 'send to the PSP',
};

/** Not to be cancelled from the Temporal UI: a payout in mid-air would keep its money reserved with nobody in charge. */
export async function payout(input: PayoutInput): Promise<PayoutResult> {
  return await CancellationScope.nonCancellable(() => run(input));
}

async function run({ opening, times, allowSignalDecisions }: PayoutInput): Promise<PayoutResult> {
  let accepted: Accepted | undefined;
  let door: PayoutDoor | undefined;
  const notices: PspNotice[] = [];

  const answer = async (): Promise<Accepted> => {
    await condition(() => accepted !== undefined);
    return accepted as Accepted;
  };
  setHandler(acceptUpdate, answer, { validator: (_order) => undefined }); // only where there is one are strangers refused
  hearNotices(notices);
  takeCommands({ isOpened: () => accepted !== undefined, door: () => door, allowSignalDecisions });
  setHandler(stateQuery, () => viewOf(opening, door?.seen()));

  const opened = await open(opening);
  accepted = opened.outcome === 'refused' ? opened : { outcome: 'accepted', payout: opened.payout };
  if (opened.outcome === 'refused') {
    await condition(allHandlersFinished);
  } else {
    door = openDoor(opened, times);
    await live(door, notices, times);
    await door.settleDown(notices);
  }
  return { endedAs: door?.seen().state ?? 'REFUSED', accepted };
}

type Opened =
  | { readonly outcome: 'accepted'; readonly payout: PayoutRecord; readonly notify: boolean }
  | Extract<Accepted, { outcome: 'refused' }>;

/** Takes the payout in, again, or up: afterwards its money is reserved, or it is refused and nothing is booked. */
async function open(opening: Opening): Promise<Opened> {
  switch (opening.type) {
    case 'new': {
      const { terms, ...request } = opening.request;
      const amount = BigInt(request.amountMinor);
      const reasons = reviewReasons(amount, request.currency, terms);
      const answer = await ledger.reserve({ ...request, feeMinor: feeMinor(amount, terms).toString(), reviewReasons: reasons });
      if ('payout' in answer) return { outcome: 'accepted', payout: answer.payout, notify: answer.notify };
      return { outcome: 'refused', code: answer.outcome };
    }
    case 'reinitiate': {
      const fact: Fact = { type: 'reinitiated' };
      const key = stepKey(fact, { sequence: 0, round: opening.round });
      const answer = await ledger.applyFact(
        opening.payoutId,
        key,
        fact,
        `${opening.byAdmin ? 'admin' : 'merchant'}:${opening.by}`,
      );
      if (answer.outcome === 'applied' || answer.outcome === 'already') return { ...answer, outcome: 'accepted' };
      return { outcome: 'refused', code: answer.outcome === 'insufficient_balance' ? answer.outcome : 'not_reinitiable' };
    }
    case 'resume':
      return { outcome: 'accepted', payout: await ledger.readPayout(opening.payoutId), notify: true };
  }
}

/** Goes from state to state until a final one. A PSP's message comes first, whatever the payout waits for. */
async function live(door: PayoutDoor, notices: PspNotice[], times: PayoutTimes): Promise<void> {
  const { seen, apply, applyReply, see, whileBehind } = door;
  const earlierAttempts = seen().attemptsBefore; // other rounds': the waits of this one grow with its own, whether they count or not
  let pauseMs = 0; // before the next send, when the last one came to nothing
  let idleSends = 0; // sends in a row that came to nothing: the pause grows with them
  let resends = 0; // of the newest attempt, each after the PSP said it knows no such reference

  const steps: Readonly<Record<PayoutState, () => Promise<unknown>>> = {
    IN_REVIEW: review,
    REVIEW_ON_HOLD: () => change(),
    ON_HOLD: () => change(),
    QUEUED: () => (isBeforeItsRun(seen()) ? change() : send()),
    RETRY_WAIT: retry,
    SUBMITTING: () => unknown('the worker that sent it is gone'),
    PSP_QUEUED: awaitOutcome,
    PSP_HELD: awaitOutcome,
    PROCESSING: awaitOutcome,
    UNKNOWN: findOut,
    UNRESOLVED: awaitOutcome,
    SUCCEEDED: end,
    FAILED: end,
    REJECTED: end,
    CANCELLED: end,
    RETURNED: end,
  };

  while (!isFinal(seen().state)) {
    const notice = notices.shift();
    if (notice) await door.confirm(notice);
    else await steps[seen().state]();
  }

  /** Until somebody changes the payout or the PSP sends a message; false when the time is over first. */
  async function change(timeoutMs?: number, summary?: string): Promise<boolean> {
    const { sequence } = seen();
    const happened = () => seen().sequence !== sequence || notices.length > 0;
    if (timeoutMs === undefined) {
      await condition(happened);
      return true;
    }
    return await condition(happened, timeoutMs, summary === undefined ? {} : { summary });
  }

  async function review(): Promise<void> {
    if (await change(times.reviewWindowMs, 'review window: rejected when it ends')) return;
    await apply({ type: 'review_expired' }, 'system');
  }

  async function retry(): Promise<void> {
    const { attempt, nextAttemptAt } = seen();
    // Whoever comes back to this wait, after a message or as a new run, waits for what is left of it.
    const leftMs = nextAttemptAt ? Math.max(1, Date.parse(nextAttemptAt) - now()) : retryWait(attempt - earlierAttempts, times);
    if (await change(leftMs, `wait before attempt ${attempt + 1}`)) return;
    resends = 0;
    await sendAttempt(attempt + 1);
  }

  async function send(): Promise<void> {
    if (pauseMs > 0 && (await change(pauseMs, 'the PSP could not take it: wait before asking again'))) return;
    const { attempt, attemptOpen } = seen(); // one that the PSP certainly did not take goes again under its own key
    await sendAttempt(attemptOpen ? attempt : attempt + 1);
  }

  async function sendAttempt(attempt: number): Promise<void> {
    const { id, sequence, round } = seen();
    try {
      const answer = await whileBehind(pspOf(seen(), toSubmit).submit({ payoutId: id, attempt, sequence, round }));
      see(answer.recorded ?? answer.begin, sequence);
      if (answer.begun && !answer.recorded) await applyReply(answer.reply, 'reply', attempt);
      pauseBefore(answer.begun && answer.reply.kind === 'not_taken' ? answer.reply.retryAfterMs : null);
    } catch {
      // The worker is gone. What it had written down may be the payout's end, and then nobody would ask for its webhooks again.
      see({ payout: await whileBehind(ledger.readPayout(id)), notify: patched('webhooks of a dead worker') }, sequence); // since 0.1, 2026-11-27
      if (seen().state === 'SUBMITTING') await unknown('the worker that sent it is gone');
      pauseBefore(null);
    }
  }

  /** Still queued after a send: the PSP could not take it, or no worker got as far as sending. Then wait, longer each time. */
  function pauseBefore(retryAfterMs: number | null): void {
    idleSends = seen().state === 'QUEUED' ? idleSends + 1 : 0;
    pauseMs = idleSends === 0 ? 0 : Math.max(retryAfterMs ?? 0, retryWait(idleSends, times));
  }

  async function unknown(reason: string): Promise<void> {
    await apply({ type: 'outcome_unknown', attempt: seen().attempt, reason }, 'system');
  }

  /** The PSP has it, or a person must find out: its message or our next look-up tells; there is no deadline. */
  async function awaitOutcome(): Promise<void> {
    if (await change(times.firstLookUpMs, 'wait for the PSP, then look up')) return;
    const reply = await lookUpUntilNews();
    if (reply && reply !== 'overdue') await applyReply(reply, 'look_up', seen().attempt);
  }

  /** Nobody knows whether the PSP was reached: look up, and never send under a new key. */
  async function findOut(): Promise<void> {
    const { attempt } = seen();
    const reply = await lookUpUntilNews(times.outcomeDeadlineMs);
    if (reply === undefined) return;
    if (reply !== 'overdue' && reply.kind !== 'not_found') return await applyReply(reply, 'look_up', attempt);
    if (reply === 'overdue' || resends >= MAX_RESENDS) return void (await apply({ type: 'outcome_overdue', attempt }, 'system'));
    const { sequence } = seen();
    await sendAttempt(attempt); // the same key: had the PSP taken the first request after all, this is no second payment
    if (seen().sequence !== sequence) resends += 1; // a worker that died before it began has asked nobody
  }

  /** Look-ups at growing intervals, called off when a person or a message changes things (undefined). */
  async function lookUpUntilNews(deadlineMs?: number): Promise<PspReply | 'overdue' | undefined> {
    const { id, attempt, state } = seen();
    const { lookUp } = pspOf(seen(), {
      startToCloseTimeout: '45s', // above PSP_TIMEOUT's upper limit of 30 s
      ...(deadlineMs === undefined ? { scheduleToCloseTimeout: '365d' } : { scheduleToCloseTimeout: deadlineMs }),
      retry: { initialInterval: times.firstLookUpMs, backoffCoefficient: 2, maximumInterval: times.lookUpMaxMs },
      cancellationType: 'TRY_CANCEL', // a look-up changes nothing: no need to wait for its end
      summary: `look up attempt ${attempt}`,
    });
    const scope = new CancellationScope();
    const answer = scope
      .run(() => lookUp({ payoutId: id, attempt, known: state, notFoundGraceMs: times.notFoundGraceMs }))
      .then(
        (reply) => reply,
        (error: unknown) => (isCancellation(error) ? undefined : ('overdue' as const)),
      );
    const first = await Promise.race([answer, change().then(() => undefined)]);
    if (first === undefined) scope.cancel();
    return first;
  }

  async function end(): Promise<void> {}
}

function viewOf(opening: Opening, seen: PayoutRecord | undefined) {
  const payoutId = opening.type === 'new' ? opening.request.payoutId : opening.payoutId;
  const round = opening.type === 'new' ? 1 : opening.round;
  return { payoutId, round, state: seen?.state ?? null, attempt: seen?.attempt ?? 0, sequence: seen?.sequence ?? 0 };
}
