/** Finding a provider's payouts. The provider is part of every WHERE, never a check afterwards. */
import type { Pool } from 'pg';
import { notFound } from '../../http/problem.ts';
import { findPending } from '../../payouts/reads.ts';
import type { Mode, PayoutRecord } from '../../payouts/rules/contract.ts';
import { isId } from '../../rules/ids.ts';
import { PROVIDER_STATUS, type ProviderStage, type ProviderStatus } from '../present/providerPayout.ts';

export interface Provider {
  readonly providerId: string;
  readonly mode: Mode;
}

const OWN = `p.owner_kind = 'provider' AND p.owner_id = $2 AND p.mode = $1`;

/** A provider's payout as it is now; also one that was answered with 202 and that no worker has taken up yet. */
async function findProviderPayout(pool: Pool, { providerId, mode }: Provider, id: string): Promise<PayoutRecord | undefined> {
  const { rows } = await pool.query<{ payout: PayoutRecord }>({
    name: 'find_provider_payout',
    text: `SELECT payout_record(p) AS payout FROM payouts p WHERE p.id = $3 AND ${OWN}`,
    values: [mode, providerId, id],
  });
  return rows[0]?.payout ?? (await findPending(pool, { id: providerId, mode }, id));
}

/** @throws Problem 404, the same for an unknown id and another provider's. */
export async function ownProviderPayout(pool: Pool, provider: Provider, id: string): Promise<PayoutRecord> {
  const payout = isId('po', id) ? await findProviderPayout(pool, provider, id) : undefined;
  if (!payout) throw notFound();
  return payout;
}

export interface ProviderPayoutFilter {
  readonly statuses: readonly ProviderStatus[] | undefined;
  readonly currency: string | undefined;
  readonly after: string | undefined;
  readonly take: number;
}

/** As `stageOf` of the presenter tells them apart. */
const STAGE = `state || CASE WHEN state IN ('QUEUED', 'ON_HOLD') AND dispatch = 'run' AND run_id IS NULL THEN '_BEFORE_RUN' ELSE '' END`;

/** Newest first. */
export async function listProviderPayouts(
  pool: Pool,
  { providerId, mode }: Provider,
  { statuses, currency, after, take }: ProviderPayoutFilter,
): Promise<PayoutRecord[]> {
  const { rows } = await pool.query<{ payout: PayoutRecord }>(
    // The record is made of the rows of the page only, hence the inner query.
    `SELECT payout_record(p) AS payout FROM (
       SELECT id FROM payouts p
        WHERE ${OWN} AND ($3::text[] IS NULL OR ${STAGE} = ANY ($3)) AND ($4::text IS NULL OR currency = $4)
          AND ($5::text IS NULL OR id < $5)
        ORDER BY id DESC LIMIT $6) q
       JOIN payouts p ON p.id = q.id ORDER BY p.id DESC`,
    [mode, providerId, statuses ? stagesOf(statuses) : null, currency ?? null, after ?? null, take],
  );
  return rows.map(({ payout }) => payout);
}

function stagesOf(statuses: readonly ProviderStatus[]): ProviderStage[] {
  const stages = Object.keys(PROVIDER_STATUS) as ProviderStage[];
  return stages.filter((stage) => statuses.includes(PROVIDER_STATUS[stage]));
}
