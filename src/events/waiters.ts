/**
 * Requests that wait for the next event of a subject, all served by one follower of the events a process: however many wait,
 * the database is asked the same few times a second, and not at all while nobody does.
 *
 * No change is missed between reading and waiting. Who waits is listed first, then the follower's place is known, then the
 * subject is read: what was committed before the place was taken is read, what is committed later lies beyond it and wakes.
 * The place outlasts a database that goes away. What the follower does not see in time (an older transaction holds it back, the
 * database is away, or was restored and has not begun its new epoch), whoever waits reads at the end of their time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { eventsAfter, newestPlace } from './follow.ts';
import type { Subject } from './reads.ts';
import { turns } from './turns.ts';

/** A change is seen within this time: nobody feels it, and it costs one small statement ten times a second while somebody waits. */
const LOOK_MS = 100;
/** After a look that failed: a database that is away or coming back is not asked ten times a second. */
const LOOK_AGAIN_MS = 1_000;
/** More than happens between two looks of a busy installation; where more has happened, the next page is read at once. */
const PAGE = 1_000;
/** All may be woken at once: half of the connections that a process has by default stay for those who do not wait. */
const READS_AT_ONCE = 8;
/**
 * As long as a call waits for a connection (src/db/pool.ts). Whoever stood in line for so long asks all the same, and is told if
 * the database is away: behind reads that it does not answer nobody would be answered for minutes.
 */
const IN_LINE_MS = 5_000;

export interface WaitersOptions {
  readonly pool: Pick<Pool, 'query'>;
  readonly most: MostWaiters;
  /** Of these ids of subjects that have no event yet, the ones that have come to their end without one. */
  readonly endedUnheard: (ids: readonly string[]) => Promise<readonly string[]>;
  /** The first of several looks in a row that came to nothing. */
  readonly onLookFailed: (error: unknown) => void;
}

/** How many may wait at once. */
export interface MostWaiters {
  readonly ofAKey: number;
  readonly inAll: number;
}

export interface Wait {
  /** Whose key: what is limited. */
  readonly keyId: string;
  readonly subject: Subject;
  readonly waitMs: number;
  /** Aborted when nobody waits for the answer any more. */
  readonly gone: AbortSignal;
}

/** What is waited for, of a subject as `read` shows it. */
export interface Question<Shown> {
  readonly read: () => Promise<Shown>;
  /** Nothing more to wait for. @param first as it was when the waiting began. */
  readonly isAnswer: (now: Shown, first: Shown) => boolean;
  /** It may come to its end without an event. */
  readonly mayEndUnheard: (now: Shown) => boolean;
}

export type Waited<Shown> =
  | { readonly outcome: 'shown'; readonly now: Shown }
  /** So many wait already, of this key or in all. */
  | { readonly outcome: 'too_many'; readonly of: keyof MostWaiters };

export interface Waiters {
  /**
   * Reads until it is what is waited for, or the time is over: then as it is at that moment.
   * @throws what `read` throws, or what the database did when nobody had waited before.
   */
  wait<Shown>(wait: Wait, question: Question<Shown>): Promise<Waited<Shown>>;
  /** Everybody is answered now, and nobody waits from now on; resolves once the follower has ended. */
  close(): Promise<void>;
}

export function createWaiters({ pool, most, endedUnheard, onLookFailed }: WaitersOptions): Waiters {
  const waiting = new Set<Waiter>();
  const closing = new AbortController();
  const inTurn = turns(READS_AT_ONCE, IN_LINE_MS);
  /** Of the follower, while it runs: its place is known, it has ended. */
  let run: { readonly begun: Promise<string>; readonly ended: Promise<void> } | undefined;

  async function followed(): Promise<void> {
    if (!run) {
      const begun = newestPlace(pool);
      run = { begun, ended: begun.then(follow, stopped) };
    }
    await run.begun;
  }

  function stopped(): void {
    run = undefined;
  }

  async function follow(place: string): Promise<void> {
    let isAway = false;
    for (let from = place; ; ) {
      await sleep(isAway ? LOOK_AGAIN_MS : LOOK_MS, undefined, { signal: closing.signal }).catch(() => undefined);
      if (waiting.size === 0 || closing.signal.aborted) return stopped(); // in one breath: whoever comes next begins anew
      try {
        from = await tellFrom(from);
        await tellUnheard();
        isAway = false;
      } catch (error) {
        if (!isAway && !closing.signal.aborted) onLookFailed(error);
        isAway = true;
      }
    }
  }

  /** Wakes whoever waits for one of the next events. @returns the place of the last of them. */
  async function tellFrom(place: string): Promise<string> {
    let from = place;
    for (let isMore = true; isMore && waiting.size > 0; ) {
      const events = await eventsAfter(pool, from, PAGE);
      const told = new Set(events.map(({ subjectKind, subjectId }) => nameOf(subjectKind, subjectId)));
      for (const each of waiting) if (told.has(each.name)) each.tell();
      from = events.at(-1)?.place ?? from;
      isMore = events.length === PAGE;
    }
    return from;
  }

  async function tellUnheard(): Promise<void> {
    const unheard = [...waiting].filter(({ mayEndUnheard }) => mayEndUnheard);
    if (unheard.length === 0) return;
    const ended = new Set(await endedUnheard([...new Set(unheard.map(({ subjectId }) => subjectId))]));
    for (const each of unheard) if (ended.has(each.subjectId)) each.tell();
  }

  function tooMany(keyId: string): keyof MostWaiters | undefined {
    if (waiting.size >= most.inAll) return 'inAll';
    return [...waiting].filter((each) => each.keyId === keyId).length >= most.ofAKey ? 'ofAKey' : undefined;
  }

  return {
    async wait({ keyId, subject, waitMs, gone }, question) {
      const of = tooMany(keyId);
      if (of) return { outcome: 'too_many', of };
      const waiter = newWaiter(keyId, subject);
      waiting.add(waiter);
      const timer = setTimeout(() => waiter.end('over'), waitMs);
      const leave = () => waiter.end('gone');
      gone.addEventListener('abort', leave);
      if (gone.aborted) leave();
      try {
        if (closing.signal.aborted) waiter.end('over');
        else await followed();
        return { outcome: 'shown', now: await untilAnswered(waiter, { ...question, read: () => inTurn(question.read) }) };
      } finally {
        waiting.delete(waiter);
        clearTimeout(timer);
        gone.removeEventListener('abort', leave);
      }
    },
    async close() {
      closing.abort();
      for (const each of waiting) each.end('over');
      await run?.ended;
    },
  };
}

async function untilAnswered<Shown>(waiter: Waiter, { read, isAnswer, mayEndUnheard }: Question<Shown>): Promise<Shown> {
  const first = await read();
  let now = first;
  while (!isAnswer(now, first)) {
    waiter.mayEndUnheard = mayEndUnheard(now);
    const why = await waiter.next();
    if (why === 'gone') break; // nobody reads it
    now = await read();
    if (why === 'over') break;
  }
  return now;
}

type End = 'over' | 'gone';

interface Waiter {
  readonly keyId: string;
  readonly subjectId: string;
  readonly name: string;
  mayEndUnheard: boolean;
  tell(): void;
  end(how: End): void;
  /** What came since it was last asked, also while its subject was being read, or comes next. */
  next(): Promise<'told' | End>;
}

function newWaiter(keyId: string, subject: Subject): Waiter {
  let ended: End | undefined;
  let isTold = false;
  let wake = (): void => undefined;
  return {
    keyId,
    subjectId: subject.id,
    name: nameOf(subject.kind, subject.id),
    mayEndUnheard: false,
    tell() {
      isTold = true;
      wake();
    },
    end(how) {
      ended ??= how;
      wake();
    },
    async next() {
      if (!isTold && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      isTold = false;
      return ended ?? 'told';
    },
  };
}

const nameOf = (kind: string, id: string): string => `${kind} ${id}`;
