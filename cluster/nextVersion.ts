/**
 * What the next version's workflows do otherwise, for the roll-out: they read the payout once more before each send. One
 * more step in the middle of the story, which payouts meet once or several times, so it stands behind `patched`.
 */
import { type ActivityInput, patched, proxyLocalActivities, type WorkflowInterceptors } from '@temporalio/workflow';
import type { LedgerActivities } from '../activities/payouts/ledger.ts';
import type { SubmitInput } from '../activities/payouts/psp.ts';

const { readPayout } = proxyLocalActivities<Pick<LedgerActivities, 'readPayout'>>({ startToCloseTimeout: '15s' });

export const interceptors = (): WorkflowInterceptors => ({
  outbound: [
    {
      async scheduleActivity(input: ActivityInput, next) {
        if (input.activityType === 'submit' && patched('read-before-sending')) {
          await readPayout((input.args[0] as SubmitInput).payoutId);
        }
        return await next(input);
      },
    },
  ],
});
