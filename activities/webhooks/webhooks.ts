/** Webhooks as activities: bring a payout's events to its merchant's servers, and write down what these said. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, cancellationSignal, log } from '@temporalio/activity';
import type { Pool } from 'pg';
import { decryptSecret, type KeyRing } from '../../src/crypto/secretBox.ts';
import { presentEvent } from '../../src/events/presentEvent.ts';
import { failpoint } from '../../src/failpoints.ts';
import { postWebhook, type SendResult } from '../../src/net/guardedFetch.ts';
import type { PayoutState } from '../../src/payouts/rules/machine.ts';
import {
  createDeliveries,
  type Delivery,
  type DeliveryState,
  type Outbox,
  type PendingDelivery,
  type Trigger,
  type TryRecord,
} from '../../src/webhooks/deliveries.ts';
import { signedHeaders } from '../../src/webhooks/sign.ts';
import { whileBeating } from '../beating.ts';

export interface WebhookPorts {
  readonly pool: Pool;
  readonly keys: KeyRing;
  /** For one try, all in all. */
  readonly timeoutMs: number;
  /** Test keys' webhooks may go to loopback and over plain http; a live key's never. */
  readonly allowLoopbackTest: boolean;
  /** How long a run stays with a payout that goes on soon. */
  readonly stayMs?: number;
  /** After each try, with what the delivery is then. */
  readonly onTried?: (state: DeliveryState) => void;
}

export interface AttemptInput {
  readonly deliveryId: string;
  readonly trigger: Trigger;
  /** After this try the delivery has failed, unless it was taken. */
  readonly isLast: boolean;
}

export interface Delivered {
  readonly undelivered: readonly string[];
  /** Every delivery of an event up to here is done or among the `undelivered`. Older histories do not say. */
  readonly through?: number;
}

/** `final`: nothing more will be tried by itself. */
export interface AttemptAnswer {
  readonly delivered: boolean;
  readonly final: boolean;
  readonly statusCode: number | null;
  /** How long the receiver asks us to wait. */
  readonly retryAfterMs: number | null;
}

/** Receivers of one payout at once: a dead one costs the others nothing, and one payout does not take all sockets. */
const RECEIVERS_AT_ONCE = 5;

/** A worker asks the PSP, and hears what came of it in a moment as a rule. */
const GOES_ON_SOON: ReadonlySet<PayoutState> = new Set(['QUEUED', 'SUBMITTING']);

/**
 * While a payout goes on soon it is looked at again after this, then at intervals that grow by half, up to a limit: a
 * busy machine takes seconds for a payout, and its events should not wait as long again. A look is one small query.
 */
const LOOK_AGAIN_FIRST_MS = 100;
const LOOK_AGAIN_MAX_MS = 250;

/** Beyond it the PSP is slow, and the next event has time for an activity of its own. */
const STAY_MS = 3_000;

/** New tries of one payout begin within this time; the rest is left to workflows of their own. With the last try's limit well below the workflow's 2 minutes. */
const FIRST_TRIES_MS = 60_000;

/** Tries at once to one host: a healthy one answers in milliseconds and never has as many; one that hangs takes no more slots. */
const PER_HOST_MAX = 50;

/** A worker that dies is noticed after the workflow's heartbeat timeout, several of these. */
const HEARTBEAT_MS = 3_000;

export type WebhookActivities = ReturnType<typeof createWebhookActivities>;

export function createWebhookActivities({ pool, keys, timeoutMs, allowLoopbackTest, stayMs = STAY_MS, onTried }: WebhookPorts) {
  const deliveries = createDeliveries(pool);
  const tryingPerHost = new Map<string, number>();

  /** Sends it once and writes down what came of it. Undefined: not now, its host has too many tries running. */
  async function tryOnce(delivery: Delivery, trigger: Trigger, isLast: boolean): Promise<Tried | undefined> {
    if (delivery.receiverState !== 'active') {
      const state = await deliveries.record(delivery.id, neverSent(trigger, `endpoint_${delivery.receiverState}`));
      onTried?.(state);
      return { state, statusCode: null, retryAfterMs: null };
    }
    const host = hostOf(delivery.url);
    const trying = tryingPerHost.get(host) ?? 0;
    if (trying >= PER_HOST_MAX) return undefined;
    tryingPerHost.set(host, trying + 1);
    try {
      await failpoint('webhook.before', delivery.event.object.id);
      const result = await send(delivery);
      await failpoint('webhook.after', delivery.event.object.id);
      const record = recordOf(result, trigger, isLast);
      const state = await deliveries.record(delivery.id, record);
      onTried?.(state);
      return { state, statusCode: record.statusCode, retryAfterMs: result.outcome === 'failed' ? result.retryAfterMs : null };
    } finally {
      leave(host);
    }
  }

  /** Read anew for each try: meanwhile another worker may have delivered it, or the receiver may have gone. */
  async function tryPending(deliveryId: string): Promise<Tried | undefined> {
    const delivery = await deliveries.read(deliveryId);
    if (delivery?.state === 'pending') return await tryOnce(delivery, 'auto', false);
    return delivery && { state: delivery.state, statusCode: null, retryAfterMs: null };
  }

  function leave(host: string): void {
    const trying = (tryingPerHost.get(host) ?? 1) - 1;
    if (trying === 0) tryingPerHost.delete(host);
    else tryingPerHost.set(host, trying);
  }

  async function send(delivery: Delivery): Promise<SendResult> {
    const { event, url, secret, previousSecret } = delivery;
    const body = JSON.stringify(presentEvent(event, 'merchant')); // every receiver is one's
    const current = decryptSecret(keys, secret);
    const previous = previousSecret === null ? null : decryptSecret(keys, previousSecret);
    const signed = signedHeaders({ id: event.id, sentAt: new Date(), body }, { current, previous });
    return await postWebhook({
      url,
      headers: { 'content-type': 'application/json', 'user-agent': 'oncepay-webhooks', ...signed },
      body,
      timeoutMs,
      allowLoopback: allowLoopbackTest && event.mode === 'test',
      signal: cancellationSignal(),
    });
  }

  return {
    /**
     * The first try of everything that waits, each receiver's events in their order. What was tried before follows its
     * schedule in a workflow of its own; it is in `undelivered` too, so that none is forgotten if this runs again.
     * While the payout is about to go on it stays for what comes next: three events of a payout in one activity.
     */
    async deliverWebhooks({ payoutId }: { payoutId: string }): Promise<Delivered> {
      const stayUntil = Date.now() + stayMs;
      const lastStart = Date.now() + FIRST_TRIES_MS;
      const done = new Set<string>();
      const silent = new Set<string>(); // not asked again by this run: each time may take the whole limit
      return await whileBeating(HEARTBEAT_MS, async () => {
        for (let waitMs = LOOK_AGAIN_FIRST_MS; ; waitMs = Math.min(waitMs * 1.5, LOOK_AGAIN_MAX_MS)) {
          const { state, sequence, pending } = (await deliveries.outboxOf(payoutId)) ?? NOTHING;
          await inParallel(byReceiver(pending), RECEIVERS_AT_ONCE, async ([receiver, events]) => {
            for (const { id } of events) {
              if (silent.has(receiver) || Date.now() > lastStart) return;
              const tried = await tryPending(id).catch(leaveForLater);
              if (tried && tried.state !== 'pending') done.add(id);
              else if (!tried || tried.statusCode === null) silent.add(receiver);
            }
          });
          if (!GOES_ON_SOON.has(state) || Date.now() + waitMs > stayUntil) {
            const undelivered = pending.flatMap(({ id }) => (done.has(id) ? [] : [id]));
            return { undelivered, through: sequence };
          }
          await sleep(waitMs, undefined, { signal: cancellationSignal() });
        }
      });
    },

    /** One try of one delivery. @throws `ReceiverBusy`, to be tried again soon, while too many tries to its host are running. */
    async attemptDelivery({ deliveryId, trigger, isLast }: AttemptInput): Promise<AttemptAnswer> {
      const delivery = await deliveries.read(deliveryId);
      if (!delivery) return { delivered: false, final: true, statusCode: null, retryAfterMs: null };
      if (trigger === 'auto' && delivery.state !== 'pending') {
        return { delivered: delivery.state === 'delivered', final: true, statusCode: null, retryAfterMs: null };
      }
      const tried = await whileBeating(HEARTBEAT_MS, () => tryOnce(delivery, trigger, isLast));
      if (!tried)
        throw ApplicationFailure.create({
          type: 'ReceiverBusy',
          message: 'too many tries to this host',
          nextRetryDelay: '5s',
          category: 'BENIGN',
        });
      const { state, statusCode, retryAfterMs } = tried;
      return { delivered: state === 'delivered', final: state !== 'pending', statusCode, retryAfterMs };
    },
  };
}

/** Of a payout that is not there. */
const NOTHING: Outbox = { state: 'FAILED', sequence: 0, pending: [] };

interface Tried {
  readonly state: DeliveryState;
  readonly statusCode: number | null;
  readonly retryAfterMs: number | null;
}

const GONE = 410;

function recordOf(result: SendResult, trigger: Trigger, isLast: boolean): TryRecord {
  const { durationMs } = result;
  switch (result.outcome) {
    case 'delivered':
      return {
        trigger,
        state: 'delivered',
        statusCode: result.statusCode,
        error: null,
        durationMs,
        response: result.excerpt,
        endpointGone: false,
      };
    case 'refused': // no later try could change that: the merchant must give another URL
      return { ...neverSent(trigger, result.error), durationMs };
    case 'failed': {
      const endpointGone = result.statusCode === GONE;
      const state = endpointGone || isLast ? 'failed' : 'pending';
      const response = result.statusCode === null ? null : result.excerpt;
      return { trigger, state, statusCode: result.statusCode, error: result.error, durationMs, response, endpointGone };
    }
  }
}

const neverSent = (trigger: Trigger, error: string): TryRecord => ({
  trigger,
  state: 'failed',
  statusCode: null,
  error,
  durationMs: 0,
  response: null,
  endpointGone: false,
});

/** What was never tried yet, in one queue a receiver. */
function byReceiver(pending: readonly PendingDelivery[]): readonly (readonly [string, readonly PendingDelivery[]])[] {
  const queues = new Map<string, PendingDelivery[]>();
  for (const delivery of pending) {
    if (delivery.attempts > 0) continue;
    const queue = queues.get(delivery.receiver);
    if (queue) queue.push(delivery);
    else queues.set(delivery.receiver, [delivery]);
  }
  return [...queues];
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}

/** One receiver's trouble (a secret under a lost key, a database that went away) holds up nobody else's webhooks. */
function leaveForLater(error: unknown): undefined {
  if (cancellationSignal().aborted) throw error; // this worker stops: another one takes the whole activity over
  log.warn('a webhook could not be tried', { error });
}

/** At most `limit` at work at once. All are finished before the first error is thrown. */
async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const workers = Array.from({ length: Math.min(limit, items.length) }, async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  });
  const failed = (await Promise.allSettled(workers)).find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}
