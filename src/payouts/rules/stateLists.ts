/** Payout states by what holds in them, as SQL lists. */
import { PAYOUT } from './machine.ts';

const listOf = (states: readonly string[]): string => `('${states.join("', '")}')`;

export const HOLDING = listOf(PAYOUT.statesWhere(({ money }) => money === 'reserved'));
export const IN_FLIGHT = listOf(PAYOUT.statesWhere(({ inFlight }) => inFlight));
export const FINAL = listOf(PAYOUT.statesWhere(({ final }) => final));
