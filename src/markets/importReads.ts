/** What a merchant may ask of imports. The tenant is part of every WHERE, never a check afterwards. */
import type { Sql } from '../db/pool.ts';
import { isId } from '../rules/ids.ts';
import type { Tenant } from '../users/reads.ts';

export interface ImportRecord {
  readonly id: string;
  readonly marketId: string;
  readonly lines: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Why a line was not taken in. */
export interface ImportError {
  /** The how manieth that was dealt with: its own, where `line` is that of its stream, and several may have come. */
  readonly nth: number;
  readonly line: number;
  readonly key: string;
  readonly code: string;
  readonly detail: string;
}

/** Undefined: nobody's, or not this merchant's in this mode. */
export async function ownImport(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<ImportRecord | undefined> {
  if (!isId('imp', id)) return undefined;
  const { rows } = await pool.query<{ import: ImportRecord }>({
    name: 'own_import',
    text: 'SELECT import_record(i) AS import FROM imports i WHERE i.id = $1 AND i.merchant_id = $2 AND i.mode = $3',
    values: [id, merchantId, mode],
  });
  return rows[0]?.import;
}

/** The refused lines, in the order in which they were dealt with. */
export async function listImportErrors(
  pool: Sql,
  importId: string,
  { after, take }: { readonly after: number | undefined; readonly take: number },
): Promise<ImportError[]> {
  const { rows } = await pool.query<ImportError>(
    `SELECT l.nth, l.line, l.key, l.code, l.detail FROM import_lines l
      WHERE l.import_id = $1 AND l.code IS NOT NULL AND l.nth > $2 ORDER BY l.import_id, l.nth LIMIT $3`,
    [importId, after ?? 0, take],
  );
  return rows;
}
