/** Subjects under way together: watches them from outside, and lets people and banks do meanwhile what they do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { untilOrStill } from './patience.ts';
import type { Cast, Made, Order, Seen, Step, Watched } from './scenario.ts';
import type { World } from './world.ts';

interface UnderWay extends Made {
  ends: string;
  seen: Seen | undefined;
  stepsDone: number;
  /** Asked for, and the answer did not come: it may have been done. */
  asking: Step | undefined;
}

export interface Crowd {
  readonly made: readonly Made[];
  /** Since when each has been as it must be in the end. */
  readonly ended: ReadonlyMap<string, number>;
  /** By id, as last seen. */
  stageOf(id: string): string | undefined;
  /** Asks for it, again and again until it is taken in. */
  post(cast: Cast, order: Order): Promise<void>;
  /** Anything that differs once something has moved. */
  moves(): unknown;
  /** Until each has ended and nothing about any of them is under way, or nothing moves any more: that is the oracle's business. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const TICK_MS = 150;

export function watchCrowd(world: World): Crowd {
  const { books, casts, customers, server } = world;
  const watched = new Map<string, UnderWay>();
  const ended = new Map<string, number>();
  /** Who asks, and has no answer yet. */
  const asking = new Map<Cast, number>();
  /** Of whom somebody is doing something. */
  const acting = new Set<string>();
  let events = 0;
  let isClosed = false;

  async function tick(): Promise<void> {
    const open = [...watched.values()].filter(({ id }) => !ended.has(id));
    if (open.length === 0) return;
    await Promise.all(casts.map((cast) => look(cast, open)));
    for (const each of open) void beginStep(each);
    await Promise.allSettled(casts.map((cast) => cast.attend(ofCast(cast, open).map(shown), (asking.get(cast) ?? 0) > 0)));
  }

  const ofCast = (cast: Cast, open: readonly UnderWay[]): readonly UnderWay[] => open.filter((each) => each.cast === cast);

  const shown = (each: UnderWay): Watched => ({ id: each.id, order: each.order, seen: each.seen, next: nextStep(each) });

  async function look(cast: Cast, open: readonly UnderWay[]): Promise<void> {
    const ids = ofCast(cast, open).map(({ id }) => id);
    if (ids.length === 0) return;
    for (const seen of await cast.see(ids)) {
      const each = watched.get(seen.id);
      if (each) note(each, seen);
    }
  }

  function note(each: UnderWay, seen: Seen): void {
    events += seen.sequence - (each.seen?.sequence ?? 0);
    each.seen = seen;
    if (!isEnd(each.cast, seen.stage)) return;
    const missed = nextStep(each); // a run was quicker than whoever wanted to stop it
    if (missed?.refused && !each.asking) each.ends = missed.refused;
    if (seen.stage === each.ends && !isDue(missed, seen)) ended.set(seen.id, performance.now());
  }

  /** Not waited for: whoever is held at a step keeps nobody else from theirs. */
  async function beginStep(each: UnderWay): Promise<void> {
    if (acting.has(each.id)) return;
    acting.add(each.id);
    await takeStep(each).catch(() => undefined); // asked again
    acting.delete(each.id);
  }

  async function takeStep(each: UnderWay): Promise<void> {
    const step = each.asking ?? dueStep(each);
    if (!step) return;
    each.asking = step;
    const answer = await each.cast.act(each, step);
    each.asking = undefined;
    if (answer === 'refused' && step.refused) each.ends = step.refused;
    each.stepsDone = each.order.behaviour.steps.indexOf(step) + 1;
  }

  const isDue = (step: Step | undefined, { stage, attempt }: Seen): boolean =>
    step !== undefined && stage === step.when && (step.attempt ?? attempt) === attempt;

  const nextStep = ({ order, stepsDone }: UnderWay): Step | undefined => order.behaviour.steps[stepsDone];

  function dueStep(each: UnderWay): Step | undefined {
    const step = nextStep(each);
    const { seen, cast } = each;
    if (!step || !seen || !isDue(step, seen)) return undefined;
    return (cast.isTime?.(each, step) ?? true) ? step : undefined;
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
    stageOf: (id) => watched.get(id)?.seen?.stage,
    async post(cast, order) {
      const count = (by: number) => asking.set(cast, (asking.get(cast) ?? 0) + by);
      count(1);
      const id = await customers.post(order).finally(() => count(-1));
      const { ends } = order.behaviour;
      watched.set(id, { cast, order, id, ends, seen: undefined, stepsDone: 0, asking: undefined });
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
        underWay = [...atPsps, await books.pendingDeliveries(ids), (await books.openWorkflows()).length];
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

export const isEnd = ({ scenario }: Cast, stage: string): boolean => Object.hasOwn(scenario.ends, stage);
