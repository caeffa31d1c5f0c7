/** Cancelling a payout, whoever owns it. */
import type { PayoutRecord } from '../domain/payout/contract.ts';
import { isFinal } from '../domain/payout/machine.ts';
import type { SteeredAnswer } from '../temporal/payouts.ts';
import type { ApiContext } from './context.ts';
import { Problem, unavailable } from './problem.ts';

export interface Cancelling {
  /** The id of whoever asks: the merchant's, or the provider's. */
  readonly by: string;
  /** The same for a repeat under the same idempotency key: the workflow then gives its first answer. */
  readonly requestId: string;
  readonly isRepeat: boolean;
}

/** @returns the payout as cancelled. @throws Problem 409 `not_cancellable`. */
export async function cancelPayout(context: ApiContext, before: PayoutRecord, cancelling: Cancelling): Promise<PayoutRecord> {
  // Done by the call that this one repeats.
  if (cancelling.isRepeat && before.state === 'CANCELLED') return before;
  const answer = isFinal(before.state) ? ({ outcome: 'gone' } as const) : await askToCancel(context, before, cancelling);
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

/** An open payout whose workflow was lost or terminated gets a new one. */
async function askToCancel(
  { payouts, ledger }: ApiContext,
  payout: PayoutRecord,
  { by, requestId }: Cancelling,
): Promise<SteeredAnswer> {
  const command = { type: 'cancelled', by } as const;
  const answer = await payouts.command(payout.id, payout.round, command, requestId);
  if (answer.outcome !== 'gone') return answer;
  const now = await ledger.read(payout.id);
  if (!now || isFinal(now.state)) return answer;
  await payouts.resume(now);
  return await payouts.command(now.id, now.round, command, requestId);
}
