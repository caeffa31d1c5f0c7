/** The last check of the books that this worker ran, for Prometheus. Every hour one of the workers runs it. */
import { Gauge, type Registry } from 'prom-client';
import type { InvariantResult } from '../ledger/invariants.ts';

/** Twice the schedule's hour: then another worker has had its turn, and ours is no longer news. */
const KEPT_MS = 2 * 3_600_000;

/** @returns what to call with the results of a check. Alert on `max by (name) (oncepay_invariant_violations) > 0`. */
export function booksMetrics(registry: Registry): (results: readonly InvariantResult[]) => void {
  let checkedAt = 0;
  let latest: readonly InvariantResult[] = [];
  const current = () => (Date.now() - checkedAt < KEPT_MS ? latest : []);
  new Gauge({
    name: 'oncepay_invariant_violations',
    help: 'Rows that break a rule of the books, at the last check; 0 is well.',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, violations } of current()) this.set({ name }, violations);
    },
  });
  new Gauge({
    name: 'oncepay_invariant_check_seconds',
    help: 'How long the last check of a rule took. Rules that share a pass over the books have the time of the whole pass.',
    labelNames: ['name'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { name, durationMs } of current()) this.set({ name }, durationMs / 1_000);
    },
  });
  new Gauge({
    name: 'oncepay_books_checked_timestamp_seconds',
    help: 'When this worker last checked the books; absent if it never did. Alert when the newest is over two hours old.',
    registers: [registry],
    collect() {
      this.reset();
      if (checkedAt > 0) this.set(checkedAt / 1_000);
      else this.remove();
    },
  });
  return (results) => {
    checkedAt = Date.now();
    latest = results;
  };
}
