/**
 * When something happened, according to the books: once the step had what it waited for, and not when its transaction began. A time
 * before that of what it waited for would show, to whoever looks back, what nobody could have seen then.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { type Games, gamesOf } from '../support/games.ts';
import { type Instant, instantOf } from '../support/instant.ts';
import { type MarketBooks, marketBooksOf } from '../support/marketBooks.ts';
import { beginPause, endPause } from '../support/pauses.ts';

let books: Books;
let games: Games;
let markets: MarketBooks;
let instant: Instant;
let owner: Owner;
let house: Pick<Owner, 'merchantId' | 'mode'>;
beforeAll(async () => {
  books = await openBooks();
  games = gamesOf(books);
  markets = marketBooksOf(books);
  instant = instantOf(books);
  owner = await books.merchant(1_000_000n);
  house = await games.house(1_000_000n);
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const rows = async <Row>(text: string, values: unknown[] = []) => (await books.db.owner.query(text, values)).rows as Row[];

interface Row {
  readonly table: string;
  readonly id: string;
}

interface Step {
  readonly row: Row;
  readonly run: () => Promise<unknown>;
}

async function untilSomebodyWaitsFor(pid: number | undefined): Promise<void> {
  const waiting = () => rows('SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))', [pid]);
  while ((await waiting()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Somebody else has the row until the step has waited for it, and for as long as `meanwhile` takes. Answers when that was. */
async function whileHeld({ row, run }: Step, meanwhile: () => Promise<unknown> = async () => {}): Promise<Date> {
  const holder = await books.db.owner.connect();
  try {
    await holder.query('BEGIN');
    const { rows: held } = await holder.query<{ pid: number }>(
      `SELECT pg_backend_pid() AS pid FROM ${row.table} WHERE id::text = $1 FOR UPDATE`,
      [row.id],
    );
    const done = run();
    await untilSomebodyWaitsFor(held[0]?.pid);
    await meanwhile();
    const [now] = await rows<{ at: Date }>(`SELECT date_trunc('milliseconds', clock_timestamp()) AS at`);
    await holder.query('COMMIT');
    await done;
    return now?.at ?? new Date(Number.NaN);
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
}

/** What each is that may have to wait, and for what. */
const STEPS: readonly (readonly [string, () => Promise<Step>])[] = [
  [
    'a step of a payout, for the payout',
    async () => {
      const id = await books.payout(owner);
      return { row: { table: 'payouts', id }, run: () => books.tell(id, 'cancelled', { adminId: 'adm_1', reason: 'x' }) };
    },
  ],
  [
    'a payment, for its owner’s balance',
    async () => {
      const id = await books.payout(owner);
      await books.told(id, 'attempt_started 1', 'psp_processing 1');
      const [balance] = await rows<{ id: string }>('SELECT balance_id::text AS id FROM payouts WHERE id = $1', [id]);
      return { row: { table: 'balances', id: balance?.id ?? '' }, run: () => books.told(id, 'paid 1') };
    },
  ],
  [
    'a bet, for its game',
    async () => {
      const [game, player] = [await games.open(house), await games.player(house, 1_000n)];
      return { row: { table: 'games', id: game.gameId }, run: () => games.bet(game, player, 'andar', 100n) };
    },
  ],
  [
    'a settlement, for one of its players',
    async () => {
      const [game, player] = [await games.open(house), await games.player(house, 1_000n)];
      await games.bet(game, player, 'andar', 100n);
      await games.complete(game, 'andar');
      return { row: { table: 'users', id: player.userId }, run: () => games.settle(game) };
    },
  ],
  [
    'a credit, for its user',
    async () => {
      const player = await games.player(house, 1_000n);
      return { row: { table: 'users', id: player.userId }, run: () => games.users.debit(player, 10n, { currency: 'INR' }) };
    },
  ],
  [
    'a stake, for its user’s balance',
    async () => {
      const [market, player] = [await markets.open(house), await markets.player(house, 1_000n)];
      const [balance] = await rows<{ id: string }>(`SELECT id::text FROM balances WHERE owner_id = $1`, [player.userId]);
      return { row: { table: 'balances', id: balance?.id ?? '' }, run: () => markets.commit(market, player, 'yes', 100n) };
    },
  ],
  [
    'the end of a window, for its market',
    async () => {
      const [market, player] = [await markets.open(house), await markets.player(house, 1_000n)];
      await markets.commit(market, player, 'yes', 100n);
      const id = await markets.resolved(market, 'yes');
      return { row: { table: 'markets', id: market.marketId }, run: () => markets.plan(id) };
    },
  ],
  [
    'a claim, for its payer',
    async () => {
      const [payee, payer] = [await instant.user(1_000n), await instant.user()];
      const { batches } = await instant.open(payee, [1_000n]);
      return { row: { table: 'users', id: payer.userId }, run: () => instant.claim(payer, batches[0] ?? '') };
    },
  ],
  [
    'a confirmation, for its withdrawal',
    async () => {
      const [payee, payer] = [await instant.user(1_000n), await instant.user()];
      const { id, batches } = await instant.open(payee, [1_000n]);
      const batch = batches[0] ?? '';
      await instant.prove(batch, await instant.claim(payer, batch));
      return { row: { table: 'instant_payouts', id }, run: () => instant.confirm(batch) };
    },
  ],
];

test.each(STEPS)('%s: nothing of it is of a time before it was its turn', async (_name, prepare) => {
  const step = await prepare();
  const [before] = await rows<{ entry: string; event: string }>(
    `SELECT (SELECT coalesce(max(id), 0) FROM ledger_entries)::text AS entry, (SELECT coalesce(max(position), 0) FROM events)::text AS event`,
  );
  const since = await whileHeld(step);
  const written = await rows<{ what: string; at: Date; shown: string | null }>(
    `SELECT type AS what, at, object ->> 'updatedAt' AS shown FROM events WHERE position > $1
     UNION ALL SELECT type, at, NULL FROM ledger_entries WHERE id > $2`,
    [before?.event, before?.entry],
  );
  expect(written).not.toEqual([]);
  for (const { what, at, shown } of written) {
    expect([what, at.getTime() >= since.getTime()]).toEqual([what, true]);
    expect([what, shown ?? at.toISOString()]).toEqual([what, at.toISOString()]); // an event and the record that it shows
  }
});

test('a step that two transactions took in turn is of two times, whichever transaction began first', async () => {
  const id = await books.payout(owner);
  const early = await books.db.owner.connect();
  try {
    await early.query('BEGIN');
    await early.query('SELECT now()');
    await books.tell(id, 'held', { adminId: 'adm_1', reason: 'x' });
    await early.query(`SELECT apply_fact($1, 'k', 'cancelled', 'admin:adm_1', '{"adminId": "adm_1", "reason": "x"}')`, [id]);
    await early.query('COMMIT');
  } finally {
    early.release();
  }
  const inOrder = await rows('SELECT at FROM events WHERE subject_id = $1 ORDER BY at, sequence', [id]);
  expect(inOrder).toEqual(await rows('SELECT at FROM events WHERE subject_id = $1 ORDER BY sequence', [id]));
  expect(
    await rows(`SELECT FROM events WHERE subject_id = $1 AND sequence = 3 AND object ->> 'completedAt' = iso_time(at)`, [id]),
  ).toHaveLength(1);
  expect(
    await rows(
      `SELECT FROM ledger_entries x JOIN events e USING (subject_id) WHERE x.subject_id = $1 AND e.sequence = 3 AND x.type = 'RELEASE' AND x.at = e.at`,
      [id],
    ),
  ).toHaveLength(1);
});

test('a pause that waited for what was being begun holds from then on, and not from before: nothing seems to be sent under it', async () => {
  const holder = await books.db.owner.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE pauses IN ROW SHARE MODE'); // as whatever is begun
    const { rows: held } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const begun = beginPause(books.db.pool, ['psp', 'nobody']);
    await untilSomebodyWaitsFor(held[0]?.pid);
    const [now] = await rows<{ at: Date }>(`SELECT date_trunc('milliseconds', clock_timestamp()) AS at`);
    await holder.query('COMMIT');
    const id = await begun;
    expect(await rows('SELECT FROM pauses WHERE id = $1 AND created_at >= $2', [id, now?.at])).toHaveLength(1);
    await endPause(books.db.pool, id);
  } finally {
    await holder.query('ROLLBACK');
    holder.release();
  }
});

test('the server’s clock is put back: what happens next is not of a time before what has happened', async () => {
  const id = await books.payout(owner);
  await books.db.owner.query('ALTER TABLE events DISABLE TRIGGER append_only');
  await rows(`UPDATE events SET at = at + interval '1 hour' WHERE subject_id = $1`, [id]);
  await books.db.owner.query('ALTER TABLE events ENABLE TRIGGER append_only');
  await books.tell(id, 'held', { adminId: 'adm_1', reason: 'x' });
  expect(
    await rows(
      `SELECT FROM events a JOIN events b USING (subject_id, at) WHERE subject_id = $1 AND (a.sequence, b.sequence) = (1, 2)`,
      [id],
    ),
  ).toHaveLength(1);
});

test('a stake that waits for its user until the market has closed is none', async () => {
  const [player, closesAt] = [await markets.player(house, 1_000n), new Date(Date.now() + 3_000)];
  const market = await markets.open(house, { closesAt });
  let outcome: unknown;
  await whileHeld(
    {
      row: { table: 'users', id: player.userId },
      run: async () => (outcome = await markets.commit(market, player, 'yes', 100n, newId('com')).catch(String)),
    },
    () => rows(`SELECT pg_sleep(greatest(extract(epoch FROM $1::timestamptz - clock_timestamp()), 0) + 0.01)`, [closesAt]),
  );
  expect(outcome).toContain('market_closed');
  expect(await markets.purse(player)).toBe(1_000n);
});
