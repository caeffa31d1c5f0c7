/** A market and its commitments, in the words of the API. */
import { formatMajor } from '../../rules/money.ts';
import type { MarketState } from '../rules/machine.ts';
import type { CommitmentRecord, MarketRecord, OptionRecord } from '../rules/market.ts';

/** A market as it is read, with what its newest resolution says. */
export interface WholeMarket extends MarketRecord {
  /** By the database's clock: it takes no stakes any more, whatever its state is. */
  readonly isClosed: boolean;
  readonly resolutionId: string | null;
  readonly outcome: string | null;
  /** What the newest resolution has paid, and not taken back. */
  readonly paidMinor: string;
  readonly houseFeeMinor: string;
  readonly creatorFeeMinor: string;
}

export const MARKET_STATUSES = ['open', 'closed', 'resolving', 'resolved', 'void'] as const;
export type MarketStatus = (typeof MARKET_STATUSES)[number];

const STATUS: Readonly<Record<MarketState, MarketStatus>> = {
  OPEN: 'open',
  RESOLVING: 'resolving',
  UNRESOLVED: 'closed', // its resolution was taken back: it waits for the next one
  RESOLVED: 'resolved',
  VOID: 'void',
};

/** As events show it. */
export function presentMarket(market: MarketRecord) {
  const { id, title, type, currency, state, creatorUserId, houseFeeBps, creatorFeeBps, feeBase, closesAt, createdAt } = market;
  const { commitments, participants } = market;
  const totals = { staked: formatMajor(BigInt(market.stakedMinor), currency), commitments, participants };
  const options = market.options.map((option) => presentOption(option, currency));
  const disputeWindowSeconds = Math.floor(Number.parseInt(market.disputeWindowMs, 10) / 1_000);
  return {
    id, object: 'market' as const, title, type, status: STATUS[state], currency, options, totals, creatorUserId, houseFeeBps,
    creatorFeeBps, feeBase, closesAt, disputeWindowSeconds, livemode: market.mode === 'live', createdAt,
  }; // biome-ignore format: one glance
}

const presentOption = ({ id, title, stakedMinor, commitments, participants }: OptionRecord, currency: string) => ({
  id,
  title,
  staked: formatMajor(BigInt(stakedMinor), currency),
  commitments,
  participants,
});

/** One that was asked for. */
export function presentWhole(market: WholeMarket) {
  const { isClosed, resolutionId, outcome } = market;
  const shown = presentMarket(market);
  const status = shown.status === 'open' && isClosed ? ('closed' as const) : shown.status;
  return { ...shown, status, resolutionId, outcome };
}

/** For operators, of kept totals. */
export function presentStatistics({ currency, ...market }: WholeMarket) {
  const major = (minor: bigint) => formatMajor(minor, currency);
  const each = (count: number) => (count === 0 ? null : major(BigInt(market.stakedMinor) / BigInt(count)));
  const [paid, house, creator] = [BigInt(market.paidMinor), BigInt(market.houseFeeMinor), BigInt(market.creatorFeeMinor)];
  return {
    averageCommitment: each(market.commitments),
    averageStake: each(market.participants),
    pool: major(BigInt(market.stakedMinor) - BigInt(market.missingMinor) - paid - house - creator),
    missing: major(BigInt(market.missingMinor)),
    paid: major(paid),
    fees: { total: major(house + creator), house: major(house), creator: major(creator) },
  };
}

export function presentCommitment(commitment: CommitmentRecord) {
  const { id, marketId, userId, optionId, position, currency, state: status, at, balanceVersion } = commitment;
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  return {
    id,
    object: 'commitment' as const,
    marketId,
    userId,
    optionId,
    position,
    amount: major(commitment.amountMinor),
    currency,
    status,
    payoutAmount: commitment.payoutMinor === null ? null : major(commitment.payoutMinor),
    createdAt: at,
    newBalance: major(commitment.balanceAfterMinor),
    balanceVersion,
  };
}
