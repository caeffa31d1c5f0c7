/** A withdrawal: until when it may be filled, and what becomes of the rest. */
import { proxyActivities } from '@temporalio/workflow';
import type { InstantActivities } from '../../activities/instant/look.ts';
import type { InstantPayoutInput } from '../../src/instant/rules/contract.ts';
import { INSTANT_QUEUE } from '../../src/temporal/rules/queues.ts';
import { keepLooking } from './look.ts';

/** Tried until the database, and where a payout is taken in Temporal, are back. */
const { lookAtInstantPayout } = proxyActivities<InstantActivities>({
  taskQueue: INSTANT_QUEUE,
  startToCloseTimeout: '30s', // a payout that is taken in is waited for, for some seconds
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '1m' },
});

export const instantPayout = (input: InstantPayoutInput): Promise<void> => keepLooking(input, () => lookAtInstantPayout(input));
