/** A merchant begins an import of commitments to an open market. */
import type { Sql } from '../../db/pool.ts';
import { askBooks } from '../../ledger/calls.ts';
import { isPaused } from '../../pauses/reads.ts';
import type { Tenant } from '../../users/reads.ts';

/** Once for its id. `paused` is a look: it moves no money, and its lines ask the books. */
export async function openImport(
  { pool }: { readonly pool: Sql },
  request: Tenant & { readonly importId: string; readonly marketId: string },
): Promise<'opened' | 'market_closed' | 'paused'> {
  if (await isPaused(pool, 'markets', request.merchantId)) return 'paused';
  const { outcome } = await askBooks<{ outcome: 'opened' | 'market_closed' }>(pool, 'open_import', [JSON.stringify(request)]);
  return outcome;
}
