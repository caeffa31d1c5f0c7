/**
 * A simulator's own book: transfers and the postings of what it took, gave out and got back. It knows nothing of the
 * customer's books, which is what makes it a witness. Amounts are PostgreSQL `numeric`, decimal text outside.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type CallbackRules, planCallbacks, storeCallbacks } from './callbacks.ts';
import { type Client, type Db, inTransaction, type Pool } from './database.ts';
import { takeFaults } from './faultStore.ts';
import { strikeCallback } from './faults.ts';
import type { Payee, Script, Step, Transfer, TransferOrder, TransferStatus } from './transfer.ts';

/** What differs from PSP to PSP. */
export interface BookRules<P extends Payee> extends CallbackRules<P> {
  /** Of its transfers' ids. */
  readonly idPrefix: string;
  /** The customer's money at the PSP; absent: there is always enough. */
  readonly wallet?: Wallet;
}

export interface Wallet {
  /** What a transfer is refused with when there is not enough. */
  readonly shortReason: string;
  /** Takes so much, if it is there; a bank's own word (`force`) takes it in any case. */
  take(client: Client, currency: string, amount: string, force: boolean): Promise<boolean>;
  giveBack(client: Client, currency: string, amount: string): Promise<void>;
}

export interface Book<P extends Payee> {
  accept(order: TransferOrder<P>, opening: Opening): Promise<Acceptance<P>>;
  find(by: 'id' | 'reference' | 'seq', value: string): Promise<Transfer<P> | undefined>;
  /** How long it has had a transfer under this reference; null where it has none. */
  ageMs(reference: string): Promise<number | null>;
  /** Newest first. */
  search(filter: Search): Promise<{ transfers: Transfer<P>[]; total: number }>;
  /**
   * Brings a transfer into a state, as a bank would, and calls back; what else was to become of it is replaced. Undefined
   * where there is no such transfer.
   */
  force(reference: string, forced: Forced): Promise<Transfer<P> | undefined>;
  /** Makes the changes whose time has come. */
  applyDue(): Promise<void>;
  /** Newest first; `before` is the `seq` of the last one already seen. */
  entries(page: { prefix: string; limit: number; before: string | null }): Promise<Entries>;
}

export interface Opening {
  readonly script: Script;
  readonly fee: string;
  /** Enter it wrong, with this amount or (null) with one more than asked. */
  readonly amountFault: string | null | undefined;
}

export interface Forced {
  readonly status: TransferStatus;
  readonly reason: string | null;
  readonly later: readonly Step[];
}

export type Acceptance<P extends Payee> =
  | { readonly outcome: 'new' | 'same'; readonly transfer: Transfer<P> }
  /** This reference stands for another transfer. */
  | { readonly outcome: 'reused' };

export interface Search {
  readonly reference: string | null;
  /** The beginning of a reference. */
  readonly prefix: string | null;
  readonly statuses: readonly TransferStatus[] | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly limit: number;
  readonly offset: number;
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

export interface Entries {
  readonly data: readonly BookEntry[];
  readonly total: number;
  readonly next: string | null;
}

interface Row<P extends Payee> {
  readonly id: string;
  readonly seq: string;
  readonly reference: string;
  readonly fingerprint: string;
  readonly amount: string;
  readonly fee: string;
  readonly cost: string;
  readonly currency: string;
  readonly destination: P;
  readonly narration: string | null;
  readonly status: TransferStatus;
  readonly reason: string | null;
  readonly later: readonly Step[];
  readonly taken_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS = `id, seq::text, reference, fingerprint, amount::text, fee::text, (amount + fee)::text AS cost, currency, destination,
  narration, status, reason, later, taken_at, created_at, updated_at`;

export function createBook<P extends Payee>(pool: Pool, rules: BookRules<P>): Book<P> {
  async function one(db: Db, where: string, value: string): Promise<Row<P> | undefined> {
    const { rows } = await db.query<Row<P>>(`SELECT ${COLUMNS} FROM transfers WHERE ${where}`, [value]);
    return rows[0];
  }

  async function announce(client: Client, row: Row<P>): Promise<void> {
    if (!rules.announces.has(row.status)) return; // nor is a fault used up
    const target = {
      type: 'callback',
      reference: row.reference,
      accountNumber: row.destination.accountNumber,
      amount: row.amount,
    } as const;
    const faults = await takeFaults(client, (active) => strikeCallback(active, target));
    await storeCallbacks(client, row.id, planCallbacks(rules, shown(row), faults));
  }

  /** The one place where a transfer that exists changes: its state, the money, the callback. */
  async function change(client: Client, row: Row<P>, wanted: Forced, force: boolean): Promise<Row<P>> {
    const wasOut = row.status === 'paid';
    const mayTake = wanted.status === 'paid' ? !wasOut : wanted.status === 'returned' && row.taken_at === null;
    const cost = row.taken_at === null ? row.cost : row.amount; // a bank that pays again pays the same transfer: one fee
    const isShort = mayTake && rules.wallet && !(await rules.wallet.take(client, row.currency, cost, force));
    const { status, reason } = isShort ? { status: 'failed' as const, reason: rules.wallet?.shortReason ?? null } : wanted;
    const takes = mayTake && !isShort;
    const later = isShort ? [] : wanted.later;
    const { rows } = await client.query<Row<P>>(
      `UPDATE transfers SET status = $2, reason = $3, updated_at = clock_timestamp(), later = $5,
         due_at = clock_timestamp() + $6 * interval '1 ms', taken_at = CASE WHEN $4 THEN coalesce(taken_at, now()) ELSE taken_at END
       WHERE id = $1 RETURNING ${COLUMNS}`,
      [row.id, status, reason, takes, JSON.stringify(later), later[0]?.afterMs ?? null],
    );
    const changed = rows[0];
    if (!changed) throw new Error(`transfer ${row.reference} vanished`);
    if (takes) await post(client, changed, 'out');
    if ((wasOut || takes) && status !== 'paid') {
      await post(client, changed, 'back');
      await rules.wallet?.giveBack(client, changed.currency, changed.amount);
    }
    await announce(client, changed);
    return changed;
  }

  return {
    accept(order, { script, fee, amountFault }) {
      const fingerprint = createHash('sha256').update(JSON.stringify(order)).digest('hex');
      return inTransaction(pool, async (client) => {
        const { rows } = await client.query<Row<P>>(
          `INSERT INTO transfers
             (id, reference, fingerprint, amount, fee, currency, destination, account_number, narration, status, reason,
              taken_at, later, due_at)
           VALUES ($1, $2, $3, CASE WHEN $4 THEN coalesce($5::numeric, $6::numeric + 1) ELSE $6::numeric END, $7, $8, $9, $10, $11, $12::text, $13,
              CASE WHEN $12::text = 'paid' THEN now() END, $14, now() + $15 * interval '1 ms')
           ON CONFLICT (reference) DO NOTHING RETURNING ${COLUMNS}`,
          [
            `${rules.idPrefix}_${randomUUID()}`, order.reference, fingerprint, amountFault !== undefined, amountFault ?? null, order.amount,
            fee, order.currency, JSON.stringify(order.destination), order.destination.accountNumber, order.narration, script.status,
            script.reason, JSON.stringify(script.later), script.later[0]?.afterMs ?? null,
          ], // biome-ignore format: in the order of the columns
        );
        const row = rows[0];
        if (row) {
          if (row.status === 'paid') await post(client, row, 'out');
          if (script.answers) await announce(client, row);
          return { outcome: 'new', transfer: shown(row) };
        }
        const existing = await one(client, 'reference = $1', order.reference);
        if (!existing) throw new Error(`transfer ${order.reference} vanished`);
        return existing.fingerprint === fingerprint ? { outcome: 'same', transfer: shown(existing) } : { outcome: 'reused' };
      });
    },

    async find(by, value) {
      const row = await one(pool, `${by}${by === 'seq' ? '::text' : ''} = $1`, value);
      return row && shown(row);
    },

    async ageMs(reference) {
      const { rows } = await pool.query<{ ms: number }>(
        'SELECT (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS ms FROM transfers WHERE reference = $1',
        [reference],
      );
      return rows[0]?.ms ?? null;
    },

    async search({ reference, prefix, statuses, from, to, limit, offset }) {
      const { rows } = await pool.query<Row<P> & { total: number }>(
        `SELECT ${COLUMNS}, count(*) OVER ()::int AS total FROM transfers
         WHERE ($1::text IS NULL OR reference = $1) AND ($2::text IS NULL OR starts_with(reference, $2))
           AND ($3::text[] IS NULL OR status = ANY ($3)) AND ($4::timestamptz IS NULL OR created_at >= $4)
           AND ($5::timestamptz IS NULL OR created_at < $5)
         ORDER BY transfers.seq DESC LIMIT $6 OFFSET $7`,
        [reference, prefix, statuses, from, to, limit, offset],
      );
      return { transfers: rows.map(shown), total: rows[0]?.total ?? 0 };
    },

    force(reference, forced) {
      return inTransaction(pool, async (client) => {
        const row = await one(client, 'reference = $1 FOR UPDATE', reference);
        return row && shown(await change(client, row, forced, true));
      });
    },

    async applyDue() {
      await inTransaction(pool, async (client) => {
        // SKIP LOCKED: a second simulator on this database, or a forced change, is at the others. 50 keeps the transaction short.
        const { rows } = await client.query<Row<P>>(
          `SELECT ${COLUMNS} FROM transfers WHERE due_at <= now() ORDER BY due_at LIMIT 50 FOR UPDATE SKIP LOCKED`,
        );
        for (const row of rows) {
          const [step, ...later] = row.later;
          if (step) await change(client, row, { ...step, later }, false);
        }
      });
    },

    async entries({ prefix, limit, before }) {
      const { rows } = await pool.query<Omit<BookEntry, 'takenAt'> & { takenAt: Date | null; seq: string }>(
        `SELECT t.reference, t.amount::text, t.currency, t.account_number AS "accountNumber", t.status, t.taken_at AS "takenAt", t.seq::text,
           (SELECT count(*)::int FROM requests r WHERE r.reference = t.reference AND r.method = 'POST' AND r.path = '/transfers') AS requests
         FROM transfers t WHERE starts_with(t.reference, $1) AND ($2::bigint IS NULL OR t.seq < $2) ORDER BY t.seq DESC LIMIT $3`,
        [prefix, before, limit + 1],
      );
      const counted = await pool.query<{ total: number }>(
        'SELECT count(*)::int AS total FROM transfers WHERE starts_with(reference, $1)',
        [prefix],
      );
      const shownRows = rows.slice(0, limit);
      return {
        data: shownRows.map(({ seq: _, takenAt, ...entry }) => ({ ...entry, takenAt: takenAt?.toISOString() ?? null })),
        total: counted.rows[0]?.total ?? 0,
        next: rows.length > limit ? (shownRows.at(-1)?.seq ?? null) : null,
      };
    },
  };
}

async function post(client: Client, row: Row<Payee>, direction: 'out' | 'back'): Promise<void> {
  const [from, to] = direction === 'out' ? ['float', 'payee'] : ['payee', 'float'];
  await client.query(
    `INSERT INTO postings (transfer_id, account, currency, amount)
     VALUES ($1, $2, $4, -($5::numeric)), ($1, $3, $4, $5::numeric)`,
    [row.id, from, to, row.currency, row.amount],
  );
}

const shown = <P extends Payee>(row: Row<P>): Transfer<P> => ({
  id: row.id,
  seq: row.seq,
  reference: row.reference,
  status: row.status,
  reason: row.reason,
  amount: row.amount,
  fee: row.fee,
  currency: row.currency,
  destination: row.destination,
  narration: row.narration,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
});
