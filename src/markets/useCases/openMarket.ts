/** A merchant opens a market: from now on its users may stake on how it ends. */
import type { Sql } from '../../db/pool.ts';
import { askBooks } from '../../ledger/calls.ts';
import { isPaused } from '../../pauses/reads.ts';
import { isOwnUser, type Tenant } from '../../users/reads.ts';
import type { WholeMarket } from '../present/market.ts';
import { ownMarket } from '../reads.ts';
import type { FeeBase, MarketType } from '../rules/market.ts';

export interface OpeningRequest extends Tenant {
  readonly marketId: string;
  readonly type: MarketType;
  readonly title: string;
  readonly options: readonly { readonly id: string; readonly title: string }[];
  readonly currency: string;
  readonly creatorUserId: string | null;
  readonly houseFeeBps: number;
  readonly creatorFeeBps: number;
  readonly feeBase: FeeBase;
  readonly closesAt: string | null;
  readonly disputeWindowMs: number;
}

/** Once for its id. `paused` is a look: it moves no money, and whoever stakes on it asks the books. */
export async function openMarket(
  { pool }: { readonly pool: Sql },
  request: OpeningRequest,
): Promise<
  | { readonly outcome: 'unknown_creator' }
  | { readonly outcome: 'paused' }
  | { readonly outcome: 'opened'; readonly market: WholeMarket }
> {
  const { creatorUserId, marketId, merchantId } = request;
  if (await isPaused(pool, 'markets', merchantId)) return { outcome: 'paused' };
  if (creatorUserId !== null && !(await isOwnUser(pool, request, creatorUserId))) return { outcome: 'unknown_creator' };
  await askBooks(pool, 'open_market', [JSON.stringify(request)]);
  const market = await ownMarket(pool, request, marketId);
  if (!market) throw new Error(`the market ${marketId} was opened but is not there`);
  return { outcome: 'opened', market };
}
