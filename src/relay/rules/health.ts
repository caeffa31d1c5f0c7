/** Whether a receiver answers: what its tries in a row say, and when one that does not is asked again. */

/**
 * - `failures`: in a row; `firstSubject`: whose event the first of them was; `isMany`: another subject's failed too
 * - `failing`: it is taken for down. Its deliveries wait, and one of them at a time asks whether it is back
 */
export interface Health {
  readonly failures: number;
  readonly firstSubject: string | null;
  readonly isMany: boolean;
  readonly failing: { readonly sinceMs: number; readonly probes: number; readonly probeAtMs: number } | null;
}

export interface Tried {
  readonly ok: boolean;
  readonly subject: string;
  readonly isProbe: boolean;
}

export const HEALTHY: Health = { failures: 0, firstSubject: null, isMany: false, failing: null };

/** One event that a receiver always refuses says nothing of the receiver: so over two subjects at least. */
const FAILING_AFTER = 5;

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A restart takes seconds, a deploy a minute; beyond that one request in five minutes costs nobody anything. */
const PROBE_WAITS_MS = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE] as const;

/** As api.md has it: a long weekend with its Monday. */
export const DISABLED_AFTER_MS = 5 * 24 * 60 * MINUTE;

/**
 * Nobody has asked it for so long: we were away, were restored from a backup, or had nothing for it. What it did before that says
 * nothing of the time between. Probes of one that has something waiting are minutes apart.
 */
const UNASKED_MS = 24 * 60 * MINUTE;

export function afterTry(health: Health, { ok, subject, isProbe }: Tried, nowMs: number): Health {
  if (ok) return HEALTHY;
  const { failing } = health;
  const after: Health = {
    failures: health.failures + 1,
    firstSubject: health.firstSubject ?? subject,
    isMany: health.isMany || (health.firstSubject !== null && health.firstSubject !== subject),
    failing,
  };
  if (failing) {
    const probes = failing.probes + (isProbe ? 1 : 0);
    const sinceMs = nowMs - failing.probeAtMs > UNASKED_MS ? nowMs : failing.sinceMs;
    return { ...after, failing: { sinceMs, probes, probeAtMs: isProbe ? nowMs + probeWait(probes) : failing.probeAtMs } };
  }
  if (after.failures < FAILING_AFTER || !after.isMany) return after;
  return { ...after, failing: { sinceMs: nowMs, probes: 0, probeAtMs: nowMs + probeWait(0) } };
}

/** Nobody has answered there for so long that it is switched off. */
export const isGivenUp = ({ failing }: Health, nowMs: number): boolean =>
  failing !== null && nowMs - failing.sinceMs >= DISABLED_AFTER_MS;

const probeWait = (probes: number): number => PROBE_WAITS_MS[Math.min(probes, PROBE_WAITS_MS.length - 1)] ?? PROBE_WAITS_MS[3];
