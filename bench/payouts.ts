/** Payouts from the request to SUCCESS, with an endpoint and without, beside the floor, in turns: what the machine does meanwhile meets all. */
import { Client, Connection } from '@temporalio/client';
import { type Installation, installation } from '../harness/installation.ts';
import { startReceiver } from '../harness/receiver.ts';
import { median, now, type Spread, spread } from './clock.ts';
import { addEndpoint, untilDelivered } from './endpoints.ts';
import { temporalEvents } from './histories.ts';
import { closedLoop, type Measured, openLoop } from './loads.ts';
import { cpuMs, cpuMsOf, PROCESSES, type ProcessName, residentMb } from './processes.ts';
import { type StoreRequests, storeRequests } from './serverStore.ts';
import { type Floor, oncepay, type Subject, startFloor } from './subjects.ts';

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly rates: readonly number[];
  /** The memory is read after so many payouts. */
  readonly payouts: number;
}

export interface OpenResult {
  readonly rate: number;
  readonly accept: Spread;
  readonly paid: Spread;
  readonly floorAccept: Spread;
  readonly floorPaid: Spread;
}

export interface PayoutsResult {
  /** The medians of the rounds. */
  readonly closed: Readonly<Record<Subject['name'], Closed>>;
  readonly open: readonly OpenResult[];
  readonly payouts: number;
  readonly memoryMb: Record<ProcessName, number>;
  readonly shape: Shape;
  readonly floorShape: Shape;
  /** Three of each payout, to one endpoint: behind their events, and how many of them came. */
  readonly webhooks: { readonly lag: Spread; readonly arrived: number };
}

/** In the closed loop. All but `perSecond` until the last webhook was delivered, and for one payout. */
export interface Closed {
  readonly perSecond: number;
  readonly cpuMs: Record<ProcessName | 'floor', number>;
  /** Of the Temporal server to its database. */
  readonly store: StoreRequests;
  /** In Temporal's histories. */
  readonly events: number;
}

export interface Shape {
  readonly events: number;
  readonly workflowTasks: number;
}

const CONCURRENCY = 50;
/** Until all have been compiled by V8: a payout of the first seconds costs half as much again. */
const WARM_UP_S = 15;
/** Created, processing, succeeded. */
const EVENTS_A_PAYOUT = 3;
const DELIVERED_WITHIN_MS = 60_000;

export async function measurePayouts(plan: Plan, say: (line: string) => void): Promise<PayoutsResult> {
  say('starting an installation');
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  const closings: (() => Promise<unknown>)[] = [() => here.remove()];
  try {
    const ours = oncepay(here.credentials);
    closings.push(() => ours.close());
    const withEndpoint = oncepay(here.credentials, 'with endpoints');
    closings.push(() => withEndpoint.close());
    const floor = await startFloor(here.credentials);
    closings.push(() => floor.close());
    const lags: number[] = [];
    const receiver = await startReceiver((_request, response, { body }) => {
      receiver.received.length = 0; // thousands, and nobody asks for them
      lags.push(now() - Date.parse((JSON.parse(body) as { timestamp: string }).timestamp));
      response.writeHead(200).end();
    });
    closings.push(() => receiver.close());
    await addEndpoint(here, receiver.url);

    let total = 0;
    const counted = async (measured: Promise<Measured>): Promise<Measured> => {
      total += (await measured).paid;
      return await measured;
    };
    const delivered = () => untilDelivered(here.credentials.databaseUrl, DELIVERED_WITHIN_MS);

    const subjects = [ours, withEndpoint, floor];
    for (const subject of subjects) await closedLoop(subject, CONCURRENCY, WARM_UP_S);
    await delivered();
    lags.length = 0;
    const closed: Record<Subject['name'], Closed[]> = { oncepay: [], 'with endpoints': [], floor: [] };
    let announced = 0;
    for (let round = 1; round <= plan.rounds; round += 1) {
      for (const subject of subjects) {
        let perSecond = 0;
        const use = await useOf(here, floor, async () => {
          const measured = await closedLoop(subject, CONCURRENCY, plan.seconds);
          perSecond = measured.perSecond;
          const waiting = subject === withEndpoint ? await delivered() : 0; // the next one must not pay for them
          if (waiting > 0) say(`${waiting} webhooks are not delivered a minute later`);
          if (subject === withEndpoint) announced += measured.paid * EVENTS_A_PAYOUT;
          if (subject !== floor) total += measured.paid;
          return measured.paid;
        });
        closed[subject.name].push({ perSecond, ...use });
        say(`closed loop, round ${round}: ${subject.name} ${perSecond.toFixed(1)}/s`);
      }
    }
    const webhooks = { lag: spread(lags), arrived: lags.length / announced };
    say(`webhooks: p99 ${webhooks.lag.p99.toFixed(0)} ms behind`);

    const open: OpenResult[] = [];
    for (const rate of plan.rates) {
      const all = { oncepay: [] as Measured[], floor: [] as Measured[] };
      for (let round = 1; round <= plan.rounds; round += 1) {
        all.oncepay.push(await counted(openLoop(ours, rate, plan.seconds)));
        all.floor.push(await openLoop(floor, rate, plan.seconds));
      }
      const of = (name: keyof typeof all, field: 'acceptMs' | 'paidMs') => spread(all[name].flatMap((each) => each[field]));
      const result = {
        rate,
        accept: of('oncepay', 'acceptMs'),
        paid: of('oncepay', 'paidMs'),
        floorAccept: of('floor', 'acceptMs'),
        floorPaid: of('floor', 'paidMs'),
      };
      open.push(result);
      say(`open loop at ${rate}/s: accepted p99 ${result.accept.p99.toFixed(0)} ms (floor ${result.floorAccept.p99.toFixed(0)})`);
    }

    while (total < plan.payouts) total += (await closedLoop(ours, CONCURRENCY, plan.seconds)).paid;
    return {
      closed: {
        oncepay: middle(closed.oncepay),
        'with endpoints': middle(closed['with endpoints']),
        floor: middle(closed.floor),
      },
      open,
      payouts: total,
      memoryMb: residentMb(here.home),
      shape: await shapeOf(here.credentials.temporalAddress, 'payout', ours),
      floorShape: await shapeOf(here.credentials.temporalAddress, 'floor', floor),
      webhooks,
    };
  } finally {
    for (const close of closings.reverse()) await close();
  }
}

/** What it takes for one payout. @param work until its last webhook; how many were paid. */
async function useOf(here: Installation, floor: Floor, work: () => Promise<number>): Promise<Omit<Closed, 'perSecond'>> {
  const { temporalAddress } = here.credentials;
  const cpuNow = (): Closed['cpuMs'] => ({ ...cpuMs(here.home), floor: cpuMsOf(floor.pid) });
  // To list the workflows is work itself: the first thing before, and the last one after.
  const events = await temporalEvents(temporalAddress);
  const { writes, reads } = await storeRequests(here.home);
  const cpu = cpuNow();
  const paid = await work();
  const cpuAfter = cpuNow();
  const stored = await storeRequests(here.home);
  return {
    cpuMs: perProcess((name) => (cpuAfter[name] - cpu[name]) / paid),
    store: { writes: (stored.writes - writes) / paid, reads: (stored.reads - reads) / paid },
    events: ((await temporalEvents(temporalAddress)) - events) / paid,
  };
}

const perProcess = (of: (name: keyof Closed['cpuMs']) => number): Closed['cpuMs'] =>
  Object.fromEntries([...PROCESSES, 'floor' as const].map((name) => [name, of(name)])) as Closed['cpuMs'];

function middle(rounds: readonly Closed[]): Closed {
  const of = (value: (each: Closed) => number) => median(rounds.map(value));
  return {
    perSecond: of(({ perSecond }) => perSecond),
    cpuMs: perProcess((name) => of(({ cpuMs }) => cpuMs[name])),
    store: { writes: of(({ store }) => store.writes), reads: of(({ store }) => store.reads) },
    events: of(({ events }) => events),
  };
}

async function shapeOf(address: string, prefix: 'payout' | 'floor', subject: Subject): Promise<Shape> {
  const id = await subject.accept();
  const connection = await Connection.connect({ address });
  const handle = new Client({ connection }).workflow.getHandle(`${prefix}/${id}`);
  await handle.result().catch(() => undefined); // its result may be encrypted; only its end is waited for
  const { events } = await handle.fetchHistory();
  await connection.close();
  const workflowTasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).length;
  return { events: (events ?? []).length, workflowTasks };
}
