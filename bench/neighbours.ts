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
}

export interface NeighboursResult {
  /** ms until the other merchant's payout is paid, after a restart with nothing waiting. */
  readonly restartedQuiet: Spread;
  readonly kinds: readonly Beside[];
}

/** By how its endpoints are dead. */
export interface Beside {
  readonly kind: Kind;
  /** Deliveries that waited when the measuring began. */
  readonly waiting: number;
  /** ms until the other merchant's payout is paid. */
  readonly quiet: Spread;
  readonly beside: Spread;
  readonly restarted: Spread;
  /** Temporal's events a payout: of payouts without endpoints, and of all while the dead ones were tried. */
  readonly events: { readonly quiet: number; readonly beside: number };
}

const KINDS = ['refuses connections', 'accepts and never answers'] as const;
export type Kind = (typeof KINDS)[number];

const ENDPOINTS = 10;
const PER_SECOND = 2; // they do not meet each other
const CONCURRENCY = 20;
const WARM_UP_S = 5;
/** What waits for a removed endpoint is closed in some seconds; where it takes longer, the rest is at rest too. */
const CLOSED_WITHIN_MS = 20_000;

export async function measureNeighbours(plan: NeighboursPlan, say: (line: string) => void): Promise<NeighboursResult> {
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
  const warmUp = () => as('oncepay', (subject) => closedLoop(subject, CONCURRENCY, WARM_UP_S));
  const events = () => temporalEvents(credentials.temporalAddress);
  const restart = async () => {
    await here.stop();
    await here.start();
  };

  async function measureKind(kind: Kind): Promise<Beside> {
    const urls = await deadUrls(kind, closings);
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
    await restart();
    const restarted = await measure();
    for (const remove of removals) await remove();
    await untilDelivered(credentials.databaseUrl, CLOSED_WITHIN_MS);
    const result: Beside = {
      kind,
      waiting,
      quiet: spread(quiet),
      beside: spread(beside),
      restarted: spread(restarted),
      events: {
        quiet: (between - before) / quiet.length,
        beside: (after - between) / (plan.payouts + beside.length),
      },
    };
    const p50 = ({ p50: ms }: Spread) => ms.toFixed(0);
    say(`${kind}, ${waiting} wait: p50 ${p50(result.quiet)} → ${p50(result.beside)} ms, restarted ${p50(result.restarted)} ms`);
    return result;
  }

  try {
    await restart(); // so that what is there and what is cold is as it will be
    const restartedQuiet = spread(await measure());
    say(`restarted with nothing waiting: p50 ${restartedQuiet.p50.toFixed(0)} ms`);
    const kinds: Beside[] = [];
    for (const kind of KINDS) kinds.push(await measureKind(kind));
    return { restartedQuiet, kinds };
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
