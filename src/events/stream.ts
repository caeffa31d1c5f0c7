/**
 * One live stream: every event that its seer sees and asked for, once and in order, from a place on.
 *
 * It reads what was missed up to where the follower stands, a page at a time and no faster than the client takes it, and
 * keeps what the follower hands on meanwhile; then it lives on what is handed on. Its client may be ahead of our follower: it has
 * come from another process, or has just begun. What is before its place is not told.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { PassedEvent } from './follow.ts';
import { type Frame, frameOf } from './frames.ts';
import { isBehind } from './place.ts';
import type { Missed, Seer } from './reads.ts';

/**
 * What lies here for one client, beyond what the system's own buffers hold: some thousand events, what a busy merchant has in
 * a second. With more, nothing is put there until the client has taken it; then it is read from the table. All streams of a
 * hearer share the bytes of an event.
 */
export const BUFFER_MAX_BYTES = 1024 * 1024;
/** What is read from the table goes out as it is taken: no more than this lies here, and one event. */
const BUFFER_LOW_BYTES = 64 * 1024;
/** Of what happens meanwhile. What is told is of the size of what is stored. */
const KEPT_MAX_BYTES = 128 * 1024;
const PAGE = 100;
const LOOK_AGAIN_MS = 20;
/**
 * A client that takes nothing for so long, with that much for it here, does not read: it is cut off, and may resume from its
 * last id. A slow one frees the system's buffers, some megabytes, only a good part at a time.
 */
const TAKES_NOTHING_MS = 30_000;

/** Why a stream is ended in order: the process ends; its key opens nothing any more. */
export type StreamEnd = 'closing' | 'revoked';

/** The connection, whatever is spoken on it. After it was closed, nothing said to it does anything. */
export interface Outlet {
  readonly closed: AbortSignal;
  /** What was sent and has not left us. */
  bufferedBytes(): number;
  /** From where a client resumes that has had nothing yet. */
  begin(place: string): void;
  send(frame: Frame): void;
  /** @param place up to which there was nothing else to send; undefined: it is still catching up. */
  beat(place: string | undefined): void;
  /** In order, and in bounded time. */
  end(why: StreamEnd): void;
  /** At once. */
  cut(): void;
}

export interface StreamOptions {
  readonly seer: Seer;
  readonly types: ReadonlySet<string>;
  readonly outlet: Outlet;
  /** Where the follower stands. */
  readonly standing: () => string;
  readonly eventsBetween: (missed: Missed) => Promise<PassedEvent[]>;
  /** What could not be read or told. */
  readonly onFailed: (error: unknown, event?: string) => void;
}

export interface Stream {
  /** Reads what came after this place, then lives. */
  catchUp(from: string): Promise<void>;
  hear(event: PassedEvent): void;
  /** Where the client stands if nothing is on its way to it. */
  place(): string | undefined;
}

export function newStream({ seer, types, outlet, standing, eventsBetween, onFailed }: StreamOptions): Stream {
  /** Heard while catching up. Undefined: it lives. */
  let kept: Kept | undefined = nothingKept();
  /** Up to here it is told nothing: it is ahead of us. */
  let seen: string | undefined;

  function tell(event: PassedEvent): void {
    if (!types.has(event.type) || outlet.closed.aborted) return;
    try {
      outlet.send(frameOf(event, seer.kind));
    } catch (error) {
      onFailed(error, event.id); // told to nobody in these words, today or tomorrow: it must not hold up what comes after it
    }
  }

  function go({ events }: Kept): undefined {
    for (const event of events) tell(event);
    kept = undefined;
  }

  /** Everything up to where the follower stands now, or a page of it. @returns where it came to; undefined: it lives. */
  async function step(from: string): Promise<string | undefined> {
    const meanwhile = nothingKept();
    kept = meanwhile;
    const until = standing();
    if (!isBehind(until, from)) {
      if (isBehind(from, until)) seen = from;
      return go(meanwhile);
    }
    const page = await eventsBetween({ types: [...types], after: from, until, take: PAGE });
    for (const event of page) {
      tell(event);
      await taken();
    }
    if (page.length === PAGE) return page.at(-1)?.place;
    if (meanwhile.isOverfull) return until;
    return go(meanwhile);
  }

  /** Resolves once the client has all but taken what was sent; one that takes nothing is cut off. */
  async function taken(): Promise<void> {
    let [least, since] = [Number.POSITIVE_INFINITY, performance.now()];
    for (let left = outlet.bufferedBytes(); left > BUFFER_LOW_BYTES && !outlet.closed.aborted; left = outlet.bufferedBytes()) {
      if (left < least) [least, since] = [left, performance.now()];
      else if (performance.now() - since > TAKES_NOTHING_MS) outlet.cut();
      await sleep(LOOK_AGAIN_MS);
    }
  }

  /** Reads what came after this place, then lives. */
  async function catchUp(from: string): Promise<void> {
    kept ??= nothingKept();
    try {
      await taken();
      for (let at: string | undefined = from; at !== undefined && !outlet.closed.aborted; ) at = await step(at);
    } catch (error) {
      onFailed(error);
      outlet.cut(); // it comes again, and by then the database may be there
    }
  }

  return {
    catchUp,
    hear(event) {
      if (seen !== undefined) {
        if (!isBehind(event.place, seen)) return;
        seen = undefined;
      }
      if (kept) {
        keep(kept, event);
        return;
      }
      tell(event);
      if (outlet.bufferedBytes() > BUFFER_MAX_BYTES) void catchUp(event.place);
    },
    place: () => (kept || seen !== undefined ? undefined : standing()),
  };
}

interface Kept {
  readonly events: PassedEvent[];
  bytes: number;
  /** More was heard than is kept: it is read instead. */
  isOverfull: boolean;
}

const nothingKept = (): Kept => ({ events: [], bytes: 0, isOverfull: false });

function keep(kept: Kept, event: PassedEvent): void {
  kept.bytes += event.object.length;
  if (kept.bytes > KEPT_MAX_BYTES) kept.isOverfull = true;
  else kept.events.push(event);
}
