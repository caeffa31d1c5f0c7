/** Workflows of somebody who shares our Temporal server, and knows how our activities and queues are called. */
import { proxyActivities } from '@temporalio/workflow';

export async function borrow(taskQueue: string, type: string, args: unknown[]): Promise<unknown> {
  const theirs = proxyActivities({ taskQueue, startToCloseTimeout: '10s', retry: { maximumAttempts: 1 } });
  return await theirs[type]?.(...args);
}
