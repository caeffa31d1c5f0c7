/** The flows that an installation can switch off for a merchant. Payouts are what a merchant is here for. */

export const FLOWS = ['games', 'markets', 'instant'] as const;
export type Flow = (typeof FLOWS)[number];

/** All that can be paused as a whole. */
export const PAUSABLE_FLOWS = ['payouts', 'providers', ...FLOWS] as const;
export type PausableFlow = (typeof PAUSABLE_FLOWS)[number];

/** Of each, whether the merchant may begin something new of it. */
export type Flows = Readonly<Record<Flow, boolean>>;

/** As they stand in `merchants.flows`: a flow that is not named there is on, also one that came after the merchant. */
export function readFlows(stored: unknown): Flows {
  const named: Readonly<Record<string, unknown>> = typeof stored === 'object' && stored !== null ? { ...stored } : {};
  return { games: named['games'] !== false, markets: named['markets'] !== false, instant: named['instant'] !== false };
}
