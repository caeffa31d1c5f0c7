/** A payer wants to deposit: by a named slice, or by one of the amount, now or as soon as there is one. */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import { openPayin, type PayinAnswer, type PayinRequest } from '../../ledger/instant.ts';
import { isOwnUser } from '../../users/reads.ts';
import type { InstantClient } from '../rules/contract.ts';

interface Ports {
  readonly pool: Sql;
  readonly instant: InstantClient;
}

/** Once for its id. */
export async function deposit(
  { pool, instant }: Ports,
  request: PayinRequest,
): Promise<PayinAnswer | { readonly outcome: 'unknown_user' }> {
  if (!(await isOwnUser(pool, request, request.userId))) return { outcome: 'unknown_user' };
  if ('batchId' in request.wanted) await failpoint('slice.claiming', request.wanted.batchId);
  const answer = await openPayin(pool, request);
  if (!('payin' in answer)) return answer;
  const { id, batchId, state } = answer.payin;
  if (batchId !== null) await failpoint('slice.claimed', batchId);
  if (state === 'waiting') await instant.lookAtPayin(id);
  else if (batchId !== null) await instant.lookAtBatch(batchId);
  return answer;
}
