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
}

/** Whom to pay, and how much: to be told to the one payer whose turn it is, while it is, and to nobody else. */
export async function payToOf(pool: Sql, payinId: string): Promise<PayTo | undefined> {
  const text = `
    SELECT w.payee, b.amount::text AS "amountMinor", b.currency
      FROM instant_assignments a JOIN instant_batches b ON b.id = a.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
     WHERE a.payin_id = $1 AND a.state = 'open'`;
  const { rows } = await pool.query<PayTo>({ name: 'pay_to', text, values: [payinId] });
  return rows[0];
}

export interface PageOf {
  /** Older than this one. */
  readonly before: string | undefined;
  readonly take: number;
}

/** A merchant's withdrawals of this state or any, newest first. */
export async function listInstantPayouts(
  pool: Sql,
  { merchantId, mode }: Tenant,
  { state, before, take }: PageOf & { readonly state: string | undefined },
): Promise<InstantPayoutRecord[]> {
  const ofState = state === undefined ? '' : 'AND w.state = $5';
  const order =
    state === undefined
      ? 'w.merchant_id DESC, w.mode DESC, w.id DESC'
      : 'w.merchant_id DESC, w.mode DESC, w.state DESC, w.id DESC';
  const { rows } = await pool.query<{ record: InstantPayoutRecord }>(
    `SELECT instant_payout_record(w) AS record FROM instant_payouts w
      WHERE w.merchant_id = $1 AND w.mode = $2 AND ($3::text IS NULL OR w.id < $3) ${ofState} ORDER BY ${order} LIMIT $4`,
    [merchantId, mode, before ?? null, take, ...(state === undefined ? [] : [state])],
  );
  return rows.map(({ record }) => record);
}

/** A merchant's payins, newest first. */
export async function listPayins(pool: Sql, { merchantId, mode }: Tenant, { before, take }: PageOf): Promise<PayinRecord[]> {
  const { rows } = await pool.query<{ record: PayinRecord }>(
    `SELECT payin_record(p) AS record FROM payins p
      WHERE p.merchant_id = $1 AND p.mode = $2 AND ($3::text IS NULL OR p.id < $3)
      ORDER BY p.merchant_id DESC, p.mode DESC, p.id DESC LIMIT $4`,
    [merchantId, mode, before ?? null, take],
  );
  return rows.map(({ record }) => record);
}

export interface OwnBatch {
  readonly batch: BatchRecord;
  /** The payee. */
  readonly userId: string;
}

/** A slice of a withdrawal of this merchant's payee in this mode; undefined: nobody's, or another's. */
export async function ownBatch(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<OwnBatch | undefined> {
  if (!isId('ipb', id)) return undefined;
  const text = `
    SELECT instant_batch_record(b) AS batch, w.user_id AS "userId"
      FROM instant_batches b JOIN instant_payouts w ON w.id = b.instant_payout_id WHERE b.id = $1 AND w.merchant_id = $2 AND w.mode = $3`;
  const { rows } = await pool.query<OwnBatch>({ name: 'own_batch', text, values: [id, merchantId, mode] });
  return rows[0];
}

/** What the payee's bank says of the UTR that was shown: `matched` is this very payment; null: it has told of none. */
export type BankWord = 'matched' | 'differs' | null;

/** SQL for the bank's word on a UTR: of the payee's merchant alone. */
const bankWord = (utr: string): string => `
  (SELECT c.state FROM bank_credits c JOIN instant_payouts w ON (w.merchant_id, w.mode) = (c.merchant_id, c.mode)
    WHERE w.id = b.instant_payout_id AND c.utr = ${utr} AND c.batch_id = b.id) AS "bankCredit"`;

export interface DisputedBatch {
  readonly batch: BatchRecord;
  readonly bankCredit: BankWord;
  readonly reason: string;
  readonly openedBy: string;
  readonly openedAt: Date;
}

/** Slices of which the payee, or the bank, says that they were not received, and nobody has decided, by slice. */
export async function listDisputes(
  pool: Sql,
  { after, take }: { readonly after: string | undefined; readonly take: number },
): Promise<DisputedBatch[]> {
  const { rows } = await pool.query<DisputedBatch>(
    `SELECT instant_batch_record(b) AS batch, d.reason, d.opened_by AS "openedBy", d.opened_at AS "openedAt", ${bankWord('b.utr')}
       FROM (SELECT * FROM instant_disputes d WHERE d.decision IS NULL AND ($1::text IS NULL OR d.batch_id > $1) ORDER BY d.batch_id LIMIT $2) d
       JOIN instant_batches b ON b.id = d.batch_id ORDER BY d.batch_id`,
    [after ?? null, take],
  );
  return rows;
}

export interface ReviewedBatch {
  readonly batch: BatchRecord;
  readonly bankCredit: BankWord;
  readonly validateUntil: Date | null;
}

/** Slices whose proof a person must look at, by slice. */
export async function listReviews(
  pool: Sql,
  { after, take }: { readonly after: string | undefined; readonly take: number },
): Promise<ReviewedBatch[]> {
  const { rows } = await pool.query<ReviewedBatch>(
    `SELECT instant_batch_record(b) AS batch, b.validate_until AS "validateUntil", ${bankWord('b.utr')}
       FROM instant_batches b WHERE b.review_reasons <> '{}' AND ($1::text IS NULL OR b.id > $1) ORDER BY b.id LIMIT $2`,
    [after ?? null, take],
  );
  return rows;
}

export interface LateProofCase {
  readonly payin: PayinRecord;
  readonly bankCredit: BankWord;
  /** How an operator had decided before the bank told of it; null: its proof came late, and no more. */
  readonly was: 'failed' | 'reversed' | null;
  readonly validatorId: string | null;
  readonly validateUntil: Date | null;
  readonly batchId: string;
  readonly instantPayoutId: string;
  readonly createdAt: Date;
}

/** Payins whose proof came too late for their slice, or which the bank has though they were rejected, and of which nobody has decided, by payin. */
export async function listLateProofs(
  pool: Sql,
  { after, take }: { readonly after: string | undefined; readonly take: number },
): Promise<LateProofCase[]> {
  const { rows } = await pool.query<LateProofCase>(
    `SELECT payin_record(p) AS payin, l.batch_id AS "batchId", b.instant_payout_id AS "instantPayoutId", l.was, l.validator_id AS "validatorId", l.validate_until AS "validateUntil", l.created_at AS "createdAt", ${bankWord('p.utr')}
       FROM (SELECT * FROM late_proofs l WHERE l.decision IS NULL AND ($1::text IS NULL OR l.payin_id > $1) ORDER BY l.payin_id LIMIT $2) l
       JOIN payins p ON p.id = l.payin_id JOIN instant_batches b ON b.id = l.batch_id ORDER BY l.payin_id`,
    [after ?? null, take],
  );
  return rows;
}

export interface OpenBankCredit {
  readonly id: string;
  readonly merchantId: string;
  readonly mode: string;
  readonly utr: string;
  readonly amountMinor: string;
  readonly currency: string;
  readonly status: 'waiting' | 'differs' | 'matched';
  /** What the bank told another time under the same UTR. */
  readonly other: { readonly amountMinor: string; readonly currency: string } | null;
  readonly batchId: string | null;
  readonly creditedAt: Date;
  readonly createdAt: Date;
}

/** What banks told and fits nothing, and no operator has looked at, the oldest first. */
export async function listBankCredits(
  pool: Sql,
  { after, take }: { readonly after: string | undefined; readonly take: number },
): Promise<OpenBankCredit[]> {
  const { rows } = await pool.query<OpenBankCredit>(
    `SELECT c.id, c.merchant_id AS "merchantId", c.mode, c.utr, c.amount::text AS "amountMinor", c.currency, c.state AS status,
            CASE WHEN c.other_amount IS NOT NULL THEN jsonb_build_object('amountMinor', c.other_amount::text, 'currency', c.other_currency) END AS other,
            coalesce(c.batch_id, u.batch_id) AS "batchId", c.credited_at AS "creditedAt", c.at AS "createdAt"
       FROM (SELECT * FROM bank_credits c WHERE c.decided_at IS NULL AND (c.state <> 'matched' OR c.other_amount IS NOT NULL) AND ($1::text IS NULL OR c.id > $1)
              ORDER BY c.id LIMIT $2) c
       LEFT JOIN used_utrs u ON (u.mode, u.utr) = (c.mode, c.utr) ORDER BY c.id`,
    [after ?? null, take],
  );
  return rows;
}

export interface ProofImage {
  readonly hash: string;
  readonly isDeleted: boolean;
}

/**
 * The newest image that was shown for a slice, or the one of this payin: for the payee’s merchant any, for another one that of its own
 * payers; without a tenant whosever it is.
 */
export async function imageOf(
  pool: Sql,
  batchId: string,
  { tenant, payinId }: { readonly tenant?: Tenant; readonly payinId?: string | undefined },
): Promise<ProofImage | undefined> {
  const seen = tenant ? 'AND $3 IN (w.merchant_id, y.merchant_id) AND b.mode = $4' : '';
  const { rows } = await pool.query<ProofImage>(
    `SELECT p.image_hash AS hash, p.image_deleted_at IS NOT NULL AS "isDeleted"
       FROM instant_proofs p JOIN instant_batches b ON b.id = p.batch_id JOIN instant_payouts w ON w.id = b.instant_payout_id
       JOIN payins y ON y.id = p.payin_id
      WHERE p.batch_id = $1 AND ($2::text IS NULL OR p.payin_id = $2) ${seen} ORDER BY p.epoch DESC LIMIT 1`,
    [batchId, payinId ?? null, ...(tenant ? [tenant.merchantId, tenant.mode] : [])],
  );
  return rows[0];
}
