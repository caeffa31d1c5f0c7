/** What anybody may ask of withdrawals, slices and payins by their ids. The tenant is part of every WHERE, never a check afterwards. */
import type { Sql } from '../db/pool.ts';
import { isId } from '../rules/ids.ts';
import type { Tenant } from '../users/reads.ts';
import type { BatchRecord, InstantPayoutRecord, Payee, PayinRecord } from './rules/records.ts';

/** Undefined: nobody's, or not this merchant's in this mode. */
export async function ownInstantPayout(
  pool: Sql,
  { merchantId, mode }: Tenant,
  id: string,
): Promise<InstantPayoutRecord | undefined> {
  if (!isId('ip', id)) return undefined;
  const text = `SELECT instant_payout_record(w) AS record FROM instant_payouts w WHERE w.id = $1 AND w.merchant_id = $2 AND w.mode = $3`;
  const { rows } = await pool.query<{ record: InstantPayoutRecord }>({
    name: 'own_instant_payout',
    text,
    values: [id, merchantId, mode],
  });
  return rows[0]?.record;
}

export async function ownPayin(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<PayinRecord | undefined> {
  if (!isId('pin', id)) return undefined;
  const text = `SELECT payin_record(p) AS record FROM payins p WHERE p.id = $1 AND p.merchant_id = $2 AND p.mode = $3`;
  const { rows } = await pool.query<{ record: PayinRecord }>({ name: 'own_payin', text, values: [id, merchantId, mode] });
  return rows[0]?.record;
}

/** Whosever they are. */
export async function readInstantPayout(pool: Sql, id: string): Promise<InstantPayoutRecord | undefined> {
  const text = 'SELECT instant_payout_record(w) AS record FROM instant_payouts w WHERE w.id = $1';
  const { rows } = await pool.query<{ record: InstantPayoutRecord }>({ name: 'read_instant_payout', text, values: [id] });
  return rows[0]?.record;
}

export async function readBatch(pool: Sql, id: string): Promise<BatchRecord | undefined> {
  const text = 'SELECT instant_batch_record(b) AS record FROM instant_batches b WHERE b.id = $1';
  const { rows } = await pool.query<{ record: BatchRecord }>({ name: 'read_instant_batch', text, values: [id] });
  return rows[0]?.record;
}

export async function readPayin(pool: Sql, id: string): Promise<PayinRecord | undefined> {
  const text = 'SELECT payin_record(p) AS record FROM payins p WHERE p.id = $1';
  const { rows } = await pool.query<{ record: PayinRecord }>({ name: 'read_payin', text, values: [id] });
  return rows[0]?.record;
}

/** The slices of a withdrawal, in their order. */
export async function readBatches(pool: Sql, instantPayoutId: string): Promise<BatchRecord[]> {
  const text = 'SELECT instant_batch_record(b) AS record FROM instant_batches b WHERE b.instant_payout_id = $1 ORDER BY b.number';
  const { rows } = await pool.query<{ record: BatchRecord }>({ name: 'read_instant_batches', text, values: [instantPayoutId] });
  return rows.map(({ record }) => record);
}

export interface PayTo {
  readonly payee: Payee;
  readonly amountMinor: string;
  readonly currency: string;
  readonly payUntil: string;
}

/** Whom to pay, how much, until when: to be told to the one payer whose turn it is, while it is, and to nobody else. */
export async function payToOf(pool: Sql, payinId: string): Promise<PayTo | undefined> {
  const text = `
    SELECT w.payee, b.amount::text AS "amountMinor", b.currency, iso_time(a.pay_until) AS "payUntil"
      FROM instant_assignments a JOIN instant_batches b ON b.id = a.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
     WHERE a.payin_id = $1 AND a.state = 'open'`;
  const { rows } = await pool.query<PayTo>({ name: 'pay_to', text, values: [payinId] });
  return rows[0];
}
