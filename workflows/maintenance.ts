/** Started by a Schedule every hour. */
import { proxyActivities } from '@temporalio/workflow';
import type { MaintenanceActivities } from '../activities/maintenance.ts';
import { WEBHOOKS_QUEUE } from '../src/domain/queues.ts';

/** On the webhooks' queue: its workers have the time, and no payout ever waits behind it. */
const maintenance = proxyActivities<MaintenanceActivities>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '10m', // a thousand batches of some ten milliseconds, with room
  heartbeatTimeout: '30s', // one beat a batch, and a statement ends within 8 s
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 5 }, // the next hour tries again
  summary: 'remove expired idempotency keys',
});

export async function removeExpiredKeys(): Promise<{ removed: number }> {
  return await maintenance.removeExpiredKeys();
}
