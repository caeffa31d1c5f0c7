/** What a market's pool must hold, by where its newest resolution is. */
import type { ResolutionState } from './machine.ts';

interface Totals {
  readonly stakedMinor: string;
  readonly missingMinor: string;
}

type Kind = 'stakes' | 'unpaid' | 'nothing' | 'growing';

const HOLDS: Readonly<Record<ResolutionState, Kind>> = {
  IN_REVIEW: 'stakes',
  DISPUTE_WINDOW: 'stakes',
  DISPUTED: 'stakes',
  PLANNING: 'stakes',
  PLANNING_STOPPED: 'stakes',
  WAITING_FOR_FUNDS: 'stakes',
  PAYING: 'unpaid',
  PAYING_STOPPED: 'unpaid',
  COMPLETED: 'nothing',
  REJECTED: 'stakes',
  ROLLING_BACK: 'growing',
  ROLLING_BACK_STOPPED: 'growing',
  ROLLED_BACK: 'stakes',
};

/**
 * In minor units; null: money is on its way back, and only the entries tell how much.
 * @param state null: it was never resolved.
 * @param paidMinor by the newest resolution.
 */
export function poolNow(market: Totals, state: ResolutionState | null, paidMinor: string): string | null {
  const whole = BigInt(market.stakedMinor) - BigInt(market.missingMinor);
  switch (state === null ? 'stakes' : HOLDS[state]) {
    case 'stakes':
      return whole.toString();
    case 'unpaid':
      return (whole - BigInt(paidMinor)).toString();
    case 'nothing':
      return '0';
    case 'growing':
      return null;
  }
}
