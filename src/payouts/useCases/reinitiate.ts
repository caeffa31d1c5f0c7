/** Trying a failed payout again: its merchant may, and an operator. */
import { newId } from '../../rules/newId.ts';
import type { PayoutRecord } from '../rules/contract.ts';
import { refusal, type Taken } from './takeIn.ts';
import type { ApiContext } from '../../http/context.ts';
import type { Pending } from '../../http/plugins/idempotency.ts';

export interface Reinitiating {
  /** The id of whoever asks: the merchant's, or an admin's. */
  readonly by: string;
  readonly byAdmin?: true;
  /** From `reinitiationId`, when it was first asked. */
  readonly requestId: string;
  readonly isRepeat: boolean;
}

/** The round is fixed with the idempotency key: a repeat asks for the same one, which the ledger opens once. */
export const reinitiationId = ({ id, round }: PayoutRecord): string => `${id}/${round + 1}/${newId('req')}`;

/** @throws Problem 409 `not_reinitiable`, 400 `insufficient_balance`. */
export async function reinitiate(
  { payouts }: ApiContext,
  before: PayoutRecord,
  { by, byAdmin, requestId, isRepeat }: Reinitiating,
): Promise<Taken | Pending> {
  const round = Number.parseInt(requestId.split('/')[1] ?? '', 10);
  // Begun by the call that this one repeats.
  if (isRepeat && before.round >= round) return { payout: before };
  if (before.state !== 'FAILED') throw refusal('not_reinitiable');
  const { id: payoutId } = before;
  const opening = { type: 'reinitiate', payoutId, round, by, requestId, ...(byAdmin && { byAdmin }) } as const;
  const answer = await payouts.accept({ ...before, payoutId }, opening);
  if (answer.kind === 'pending') return { pending: before };
  if (answer.accepted.outcome === 'refused') throw refusal(answer.accepted.code);
  return { payout: answer.accepted.payout };
}
