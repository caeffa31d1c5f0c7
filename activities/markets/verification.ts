/** What a verification looks at, read in pieces: the rule is src/markets/rules/verification.ts. */
import type { Sql } from '../../src/db/pool.ts';
import {
  conclude,
  EMPTY_TALLY,
  type Tally,
  tallyUser,
  type UserLines,
  type Verification,
  type Verified,
} from '../../src/markets/rules/verification.ts';

/** Users a piece: some ten thousand rows, read in a tenth of a second. */
const PIECE = 2_000;

const VERIFIED = `
  SELECT r.id AS "resolutionId", r.market_id AS "marketId", r.run, r.kind, r.outcome, m.fee_base AS "feeBase",
         m.house_fee_bps AS "houseFeeBps", m.creator_fee_bps AS "creatorFeeBps",
         r.pool::text AS "poolMinor", r.win_stake::text AS "winStakeMinor", r.net::text AS "netMinor",
         r.house_fee::text AS "houseFeeMinor", r.creator_fee::text AS "creatorFeeMinor"
    FROM resolutions r JOIN markets m ON m.id = r.market_id WHERE r.id = $1`;

const POOL = 'SELECT b.available::text AS "poolMinor" FROM markets m JOIN balances b ON b.id = m.pool_id WHERE m.id = $1';

/** The last of the next so many participants. */
const LAST_OF_PIECE = `
  SELECT user_id AS "userId" FROM market_participants WHERE market_id = $1 AND user_id > $2 ORDER BY user_id OFFSET $3 LIMIT 1`;

/** By the commitments themselves; between two users whatever there is, and after the last participant, too: whoever staked is in it. */
const PIECE_OF = `
  WITH lines AS (
    SELECT c.user_id, c.option_id, c.amount,
           c.staked_before = sum(c.amount) OVER (PARTITION BY c.user_id, c.option_id ORDER BY c.staked_before) - c.amount AS chained
      FROM commitments c WHERE c.market_id = $1 AND c.user_id > $3 AND ($4 = '' OR c.user_id <= $4)
  ), staked AS (
    SELECT user_id, count(*)::int AS commitments, bool_and(chained) AS chained,
           coalesce(sum(amount) FILTER (WHERE option_id = $5), 0) AS won, coalesce(sum(amount) FILTER (WHERE option_id <> $5), 0) AS lost
      FROM lines GROUP BY user_id
  ), given AS (
    SELECT d.user_id, d.payout, d.stake_won, d.stake_lost, d.rounded_up FROM distributions d
     WHERE d.resolution_id = $2 AND d.user_id > $3 AND ($4 = '' OR d.user_id <= $4)
  )
  SELECT user_id AS "userId", coalesce(s.commitments, 0) AS commitments, coalesce(s.chained, true) AS chained,
         coalesce(s.won, 0)::text AS won, coalesce(s.lost, 0)::text AS lost, g.payout::text AS payout,
         g.stake_won::text AS "stakeWon", g.stake_lost::text AS "stakeLost", g.rounded_up AS "roundedUp", coalesce(e.amount, 0)::text AS booked
    FROM staked s FULL JOIN given g USING (user_id)
    LEFT JOIN ledger_entries e ON e.op_key = $6 || user_id AND e.leg = 0 AND e.type IN ('DISTRIBUTION', 'STAKE_RETURN')`;

interface Plan {
  readonly resolutionId: string;
  readonly marketId: string;
  readonly run: number;
  readonly verified: Verified;
}

interface Row {
  readonly userId: string;
  readonly commitments: number;
  readonly chained: boolean;
  readonly won: string;
  readonly lost: string;
  readonly payout: string | null;
  readonly stakeWon: string | null;
  readonly stakeLost: string | null;
  readonly roundedUp: boolean | null;
  readonly booked: string;
}

/** @param onPiece told how many users have been looked at. */
export async function verifyResolution(
  sql: Sql,
  resolutionId: string,
  onPiece: (users: number) => void,
  piece = PIECE,
): Promise<Verification> {
  const plan = await readPlan(sql, resolutionId);
  let tally = EMPTY_TALLY;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const last: string | undefined = await lastOfPiece(sql, plan.marketId, after, piece);
    tally = tallyAll(tally, await readPiece(sql, plan, after, last ?? ''), plan.verified);
    onPiece(tally.users);
    after = last;
  }
  const { rows } = await sql.query<{ poolMinor: string }>({ text: POOL, values: [plan.marketId] });
  return conclude(tally, plan.verified, BigInt(rows[0]?.poolMinor ?? -1));
}

const tallyAll = (tally: Tally, users: readonly UserLines[], verified: Verified): Tally =>
  users.reduce((sofar, user) => tallyUser(sofar, user, verified), tally);

type Minor = 'poolMinor' | 'winStakeMinor' | 'netMinor' | 'houseFeeMinor' | 'creatorFeeMinor';
type PlanRow = Omit<Verified, Minor> & Readonly<Record<Minor, string>> & Omit<Plan, 'verified'>;

/** @throws if it has not been planned. */
async function readPlan(sql: Sql, id: string): Promise<Plan> {
  const { rows } = await sql.query<PlanRow>({ text: VERIFIED, values: [id] });
  const row = rows[0];
  if (!row) throw new Error(`no resolution ${id}`);
  const { resolutionId, marketId, run, poolMinor, winStakeMinor, netMinor, houseFeeMinor, creatorFeeMinor, ...terms } = row;
  const amounts = {
    poolMinor: BigInt(poolMinor),
    winStakeMinor: BigInt(winStakeMinor),
    netMinor: BigInt(netMinor),
    houseFeeMinor: BigInt(houseFeeMinor),
    creatorFeeMinor: BigInt(creatorFeeMinor),
  };
  return { resolutionId, marketId, run, verified: { ...terms, ...amounts } };
}

/** Undefined: fewer are left, and the piece goes on to the end. */
async function lastOfPiece(sql: Sql, marketId: string, after: string, piece: number): Promise<string | undefined> {
  const { rows } = await sql.query<{ userId: string }>({ text: LAST_OF_PIECE, values: [marketId, after, piece - 1] });
  return rows[0]?.userId;
}

async function readPiece(sql: Sql, plan: Plan, after: string, last: string): Promise<UserLines[]> {
  const { marketId, resolutionId, run, verified } = plan;
  const values = [marketId, resolutionId, after, last, verified.outcome, `market/${marketId}/run/${run}/user/`];
  const { rows } = await sql.query<Row>({ text: PIECE_OF, values });
  return rows.map(linesOf);
}

function linesOf(row: Row): UserLines {
  const { userId, commitments, chained: isChained, payout, stakeWon, stakeLost, roundedUp } = row;
  return {
    userId,
    commitments,
    wonMinor: BigInt(row.won),
    lostMinor: BigInt(row.lost),
    isChained,
    distribution:
      payout === null || stakeWon === null || stakeLost === null
        ? null
        : {
            payoutMinor: BigInt(payout),
            stakeWonMinor: BigInt(stakeWon),
            stakeLostMinor: BigInt(stakeLost),
            roundedUp: roundedUp ?? false,
          },
    bookedMinor: BigInt(row.booked),
  };
}
