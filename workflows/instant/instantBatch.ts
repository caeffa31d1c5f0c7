/** A slice of a withdrawal: who has it until when, and who looks at its proof. */
import { proxyActivities } from '@temporalio/workflow';
import type { InstantActivities } from '../../activities/instant/look.ts';
import type { BatchInput } from '../../src/instant/rules/contract.ts';
import { INSTANT_QUEUE } from '../../src/temporal/rules/queues.ts';
import { keepLooking } from './look.ts';

/** Some statements: tried until the database is back. */
const { lookAtBatch } = proxyActivities<InstantActivities>({
  taskQueue: INSTANT_QUEUE,
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '1m' },
});

export const instantBatch = (input: BatchInput): Promise<void> => keepLooking(input, () => lookAtBatch(input));
