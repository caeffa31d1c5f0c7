/** The deliveries' rows: what is to be sent to whom, and what came of each try. */
import type { Pool } from 'pg';
import type { EventRecord } from '../events/presentEvent.ts';
import type { PayoutState } from '../payouts/rules/machine.ts';

export type DeliveryState = 'pending' | 'delivered' | 'failed';
export type Trigger = 'auto' | 'probe' | 'resend';

export interface Delivery {
  readonly id: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** An endpoint's URL as it is now: a merchant who mends a typing error gets what is still to come. */
  readonly url: string;
  readonly receiverState: 'active' | 'disabled' | 'deleted';
  /** As stored: encrypted. */
  readonly secret: string;
  readonly previousSecret: string | null;
  readonly event: EventRecord;
}

export interface PendingDelivery {
  readonly id: string;
  readonly attempts: number;
  /** Who gets it, for keeping the order of one receiver's events: the endpoint, or the payout's callbackUrl. */
  readonly receiver: string;
}

/** What came of one try. `endpointGone`: the receiver wants nothing more, ever. */
export interface TryRecord {
  readonly trigger: Trigger;
  readonly state: DeliveryState;
  readonly statusCode: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  readonly response: string | null;
  readonly endpointGone: boolean;
}

/** What waits to be delivered of a payout, seen in one moment with the payout itself. */
export interface Outbox {
  readonly state: PayoutState;
  /** Every event up to here has its deliveries in `pending`, or they are done. */
  readonly sequence: number;
  /** The oldest event first. */
  readonly pending: readonly PendingDelivery[];
}

export interface Deliveries {
  /** Undefined: no such payout. */
  outboxOf(payoutId: string): Promise<Outbox | undefined>;
  read(deliveryId: string): Promise<Delivery | undefined>;
  /** Writes the try and the delivery's state after it, in one statement. Answers the state that then holds. */
  record(deliveryId: string, tried: TryRecord): Promise<DeliveryState>;
}

const OUTBOX = `
  SELECT p.state AS payout_state, p.sequence, d.id, d.attempts, coalesce(d.endpoint_id, d.url) AS receiver
    FROM payouts p
    LEFT JOIN (webhook_deliveries d JOIN events v ON v.id = d.event_id) ON d.subject_id = p.id AND d.state = 'pending'
   WHERE p.id = $1 ORDER BY v.sequence, d.id`;

const READ = `
  SELECT d.id, d.state, d.attempts, coalesce(e.url, d.url) AS url,
         CASE WHEN d.endpoint_id IS NULL THEN 'active'
              WHEN e.id IS NULL OR e.deleted_at IS NOT NULL THEN 'deleted'
              WHEN e.disabled_at IS NOT NULL THEN 'disabled' ELSE 'active' END AS receiver_state,
         CASE WHEN d.endpoint_id IS NULL THEN coalesce(s.secret, m.webhook_secret) ELSE e.secret END AS secret,
         CASE WHEN e.previous_until > now() THEN e.previous_secret
              WHEN s.previous_until > now() THEN s.previous_secret END AS previous_secret,
         v.id AS event_id, v.subject_kind AS "subjectKind", v.type, v.at, v.mode, v.sequence, v.object
    FROM webhook_deliveries d
    JOIN events v ON v.id = d.event_id
    LEFT JOIN merchants m ON v.owner_kind = 'merchant' AND m.id = v.owner_id -- whose callbackUrl it is
    LEFT JOIN callback_secrets s ON d.endpoint_id IS NULL AND s.merchant_id = m.id AND s.mode = v.mode
    LEFT JOIN webhook_endpoints e ON e.id = d.endpoint_id
   WHERE d.id = $1`;

// Two tries may run at once. Delivered stays delivered, and a failed delivery is not opened again by a late "try later".
const RECORD = `
  WITH delivery AS (
    UPDATE webhook_deliveries d
       SET attempts = d.attempts + 1, updated_at = now(),
           state = CASE WHEN $2 = 'delivered' OR d.state = 'pending' THEN $2 ELSE d.state END
     WHERE d.id = $1 RETURNING d.id, d.attempts, d.state, d.endpoint_id
  ), attempt AS (
    INSERT INTO webhook_attempts (delivery_id, number, trigger, status_code, error, duration_ms, response)
    SELECT d.id, d.attempts, $3, $4, $5, $6, $7 FROM delivery d
  ), gone AS (
    UPDATE webhook_endpoints e SET disabled_at = now(), disabled_reason = 'the receiver answered 410 Gone'
      FROM delivery d WHERE $8 AND e.id = d.endpoint_id AND e.disabled_at IS NULL
  )
  SELECT state FROM delivery`;

export function createDeliveries(pool: Pool): Deliveries {
  return {
    async outboxOf(payoutId) {
      const { rows } = await pool.query<OutboxRow>({ name: 'outbox', text: OUTBOX, values: [payoutId] });
      const [first] = rows;
      return first && { state: first.payout_state, sequence: first.sequence, pending: rows.filter(isDelivery) };
    },

    async read(deliveryId) {
      const { rows } = await pool.query<DeliveryRow>({ name: 'read_delivery', text: READ, values: [deliveryId] });
      return rows[0] && deliveryOf(rows[0]);
    },

    async record(deliveryId, { trigger, state, statusCode, error, durationMs, response, endpointGone }) {
      const values = [deliveryId, state, trigger, statusCode, error, durationMs, response, endpointGone];
      const { rows } = await pool.query<{ state: DeliveryState }>({ name: 'record_try', text: RECORD, values });
      if (!rows[0]) throw new Error(`no webhook delivery ${deliveryId}`);
      return rows[0].state;
    },
  };
}

/** One row with no delivery in it where none is pending. */
type OutboxRow = { readonly payout_state: PayoutState; readonly sequence: number } & (PendingDelivery | { readonly id: null });

const isDelivery = (row: OutboxRow): row is OutboxRow & PendingDelivery => row.id !== null;

interface DeliveryRow extends Omit<EventRecord, 'id'> {
  readonly id: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly url: string;
  readonly receiver_state: Delivery['receiverState'];
  readonly secret: string;
  readonly previous_secret: string | null;
  readonly event_id: string;
}

function deliveryOf(row: DeliveryRow): Delivery {
  const { id, state, attempts, url, secret, subjectKind, type, at, mode, sequence, object } = row;
  const event = { id: row.event_id, subjectKind, type, at, mode, sequence, object };
  return {
    id,
    state,
    attempts,
    url,
    receiverState: row.receiver_state,
    secret,
    previousSecret: row.previous_secret,
    event,
  };
}
