/** A balance that would be larger than SQL's bigint: the ledger refuses, and the client is told so. */
import { Problem } from '../../problem.ts';

const NUMERIC_VALUE_OUT_OF_RANGE = '22003';

export const isTooLarge = (error: unknown): boolean => (error as { code?: unknown })?.code === NUMERIC_VALUE_OUT_OF_RANGE;

export const tooLarge = (): Problem =>
  new Problem(422, 'balance_too_large', 'The balance would be larger than any balance can be.');
