/** A merchant begins an import of commitments to an open market. */
import type { Sql } from '../../db/pool.ts';
import { isPaused } from '../../pauses/reads.ts';
import type { Tenant } from '../../users/reads.ts';

/** Once for its id. `paused` is a look: it moves no money, and its lines ask the books. */
export async function openImport(
  { pool }: { readonly pool: Sql },
  request: Tenant & { readonly importId: string; readonly marketId: string },
): Promise<'opened' | 'market_closed' | 'paused'> {
  if (await isPaused(pool, 'markets', request.merchantId)) return 'paused';
  const { rows } = await pool.query<{ answer: { outcome: 'opened' | 'market_closed' } }>('SELECT open_import($1) AS answer', [
    JSON.stringify(request),
  ]);
  const row = rows[0];
  if (!row) throw new Error('no answer from open_import');
  return row.answer.outcome;
}
