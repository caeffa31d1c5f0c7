/** Cancelling a payout, whoever owns it. */
import type { PayoutRecord } from '../rules/contract.ts';
import { isFinal } from '../rules/machine.ts';
import { asAnswered } from './answered.ts';
import type { PayoutPorts } from './ports.ts';
import { steer } from './steer.ts';

export interface Cancelling {
  /** The id of whoever asks: the merchant's, or the provider's. */
  readonly by: string;
  /** The same for a repeat under the same idempotency key: the workflow then gives its first answer. */
  readonly requestId: string;
  readonly isRepeat: boolean;
}

export type Cancelled =
  | { readonly outcome: 'cancelled'; readonly payout: PayoutRecord }
  /** Something of it may be with the PSP, or it is over. */
  | { readonly outcome: 'too_late' }
  /** Nobody has taken the request up, and it may be lost. */
  | { readonly outcome: 'unheard' };

export async function cancel(
  ports: Pick<PayoutPorts, 'pool' | 'payouts' | 'ledger'>,
  before: PayoutRecord,
  { by, requestId, isRepeat }: Cancelling,
): Promise<Cancelled> {
  // Done by the call that this one repeats.
  if (isRepeat && before.state === 'CANCELLED') return { outcome: 'cancelled', payout: before };
  if (isFinal(before.state)) return { outcome: 'too_late' };
  const answer = await steer(ports, before, { type: 'cancelled', by }, requestId);
  if (answer.outcome === 'done') return { outcome: 'cancelled', payout: await asAnswered(ports.pool, before, answer.sequence) };
  return { outcome: answer.outcome === 'pending' ? 'unheard' : 'too_late' };
}
