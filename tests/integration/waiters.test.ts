/** Whoever waits for a payout hears of its next change, whatever happens meanwhile, and however many wait it costs the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import { createPool } from '../../src/db/pool.ts';
import { createFollower } from '../../src/events/follower.ts';
import { createWaiters, type MostWaiters, type Waited, type Waiters } from '../../src/events/waiters.ts';
import { findPayout, refusedAmong } from '../../src/payouts/reads.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { lineTo } from '../support/line.ts';
import { eventually } from '../support/payouts.ts';

let books: Books;
let merchant: Owner;
beforeAll(async () => {
  books = await openBooks({ connections: 4 });
  merchant = await books.merchant(1_000_000n);
});
afterAll(() => books.stop());

/** Only being woken ends such a wait: a change that is missed ends the test, by its own time. */
const ONLY_WOKEN_MS = 3_600_000;
const MANY: MostWaiters = { ofAKey: 50, ofAMerchant: 250, inAll: 1_000 };

/** The pool of the application, with the texts of what it was asked. */
function counting(pool: pg.Pool): Pick<pg.Pool, 'query'> & { readonly asked: string[] } {
  const asked: string[] = [];
  const query = async (statement: string | { text: string; values: unknown[] }, values?: unknown[]) => {
    asked.push(typeof statement === 'string' ? statement : statement.text);
    return typeof statement === 'string' ? await pool.query(statement, values) : await pool.query(statement);
  };
  return { asked, query: query as unknown as pg.Pool['query'] };
}

const looksIn = (asked: readonly string[]): number => asked.filter((text) => text.includes('"seenBy"')).length;
const startsIn = (asked: readonly string[]): number => asked.filter((text) => text.includes('e.position DESC LIMIT 1')).length;

function open({
  pool = books.db.pool as Pick<pg.Pool, 'query'>,
  most = MANY,
  onLookFailed = (): void => undefined,
} = {}): Waiters & { readonly ended: () => Promise<void> } {
  const follower = createFollower({ pool, onLookFailed });
  const waiters = createWaiters({ follower, most, endedUnheard: (ids) => refusedAmong(books.db.pool, ids) });
  const ended = async (): Promise<void> => {
    waiters.close();
    await follower.close();
  };
  return { ...waiters, ended };
}

interface Asking {
  readonly keyId?: string;
  readonly merchantId?: string;
  readonly waitMs?: number;
  readonly gone?: AbortSignal;
  /** The state that is waited for; by default any other than the first. */
  readonly wanted?: string;
  /** After the payout was read for the first time, and before whoever waits has what was read. */
  readonly afterFirstRead?: () => Promise<unknown>;
}

interface Asked {
  /** It was read for the first time. */
  readonly hasRead: Promise<void>;
  readonly answer: Promise<Waited<string | undefined>>;
  reads(): number;
}

/** As a client does who waits for another state. */
function ask(waiters: Waiters, id: string, asking: Asking = {}): Asked {
  const { keyId = 'key', merchantId = keyId, waitMs = ONLY_WOKEN_MS, gone, wanted, afterFirstRead } = asking;
  let reads = 0;
  let isInTheBooks = true;
  let seen = (): void => undefined;
  const hasRead = new Promise<void>((resolve) => {
    seen = resolve;
  });
  const answer = waiters.wait(
    { keyId, merchantId, subject: { kind: 'payout', id }, waitMs, gone: gone ?? new AbortController().signal },
    {
      async read() {
        const payout = await findPayout(books.db.pool, merchant, id);
        isInTheBooks = payout?.sequence !== 0;
        reads += 1;
        if (reads === 1) await afterFirstRead?.();
        seen();
        return payout?.state;
      },
      isAnswer: (now, first) => (wanted === undefined ? now !== first : now === wanted),
      mayEndUnheard: () => !isInTheBooks,
    },
  );
  return { hasRead, answer, reads: () => reads };
}

const shown = (now: string) => ({ outcome: 'shown', now });

/** An older transaction writes: until it ends nobody who follows events sees what is written after it. */
async function holdBack(): Promise<() => Promise<void>> {
  const writer = await books.db.owner.connect();
  await writer.query('BEGIN; SELECT pg_current_xact_id()');
  return async () => {
    await writer.query('COMMIT');
    writer.release();
  };
}

test('who waits is answered at the next change, and nobody else is woken by it', async () => {
  const waiters = open();
  const [id, other] = [await books.payout(merchant), await books.payout(merchant)];
  const [mine, beside] = [ask(waiters, id), ask(waiters, other)];
  await Promise.all([mine.hasRead, beside.hasRead]);
  await books.told(id, 'attempt_started 1');
  expect(await mine.answer).toEqual(shown('SUBMITTING'));
  expect([mine.reads(), beside.reads()]).toEqual([2, 1]);
  await books.told(other, 'cancelled');
  expect(await beside.answer).toEqual(shown('CANCELLED'));
});

test('an event that leaves the status as it is answers nobody, and the one after it does', async () => {
  const waiters = open();
  const id = await books.payout(merchant);
  const asked = ask(waiters, id);
  await asked.hasRead;
  await books.told(id, 'parked');
  await eventually(() => expect(asked.reads()).toBe(2));
  await books.told(id, 'attempt_started 1');
  expect(await asked.answer).toEqual(shown('SUBMITTING'));
});

test('a change between reading and waiting is not lost, also where the follower has passed it by meanwhile', async () => {
  const pool = counting(books.db.pool);
  const waiters = open({ pool });
  const id = await books.payout(merchant);
  const asked = ask(waiters, id, {
    async afterFirstRead() {
      await books.told(id, 'attempt_started 1');
      const before = looksIn(pool.asked);
      await eventually(() => expect(looksIn(pool.asked)).toBeGreaterThan(before + 2)); // those after the next have seen it
    },
  });
  expect(await asked.answer).toEqual(shown('SUBMITTING'));
});

test('a change before the follower began is in what is read first: it is read after the place is known', async () => {
  const id = await books.payout(merchant);
  const pool = counting(books.db.pool);
  const changing = {
    async query(...args: Parameters<typeof pool.query>) {
      if (startsIn(pool.asked) === 0) await books.told(id, 'attempt_started 1');
      return await pool.query(...args);
    },
  } as unknown as pg.Pool;
  const asked = ask(open({ pool: changing }), id, { wanted: 'SUBMITTING' });
  expect(await asked.answer).toEqual(shown('SUBMITTING')); // had it been read before, nobody would ever have told it
});

test('a change that commits late, after others that came later, is heard', async () => {
  const waiters = open();
  const [early, late] = [await books.payout(merchant), await books.payout(merchant)];
  const asked = [ask(waiters, early), ask(waiters, late)] as const;
  await Promise.all(asked.map(({ hasRead }) => hasRead));
  const writer = await books.db.owner.connect();
  try {
    await writer.query('BEGIN');
    await writer.query(`SELECT apply_fact($1, 'late', 'attempt_started', 'system', '{"attempt":1}')`, [early]);
    await books.told(late, 'attempt_started 1');
    await sleep(500); // time enough for several looks: none may pass the open one by
    await writer.query('COMMIT');
  } finally {
    writer.release(true);
  }
  for (const { answer } of asked) expect(await answer).toEqual(shown('SUBMITTING'));
});

test('a database that goes away and comes back: what changed meanwhile is heard', async () => {
  const line = await lineTo(new URL(books.db.appUrl));
  const pool = createPool({ url: line.url, max: 2, applicationName: 'waiters' });
  let failed = 0;
  const waiters = open({ pool, onLookFailed: () => (failed += 1) });
  const id = await books.payout(merchant);
  const asked = ask(waiters, id);
  await asked.hasRead;
  await line.cut();
  await books.told(id, 'attempt_started 1');
  await eventually(() => expect(failed).toBe(1));
  await line.restore();
  expect(await asked.answer).toEqual(shown('SUBMITTING'));
  expect(failed).toBe(1); // told once, however long it is away
  await waiters.ended();
  await pool.end();
  await line.cut();
});

test('while the database is away nobody is left to wait for nothing: the request fails, and the next one begins anew', async () => {
  const line = await lineTo(new URL(books.db.appUrl));
  const pool = createPool({ url: line.url, max: 2, applicationName: 'waiters' });
  const waiters = open({ pool, most: { ofAKey: 1, ofAMerchant: 1, inAll: 1 } });
  const id = await books.payout(merchant);
  await line.cut();
  await expect(ask(waiters, id).answer).rejects.toThrow();
  await line.restore();
  const asked = ask(waiters, id);
  await asked.hasRead;
  await books.told(id, 'cancelled');
  expect(await asked.answer).toEqual(shown('CANCELLED'));
  await waiters.ended();
  await pool.end();
  await line.cut();
});

test('a new history of the books begins: who waits hears of what is written right before it and after it', async () => {
  const waiters = open();
  const ids = [await books.payout(merchant), await books.payout(merchant)] as const;
  const asked = ids.map((id) => ask(waiters, id));
  await Promise.all(asked.map(({ hasRead }) => hasRead));
  await books.told(ids[0], 'cancelled');
  await books.db.pool.query('SELECT begin_epoch()');
  await books.told(ids[1], 'cancelled');
  for (const { answer } of asked) expect(await answer).toEqual(shown('CANCELLED'));
});

test('a payout that was answered 202 and is refused then has no event, and who waits for it hears of it all the same', async () => {
  const poor = await books.merchant(0n);
  const [id, pending] = [newId('po'), await books.payout(merchant)];
  await books.db.owner.query(
    `INSERT INTO payout_requests (payout_id, record)
     SELECT $1, object || jsonb_build_object('id', $1::text, 'sequence', 0) FROM events WHERE subject_id = $2 AND sequence = 1`,
    [id, pending],
  );
  const asked = ask(open(), id);
  await asked.hasRead;
  expect((await books.reserve(poor, { payoutId: id })).outcome).toBe('insufficient_balance');
  expect(await asked.answer).toEqual(shown('REJECTED'));
});

test('what nobody was woken for is in the answer at the end of the time', async () => {
  const id = await books.payout(merchant);
  const release = await holdBack();
  try {
    const asked = ask(open(), id, { waitMs: 1, afterFirstRead: () => books.told(id, 'attempt_started 1') });
    expect(await asked.answer).toEqual(shown('SUBMITTING'));
  } finally {
    await release();
  }
});

test('when the process ends, everybody who waits is answered as it is now, and who still comes does not wait', async () => {
  const waiters = open();
  const id = await books.payout(merchant);
  const asked = ask(waiters, id);
  await asked.hasRead;
  const release = await holdBack();
  try {
    await books.told(id, 'attempt_started 1');
    waiters.close();
    expect(await asked.answer).toEqual(shown('SUBMITTING'));
    expect(await ask(waiters, id).answer).toEqual(shown('SUBMITTING'));
  } finally {
    await release();
  }
});

test('a client that hangs up gives its place free, and nothing is read for it any more', async () => {
  const waiters = open({ most: { ofAKey: 1, ofAMerchant: 1, inAll: 1 } });
  const id = await books.payout(merchant);
  const client = new AbortController();
  const asked = ask(waiters, id, { gone: client.signal });
  await asked.hasRead;
  expect(await ask(waiters, id).answer).toEqual({ outcome: 'too_many', of: 'inAll' });
  client.abort();
  await asked.answer;
  expect(asked.reads()).toBe(1);
  expect((await ask(waiters, id, { gone: client.signal }).answer).outcome).toBe('shown'); // it had hung up before
  expect((await ask(waiters, id, { waitMs: 1 }).answer).outcome).toBe('shown');
});

test('a merchant with any number of keys takes its own places only: whoever else wants to wait, waits', async () => {
  const waiters = open({ most: { ofAKey: 2, ofAMerchant: 3, inAll: 4 } });
  const id = await books.payout(merchant);
  const many = Array.from({ length: 4 }, (_, nth) => ask(waiters, id, { keyId: `key_${nth}`, merchantId: 'many keys' }));
  expect(await many[3]?.answer).toEqual({ outcome: 'too_many', of: 'ofAMerchant' });
  const other = ask(waiters, id, { keyId: 'other' });
  await other.hasRead;
  await books.told(id, 'cancelled');
  for (const { answer } of [...many.slice(0, 3), other]) expect(await answer).toEqual(shown('CANCELLED'));
  expect((await ask(waiters, id, { keyId: 'key_4', merchantId: 'many keys', waitMs: 1 }).answer).outcome).toBe('shown');
  await waiters.ended();
});

test('of ten thousand that want to wait as many do as may, of one key and in all; it asks the database no more than one does', async () => {
  const pool = counting(books.db.pool);
  const waiters = open({ pool });
  const id = await books.payout(merchant);
  /** Of so many looks, with nobody woken: each statement, also those that are no look. */
  const during = async (looks: number): Promise<number> => {
    const [before, lookedBefore] = [pool.asked.length, looksIn(pool.asked)];
    while (looksIn(pool.asked) < lookedBefore + looks) await sleep(20);
    return pool.asked.length - before - (looksIn(pool.asked) - lookedBefore);
  };
  const one = ask(waiters, id);
  await one.hasRead;
  expect(await during(5)).toBe(0);
  const more = Array.from({ length: 9_999 }, (_, nth) => ask(waiters, id, { keyId: `key_${nth < 5_000 ? nth % 10 : nth}` }));
  const outcomes: Waited<unknown>[] = [];
  for (const { answer } of more) void answer.then((outcome) => outcomes.push(outcome));
  await eventually(() => expect(outcomes).toHaveLength(9_000));
  expect(new Set(outcomes.map((each) => each.outcome === 'too_many' && each.of))).toEqual(new Set(['ofAKey', 'inAll']));
  await eventually(() => expect(more.filter(({ reads }) => reads() === 1)).toHaveLength(999));
  expect(await during(5)).toBe(0);
  expect(startsIn(pool.asked)).toBe(1); // one follower for all of them

  await books.told(id, 'attempt_started 1');
  const answers = await Promise.all([one, ...more].map(({ answer }) => answer));
  expect(answers.filter(({ outcome }) => outcome === 'shown')).toEqual(Array(1_000).fill(shown('SUBMITTING')));
  expect([one, ...more].reduce((sum, { reads }) => sum + reads(), 0)).toBe(2_000);
});

test('a thousand who are woken at once leave connections to everybody else, and none of them fails for want of one', async () => {
  const waiters = open();
  const id = await books.payout(merchant);
  let [reading, most] = [0, 0];
  const read = async () => {
    reading += 1;
    most = Math.max(most, reading);
    await sleep(1);
    reading -= 1;
    return 'read';
  };
  const gone = new AbortController().signal;
  const all = Array.from({ length: 1_000 }, (_, nth) =>
    waiters.wait(
      { keyId: `key_${nth}`, merchantId: `mer_${nth}`, subject: { kind: 'payout', id }, waitMs: ONLY_WOKEN_MS, gone },
      { read, isAnswer: () => false, mayEndUnheard: () => false },
    ),
  );
  waiters.close();
  expect(await Promise.all(all)).toEqual(Array(1_000).fill(shown('read')));
  expect([reading, most]).toEqual([0, 8]);
});

test('behind reads that a frozen database does not answer nobody is left standing', async () => {
  const waiters = open();
  const id = await books.payout(merchant);
  let thaw = (): void => undefined;
  const frozen = new Promise<string>((resolve) => {
    thaw = () => resolve('late');
  });
  const read = (nth: number, answer: Promise<string>) =>
    waiters.wait(
      {
        keyId: `key_${nth}`,
        merchantId: `mer_${nth}`,
        subject: { kind: 'payout', id },
        waitMs: ONLY_WOKEN_MS,
        gone: new AbortController().signal,
      },
      { read: () => answer, isAnswer: () => true, mayEndUnheard: () => false },
    );
  const stuck = Array.from({ length: 8 }, (_, nth) => read(nth, frozen));
  expect(await read(8, Promise.resolve('now'))).toEqual(shown('now'));
  thaw();
  expect(await Promise.all([...stuck, read(9, frozen)])).toEqual(Array(9).fill(shown('late')));
});

test('while nobody waits nothing is asked, and who comes then begins where the books are by then', async () => {
  const pool = counting(books.db.pool);
  const waiters = open({ pool });
  const id = await books.payout(merchant);
  expect((await ask(waiters, id, { waitMs: 1 }).answer).outcome).toBe('shown');
  await eventually(async () => {
    const asked = pool.asked.length;
    await sleep(500); // several looks, were there any
    expect(pool.asked.length).toBe(asked);
  });
  await books.told(id, 'attempt_started 1');
  const asked = ask(waiters, id);
  await asked.hasRead;
  await books.told(id, 'paid 1');
  expect(await asked.answer).toEqual(shown('SUCCEEDED'));
  expect(startsIn(pool.asked)).toBe(2);
});
