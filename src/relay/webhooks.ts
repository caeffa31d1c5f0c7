/**
 * Webhooks: what is due to be sent, to each receiver in the order of each subject. Receivers are leased, never deliveries. All
 * that counts stands in the rows (books.ts); what is kept here is what we have in our hands, and may be lost with us at any
 * line: then another relay sends what was not written down, under the same `webhook-id`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { failpoint } from '../failpoints.ts';
import type { SendResult } from '../net/guardedFetch.ts';
import type { DeliveryState } from '../webhooks/deliveries.ts';
import type { ReceiverRecord, RelayBooks, ToSend, TryRecord } from './books.ts';
import { createSlots, inTurn, type Limits } from './fair.ts';
import { busySubjects, isOver, type Lane, nextOf, openLane, roomOf } from './lane.ts';
import type { Bell, Work } from './loop.ts';
import { afterTry, isGivenUp } from './rules/health.ts';
import { outcomeOf, type TryKind } from './rules/outcome.ts';
import { windowAfter } from './rules/window.ts';
import type { Send } from './sender.ts';

/** By the database's clock. Longer than a send, so that a relay which has leased it can end the send; after a death it is waited for. */
export const LEASE_MS = 20_000;

/**
 * At once: what is waited for is somebody else's server, and each is a socket of some kilobytes. One merchant or one server
 * takes no more than a part, and those that do not answer no more than a quarter: hundreds may hang at once, each for 15 s.
 */
const LIMITS: Limits = { all: 1_000, perMerchant: 64, perOrigin: 50, doubtful: 250, doubtfulPerMerchant: 32 };

/** Receivers in our hands at once, each with some events of a few kilobytes, one that is fast with a few dozen. */
const RECEIVERS_MAX = 1_000;

/** Of those that are failing: each probe may take the whole limit of a send, and ten thousand dead ones must not keep out one that is well. */
const FAILING_MAX = 100;

/** Of one merchant: more than it may send to at once, or its receivers that hang would have every place, each for as long as a send may take. */
const OF_ONE = { all: 128, failing: FAILING_MAX / 4 } as const;

/** What fails for our own fault is tried again after this: an operator has to mend it, or a database to come back. */
const OUR_TROUBLE_WAIT_MS = 60_000;

/** For what is in the air when we stop; the rest is given up and sent again by whoever comes next. Below the supervisor's 15 s. */
const END_MS = 3_000;

export interface WebhookPorts {
  readonly books: RelayBooks;
  readonly send: Send;
  readonly sendMs: number;
  readonly bell: Bell;
  /** After each try, with what the delivery is then. */
  readonly onTried: (state: DeliveryState) => void;
  readonly onOurTrouble: (error: unknown, delivery: ToSend) => void;
  readonly limits?: Limits;
}

export function createWebhooks({ books, send, sendMs, bell, onTried, onOurTrouble, limits = LIMITS }: WebhookPorts): Work {
  const lanes = new Map<string, Lane>();
  const slots = createSlots(limits);
  const ending = new AbortController();
  const underWay = new Set<Promise<void>>();
  let tries: Written[] = [];
  let lastServed: string | undefined;
  let hasEnded = false;

  async function turn(): Promise<number> {
    await writeDown((lane) => isOver(lane, performance.now()));
    const nextMs = await takeMore();
    begin();
    return nextMs;
  }

  /** What has ended, and how the receivers are. What could not be written stays, for the next turn. */
  async function writeDown(isReleased: (lane: Lane) => boolean): Promise<void> {
    const writing = [...tries];
    const released = [...lanes.values()].filter((lane) => isReleased(lane));
    const changed = [...lanes.values()].filter((lane) => lane.isChanged || released.includes(lane));
    if (writing.length + changed.length === 0) return;
    const health = changed.map((lane) => lane.health);
    const states = await books.record(
      writing,
      changed.map((lane) => recordOf(lane, released.includes(lane))),
    );
    tries = tries.slice(writing.length);
    changed.forEach((lane, index) => {
      lane.isChanged = lane.health !== health[index];
    });
    for (const lane of released) lanes.delete(lane.id);
    for (const { receiver, epoch, subjectId } of writing) {
      const lane = lanes.get(receiver);
      if (lane?.epoch === epoch) lane.unwritten.delete(subjectId);
    }
    for (const { state } of states) onTried(state);
    for (const { subjectId } of writing) void failpoint('relay.recorded', subjectId); // not waited for: it stands, whatever becomes of us
  }

  /** @returns until something else is due. */
  async function takeMore(): Promise<number> {
    const nowMs = performance.now();
    for (const lane of lanes.values()) for (const [subject, until] of lane.aside) if (until <= nowMs) lane.aside.delete(subject);
    const held = [...lanes.values()].map((lane) => ({
      id: lane.id,
      epoch: lane.epoch,
      room: slots.isFull() ? 0 : roomOf(lane),
      busy: busySubjects(lane),
    }));
    const { leases, deliveries, nextMs } = await books.take(held, placesLeft());
    const ours = new Set(leases.map(({ id, epoch }) => `${id} ${epoch}`));
    for (const lane of lanes.values()) if (!ours.has(`${lane.id} ${lane.epoch}`)) lanes.delete(lane.id); // what is in the air for it does not count
    for (const lease of leases) {
      const lane = lanes.get(lease.id) ?? openLane(lease);
      lanes.set(lease.id, lane);
      lane.leaseUntil = nowMs + lease.leftMs;
    }
    for (const delivery of deliveries) {
      const lane = lanes.get(delivery.receiverId);
      // What people ask for waits for no order, so that several of a subject come at once: the others are handed out again.
      if (lane && !busySubjects(lane).includes(delivery.subjectId) && !waitsForProbe(lane)) lane.queue.push(delivery);
    }
    return nextMs ?? Number.POSITIVE_INFINITY;
  }

  function placesLeft() {
    const failing = [...lanes.values()].filter(({ health }) => health.failing).length;
    return { all: RECEIVERS_MAX - lanes.size, failing: Math.max(0, FAILING_MAX - failing), ofOne: OF_ONE };
  }

  function begin(): void {
    if (hasEnded) return;
    const ready = [...lanes.values()].filter(({ queue }) => queue.length > 0);
    lastServed = inTurn(ready, ({ merchantId }) => merchantId, beginNext, lastServed);
  }

  function beginNext(lane: Lane): boolean {
    const delivery = nextOf(lane, performance.now(), sendMs);
    if (!delivery) return false;
    const place = { merchant: lane.merchantId, origin: originOf(delivery.url), isDoubtful: lane.health.failures > 0 };
    if (!slots.take(place)) return false;
    lane.queue.shift();
    lane.sending.add(delivery.subjectId);
    const sending = sendOne(lane, delivery).finally(() => {
      slots.leave(place);
      lane.sending.delete(delivery.subjectId);
      underWay.delete(sending);
      begin();
      bell.ring();
    });
    underWay.add(sending);
    return true;
  }

  async function sendOne(lane: Lane, delivery: ToSend): Promise<void> {
    const { subjectId } = delivery;
    const isProbe = lane.health.failing !== null;
    try {
      await failpoint('relay.claimed', subjectId);
      const result = await send(delivery, ending.signal);
      await failpoint('relay.sent', subjectId);
      ended(lane, delivery, isProbe, result);
    } catch (error) {
      if (ending.signal.aborted) return; // sent again by whoever comes next
      onOurTrouble(error, delivery);
      lane.aside.set(subjectId, performance.now() + OUR_TROUBLE_WAIT_MS);
    }
  }

  function ended(lane: Lane, delivery: ToSend, isProbe: boolean, result: SendResult): void {
    const { id, attempts, subjectId, trigger } = delivery;
    const kind: TryKind = trigger === 'resend' ? 'resend' : isProbe ? 'probe' : 'auto';
    const { state, spends, waitMs, gone, answered } = outcomeOf(result, kind, delivery.tries);
    const written: Written = {
      receiver: lane.id,
      epoch: lane.epoch,
      id,
      attempts,
      subjectId,
      trigger: kind,
      state,
      spends,
      waitMs,
      gone,
      ...said(result),
    };
    tries.push(written);
    lane.unwritten.add(subjectId);
    if (answered === null) return;
    lane.window = windowAfter(lane.window, answered, said(result).statusCode);
    const nowMs = performance.now();
    const health = afterTry(lane.health, { ok: answered, subject: subjectId, isProbe }, nowMs);
    lane.isChanged ||= health !== lane.health;
    lane.health = health;
    if (!health.failing) return;
    lane.queue = []; // they wait for a probe to be answered
    if (isGivenUp(health, nowMs)) lane.disable = 'it has not answered for five days';
  }

  async function end(): Promise<void> {
    hasEnded = true;
    await Promise.race([Promise.allSettled(underWay), sleep(END_MS, undefined, { ref: false })]);
    ending.abort(new Error('the relay stops'));
    await Promise.allSettled(underWay);
    await writeDown(() => true);
  }

  return { name: 'webhooks', turn, end };
}

/** A try's record, and whose event it was. */
interface Written extends TryRecord {
  readonly subjectId: string;
}

const recordOf = ({ id, epoch, health, disable }: Lane, release: boolean): ReceiverRecord => ({
  id,
  epoch,
  health,
  disable,
  release,
});

/** Also of one that began to fail while more was being handed out for it. */
const waitsForProbe = ({ health: { failing } }: Lane): boolean => failing !== null && failing.probeAtMs > performance.now();

function said(result: SendResult): Pick<TryRecord, 'statusCode' | 'error' | 'durationMs' | 'response'> {
  const { durationMs } = result;
  switch (result.outcome) {
    case 'delivered':
      return { statusCode: result.statusCode, error: null, durationMs, response: result.excerpt };
    case 'refused':
      return { statusCode: null, error: result.error, durationMs, response: null };
    case 'failed':
      return {
        statusCode: result.statusCode,
        error: result.error,
        durationMs,
        response: result.statusCode === null ? null : result.excerpt,
      };
  }
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : '');
