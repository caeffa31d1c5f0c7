/**
 * Notifications as rows, written by SQL `notify_event` with the event that they tell of. Who sends one holds its lease
 * meanwhile, so that two workers never both send; what came of it is written in one statement.
 */
import type { Pool } from 'pg';
import { storable } from '../rules/text.ts';
import type { Channel, Notice, NotificationState } from './rules/notifications.ts';

export interface Pending {
  readonly id: string;
  readonly channel: Channel;
}

/** One that is ours to send now. */
export interface Claimed extends Pending, Notice {
  /** An e-mail address, or the id of a push subscription. */
  readonly address: string;
  /** Tries so far, this one included. */
  readonly attempts: number;
  readonly createdAt: Date;
  /** Of a push whose browser is still subscribed; keys as stored: encrypted. */
  readonly subscription: { readonly endpoint: string; readonly keys: string } | null;
}

export type Claim =
  | { readonly outcome: 'claimed'; readonly notification: Claimed }
  /** Nothing to do (any more). */
  | { readonly outcome: 'done'; readonly state: NotificationState }
  /** Somebody else is sending it, or died doing so: then the lease runs out. */
  | { readonly outcome: 'leased'; readonly leftMs: number };

/** What came of a try that did not bring it there. */
export interface Failure {
  readonly state: Exclude<NotificationState, 'sent'>;
  readonly error: string;
}

export interface Outbox {
  /** Events of a payout of which something is still to be told. */
  pendingEvents(payoutId: string): Promise<readonly string[]>;
  /** What is still to be told of an event. */
  pendingOf(eventId: string): Promise<readonly Pending[]>;
  claim(id: string, holder: string, leaseMs: number): Promise<Claim>;
  /** Keeps the lease; false if it is no longer ours. */
  renew(id: string, holder: string, leaseMs: number): Promise<boolean>;
  sent(id: string): Promise<void>;
  /** Lets the lease go; does nothing if it is no longer ours. */
  failed(id: string, holder: string, failure: Failure): Promise<void>;
  /** Nobody tries any more. */
  giveUp(id: string): Promise<void>;
  unsubscribe(subscriptionId: string): Promise<void>;
}

const PENDING_EVENTS = `SELECT DISTINCT event_id FROM notifications WHERE subject_id = $1 AND state = 'pending' ORDER BY event_id`;

const PENDING_OF = `SELECT id, channel FROM notifications WHERE event_id = $1 AND state = 'pending' ORDER BY id`;

const CLAIM = `
  WITH claimed AS (
    UPDATE notifications SET attempts = attempts + 1, lease_holder = $2, lease_until = now() + $3::float8 * interval '1 millisecond'
     WHERE id = $1 AND state = 'pending' AND (lease_until IS NULL OR lease_until <= now()) RETURNING *
  )
  SELECT c.id, c.kind, c.mode, c.subject_id, c.data, c.channel, c.address, c.attempts, c.created_at, s.endpoint, s.keys
    FROM claimed c LEFT JOIN push_subscriptions s ON c.channel = 'push' AND s.id = c.address`;

const LOOK = `SELECT state, greatest(extract(epoch FROM lease_until - now()) * 1000, 0)::int AS left_ms FROM notifications WHERE id = $1`;

const RENEW = `
  UPDATE notifications SET lease_until = now() + $3::float8 * interval '1 millisecond'
   WHERE id = $1 AND lease_holder = $2 AND state = 'pending' AND lease_until > now()`;

// What is true stays: a mail that was taken was taken, also if its lease ran out meanwhile or somebody gave up.
const SENT = `
  UPDATE notifications SET state = 'sent', sent_at = now(), last_error = NULL, lease_holder = NULL, lease_until = NULL
   WHERE id = $1 AND state <> 'sent'`;

const FAILED = `
  UPDATE notifications SET state = $3, last_error = $4, lease_holder = NULL, lease_until = NULL
   WHERE id = $1 AND lease_holder = $2 AND state = 'pending'`;

const GIVE_UP = `
  UPDATE notifications SET state = 'failed', last_error = coalesce(last_error, 'nobody got as far as sending it')
   WHERE id = $1 AND state = 'pending'`;

/** The column is for people: a server's whole page is no help. */
const ERROR_MAX = 500;

export function createOutbox(pool: Pool): Outbox {
  return {
    async pendingEvents(payoutId) {
      const { rows } = await pool.query<{ event_id: string }>(PENDING_EVENTS, [payoutId]);
      return rows.map((row) => row.event_id);
    },

    async pendingOf(eventId) {
      const { rows } = await pool.query<Pending>(PENDING_OF, [eventId]);
      return rows;
    },

    async claim(id, holder, leaseMs) {
      const { rows } = await pool.query<ClaimedRow>(CLAIM, [id, holder, leaseMs]);
      if (rows[0]) return { outcome: 'claimed', notification: claimedOf(rows[0]) };
      const found = await pool.query<{ state: NotificationState; left_ms: number | null }>(LOOK, [id]);
      const row = found.rows[0];
      if (!row) throw new Error(`no notification ${id}`);
      if (row.state !== 'pending') return { outcome: 'done', state: row.state };
      return { outcome: 'leased', leftMs: row.left_ms ?? 0 };
    },

    async renew(id, holder, leaseMs) {
      const { rowCount } = await pool.query(RENEW, [id, holder, leaseMs]);
      return rowCount === 1;
    },

    async sent(id) {
      await pool.query(SENT, [id]);
    },

    async failed(id, holder, { state, error }) {
      // A mail server's own words, for one.
      await pool.query(FAILED, [id, holder, state, storable(error, ERROR_MAX)]);
    },

    async giveUp(id) {
      await pool.query(GIVE_UP, [id]);
    },

    async unsubscribe(subscriptionId) {
      await pool.query('DELETE FROM push_subscriptions WHERE id = $1', [subscriptionId]);
    },
  };
}

interface ClaimedRow extends Pick<Claimed, 'id' | 'kind' | 'mode' | 'data' | 'channel' | 'address' | 'attempts'> {
  readonly subject_id: string;
  readonly created_at: Date;
  readonly endpoint: string | null;
  readonly keys: string | null;
}

function claimedOf({ subject_id: payoutId, created_at: createdAt, endpoint, keys, ...row }: ClaimedRow): Claimed {
  return { ...row, payoutId, createdAt, subscription: endpoint === null || keys === null ? null : { endpoint, keys } };
}
