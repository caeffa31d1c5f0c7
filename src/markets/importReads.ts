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
  readonly line: number;
  readonly key: string;
  readonly code: string;
  readonly detail: string;
}

/** Undefined: nobody's, or not this merchant's in this mode. */
export async function ownImport(pool: Sql, { merchantId, mode }: Tenant, id: string): Promise<ImportRecord | undefined> {
  if (!isId('imp', id)) return undefined;
  type Row = Omit<ImportRecord, 'createdAt' | 'updatedAt'> & { readonly createdAt: Date; readonly updatedAt: Date };
  const { rows } = await pool.query<Row>({
    name: 'own_import',
    text: `
      SELECT i.id, i.market_id AS "marketId", i.lines, i.accepted, i.rejected, i.created_at AS "createdAt", i.updated_at AS "updatedAt"
        FROM imports i WHERE i.id = $1 AND i.merchant_id = $2 AND i.mode = $3`,
    values: [id, merchantId, mode],
  });
  const [row] = rows;
  return row && { ...row, createdAt: row.createdAt.toISOString(), updatedAt: row.updatedAt.toISOString() };
}

/** The refused lines, in their order. */
export async function listImportErrors(
  pool: Sql,
  importId: string,
  { after, take }: { readonly after: number | undefined; readonly take: number },
): Promise<ImportError[]> {
  const { rows } = await pool.query<ImportError>(
    `SELECT l.line, l.key, l.code, l.detail FROM import_lines l
      WHERE l.import_id = $1 AND l.code IS NOT NULL AND l.line > $2 ORDER BY l.import_id, l.line LIMIT $3`,
    [importId, after ?? 0, take],
  );
  return rows;
}
