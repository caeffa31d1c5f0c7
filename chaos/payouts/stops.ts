/** Where a payout is held on its way, whoever's it is, in parts that follow one another. */
import type { Boundary, Stop, Stops } from '../scenario.ts';
import type { Fault, PayoutBehaviour } from './behaviour.ts';

type PayoutStop = Stop<PayoutBehaviour>;

const EVERYBODY: PayoutStop = { comes: () => true };

/** Where nothing that the slow ones wait for is under way. */
export const FAR_FROM_PSP: PayoutStop = { comes: ({ slow }) => !slow };

/** "After settle and before the webhook", up to where it is written down that it was taken. */
const TOLD: PayoutStop = { ...FAR_FROM_PSP, onlyEnded: true };

/** Longer than the hold, and the answer comes before our patience ends. */
const SLOW_ANSWER_MS = 7_000;

/** What the PSP does to every payout at a boundary, besides its behaviour. */
export const faultsAt = (boundary: Boundary | undefined): readonly Fault[] =>
  boundary === 'in_psp_call' ? [{ kind: 'slow_answer', params: { ms: SLOW_ANSWER_MS } }] : [];

const IN_PSP_CALL: PayoutStop = {
  ...EVERYBODY,
  holdMs: 6_000, // below our own patience with the PSP
  settings: { PSP_TIMEOUT: '9s', PSP_NOT_FOUND_GRACE: '14s' },
};

export const TAKEN_IN = { 'reserve.after': FAR_FROM_PSP } as const satisfies Stops<PayoutBehaviour>;

export const AT_PSP = {
  'attempt.before': { ...EVERYBODY, holdMs: 8_000 }, // below 10 s without a heartbeat
  'psp_call.before': EVERYBODY,
  in_psp_call: IN_PSP_CALL,
  'psp_call.after': EVERYBODY,
  'look_up.before': EVERYBODY,
  'callback.stored': EVERYBODY,
  'settle.before': EVERYBODY,
  'settle.after': EVERYBODY,
} as const satisfies Stops<PayoutBehaviour>;

export const WEBHOOK = {
  'relay.claimed': TOLD,
  in_webhook: TOLD,
  'relay.sent': TOLD,
  'relay.recorded': TOLD,
} as const satisfies Stops<PayoutBehaviour>;

export const GIVEN_BACK = {
  'release.before': EVERYBODY,
  'release.after': EVERYBODY,
  'return.before': EVERYBODY,
} as const satisfies Stops<PayoutBehaviour>;
