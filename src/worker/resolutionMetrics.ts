/** What this worker's part in resolving markets takes, and what goes wrong in it, for Prometheus. */
import { Counter, Histogram, type Registry } from 'prom-client';
import { CHUNKS, PHASES, type ResolutionWatch } from '../markets/rules/watch.ts';

/** From the statement of a small market to the pass over one of millions; a turn of paying is ten seconds. */
const PHASE_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 15, 60, 300];
/** Around the 250 ms for which a transaction may write. */
const CHUNK_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10];

export function resolutionMetrics(registry: Registry): ResolutionWatch {
  const registers = [registry];
  const phases = new Histogram({
    name: 'oncepay_resolution_phase_seconds',
    help: 'Time of each phase of a resolution; paying and rolling back: of each turn of theirs',
    labelNames: ['phase'] as const,
    buckets: PHASE_SECONDS,
    registers,
  });
  const chunks = new Histogram({
    name: 'oncepay_resolution_chunk_seconds',
    help: 'Time of each transaction by which users are paid or undone; over 0.25 is much',
    labelNames: ['phase'] as const,
    buckets: CHUNK_SECONDS,
    registers,
  });
  const users = new Counter({
    name: 'oncepay_resolution_users_total',
    help: 'Users who were in these transactions',
    labelNames: ['phase'] as const,
    registers,
  });
  const errors = new Counter({
    name: 'oncepay_resolution_errors_total',
    help: 'What went wrong: PostgreSQL’s code, `error` for any other, `user_failed` of a user, `stopped` where an operator must look',
    labelNames: ['phase', 'code'] as const,
    registers,
  });
  for (const phase of CHUNKS) users.inc({ phase }, 0);
  for (const phase of PHASES) errors.inc({ phase, code: 'stopped' }, 0); // the first must be seen as an increase
  return {
    phase: (phase, tookMs) => phases.observe({ phase }, tookMs / 1_000),
    chunk(phase, count, tookMs) {
      chunks.observe({ phase }, tookMs / 1_000);
      users.inc({ phase }, count);
    },
    error: (phase, code, count = 1) => errors.inc({ phase, code }, count),
  };
}
