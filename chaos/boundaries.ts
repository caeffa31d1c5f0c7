/** Where a payout is when somebody is killed, and who that is. */

import { FAILPOINTS, type Failpoint } from '../src/failpoints.ts';
import type { Behaviour } from './behaviours.ts';

/** `in_psp_call`: the PSP's book has it and we do not know. `in_webhook`: the merchant has the request and has not answered. */
export type Boundary = Failpoint | 'in_psp_call' | 'in_webhook';
export const BOUNDARIES: readonly Boundary[] = [
  'reserve.after', 'attempt.before', 'psp_call.before', 'in_psp_call', 'psp_call.after', 'look_up.before', 'callback.stored',
  'settle.before', 'settle.after', 'webhook.before', 'in_webhook', 'webhook.after', 'release.before', 'release.after', 'return.before',
]; // biome-ignore format: in the order of a payout's life
// A merchant's payouts tell nobody by mail or push; workers are killed there in tests/e2e/notifications.test.ts.
const forgotten = FAILPOINTS.filter((name) => !BOUNDARIES.includes(name) && !name.startsWith('notify.'));
if (forgotten.length > 0) throw new Error(`no cells for ${forgotten.join(', ')}`);

export const VICTIMS = ['worker', 'api', 'postgres', 'temporal', 'all'] as const;
export type Victim = (typeof VICTIMS)[number];

/** Of a payout's webhooks, those that tell its end are the ones to disturb: "after settle and before the webhook". */
export const holdsOnlyEnded = (boundary: Boundary): boolean => boundary.includes('webhook');

/**
 * How long whoever came first waits for the others. Below every timeout that it would trip: 15 s of a local activity or
 * a webhook, before the attempt 10 s without a heartbeat, in the PSP call our own patience with the PSP.
 */
export function holdMs(boundary: Boundary): number {
  if (boundary === 'in_psp_call') return 3_000;
  return boundary === 'attempt.before' ? 8_000 : 10_500;
}

/** Longer than the hold, and the answer comes before our patience ends. */
const SLOW_ANSWER_MS = 4_000;

/** What the PSP does to every payout at this boundary, besides its behaviour. */
export const faultsAt = (boundary: Boundary): Behaviour['faults'] =>
  boundary === 'in_psp_call' ? [{ kind: 'slow_answer', params: { ms: SLOW_ANSWER_MS } }] : [];

/** Short waits, so that a round takes seconds; a pool as large as the crowd that is held in it. */
export function settingsAt(boundary: Boundary): Record<string, string> {
  const isInCall = boundary === 'in_psp_call';
  return {
    RETRY_WAIT: '500ms',
    RETRY_WAIT_MAX: '2s',
    FIRST_LOOK_UP: '500ms',
    LOOK_UP_MAX: '1s',
    PSP_TIMEOUT: isInCall ? '6s' : '2s',
    PSP_NOT_FOUND_GRACE: isInCall ? '11s' : '7s',
    OUTCOME_DEADLINE: '10m', // no round takes as long: every outcome must be found out without a person
    DATABASE_POOL: '40',
    WORKFLOW_CONCURRENCY: '40',
    RATE_LIMIT_PER_SECOND: '5000',
    LOG_LEVEL: 'warn',
  };
}
