/** Payout states by what holds in them, as SQL lists. */
import { type PayoutState, STATES } from './machine.ts';

type StateRow = (typeof STATES)[PayoutState];
const statesWhere = (holds: (row: StateRow) => boolean): string =>
  `(${(Object.keys(STATES) as PayoutState[]).filter((state) => holds(STATES[state])).map((state) => `'${state}'`).join(', ')})`; // biome-ignore format: one list

export const HOLDING = statesWhere((state) => state.money === 'reserved');
export const IN_FLIGHT = statesWhere((state) => state.inFlight);
export const FINAL = statesWhere((state) => state.final);
