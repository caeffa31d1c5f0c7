/** What the verification of a market found when it was paid, and whether its pool is now what it should be. */
import type { Sql } from '../../db/pool.ts';
import type { ResolutionState } from '../rules/machine.ts';
import { poolNow } from '../rules/poolNow.ts';
import type { Verification } from '../rules/verification.ts';

export interface Verified {
  readonly marketId: string;
  readonly currency: string;
  readonly stakedMinor: string;
  readonly commitments: number;
  readonly missingMinor: string;
  readonly poolMinor: string;
  /** Null: money is on its way back, and the pool grows. */
  readonly expectedMinor: string | null;
  readonly resolution: { readonly id: string; readonly run: number; readonly state: ResolutionState } | null;
  /** Null: nobody has been paid by the newest resolution, or not everybody. */
  readonly verification: Verification | null;
}

interface Row {
  readonly currency: string;
  readonly stakedMinor: string;
  readonly commitments: number;
  readonly missingMinor: string;
  readonly poolMinor: string;
  readonly resolutionId: string | null;
  readonly run: number | null;
  readonly state: ResolutionState | null;
  readonly paidMinor: string | null;
  readonly verification: Verification | Record<string, never> | null;
}

/** Kept totals and rows by their keys: the commitments themselves were gone through when the market was paid. */
const NOW = `
  SELECT m.currency, m.staked::text AS "stakedMinor", m.commitments, m.missing::text AS "missingMinor", b.available::text AS "poolMinor",
         r.id AS "resolutionId", r.run, r.state, r.paid::text AS "paidMinor", r.verification
    FROM markets m JOIN balances b ON b.id = m.pool_id LEFT JOIN resolutions r ON r.market_id = m.id AND r.run = m.run WHERE m.id = $1`;

/** Undefined: there is no such market. */
export async function verify({ pool }: { readonly pool: Sql }, marketId: string): Promise<Verified | undefined> {
  const { rows } = await pool.query<Row>({ name: 'verification_of_market', text: NOW, values: [marketId] });
  const row = rows[0];
  if (!row) return undefined;
  const { resolutionId, run, state, paidMinor, verification, ...market } = row;
  return {
    marketId,
    ...market,
    expectedMinor: poolNow(market, state, paidMinor ?? '0'),
    resolution: resolutionId === null || run === null || state === null ? null : { id: resolutionId, run, state },
    verification: verification !== null && 'ok' in verification ? (verification as Verification) : null,
  };
}
