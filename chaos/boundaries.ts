/** Where a payout is when somebody is killed, and who that is. */
import { FAILPOINTS, type Failpoint } from '../src/failpoints.ts';
import { type Behaviour, behavioursOf, DECISIONS, type Flow } from './behaviours.ts';

/** `in_psp_call`: the PSP's book has it and we do not know. `in_webhook`: the merchant has the request and has not answered. */
export type Boundary = Failpoint | 'in_psp_call' | 'in_webhook';
export const BOUNDARIES: readonly Boundary[] = [
  'reserve.after', 'decide.before', 'decide.after', 'run_page.after', 'dispatch.before', 'dispatch.after', 'attempt.before',
  'psp_call.before', 'in_psp_call', 'psp_call.after', 'look_up.before', 'callback.stored', 'settle.before', 'settle.after',
  'webhook.before', 'in_webhook', 'webhook.after', 'notify.before', 'notify.after', 'release.before', 'release.after',
  'return.before',
]; // biome-ignore format: in the order of a payout's life
const forgotten = FAILPOINTS.filter((name) => !BOUNDARIES.includes(name));
if (forgotten.length > 0) throw new Error(`no cells for ${forgotten.join(', ')}`);

/** The merchants' payouts here wait for nobody's decision and no run, and tell nobody by mail. */
const isProvidersOnly = (boundary: Boundary): boolean => /^(decide|run_page|dispatch|notify)\./.test(boundary);

export const comesTo = (flow: Flow, boundary: Boundary): boolean => flow === 'provider' || !isProvidersOnly(boundary);

export const VICTIMS = ['worker', 'api', 'postgres', 'temporal', 'all'] as const;
export type Victim = (typeof VICTIMS)[number];

/** Of a payout's webhooks and mails, those that tell its end are the ones to disturb: "after settle and before the webhook". */
export const holdsOnlyEnded = (boundary: Boundary): boolean => /webhook|notify/.test(boundary);

/** A worker has ten mails in its hands at most (activities/notify/notifications.ts): one payout for each end that people are told of. */
const TOLD: ReadonlySet<string> = new Set(['ok', 'bad_account', 'retried', 'exhausted', 'cut_after', 'funds_short', 'returned']);

/** The others never come to a decision. */
const isDecidedOn = ({ steps }: Behaviour): boolean => steps.some(({ does }) => (DECISIONS as readonly string[]).includes(does));

/** Where nothing that the slow ones wait for is under way. */
const isFarFromPsp = (boundary: Boundary): boolean => /^(reserve|run_page|dispatch)\.|webhook/.test(boundary);

export function behavioursAt(flow: Flow, boundary: Boundary): readonly Behaviour[] {
  const all = behavioursOf(flow).filter(({ slow }) => !(slow && isFarFromPsp(boundary)));
  if (boundary.startsWith('decide.')) return all.filter(isDecidedOn);
  return boundary.startsWith('notify.') ? all.filter(({ name }) => TOLD.has(name)) : all;
}

/**
 * How long whoever came first waits for the others. Below every timeout that it would trip: 15 s of a local activity or
 * a webhook, before the attempt 10 s without a heartbeat, in the PSP call our own patience with the PSP.
 */
export function holdMs(boundary: Boundary): number {
  if (boundary === 'in_psp_call') return 6_000;
  return boundary === 'attempt.before' ? 8_000 : 10_500;
}

/** Longer than the hold, and the answer comes before our patience ends. */
const SLOW_ANSWER_MS = 7_000;

/** What the PSP does to every payout at this boundary, besides its behaviour. */
export const faultsAt = (boundary: Boundary): Behaviour['faults'] =>
  boundary === 'in_psp_call' ? [{ kind: 'slow_answer', params: { ms: SLOW_ANSWER_MS } }] : [];

/** Short waits, so that a round takes seconds; pools and slots for the crowd that is held in them; and runs that overlap. */
export function settingsAt(boundary: Boundary): Record<string, string> {
  const isInCall = boundary === 'in_psp_call';
  return {
    RETRY_WAIT: '500ms',
    RETRY_WAIT_MAX: '2s',
    FIRST_LOOK_UP: '500ms',
    LOOK_UP_MAX: '1s',
    PSP_TIMEOUT: isInCall ? '9s' : '2s',
    PSP_NOT_FOUND_GRACE: isInCall ? '14s' : '7s',
    OUTCOME_DEADLINE: '10m', // no round takes as long: every outcome must be found out without a person
    DATABASE_POOL: '60',
    WORKFLOW_CONCURRENCY: '60',
    RATE_LIMIT_PER_SECOND: '5000',
    PAYOUT_WORKER_CONCURRENCY: '60',
    PAYOUT_WORKER_RATE_LIMIT: '1000',
    BATCH_WORKER_CONCURRENCY: '4',
    BATCH_WORKER_RATE_LIMIT: '100',
    LOG_LEVEL: 'warn',
  };
}
