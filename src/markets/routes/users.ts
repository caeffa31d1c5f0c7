/** Whose user a route of markets is about. */
import type { ApiContext } from '../../http/context.ts';
import { notFound } from '../../http/problem.ts';
import { isOwnUser, type Tenant } from '../../users/reads.ts';

/** @throws Problem 404, the same for an unknown id and another merchant's. */
export async function mustOwnUser({ pool }: Pick<ApiContext, 'pool'>, tenant: Tenant, id: string): Promise<string> {
  if (!(await isOwnUser(pool, tenant, id))) throw notFound();
  return id;
}
