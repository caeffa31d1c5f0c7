/**
 * Keeps the figures of the overview: folds new events, and what markets have tallied, into their totals. Where it stands is a row
 * that moves on in the transaction of the totals, and is locked meanwhile: each event counts once, whoever dies, and of two relays
 * one does it; a tally is deleted in that transaction.
 */
import type { Sql } from '../db/pool.ts';
import type { Work } from './loop.ts';

/** Events a step: some ten milliseconds, and whoever follows events waits no longer for it. */
export const FOLD_STEP = 500;

/** Nobody looks at figures more often; what came meanwhile is counted by whoever looks (overview_totals.sql). */
const FOLD_MS = 1_000;

/** The next step of at most so many events. @returns whether there may be more. */
export async function foldStep(sql: Sql, most = FOLD_STEP): Promise<boolean> {
  const { rows } = await sql.query<{ folded: number }>({
    name: 'fold_events',
    text: 'SELECT fold_events($1) AS folded',
    values: [most],
  });
  return rows[0]?.folded === most;
}

/** Markets whose tally is folded in a step: as long as of events. */
export const TALLIES_STEP = 200;

/** @returns whether there may be more. */
export async function foldTallies(sql: Sql, most = TALLIES_STEP): Promise<boolean> {
  const { rows } = await sql.query<{ folded: number }>({
    name: 'fold_tallies',
    text: 'SELECT fold_tallies($1) AS folded',
    values: [most],
  });
  return rows[0]?.folded === most;
}

export function createTotals(sql: Sql): Work {
  let dueMs = 0;
  return {
    name: 'totals',
    async turn() {
      const leftMs = dueMs - performance.now();
      if (leftMs > 0) return leftMs; // woken for something else
      const areMoreEvents = await foldStep(sql);
      const isMore = (await foldTallies(sql)) || areMoreEvents;
      dueMs = performance.now() + (isMore ? 0 : FOLD_MS);
      return isMore ? 0 : FOLD_MS;
    },
    async end() {}, // nothing is ever under way
  };
}
