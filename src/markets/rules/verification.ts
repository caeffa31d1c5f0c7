/**
 * Was a market paid as it should have been? Recomputed user by user from the commitments alone, without a word of those who
 * planned and paid it, in integers. It takes the users in pieces, in any order, and keeps sums only: a million need no more
 * memory than one.
 */
import type { FeeBase } from './market.ts';

/** What the resolution says that it pays, and by which terms. */
export interface Verified {
  readonly kind: 'shares' | 'refund';
  readonly outcome: string;
  readonly feeBase: FeeBase;
  readonly houseFeeBps: number;
  readonly creatorFeeBps: number;
  readonly poolMinor: bigint;
  readonly winStakeMinor: bigint;
  readonly netMinor: bigint;
  readonly houseFeeMinor: bigint;
  readonly creatorFeeMinor: bigint;
}

/** One user: what the commitments come to, and what was written down and booked. */
export interface UserLines {
  readonly userId: string;
  readonly commitments: number;
  readonly wonMinor: bigint;
  readonly lostMinor: bigint;
  /** Each commitment names what was staked before it: on every option they follow one another without a gap. */
  readonly isChained: boolean;
  /** Null: there is none. */
  readonly distribution: {
    readonly payoutMinor: bigint;
    readonly stakeWonMinor: bigint;
    readonly stakeLostMinor: bigint;
    readonly roundedUp: boolean;
  } | null;
  /** Of the entry that paid it; 0: there is none. */
  readonly bookedMinor: bigint;
}

export const FAULTS = {
  lost_commitments: 'staked, and has no distribution',
  unknown_distribution: 'has a distribution, and staked nothing',
  wrong_stakes: 'the distribution is not of what was staked',
  broken_lines: 'the commitments do not follow one another: their parts do not add up to the payout',
  wrong_payout: 'is not paid the share that the commitments come to',
  wrong_entry: 'the books did not pay what the distribution says',
  wrong_rounding: 'the units that were left over went to others than those with the largest remainders',
  wrong_totals: 'what was staked is not what the plan says',
  wrong_fees: 'the fees are not those of the market’s terms',
  wrong_sum: 'payouts and fees are not the pool',
  wrong_pool: 'the pool does not hold what is left to be booked',
} as const;
export type Fault = keyof typeof FAULTS;

/** Whom a fault is shown of, at most. */
const SHOWN = 10;

export interface FaultFound {
  readonly count: number;
  readonly userIds: readonly string[];
}

interface Ranked {
  readonly remainder: bigint;
  readonly userId: string;
}

export interface Tally {
  readonly users: number;
  readonly winners: number;
  readonly commitments: number;
  readonly wonMinor: bigint;
  readonly lostMinor: bigint;
  readonly floorsMinor: bigint;
  readonly paidMinor: bigint;
  readonly bookedMinor: bigint;
  readonly roundedUp: number;
  /** The last of those who got a unit more, and the first of those who did not. */
  readonly lastUp: Ranked | null;
  readonly firstDown: Ranked | null;
  readonly faults: ReadonlyMap<Fault, FaultFound>;
}

export const EMPTY_TALLY: Tally = {
  users: 0,
  winners: 0,
  commitments: 0,
  wonMinor: 0n,
  lostMinor: 0n,
  floorsMinor: 0n,
  paidMinor: 0n,
  bookedMinor: 0n,
  roundedUp: 0,
  lastUp: null,
  firstDown: null,
  faults: new Map(),
};

/** Has the one of these two the better claim to a unit that is left over? The larger remainder, then the lower id. */
const comesBefore = (one: Ranked, other: Ranked): boolean =>
  one.remainder === other.remainder ? one.userId < other.userId : one.remainder > other.remainder;

export function tallyUser(tally: Tally, user: UserLines, verified: Verified): Tally {
  const { userId, wonMinor, lostMinor, commitments, distribution, bookedMinor } = user;
  const { floor, remainder } = exactShare(user, verified);
  const isUp = distribution?.roundedUp ?? false;
  const payoutMinor = distribution?.payoutMinor ?? 0n;
  const ranked: Ranked | null = remainder === 0n ? null : { remainder, userId };
  return {
    users: tally.users + 1,
    winners: tally.winners + (wonMinor > 0n && verified.kind === 'shares' ? 1 : 0),
    commitments: tally.commitments + commitments,
    wonMinor: tally.wonMinor + wonMinor,
    lostMinor: tally.lostMinor + lostMinor,
    floorsMinor: tally.floorsMinor + floor,
    paidMinor: tally.paidMinor + payoutMinor,
    bookedMinor: tally.bookedMinor + bookedMinor,
    roundedUp: tally.roundedUp + (isUp ? 1 : 0),
    lastUp: isUp && ranked && (!tally.lastUp || comesBefore(tally.lastUp, ranked)) ? ranked : tally.lastUp,
    firstDown: !isUp && ranked && (!tally.firstDown || comesBefore(ranked, tally.firstDown)) ? ranked : tally.firstDown,
    faults: withFaults(tally.faults, faultsOf(user, verified, floor, remainder), userId),
  };
}

/** net × stake ÷ all that was staked on what won; of a refund the stakes themselves. */
function exactShare({ wonMinor, lostMinor }: UserLines, { kind, netMinor, winStakeMinor }: Verified) {
  if (kind === 'refund') return { floor: wonMinor + lostMinor, remainder: 0n };
  if (winStakeMinor === 0n) return { floor: 0n, remainder: 0n };
  return { floor: (netMinor * wonMinor) / winStakeMinor, remainder: (netMinor * wonMinor) % winStakeMinor };
}

function faultsOf(user: UserLines, { kind }: Verified, floor: bigint, remainder: bigint): Fault[] {
  const { commitments, distribution, wonMinor, lostMinor, bookedMinor } = user;
  if (distribution === null) return commitments > 0 ? ['lost_commitments'] : [];
  if (commitments === 0) return ['unknown_distribution'];
  const { payoutMinor, stakeWonMinor, stakeLostMinor, roundedUp } = distribution;
  // Of a refund every stake counts as one on what won: it comes back.
  const stakes = kind === 'refund' ? [wonMinor + lostMinor, 0n] : [wonMinor, lostMinor];
  const isWrong: Partial<Record<Fault, boolean>> = {
    wrong_stakes: stakeWonMinor !== stakes[0] || stakeLostMinor !== stakes[1],
    broken_lines: !user.isChained,
    wrong_payout: payoutMinor !== floor + (roundedUp ? 1n : 0n) || (roundedUp && remainder === 0n),
    wrong_entry: bookedMinor !== payoutMinor,
  };
  return (Object.keys(isWrong) as Fault[]).filter((fault) => isWrong[fault]);
}

function withFaults(faults: Tally['faults'], found: readonly Fault[], userId?: string): Tally['faults'] {
  if (found.length === 0) return faults;
  const all = new Map(faults);
  for (const fault of found) {
    const { count, userIds } = all.get(fault) ?? { count: 0, userIds: [] };
    const shown = userId === undefined || userIds.length >= SHOWN ? userIds : [...userIds, userId];
    all.set(fault, { count: count + 1, userIds: shown });
  }
  return all;
}

/** What the resolution keeps of it, and the API shows. Amounts in minor units. */
export interface Verification {
  readonly ok: boolean;
  readonly users: number;
  readonly winners: number;
  readonly commitments: number;
  readonly stakedMinor: string;
  readonly paidMinor: string;
  readonly feesMinor: string;
  readonly roundedUp: number;
  readonly faults: readonly ({ readonly fault: Fault; readonly detail: string } & FaultFound)[];
}

/** @param poolMinor what the pool holds right after the last was paid, before the fees are booked. */
export function conclude(tally: Tally, verified: Verified, poolMinor: bigint): Verification {
  const stakedMinor = tally.wonMinor + tally.lostMinor;
  const fees = feesOf(tally, verified);
  const feesMinor = fees.houseMinor + fees.creatorMinor;
  const { kind, netMinor, winStakeMinor, houseFeeMinor, creatorFeeMinor } = verified;
  const isWrong: Partial<Record<Fault, boolean>> = {
    wrong_rounding: isMisplaced(tally) || BigInt(tally.roundedUp) !== (kind === 'refund' ? 0n : netMinor - tally.floorsMinor),
    wrong_totals: stakedMinor !== verified.poolMinor || (kind === 'shares' && tally.wonMinor !== winStakeMinor),
    wrong_fees: houseFeeMinor !== fees.houseMinor || creatorFeeMinor !== fees.creatorMinor,
    wrong_sum: tally.paidMinor + feesMinor !== stakedMinor || tally.bookedMinor !== tally.paidMinor,
    wrong_pool: poolMinor !== feesMinor,
  };
  const faults = withFaults(
    tally.faults,
    (Object.keys(isWrong) as Fault[]).filter((fault) => isWrong[fault]),
  );
  return {
    ok: faults.size === 0,
    users: tally.users,
    winners: tally.winners,
    commitments: tally.commitments,
    stakedMinor: stakedMinor.toString(),
    paidMinor: tally.paidMinor.toString(),
    feesMinor: feesMinor.toString(),
    roundedUp: tally.roundedUp,
    faults: [...faults].map(([fault, found]) => ({ fault, detail: FAULTS[fault], ...found })),
  };
}

/** Somebody without a unit more has a better claim than somebody with one. */
const isMisplaced = ({ lastUp, firstDown }: Tally): boolean =>
  lastUp !== null && firstDown !== null && comesBefore(firstDown, lastUp);

const BPS = 10_000n;

function feesOf(tally: Tally, { kind, feeBase, houseFeeBps, creatorFeeBps }: Verified) {
  if (kind === 'refund') return { houseMinor: 0n, creatorMinor: 0n };
  const base = feeBase === 'gross' ? tally.wonMinor + tally.lostMinor : tally.lostMinor;
  const total = (base * BigInt(houseFeeBps + creatorFeeBps)) / BPS;
  const creatorMinor = (base * BigInt(creatorFeeBps)) / BPS;
  return { houseMinor: total - creatorMinor, creatorMinor };
}
