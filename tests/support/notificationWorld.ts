/** Providers whose payouts end over the real ledger, a mail server, a push service, and relays that tell people of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { newVapidPair, type VapidKeys } from '../../src/crypto/pushKeys.ts';
import type { Sql } from '../../src/db/pool.ts';
import { createMailer, type Mailer } from '../../src/notify/mail.ts';
import { createPusher } from '../../src/notify/push.ts';
import type { Channel } from '../../src/notify/rules/notifications.ts';
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { createBell, type Work } from '../../src/relay/loop.ts';
import { createNotifications, type NotificationPorts } from '../../src/relay/notifications.ts';
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
  /** Until it is due, to the second. */
  readonly due_in: number;
  readonly lease_holder: string | null;
  readonly lease_until: Date | null;
}

export interface TestRelay {
  readonly work: Work;
  /** Turns until nothing is due, nothing is in the air and all is written down. */
  settle(): Promise<void>;
  inTheAir(): number;
  /** What it said of troubles of our own. */
  readonly troubles: unknown[];
}

export interface RelayChange extends Partial<Pick<NotificationPorts, 'pool'>> {
  readonly mailer?: Mailer;
  /** Undefined: none. */
  readonly vapid?: VapidKeys | undefined;
}

export interface NotificationWorld {
  readonly books: Books;
  readonly mail: MailServer;
  readonly push: PushService;
  provider(mode?: Mode): Promise<Provider>;
  /** A browser of the push service that this provider subscribed with. */
  subscribe(provider: Provider): Promise<Browser>;
  /** A payout of this provider that was paid: what is to be told of it. */
  paid(provider: Provider): Promise<{ payoutId: string; of(channel: Channel): StoredNotification }>;
  read(id: string): Promise<StoredNotification>;
  /** Another process's relay. Nobody turns it but the test. */
  relay(change?: RelayChange): TestRelay;
  /** By a relay of its own, until nothing is due: then it ends. */
  deliver(change?: RelayChange): Promise<void>;
  /** The clock goes on by so much, for all that waits. */
  pass(ms: number): Promise<void>;
  /** Nothing waits any more. */
  forget(): Promise<void>;
  stop(): Promise<void>;
}

export const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (let left = 4_000; left > 0 && !(await holds()); left -= 1) await sleep(10);
  if (!(await holds())) throw new Error('it never came to that');
};

const ROW = `SELECT id, channel, address, state, attempts, last_error, round(extract(epoch FROM due_at - now()))::int AS due_in,
                    lease_holder, lease_until FROM notifications`;

export async function openNotificationWorld(): Promise<NotificationWorld> {
  const books = await openBooks();
  const [mail, push] = await Promise.all([startMailServer(), startPushService(VAPID.publicKey)]);
  const { owner: sql, pool } = books.db;
  await books.policy({ minSuccesses: 0, velocityMinRequests: 1_000_000, amountTimesMean: 1_000_000 });

  function relay(change: RelayChange = {}): TestRelay {
    const { mailer = createMailer({ smtpUrl: mail.url, from: FROM, directory: '/nowhere' }) } = change;
    const vapid = 'vapid' in change ? change.vapid : VAPID;
    const pusher = createPusher({ vapid, timeoutMs: 2_000, allowLoopbackTest: true });
    const troubles: unknown[] = [];
    let begun = 0;
    let inTheAir = 0;
    async function counted<T>(sending: Promise<T>): Promise<T> {
      begun += 1;
      inTheAir += 1;
      try {
        return await sending;
      } finally {
        inTheAir -= 1;
      }
    }
    const work = createNotifications({
      pool: change.pool ?? pool,
      keys,
      mailer: { ...mailer, send: (each, signal) => counted(mailer.send(each, signal)) },
      pusher: { send: (each, signal) => counted(pusher.send(each, signal)) },
      publicUrl: 'https://pay.example.com',
      bell: createBell(),
      onOurTrouble: (error) => troubles.push(error),
    });
    async function settle(): Promise<void> {
      for (let quiet = 0; quiet < 2; ) {
        const before = begun;
        await work.turn();
        await sleep(5);
        quiet = begun === before && inTheAir === 0 ? quiet + 1 : 0;
      }
    }
    return { work, settle, inTheAir: () => inTheAir, troubles };
  }

  return {
    books,
    mail,
    push,
    relay,
    async deliver(change) {
      const { work, settle } = relay(change);
      await settle();
      await work.end();
    },
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
      const { rows } = await sql.query<StoredNotification>(`${ROW} WHERE subject_id = $1`, [payoutId]);
      return {
        payoutId,
        of(channel) {
          const row = rows.find((each) => each.channel === channel);
          if (!row) throw new Error(`nothing is told by ${channel}`);
          return row;
        },
      };
    },
    async read(id) {
      const { rows } = await sql.query<StoredNotification>(`${ROW} WHERE id = $1`, [id]);
      if (!rows[0]) throw new Error(`no notification ${id}`);
      return rows[0];
    },
    async pass(ms) {
      await sql.query(
        `UPDATE notifications SET due_at = due_at - x.by, lease_until = lease_until - x.by, created_at = created_at - x.by
           FROM (SELECT $1::float8 * interval '1 millisecond' AS by) x WHERE state = 'pending'`,
        [ms],
      );
    },
    async forget() {
      await sql.query(`UPDATE notifications SET state = 'failed' WHERE state = 'pending'`);
    },
    async stop() {
      await Promise.all([mail.close(), push.close()]);
      await books.stop();
    },
  };
}

/** A database that answers only what `isThere` says it answers. */
export function faltering(pool: NotificationPorts['pool'], isThere: () => boolean): NotificationPorts['pool'] {
  const query: Sql['query'] = ((...call: Parameters<Sql['query']>) =>
    isThere() ? pool.query(...call) : Promise.reject(new Error('the database is away'))) as Sql['query'];
  return Object.assign(Object.create(pool) as NotificationPorts['pool'], { query });
}
