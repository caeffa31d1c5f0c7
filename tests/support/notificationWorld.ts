/** Providers whose payouts end over the real ledger, a mail server, a push service, and the activities as a worker runs them. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  createNotificationActivities,
  type NotificationActivities,
  type SendAnswer,
} from '../../activities/notify/notifications.ts';
import { newVapidPair, type VapidKeys } from '../../src/crypto/pushKeys.ts';
import { createMailer, type Mailer } from '../../src/notify/mail.ts';
import { createPusher } from '../../src/notify/push.ts';
import type { Channel } from '../../src/notify/rules/notifications.ts';
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks, type Provider } from './books.ts';
import { keys, sealed } from './encryption.ts';
import { type MailServer, startMailServer } from './mailServer.ts';
import { type Browser, type PushService, startPushService } from './pushService.ts';

export const FROM = 'oncepay <payouts@platform.example>';
export const VAPID: VapidKeys = { ...newVapidPair(), subject: 'mailto:payouts@platform.example' };

export interface StoredNotification {
  readonly id: string;
  readonly channel: Channel;
  readonly address: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_error: string | null;
}

export interface NotificationWorld {
  readonly books: Books;
  readonly mail: MailServer;
  readonly push: PushService;
  provider(mode?: Mode): Promise<Provider>;
  /** A browser of the push service that this provider subscribed with. */
  subscribe(provider: Provider): Promise<Browser>;
  /** A payout of this provider that was paid: what is to be told of it. */
  paid(provider: Provider): Promise<{ payoutId: string; eventId: string; of(channel: Channel): StoredNotification }>;
  read(id: string): Promise<StoredNotification>;
  /** Runs `sendNotification` as a worker would, whose try before it had heartbeat so. */
  send(
    notification: Pick<StoredNotification, 'id' | 'channel'>,
    more?: { by?: NotificationActivities; beaten?: unknown },
  ): Promise<SendAnswer>;
  /** Another worker: with another mailer, or without VAPID keys. */
  worker(change: { mailer?: Mailer; vapid?: VapidKeys | undefined }): NotificationActivities;
  stop(): Promise<void>;
}

export async function openNotificationWorld(): Promise<NotificationWorld> {
  const books = await openBooks();
  const [mail, push] = await Promise.all([startMailServer(), startPushService(VAPID.publicKey)]);
  const { owner: sql, pool } = books.db;
  await books.policy({ minSuccesses: 0, velocityMinRequests: 1_000_000, amountTimesMean: 1_000_000 });

  const worker: NotificationWorld['worker'] = (change) => {
    const { mailer = createMailer({ smtpUrl: mail.url, from: FROM, directory: '/nowhere' }) } = change;
    const vapid = 'vapid' in change ? change.vapid : VAPID;
    const pusher = createPusher({ vapid, timeoutMs: 2_000, allowLoopbackTest: true });
    return createNotificationActivities({ pool, keys, mailer, pusher, publicUrl: 'https://pay.example.com' });
  };
  const activities = worker({});

  return {
    books,
    mail,
    push,
    worker,
    provider: async (mode = 'test') => {
      const merchant = { ...(await books.merchant(0n)), mode };
      await books.fund(merchant, 1_000_000n);
      return await books.provider(merchant, 1_000_000n);
    },
    async subscribe({ providerId }) {
      const browser = push.browser();
      const { endpoint, keys: own } = browser.subscription;
      await pool.query(
        `INSERT INTO push_subscriptions (id, owner_kind, owner_id, endpoint, keys) VALUES ($1, 'provider', $2, $3, $4)`,
        [newId('psb'), providerId, endpoint, sealed(JSON.stringify(own))],
      );
      return browser;
    },
    async paid(provider) {
      const payoutId = await books.payout(provider, { amount: 1_500n, dispatch: 'now' });
      await books.told(payoutId, 'attempt_started 1', 'paid 1');
      const { rows } = await sql.query<StoredNotification & { event_id: string }>(
        'SELECT id, event_id, channel, address, state, attempts, last_error FROM notifications WHERE subject_id = $1',
        [payoutId],
      );
      return {
        payoutId,
        eventId: rows[0]?.event_id ?? '',
        of(channel) {
          const row = rows.find((each) => each.channel === channel);
          if (!row) throw new Error(`nothing is told by ${channel}`);
          return row;
        },
      };
    },
    async read(id) {
      const { rows } = await sql.query<StoredNotification>(
        'SELECT id, channel, address, state, attempts, last_error FROM notifications WHERE id = $1',
        [id],
      );
      if (!rows[0]) throw new Error(`no notification ${id}`);
      return rows[0];
    },
    send({ id, channel }, { by = activities, beaten } = {}) {
      const info = beaten === undefined ? {} : { heartbeatDetails: beaten };
      const environment = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
      return environment.run(() => by.sendNotification({ id, channel })) as Promise<SendAnswer>;
    },
    async stop() {
      await Promise.all([mail.close(), push.close()]);
      await books.stop();
    },
  };
}
