/** How a withdrawal is cut into slices. Pure and exact: they sum to the total, to the minor unit, and none is outside the limits. */

export interface SplitRequest {
  readonly totalMinor: bigint;
  /** The least and the most of a slice. */
  readonly minMinor: bigint;
  readonly maxMinor: bigint;
  /** As the caller wants them; nothing else is tried then. */
  readonly wanted?: readonly bigint[];
}

export type SplitFault =
  /** The least is more than the most, or not above zero. */
  | 'limits_crossed'
  /** No number of slices within the limits makes the total. */
  | 'impossible'
  | 'too_many_batches'
  /** Those that were named: none, another sum, or one outside the limits. */
  | 'no_batches'
  | 'wrong_sum'
  | 'outside_limits';

export type Split =
  | { readonly ok: true; readonly amountsMinor: readonly bigint[] }
  | { readonly ok: false; readonly fault: SplitFault };

/** All are made in one transaction, which must not last over 250 ms: 50 rows with an event each take a fifth of that. */
export const BATCHES_MAX = 50;

const refused = (fault: SplitFault): Split => ({ ok: false, fault });
const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, each) => all + each, 0n);

/**
 * As few slices as the most allows, as equal as can be: in whole major units of a hundred, which people can type, where that
 * stays within the limits; else they differ by one minor unit.
 */
export function split({ totalMinor, minMinor, maxMinor, wanted }: SplitRequest): Split {
  if (minMinor < 1n || minMinor > maxMinor) return refused('limits_crossed');
  const fits = (amounts: readonly bigint[]): boolean => amounts.every((each) => each >= minMinor && each <= maxMinor);
  if (wanted) {
    if (wanted.length === 0) return refused('no_batches');
    if (wanted.length > BATCHES_MAX) return refused('too_many_batches');
    if (sum(wanted) !== totalMinor) return refused('wrong_sum');
    return fits(wanted) ? { ok: true, amountsMinor: wanted } : refused('outside_limits');
  }
  if (totalMinor < minMinor) return refused('impossible');
  const count = (totalMinor + maxMinor - 1n) / maxMinor;
  if (count > BigInt(BATCHES_MAX)) return refused('too_many_batches');
  const cuts = [100n, 1n].map((unit) => cut(totalMinor, Number(count), unit));
  const amountsMinor = cuts.find(fits);
  return amountsMinor ? { ok: true, amountsMinor } : refused('impossible');
}

/** In whole units, the larger ones first; what is less than a unit goes to the last. */
function cut(total: bigint, count: number, unit: bigint): bigint[] {
  const units = total / unit;
  const more = units % BigInt(count);
  const each = units / BigInt(count);
  const amounts = Array.from({ length: count }, (_, at) => (each + (BigInt(at) < more ? 1n : 0n)) * unit);
  return amounts.map((amount, at) => (at === count - 1 ? amount + (total % unit) : amount));
}
