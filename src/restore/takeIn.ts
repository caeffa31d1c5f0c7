/** Takes a payout in that the books forgot: as the first time, under the same id, and so under the same keys at the PSP. */
import type { Pool } from 'pg';
import type { Ledger } from '../ledger/ledger.ts';
import type { RestoredKind } from '../payouts/restored.ts';
import type { PayoutRequest, PayoutTimes, ReviewReason } from '../payouts/rules/contract.ts';
import { feeMinor } from '../payouts/rules/fee.ts';
import { reviewReasons } from '../payouts/rules/review.ts';
import { reserveAssessed } from '../risk/assessed.ts';
import { RESTORED_KINDS } from './kinds.ts';
import type { Memory } from './witnesses.ts';

interface TakeInPorts {
  readonly pool: Pool;
  readonly ledger: Ledger;
  readonly times: PayoutTimes;
}

/** @returns why it is left to a person; undefined: it is in the books. */
export async function takeIn(ports: TakeInPorts, ofPayout: readonly Memory[]): Promise<string | undefined> {
  const request = requestIn(ofPayout);
  if (!request) return 'Temporal no longer has its request';
  const kind = request.kind ?? 'merchant';
  const way = RESTORED_KINDS.get(kind);
  const ownerId = way?.ownerOf(request);
  if (!way || ownerId === undefined) return `nobody knows how to take in a payout of the kind ${kind}`;
  const { terms, ...rest } = request;
  const amount = BigInt(rest.amountMinor);
  const fee = feeMinor(amount, terms);
  // Asked before, because a refusal would be final for this id.
  if (!(await isKnown(ports.pool, way, request, ownerId))) return way.unknownOwner;
  if ((await available(ports.pool, kind, request, ownerId)) < amount + fee) return way.tooLittle;
  const answer = await reserveAssessed(ports.ledger, {
    ...rest,
    feeMinor: fee.toString(),
    reviewUntil: new Date(Date.now() + ports.times.reviewWindowMs).toISOString(),
    reviewReasons: [...reviewReasons(amount, rest.currency, terms), ...(way.isAssessed ? lookedAt(ofPayout) : [])],
  });
  return 'payout' in answer ? undefined : `the books refuse it: ${answer.outcome}`;
}

/** Its request stands in its workflow's history. */
function requestIn(ofPayout: readonly Memory[]): PayoutRequest | undefined {
  return ofPayout.flatMap(({ opening }) => (opening?.type === 'new' ? [opening.request] : []))[0];
}

async function isKnown(
  pool: Pool,
  { known }: RestoredKind,
  { merchantId, mode }: PayoutRequest,
  ownerId: string,
): Promise<boolean> {
  return known === undefined || (await pool.query(known, [ownerId, merchantId, mode])).rows.length > 0;
}

async function available(pool: Pool, kind: string, { mode, currency }: PayoutRequest, ownerId: string): Promise<bigint> {
  const { rows } = await pool.query<{ available: string }>(
    'SELECT available FROM balances WHERE owner_kind = $1 AND owner_id = $2 AND mode = $3 AND currency = $4',
    [kind, ownerId, mode, currency],
  );
  return BigInt(rows[0]?.available ?? 0);
}

/** Nobody had decided on it yet: then somebody has to, whatever the facts say now. */
function lookedAt(ofPayout: readonly Memory[]): ReviewReason[] {
  const newest = Math.max(...ofPayout.map(({ round }) => round));
  if (!ofPayout.some(({ round, told }) => round === newest && (told === 'in_review' || told === 'held'))) return [];
  return [{ code: 'books_restored', detail: 'it waited for a person before the books were restored from a backup' }];
}
