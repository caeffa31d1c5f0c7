/** What a resolution would pay, as the totals are now: nothing is done. It costs the same however large the market is. */
import type { Sql } from '../../db/pool.ts';
import { type PlanRecord, VOID } from '../rules/market.ts';
import { type Cut, type Plan, shareOf } from '../rules/shares.ts';

export interface Preview {
  readonly plan: Omit<PlanRecord, 'leftOverMinor'>;
  readonly planHash: string;
  /** How many units the floors leave over; null: so many are right that it would take too long to say. */
  readonly leftOverMinor: string | null;
  readonly largest: readonly LargestPayout[];
}

export interface LargestPayout {
  readonly userId: string;
  readonly stakeMinor: string;
  readonly payoutMinor: string;
  /** Null: it may be one unit more. */
  readonly roundedUp: boolean | null;
}

/** Whom the largest payouts are shown of. */
const LARGEST = 10;

/** Of so many who are right every remainder is looked at: some ten milliseconds, of the 200 in which a preview answers on a busy machine. */
const RANKED_MOST = 5_000;

type PlanAnswer = Omit<PlanRecord, 'leftOverMinor'> & { readonly planHash: string };

/** In the order of their index, which is asked for by `staked > 0`, whatever the market's size. */
const ON_WINNER = `
  SELECT p.user_id AS "userId", p.staked::text AS "stakeMinor" FROM market_positions p
   WHERE p.market_id = $1 AND p.option_id = $2 AND p.staked > 0 ORDER BY p.staked DESC, p.user_id LIMIT ${LARGEST}`;

/** Of a refund: all that was staked by those who staked most on one of the options. */
const ON_ANY = `
  SELECT u.user_id AS "userId", u.staked::text AS "stakeMinor" FROM market_participants u
   WHERE u.market_id = $1 AND u.user_id IN (
     SELECT t.user_id FROM market_options o CROSS JOIN LATERAL (
       SELECT p.user_id FROM market_positions p WHERE p.market_id = o.market_id AND p.option_id = o.option_id AND p.staked > 0
        ORDER BY p.staked DESC, p.user_id LIMIT ${LARGEST}) t
      WHERE o.market_id = $1)
   ORDER BY u.staked DESC, u.user_id LIMIT ${LARGEST}`;

/** That there is such a market, with such an option, the caller has looked. */
export async function preview({ pool }: { readonly pool: Sql }, marketId: string, outcome: string): Promise<Preview> {
  const { rows } = await pool.query<{ plan: PlanAnswer }>('SELECT market_plan($1, $2) AS plan', [marketId, outcome]);
  const row = rows[0];
  if (!row) throw new Error(`no plan for ${marketId}`);
  const { planHash, ...plan } = row.plan;
  const ranked = plan.winners <= RANKED_MOST ? await cutOf(pool, marketId, outcome) : undefined;
  const stakes = await largestStakes(pool, marketId, plan.kind === 'refund' ? VOID : outcome);
  const largest = stakes.map((each) => payoutOf(each, planIn(plan), ranked));
  return { plan, planHash, leftOverMinor: ranked ? ranked.leftOverMinor : null, largest };
}

interface Ranked {
  readonly cut: Cut | undefined;
  readonly leftOverMinor: string;
}

async function cutOf(pool: Sql, marketId: string, outcome: string): Promise<Ranked> {
  const { rows } = await pool.query<{ found: { cut: { remainder: string; userId: string } | null; leftOverMinor: string } }>(
    'SELECT market_cut($1, $2) AS found',
    [marketId, outcome],
  );
  const { cut = null, leftOverMinor = '0' } = rows[0]?.found ?? {};
  return { cut: cut ? { userId: cut.userId, remainder: BigInt(cut.remainder) } : undefined, leftOverMinor };
}

interface StakeRow {
  readonly userId: string;
  readonly stakeMinor: string;
}

async function largestStakes(pool: Sql, marketId: string, outcome: string): Promise<StakeRow[]> {
  const isAll = outcome === VOID;
  const { rows } = await pool.query<StakeRow>(isAll ? ON_ANY : ON_WINNER, isAll ? [marketId] : [marketId, outcome]);
  return rows;
}

function payoutOf({ userId, stakeMinor }: StakeRow, plan: Plan, ranked: Ranked | undefined): LargestPayout {
  const { payout, roundedUp } = shareOf(plan, ranked?.cut, { userId, stake: BigInt(stakeMinor) });
  return { userId, stakeMinor, payoutMinor: payout.toString(), roundedUp: ranked ? roundedUp : null };
}

const planIn = (plan: Omit<PlanRecord, 'leftOverMinor'>): Plan => ({
  kind: plan.kind,
  pool: BigInt(plan.poolMinor),
  feeTotal: BigInt(plan.feeTotalMinor),
  creatorFee: BigInt(plan.creatorFeeMinor),
  houseFee: BigInt(plan.houseFeeMinor),
  net: BigInt(plan.netMinor),
  winStake: BigInt(plan.winStakeMinor),
});
