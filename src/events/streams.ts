/**
 * All live streams of the process, served by its one follower: each new event is handed to the streams of those who see it,
 * found by name; none of them asks the database for it.
 */
import type { Pool } from 'pg';
import { isPlaceOfAnEvent, nameOfSeer, newestPlace } from './follow.ts';
import type { Follower } from './follower.ts';
import { resetFrame } from './frames.ts';
import { eventsBetween, type Seer } from './reads.ts';
import { newStream, type Outlet, type Stream } from './stream.ts';
import { turns } from './turns.ts';

/** As comment, ping or the like: below the half minute after which proxies commonly give a silent connection up. */
const BEAT_MS = 15_000;
/** A revoked key's streams are cut within a minute: one look that fails in between is allowed for. */
const LOOK_AT_KEYS_MS = 20_000;
/** Of those who come back all at once, after a restart mostly: the other connections stay for everybody else. */
const READS_AT_ONCE = 4;
/** As long as a call waits for a connection (src/db/pool.ts); whoever stood in line for so long asks all the same. */
const IN_LINE_MS = 5_000;
/**
 * Pages of what was missed: a hundred events to read, and to put into words, in which the process does nothing else. A thousand
 * clients may come back from the first event there is: they stand in line for as long as it takes, one merchant's behind no other's.
 */
const PAGES_AT_ONCE = 2;
/** Counting may read all that a merchant has. */
const SNAPSHOTS_AT_ONCE = 1;
/** Longer than the longest statement (src/db/pool.ts): several who ask for much stand in line. */
const IN_LINE_FOR_SNAPSHOT_MS = 30_000;

/** How many may be open at once. */
export interface MostStreams {
  readonly ofAUser: number;
  readonly ofAKey: number;
  readonly ofAMerchant: number;
  readonly inAll: number;
}

export interface StreamsOptions {
  readonly pool: Pick<Pool, 'query'>;
  readonly follower: Follower;
  readonly most: MostStreams;
  /** Which of these keys and sessions still open something. */
  readonly keysThatOpen: (keyIds: readonly string[]) => Promise<ReadonlySet<string>>;
  /** What a client needs that does not know what it has missed. */
  readonly snapshotOf: (seer: Seer) => Promise<unknown>;
  readonly onFailed: (error: unknown, event?: string) => void;
}

export interface StreamRequest {
  /** Whose key, or whose key made the token; of the console, which session. */
  readonly keyId: string;
  /** Whose that key is. */
  readonly merchantId: string;
  readonly seer: Seer;
  /** Types of events: no others are told. */
  readonly types: ReadonlySet<string>;
  /** The last id that the client has, as it says; undefined: from now on. */
  readonly from: string | undefined;
}

export type Opened =
  | { readonly outcome: 'opened'; readonly stream: OpenStream }
  | { readonly outcome: 'too_many'; readonly of: keyof MostStreams }
  /** The process ends. */
  | { readonly outcome: 'closing' };

/** A place that is taken, and what its stream begins with. One of the two is to be called. */
export interface OpenStream {
  begin(outlet: Outlet): void;
  /** Nobody is there any more. */
  leave(): void;
}

export interface Streams {
  /** @throws what the database did. */
  open(request: StreamRequest): Promise<Opened>;
  /** All are ended in order, and none begins; resolves once every connection is closed. */
  close(): Promise<void>;
}

interface Place {
  readonly keyId: string;
  readonly merchantId: string;
  readonly name: string;
  readonly isOfAUser: boolean;
  outlet?: Outlet;
}

export function createStreams({ pool, follower, most, keysThatOpen, snapshotOf, onFailed }: StreamsOptions): Streams {
  const places = new Set<Place>();
  const byName = new Map<string, Set<Stream>>();
  let isClosed = false;
  const readInTurn = turns({ most: READS_AT_ONCE, patienceMs: IN_LINE_MS });
  const pageInTurn = turns({ most: PAGES_AT_ONCE });
  const snapshots = new Map<string, Promise<unknown>>();
  const snapshotInTurn = turns({ most: SNAPSHOTS_AT_ONCE, patienceMs: IN_LINE_FOR_SNAPSHOT_MS });

  follower.add({
    isListening: () => places.size > 0,
    hear(events) {
      for (const event of events) {
        for (const name of event.seenBy) for (const stream of byName.get(name) ?? []) stream.hear(event);
      }
    },
  });

  const looking = setInterval(() => void cutRevoked().catch(onFailed), LOOK_AT_KEYS_MS).unref();

  async function cutRevoked(): Promise<void> {
    const keyIds = new Set([...places].map(({ keyId }) => keyId));
    if (keyIds.size === 0) return;
    const open = await keysThatOpen([...keyIds]);
    // One that came meanwhile was looked at when it came.
    for (const { keyId, outlet } of places) if (keyIds.has(keyId) && !open.has(keyId)) outlet?.end('revoked');
  }

  /** One that is yet to begin, for all who have asked for it by then: a thousand who come back at once need one. */
  function nextSnapshot(seer: Seer, merchantId: string): Promise<unknown> {
    const name = nameOfSeer(seer);
    const begin = async (): Promise<unknown> => {
      snapshots.delete(name);
      return await snapshotOf(seer);
    };
    const next = snapshots.get(name) ?? Promise.resolve().then(() => snapshotInTurn(begin, merchantId)); // listed before it may begin
    snapshots.set(name, next);
    return next;
  }

  function tooMany({ keyId, merchantId, name, isOfAUser }: Place): keyof MostStreams | undefined {
    const count = (is: (place: Place) => boolean): number => [...places].filter(is).length;
    if (places.size >= most.inAll) return 'inAll';
    if (count((each) => each.keyId === keyId) >= most.ofAKey) return 'ofAKey';
    if (count((each) => each.merchantId === merchantId) >= most.ofAMerchant) return 'ofAMerchant';
    return isOfAUser && count((each) => each.name === name) >= most.ofAUser ? 'ofAUser' : undefined;
  }

  return {
    async open({ keyId, merchantId, seer, types, from }) {
      const place: Place = { keyId, merchantId, name: nameOfSeer(seer), isOfAUser: seer.kind === 'user' };
      if (isClosed) return { outcome: 'closing' };
      const of = tooMany(place);
      if (of) return { outcome: 'too_many', of };
      places.add(place);
      const leave = (): void => void places.delete(place);
      try {
        await follower.follow();
        const isLost = from !== undefined && !(await readInTurn(() => isPlaceOfAnEvent(pool, from), merchantId));
        // The place first: what is shown is as of then or later, and what comes after the place is told.
        const start = from === undefined || isLost ? await readInTurn(() => newestPlace(pool), merchantId) : from;
        const snapshot = isLost ? await nextSnapshot(seer, merchantId) : undefined;
        const begin = (outlet: Outlet): void => {
          const stream = newStream({
            seer,
            types,
            outlet,
            standing: follower.place,
            eventsBetween: (missed) =>
              pageInTurn(async () => (outlet.closed.aborted ? [] : await eventsBetween(pool, seer, missed)), merchantId),
            onFailed,
          });
          occupy(place, stream, outlet);
          if (isLost) outlet.send(resetFrame(start, seer.mode === 'live', snapshot));
          else if (from === undefined) outlet.begin(start);
          void stream.catchUp(start);
        };
        return { outcome: 'opened', stream: { begin, leave } };
      } catch (error) {
        leave();
        throw error;
      }
    },
    async close() {
      isClosed = true;
      clearInterval(looking);
      const outlets = [...places].flatMap(({ outlet }) => outlet ?? []);
      for (const outlet of outlets) outlet.end('closing');
      await Promise.all(outlets.map(({ closed }) => aborted(closed)));
    },
  };

  /** Until the connection is closed. */
  function occupy(place: Place, stream: Stream, outlet: Outlet): void {
    const { name } = place;
    place.outlet = outlet;
    const ofName = byName.get(name) ?? new Set();
    byName.set(name, ofName.add(stream));
    const beating = setInterval(() => outlet.beat(stream.place()), BEAT_MS).unref();
    void aborted(outlet.closed).then(() => {
      clearInterval(beating);
      places.delete(place);
      ofName.delete(stream);
      if (ofName.size === 0 && byName.get(name) === ofName) byName.delete(name);
    });
    if (isClosed) outlet.end('closing');
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
