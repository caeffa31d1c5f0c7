/**
 * The sandbox's own book: transfers and the postings of what it took, gave out and got back. It knows nothing of the
 * customer's books, which is what makes it a witness. Amounts are PostgreSQL `numeric`, decimal text outside.
 */
import { createHash, randomUUID } from 'node:crypto';
import { columnsOf, type PlannedCallback, planCallbacks, storeCallbacks } from './callbacks.ts';
import { type Client, type Db, inTransaction, type Pool } from './database.ts';
import { takeFaults } from './faultStore.ts';
import { strikeCallback } from './faults.ts';
import type { Script } from './scenarios.ts';
import type { Transfer, TransferRequest, TransferStatus, WireDestination } from './wire.ts';

interface TransferRow {
  readonly id: string;
  readonly reference: string;
  readonly fingerprint: string;
  readonly amount: string;
  readonly currency: string;
  readonly destination: WireDestination;
  readonly status: TransferStatus;
  readonly reason: string | null;
  readonly taken_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** A line of `GET /control/transfers`. */
export interface BookEntry {
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly accountNumber: string;
  readonly status: TransferStatus;
  /** When it first took the money; null until then. */
  readonly takenAt: string | null;
  /** How often it was asked for this transfer, answered or not. */
  readonly requests: number;
}

export type Acceptance =
  | { readonly outcome: 'new' | 'same'; readonly transfer: Transfer }
  /** This reference stands for another transfer. */
  | { readonly outcome: 'reused' };

const COLUMNS = `id, reference, fingerprint, amount::text, currency, destination, status, reason, taken_at, created_at, updated_at`;

export interface Entering {
  /** Enters it wrong: with this amount or (null) with one more than asked. */
  readonly amountFault: string | null | undefined;
  /** Is any fault active? Mostly none, and then one statement does it all. */
  readonly anyFault: boolean;
}

/** Enters a transfer, or finds the one that already has its reference. */
export async function accept(pool: Pool, order: TransferRequest, script: Script, entering: Entering): Promise<Acceptance> {
  const transfer = transferOf(order, script, entering.amountFault);
  const entry = { transfer, script, narration: order.narration, fingerprint: fingerprintOf(order) };
  const isNew = entering.anyFault
    ? await inTransaction(pool, async (client) => {
        const entered = await enter(client, entry, []);
        if (entered && script.answers) await announce(client, transfer);
        return entered;
      })
    : await enter(pool, entry, script.answers ? planCallbacks(transfer, []) : []);
  if (isNew) return { outcome: 'new', transfer };
  const existing = await one(pool, 'reference = $1', order.reference);
  if (!existing) throw new Error(`transfer ${order.reference} vanished`);
  return existing.fingerprint === entry.fingerprint ? { outcome: 'same', transfer: shown(existing) } : { outcome: 'reused' };
}

const fingerprintOf = (order: TransferRequest): string => createHash('sha256').update(JSON.stringify(order)).digest('hex');

function transferOf(order: TransferRequest, { status, reason }: Script, amountFault: string | null | undefined): Transfer {
  const { reference, currency, destination } = order;
  const amount = amountFault === undefined ? order.amount : (amountFault ?? oneMore(order.amount));
  const now = new Date().toISOString();
  return { id: `sbt_${randomUUID()}`, reference, status, reason, amount, currency, destination, createdAt: now, updatedAt: now };
}

function oneMore(amount: string): string {
  const [whole = '', decimals] = amount.split('.');
  return decimals === undefined ? `${BigInt(whole) + 1n}` : `${BigInt(whole) + 1n}.${decimals}`;
}

interface Entry {
  readonly transfer: Transfer;
  readonly script: Script;
  readonly narration: string | null;
  readonly fingerprint: string;
}

/** The transfer, what it moves and what it calls back with, or none of it: its reference is taken. */
const ENTER = `
  WITH entered AS (
    INSERT INTO sandbox.transfers
      (id, reference, fingerprint, amount, currency, destination, account_number, narration, status, reason,
       created_at, updated_at, taken_at, next_status, next_reason, due_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text, $10, $11, $11, CASE WHEN $9::text = 'paid' THEN $11::timestamptz END, $12, $13,
       now() + $14 * interval '1 ms')
    ON CONFLICT (reference) DO NOTHING RETURNING id, status, currency, amount
  ), posted AS (
    INSERT INTO sandbox.postings (transfer_id, account, currency, amount)
    SELECT id, side.account, currency, side.sign * amount FROM entered, (VALUES ('float', -1), ('payee', 1)) AS side (account, sign)
     WHERE status = 'paid'
  ), planned AS (
    INSERT INTO sandbox.callbacks (transfer_id, body, forged, due_at)
    SELECT entered.id, each.body, each.forged, clock_timestamp() + each.after_ms * interval '1 ms'
      FROM entered, unnest($15::text[], $16::boolean[], $17::integer[]) AS each (body, forged, after_ms)
  )
  SELECT FROM entered`;

async function enter(db: Db, { transfer, script, narration, fingerprint }: Entry, callbacks: readonly PlannedCallback[]) {
  const { id, reference, amount, currency, destination, status, reason, createdAt } = transfer;
  const { later } = script;
  const { rowCount } = await db.query({
    name: 'enter_transfer',
    text: ENTER,
    values: [
      id, reference, fingerprint, amount, currency, JSON.stringify(destination), destination.accountNumber, narration, status,
      reason, createdAt, later?.status ?? null, later?.reason ?? null, later?.afterMs ?? null, ...columnsOf(callbacks),
    ], // biome-ignore format: in the order of the parameters
  });
  return rowCount === 1;
}

export async function findByReference(db: Db, reference: string): Promise<Transfer | undefined> {
  const row = await one(db, 'reference = $1', reference);
  return row && shown(row);
}

export async function findById(db: Db, id: string): Promise<Transfer | undefined> {
  const row = await one(db, 'id = $1', id);
  return row && shown(row);
}

/** Brings a transfer into a state, as a bank would, and calls back. Undefined where there is no such transfer. */
export function force(
  pool: Pool,
  reference: string,
  status: TransferStatus,
  reason: string | null,
): Promise<Transfer | undefined> {
  return inTransaction(pool, async (client) => {
    const row = await one(client, 'reference = $1 FOR UPDATE', reference);
    return row && shown(await change(client, row, status, reason));
  });
}

/** Makes the changes whose time has come. */
export async function applyDue(pool: Pool): Promise<void> {
  await inTransaction(pool, async (client) => {
    // SKIP LOCKED: a second sandbox on this database, or a forced change, is at the others. 50 keeps the transaction short.
    const { rows } = await client.query<TransferRow & { next_status: TransferStatus; next_reason: string | null }>(
      `SELECT ${COLUMNS}, next_status, next_reason FROM sandbox.transfers
       WHERE due_at <= now() ORDER BY due_at LIMIT 50 FOR UPDATE SKIP LOCKED`,
    );
    for (const row of rows) await change(client, row, row.next_status, row.next_reason);
  });
}

/** Newest first; `before` is the `seq` of the last one already seen. */
export async function listTransfers(
  db: Db,
  page: { prefix: string; limit: number; before: string | null },
): Promise<{ data: BookEntry[]; total: number; next: string | null }> {
  const { rows } = await db.query<Omit<BookEntry, 'takenAt'> & { takenAt: Date | null; seq: string }>(
    `SELECT t.reference, t.amount::text, t.currency, t.account_number AS "accountNumber", t.status, t.taken_at AS "takenAt", t.seq::text,
       (SELECT count(*)::int FROM sandbox.requests r WHERE r.reference = t.reference AND r.method = 'POST' AND r.path = '/transfers') AS requests
     FROM sandbox.transfers t WHERE starts_with(t.reference, $1) AND ($2::bigint IS NULL OR t.seq < $2) ORDER BY t.seq DESC LIMIT $3`,
    [page.prefix, page.before, page.limit + 1],
  );
  const counted = await db.query<{ total: number }>(
    'SELECT count(*)::int AS total FROM sandbox.transfers WHERE starts_with(reference, $1)',
    [page.prefix],
  );
  const shownRows = rows.slice(0, page.limit);
  return {
    data: shownRows.map(({ seq: _, takenAt, ...entry }) => ({ ...entry, takenAt: takenAt?.toISOString() ?? null })),
    total: counted.rows[0]?.total ?? 0,
    next: rows.length > page.limit ? (shownRows.at(-1)?.seq ?? null) : null,
  };
}

/** The one place where a transfer that exists changes: its state, the money, the callback. */
async function change(client: Client, row: TransferRow, status: TransferStatus, reason: string | null): Promise<TransferRow> {
  const wasOut = row.status === 'paid';
  const takes = status === 'paid' || (status === 'returned' && row.taken_at === null);
  const { rows } = await client.query<TransferRow>(
    `UPDATE sandbox.transfers SET status = $2, reason = $3, updated_at = clock_timestamp(), next_status = NULL, next_reason = NULL,
       due_at = NULL, taken_at = CASE WHEN $4 THEN coalesce(taken_at, now()) ELSE taken_at END
     WHERE id = $1 RETURNING ${COLUMNS}`,
    [row.id, status, reason, takes],
  );
  const changed = rows[0];
  if (!changed) throw new Error(`transfer ${row.reference} vanished`);
  if (!wasOut && takes) await post(client, changed, 'out');
  if ((wasOut || takes) && status !== 'paid') await post(client, changed, 'back');
  await announce(client, shown(changed));
  return changed;
}

async function post(client: Client, row: TransferRow, direction: 'out' | 'back'): Promise<void> {
  const [from, to] = direction === 'out' ? ['float', 'payee'] : ['payee', 'float'];
  await client.query(
    `INSERT INTO sandbox.postings (transfer_id, account, currency, amount)
     VALUES ($1, $2, $4, -($5::numeric)), ($1, $3, $4, $5::numeric)`,
    [row.id, from, to, row.currency, row.amount],
  );
}

async function announce(client: Client, transfer: Transfer): Promise<void> {
  const { id, reference, destination, amount } = transfer;
  const target = { type: 'callback', reference, accountNumber: destination.accountNumber, amount } as const;
  const faults = await takeFaults(client, (active) => strikeCallback(active, target));
  await storeCallbacks(client, id, planCallbacks(transfer, faults));
}

async function one(db: Db, where: string, value: string): Promise<TransferRow | undefined> {
  const { rows } = await db.query<TransferRow>(`SELECT ${COLUMNS} FROM sandbox.transfers WHERE ${where}`, [value]);
  return rows[0];
}

const shown = (row: TransferRow): Transfer => ({
  id: row.id,
  reference: row.reference,
  status: row.status,
  reason: row.reason,
  amount: row.amount,
  currency: row.currency,
  destination: row.destination,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});
