/**
 * The workflows with a mistake that is easily made: one more step in the story, without `patched`. A payout that was
 * taken in waits a moment before it ends. tests/replay/replay.test.ts shows that it is caught.
 */
import { sleep } from '@temporalio/workflow';
import type { PayoutInput, PayoutResult } from '../../../src/payouts/rules/contract.ts';
import { payout as unchanged } from '../../../workflows/payouts/payout.ts';

export { checkBooks, cutBack } from '../../../workflows/maintenance.ts';
export { payoutFollowUp } from '../../../workflows/payouts/payoutFollowUp.ts';
export { relay } from '../../../workflows/relay/relay.ts';

export async function payout(input: PayoutInput): Promise<PayoutResult> {
  const result = await unchanged(input);
  if (result.accepted.outcome === 'accepted') await sleep('1s');
  return result;
}
