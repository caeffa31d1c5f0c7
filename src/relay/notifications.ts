/**
 * Notifications: what people are to be told, by mail and by push. Each is sent once for every event, channel and address,
 * whatever dies: the row says what was sent, its lease keeps a second relay away, and a file is written under its id.
 *
 * One window is left, and no sender of mail can close it: the server has taken the mail, and we end before that is written
 * down: killed in the milliseconds between the two, stopped before the server has said so, or without a database or frozen
 * for longer than the lease. The mail then goes a second time, byte for byte the same and under the same Message-ID, by
 * which most mailboxes show it once. A push of the same id takes the place of the first.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { PushKeys } from '../crypto/pushKeys.ts';
import { decryptSecret, type KeyRing } from '../crypto/secretBox.ts';
import { failpoint } from '../failpoints.ts';
import type { Mailer } from '../notify/mail.ts';
import { type Claimed, createOutbox, type Room, type Told } from '../notify/outbox.ts';
import type { Pusher } from '../notify/push.ts';
import { type Channel, waitAfter } from '../notify/rules/notifications.ts';
import { messageOf } from '../notify/texts.ts';
import type { Bell, Work } from './loop.ts';

export interface NotificationPorts {
  readonly pool: Pool;
  readonly keys: KeyRing;
  readonly mailer: Mailer;
  readonly pusher: Pusher;
  /** How operators and merchants reach the API. */
  readonly publicUrl: string;
  readonly bell: Bell;
  readonly onOurTrouble: (error: unknown, notification: Claimed) => void;
}

const CHANNELS: readonly Channel[] = ['email', 'push'];

/** In one relay: a mail server takes few connections of one client, and each channel has its own, so that none waits for another. */
const AT_ONCE: Readonly<Record<Channel, number>> = { email: 10, push: 50 };

/** To one mailbox, or to one push service: while one hangs, the other half is everybody else's. */
const PER_WAY: Readonly<Record<Channel, number>> = { email: AT_ONCE.email / 2, push: AT_ONCE.push / 2 };

/** Of one merchant: each of its providers' browsers may name a push service of its own, which hangs. Mail goes to one server, that is ours. */
const PER_MERCHANT: Readonly<Record<Channel, number>> = { email: AT_ONCE.email, push: AT_ONCE.push / 2 };

/** After the death of a relay its notifications wait for this long. By the database's clock. */
const LEASE_MS = 20_000;

/** Several times in a lease, so that a database which is away for a moment stops nothing. */
const RENEW_MS = 3_000;

/** Not renewed for this long, sending stops: what is left of the lease is for the stopping. */
const LEASE_GIVEN_UP_MS = 15_000;

/** As long as a server may take to accept a mail (RFC 5321, 4.5.3.2.6). */
const SEND_MAX_MS = 10 * 60_000;

/** What fails for our own fault is tried again after this: an operator has to mend it. */
const OUR_TROUBLE_WAIT_MS = 60_000;

/** For what is in the air when we stop, as for webhooks. */
const END_MS = 3_000;

/** What came of one try, whatever the channel. */
type Tried = Pick<Told, 'state' | 'error' | 'waitMs' | 'gone'>;

interface InHand {
  readonly notification: Claimed;
  /** The lease is lost, or may be soon. */
  readonly stop: AbortController;
  /** By `performance.now()`: when we asked for the lease that we have. */
  leasedAt: number;
  giveUp: NodeJS.Timeout | undefined;
  isSending: boolean;
  /** Known, and not written down yet. */
  told: Told | undefined;
}

export function createNotifications(ports: NotificationPorts): Work {
  const { bell, onOurTrouble } = ports;
  const outbox = createOutbox(ports.pool, randomUUID(), LEASE_MS);
  const hands = new Map<string, InHand>();
  const underWay = new Set<Promise<void>>();
  const ending = new AbortController();
  let writing: Promise<void> | undefined;

  async function turn(): Promise<number> {
    await keepLeases();
    await writeDown();
    const mayBeMore = await takeMore();
    return mayBeMore ? 0 : Number.POSITIVE_INFINITY;
  }

  async function keepLeases(): Promise<void> {
    const askedAt = performance.now();
    const held = [...hands.values()];
    if (held.every(({ leasedAt }) => askedAt - leasedAt < RENEW_MS)) return;
    const ours = new Set(await outbox.renew(held.map(({ notification }) => notification.id)));
    for (const each of held) {
      if (ours.has(each.notification.id)) hold(each, askedAt);
      else each.stop.abort();
    }
  }

  function hold(each: InHand, askedAt: number): void {
    each.leasedAt = askedAt;
    clearTimeout(each.giveUp);
    if (each.isSending) each.giveUp = setTimeout(() => each.stop.abort(), LEASE_GIVEN_UP_MS - (performance.now() - askedAt));
  }

  /** One at a time, with all that has ended meanwhile. What could not be written stays, for the next turn. */
  function writeDown(): Promise<void> {
    writing ??= writeAll().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  async function writeAll(): Promise<void> {
    for (;;) {
      const ended = [...hands.values()].flatMap(({ told }) => told ?? []);
      if (ended.length === 0) return;
      await outbox.record(ended);
      for (const { id } of ended) hands.delete(id);
    }
  }

  /** @returns whether to ask again at once. */
  async function takeMore(): Promise<boolean> {
    const askedAt = performance.now();
    const sending = [...hands.values()].filter(({ isSending }) => isSending).map(({ notification }) => notification);
    const rooms = CHANNELS.map((channel) => roomOf(channel, sending));
    if (rooms.every(({ room }) => room === 0)) return false; // whoever ends rings
    const { claimed, expired } = await outbox.claim(rooms, [...hands.keys()]);
    for (const notification of claimed) begin(notification, askedAt);
    return expired > 0;
  }

  function begin(notification: Claimed, askedAt: number): void {
    const each: InHand = {
      ...{ notification, stop: new AbortController(), leasedAt: askedAt },
      ...{ giveUp: undefined, isSending: true, told: undefined },
    };
    hands.set(notification.id, each);
    hold(each, askedAt);
    const sending = sendOne(each).finally(() => {
      clearTimeout(each.giveUp);
      each.isSending = false;
      underWay.delete(sending);
      bell.ring();
      writeDown().catch(() => undefined); // at once, for a mail that was taken; the next turn tries again, and says why
    });
    underWay.add(sending);
  }

  async function sendOne(each: InHand): Promise<void> {
    const { notification, stop } = each;
    const { id, attempt, subjectId } = notification;
    const tooLong = AbortSignal.timeout(SEND_MAX_MS);
    const signal = AbortSignal.any([stop.signal, ending.signal, tooLong]);
    try {
      await failpoint('notify.before', subjectId);
      signal.throwIfAborted();
      const tried = await send(ports, notification, signal);
      await failpoint('notify.after', subjectId);
      each.told = { id, attempt, ...tried };
    } catch (error) {
      if (ending.signal.aborted) return; // it is let go, and sent by whoever comes next
      if (stop.signal.aborted) return void hands.delete(id); // somebody else's now
      if (!tooLong.aborted) onOurTrouble(error, notification);
      const tried = tooLong.aborted ? failed(notification, 'not taken within ten minutes') : ourTrouble(error);
      each.told = { id, attempt, ...tried };
    }
  }

  async function end(): Promise<void> {
    await Promise.race([Promise.allSettled(underWay), sleep(END_MS, undefined, { ref: false })]);
    ending.abort(new Error('the relay stops'));
    await Promise.allSettled(underWay);
    await writeDown();
    await outbox.letGo([...hands.keys()]);
  }

  return { name: 'notifications', turn, end };
}

function roomOf(channel: Channel, sending: readonly Claimed[]): Room {
  const own = sending.filter((each) => each.channel === channel);
  return {
    channel,
    room: AT_ONCE[channel] - own.length,
    ...{ perWay: PER_WAY[channel], ways: counted(own.map(({ way }) => way)) },
    ...{ perMerchant: PER_MERCHANT[channel], merchants: counted(own.map(({ merchantId }) => merchantId)) },
  };
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const SENT: Tried = { state: 'sent', error: null, waitMs: 0, gone: false };

/** No later try could change it. */
const refused = (error: string, gone = false): Tried => ({ state: 'failed', error, waitMs: 0, gone });

const failed = ({ attempt }: Claimed, error: string, retryAfterMs: number | null = null): Tried => ({
  ...{ state: 'pending', error, gone: false },
  waitMs: Math.max(waitAfter(attempt), retryAfterMs ?? 0),
});

/** Such as a secret under a lost key. */
function ourTrouble(error: unknown): Tried {
  const said = error instanceof Error ? error.message : String(error);
  return { state: 'pending', error: `our own trouble: ${said}`, waitMs: OUR_TROUBLE_WAIT_MS, gone: false };
}

type Ports = Pick<NotificationPorts, 'keys' | 'mailer' | 'pusher' | 'publicUrl'>;

const send = (ports: Ports, notification: Claimed, signal: AbortSignal): Promise<Tried> =>
  notification.channel === 'email' ? mail(ports, notification, signal) : push(ports, notification, signal);

async function mail({ mailer, publicUrl }: Ports, notification: Claimed, signal: AbortSignal): Promise<Tried> {
  const { id, address: to, createdAt: writtenAt, notice } = notification;
  const { subject, text } = messageOf(notice, { publicUrl });
  const result = await mailer.send({ id, to, subject, text, writtenAt }, signal);
  if (result.outcome === 'sent') return SENT;
  return result.outcome === 'refused' ? refused(result.error) : failed(notification, result.error);
}

async function push({ keys, pusher, publicUrl }: Ports, notification: Claimed, signal: AbortSignal): Promise<Tried> {
  const { id, notice, subscription } = notification;
  if (!subscription) return refused('unsubscribed');
  const { subject: title, brief: body } = messageOf(notice, { publicUrl });
  const browser = JSON.parse(decryptSecret(keys, subscription.keys)) as PushKeys;
  const payoutId = 'payoutId' in notice ? notice.payoutId : null;
  const { endpoint } = subscription;
  const result = await pusher.send({ id, endpoint, keys: browser, title, body, payoutId, mode: notice.mode }, signal);
  switch (result.outcome) {
    case 'sent':
      return SENT;
    case 'gone':
      return refused(result.error, true);
    case 'refused':
      return refused(result.error);
    case 'failed':
      return failed(notification, result.error, result.retryAfterMs);
  }
}
