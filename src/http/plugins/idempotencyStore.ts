/**
 * The idempotency records: which request a key belongs to, who is at work on it, and what was answered. Each call is
 * one statement, so that twins meet in the database and nowhere else.
 */
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { Mode, PayoutRecord } from '../../payouts/rules/contract.ts';
import type { Owner } from '../../rules/owner.ts';

/** Repeats get the first answer for this long (api.md §1). */
const KEPT = '24 hours';

/**
 * How long a caller that died blocks its key; at most 60 s are promised. Above all that one request can take: 7 s for
 * Temporal's answer, 10 s for the database's. Should two be at work after all, both work on the same resource.
 */
const LEASE = '25 seconds';

export interface KeyUse {
  readonly owner: Owner;
  /** Admins' keys are of no mode. */
  readonly mode: Mode | 'none';
  readonly key: string;
  /** Method and path. */
  readonly route: string;
  /** SHA-256 of the body in its one spelling. */
  readonly fingerprint: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Lease {
  /** What this key is bound to: made by the first call, the same for every repeat. */
  readonly resourceId: string;
  readonly holder: string;
  /** Somebody was at work on it before, and may have done all of it but answer. */
  readonly isRepeat: boolean;
}

export type KeyState =
  | { readonly kind: 'claimed'; readonly lease: Lease }
  | { readonly kind: 'reused' }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer }
  /** `pending`: it was answered with 202, and nobody is at work now. */
  | { readonly kind: 'open'; readonly isLeased: boolean; readonly pending: PayoutRecord | null };

interface Row {
  readonly resource_id: string;
  readonly claimed: boolean;
  readonly same: boolean;
  readonly leased: boolean;
  readonly status: number | null;
  readonly headers: Record<string, string> | null;
  readonly body: string | null;
  readonly pending: PayoutRecord | null;
}

/** The first four values of every statement: `place`. */
const MINE = 'k.owner_kind = $1 AND k.owner_id = $2 AND k.mode = $3 AND k.key = $4';
const place = ({ owner, mode, key }: KeyUse) => [owner.kind, owner.id, mode, key];

/**
 * Takes the key where nobody has it: it is new, it has expired, or whoever was at work has given up or died. The row
 * is answered as it was where it is not taken. No row at all: a twin's insert was committed while this ran; look again.
 */
const CLAIM = `
  WITH claim AS (
    INSERT INTO idempotency_keys AS k (owner_kind, owner_id, mode, key, route, fingerprint, resource_id, lease_holder, lease_until, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + interval '${LEASE}', now() + interval '${KEPT}')
    ON CONFLICT (owner_kind, owner_id, mode, key) DO UPDATE
      SET route = excluded.route, fingerprint = excluded.fingerprint, status = NULL, headers = NULL, body = NULL,
          lease_holder = excluded.lease_holder, lease_until = excluded.lease_until,
          resource_id = CASE WHEN k.expires_at <= now() THEN excluded.resource_id ELSE k.resource_id END,
          pending = CASE WHEN k.expires_at <= now() THEN NULL ELSE k.pending END,
          created_at = CASE WHEN k.expires_at <= now() THEN now() ELSE k.created_at END,
          expires_at = CASE WHEN k.expires_at <= now() THEN excluded.expires_at ELSE k.expires_at END
      WHERE k.lease_until <= now()
        AND (k.expires_at <= now() OR k.status IS NULL AND k.route = excluded.route AND k.fingerprint = excluded.fingerprint)
    RETURNING k.resource_id
  )
  SELECT resource_id, true AS claimed, true AS same, true AS leased, NULL AS status, NULL AS headers, NULL AS body, NULL AS pending
    FROM claim
  UNION ALL
  SELECT k.resource_id, false, k.route = $5 AND k.fingerprint = $6, k.lease_until > now(), k.status, k.headers, k.body, k.pending
    FROM idempotency_keys k
   WHERE ${MINE} AND NOT EXISTS (SELECT FROM claim)`;

const LOOK = `
  SELECT k.resource_id, false AS claimed, k.route = $5 AND k.fingerprint = $6 AS same, k.lease_until > now() AS leased,
         k.status, k.headers, k.body, k.pending
    FROM idempotency_keys k WHERE ${MINE}`;

/** The column keeps milliseconds, and a time that was rounded up would hold the lease for a moment more. */
const OVER = `date_trunc('milliseconds', now())`;

/** The first answer stays: a caller whose lease ran out may come to store the same again. */
const ANSWER = `
  UPDATE idempotency_keys k SET status = $6, headers = $7, body = $8, lease_until = ${OVER}
   WHERE ${MINE} AND resource_id = $5 AND status IS NULL`;

const KEEP_PENDING = `
  UPDATE idempotency_keys k SET pending = coalesce(pending, $6), lease_until = CASE WHEN lease_holder = $7 THEN ${OVER} ELSE lease_until END
   WHERE ${MINE} AND resource_id = $5 AND status IS NULL
  RETURNING pending`;

const GIVE_UP = `
  UPDATE idempotency_keys k SET lease_until = ${OVER}
   WHERE ${MINE} AND lease_holder = $5 AND status IS NULL`;

/** Nothing was done under it: the next request may be another one. */
const FORGET = `
  DELETE FROM idempotency_keys k
   WHERE ${MINE} AND lease_holder = $5 AND status IS NULL AND pending IS NULL`;

export async function claimKey(pool: Pool, use: KeyUse, allot: () => string): Promise<KeyState> {
  const allotted = allot();
  const holder = randomUUID();
  const values = [...place(use), use.route, use.fingerprint, allotted, holder];
  const { rows } = await pool.query<Row>({ name: 'claim_key', text: CLAIM, values });
  const row = rows[0];
  if (!row?.claimed) return stateOf(row);
  return { kind: 'claimed', lease: { resourceId: row.resource_id, holder, isRepeat: row.resource_id !== allotted } };
}

/** What has become of the key, without touching it. */
export async function lookAtKey(pool: Pool, use: KeyUse): Promise<KeyState> {
  const values = [...place(use), use.route, use.fingerprint];
  const { rows } = await pool.query<Row>({ name: 'look_at_key', text: LOOK, values });
  return stateOf(rows[0]);
}

function stateOf(row: Row | undefined): KeyState {
  if (!row) return { kind: 'open', isLeased: false, pending: null };
  if (!row.same) return { kind: 'reused' };
  const { status, headers, body, pending } = row;
  if (status !== null && body !== null) return { kind: 'answered', answer: { status, headers: headers ?? {}, body } };
  return { kind: 'open', isLeased: row.leased, pending };
}

/** Answers what is stored now: the given answer, or the one that was stored before it. */
export async function storeAnswer(pool: Pool, use: KeyUse, lease: Lease, answer: StoredAnswer): Promise<StoredAnswer> {
  const { status, headers, body } = answer;
  const values = [...place(use), lease.resourceId, status, JSON.stringify(headers), body];
  const { rowCount } = await pool.query({ name: 'store_answer', text: ANSWER, values });
  if (rowCount === 1) return answer;
  const now = await lookAtKey(pool, use);
  return now.kind === 'answered' ? now.answer : answer;
}

/** Keeps what a 202 shows and lets the key go: a repeat asks again. Answers what the first 202 showed. */
export async function keepPending(pool: Pool, use: KeyUse, lease: Lease, record: PayoutRecord): Promise<PayoutRecord> {
  const values = [...place(use), lease.resourceId, JSON.stringify(record), lease.holder];
  const { rows } = await pool.query<{ pending: PayoutRecord }>(KEEP_PENDING, values);
  return rows[0]?.pending ?? record;
}

/** Lets the key go without an answer: a repeat takes over at once. */
export async function giveUp(pool: Pool, use: KeyUse, lease: Lease): Promise<void> {
  await pool.query(GIVE_UP, [...place(use), lease.holder]);
}

/** As if the key had never been used: for its first caller, who did nothing. */
export async function forget(pool: Pool, use: KeyUse, lease: Lease): Promise<void> {
  await pool.query(FORGET, [...place(use), lease.holder]);
}
