/** The tape: every request the PSP API got, written before it is worked on. `requests` of a transfer is counted from it. */
import type { Db } from './database.ts';

export interface TapeEntry {
  readonly id: string;
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly reference: string | null;
  /** The faults it met, joined by `+`. */
  readonly fault: string | null;
  /** Null where no answer was given (yet). */
  readonly status: number | null;
}

/** Notes a request, and tells in the same round trip whether any fault is active. */
export async function openEntry(
  db: Db,
  request: { method: string; path: string; reference: string | null },
): Promise<{ tapeId: string; anyFault: boolean }> {
  const { rows } = await db.query<{ tapeId: string; anyFault: boolean }>({
    name: 'open_entry',
    text: `INSERT INTO sandbox.requests (method, path, reference) VALUES ($1, $2, $3)
      RETURNING id::text AS "tapeId", EXISTS (SELECT FROM sandbox.faults WHERE times_left IS NULL OR times_left > 0) AS "anyFault"`,
    values: [request.method, request.path, request.reference],
  });
  const entry = rows[0];
  if (!entry) throw new Error('the request was not noted');
  return entry;
}

export async function closeEntry(db: Db, tapeId: string, end: { fault: string | null; status: number | null }): Promise<void> {
  await db.query({
    name: 'close_entry',
    text: 'UPDATE sandbox.requests SET fault = $2, status = $3 WHERE id = $1',
    values: [tapeId, end.fault, end.status],
  });
}

/** Newest first. */
export async function readTape(db: Db, limit: number): Promise<TapeEntry[]> {
  const { rows } = await db.query<Omit<TapeEntry, 'at'> & { at: Date }>(
    `SELECT id::text, at, method, path, reference, fault, status FROM sandbox.requests ORDER BY sandbox.requests.id DESC LIMIT $1`,
    [limit],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}
