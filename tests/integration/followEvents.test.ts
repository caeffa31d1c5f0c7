/** Who follows all events skips none and takes none twice, in whatever order transactions commit, on the real PostgreSQL. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { eventsAfter, type FollowedEvent, newestPlace } from '../../src/events/follow.ts';
import { eventInvariants } from '../../src/events/invariants.ts';
import { placeOf } from '../../src/events/place.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';

const WRITERS = 3;
/** A held lock, an autovacuum's transaction: what else may hold a reader back for a moment. */
const PATIENCE_MS = 10_000;

let books: Books;
let writers: pg.Pool;
beforeAll(async () => {
  books = await openBooks();
  writers = new pg.Pool({ connectionString: books.db.ownerUrl, max: WRITERS });
});
afterAll(async () => {
  await writers.end();
  await books.stop();
});

/** An event of a subject of its own, in the client's transaction. @returns its id. */
async function write(client: pg.ClientBase | pg.Pool): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT announce('raffle', $1, ARRAY[('platform', '')::owner_ref], 'test', 1, 'raffle.won', 'won', 'system', NULL, 'WON', '{}', '{}', NULL, false) AS id`,
    [newId('raf')],
  );
  return rows[0]?.id ?? '';
}

async function begin(): Promise<pg.PoolClient> {
  const client = await writers.connect();
  await client.query('BEGIN');
  return client;
}

async function end(client: pg.PoolClient, how: 'COMMIT' | 'ROLLBACK'): Promise<void> {
  await client.query(how);
  client.release();
}

/** Reads on from a place until nothing more is settled. */
async function follow(place: string | undefined, atMost: number): Promise<FollowedEvent[]> {
  const all: FollowedEvent[] = [];
  for (;;) {
    const page = await eventsAfter(books.db.pool, all.at(-1)?.place ?? place, atMost);
    expect(page.length).toBeLessThanOrEqual(atMost);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

/** The same until so many have come, or it has taken too long. */
async function followUntil(count: number, place: string | undefined, atMost: number): Promise<FollowedEvent[]> {
  const all: FollowedEvent[] = [];
  for (const since = Date.now(); all.length < count && Date.now() - since < PATIENCE_MS; await sleep(20)) {
    all.push(...(await follow(all.at(-1)?.place ?? place, atMost)));
  }
  return all;
}

const idsOf = (events: readonly FollowedEvent[]): string[] => events.map(({ id }) => id);
/** Where a reader stands who has read everything until now. */
const now = async (): Promise<string | undefined> => (await follow(undefined, 1_000)).at(-1)?.place;

test('of two open transactions the later commits first, and a reader at any page size gets both', async () => {
  for (const atMost of [1, 2, 100]) {
    const place = await now();
    const [early, late] = [await begin(), await begin()];
    const first = await write(early);
    const second = await write(late);
    await end(late, 'COMMIT');
    const seen = await follow(place, atMost); // one who went by the numbers would take the second, and never see the first
    expect(seen).toEqual([]);
    const { rows } = await books.db.owner.query('SELECT 1 FROM events WHERE id = $1', [second]);
    expect(rows).toHaveLength(1); // it is there for all others: only its order is not settled
    await end(early, 'COMMIT');
    expect(idsOf(await followUntil(2, place, atMost))).toEqual([first, second]);
  }
});

test('who begins now gets what commits from now on, also of a transaction that began before, and nothing that was settled', async () => {
  await write(books.db.owner);
  const open = await begin();
  const early = await write(open);
  const place = await newestPlace(books.db.pool);
  const late = await write(books.db.owner);
  await end(open, 'COMMIT');
  expect(idsOf(await followUntil(2, place, 10))).toEqual([early, late]);
  expect(await follow(await newestPlace(books.db.pool), 10)).toEqual([]);
});

test('a writer that gives up, or breaks off, holds nobody back for longer', async () => {
  const place = await now();
  const [givesUp, breaksOff] = [await begin(), await begin()];
  await write(givesUp);
  await write(breaksOff);
  const done = await write(books.db.owner);
  await end(givesUp, 'ROLLBACK');
  breaksOff.release(true); // its connection is closed in the middle of its transaction
  expect(idsOf(await followUntil(1, place, 10))).toEqual([done]);
});

test('whatever the order of commits, and whenever it reads, a reader gets each event once and in one order', async () => {
  const step = fc.record({
    writer: fc.nat(WRITERS - 1),
    does: fc.constantFrom('write', 'write', 'commit', 'commit', 'abort', 'read'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (steps, atMost) => {
      const place = await now();
      const open = new Map<number, { client: pg.PoolClient; wrote: string[] }>();
      const committed: string[] = [];
      const seen: FollowedEvent[] = [];
      const close = async (writer: number, how: 'COMMIT' | 'ROLLBACK') => {
        const transaction = open.get(writer);
        if (!transaction) return;
        open.delete(writer);
        await end(transaction.client, how);
        if (how === 'COMMIT') committed.push(...transaction.wrote);
      };
      for (const { writer, does } of steps) {
        if (does === 'write') {
          const transaction = open.get(writer) ?? { client: await begin(), wrote: [] };
          open.set(writer, transaction);
          transaction.wrote.push(await write(transaction.client));
        } else if (does === 'read') seen.push(...(await eventsAfter(books.db.pool, seen.at(-1)?.place ?? place, atMost)));
        else await close(writer, does === 'commit' ? 'COMMIT' : 'ROLLBACK');
      }
      for (const writer of [...open.keys()]) await close(writer, 'COMMIT');
      seen.push(...(await followUntil(committed.length - seen.length, seen.at(-1)?.place ?? place, atMost)));
      expect(idsOf(seen).sort()).toEqual(committed.sort());
      const places = seen.map((event) => keyOf(event.place));
      expect(places).toEqual([...places].sort((a, b) => (a < b ? -1 : 1)));
    }),
    { numRuns: 40 },
  );
});

/** A place as text that sorts as it does. */
function keyOf(text: string): string {
  const place = placeOf(text);
  return place ? [place.epoch, place.xid, place.position].map((part) => part.padStart(20, '0')).join() : '';
}

/** A place of before the restore: of a transaction whose number this server has not given out yet, or will again. */
function ahead(place: string | undefined): string {
  const { epoch = '', xid = '', position = '' } = (place && placeOf(place)) || {};
  return [epoch, BigInt(xid) + 1_000_000n, BigInt(position) + 1_000_000n].join('-');
}

test('a restored database gives out numbers of transactions again, and who has seen those goes on with what is new', async () => {
  const place = ahead(await now());
  await write(books.db.owner);
  expect(await follow(place, 10)).toEqual([]); // it would be taken for old
  await books.db.pool.query('SELECT begin_epoch()'); // as the application's role, which runs `oncepay restored`
  const event = await write(books.db.owner);
  expect(idsOf(await followUntil(1, place, 10))).toEqual([event]);
});

test('books that were moved to another server: the check says so, and once their new history has begun all of the old is seen', async () => {
  const place = await now();
  const moved = await write(books.db.owner);
  await books.db.owner.query(`BEGIN; SET LOCAL session_replication_role = replica;
    UPDATE events SET xid = '99999999999' WHERE id = '${moved}'; COMMIT`);
  const broken = async () =>
    (await checkInvariants(books.db.pool)).filter(({ violations }) => violations > 0).map(({ name }) => name);
  expect(await broken()).toEqual(['events_in_their_epoch']);
  expect(await follow(place, 10)).toEqual([]);
  await books.db.pool.query('SELECT begin_epoch()');
  expect(idsOf(await followUntil(1, place, 10))).toEqual([moved]);
  expect(await broken()).toEqual([]);
});

test('a new history begins when nobody writes in the old one any more, and who waits to write does so in the new', async () => {
  const [before, writing] = [await now(), await begin()];
  const old = await write(writing);
  const [starting, after] = [books.db.pool.query<{ epoch: number }>('SELECT begin_epoch() AS epoch'), await begin()];
  await after.query('SELECT pg_current_xact_id()'); // an older transaction than the new history
  await sleep(100);
  const waiting = write(after); // behind the lock
  await sleep(100);
  await end(writing, 'COMMIT');
  const { rows } = await starting;
  const young = await waiting;
  await end(after, 'COMMIT');
  const seen = await followUntil(2, before, 10);
  expect(idsOf(seen)).toEqual([old, young]);
  expect(seen.map(({ place }) => Number(placeOf(place)?.epoch))).toEqual([(rows[0]?.epoch ?? 0) - 1, rows[0]?.epoch]);
});

test.each([
  '',
  '1',
  '1-2',
  '1-2-3-4',
  '1-2-x',
  '-1-2-3',
  '9999999999-1-1',
  '1-99999999999999999999-1',
  '1-1-9999999999999999999',
])('a place that is none is refused, not read from somewhere: %p', async (place) => {
  await expect(eventsAfter(books.db.pool, place, 1)).rejects.toThrow('no place');
});

test('to follow costs what is new, not what there is: a page is read from an index, in its order', async () => {
  await books.db.owner.query(`
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, to_state, object, epoch)
    SELECT 'evt_' || n, 'raffle', 'raf_' || n, 'merchant', 'mer_' || n % 100, 'test', 1, 'raffle.won', 'won', 'system', 'WON', '{}', (SELECT max(epoch) FROM epochs)
      FROM generate_series(1, 20000) n`);
  await books.db.owner.query('ANALYZE events');
  const plans: string[] = [];
  const explaining = {
    async query({ text, values }: { text: string; values: unknown[] }) {
      const { rows } = await books.db.owner.query(`EXPLAIN ${text}`, values);
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
      return { rows: [] };
    },
  };
  await eventsAfter(explaining as unknown as pg.Pool, undefined, 100);
  expect(plans[0]).toContain('Index Scan using events_epoch_xid_position_key');
  expect(plans[0]).toMatch(/Index Cond: .*ROW\(epoch, xid, "?position"?\) > .*ROW\(epoch, xid\) < /);
  expect(plans[0]).not.toMatch(/Sort|Seq Scan on events/);
  const check = eventInvariants.find(({ name }) => name === 'events_in_their_epoch');
  await explaining.query({ text: check && 'sql' in check ? check.sql : '', values: [] });
  expect(plans[1]).toMatch(/Index Cond: \(ROW\(epoch, xid\) >= /);
});
