/** Merchants with endpoints, over the real ledger, and the webhook activities as a worker runs them. */
import { randomBytes } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { createWebhookActivities, type Delivered, type WebhookPorts } from '../../activities/webhooks/webhooks.ts';
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from './books.ts';
import { keys, sealed } from './encryption.ts';

export interface WebhookMerchant extends Owner {
  readonly secret: string;
}

export interface StoredDelivery {
  readonly id: string;
  readonly type: string;
  readonly state: string;
  readonly attempts: number;
}

export interface StoredAttempt {
  readonly number: number;
  readonly trigger: string;
  readonly status_code: number | null;
  readonly error: string | null;
  readonly response: string | null;
}

export interface WebhookWorld {
  readonly books: Books;
  readonly activities: ReturnType<typeof createWebhookActivities>;
  merchant(mode?: Mode): Promise<WebhookMerchant>;
  /** An endpoint for all of a merchant's events: its id and its secret. */
  endpoint(owner: Owner, url: string): Promise<{ id: string; secret: string }>;
  /** Runs `deliverWebhooks` as a worker would. */
  deliver(payoutId: string): Promise<Delivered>;
  /** Runs `attemptDelivery` as a worker would. */
  attempt(
    deliveryId: string,
    more?: { trigger?: 'auto' | 'resend'; isLast?: boolean },
  ): ReturnType<WebhookWorld['activities']['attemptDelivery']>;
  /** In the order of their events. */
  deliveries(payoutId: string): Promise<StoredDelivery[]>;
  attempts(deliveryId: string): Promise<StoredAttempt[]>;
  /** The same activities with other ports: another worker. */
  withPorts(change: Partial<WebhookPorts>): WebhookWorld['activities'];
  stop(): Promise<void>;
}

export const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;

/** Runs an activity with a context, as inside a worker. */
export function inActivity<T>(run: () => Promise<T>): Promise<T> {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(run) as Promise<T>;
}

export async function openWebhookWorld(): Promise<WebhookWorld> {
  const books = await openBooks();
  const { owner: sql, pool } = books.db;
  const ports: WebhookPorts = { pool, keys, timeoutMs: 2_000, allowLoopbackTest: true, stayMs: 0 };
  const activities = createWebhookActivities(ports);
  return {
    books,
    activities,
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
    deliver: (payoutId) => inActivity(() => activities.deliverWebhooks({ payoutId })),
    attempt: (deliveryId, { trigger = 'auto', isLast = false } = {}) =>
      inActivity(() => activities.attemptDelivery({ deliveryId, trigger, isLast })),
    async deliveries(payoutId) {
      const { rows } = await sql.query<StoredDelivery>(
        `SELECT d.id, e.type, d.state, d.attempts FROM webhook_deliveries d JOIN events e ON e.id = d.event_id
          WHERE d.subject_id = $1 ORDER BY e.sequence, d.id`,
        [payoutId],
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
    withPorts: (change) => createWebhookActivities({ ...ports, ...change }),
    stop: () => books.stop(),
  };
}
