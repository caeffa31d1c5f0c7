/** Finding a provider's payouts. The provider is part of every WHERE, never a check afterwards. */
import type { Pool } from 'pg';
import { notFound } from '../../http/problem.ts';
import { newestPayouts } from '../../payouts/newest.ts';
import { findPending } from '../../payouts/reads.ts';
import type { Mode, PayoutRecord } from '../../payouts/rules/contract.ts';
import { ALL_STATES } from '../../payouts/rules/machine.ts';
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
const BEFORE_RUN = '_BEFORE_RUN';
const STAGE = `x.state || CASE WHEN x.state IN ('QUEUED', 'ON_HOLD') AND x.dispatch = 'run' AND x.run_id IS NULL THEN '${BEFORE_RUN}' ELSE '' END`;

/** Newest first. */
export async function listProviderPayouts(
  pool: Pool,
  { providerId, mode }: Provider,
  { statuses, currency, after, take }: ProviderPayoutFilter,
): Promise<PayoutRecord[]> {
  const own = { ownerKind: 'provider', ownerId: providerId, mode, currency, after, take } as const;
  if (statuses === undefined) return await newestPayouts(pool, own);
  const stages = stagesOf(statuses);
  const states = ALL_STATES.filter((state) => stages.some((stage) => stage === state || stage === `${state}${BEFORE_RUN}`));
  return await newestPayouts(pool, { ...own, states, also: (bind) => `${STAGE} = ANY (${bind(stages)})` });
}

function stagesOf(statuses: readonly ProviderStatus[]): ProviderStage[] {
  const stages = Object.keys(PROVIDER_STATUS) as ProviderStage[];
  return stages.filter((stage) => statuses.includes(PROVIDER_STATUS[stage]));
}
