/** Merchants with endpoints, over the real ledger, and relays that bring them their webhooks. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { createRelayBooks, type RelayBooks, type ToSend } from '../../src/relay/books.ts';
import { type Bell, createBell, type Work } from '../../src/relay/loop.ts';
import { createSender, type Send } from '../../src/relay/sender.ts';
import { createWebhooks, LEASE_MS, type WebhookPorts } from '../../src/relay/webhooks.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from './books.ts';
import { keys, sealed } from './encryption.ts';

export interface WebhookMerchant extends Owner {
  readonly secret: string;
}

/** SQL for the seconds until this time, upwards in steps of five, the least of all waits; a stored time is rounded to a millisecond. */
export const untilIn5s = (column: string): string => `(ceil((extract(epoch FROM ${column} - now()) - 0.01) / 5) * 5)::float8`;

export interface StoredDelivery {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly attempts: number;
  readonly tries: number;
  /** Until it is due, in steps of five seconds: what the machine takes to look decides nothing. */
  readonly due_in: number;
}

export interface StoredAttempt {
  readonly number: number;
  readonly trigger: string;
  readonly status_code: number | null;
  readonly error: string | null;
  readonly response: string | null;
}

export interface TestRelay {
  readonly work: Work;
  /** Turns until nothing is due, nothing is in the air and all is written down. */
  settle(): Promise<void>;
  /** What it has begun to send. */
  readonly begun: ToSend[];
  readonly bell: Bell;
}

export interface RelayChange extends Partial<Pick<WebhookPorts, 'limits' | 'onOurTrouble'>> {
  /** Around the real one. */
  readonly send?: (send: Send) => Send;
  /** Around the real ones. */
  readonly books?: (books: RelayBooks) => RelayBooks;
  readonly timeoutMs?: number;
  readonly leaseMs?: number;
}

export interface WebhookWorld {
  readonly books: Books;
  merchant(mode?: Mode): Promise<WebhookMerchant>;
  /** An endpoint for all of a merchant's events: its id and its secret. */
  endpoint(owner: Owner, url: string): Promise<{ id: string; secret: string }>;
  /** Another process's relay. Nobody turns it but the test. */
  relay(change?: RelayChange): TestRelay;
  /** By a relay of its own, until nothing is due: then it ends. */
  deliver(change?: RelayChange): Promise<void>;
  /** The clock goes on by so much, for all that waits. */
  pass(ms: number): Promise<void>;
  /** In the order of their events. */
  deliveries(subjectId: string): Promise<StoredDelivery[]>;
  attempts(deliveryId: string): Promise<StoredAttempt[]>;
  stop(): Promise<void>;
}

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

export async function openWebhookWorld(): Promise<WebhookWorld> {
  const books = await openBooks();
  const { owner: sql, pool } = books.db;

  function relay({
    send = (real) => real,
    books: around = (real) => real,
    timeoutMs = 2_000,
    leaseMs = LEASE_MS,
    ...ports
  }: RelayChange = {}): TestRelay {
    const bell = createBell();
    const begun: ToSend[] = [];
    let ended = 0;
    const real = send(createSender({ keys, timeoutMs, allowLoopbackTest: true }));
    const counted: Send = async (delivery, signal) => {
      begun.push(delivery);
      try {
        return await real(delivery, signal);
      } finally {
        ended += 1;
      }
    };
    const work = createWebhooks({
      books: around(createRelayBooks(pool, randomUUID(), leaseMs)),
      send: counted,
      sendMs: timeoutMs,
      bell,
      onTried: () => undefined,
      onOurTrouble: () => undefined,
      ...ports,
    });
    async function settle(): Promise<void> {
      for (let quiet = 0; quiet < 2; ) {
        const before = begun.length;
        await work.turn();
        quiet = begun.length === before && ended === before ? quiet + 1 : 0;
        await sleep(5);
      }
    }
    return { work, settle, begun, bell };
  }

  return {
    books,
    relay,
    async merchant(mode = 'test') {
      const owner = { merchantId: newId('mer'), mode };
      const secret = newSecret();
      await sql.query('INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, $2, $3)', [
        owner.merchantId,
        'Test',
        sealed(secret),
      ]);
      await books.fund(owner, 1_000_000n);
      return { ...owner, secret };
    },
    async endpoint({ merchantId, mode }, url) {
      const id = newId('we');
      const secret = newSecret();
      await sql.query(
        `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret) VALUES ($1, $2, $3, $4, '{payout.*}', $5)`,
        [id, merchantId, mode, url, sealed(secret)],
      );
      return { id, secret };
    },
    async deliver(change) {
      const { work, settle } = relay(change);
      await settle();
      await work.end();
    },
    async pass(ms) {
      const interval = `${ms} milliseconds`;
      await sql.query(`UPDATE webhook_deliveries SET due_at = due_at - $1::interval WHERE state = 'pending'`, [interval]);
      await sql.query(
        `UPDATE receivers SET probe_at = probe_at - $1::interval, failing_since = failing_since - $1::interval, lease_until = lease_until - $1::interval`,
        [interval],
      );
    },
    async deliveries(subjectId) {
      const { rows } = await sql.query<StoredDelivery>(
        `SELECT d.id, e.type, d.state, d.attempts, d.tries, ${untilIn5s('d.due_at')} AS due_in
           FROM webhook_deliveries d JOIN events e ON e.id = d.event_id WHERE d.subject_id = $1 ORDER BY e.sequence, d.id`,
        [subjectId],
      );
      return rows;
    },
    async attempts(deliveryId) {
      const { rows } = await sql.query<StoredAttempt>(
        'SELECT number, trigger, status_code, error, response FROM webhook_attempts WHERE delivery_id = $1 ORDER BY id',
        [deliveryId],
      );
      return rows;
    },
    stop: () => books.stop(),
  };
}
