/** Cancelling a payout, whoever owns it. */
import type { PayoutRecord } from '../rules/contract.ts';
import { isFinal } from '../rules/machine.ts';
import type { ApiContext } from '../../http/context.ts';
import { Problem, unavailable } from '../../http/problem.ts';
import { steer } from './steer.ts';

export interface Cancelling {
  /** The id of whoever asks: the merchant's, or the provider's. */
  readonly by: string;
  /** The same for a repeat under the same idempotency key: the workflow then gives its first answer. */
  readonly requestId: string;
  readonly isRepeat: boolean;
}

/** @returns the payout as cancelled. @throws Problem 409 `not_cancellable`. */
export async function cancelPayout(
  context: ApiContext,
  before: PayoutRecord,
  { by, requestId, isRepeat }: Cancelling,
): Promise<PayoutRecord> {
  // Done by the call that this one repeats.
  if (isRepeat && before.state === 'CANCELLED') return before;
  const answer = isFinal(before.state)
    ? ({ outcome: 'gone' } as const)
    : await steer(context, before, { type: 'cancelled', by }, requestId);
  switch (answer.outcome) {
    case 'done':
      return answer.payout;
    case 'pending':
      throw unavailable('The engine'); // nobody has taken the request up, and it may be lost
    default:
      throw new Problem(
        409,
        'not_cancellable',
        'A payout can be cancelled only while nothing of it may be with the payment provider.',
      );
  }
}
