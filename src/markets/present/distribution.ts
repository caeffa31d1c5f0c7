/**
 * What a resolution came to for one user, in the fields of the PayoutDistribution that platforms know: put together from the
 * distribution, the plan and the user's commitments, whose parts of the payout follow from these.
 */
import { formatMajor } from '../../rules/money.ts';
import type { BalanceRecord } from '../../users/rules/user.ts';
import type { CommitmentRecord, DistributionRecord, MarketRecord, ResolutionRecord } from '../rules/market.ts';

/** All that a distribution is made of. */
export interface WholeDistribution {
  readonly distribution: DistributionRecord;
  readonly resolution: ResolutionRecord;
  readonly market: Pick<MarketRecord, 'type' | 'feeBase' | 'houseFeeBps' | 'creatorFeeBps'>;
  /** Of this user in this market, the newest first. */
  readonly commitments: readonly CommitmentRecord[];
  /** There are more than are shown. */
  readonly isCut: boolean;
  /** The keys of its entries: none where nothing was paid. */
  readonly transactionIds: readonly string[];
}

type Major = (minor: string) => string;

const majorOf =
  (currency: string): Major =>
  (minor) =>
    formatMajor(BigInt(minor), currency);

const minus = (one: string, other: string): string => (BigInt(one) - BigInt(other)).toString();

/** What is the same in a record and in an event. */
function presentSums(distribution: DistributionRecord) {
  const { id, marketId, resolutionId, userId, currency } = distribution;
  const major = majorOf(currency);
  return {
    id,
    object: 'distribution' as const,
    marketId,
    resolutionId,
    userId,
    currency,
    totalPayout: major(distribution.payoutMinor),
    totalProfit: major(minus(distribution.payoutMinor, distribution.stakeWonMinor)),
    totalLost: major(distribution.stakeLostMinor),
    processedAt: distribution.processedAt,
    status: distribution.state,
  };
}

export function presentDistribution(whole: WholeDistribution) {
  const { distribution, resolution, market, commitments, isCut, transactionIds } = whole;
  const { failure, disputeReason, rolledBackAt } = distribution;
  const wins = commitments.filter((each) => isWinning(each, resolution));
  const losses = commitments.filter((each) => !isWinning(each, resolution));
  return {
    ...presentSums(distribution),
    winningCommitments: wins.map((each) => presentWin(each, whole)),
    losingCommitments: losses.map((each) => presentLoss(each, whole)),
    transactionIds,
    legacyTransactionIds: transactionIds, // views of the same entries
    metadata: {
      run: resolution.run,
      outcome: resolution.outcome,
      kind: resolution.plan?.kind ?? null,
      marketType: market.type,
      failure,
      disputeReason,
      rolledBackAt,
      hasMoreCommitments: isCut,
    },
  };
}

/** Of a refund all are: each brings its own stake. */
const isWinning = ({ optionId }: CommitmentRecord, { outcome, plan }: ResolutionRecord): boolean =>
  plan?.kind === 'refund' || optionId === outcome;

function presentWin(commitment: CommitmentRecord, whole: WholeDistribution) {
  const major = majorOf(commitment.currency);
  const payoutMinor = commitment.payoutMinor ?? '0';
  return {
    ...presentStake(commitment, major),
    payoutAmount: major(payoutMinor),
    profit: major(minus(payoutMinor, commitment.amountMinor)),
    winShare: shareOf(commitment.amountMinor, whole.resolution.plan?.winStakeMinor ?? '0'),
    auditTrail: auditTrail(commitment, whole, major),
  };
}

function presentLoss(commitment: CommitmentRecord, whole: WholeDistribution) {
  const major = majorOf(commitment.currency);
  return {
    ...presentStake(commitment, major),
    lostAmount: major(commitment.amountMinor),
    auditTrail: auditTrail(commitment, whole, major),
  };
}

const presentStake = ({ id, optionId, position, amountMinor }: CommitmentRecord, major: Major) => ({
  commitmentId: id,
  optionId,
  position,
  tokensCommitted: major(amountMinor),
});

const SHARE_DECIMALS = 12;

/** The part of all that was staked on what won, for a reader's eye: cut off after twelve decimals. The audit trail has it exactly. */
function shareOf(stakeMinor: string, winStakeMinor: string): number {
  const whole = BigInt(winStakeMinor);
  if (whole === 0n) return 0;
  const digits = ((BigInt(stakeMinor) * 10n ** BigInt(SHARE_DECIMALS)) / whole).toString().padStart(SHARE_DECIMALS + 1, '0');
  return Number.parseFloat(`${digits.slice(0, -SHARE_DECIMALS)}.${digits.slice(-SHARE_DECIMALS)}`);
}

/** How it came to this amount: by what the winner was found, the exact share, the rounding, the fees, who said so. */
function auditTrail(commitment: CommitmentRecord, { distribution, resolution, market }: WholeDistribution, major: Major) {
  const { plan, outcome, resolvedBy } = resolution;
  const { feeBase: base, houseFeeBps, creatorFeeBps } = market;
  return {
    winnerFoundBy: foundBy(commitment, market),
    outcome,
    optionId: commitment.optionId,
    exactShare: plan?.kind === 'shares' ? `${commitment.amountMinor}/${plan.winStakeMinor}` : null,
    rounding: {
      method: 'largest_remainder' as const,
      remainder: distribution.remainder,
      roundedUp: distribution.roundedUp,
    },
    fees: plan && {
      base,
      houseFeeBps,
      creatorFeeBps,
      total: major(plan.feeTotalMinor),
      house: major(plan.houseFeeMinor),
      creator: major(plan.creatorFeeMinor),
    },
    resolvedBy,
  };
}

/** By the position; by the option; `hybrid` where an option of a market of positions was named as an option. */
function foundBy({ position }: CommitmentRecord, { type }: Pick<MarketRecord, 'type'>): 'position' | 'optionId' | 'hybrid' {
  if (position !== null) return 'position';
  return type === 'binary' ? 'hybrid' : 'optionId';
}

/** What a user's own event shows of it, with the balance of that very commit. */
export interface ToldDistribution {
  readonly distribution: DistributionRecord;
  readonly balance: BalanceRecord;
}

export function presentToldDistribution({ distribution, balance }: ToldDistribution) {
  const newBalance = majorOf(balance.currency)(balance.availableMinor);
  return { ...presentSums(distribution), newBalance, balanceVersion: balance.version };
}
