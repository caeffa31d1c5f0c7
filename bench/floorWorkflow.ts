/**
 * The least that a payout can cost on Temporal: the same events in the same order (an update with the start, a local
 * activity, an activity, one upsert), and nothing done in any of them.
 */
import {
  condition,
  defineUpdate,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { NEEDS_OPERATOR, PAYOUT_STATUS } from '../src/temporal/rules/searchAttributes.ts';
import type { FloorActivities } from './floorWorker.ts';

export const floorAccept = defineUpdate<string>('accept');

const { reserve } = proxyLocalActivities<Pick<FloorActivities, 'reserve'>>({ startToCloseTimeout: '15s' });
const { submit } = proxyActivities<Pick<FloorActivities, 'submit'>>({
  startToCloseTimeout: '60s',
  retry: { maximumAttempts: 1 },
});

export async function floor(id: string): Promise<void> {
  let reserved = false;
  setHandler(floorAccept, async () => {
    await condition(() => reserved);
    return id;
  });
  await reserve(id);
  reserved = true;
  await submit(id);
  upsertSearchAttributes([
    { key: PAYOUT_STATUS, value: 'SUCCESS' },
    { key: NEEDS_OPERATOR, value: false },
  ]);
}
