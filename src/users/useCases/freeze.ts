/** A merchant stops all money of a user of its own, or lets it go on. */
import type { Sql } from '../../db/pool.ts';
import { isOwnUser, type Tenant } from '../reads.ts';

export interface FreezeRequest extends Tenant {
  readonly userId: string;
  readonly frozen: boolean;
  /** Of who asks: the same again changes nothing, whatever was asked since. */
  readonly key: string;
}

/** Once it is done, whatever moves this user's money meets it: no movement that had begun is still to come. */
export async function freeze({ pool }: { readonly pool: Sql }, request: FreezeRequest): Promise<'done' | 'unknown_user'> {
  const { merchantId, userId, frozen, key } = request;
  if (!(await isOwnUser(pool, request, userId))) return 'unknown_user';
  await pool.query('SELECT freeze_user($1, $2, $3, $4)', [userId, frozen, `freeze:${key}`, `merchant:${merchantId}`]);
  return 'done';
}
