/** A payin that waits for a slice: it gets one, or its time is over. */
import { proxyActivities } from '@temporalio/workflow';
import type { InstantActivities } from '../../activities/instant/look.ts';
import type { PayinInput } from '../../src/instant/rules/contract.ts';
import { INSTANT_QUEUE } from '../../src/temporal/rules/queues.ts';
import { keepLooking } from './look.ts';

/** Some statements: tried until the database is back. */
const { lookAtPayin } = proxyActivities<InstantActivities>({
  taskQueue: INSTANT_QUEUE,
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '1m' },
});

export const payin = (input: PayinInput): Promise<void> => keepLooking(input, () => lookAtPayin(input));
