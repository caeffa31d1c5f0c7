/** The PSPs' inbox as a loop: what it costs while nothing waits, and that it floods nobody when much does. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pino from 'pino';
import { createInbox, type InboxPorts } from '../../src/relay/inbox.ts';
import { createBell, type Work } from '../../src/relay/loop.ts';
import { newId } from '../../src/rules/newId.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { type Books, openBooks } from '../support/books.ts';
import { eventually } from '../support/payouts.ts';

let books: Books;
let payoutId: string;
beforeAll(async () => {
  books = await openBooks();
  payoutId = await books.payout(await books.merchant(5_000n));
});
afterAll(() => books?.stop());
beforeEach(() => books.db.owner.query('DELETE FROM psp_messages'));

interface World {
  readonly inbox: Work;
  /** The messages that were handed to their payout, or would have been. */
  readonly told: string[];
  /** Statements so far. */
  queries(): number;
  pass(ms: number): void;
}

/** With a clock that stands. What Temporal says to each, and when. */
function world(answer: () => Promise<void>): World {
  const told: string[] = [];
  let nowMs = 0;
  let queries = 0;
  const counting: Pick<InboxPorts['pool'], 'query'> = Object.create(books.db.pool, {
    query: {
      value: (...statement: Parameters<typeof books.db.pool.query>) => {
        queries += 1;
        return books.db.pool.query(...statement);
      },
    },
  });
  const inbox = createInbox({
    pool: counting as InboxPorts['pool'],
    ledger: books.ledger,
    payouts: {
      notice: (_payoutId, _round, { messageId }) => {
        told.push(messageId);
        return answer();
      },
    },
    log: pino({ level: 'silent' }),
    bell: createBell(),
    nowMs: () => nowMs,
    endMs: 60_000,
  });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { inbox, told, queries: () => queries, pass };
}

async function store(count: number, dueIn = '-1 second'): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    await books.db.owner.query(
      `INSERT INTO psp_messages (id, psp, event_key, payout_id, attempt, claim, body, hand_on_at)
       VALUES ($1, 'sandbox', $1, $2, 1, 'paid', '{}', now() + $3::interval)`,
      [newId('msg'), payoutId, dueIn],
    );
  }
}
const waiting = async (): Promise<number> => {
  const { rows } = await books.db.owner.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM psp_messages WHERE handed = 0 AND hand_on_at <= now()',
  );
  return rows[0]?.n ?? 0;
};

test('an inbox with nothing in it asks the database once in five seconds, however often it is woken', async () => {
  const { inbox, queries, pass } = world(async () => undefined);
  await store(1, '1 hour');
  for (let turns = 0; turns < 100; turns += 1) await inbox.turn();
  expect(queries()).toBe(1);
  pass(4_999);
  await inbox.turn();
  expect(queries()).toBe(1);
  pass(1);
  await inbox.turn();
  expect(queries()).toBe(2);
});

test('however many messages wait for Temporal, eight are asked about at once, and no turn waits for an answer', async () => {
  const answers: (() => void)[] = [];
  const { inbox, told } = world(() => new Promise<void>((resolve) => answers.push(resolve)));
  await store(20);
  for (let turns = 0; turns < 5; turns += 1) await inbox.turn();
  await eventually(async () => expect(told).toHaveLength(8));
  await inbox.turn();
  expect(await waiting()).toBe(12);
  for (const answered of answers.splice(0)) answered();
  await eventually(async () => {
    await inbox.turn();
    for (const answered of answers.splice(0)) answered();
    expect(await waiting()).toBe(0);
  });
  await eventually(async () => expect(told).toHaveLength(20));
  expect(new Set(told).size).toBe(20); // none of them twice
  for (const answered of answers.splice(0)) answered();
  await inbox.end();
});

test('while Temporal is away one message asks whether it is back, at growing distances; then the rest goes on', async () => {
  let isAway = true;
  const { inbox, told, pass } = world(async () => {
    if (isAway) throw new TemporalUnavailable('away', { cause: undefined });
  });
  await store(16);
  await inbox.turn();
  await eventually(async () => expect(told).toHaveLength(8));
  for (const [waitMs, asked] of [
    [1_000, 9],
    [2_000, 10],
    [4_000, 11],
  ] as const) {
    // biome-ignore format: a row a wait
    pass(waitMs - 1);
    for (let turns = 0; turns < 3; turns += 1) await inbox.turn();
    expect(await waiting()).toBe(17 - asked); // nothing was taken
    pass(1);
    await inbox.turn();
    await eventually(async () => expect(told).toHaveLength(asked));
  }
  isAway = false;
  pass(8_000);
  await eventually(async () => {
    await inbox.turn();
    expect(told).toHaveLength(16);
  });
  await inbox.end();
});

test('what a relay had in its hands when it was killed is handed on by another one a minute later', async () => {
  await store(1);
  const killed = world(() => new Promise<void>(() => undefined));
  await killed.inbox.turn();
  await eventually(async () => expect(killed.told).toHaveLength(1));
  const other = world(async () => undefined);
  await other.inbox.turn();
  expect(other.told).toEqual([]); // it may be on its way
  const { rows } = await books.db.owner.query<{ in: number }>(
    'SELECT round(extract(epoch FROM hand_on_at - now()))::int AS in FROM psp_messages',
  );
  expect(rows[0]?.in).toBeLessThanOrEqual(60);
  await books.db.owner.query(`UPDATE psp_messages SET hand_on_at = now() - interval '1 second'`);
  other.pass(5_000);
  await other.inbox.turn();
  await other.inbox.end();
  expect(other.told).toEqual(killed.told);
});
