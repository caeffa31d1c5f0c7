/**
 * Does this worker get anywhere? It polls and beats also while tasks that never end hold all its slots: then another
 * merchant's payout waits, and nothing else would say so. The Temporal SDK's own metrics tell how many slots are free.
 */
import { Gauge, type Registry } from 'prom-client';
import type { JobCounts } from './jobs.ts';

const LOOK_EVERY_MS = 2_000;
const SCRAPE_MS = 1_500; // below the time between two looks

/** Without a free slot and without an end of anything for so long. */
const STUCK_AFTER_MS = {
  // A step of a payout is a local activity of milliseconds; its few tries take seconds.
  WorkflowWorker: 20_000,
  // Above the longest that one activity may be at it: 30 s for a PSP.
  ActivityWorker: 60_000,
} as const;

type SlotKind = keyof typeof STUCK_AFTER_MS;

export interface Slots {
  readonly queue: string;
  readonly kind: SlotKind;
  readonly free: number;
  /** A number that grows when something of this kind comes to an end. */
  readonly ended: number;
}

/** Remembers what it was shown, and says which slots have stood still for too long. */
export function slotJudge() {
  const moved = new Map<string, { readonly atMs: number; readonly ended: number }>();
  return (seen: readonly Slots[], nowMs: number): readonly string[] =>
    seen.flatMap(({ queue, kind, free, ended }) => {
      const name = `${queue}/${kind}`;
      const before = moved.get(name);
      if (!before || free > 0 || ended !== before.ended) {
        moved.set(name, { atMs: nowMs, ended });
        return [];
      }
      return nowMs - before.atMs >= STUCK_AFTER_MS[kind] ? [name] : [];
    });
}

/** From Prometheus's text. Gauges of Core are named so, whatever else changes around them. */
export function readSlots(metrics: string, jobs: Pick<JobCounts, 'total'>): readonly Slots[] {
  return metrics.split('\n').flatMap((line) => {
    const [, labels = '', free = ''] = /^temporal_worker_task_slots_available\{(.*)\} ([0-9]+)$/.exec(line) ?? [];
    const queue = /task_queue="([^"]*)"/.exec(labels)?.[1];
    const kind = /worker_type="(WorkflowWorker|ActivityWorker)"/.exec(labels)?.[1] as SlotKind | undefined;
    if (queue === undefined || kind === undefined) return [];
    const { done, failed } = jobs.total(queue);
    // A step that fails and is tried again holds its workflow's slot: only one that is done frees it.
    const ended = kind === 'WorkflowWorker' ? done : done + failed;
    return [{ queue, kind, free: Number.parseInt(free, 10), ended }];
  });
}

export interface SlotWatch {
  /** Which slots get nowhere, such as `payouts/WorkflowWorker`. */
  stuck(): readonly string[];
  stop(): void;
}

/** @param url where the SDK tells its metrics; undefined: they could not be had, and nothing is ever called stuck. */
export function watchSlots(url: string | undefined, jobs: JobCounts, registry: Registry): SlotWatch {
  const judge = slotJudge();
  let stuck: readonly string[] = [];
  async function look(address: string): Promise<void> {
    const answer = await fetch(address, { signal: AbortSignal.timeout(SCRAPE_MS) });
    stuck = judge(readSlots(await answer.text(), jobs), performance.now());
  }
  const timer = setInterval(() => {
    if (url !== undefined) look(url).catch(() => undefined); // the next look is in two seconds
  }, LOOK_EVERY_MS);
  timer.unref();
  new Gauge({
    name: 'oncepay_worker_slots_stuck',
    help: '1 for each kind of slot that is held by tasks which do not end. Alert on any.',
    labelNames: ['slots'],
    registers: [registry],
    collect() {
      this.reset();
      for (const slots of stuck) this.set({ slots }, 1);
    },
  });
  return { stuck: () => stuck, stop: () => clearInterval(timer) };
}
