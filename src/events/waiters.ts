/**
 * Requests that wait for the next event of a subject, all served by the one follower of the process (follower.ts).
 *
 * No change is missed between reading and waiting. Who waits is listed first, then the follower's place is known, then the
 * subject is read: what was committed before the place was taken is read, what is committed later lies beyond it and wakes.
 * What the follower does not see in time (an older transaction holds it back, the database is away, or was restored and has
 * not begun its new epoch), whoever waits reads at the end of their time.
 */
import type { Follower } from './follower.ts';
import type { Subject } from './reads.ts';
import { turns } from './turns.ts';

/** All may be woken at once: half of the connections that a process has by default stay for those who do not wait. */
const READS_AT_ONCE = 8;
/**
 * As long as a call waits for a connection (src/db/pool.ts). Whoever stood in line for so long asks all the same, and is told if
 * the database is away: behind reads that it does not answer nobody would be answered for minutes.
 */
const IN_LINE_MS = 5_000;

export interface WaitersOptions {
  readonly follower: Follower;
  readonly most: MostWaiters;
  /** Of these ids of subjects that have no event yet, the ones that have come to their end without one. */
  readonly endedUnheard: (ids: readonly string[]) => Promise<readonly string[]>;
}

/** How many may wait at once. */
export interface MostWaiters {
  readonly ofAKey: number;
  readonly ofAMerchant: number;
  readonly inAll: number;
}

export interface Wait {
  /** Whose key, and which merchant's: what is limited. */
  readonly keyId: string;
  readonly merchantId: string;
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
  /** So many wait already, of this key, this merchant or in all. */
  | { readonly outcome: 'too_many'; readonly of: keyof MostWaiters };

export interface Waiters {
  /**
   * Reads until it is what is waited for, or the time is over: then as it is at that moment.
   * @throws what `read` throws, or what the database did when nobody had waited before.
   */
  wait<Shown>(wait: Wait, question: Question<Shown>): Promise<Waited<Shown>>;
  /** Everybody is answered now, and nobody waits from now on. */
  close(): void;
}

export function createWaiters({ follower, most, endedUnheard }: WaitersOptions): Waiters {
  const waiting = new Set<Waiter>();
  let isClosed = false;
  const inTurn = turns({ most: READS_AT_ONCE, patienceMs: IN_LINE_MS });

  follower.add({
    isListening: () => waiting.size > 0,
    hear(events) {
      const told = new Set(events.map(({ subjectKind, subjectId }) => nameOf(subjectKind, subjectId)));
      for (const each of waiting) if (told.has(each.name)) each.tell();
    },
    afterLook: tellUnheard,
  });

  async function tellUnheard(): Promise<void> {
    const unheard = [...waiting].filter(({ mayEndUnheard }) => mayEndUnheard);
    if (unheard.length === 0) return;
    const ended = new Set(await endedUnheard([...new Set(unheard.map(({ subjectId }) => subjectId))]));
    for (const each of unheard) if (ended.has(each.subjectId)) each.tell();
  }

  function tooMany({ keyId, merchantId }: Whose): keyof MostWaiters | undefined {
    const count = (is: (each: Whose) => boolean): number => [...waiting].filter(is).length;
    if (waiting.size >= most.inAll) return 'inAll';
    if (count((each) => each.keyId === keyId) >= most.ofAKey) return 'ofAKey';
    return count((each) => each.merchantId === merchantId) >= most.ofAMerchant ? 'ofAMerchant' : undefined;
  }

  return {
    async wait({ subject, waitMs, gone, ...whose }, question) {
      const of = tooMany(whose);
      if (of) return { outcome: 'too_many', of };
      const waiter = newWaiter(whose, subject);
      waiting.add(waiter);
      const timer = setTimeout(() => waiter.end('over'), waitMs);
      const leave = () => waiter.end('gone');
      gone.addEventListener('abort', leave);
      if (gone.aborted) leave();
      try {
        if (isClosed) waiter.end('over');
        else await follower.follow();
        return { outcome: 'shown', now: await untilAnswered(waiter, { ...question, read: () => inTurn(question.read) }) };
      } finally {
        waiting.delete(waiter);
        clearTimeout(timer);
        gone.removeEventListener('abort', leave);
      }
    },
    close() {
      isClosed = true;
      for (const each of waiting) each.end('over');
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

type Whose = Pick<Wait, 'keyId' | 'merchantId'>;

interface Waiter extends Whose {
  readonly subjectId: string;
  readonly name: string;
  mayEndUnheard: boolean;
  tell(): void;
  end(how: End): void;
  /** What came since it was last asked, also while its subject was being read, or comes next. */
  next(): Promise<'told' | End>;
}

function newWaiter({ keyId, merchantId }: Whose, subject: Subject): Waiter {
  let ended: End | undefined;
  let isTold = false;
  let wake = (): void => undefined;
  return {
    keyId,
    merchantId,
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
