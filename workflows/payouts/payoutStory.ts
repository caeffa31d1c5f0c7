/**
 * Plays a payout: does what `next` (src/payouts/rules/next.ts) says, and tells it what came of that. Every act asks the
 * world (an activity) and feeds what it answers through the ledger's door. The PSP's messages are looked into beside it,
 * each attempt apart, so that one silent look-up holds up nobody else.
 */
import {
  type ActivityInterfaceFor,
  type ActivityOptions,
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { PspActivities } from '../../activities/payouts/psp.ts';
import { type Fact, type PayoutTimes, type PspNotice, saysAlive } from '../../src/payouts/rules/contract.ts';
import { factsOf, type PspFact, replyContext, retryWait } from '../../src/payouts/rules/facts.ts';
import { PAYOUT_KINDS } from '../../src/payouts/rules/kinds.ts';
import { type Act, type Confirmation, hear, newMind, next, type PayoutEvent } from '../../src/payouts/rules/next.ts';
import type { PspReply } from '../../src/payouts/rules/reply.ts';
import { heard, type PayoutStanding } from '../../src/payouts/rules/standing.ts';
import { tellInOrder } from '../../src/payouts/rules/telling.ts';
import { now } from '../clock.ts';
import { ledger, refusedForGood } from './ledgerCalls.ts';
import type { PayoutDoor } from './payoutDoor.ts';

/** One try: whether a request left that was never answered, only a look-up can tell. Heartbeats come every 3 s. */
const toSubmit: ActivityOptions = {
  startToCloseTimeout: '60s', // above PSP_TIMEOUT's upper limit of 30 s and the ledger's 10 s before and after
  heartbeatTimeout: '10s', // a dead worker is noticed by three missed beats
  retry: { maximumAttempts: 1 },
};

/** One look-up because a message came: a few tries. A message that comes to nothing stays stored, and is handed on again. */
const onMessage: ActivityOptions = {
  startToCloseTimeout: '45s', // above PSP_TIMEOUT's upper limit of 30 s
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 5 },
  summary: 'look up: the PSP sent a message',
};

/** Earlier attempts before money is asked for anew: until the PSP has answered for each, or an operator must know that it does not. */
const toCheck = ({ outcomeDeadlineMs }: PayoutTimes): ActivityOptions => ({
  scheduleToCloseTimeout: outcomeDeadlineMs, // as long as any outcome may stay unknown
  startToCloseTimeout: '45s', // above PSP_TIMEOUT's upper limit of 30 s
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'look up what an earlier attempt became',
});

/** How often an answer that was overtaken by other news is asked for anew: each time something else was told meanwhile. */
const STALE_AT_MOST = 5;

export interface Story {
  /** The PSP has sent a message. */
  hear(notice: PspNotice): void;
  /** Perhaps no pause holds the payout back any more. */
  letGo(): void;
  /** A person does not want to wait. */
  hurry(): void;
  /** Looks up what this attempt became, though nobody has said anything of it. */
  lookAgain(attempt: number): void;
  /** Until the payout, or the round that this run is for, has ended and nothing is under way. Then the workflow must end: a later message would be nobody's. */
  play(): Promise<void>;
}

/** @param round the one that this run is for; 0: it only looks into messages. */
export function openStory(door: PayoutDoor, round: number, times: PayoutTimes): Story {
  let mind = newMind(door.seen(), round, now());
  let timesLetGo = 0;
  const tell = (event: PayoutEvent): void => {
    mind = hear(mind, event, now(), times);
  };
  door.onView((seen, askedAt) => tell({ kind: 'seen', seen, askedAt }));
  door.onParked(() => tell({ kind: 'parked' }));

  /** Until something is heard; false when the time is over first. */
  async function change(timeoutMs?: number, summary?: string): Promise<boolean> {
    const before = mind;
    const happened = () => mind !== before;
    if (timeoutMs !== undefined) return await condition(happened, timeoutMs, summary === undefined ? {} : { summary });
    await condition(happened);
    return true;
  }

  async function play(): Promise<void> {
    for (;;) {
      const { main, confirm } = next(mind, now(), times);
      for (const confirmation of confirm) begin(confirmation);
      if (confirm.length > 0) continue;
      if (main.do !== 'end') await perform(main);
      else if (isSettled()) return;
      else {
        const before = mind;
        await condition(() => mind !== before || isSettled());
      }
    }
  }

  /** Nothing is under way, and whoever asked has an answer. */
  const isSettled = (): boolean => mind.confirming.length === 0 && allHandlersFinished();

  async function perform(act: Exclude<Act, { do: 'end' }>): Promise<void> {
    const dueMs = act.do === 'wait' ? act.untilMs : act.atMs;
    const leftMs = dueMs === null ? undefined : dueMs - now();
    if (act.do === 'wait' || (leftMs ?? 0) > 0) return void (await change(leftMs, act.why));
    switch (act.do) {
      case 'apply':
        return await apply(act.fact);
      case 'send':
        return await send(act.attempt);
      case 'check':
        return await check(act.attempts);
      case 'look_up':
        return await lookUp(act.attempts, act.untilMs);
    }
  }

  async function apply(fact: Fact): Promise<void> {
    const { sequence } = door.seen();
    const { outcome } = await door.apply({ ...fact, ...deadline(times) }, 'system');
    // Rules and books disagree: asked again they would for ever.
    if (door.seen().sequence === sequence && outcome !== 'applied') await door.park(`${fact.type}: ${outcome}`);
  }

  async function send(attempt: number): Promise<void> {
    const { id, sequence, round, state } = door.seen();
    let retryAfterMs: number | null = null;
    let isPaused = false;
    const letGoBefore = timesLetGo;
    try {
      const order = { payoutId: id, attempt, sequence, round, ...deadline(times) };
      const answer = await door.whileBehind(pspOf(door.seen(), toSubmit).submit(order));
      door.see(heard(answer.view.payout), sequence);
      retryAfterMs = answer.retryAfterMs ?? null;
      // Let go while that answer was on its way: it is not waited for a second time.
      isPaused = answer.view.outcome === 'paused' && timesLetGo === letGoBefore;
      if (answer.did === 'asked') await applyReply(answer.reply, 'reply', attempt, answer.view.payout.sequence);
    } catch (error) {
      const reason = refusedForGood(error);
      // The worker is gone. What it had written down, the books know.
      if (reason === undefined) door.see(await door.whileBehind(ledger.readPayout(id)), sequence);
      else await door.park(`attempt_started: ${reason}`);
    }
    const moved = door.seen().sequence !== sequence;
    tell({ kind: 'sent', isResend: state === 'UNKNOWN', moved, retryAfterMs, isPaused });
  }

  /** Look-ups at growing intervals, called off when a person or a message changes things. */
  async function lookUp(attempts: readonly number[], untilMs: number | null): Promise<void> {
    const { id, sequence, state, attempt: newest } = door.seen();
    const scope = new CancellationScope();
    const answers = attempts.map(async (attempt) => {
      const options = {
        startToCloseTimeout: '45s', // above PSP_TIMEOUT's upper limit of 30 s
        scheduleToCloseTimeout: untilMs === null ? '365d' : Math.max(1, untilMs - now()),
        retry: { initialInterval: times.firstLookUpMs, backoffCoefficient: 2, maximumInterval: times.lookUpMaxMs },
        cancellationType: 'TRY_CANCEL', // a look-up changes nothing: no need to wait for its end
        summary: `look up attempt ${attempt}`,
      } satisfies ActivityOptions;
      const isDoubted = attempt !== newest || !door.seen().attemptOpen;
      const question = { payoutId: id, attempt, known: state, isDoubted, notFoundGraceMs: times.notFoundGraceMs };
      try {
        return { attempt, reply: await scope.run(() => pspOf(door.seen(), options).lookUp(question)) };
      } catch (error) {
        if (isCancellation(error)) return undefined;
        return untilMs === null ? undefined : 'overdue';
      }
    });
    const first = await Promise.race([...answers, change().then(() => undefined)]);
    scope.cancel();
    if (first === 'overdue' && state !== 'UNKNOWN') return await askWhetherSilent(newest);
    if (first === undefined || first === 'overdue') return; // `next` knows what time it is
    if (first.reply.kind === 'not_found') return tell({ kind: 'not_found' });
    await applyReply(first.reply, 'look_up', first.attempt, sequence);
    tell({ kind: 'looked_up', moved: door.seen().sequence !== sequence });
  }

  /** Nothing new for as long as an outcome may stay unknown: does the PSP still say that it has it? */
  async function askWhetherSilent(attempt: number): Promise<void> {
    const { sequence } = door.seen();
    const reply = await ask(attempt);
    if (reply === undefined) return tell({ kind: 'silent' });
    await applyReply(reply, 'look_up', attempt, sequence);
    tell({ kind: 'looked_up', moved: door.seen().sequence !== sequence });
  }

  /** What the PSP says of an attempt now, or undefined where that proves nothing. */
  async function ask(attempt: number): Promise<PspReply | undefined> {
    const { id } = door.seen();
    const question = { payoutId: id, attempt, known: null, isDoubted: false, notFoundGraceMs: 0, insist: true };
    const reply = await pspOf(door.seen(), onMessage)
      .lookUp(question)
      .catch((): PspReply => ({ kind: 'unknown', reason: 'the PSP does not answer look-ups' }));
    return reply.kind === 'unknown' || reply.kind === 'not_taken' || reply.kind === 'not_found' ? undefined : reply;
  }

  /** All of them, unless the payout changes meanwhile. What is proven dead, the PSP may have forgotten. */
  async function check(attempts: readonly number[]): Promise<void> {
    const { id, sequence } = door.seen();
    const scope = new CancellationScope();
    const answers = attempts.map(async (attempt) => {
      const question = { payoutId: id, attempt, known: null, isDoubted: false, notFoundGraceMs: 0, insist: true };
      return { attempt, reply: await scope.run(() => pspOf(door.seen(), toCheck(times)).lookUp(question)) };
    });
    const replies = await Promise.race([
      Promise.all(answers).catch((error) => (isCancellation(error) ? undefined : ('silence' as const))),
      condition(() => door.seen().sequence !== sequence).then(() => undefined),
    ]);
    scope.cancel();
    if (replies === undefined) return;
    if (replies === 'silence') return await door.park('the PSP does not say what became of an earlier attempt');
    for (const { attempt, reply } of replies) {
      if (reply.kind === 'not_found') continue;
      if ((await applyReply(reply, 'look_up', attempt, sequence)) === 'stale') return; // overtaken: all are asked anew
    }
    tell({ kind: 'checked' });
  }

  function begin(confirmation: Confirmation): void {
    tell({ kind: 'confirming', confirmation });
    void confirm(confirmation).finally(() => tell({ kind: 'confirmed', attempt: confirmation.attempt }));
  }

  /** Asks the PSP, and applies what it says, whatever its messages claimed. */
  async function confirm(confirmation: Confirmation): Promise<void> {
    const { attempt, notices } = confirmation;
    for (let tries = 1; tries <= STALE_AT_MOST; tries += 1) {
      const { sequence } = door.seen();
      const reply = await ask(attempt);
      if (reply === undefined) return await doubt(confirmation, sequence);
      if ((await applyReply(reply, 'callback', attempt, sequence, notices)) !== 'stale') return;
    }
  }

  /**
   * The PSP does not show what it said. The messages stay as received, to be handed on again; a live attempt's own look-ups
   * go on. But of one that counts as dead, or came back, "alive" must not be forgotten: no new key, before it is cleared up.
   * And "failed" may be what a run that followed an earlier round up has written down, which nobody told us.
   */
  async function doubt({ attempt, notices }: Confirmation, askedAt: number): Promise<void> {
    if (notices.length > 0 && !notices.some(({ claim }) => saysAlive(claim))) {
      return door.see(await door.whileBehind(ledger.readPayout(door.seen().id)), askedAt);
    }
    const reason = 'the PSP says that it is alive or paid, and its look-ups do not tell';
    await door.apply({ type: 'contradicted', attempt, source: 'callback', askedAt, reason }, `psp:${door.seen().psp}`);
  }

  /**
   * All that a PSP's reply makes true. The last fact is the one that messages are compared with, one after the other.
   * @param askedAt the newest event's number when the PSP was asked.
   */
  async function applyReply(
    reply: PspReply,
    source: PspFact['source'],
    attempt: number,
    askedAt: number,
    notices: readonly PspNotice[] = [],
  ): Promise<'told' | 'stale'> {
    const payout = door.seen();
    // Of a failure that another attempt follows, the fact says when: the clock is ours, and so is the wait that it ends.
    const waitMs = retryWait(attempt - payout.attemptsBefore, times);
    const nextAttemptAt = new Date(now() + waitMs).toISOString();
    const facts = factsOf(reply, replyContext(payout, { attempt, source, askedAt, nextAttemptAt, ...deadline(times) }));
    const told = notices.map(({ messageId, claim }) => ({ messageId, claim }));
    const all = [
      ...facts.slice(0, -1),
      ...facts.slice(-1).flatMap((fact) => (told.length === 0 ? [fact] : told.map((each) => ({ ...fact, ...each })))),
    ];
    const last = await tellInOrder(all, askedAt, (fact) => door.apply(fact, `psp:${payout.psp}`));
    return last?.outcome === 'stale' ? 'stale' : 'told';
  }

  return {
    hear: (notice) => tell({ kind: 'noticed', notice }),
    letGo: () => {
      timesLetGo += 1;
      tell({ kind: 'let_go' });
    },
    hurry: () => tell({ kind: 'hurried' }),
    lookAgain: (attempt) => begin({ attempt, notices: [] }),
    play,
  };
}

const deadline = ({ outcomeDeadlineMs }: PayoutTimes) => ({ outcomeUntil: new Date(now() + outcomeDeadlineMs).toISOString() });

/** The PSP's activities on the queue of this kind of payout. */
function pspOf({ kind }: PayoutStanding, options: ActivityOptions): ActivityInterfaceFor<PspActivities> {
  return proxyActivities<PspActivities>({ ...options, taskQueue: PAYOUT_KINDS[kind].pspQueue });
}
