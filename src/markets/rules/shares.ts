/**
 * What a market's resolution pays, in whole minor units, to the last one. The database does the same arithmetic when it pays
 * (plan_resolution.sql, pay_users.sql), and tests compare the two, row by row. Here it is for whoever checks it or wants to
 * know beforehand: the model, verification, tests.
 *
 *   base     gross: the pool · losing_pool: what was staked on what did not win
 *   fees     floor(base × (house + creator bps) / 10,000); of it the creator's floor(base × creator bps / 10,000), the rest the house's
 *   net      pool − fees
 *   payout   floor(net × s / S) of a user's stake s among all S on the winner, and one unit more for the largest remainders
 *            of these floors, at equal ones for the lower user id, until nothing is left over
 *   refund   where the outcome is void, or nobody has staked on it: no fees, and s = S's part of itself: every stake back
 */
import { type FeeBase, VOID } from './market.ts';

const WHOLE_BPS = 10_000n;

export interface MarketTerms {
  readonly houseFeeBps: number;
  readonly creatorFeeBps: number;
  readonly feeBase: FeeBase;
}

export interface Plan {
  readonly kind: 'shares' | 'refund';
  readonly pool: bigint;
  readonly feeTotal: bigint;
  readonly creatorFee: bigint;
  readonly houseFee: bigint;
  readonly net: bigint;
  /** S: what the shares are of. */
  readonly winStake: bigint;
}

/** @param staked on each option. */
export function planOf(terms: MarketTerms, staked: ReadonlyMap<string, bigint>, outcome: string): Plan {
  const pool = [...staked.values()].reduce((sum, each) => sum + each, 0n);
  const won = outcome === VOID ? 0n : (staked.get(outcome) ?? 0n);
  if (won === 0n) return { kind: 'refund', pool, feeTotal: 0n, creatorFee: 0n, houseFee: 0n, net: pool, winStake: pool };
  const base = terms.feeBase === 'gross' ? pool : pool - won;
  const feeTotal = (base * BigInt(terms.houseFeeBps + terms.creatorFeeBps)) / WHOLE_BPS;
  const creatorFee = (base * BigInt(terms.creatorFeeBps)) / WHOLE_BPS;
  return { kind: 'shares', pool, feeTotal, creatorFee, houseFee: feeTotal - creatorFee, net: pool - feeTotal, winStake: won };
}

/** A user's stake on what won, all commitments together: shares are of this, so that splitting a stake gains nothing. */
export interface Stake {
  readonly userId: string;
  readonly stake: bigint;
}

/** Who gets one unit more than the floor: larger remainders than this one, and at it users up to this one. */
export interface Cut {
  readonly remainder: bigint;
  readonly userId: string;
}

const remainderOf = ({ net, winStake }: Plan, stake: bigint): bigint => (winStake === 0n ? 0n : (net * stake) % winStake);

/**
 * The last of those who get one unit more, and how many they are. Undefined: nobody.
 * @param stakes of all who staked on what won (of a refund: of all), each user once.
 */
export function cutOf(plan: Plan, stakes: readonly Stake[]): { readonly cut: Cut | undefined; readonly leftOver: bigint } {
  const remainders = stakes.map(({ userId, stake }) => ({ userId, remainder: remainderOf(plan, stake) }));
  const sum = remainders.reduce((total, { remainder }) => total + remainder, 0n);
  const leftOver = plan.winStake === 0n ? 0n : sum / plan.winStake;
  if (leftOver === 0n) return { cut: undefined, leftOver };
  const sorted = remainders.sort((a, b) => compare(b.remainder, a.remainder) || compare(a.userId, b.userId));
  return { cut: sorted[Number(leftOver) - 1], leftOver };
}

export interface Share {
  readonly payout: bigint;
  readonly remainder: bigint;
  readonly roundedUp: boolean;
}

/** What one user gets: by the plan and the cut alone, whoever else there is. */
export function shareOf(plan: Plan, cut: Cut | undefined, { userId, stake }: Stake): Share {
  const remainder = remainderOf(plan, stake);
  const roundedUp = cut !== undefined && (remainder > cut.remainder || (remainder === cut.remainder && userId <= cut.userId));
  const floor = plan.winStake === 0n ? 0n : (plan.net * stake) / plan.winStake;
  return { payout: floor + (roundedUp ? 1n : 0n), remainder, roundedUp };
}

/**
 * One commitment's part of what its user gets for the whole stake: the parts of all of a user's commitments make up the
 * payout, to the last unit, and each is known by itself.
 * @param before what the user had staked on the option before it.
 */
export const partOf = (payout: bigint, stake: bigint, before: bigint, amount: bigint): bigint =>
  (payout * (before + amount)) / stake - (payout * before) / stake;

const compare = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
