/**
 * Notifications as rows, written by SQL (`notify_event`, `tell_endpoint_disabled`) with what they tell of. Who sends one holds
 * its lease meanwhile, so that two never both send; each claim counts, and what came of an earlier one moves nothing.
 */
import type { Pool } from 'pg';
import type { Mode } from '../payouts/rules/contract.ts';
import { storable } from '../rules/text.ts';
import {
  type Channel,
  type EndpointNoticeData,
  GIVEN_UP_AFTER_MS,
  type Notice,
  type NotificationKind,
  type NotificationState,
  type PayoutNoticeData,
} from './rules/notifications.ts';

/** How many more of a channel may be sent, and how many there are already on each way and of each merchant. */
export interface Room {
  readonly channel: Channel;
  readonly room: number;
  /** On one way at most, those on it already included. */
  readonly perWay: number;
  readonly ways: Readonly<Record<string, number>>;
  /** Of one merchant at most, likewise. */
  readonly perMerchant: number;
  readonly merchants: Readonly<Record<string, number>>;
}

/** One that is ours to send now. */
export interface Claimed {
  readonly id: string;
  readonly channel: Channel;
  /** An e-mail address, or the id of a push subscription. */
  readonly address: string;
  /** Whose server or mailbox it goes to. */
  readonly way: string;
  readonly merchantId: string;
  /** Tries so far, this one included. */
  readonly attempt: number;
  readonly createdAt: Date;
  readonly subjectId: string;
  readonly notice: Notice;
  /** Of a push whose browser is still subscribed; keys as stored: encrypted. */
  readonly subscription: { readonly endpoint: string; readonly keys: string } | null;
}

export interface Claims {
  readonly claimed: readonly Claimed[];
  /** How many were too old to be sent, and are given up. */
  readonly expired: number;
}

/** What came of a try. */
export interface Told {
  readonly id: string;
  readonly attempt: number;
  /** `pending`: to be tried again, if its day is not over by then. */
  readonly state: NotificationState;
  readonly error: string | null;
  /** Of `pending`: until it is due again. */
  readonly waitMs: number;
  /** The browser has unsubscribed. */
  readonly gone: boolean;
}

export interface Outbox {
  /** @param mine those that are in our hands already, whatever their leases say. */
  claim(rooms: readonly Room[], mine: readonly string[]): Promise<Claims>;
  /** Keeps the leases. @returns those that are still ours. */
  renew(ids: readonly string[]): Promise<readonly string[]>;
  /** All or nothing; may be repeated. What was sent was sent, whoever has the lease; anything else counts of its holder only. */
  record(told: readonly Told[]): Promise<void>;
  /** Whoever comes next need not wait for our leases to run out. */
  letGo(ids: readonly string[]): Promise<void>;
}

/**
 * Of each channel what is due longest, but one of each way and of each merchant in turn: among so many of the oldest, for beyond that every turn
 * would read a whole backlog. What is too old to be sent takes a place too, and is closed in it.
 */
const LOOKED_AT = 500;

const CLAIM = {
  name: 'notifications_claim',
  text: `
  WITH seen AS (
    SELECT d.*, l.room, l."perWay", l."perMerchant",
           coalesce((l.ways ->> d.way)::int, 0) + row_number() OVER (PARTITION BY l.channel, d.way ORDER BY d.due_at, d.id) AS turn,
           coalesce((l.merchants ->> d.merchant_id)::int, 0) + row_number() OVER (PARTITION BY l.channel, d.merchant_id ORDER BY d.due_at, d.id) AS "merchantTurn"
      -- As many as there are channels: the planner takes any JSON for a hundred rows, and would read a whole backlog for them.
      FROM (SELECT * FROM jsonb_to_recordset($3) j(channel text, room int, "perWay" int, ways jsonb, "perMerchant" int, merchants jsonb) LIMIT 2) l
     CROSS JOIN LATERAL (
       SELECT n.id, n.channel, n.due_at, n.merchant_id, w.way, s.endpoint, s.keys
         FROM notifications n
         LEFT JOIN push_subscriptions s ON n.channel = 'push' AND s.id = n.address
        CROSS JOIN LATERAL (SELECT coalesce(split_part(s.endpoint, '/', 3), n.address) AS way) w
        WHERE l.room > 0 AND n.state = 'pending' AND n.channel = l.channel AND n.due_at <= now() AND (n.lease_until IS NULL OR n.lease_until <= now())
          AND n.id <> ALL ($4) AND coalesce((l.ways ->> w.way)::int, 0) < l."perWay"
          AND coalesce((l.merchants ->> n.merchant_id)::int, 0) < l."perMerchant"
        ORDER BY n.due_at LIMIT ${LOOKED_AT}) d
  ), chosen AS (
    SELECT x.*, row_number() OVER (PARTITION BY x.channel ORDER BY greatest(x.turn, x."merchantTurn"), x.due_at, x.id) AS place
      FROM seen x WHERE x.turn <= x."perWay" AND x."merchantTurn" <= x."perMerchant"
  ), ours AS (
    SELECT n.id, c.way, c.endpoint, c.keys, n.created_at <= now() - $5::float8 * interval '1 millisecond' AS is_old
      FROM chosen c JOIN notifications n ON n.id = c.id
     WHERE c.place <= c.room AND n.state = 'pending' AND (n.lease_until IS NULL OR n.lease_until <= now())
       FOR UPDATE OF n SKIP LOCKED
  )
  UPDATE notifications n
     SET state = CASE WHEN o.is_old THEN 'failed' ELSE n.state END,
         last_error = CASE WHEN o.is_old THEN coalesce(n.last_error, 'nobody got as far as sending it') ELSE n.last_error END,
         attempts = n.attempts + CASE WHEN o.is_old THEN 0 ELSE 1 END,
         lease_holder = CASE WHEN NOT o.is_old THEN $1 END,
         lease_until = CASE WHEN NOT o.is_old THEN now() + $2::float8 * interval '1 millisecond' END
    FROM ours o WHERE n.id = o.id
  RETURNING n.id, n.kind, n.mode, n.merchant_id, n.subject_id, n.data, n.channel, n.address, n.attempts, n.created_at, o.is_old, o.way, o.endpoint, o.keys`,
};

const RENEW = {
  name: 'notifications_renew',
  text: `
  UPDATE notifications SET lease_until = now() + $2::float8 * interval '1 millisecond'
   WHERE id = ANY ($3) AND lease_holder = $1 AND state = 'pending' AND lease_until > now() RETURNING id`,
};

const RECORD = {
  name: 'notifications_record',
  text: `
  WITH told AS (
    SELECT t.*, now() + t."waitMs" * interval '1 millisecond' AS again
      FROM jsonb_to_recordset($2) t(id text, attempt int, state text, error text, "waitMs" float8, gone boolean)
  ), unsubscribed AS (
    DELETE FROM push_subscriptions s USING notifications n, told t WHERE t.gone AND n.id = t.id AND n.channel = 'push' AND s.id = n.address
  )
  UPDATE notifications n
     SET state = CASE WHEN t.state = 'pending' AND t.again > n.created_at + $3::float8 * interval '1 millisecond' THEN 'failed' ELSE t.state END,
         sent_at = CASE t.state WHEN 'sent' THEN now() END, last_error = t.error, due_at = t.again, lease_holder = NULL, lease_until = NULL
    FROM told t
   WHERE n.id = t.id AND n.state <> 'sent' AND (t.state = 'sent' OR n.state = 'pending' AND n.lease_holder = $1 AND n.attempts = t.attempt)`,
};

const LET_GO = `UPDATE notifications SET lease_holder = NULL, lease_until = NULL WHERE id = ANY ($2) AND state = 'pending' AND lease_holder = $1`;

/** The column is for people: a server's whole page is no help. */
const ERROR_MAX = 500;

/** @param holder of this run alone: nobody else takes its leases for theirs. */
export function createOutbox(pool: Pool, holder: string, leaseMs: number): Outbox {
  return {
    async claim(rooms, mine) {
      const values = [holder, leaseMs, JSON.stringify(rooms), mine, GIVEN_UP_AFTER_MS];
      const { rows } = await pool.query<ClaimedRow>({ ...CLAIM, values });
      const claimed = rows.filter((row) => !row.is_old).map(claimedOf);
      return { claimed, expired: rows.length - claimed.length };
    },

    async renew(ids) {
      const { rows } = await pool.query<{ id: string }>({ ...RENEW, values: [holder, leaseMs, ids] });
      return rows.map(({ id }) => id);
    },

    async record(told) {
      // A mail server's own words, for one.
      const kept = told.map((each) => ({ ...each, error: each.error === null ? null : storable(each.error, ERROR_MAX) }));
      await pool.query({ ...RECORD, values: [holder, JSON.stringify(kept), GIVEN_UP_AFTER_MS] });
    },

    async letGo(ids) {
      await pool.query(LET_GO, [holder, ids]);
    },
  };
}

interface ClaimedRow {
  readonly id: string;
  readonly kind: NotificationKind;
  readonly mode: Mode;
  readonly merchant_id: string;
  readonly subject_id: string;
  readonly data: unknown;
  readonly channel: Channel;
  readonly address: string;
  readonly attempts: number;
  readonly created_at: Date;
  readonly is_old: boolean;
  readonly way: string;
  readonly endpoint: string | null;
  readonly keys: string | null;
}

function claimedOf(row: ClaimedRow): Claimed {
  const { id, channel, address, way, merchant_id: merchantId, attempts: attempt, created_at: createdAt } = row;
  const { subject_id: subjectId, endpoint, keys } = row;
  const subscription = endpoint === null || keys === null ? null : { endpoint, keys };
  return { id, channel, address, way, merchantId, attempt, createdAt, subjectId, notice: noticeOf(row), subscription };
}

/** The functions that write the rows write the data by these types. */
function noticeOf({ kind, mode, subject_id, data }: ClaimedRow): Notice {
  if (kind === 'endpoint_disabled') return { kind, mode, endpointId: subject_id, data: data as EndpointNoticeData };
  return { kind, mode, payoutId: subject_id, data: data as PayoutNoticeData };
}
