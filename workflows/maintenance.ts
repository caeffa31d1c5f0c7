/** Housekeeping, each started by its Schedule (src/worker/schedules.ts). */
import { proxyActivities } from '@temporalio/workflow';
import type { BooksReport, MaintenanceActivities } from '../activities/maintenance.ts';
import { WEBHOOKS_QUEUE } from '../src/temporal/rules/queues.ts';

/** On the webhooks' queue: its workers have the time, and no payout ever waits behind it. */
const keys = proxyActivities<Pick<MaintenanceActivities, 'removeExpiredKeys'>>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '10m', // a thousand batches of some ten milliseconds, with room
  heartbeatTimeout: '30s', // one beat a batch, and a statement ends within 8 s
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 5 }, // the next hour tries again
  summary: 'remove expired idempotency keys',
});

const books = proxyActivities<Pick<MaintenanceActivities, 'checkBooks'>>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '45m', // ten million entries take a minute; below the hour after which the next one starts
  heartbeatTimeout: '30s', // a dead worker is noticed by several missed beats
  retry: { initialInterval: '30s', backoffCoefficient: 2, maximumInterval: '5m', maximumAttempts: 3 }, // the next hour tries again
  summary: 'check the books',
});

const open = proxyActivities<Pick<MaintenanceActivities, 'takeUpOpenPayouts'>>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '30m', // some milliseconds for each open payout
  heartbeatTimeout: '30s', // one beat a payout
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 5 }, // the next run tries again
  summary: 'take up open payouts without a workflow',
});

const messages = proxyActivities<Pick<MaintenanceActivities, 'handOnMessages'>>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '30m', // some milliseconds for each message
  heartbeatTimeout: '30s', // one beat a message
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 5 }, // the next minute tries again
  summary: "hand on PSPs' messages that nobody has dealt with",
});

export async function handOnMessages(): Promise<{ handed: number }> {
  return await messages.handOnMessages();
}

export async function takeUpOpenPayouts(): Promise<{ asked: number; lookedUp: number }> {
  return await open.takeUpOpenPayouts();
}

export async function removeExpiredKeys(): Promise<{ removed: number }> {
  return await keys.removeExpiredKeys();
}

/** What is wrong with the books stands in the result, in the worker's log and in its metrics; nothing is repaired here. */
export async function checkBooks(): Promise<BooksReport> {
  return await books.checkBooks();
}
