/** Housekeeping: what only grows is cut back, and the books are checked. */
import { heartbeat, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { checkInvariants, type InvariantResult } from '../src/ledger/invariants.ts';
import { createLedger } from '../src/ledger/ledger.ts';
import type { PayoutsClient } from '../src/payouts/client.ts';
import { claimOf, type Fact, type PayoutRecord } from '../src/payouts/rules/contract.ts';
import { isRepeated, OPEN_STATES, type PayoutState } from '../src/payouts/rules/machine.ts';
import { attemptState, closeRepeated } from '../src/psp/messages.ts';
import { TemporalUnavailable } from '../src/temporal/client.ts';
import { whileBeating } from './beating.ts';

export type MaintenanceActivities = ReturnType<typeof createMaintenanceActivities>;

/** Rows a statement: some milliseconds of locks each, so that no request waits. */
const BATCH = 1_000;

/** Batches a run, a million keys: one merchant at the rate limit of 200 requests/s makes 720,000 an hour. */
const BATCHES_MAX = 1_000;

/** A worker that was killed leaves its row; after a day nobody asks for it. */
const BEAT_KEPT = '1 day';

/** While the books are checked: well within the heartbeat timeout of 30 s. */
const BEAT_MS = 5_000;

/** A payout that nothing has happened to for this long may have lost its workflow. Shorter would only ask more often. */
const QUIET_FOR = '10 minutes';

/** Payouts a page: a second of calls to Temporal, between two heartbeats. */
const PAGE = 200;

/**
 * Until a message of a PSP is handed on again, after the first time, the second …; the last one from then on. Growing: each
 * costs a look-up, and a PSP that did not answer for hours is no quicker for being asked each minute.
 */
const HANDED_AGAIN_AFTER = ['1 minute', '4 minutes', '15 minutes', '1 hour', '4 hours', '1 day'] as const;

/**
 * So often the PSP is asked about a message that its look-up contradicts: some five hours in all, in which an index catches
 * up. Then it was a lie, or what the timeline says of it is a person's to judge.
 */
const CONTRADICTED_MAX = 5;

/**
 * Attempts in doubt of payouts that are over: each is looked up again when half as much time has passed since the last
 * follow-up as since the doubt, but not more often than this, and once a day at least.
 */
const DOUBTED_AGAIN_MS = 10 * 60_000;
const DOUBTED_AGAIN_MAX_MS = 24 * 3_600_000;

/** Of these so many a run: each is a workflow with a look-up or two. The others are due at the next one still. */
const DOUBTED_MAX = 100;

/** A message that could not be handed on, for a reason of its own; the others go on. */
const TRY_AGAIN_AFTER = '1 minute';

export interface MaintenancePorts {
  readonly pool: Pool;
  readonly payouts: Pick<PayoutsClient, 'resume' | 'notice' | 'lookAgain'>;
  /** Told the results of each check of the books, for this worker's metrics. */
  readonly onBooksChecked?: (results: readonly InvariantResult[]) => void;
  /** Before an attempt in doubt is looked up again for the first time. */
  readonly doubtedAgainMs?: number;
}

/** Of one check: how many rules were asked, and those that do not hold. */
export interface BooksReport {
  readonly checked: number;
  readonly broken: readonly { readonly name: string; readonly violations: number }[];
}

/**
 * One that fails for a reason of its own holds up nobody behind it; its time comes again. Undefined: it has failed.
 * @throws TemporalUnavailable, which is for all of them
 */
async function apart<T>(what: string, about: object, work: () => Promise<T>): Promise<{ readonly answer: T } | undefined> {
  try {
    return { answer: await work() };
  } catch (error) {
    if (error instanceof TemporalUnavailable) throw error;
    log.error(what, { ...about, error });
    return undefined;
  }
}

export function createMaintenanceActivities({
  pool,
  payouts,
  onBooksChecked = () => undefined,
  doubtedAgainMs = DOUBTED_AGAIN_MS,
}: MaintenancePorts) {
  const ledger = createLedger(pool);

  /** False: nothing more follows from it. */
  async function handOn(message: DueMessage): Promise<boolean> {
    const { id, payout_id: payoutId, round, attempt, handed, is_contradicted: isContradicted } = message;
    const claim = claimOf(message.claim);
    if (isRepeated({ state: message.payout_state, attemptState: message.attempt_state }, claim)) {
      await closeRepeated(pool, id);
      return false;
    }
    if (isContradicted && handed >= CONTRADICTED_MAX) {
      // The PSP says one thing in its messages and another to whoever asks: nobody but a person can tell which is true.
      const reason = `a message says ${message.claim}, and the look-up says otherwise, however often`;
      const fact: Fact = { type: 'contradicted', attempt, source: 'callback', reason };
      // Sent again by the PSP and denied again, it is told again: somebody may have closed the first time.
      await ledger.applyFact(payoutId, `contradicted:${id}:${message.received_ms}`, fact, 'system');
      await pool.query('UPDATE psp_messages SET hand_on_at = NULL WHERE id = $1', [id]);
      return false;
    }
    await pool.query(`UPDATE psp_messages SET state = 'received' WHERE id = $1 AND state = 'ignored'`, [id]);
    await payouts.notice(payoutId, round, { messageId: id, attempt, claim });
    const again = HANDED_AGAIN_AFTER[Math.min(handed, HANDED_AGAIN_AFTER.length - 1)];
    // Not where it has been dealt with meanwhile.
    const later =
      'UPDATE psp_messages SET handed = handed + 1, hand_on_at = now() + $2::interval WHERE id = $1 AND hand_on_at IS NOT NULL';
    await pool.query(later, [id, again]);
    return true;
  }

  /** A payout that has ended with an attempt in doubt, and of which no message comes, may have been paid. */
  async function lookUpDoubted(): Promise<number> {
    let begun = 0;
    for (let after = ''; ; ) {
      const { rows } = await pool.query<DoubtedPayout>(DOUBTED, [OPEN_STATES, after, PAGE]);
      for (const { id, doubted_ms } of rows) {
        heartbeat(id);
        const withinMs = Math.min(Math.max(doubted_ms / 2, doubtedAgainMs), DOUBTED_AGAIN_MAX_MS);
        const done = await apart('an attempt in doubt could not be looked up', { payoutId: id }, () =>
          payouts.lookAgain(id, withinMs),
        );
        if (done?.answer) begun += 1;
        if (begun === DOUBTED_MAX) return begun;
      }
      after = rows.at(-1)?.id ?? '';
      if (rows.length < PAGE) return begun;
    }
  }

  return {
    /** Expired idempotency records, in small batches, and other rows of the door that are over. A repeat of a run that was cut off goes on where it was. */
    async removeExpiredKeys(): Promise<{ removed: number }> {
      let removed = 0;
      for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
        heartbeat(removed);
        // A key that a caller is taking over at this moment is left alone: its lease, or its lock, says so.
        const { rowCount } = await pool.query(
          `DELETE FROM idempotency_keys k USING (
             SELECT owner_kind, owner_id, mode, key FROM idempotency_keys
              WHERE expires_at < now() AND lease_until < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED
           ) x WHERE (k.owner_kind, k.owner_id, k.mode, k.key) = (x.owner_kind, x.owner_id, x.mode, x.key)`,
          [BATCH],
        );
        removed += rowCount ?? 0;
        if ((rowCount ?? 0) < BATCH) break;
      }
      // A payout that is in the books is shown from there.
      for (let batch = 0; batch < BATCHES_MAX; batch += 1) {
        heartbeat(removed);
        const { rowCount } = await pool.query(
          `DELETE FROM payout_requests WHERE payout_id IN (
             SELECT q.payout_id FROM payout_requests q JOIN payouts p ON p.id = q.payout_id LIMIT $1)`,
          [BATCH],
        );
        if ((rowCount ?? 0) < BATCH) break;
      }
      await pool.query('DELETE FROM worker_beats WHERE seen_at < now() - $1::interval', [BEAT_KEPT]);
      return { removed };
    },

    /**
     * Payouts that are open in the books but may have no workflow any more: ended by hand, or lost with a Temporal
     * database that is older than ours. Each gets one, which goes on from the books; where one runs, nothing happens. And
     * of those that are over the attempts in doubt are looked up again.
     */
    async takeUpOpenPayouts(): Promise<{ asked: number; lookedUp: number }> {
      let asked = 0;
      for (let after = ''; ; ) {
        const { rows } = await pool.query<{ payout: PayoutRecord }>(
          `SELECT payout_record(p) AS payout FROM payouts p
            WHERE p.state = ANY ($1) AND p.updated_at < now() - $2::interval AND p.id > $3 ORDER BY p.id LIMIT $4`,
          [OPEN_STATES, QUIET_FOR, after, PAGE],
        );
        for (const { payout } of rows) {
          heartbeat(payout.id);
          const done = await apart('a payout could not be taken up', { payoutId: payout.id }, () => payouts.resume(payout));
          if (done) asked += 1;
        }
        after = rows.at(-1)?.payout.id ?? '';
        if (rows.length < PAGE) return { asked, lookedUp: await lookUpDoubted() };
      }
    },

    /**
     * Hands every message of a PSP that is not dealt with to its payout again: stored while Temporal was away, or by an
     * API that died then, or asked about in vain, or contradicted by a look-up that may have been behind. What is no
     * payout's is an operator's.
     */
    async handOnMessages(): Promise<{ handed: number }> {
      let handed = 0;
      for (;;) {
        const { rows } = await pool.query<DueMessage>(DUE_MESSAGES, [TRY_AGAIN_AFTER, PAGE]);
        for (const message of rows) {
          heartbeat(message.id);
          const about = { messageId: message.id, payoutId: message.payout_id };
          const done = await apart('a message could not be handed on', about, () => handOn(message));
          if (done?.answer) handed += 1;
        }
        if (rows.length < PAGE) return { handed };
      }
    },

    /** Asks every invariant, on one snapshot. A broken one is a result, told loudly; only a database that is away is an error. */
    async checkBooks(): Promise<BooksReport> {
      const results = await whileBeating(BEAT_MS, () => checkInvariants(pool));
      onBooksChecked(results);
      const broken = results.filter(({ violations }) => violations > 0);
      for (const { name, violations, sample } of broken) log.error('the books are wrong', { name, violations, sample });
      return { checked: results.length, broken: broken.map(({ name, violations }) => ({ name, violations })) };
    },
  };
}

/** Those whose time has come, and no other sweep's until it is told otherwise. */
const DUE_MESSAGES = `
  WITH due AS (
    SELECT id, state FROM psp_messages WHERE hand_on_at <= now() ORDER BY hand_on_at LIMIT $2 FOR UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE psp_messages m SET hand_on_at = now() + $1::interval FROM due WHERE m.id = due.id
    RETURNING m.id, due.state = 'ignored' AS is_contradicted, m.payout_id, m.attempt, m.claim, m.handed,
              (extract(epoch FROM m.received_at) * 1000)::bigint::text AS received_ms
  )
  SELECT taken.*, p.round, p.state AS payout_state, ${attemptState('taken.attempt')} AS attempt_state
    FROM taken JOIN payouts p ON p.id = taken.payout_id`;

interface DueMessage {
  readonly id: string;
  readonly is_contradicted: boolean;
  readonly payout_id: string;
  readonly attempt: number;
  readonly claim: string;
  readonly handed: number;
  /** When it last came. */
  readonly received_ms: string;
  readonly round: number;
  readonly payout_state: PayoutState;
  readonly attempt_state: string | null;
}

const DOUBTED = `
  SELECT p.id, (extract(epoch FROM now() - max(coalesce(e.at, a.sent_at))) * 1000)::float8 AS doubted_ms
    FROM payout_attempts a JOIN payouts p ON p.id = a.payout_id
    LEFT JOIN events e ON e.subject_id = a.payout_id AND e.sequence = a.told_at
   WHERE a.state = 'doubted' AND NOT p.state = ANY ($1) AND p.id > $2 GROUP BY p.id ORDER BY p.id LIMIT $3`;

interface DoubtedPayout {
  readonly id: string;
  /** Since the newest doubt. */
  readonly doubted_ms: number;
}
