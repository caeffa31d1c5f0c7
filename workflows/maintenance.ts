/** Housekeeping, each started by its Schedule (src/worker/schedules.ts). */
import { proxyActivities } from '@temporalio/workflow';
import type { CutBack, CutBackActivities } from '../activities/cutBack.ts';
import type { LookAfterActivities } from '../activities/games/lookAfter.ts';
import type { LookAfterInstantActivities } from '../activities/instant/lookAfter.ts';
import type { BooksReport, MaintenanceActivities } from '../activities/maintenance.ts';
import type { LookAfterMarketsActivities } from '../activities/markets/lookAfter.ts';
import type { PauseActivities } from '../activities/pauses.ts';
import { HOUSEKEEPING_QUEUE } from '../src/temporal/rules/queues.ts';

const growing = proxyActivities<Pick<CutBackActivities, 'cutBack'>>({
  taskQueue: HOUSEKEEPING_QUEUE,
  startToCloseTimeout: '50m', // it ends by itself after some forty, and below the hour after which the next one starts
  heartbeatTimeout: '30s', // one beat a batch, and a statement ends within 8 s
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' }, // until it is done, however often its worker dies; the next run waits for it
  summary: 'cut back what only grows',
});

const books = proxyActivities<Pick<MaintenanceActivities, 'checkBooks'>>({
  taskQueue: HOUSEKEEPING_QUEUE,
  startToCloseTimeout: '45m', // ten million entries take a minute; below the hour after which the next one starts
  heartbeatTimeout: '30s', // a dead worker is noticed by several missed beats
  retry: { initialInterval: '30s', backoffCoefficient: 2, maximumInterval: '5m' },
  summary: 'check the books',
});

const open = proxyActivities<Pick<MaintenanceActivities, 'takeUpOpenPayouts'>>({
  taskQueue: HOUSEKEEPING_QUEUE,
  startToCloseTimeout: '30m', // some milliseconds for each open payout
  heartbeatTimeout: '30s', // one beat a payout
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'take up open payouts without a workflow',
});

const games = proxyActivities<LookAfterActivities>({
  taskQueue: HOUSEKEEPING_QUEUE,
  startToCloseTimeout: '5m', // some milliseconds for each game that waits
  heartbeatTimeout: '30s', // one beat a game
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'look after games',
});

const markets = proxyActivities<LookAfterMarketsActivities>({
  taskQueue: HOUSEKEEPING_QUEUE,
  startToCloseTimeout: '5m', // some milliseconds for each resolution that is under way
  heartbeatTimeout: '30s', // one beat a resolution
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'look after markets',
});

const paused = proxyActivities<PauseActivities>({
  taskQueue: HOUSEKEEPING_QUEUE,
  startToCloseTimeout: '1h', // fifty a second: a hundred thousand take half of it, and the rest is told by the next
  heartbeatTimeout: '30s', // one beat a payout, and a signal has 5 s
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  summary: 'let go what was paused',
});

/** What the clock and `POST …/resume` start: whoever waits for a pause that has ended is told. */
export async function letGoPaused(): Promise<{ told: number }> {
  return await paused.letGoPaused();
}

const instant = proxyActivities<LookAfterInstantActivities>({
  taskQueue: HOUSEKEEPING_QUEUE,
  startToCloseTimeout: '5m', // some milliseconds for each that waits
  heartbeatTimeout: '30s', // one beat each
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'look after withdrawals, slices and payins',
});

export async function lookAfterInstantPayouts(): Promise<{ batches: number; payins: number; withdrawals: number }> {
  return await instant.lookAfterInstantPayouts();
}

export async function lookAfterGames(): Promise<{ overdue: number; takenUp: number }> {
  return await games.lookAfterGames();
}

export async function lookAfterMarkets(): Promise<{ takenUp: number }> {
  return await markets.lookAfterMarkets();
}

export async function takeUpOpenPayouts(): Promise<{ asked: number; lookedUp: number }> {
  return await open.takeUpOpenPayouts();
}

export async function cutBack(): Promise<CutBack> {
  return await growing.cutBack();
}

/** What is wrong with the books stands in the result, in the worker's log and in its metrics; nothing is repaired here. */
export async function checkBooks(): Promise<BooksReport> {
  return await books.checkBooks();
}
