/**
 * What a resolution's workflow does next: a table by state. All that is to be done stands in the books, and what is asked of them
 * is refused where it has no place (any more), so that no answer here can do harm, whenever and however often it is followed.
 */
import type { ResolutionStanding } from './contract.ts';
import { isPausable, type ResolutionState } from './machine.ts';

/**
 *   look      reads how it stands
 *   endWindow the time is over in which participants may say no
 *   cover     takes what the pool lacks from the merchant, as far as there is
 *   plan      fixes who gets what, once the pool is whole
 *   pay       pays users for a while; once nobody is left, verifies and ends
 *   rollBack  takes back for a while; once nobody is left, ends
 */
export type Act = 'look' | 'endWindow' | 'cover' | 'plan' | 'pay' | 'rollBack';

export type Next =
  /** It is over, or waits for an operator, who begins it again, or for a pause: once that has ended, it is taken up by who looks after markets. */
  | { readonly do: 'end' }
  /** After so long, or as soon as it is told that something has changed; null: then alone. */
  | { readonly do: Act; readonly afterMs: number | null; readonly why: string };

const END: Next = { do: 'end' };
const now = (act: Act): Next => ({ do: act, afterMs: 0, why: '' });
const told = (why: string): Next => ({ do: 'look', afterMs: null, why });

type Standing = Pick<ResolutionStanding, 'state' | 'windowLeftMs' | 'isPaused'>;

const BY_STATE: Readonly<Record<ResolutionState, (standing: Standing, fundsEveryMs: number) => Next>> = {
  IN_REVIEW: () => told('a second approver'),
  DISPUTE_WINDOW: ({ windowLeftMs }) => ({ do: 'endWindow', afterMs: windowLeftMs ?? 0, why: 'may be disputed' }),
  DISPUTED: () => told('an approver to uphold or overturn it'),
  PLANNING: () => now('plan'),
  PLANNING_STOPPED: () => END,
  WAITING_FOR_FUNDS: (_, fundsEveryMs) => ({ do: 'cover', afterMs: fundsEveryMs, why: 'the merchant’s money' }),
  PAYING: () => now('pay'),
  PAYING_STOPPED: () => END,
  COMPLETED: () => END,
  REJECTED: () => END,
  ROLLING_BACK: () => now('rollBack'),
  ROLLING_BACK_STOPPED: () => END,
  ROLLED_BACK: () => END,
};

export const next = (standing: Standing, fundsEveryMs: number): Next =>
  standing.isPaused && isPausable(standing.state) ? END : BY_STATE[standing.state](standing, fundsEveryMs);
