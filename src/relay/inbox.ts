/**
 * The PSPs' inbox: messages that nobody has dealt with, handed to their payouts again. Stored while Temporal was away, or by an
 * API that died then, or asked about in vain, or contradicted by a look-up that may have been behind. What is no payout's is an
 * operator's. Its loop and its connections are its own: money waits for no mail and no webhook.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Ledger } from '../ledger/ledger.ts';
import type { PayoutsClient } from '../payouts/client.ts';
import { claimOf, type Fact } from '../payouts/rules/contract.ts';
import { isRepeated } from '../payouts/rules/machine.ts';
import { closeRepeated, type DueMessage, handAgainAfter, handNoMore, reopen, takeDueMessages } from '../psp/messages.ts';
import { TemporalUnavailable } from '../temporal/client.ts';
import type { Bell, Work } from './loop.ts';
import { awayWaitMs } from './rules/away.ts';

export interface InboxPorts {
  /** Nobody else's. A message needs one connection for some milliseconds at a time: two are enough. */
  readonly pool: Pool;
  readonly payouts: Pick<PayoutsClient, 'notice'>;
  readonly ledger: Pick<Ledger, 'applyFact'>;
  readonly log: Logger;
  /** Rung where more is due and there is room for it. */
  readonly bell: Bell;
  /** A clock that only goes forward. */
  readonly nowMs?: () => number;
  /** For what is under way when we stop. */
  readonly endMs?: number;
}

/**
 * Between two looks at an empty inbox. No message is due before it is 30 s old (`FIRST_SWEPT_AFTER`), and it was handed on when
 * it came: so one that was lost waits a sixth longer, and the database is asked once in five seconds.
 */
const LOOK_AGAIN_MS = 5_000;

/**
 * Handed on at once. Each is a signal to Temporal, and a look-up at the PSP follows: after an hour without Temporal many wait,
 * and new payouts must not feel it.
 */
const AT_ONCE = 8;

/** What has not ended by then is handed on again in a minute. Below the supervisor's 15 s. */
const END_MS = 3_000;

/**
 * Until a message is handed on again, after the first time, the second …; the last one from then on. Growing: each costs a
 * look-up, and a PSP that did not answer for hours is no quicker for being asked each minute.
 */
const HANDED_AGAIN_AFTER = ['1 minute', '4 minutes', '15 minutes', '1 hour', '4 hours', '1 day'] as const;

/**
 * So often the PSP is asked about a message that its look-up contradicts: some five hours in all, in which an index catches
 * up. Then it was a lie, or what the timeline says of it is a person's to judge.
 */
const CONTRADICTED_MAX = 5;

export function createInbox({
  pool,
  payouts,
  ledger,
  log,
  bell,
  nowMs = () => performance.now(),
  endMs = END_MS,
}: InboxPorts): Work {
  const underWay = new Set<Promise<void>>();
  let lookAtMs = Number.NEGATIVE_INFINITY;
  /** In a row found Temporal away. */
  let failures = 0;
  let hasEnded = false;

  async function turn(): Promise<number> {
    // While Temporal is away, one message at a time asks whether it is back.
    const room = (failures > 0 ? 1 : AT_ONCE) - underWay.size;
    if (hasEnded || room <= 0) return LOOK_AGAIN_MS; // the bell rings when one has ended
    if (nowMs() >= lookAtMs) {
      const due = await takeDueMessages(pool, room);
      // Never sooner than what has failed meanwhile says.
      lookAtMs = Math.max(lookAtMs, nowMs() + (due.length < room ? LOOK_AGAIN_MS : 0));
      for (const message of due) begin(message);
    }
    return Math.max(0, lookAtMs - nowMs());
  }

  function begin(message: DueMessage): void {
    const handing = handOnApart(message).finally(() => {
      underWay.delete(handing);
      if (nowMs() >= lookAtMs) bell.ring();
    });
    underWay.add(handing);
  }

  /** One that fails for a reason of its own holds up nobody behind it; its time comes again, in a minute. */
  async function handOnApart(message: DueMessage): Promise<void> {
    try {
      await handOn(message);
    } catch (error) {
      if (error instanceof TemporalUnavailable) onAway(error);
      else log.error({ err: error, messageId: message.id, payoutId: message.payoutId }, 'a message could not be handed on');
    }
  }

  /** Told by each that was under way, it is one failure. */
  function onAway(error: TemporalUnavailable): void {
    if (failures > 0 && nowMs() < lookAtMs) return;
    failures += 1;
    const waitMs = awayWaitMs(failures);
    lookAtMs = nowMs() + waitMs;
    log.warn({ err: error, waitMs }, 'messages of PSPs wait until Temporal is back');
  }

  async function handOn({ id, payoutId, attempt, ...message }: DueMessage): Promise<void> {
    const claim = claimOf(message.claim);
    if (isRepeated({ state: message.payoutState, attemptState: message.attemptState }, claim)) {
      await closeRepeated(pool, id);
      return;
    }
    if (message.isContradicted && message.handed >= CONTRADICTED_MAX) {
      // The PSP says one thing in its messages and another to whoever asks: nobody but a person can tell which is true.
      const reason = `a message says ${message.claim}, and the look-up says otherwise, however often`;
      const fact: Fact = { type: 'contradicted', attempt, source: 'callback', reason };
      // Sent again by the PSP and denied again, it is told again: somebody may have closed the first time.
      await ledger.applyFact(payoutId, `contradicted:${id}:${message.receivedMs}`, fact, 'system');
      await handNoMore(pool, id);
      return;
    }
    await reopen(pool, id); // also what is contradicted at this moment
    await payouts.notice(payoutId, message.round, { messageId: id, attempt, claim });
    failures = 0;
    await handAgainAfter(pool, id, HANDED_AGAIN_AFTER[Math.min(message.handed, HANDED_AGAIN_AFTER.length - 1)] ?? '1 day');
  }

  async function end(): Promise<void> {
    hasEnded = true;
    const over = new AbortController();
    const patience = sleep(endMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([Promise.all(underWay), patience]);
    over.abort();
  }

  return { name: 'inbox', turn, end };
}
