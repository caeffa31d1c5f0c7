/** Housekeeping: what was left lying is taken up, and the books are checked. */
import { heartbeat, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { keepCirculation } from '../src/ledger/circulation.ts';
import { checkInvariants, type InvariantResult } from '../src/ledger/invariants.ts';
import type { PayoutsClient } from '../src/payouts/client.ts';
import type { PayoutRecord } from '../src/payouts/rules/contract.ts';
import { OPEN_STATES } from '../src/payouts/rules/machine.ts';
import { TemporalUnavailable } from '../src/temporal/client.ts';
import { whileBeating } from './beating.ts';

export type MaintenanceActivities = ReturnType<typeof createMaintenanceActivities>;

/** While the books are checked: well within the heartbeat timeout of 30 s. */
const BEAT_MS = 5_000;

/** A payout that nothing has happened to for this long may have lost its workflow. Shorter would only ask more often. */
const QUIET_FOR = '10 minutes';

/** Payouts a page: a second of calls to Temporal, between two heartbeats. */
const PAGE = 200;

/**
 * Attempts in doubt of payouts that are over: each is looked up again when half as much time has passed since the last
 * follow-up as since the doubt, but not more often than this, and once a day at least.
 */
const DOUBTED_AGAIN_MS = 10 * 60_000;
const DOUBTED_AGAIN_MAX_MS = 24 * 3_600_000;

/** Of these so many a run: each is a workflow with a look-up or two. The others are due at the next one still. */
const DOUBTED_MAX = 100;

export interface MaintenancePorts {
  readonly pool: Pool;
  readonly payouts: Pick<PayoutsClient, 'resume' | 'lookAgain'>;
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

    /** Asks every invariant, on one snapshot. A broken one is a result, told loudly; only a database that is away is an error. */
    async checkBooks(): Promise<BooksReport> {
      const results = await whileBeating(BEAT_MS, () => checkInvariants(pool));
      onBooksChecked(results);
      const broken = results.filter(({ violations }) => violations > 0);
      for (const { name, violations, sample } of broken) log.error('the books are wrong', { name, violations, sample });
      const report = { checked: results.length, broken: broken.map(({ name, violations }) => ({ name, violations })) };
      await pool.query(KEEP_REPORT, [report.checked, JSON.stringify(report.broken)]);
      await whileBeating(BEAT_MS, () => keepCirculation(pool));
      return report;
    },
  };
}

/** For the overview: the last one. */
const KEEP_REPORT = `
  INSERT INTO books_checks (id, checked_at, checked, broken) VALUES (1, now(), $1, $2)
  ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at, checked = excluded.checked, broken = excluded.broken`;

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
