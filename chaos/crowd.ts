/** Payouts under way together: watches them from outside, and does what people and banks do meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal } from '../src/payouts/rules/machine.ts';
import type { End, Step } from './behaviours.ts';
import type { PayoutRow } from './books.ts';
import { act } from './deeds.ts';
import type { ReadyOrder } from './order.ts';
import { untilOrStill } from './patience.ts';
import { createRuns } from './runs.ts';
import type { World } from './world.ts';

/** A payout that was taken in. */
export interface Made {
  readonly order: ReadyOrder;
  readonly id: string;
  /** As its behaviour says, unless somebody's deed came too late. */
  readonly ends: End;
}

interface Watched {
  readonly order: ReadyOrder;
  readonly id: string;
  ends: End;
  row: PayoutRow | undefined;
  stepsDone: number;
  /** Asked for, and the answer did not come: it may have been done. */
  asking: Step | undefined;
  /** Runs that there had been when its last step was done. */
  runsBefore: number;
}

export interface Crowd {
  readonly made: readonly Made[];
  /** Since when each payout has been as it must be in the end. */
  readonly ended: ReadonlyMap<string, number>;
  /** By id, as last seen. */
  stateOf(id: string): PayoutRow['state'] | undefined;
  /** Asks for it, again and again until it is taken in. */
  post(order: ReadyOrder): Promise<void>;
  /** Anything that differs once something has moved. */
  moves(): unknown;
  /** Until each payout has ended and nothing about any of them is under way, or nothing moves any more: that is the oracle's business. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const TICK_MS = 150;

export function watchCrowd(world: World): Crowd {
  const { books, customers, here, server } = world;
  const runs = createRuns(here);
  const watched = new Map<string, Watched>();
  const ended = new Map<string, number>();
  let events = 0;
  let asking = 0;
  let isClosed = false;

  async function tick(): Promise<void> {
    const open = [...watched.values()].filter(({ id }) => !ended.has(id));
    if (open.length === 0) return;
    for (const row of await books.payouts(open.map(({ id }) => id))) {
      const each = watched.get(row.id);
      if (each) note(each, row);
    }
    await Promise.allSettled(open.map(takeStep));
    const waiting = open.filter(waitsForARun).length;
    await Promise.allSettled([runs.lookAt(waiting, asking > 0 || open.some(isOnTheWay)), customers.look(open)]);
  }

  function note(each: Watched, row: PayoutRow): void {
    events += row.sequence - (each.row?.sequence ?? 0);
    each.row = row;
    if (!isFinal(row.state)) return;
    const missed = nextStep(each); // a run was quicker than whoever wanted to stop it
    if (missed?.refused && !each.asking) each.ends = missed.refused;
    if (row.state === each.ends && !isDue(missed, row)) ended.set(row.id, performance.now());
  }

  async function takeStep(each: Watched): Promise<void> {
    const step = each.asking ?? dueStep(each);
    if (!step) return;
    each.asking = step;
    const answer = await act(world, each, step);
    each.asking = undefined;
    if (answer === 'refused' && step.refused) each.ends = step.refused;
    each.stepsDone = each.order.behaviour.steps.indexOf(step) + 1;
    each.runsBefore = runs.count;
  }

  const isDue = (step: Step | undefined, { stage, attempt }: PayoutRow): boolean =>
    step !== undefined && stage === step.when && (step.attempt ?? attempt) === attempt;

  const nextStep = ({ order, stepsDone }: Watched): Step | undefined => order.behaviour.steps[stepsDone];

  function dueStep(each: Watched): Step | undefined {
    const step = nextStep(each);
    const { row } = each;
    if (!step || !row || !isDue(step, row)) return undefined;
    return step.afterARun && runs.count === each.runsBefore ? undefined : step;
  }

  function isOnTheWay(each: Watched): boolean {
    const stage = each.row?.stage;
    return stage === undefined || stage === 'IN_REVIEW' || (stage === 'AWAITING_RUN' && !waitsForARun(each));
  }

  function waitsForARun(each: Watched): boolean {
    const step = nextStep(each);
    if (each.row?.stage === 'AWAITING_RUN') return step?.when !== 'AWAITING_RUN';
    return step?.afterARun === true && each.row?.stage === step.when && runs.count === each.runsBefore;
  }

  const moves = () => [watched.size, ended.size, events, server.received.length];

  const ticking = (async () => {
    while (!isClosed) {
      await tick().catch(() => undefined);
      await sleep(TICK_MS);
    }
  })();

  return {
    get made() {
      return [...watched.values()];
    },
    ended,
    stateOf: (id) => watched.get(id)?.row?.state,
    async post(order) {
      asking += 1;
      const id = await customers.post(order).finally(() => {
        asking -= 1;
      });
      watched.set(id, { order, id, ends: order.behaviour.ends, row: undefined, stepsDone: 0, asking: undefined, runsBefore: 0 });
    },
    moves,
    async drain() {
      const psps = Object.values(books.psps);
      let underWay: readonly number[] = [];
      const settled = async () => {
        for (const psp of psps) await psp.hurry(); // of a return that was told in vain nobody knows before that
        if (ended.size < watched.size) return false;
        const ids = [...watched.keys()];
        const atPsps = await Promise.all(psps.map((psp) => psp.pending()));
        underWay = [...atPsps, await books.pendingDeliveries(ids), (await books.workflows('Running')).length];
        return underWay.every((count) => count === 0);
      };
      // A callback that has just been answered may have started a workflow that is not in the list yet: ask twice.
      const quiet = async () => (await settled()) && (await sleep(300, true)) && (await settled());
      await untilOrStill(quiet, { moves: () => [moves(), underWay], everyMs: 300 });
    },
    async close() {
      isClosed = true;
      await ticking;
    },
  };
}
