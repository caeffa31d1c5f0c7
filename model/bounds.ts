/**
 * How much may happen in one exploration. A bound is a budget: each time its thing happens one is spent, and what is not
 * bounded here (a PSP that goes on to pay or to fail, look-ups, timers, deadlines) may happen whenever it can.
 */
import type { PayoutBooks } from '../src/payouts/rules/books.ts';
import type { PspKey } from './pspKey.ts';

export const BUDGETS = {
  faults: 'a request or an answer is lost, or an index lags behind',
  refusals: "a request is refused at the PSP's door",
  returns: 'a payment comes back, or goes out again by itself',
  lies: 'what was shown as failed is alive after all',
  stale: 'look-ups still show for a while what a transfer was before',
  stages: 'a transfer is queued, held or under way',
  odds: 'a transfer is not as we asked for it',
  silences: 'the PSP never again answers look-ups of an attempt',
  forgets: 'the PSP forgets a key, after its window',
  repeats: 'a message is sent once more',
  deaths: 'a worker dies, or is only taken for dead and goes on later',
  restarts: 'a workflow is lost, and another one takes the payout up from the books',
  acts: 'a person does something',
  parks: 'a step turns out to be impossible',
  pauses: 'a pause begins, or ends',
  controls: 'an operator sends it now, asks the PSP, gives up waiting, or has another PSP pay it',
} as const;

export type Budget = keyof typeof BUDGETS;
export type Left = Readonly<Record<Budget, number>>;

/** A set of bounds, explored to its end. */
export interface Bounds {
  readonly name: string;
  readonly start: Partial<PayoutBooks>;
  /** Attempts a round may have; with `rounds` it bounds the keys. */
  readonly attempts: number;
  /** Times that a failed payout is started again, and one. */
  readonly rounds: number;
  /** Messages that are stored and not dealt with, at one time. */
  readonly messages: number;
  /** A provider's payout tells an operator once its attempts are used up. */
  readonly lastNeedsOperator: boolean;
  /** What the PSP has of attempts that the start has had. */
  readonly psp: readonly Partial<PspKey>[];
  /** A look-up after a message is never given up, as it was until commit 500d0be. */
  readonly insists: boolean;
  readonly left: Left;
}

const NOTHING = Object.fromEntries(Object.keys(BUDGETS).map((name) => [name, 0])) as Record<Budget, number>;

export const bounds = (name: string, left: Partial<Left>, more: Partial<Omit<Bounds, 'name' | 'left'>> = {}): Bounds => ({
  name,
  start: {},
  attempts: 2,
  rounds: 1,
  messages: 2,
  lastNeedsOperator: false,
  psp: [],
  insists: false,
  ...more,
  left: { ...NOTHING, ...left },
});
