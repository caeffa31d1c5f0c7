/** A receiver that is ours for the moment: what we have of it in our hands, and how it does. */
import type { Lease, ToSend } from './books.ts';
import type { Health } from './rules/health.ts';
import { WINDOW_FIRST } from './rules/window.ts';

export interface Lane {
  readonly id: string;
  readonly merchantId: string;
  readonly epoch: number;
  /** By `performance.now()`; the lease is ours at least until then. */
  leaseUntil: number;
  health: Health;
  /** `health` is not written down yet. */
  isChanged: boolean;
  /** Why its endpoint is to be switched off. */
  disable: string | null;
  window: number;
  /** Taken, not begun. Of each subject one. */
  queue: ToSend[];
  /** Subjects of which one is being sent. */
  readonly sending: Set<string>;
  /** Subjects of which a try is not written down yet. */
  readonly unwritten: Set<string>;
  /** Subjects that are left alone until a time, for a trouble of our own. */
  readonly aside: Map<string, number>;
  /** Since when there is nothing to do for it, by `performance.now()`. */
  idleSince: number | null;
}

/** How far ahead of what is in flight we take: enough until the next turn at twenty milliseconds an answer. */
const AHEAD = 4;

/** Between bursts of a busy merchant's events: leasing is a write. */
const LINGER_MS = 2_000;

export const openLane = ({ id, merchantId, epoch, health }: Lease): Lane => ({
  id,
  merchantId,
  epoch,
  leaseUntil: 0,
  health,
  isChanged: false,
  disable: null,
  window: WINDOW_FIRST,
  queue: [],
  sending: new Set(),
  unwritten: new Set(),
  aside: new Map(),
  idleSince: null,
});

export const busySubjects = ({ queue, sending, unwritten, aside }: Lane): string[] => [
  ...queue.map(({ subjectId }) => subjectId),
  ...sending,
  ...unwritten,
  ...aside.keys(),
];

export function roomOf(lane: Lane): number {
  const inHand = lane.queue.length + lane.sending.size;
  if (lane.health.failing) return inHand + lane.unwritten.size === 0 ? 1 : 0;
  return Math.max(0, AHEAD * lane.window - inHand);
}

/** The next to be sent, if one may be begun now. @param sendMs what a send may take: the lease must last as long. */
export function nextOf(lane: Lane, nowMs: number, sendMs: number): ToSend | undefined {
  const window = lane.health.failing ? 1 : lane.window;
  if (lane.sending.size >= window || lane.leaseUntil - nowMs < sendMs) return undefined;
  return lane.queue[0];
}

/** Whether to let it go: there is nothing to do, and has not been for a while. A failing one has nothing to do until its next probe. */
export function isOver(lane: Lane, nowMs: number): boolean {
  if (lane.queue.length + lane.sending.size + lane.unwritten.size + lane.aside.size > 0) {
    lane.idleSince = null;
    return false;
  }
  lane.idleSince ??= nowMs;
  return lane.health.failing !== null || nowMs - lane.idleSince >= LINGER_MS;
}
