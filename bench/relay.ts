/** Webhooks alone: how fast one relay clears a backlog, and how late one that is well hears beside many that hang. */
import { setTimeout as sleep } from 'node:timers/promises';
import { neverAnswer, type Receiver, startReceiver } from '../harness/receiver.ts';
import { now, type Spread, spread } from './clock.ts';
import { openStage, type Stage } from './relayStage.ts';

export interface BacklogResult {
  readonly deliveries: number;
  readonly perSecond: number;
  /** Sent again, after all: each would be a lease lost or an answer that took too long. */
  readonly repeats: number;
  /** Of the relay: before there was anything to do, after a tenth of it, at its end, and the most that was seen. */
  readonly memoryMb: { readonly idle: number; readonly tenth: number; readonly end: number; readonly most: number };
  readonly cpuMsEach: number;
}

export interface LagResult {
  readonly quiet: Lag;
  readonly beside: Lag;
}

export interface Lag {
  readonly events: number;
  /** ms from the event's own time to its arrival. */
  readonly lag: Spread;
  /** Of 1. */
  readonly arrived: number;
}

const EVENTS_A_SUBJECT = 3;
const ANSWERS_AFTER_MS = 20;
const SAMPLE_MS = 250;
const STUCK_AFTER_MS = 60_000;

/** One receiver that takes 20 ms; what waits for it is there at once, as after hours in which it was away. */
export async function measureBacklog(deliveries: number, say: (line: string) => void): Promise<BacklogResult> {
  const stage = await openStage();
  const arrivals = new Map<string, number>();
  let repeats = 0;
  const receiver = await startReceiver((_request, response, { headers }) => {
    receiver.received.length = 0; // tens of thousands would be a load of their own
    const id = headers['webhook-id'] ?? '';
    if (arrivals.has(id)) repeats += 1;
    else arrivals.set(id, performance.now());
    setTimeout(() => response.writeHead(200).end('ok'), ANSWERS_AFTER_MS);
  });
  try {
    const merchant = await stage.merchant();
    const template = await stage.payout(merchant); // before there is an endpoint: nobody is told of it
    await stage.endpoint(merchant, receiver.url);
    await sleep(1_000); // the relay has turned once or twice, with nothing to do
    const idle = stage.relay();
    const waiting = await fill(stage, template, Math.ceil(deliveries / EVENTS_A_SUBJECT));
    say(`${waiting} deliveries wait for one receiver`);

    let tenth: number | undefined;
    let most = 0;
    let seen = 0;
    for (let movedAt = performance.now(); arrivals.size < waiting; await sleep(SAMPLE_MS)) {
      const { memoryMb } = stage.relay();
      most = Math.max(most, memoryMb);
      if (arrivals.size >= waiting / 10) tenth ??= memoryMb;
      if (arrivals.size > seen) {
        seen = arrivals.size;
        movedAt = performance.now();
      }
      if (performance.now() - movedAt > STUCK_AFTER_MS) throw new Error(`${arrivals.size} of ${waiting} arrived, then none`);
    }
    await untilWritten(stage, waiting);
    const end = stage.relay();
    const times = [...arrivals.values()];
    const perSecond = ((waiting - 1) * 1_000) / ((times.at(-1) ?? 0) - (times[0] ?? 0));
    say(`backlog: ${perSecond.toFixed(0)}/s, the relay ${idle.memoryMb.toFixed(0)} → ${end.memoryMb.toFixed(0)} MB`);
    return {
      deliveries: waiting,
      perSecond,
      repeats,
      memoryMb: {
        idle: idle.memoryMb,
        tenth: tenth ?? end.memoryMb,
        end: end.memoryMb,
        most: Math.max(most, end.memoryMb),
      },
      cpuMsEach: (end.cpuMs - idle.cpuMs) / waiting,
    };
  } finally {
    await stage.stop();
    await receiver.close();
  }
}

/** Set-based, after a real payout's event. One came each 30 ms, and its three events a few apart: in that order they are due. */
async function fill({ sql, wake }: Stage, template: string, subjects: number): Promise<number> {
  await sql.query('BEGIN');
  await sql.query(
    `INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, to_state, object, epoch)
     SELECT 'evt_bench' || n || '_000' || s.sequence, e.subject_kind, 'po_bench' || n, e.owner_kind, e.owner_id, e.mode, s.sequence, s.type, s.type, e.actor, s.state, e.object, e.epoch
       FROM events e, generate_series(1, $2::int) n,
            (VALUES (1, 'payout.created', 'QUEUED'), (2, 'payout.processing', 'SUBMITTING'), (3, 'payout.succeeded', 'SUCCEEDED')) s (sequence, type, state)
      WHERE e.subject_id = $1 AND e.sequence = 1 ORDER BY n, s.sequence`,
    [template, subjects],
  );
  const { rowCount } = await sql.query(
    `INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, endpoint_id, url, due_at)
     SELECT 'whd_' || substr(e.id, 5), e.id, e.subject_kind, e.subject_id, e.sequence, w.merchant_id, w.mode, w.id, w.id, w.url,
            now() + (substr(e.subject_id, 9)::int - $2::int) * interval '30 milliseconds' + (e.sequence - 3) * interval '5 milliseconds'
       FROM events e JOIN webhook_endpoints w ON w.merchant_id = e.owner_id WHERE e.subject_id <> $1`,
    [template, subjects],
  );
  await sql.query('ANALYZE'); // hours of it would have been seen by autovacuum
  await sql.query('COMMIT');
  wake();
  return rowCount ?? 0;
}

async function untilWritten({ sql }: Stage, deliveries: number): Promise<void> {
  const count = `SELECT count(*)::int AS n FROM webhook_deliveries WHERE state = 'delivered'`;
  for (const deadline = performance.now() + STUCK_AFTER_MS; ; await sleep(SAMPLE_MS)) {
    const { rows } = await sql.query<{ n: number }>(count);
    if (rows[0]?.n === deliveries) return;
    if (performance.now() > deadline) throw new Error(`${rows[0]?.n} of ${deliveries} are written down as delivered`);
  }
}

/** Of its own merchant's as many as one may have beside it; the rest is others'. Each on a server of its own. */
const HANGING_OWN = 15;
const HANGING_OTHERS = 35;
const OTHERS = 5;
/** Enough for each to have several in flight, and to be found failing over several subjects. */
const WAITING_FOR_EACH = 10;
const EVENTS_PER_SECOND = 10;
const LATEST_MS = 60_000;

/** @param seconds above a minute: until the limit of a send has passed several times, and the hanging ones are found failing. */
export async function measureLag(seconds: number, say: (line: string) => void): Promise<LagResult> {
  const stage = await openStage();
  const receivers: Receiver[] = [];
  const open = async (...answer: Parameters<typeof startReceiver>) => {
    const receiver = await startReceiver(...answer);
    receivers.push(receiver);
    return receiver;
  };
  try {
    const merchant = await stage.merchant();
    const healthy = await open();
    await stage.endpoint(merchant, healthy.url);
    const quiet = await lagOf(stage, merchant, healthy, Math.ceil(seconds / 3));
    say(`quiet: p99 ${quiet.lag.p99.toFixed(0)} ms behind`);

    for (let nth = 0; nth < HANGING_OWN; nth += 1) await stage.endpoint(merchant, (await open(neverAnswer)).url);
    for (let other = 0; other < OTHERS; other += 1) {
      const theirs = await stage.merchant();
      for (let nth = 0; nth < HANGING_OTHERS / OTHERS; nth += 1) await stage.endpoint(theirs, (await open(neverAnswer)).url);
      for (let nth = 0; nth < WAITING_FOR_EACH; nth += 1) await stage.payout(theirs);
    }
    const beside = await lagOf(stage, merchant, healthy, seconds);
    say(`beside ${HANGING_OWN + HANGING_OTHERS} that hang: p99 ${beside.lag.p99.toFixed(0)} ms behind`);
    return { quiet, beside };
  } finally {
    await stage.stop();
    for (const receiver of receivers) await receiver.close();
  }
}

async function lagOf(stage: Stage, merchant: string, receiver: Receiver, seconds: number): Promise<Lag> {
  const lags: number[] = [];
  receiver.answer = (_request, response, { body }) => {
    lags.push(now() - Date.parse((JSON.parse(body) as { timestamp: string }).timestamp));
    response.writeHead(200).end();
  };
  const events = seconds * EVENTS_PER_SECOND;
  const from = performance.now();
  const written: Promise<string>[] = [];
  for (let nth = 0; nth < events; nth += 1) {
    const waitMs = from + (nth * 1_000) / EVENTS_PER_SECOND - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    written.push(stage.payout(merchant));
  }
  await Promise.all(written);
  for (const deadline = performance.now() + LATEST_MS; lags.length < events && performance.now() < deadline; ) await sleep(50);
  return { events, lag: spread(lags), arrived: lags.length / events };
}
