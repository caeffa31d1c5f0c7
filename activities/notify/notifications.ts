/**
 * Notifications as activities. Each is sent once for every event, channel and address, whatever dies: the row says what
 * was sent, its lease keeps a second worker away, and a file is written under its id.
 *
 * One window is left, and no sender of mail can close it: the server has taken the mail, and the worker dies before it
 * has written that down, in two places at once, with Temporal (the heartbeat) and in the row. The mail then goes a
 * second time, byte for byte the same and under the same Message-ID, by which most mailboxes show it once. A push of the
 * same id takes the place of the first.
 */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure, activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Pool } from 'pg';
import type { PushKeys } from '../../src/crypto/pushKeys.ts';
import { decryptSecret, type KeyRing } from '../../src/crypto/secretBox.ts';
import { failpoint } from '../../src/failpoints.ts';
import type { Mailer } from '../../src/notify/mail.ts';
import { type Claimed, createOutbox, type Pending } from '../../src/notify/outbox.ts';
import type { Pusher } from '../../src/notify/push.ts';
import { type Channel, type NotificationState, waitAfter } from '../../src/notify/rules/notifications.ts';
import { messageOf } from '../../src/notify/texts.ts';

export interface NotificationPorts {
  readonly pool: Pool;
  readonly keys: KeyRing;
  readonly mailer: Mailer;
  readonly pusher: Pusher;
  /** How operators reach the API. */
  readonly publicUrl: string;
}

export interface SendAnswer {
  readonly state: NotificationState;
}

/** In one worker: a mail server takes few connections of one client, and no channel may take the webhooks' slots. */
const AT_ONCE: Readonly<Record<Channel, number>> = { email: 10, push: 50 };

/** A mail takes well under a second: by then several have ended. Longer each time, for a server may hang, and thousands wait. */
const BUSY_WAIT_MS = 2_000;
const BUSY_WAIT_MAX_MS = 60_000;

/** After the death of a worker its notifications wait for this long. Renewed with every beat. */
const LEASE_MS = 20_000;

/** Not renewed for this long, sending stops: what is left of the lease is for the stopping. */
const LEASE_GIVEN_UP_MS = 15_000;

/** A worker that dies is noticed after the workflow's heartbeat timeout, several of these. */
const BEAT_MS = 3_000;

/** Written down with Temporal before the row is, so that a database that goes away just then makes no second mail. */
const ACCEPTED = 'accepted';

/** What came of one try, whatever the channel. `final`: no later one could change it. */
type Tried =
  | { readonly sent: true }
  | { readonly sent: false; readonly final: boolean; readonly error: string; readonly retryAfterMs: number | null };

export type NotificationActivities = ReturnType<typeof createNotificationActivities>;

export function createNotificationActivities({ pool, keys, mailer, pusher, publicUrl }: NotificationPorts) {
  const outbox = createOutbox(pool);
  const sending: Record<Channel, number> = { email: 0, push: 0 };

  async function send(notification: Claimed, signal: AbortSignal): Promise<Tried> {
    return notification.channel === 'email' ? await mail(notification, signal) : await push(notification, signal);
  }

  async function mail(notification: Claimed, signal: AbortSignal): Promise<Tried> {
    const { id, address: to, createdAt: writtenAt } = notification;
    const { subject, text } = messageOf(notification, { publicUrl });
    const result = await mailer.send({ id, to, subject, text, writtenAt }, signal);
    if (result.outcome === 'sent') return { sent: true };
    return { sent: false, final: result.outcome === 'refused', error: result.error, retryAfterMs: null };
  }

  async function push(notification: Claimed, signal: AbortSignal): Promise<Tried> {
    const { id, address, payoutId, mode, subscription } = notification;
    if (!subscription) return { sent: false, final: true, error: 'unsubscribed', retryAfterMs: null };
    const { subject: title, brief: body } = messageOf(notification, { publicUrl });
    const browser = JSON.parse(decryptSecret(keys, subscription.keys)) as PushKeys;
    const { endpoint } = subscription;
    const result = await pusher.send({ id, endpoint, keys: browser, title, body, payoutId, mode }, signal);
    switch (result.outcome) {
      case 'sent':
        return { sent: true };
      case 'gone':
        await outbox.unsubscribe(address);
        return { sent: false, final: true, error: result.error, retryAfterMs: null };
      case 'refused':
        return { sent: false, final: true, error: result.error, retryAfterMs: null };
      case 'failed':
        return { sent: false, final: false, error: result.error, retryAfterMs: result.retryAfterMs };
    }
  }

  /** Sends while the lease is held, and says so to Temporal as soon as it was taken. */
  async function sendHeld(notification: Claimed, holder: string): Promise<Tried> {
    const { id, payoutId } = notification;
    const stop = new AbortController();
    let accepted: typeof ACCEPTED | undefined;
    let renewedAt = performance.now();
    const beat = async () => {
      heartbeat(accepted);
      const askedAt = performance.now();
      if (askedAt - renewedAt > LEASE_GIVEN_UP_MS) stop.abort();
      if (await outbox.renew(id, holder, LEASE_MS)) renewedAt = askedAt;
      else stop.abort();
    };
    const timer = setInterval(() => void beat().catch(() => undefined), BEAT_MS); // a database that is away: the next beat asks again
    try {
      await failpoint('notify.before', payoutId);
      const tried = await send(notification, AbortSignal.any([stop.signal, cancellationSignal()]));
      if (tried.sent) {
        accepted = ACCEPTED;
        heartbeat(accepted);
      }
      await failpoint('notify.after', payoutId);
      return tried;
    } finally {
      clearInterval(timer);
    }
  }

  return {
    /** What is still to be told of an event. */
    async pendingNotifications({ eventId }: { eventId: string }): Promise<readonly Pending[]> {
      return await outbox.pendingOf(eventId);
    },

    /**
     * Sends one, unless that was done before.
     * @throws `NotSent` and `Busy`, each with the time to try again after.
     */
    async sendNotification({ id, channel }: Pending): Promise<SendAnswer> {
      if (activityInfo().heartbeatDetails === ACCEPTED) {
        await outbox.sent(id);
        return { state: 'sent' };
      }
      if (sending[channel] >= AT_ONCE[channel])
        throw later('Busy', 'too many of its channel are being sent', busyWait(activityInfo().attempt));
      sending[channel] += 1;
      try {
        const holder = randomUUID();
        const claim = await outbox.claim(id, holder, LEASE_MS);
        if (claim.outcome === 'done') return { state: claim.state };
        if (claim.outcome === 'leased') throw later('Busy', 'somebody else is sending it', Math.max(claim.leftMs, BUSY_WAIT_MS));
        const tried = await sendHeld(claim.notification, holder);
        if (tried.sent) {
          await outbox.sent(id);
          return { state: 'sent' };
        }
        const { error, final, retryAfterMs } = tried;
        await outbox.failed(id, holder, { state: final ? 'failed' : 'pending', error });
        if (final) return { state: 'failed' };
        throw later('NotSent', error, Math.max(waitAfter(claim.notification.attempts), retryAfterMs ?? 0));
      } finally {
        sending[channel] -= 1;
      }
    },

    /** Its time is over: it has failed, unless it was sent after all. */
    async giveUpNotification({ id }: { id: string }): Promise<void> {
      await outbox.giveUp(id);
    },
  };
}

const busyWait = (tries: number): number => Math.min(BUSY_WAIT_MS * 2 ** Math.min(tries - 1, 10), BUSY_WAIT_MAX_MS);

/** Not a fault of ours: the retry policy's own waits are for those. */
const later = (type: 'Busy' | 'NotSent', message: string, waitMs: number): ApplicationFailure =>
  ApplicationFailure.create({ type, message, nextRetryDelay: waitMs, category: 'BENIGN' });
