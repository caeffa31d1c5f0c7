/** The pauses there are, and were: few, for people begin them. */
import type { Sql } from '../db/pool.ts';
import type { PausableFlow } from '../rules/flows.ts';
import type { PauseRecord } from './rules/pause.ts';

const PAUSES = `
  SELECT id, scope_kind AS "scopeKind", scope_name AS "scopeName", reason, created_by AS "createdBy", created_at AS "createdAt",
         until, resumed_by AS "resumedBy", resumed_at AS "resumedAt", resumed_at IS NULL AND (until IS NULL OR until > now()) AS holds
    FROM pauses`;

/** The newest first; those alone that hold, or that have ended, if asked. */
export async function listPauses(
  pool: Sql,
  { holds, after, take }: { readonly holds: boolean | undefined; readonly after: string | undefined; readonly take: number },
): Promise<PauseRecord[]> {
  const { rows } = await pool.query<PauseRecord>(
    `SELECT * FROM (${PAUSES}) x WHERE ($1::text IS NULL OR id < $1) AND ($2::boolean IS NULL OR holds = $2) ORDER BY id DESC LIMIT $3`,
    [after ?? null, holds ?? null, take],
  );
  return rows;
}

/** Whether a pause holds over what a merchant would begin of this flow; a look, for what moves no money. */
export async function isPaused(pool: Sql, flow: PausableFlow, merchantId: string): Promise<boolean> {
  const { rows } = await pool.query<{ by: string | null }>({
    name: 'pause_over',
    text: 'SELECT pause_over($1, $2, NULL) AS by',
    values: [flow, merchantId],
  });
  return (rows[0]?.by ?? null) !== null;
}

export async function readPause(pool: Sql, id: string): Promise<PauseRecord | undefined> {
  const { rows } = await pool.query<PauseRecord>(`${PAUSES} WHERE id = $1`, [id]);
  return rows[0];
}
