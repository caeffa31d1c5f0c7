/** The oracle's questions about a market: row by row what an undisturbed resolution would have come to, computed apart. */
import { cutOf, planOf, shareOf } from '../../src/markets/rules/shares.ts';
import type { Made } from '../scenario.ts';
import type { Site } from '../site.ts';
import type { MarketOrder } from './deeds.ts';

/** As chaos opens every market. */
export const TERMS = { houseFeeBps: 250, creatorFeeBps: 0, feeBase: 'losing_pool' } as const;

interface ResolutionRow {
  readonly id: string;
  readonly run: number;
  readonly state: string;
  readonly outcome: string;
}

interface UserRow {
  readonly userId: string;
  readonly available: string;
  readonly debt: string;
}

interface DistributionRow {
  readonly userId: string;
  readonly run: number;
  readonly state: string;
  readonly payout: string;
  /** How often it was booked, and taken back. */
  readonly paid: number;
  readonly back: number;
}

export async function marketProblems({ books }: Site, { id, order }: Made<MarketOrder>): Promise<string[]> {
  const resolutions = await books.rows<ResolutionRow>(
    'SELECT id, run, state, outcome FROM resolutions WHERE market_id = $1 ORDER BY run',
    id,
  );
  const users = await books.rows<UserRow>(
    `SELECT owner_id AS "userId", available::text, debt::text FROM balances WHERE owner_kind = 'user' AND owner_id = ANY ($1)`,
    order.stakes.map(({ userId }) => userId),
  );
  const distributions = await books.rows<DistributionRow>(
    `SELECT d.user_id AS "userId", r.run, d.state, d.payout::text,
            (SELECT count(*)::int FROM ledger_entries e WHERE e.subject_id = r.id AND e.type IN ('DISTRIBUTION', 'STAKE_RETURN') AND e.op_key LIKE '%' || d.user_id) AS paid,
            (SELECT count(*)::int FROM ledger_entries e WHERE e.subject_id = r.id AND e.type = 'DISTRIBUTION_BACK' AND e.op_key LIKE '%' || d.user_id || '/back') AS back
       FROM distributions d JOIN resolutions r ON r.id = d.resolution_id WHERE d.market_id = $1`,
    id,
  );
  const last = resolutions.at(-1);
  if (!last) return ['nobody has resolved it'];
  const problems = resolutions.flatMap((each) =>
    ofRun(
      order,
      each,
      distributions.filter(({ run }) => run === each.run),
    ),
  );
  const paid = last.state === 'COMPLETED' ? expected(order, last.outcome) : new Map<string, bigint>();
  return [
    ...problems,
    ...users.flatMap(({ userId, available, debt }) =>
      BigInt(available) === (paid.get(userId) ?? 0n) && debt === '0'
        ? []
        : [`${userId} has ${available}, owes ${debt}, not ${paid.get(userId) ?? 0n}`],
    ),
  ];
}

/** What each gets, by the plain rule over what was staked. */
function expected({ stakes }: MarketOrder, outcome: string): ReadonlyMap<string, bigint> {
  const minor = stakes.map(({ userId, optionId, amount }) => ({ userId, optionId, stake: BigInt(amount.replace('.', '')) }));
  const staked = new Map<string, bigint>();
  for (const { optionId, stake } of minor) staked.set(optionId, (staked.get(optionId) ?? 0n) + stake);
  const plan = planOf(TERMS, staked, outcome);
  const right = minor.filter(({ optionId }) => plan.kind === 'refund' || optionId === outcome);
  const { cut } = cutOf(plan, right);
  return new Map(right.map((each) => [each.userId, shareOf(plan, cut, each).payout]));
}

function ofRun(order: MarketOrder, { run, state, outcome }: ResolutionRow, rows: readonly DistributionRow[]): string[] {
  const shares = expected(order, outcome);
  const isBack = state === 'ROLLED_BACK';
  const missing = order.stakes.filter(({ userId }) => rows.filter((row) => row.userId === userId).length !== 1);
  return [
    ...missing.map(({ userId }) => `run ${run} has not one distribution of ${userId}`),
    ...rows.flatMap((row) => {
      const payout = shares.get(row.userId) ?? 0n;
      const entries = payout > 0n ? 1 : 0;
      const isRight = BigInt(row.payout) === payout && row.state === (isBack ? 'rolled_back' : 'completed');
      const isBooked = row.paid === entries && row.back === (isBack ? entries : 0);
      return isRight && isBooked
        ? []
        : [`run ${run}: ${row.userId} ${row.state} ${row.payout}, booked ${row.paid} times and ${row.back} back, not ${payout}`];
    }),
  ];
}
