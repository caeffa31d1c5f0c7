/** Payouts from the request to SUCCESS, beside the floor, in turns: what the machine does meanwhile meets both. */
import { Client, Connection } from '@temporalio/client';
import { installation } from '../harness/installation.ts';
import { type Receiver, startReceiver } from '../harness/receiver.ts';
import { median, type Spread, spread } from './clock.ts';
import { closedLoop, type Measured, openLoop } from './loads.ts';
import { cpuMs, cpuMsOf, PROCESSES, type ProcessName, residentMb } from './processes.ts';
import { type StoreRequests, storeRequests } from './serverStore.ts';
import { oncepay, type Subject, startFloor } from './subjects.ts';

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
  readonly perSecond: number;
  readonly floorPerSecond: number;
  readonly open: readonly OpenResult[];
  readonly cpuMsPerPayout: Record<ProcessName, number>;
  readonly floorCpuMs: FloorCpu;
  readonly payouts: number;
  readonly memoryMb: Record<ProcessName, number>;
  readonly shape: Shape;
  readonly floorShape: Shape;
  /** Of the Temporal server to its database, a payout. */
  readonly store: Record<Subject['name'], StoreRequests>;
  /** With a webhook for each of the three events of a payout. */
  readonly webhooks: { readonly perSecond: number; readonly lag: Spread; readonly arrived: number };
}

/** What the floor takes for one: Temporal's server and the SDK in a worker. */
export interface FloorCpu {
  readonly worker: number;
  readonly temporal: number;
}

export interface Shape {
  readonly events: number;
  readonly workflowTasks: number;
}

const CONCURRENCY = 50;
/** Until both have been compiled by V8: a payout of the first seconds costs half as much again. */
const WARM_UP_S = 15;

export async function measurePayouts(plan: Plan, say: (line: string) => void): Promise<PayoutsResult> {
  say('starting an installation');
  const here = await installation({ RATE_LIMIT_PER_SECOND: '100000', LOG_LEVEL: 'warn' });
  const closings: (() => Promise<unknown>)[] = [() => here.remove()];
  try {
    const ours = oncepay(here.credentials);
    closings.push(() => ours.close());
    const floor = await startFloor(here.credentials);
    closings.push(() => floor.close());
    let total = 0;
    const counted = async (measured: Promise<Measured>): Promise<Measured> => {
      total += (await measured).paid;
      return await measured;
    };

    for (const subject of [ours, floor]) await closedLoop(subject, CONCURRENCY, WARM_UP_S);
    const closed: Record<Subject['name'], number[]> = { oncepay: [], floor: [] };
    const cpu: Record<ProcessName, number>[] = [];
    const floorCpu: FloorCpu[] = [];
    const cpuNow = () => ({ ...cpuMs(here.home), floor: cpuMsOf(floor.pid) });
    const stores: Record<Subject['name'], StoreRequests[]> = { oncepay: [], floor: [] };
    for (let round = 1; round <= plan.rounds; round += 1) {
      for (const subject of [ours, floor]) {
        const stored = await storeRequests(here.home);
        const before = cpuNow();
        const measured = await closedLoop(subject, CONCURRENCY, plan.seconds);
        const after = cpuNow();
        closed[subject.name].push(measured.perSecond);
        stores[subject.name].push(perPayout(stored, await storeRequests(here.home), measured.paid));
        say(`closed loop, round ${round}: ${subject.name} ${measured.perSecond.toFixed(1)}/s`);
        const used = (name: ProcessName | 'floor') => (after[name] - before[name]) / measured.paid;
        if (subject === floor) floorCpu.push({ worker: used('floor'), temporal: used('temporal') });
        else {
          total += measured.paid;
          cpu.push(perProcess(used));
        }
      }
    }

    const open: OpenResult[] = [];
    for (const rate of plan.rates) {
      const all = { oncepay: [] as Measured[], floor: [] as Measured[] };
      for (let round = 1; round <= plan.rounds; round += 1) {
        all.oncepay.push(await counted(openLoop(ours, rate, plan.seconds)));
        all.floor.push(await openLoop(floor, rate, plan.seconds));
      }
      const of = (name: Subject['name'], field: 'acceptMs' | 'paidMs') => spread(all[name].flatMap((each) => each[field]));
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
    const memoryMb = residentMb(here.home);
    const receiver = await startReceiver();
    closings.push(() => receiver.close());
    const webhooks = await withWebhooks(oncepay(here.credentials, receiver.url), receiver, plan.seconds);
    say(`with webhooks: ${webhooks.perSecond.toFixed(1)}/s, p99 ${webhooks.lag.p99.toFixed(0)} ms behind`);
    return {
      perSecond: median(closed.oncepay),
      floorPerSecond: median(closed.floor),
      open,
      floorCpuMs: {
        worker: median(floorCpu.map((each) => each.worker)),
        temporal: median(floorCpu.map((each) => each.temporal)),
      },
      cpuMsPerPayout: perProcess((name) => median(cpu.map((each) => each[name]))),
      payouts: total,
      memoryMb,
      shape: await shapeOf(here.credentials.temporalAddress, 'payout', ours),
      floorShape: await shapeOf(here.credentials.temporalAddress, 'floor', floor),
      store: { oncepay: middle(stores.oncepay), floor: middle(stores.floor) },
      webhooks,
    };
  } finally {
    for (const close of closings.reverse()) await close();
  }
}

const perProcess = (of: (name: ProcessName) => number): Record<ProcessName, number> =>
  Object.fromEntries(PROCESSES.map((name) => [name, of(name)])) as Record<ProcessName, number>;

const perPayout = (before: StoreRequests, after: StoreRequests, paid: number): StoreRequests => ({
  writes: (after.writes - before.writes) / paid,
  reads: (after.reads - before.reads) / paid,
});

const middle = (all: readonly StoreRequests[]): StoreRequests => ({
  writes: median(all.map(({ writes }) => writes)),
  reads: median(all.map(({ reads }) => reads)),
});

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

/** Created, processing, succeeded. */
const EVENTS_A_PAYOUT = 3;
const ALL_ARRIVED_WITHIN_MS = 60_000;

async function withWebhooks(subject: Subject, receiver: Receiver, seconds: number): Promise<PayoutsResult['webhooks']> {
  const lags: number[] = [];
  receiver.answer = (_request, response, { body }) => {
    lags.push(Date.now() - Date.parse((JSON.parse(body) as { timestamp: string }).timestamp));
    response.writeHead(200).end();
  };
  const { perSecond, paid } = await closedLoop(subject, CONCURRENCY, seconds);
  const deadline = Date.now() + ALL_ARRIVED_WITHIN_MS;
  while (lags.length < paid * EVENTS_A_PAYOUT && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  await subject.close();
  return { perSecond, lag: spread(lags), arrived: lags.length / (paid * EVENTS_A_PAYOUT) };
}
