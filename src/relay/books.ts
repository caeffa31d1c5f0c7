/** The relay's rows: what is to be sent to whom, under which lease, and what came of it. Each call may be repeated. */
import type { Pool } from 'pg';
import type { EventRecord } from '../events/presentEvent.ts';
import type { DeliveryState, Trigger } from '../webhooks/deliveries.ts';
import { HEALTHY, type Health } from './rules/health.ts';

/** A receiver that is ours to send to. */
export interface Lease {
  readonly id: string;
  readonly merchantId: string;
  readonly epoch: number;
  /** Leased by this call; otherwise by an earlier one. */
  readonly isNew: boolean;
  /** Of it, when the question was asked or later. */
  readonly leftMs: number;
  readonly health: Health;
}

/** What one send needs. */
export interface ToSend {
  readonly id: string;
  readonly receiverId: string;
  readonly subjectId: string;
  /** Made before, whoever asked for them. */
  readonly attempts: number;
  /** Of those its schedule's. */
  readonly tries: number;
  readonly trigger: Trigger;
  readonly url: string;
  /** As stored: encrypted. */
  readonly secret: string;
  readonly previousSecret: string | null;
  readonly event: EventRecord;
}

export interface Held {
  readonly id: string;
  readonly epoch: number;
  /** How many more deliveries it takes. */
  readonly room: number;
  /** Subjects of which it has a delivery in its hands. */
  readonly busy: readonly string[];
}

/** For how many more receivers there is room, and for how many of those that are failing. */
export interface Places {
  readonly all: number;
  readonly failing: number;
  /** Of one merchant, what is held included. */
  readonly ofOne: { readonly all: number; readonly failing: number };
}

export interface Taken {
  readonly leases: readonly Lease[];
  readonly deliveries: readonly ToSend[];
  /** Until more is due by the clock; null: nothing waits. */
  readonly nextMs: number | null;
}

export interface TryRecord {
  readonly receiver: string;
  readonly epoch: number;
  /** The delivery. */
  readonly id: string;
  /** It had so many when it was taken. */
  readonly attempts: number;
  readonly trigger: Trigger;
  /** What the delivery becomes. */
  readonly state: DeliveryState;
  /** Whether it was a try of its schedule. */
  readonly spends: boolean;
  /** Until it is due again; null: as before. */
  readonly waitMs: number | null;
  readonly statusCode: number | null;
  readonly error: string | null;
  readonly durationMs: number;
  readonly response: string | null;
  /** The receiver wants nothing more, ever. */
  readonly gone: boolean;
}

export interface ReceiverRecord {
  readonly id: string;
  readonly epoch: number;
  readonly health: Health;
  /** Why its endpoint is switched off. */
  readonly disable: string | null;
  /** We let it go. */
  readonly release: boolean;
}

export interface RelayBooks {
  /** See prisma/functions/relay/relay_take.sql. */
  take(held: readonly Held[], atMost: Places): Promise<Taken>;
  /** See prisma/functions/relay/relay_record.sql. @returns the deliveries that were ours to write down, as they are then. */
  record(
    tries: readonly TryRecord[],
    receivers: readonly ReceiverRecord[],
  ): Promise<readonly { id: string; state: DeliveryState }[]>;
}

const TAKE = { name: 'relay_take', text: 'SELECT relay_take($1, $2, $3, $4, $5, $6) AS answer' };
const RECORD = { name: 'relay_record', text: 'SELECT relay_record($1, $2, $3) AS answer' };

/** @param holder of this run alone: nobody else takes its leases for theirs. */
export function createRelayBooks(pool: Pool, holder: string, leaseMs: number): RelayBooks {
  return {
    async take(held, atMost) {
      const nowMs = performance.now();
      const { rows } = await pool.query<{ answer: TakenRow }>({
        ...TAKE,
        values: [holder, leaseMs, JSON.stringify(held), atMost.all, atMost.failing, [atMost.ofOne.all, atMost.ofOne.failing]],
      });
      const row = rows[0]?.answer;
      if (!row) throw new Error('no answer from relay_take');
      return {
        leases: row.receivers.map((each) => ({ ...each, health: healthOf(each, nowMs) })),
        deliveries: row.deliveries.map(toSend),
        nextMs: row.nextMs,
      };
    },

    async record(tries, receivers) {
      const nowMs = performance.now();
      const { rows } = await pool.query<{ answer: { id: string; state: DeliveryState }[] }>({
        ...RECORD,
        values: [holder, JSON.stringify(tries), JSON.stringify(receivers.map((each) => receiverRow(each, nowMs)))],
      });
      return rows[0]?.answer ?? [];
    },
  };
}

interface TakenRow {
  readonly receivers: readonly (Omit<Lease, 'health'> & HealthRow)[];
  readonly deliveries: readonly DeliveryRow[];
  readonly nextMs: number | null;
}

/** Times as distances: the database's clock and ours, which only goes forward, need not agree. */
interface HealthRow {
  readonly failures: number;
  readonly failedSubject: string | null;
  readonly failedMany: boolean;
  readonly probes: number;
  readonly failingForMs: number | null;
  readonly probeInMs: number | null;
}

interface DeliveryRow
  extends Pick<ToSend, 'id' | 'receiverId' | 'subjectId' | 'attempts' | 'tries' | 'url' | 'secret' | 'previousSecret'> {
  readonly subjectKind: string;
  readonly sequence: number;
  readonly resendFrom: DeliveryState | null;
  readonly eventId: string;
  readonly type: string;
  readonly at: string;
  readonly mode: EventRecord['mode'];
  readonly object: EventRecord['object'];
}

function healthOf(row: HealthRow, nowMs: number): Health {
  const { failures, failedSubject, failedMany, probes, failingForMs, probeInMs } = row;
  if (failures === 0) return HEALTHY;
  const failing = failingForMs === null ? null : { sinceMs: nowMs - failingForMs, probes, probeAtMs: nowMs + (probeInMs ?? 0) };
  return { failures, firstSubject: failedSubject, isMany: failedMany, failing };
}

function receiverRow(
  { id, epoch, health, disable, release }: ReceiverRecord,
  nowMs: number,
): Record<string, unknown> & HealthRow {
  const { failures, firstSubject: failedSubject, isMany: failedMany, failing } = health;
  const failingForMs = failing && Math.round(nowMs - failing.sinceMs);
  const probeInMs = failing && Math.round(failing.probeAtMs - nowMs);
  return {
    id,
    epoch,
    disable,
    release,
    failures,
    failedSubject,
    failedMany,
    probes: failing?.probes ?? 0,
    failingForMs,
    probeInMs,
  };
}

function toSend(row: DeliveryRow): ToSend {
  const { id, receiverId, subjectId, attempts, tries, url, secret, previousSecret, subjectKind, sequence, type, mode, object } =
    row;
  const event = { id: row.eventId, subjectKind, type, at: new Date(row.at), mode, sequence, object };
  const trigger = row.resendFrom === null ? 'auto' : 'resend';
  return { id, receiverId, subjectId, attempts, tries, trigger, url, secret, previousSecret, event };
}
