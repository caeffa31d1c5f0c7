/** All of one withdrawal, for whoever must explain it and decide about it: as it is, or as it was at an earlier time. */
import type { Pool } from 'pg';
import { type ChronicleStep, chronicleOf } from '../events/story.ts';
import { isId } from '../rules/ids.ts';
import type { Tenant } from '../users/reads.ts';
import { ownInstantPayout, readBatches, readInstantPayout } from './reads.ts';
import type { BatchRecord, InstantPayoutRecord } from './rules/records.ts';
import { type RecordThen, type WholeSlice, type WholeWithdrawal, wholeAsOf } from './rules/whole.ts';

/** In one statement: of one moment. */
const SLICES = 'SELECT instant_slice_record(b) AS slice FROM instant_batches b WHERE b.instant_payout_id = $1 ORDER BY b.number';

export interface ToldWithdrawal extends WholeWithdrawal {
  /** Of the withdrawal, its slices and the payins that had them, in order. */
  readonly steps: readonly ChronicleStep[];
}

/**
 * Whosever it is. Undefined: there is none, or it was not there yet.
 * @param at undefined: now.
 */
export async function wholeWithdrawal(pool: Pool, id: string, at?: string): Promise<ToldWithdrawal | undefined> {
  const instantPayout = isId('ip', id) ? await readInstantPayout(pool, id) : undefined;
  if (!instantPayout) return undefined;
  const { rows } = await pool.query<{ slice: WholeSlice }>({ name: 'whole_slices', text: SLICES, values: [id] });
  const slices = rows.map(({ slice }) => slice);
  const payins = slices.flatMap(({ turns }) => turns.map(({ payin }) => payin.id));
  const { steps, records } = await chronicleOf(pool, [id, ...slices.map(({ batch }) => batch.id), ...payins], at);
  if (at === undefined) return { instantPayout, slices, steps };
  if (!records.has(id)) return undefined;
  return { ...wholeAsOf({ instantPayout, slices }, thenOf(records), at), steps };
}

const thenOf =
  (records: ReadonlyMap<string, unknown>): RecordThen =>
  <Record extends { readonly id: string }>(now: Record): Record =>
    (records.get(now.id) ?? now) as Record;

/** A merchant's, with its slices, as it was at an earlier time. Undefined: nobody's, another's, or it was not there yet. */
export async function ownWithdrawalAsOf(
  pool: Pool,
  tenant: Tenant,
  id: string,
  at: string,
): Promise<{ readonly instantPayout: InstantPayoutRecord; readonly batches: readonly BatchRecord[] } | undefined> {
  const now = await ownInstantPayout(pool, tenant, id);
  if (!now) return undefined;
  const batches = await readBatches(pool, id);
  const { records } = await chronicleOf(pool, [id, ...batches.map((batch) => batch.id)], at);
  if (!records.has(id)) return undefined;
  const bare = batches.map((batch) => ({ batch, validateUntil: null, turns: [], bankCredits: [], dispute: null }));
  const { instantPayout, slices } = wholeAsOf({ instantPayout: now, slices: bare }, thenOf(records), at);
  return { instantPayout, batches: slices.map(({ batch }) => batch) };
}
