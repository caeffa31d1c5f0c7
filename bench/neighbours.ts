/** One merchant's payouts beside another's whose endpoints are dead, and after a restart that finds its backlog. */
import { freePorts } from '../harness/freePorts.ts';
import { installation } from '../harness/installation.ts';
import { neverAnswer, startReceiver } from '../harness/receiver.ts';
import { type Spread, spread } from './clock.ts';
import { addEndpoint, untilDelivered } from './endpoints.ts';
import { temporalEvents } from './histories.ts';
import { closedLoop, openLoop, payMany } from './loads.ts';
import { oncepay, type Subject } from './subjects.ts';

export interface NeighboursPlan {
  /** Of the merchant whose endpoints are dead. */
  readonly payouts: number;
  /** The other one's are measured for so long each time. */
  readonly seconds: number;
  /** Until all have been compiled by V8. */
  readonly warmUpSeconds: number;
}

/** By how its endpoints are dead. */
export interface Beside {
  readonly kind: Kind;
  /** Deliveries that waited when the measuring began. */
  readonly waiting: number;
  /** ms until the other merchant's payout is paid: with nothing waiting, and with the backlog; and each of them right after a restart. */
  readonly quiet: Spread;
  readonly beside: Spread;
  readonly quietRestarted: Spread;
  readonly besideRestarted: Spread;
  /** Temporal's events a payout: of payouts without endpoints, and of all while the dead ones were tried. */
  readonly events: { readonly quiet: number; readonly beside: number };
}

const KINDS = ['refuses connections', 'accepts and never answers'] as const;
export type Kind = (typeof KINDS)[number];

const ENDPOINTS = 10;
const PER_SECOND = 2; // they do not meet each other
const CONCURRENCY = 20;
/** What waits for a removed endpoint is closed in some seconds; where it takes longer, the rest is at rest too. */
const CLOSED_WITHIN_MS = 20_000;

export async function measureNeighbours(plan: NeighboursPlan, say: (line: string) => void): Promise<Beside[]> {
  say('starting an installation');
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  const closings: (() => Promise<unknown>)[] = [() => here.remove()];
  const { credentials } = here;
  /** Anew each time: a restart cuts its connections. */
  const as = async <T>(name: 'oncepay' | 'with endpoints', work: (subject: Subject) => Promise<T>): Promise<T> => {
    const subject = oncepay(credentials, name);
    try {
      return await work(subject);
    } finally {
      await subject.close();
    }
  };
  const measure = () => as('oncepay', async (subject) => (await openLoop(subject, PER_SECOND, plan.seconds)).paidMs);
  const warmUp = () => as('oncepay', (subject) => closedLoop(subject, CONCURRENCY, plan.warmUpSeconds));
  const events = () => temporalEvents(credentials.temporalAddress);
  const measureRestarted = async () => {
    await here.stop();
    await here.start();
    return await measure();
  };

  async function measureKind(kind: Kind): Promise<Beside> {
    const urls = await deadUrls(kind, closings);
    const quietRestarted = await measureRestarted();
    await warmUp();
    const before = await events();
    const quiet = await measure();
    const between = await events();
    const leftOver = await untilDelivered(credentials.databaseUrl, 0);
    const removals = await Promise.all(urls.map((url) => addEndpoint(here, url)));
    await as('with endpoints', (subject) => payMany(subject, plan.payouts, CONCURRENCY));
    const waiting = (await untilDelivered(credentials.databaseUrl, 0)) - leftOver;
    const beside = await measure();
    const after = await events();
    const besideRestarted = await measureRestarted();
    for (const remove of removals) await remove();
    await untilDelivered(credentials.databaseUrl, CLOSED_WITHIN_MS);
    const p50 = (times: readonly number[]) => spread(times).p50.toFixed(0);
    say(
      `${kind}, ${waiting} wait: p50 ${p50(quiet)} → ${p50(beside)} ms, restarted ${p50(quietRestarted)} → ${p50(besideRestarted)} ms`,
    );
    return {
      kind,
      waiting,
      quiet: spread(quiet),
      beside: spread(beside),
      quietRestarted: spread(quietRestarted),
      besideRestarted: spread(besideRestarted),
      events: {
        quiet: (between - before) / quiet.length,
        beside: (after - between) / (plan.payouts + beside.length),
      },
    };
  }

  try {
    await warmUp(); // what a restart finds is then the same each time
    const kinds: Beside[] = [];
    for (const kind of KINDS) kinds.push(await measureKind(kind));
    return kinds;
  } finally {
    for (const close of closings.reverse()) await close();
  }
}

async function deadUrls(kind: Kind, closings: (() => Promise<unknown>)[]): Promise<string[]> {
  if (kind === 'refuses connections') return (await freePorts(ENDPOINTS)).map((port) => `http://127.0.0.1:${port}/hooks`);
  const receivers = await Promise.all(Array.from({ length: ENDPOINTS }, () => startReceiver(neverAnswer)));
  closings.push(...receivers.map(({ close }) => close));
  return receivers.map(({ url }) => url);
}
