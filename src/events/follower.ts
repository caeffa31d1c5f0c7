/**
 * The one follower of the events of a process: it reads each new event once and hands it to everybody here who listens, those
 * who wait for a subject and live streams alike. However many listen, the database is asked the same few times a second, and
 * not at all while nobody does.
 *
 * It looks by itself; what it is told meanwhile (src/db/wake.ts) only makes it look at once. Its place outlasts a database
 * that goes away. What an older transaction holds back it hands on as soon as that has ended.
 */
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { eventsAfter, type FollowedEvent, newestPlace } from './follow.ts';

/** A change is seen within this time: nobody feels it, and it costs one small statement ten times a second while somebody listens. */
export const LOOK_MS = 100;
/** From one look to the next, whatever it is told: a busy installation tells forty times a second, for each of its workers. */
const GAP_MS = 20;
/** After a look that failed: a database that is away or coming back is not asked ten times a second. */
const LOOK_AGAIN_MS = 1_000;
/** More than happens between two looks of a busy installation; where more has happened, the next page is read at once. */
const PAGE = 1_000;
/** Handed on in one go. */
const SLICE = 100;

export interface FollowerOptions {
  readonly pool: Pick<Pool, 'query'>;
  /** Calls back for each hint that events were written, until it is stopped. */
  readonly hearWakes?: (onWake: () => void, stopped: AbortSignal) => Promise<void>;
  /** The first of several looks in a row that came to nothing. */
  readonly onLookFailed: (error: unknown) => void;
}

export interface Listener {
  /** Is there anybody to hand on to? While there is nobody anywhere, nothing is asked. */
  isListening(): boolean;
  /** The next events, in order, each once; `place()` is that of the last of them by now. Throws nothing. */
  hear(events: readonly FollowedEvent[]): void;
  /** After each look. */
  afterLook?(): Promise<void>;
}

export interface Follower {
  add(listener: Listener): void;
  /**
   * Follows, if it did not; resolves once its place is known. Whoever calls it listens already.
   * @throws what the database did.
   */
  follow(): Promise<void>;
  /** Up to here everything was handed on, and not more. While somebody listens it only goes forward. */
  place(): string;
  /** Resolves once it has ended, and with it the last look. */
  close(): Promise<void>;
}

export function createFollower({ pool, hearWakes, onLookFailed }: FollowerOptions): Follower {
  const listeners: Listener[] = [];
  const closing = new AbortController();
  /** While it runs: its place is known, it has ended. */
  let run: { readonly begun: Promise<void>; readonly ended: Promise<void> } | undefined;
  let place: string | undefined;
  let hearing: Promise<void> | undefined;
  const hint = hints();

  const isListening = (): boolean => listeners.some((listener) => listener.isListening());

  function stopped(): void {
    run = undefined;
  }

  async function begin(): Promise<void> {
    place = await newestPlace(pool);
  }

  async function loop(): Promise<void> {
    let isAway = false;
    for (;;) {
      if (isAway) await sleep(LOOK_AGAIN_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      else await hint.orAfter(LOOK_MS, closing.signal);
      if (!isListening() || closing.signal.aborted) return stopped(); // in one breath: whoever comes next begins anew
      try {
        await look();
        for (const listener of listeners) await listener.afterLook?.();
        isAway = false;
      } catch (error) {
        if (!isAway && !closing.signal.aborted) onLookFailed(error);
        isAway = true;
      }
    }
  }

  async function look(): Promise<void> {
    for (let isMore = true; isMore && isListening(); ) {
      const events = await eventsAfter(pool, place, PAGE);
      for (let first = 0; first < events.length; first += SLICE) {
        const slice = events.slice(first, first + SLICE);
        place = slice.at(-1)?.place ?? place;
        for (const listener of listeners) listener.hear(slice);
        await setImmediate(); // what was written gets on its way, and everybody else has a turn
      }
      isMore = events.length === PAGE;
    }
  }

  return {
    add(listener) {
      listeners.push(listener);
    },
    async follow() {
      hearing ??= hearWakes?.(hint.give, closing.signal);
      if (!run) {
        const begun = begin();
        run = { begun, ended: begun.then(loop, stopped) };
      }
      await run.begun;
    },
    place() {
      if (place === undefined) throw new Error('nobody follows yet');
      return place;
    },
    async close() {
      closing.abort();
      await run?.ended;
      await hearing;
    },
  };
}

/** Hints that come one by one or by the dozen: the next look is at once, but not sooner than GAP_MS after the last. */
function hints(): { give(): void; orAfter(ms: number, stopped: AbortSignal): Promise<void> } {
  let isGiven = false;
  let look = (): void => undefined;
  return {
    give() {
      isGiven = true;
      look();
    },
    async orAfter(ms, stopped) {
      await sleep(GAP_MS);
      if (!isGiven && !stopped.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, ms - GAP_MS);
          look = done;
          stopped.addEventListener('abort', done);
          function done(): void {
            clearTimeout(timer);
            stopped.removeEventListener('abort', done);
            look = () => undefined;
            resolve();
          }
        });
      }
      isGiven = false;
    },
  };
}
