/** Trying a failed payout again: its merchant may, and an operator. */
import { newId } from '../../rules/newId.ts';
import type { PayoutRecord } from '../rules/contract.ts';
import { asAnswered } from './answered.ts';
import type { PayoutPorts } from './ports.ts';
import type { Taken } from './takeIn.ts';

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

export async function reinitiate(
  { payouts, pool }: Pick<PayoutPorts, 'payouts' | 'pool'>,
  before: PayoutRecord,
  { by, byAdmin, requestId, isRepeat }: Reinitiating,
): Promise<Taken> {
  const round = Number.parseInt(requestId.split('/')[1] ?? '', 10);
  // Begun by the call that this one repeats.
  if (isRepeat && before.round >= round) return { outcome: 'taken', payout: before };
  if (before.state !== 'FAILED') return { outcome: 'refused', code: 'not_reinitiable' };
  const { id: payoutId } = before;
  const opening = { type: 'reinitiate', payoutId, round, by, requestId, ...(byAdmin && { byAdmin }) } as const;
  const answer = await payouts.accept({ ...before, payoutId }, opening);
  if (answer.kind === 'pending') return { outcome: 'pending', payout: before };
  const { accepted } = answer;
  return accepted.outcome === 'refused'
    ? accepted
    : { outcome: 'taken', payout: await asAnswered(pool, before, accepted.sequence) };
}
