/** Which queue runs what, and how much of it at once. */
import { type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { createCutBackActivities } from '../../activities/cutBack.ts';
import { createLookAfterActivities } from '../../activities/games/lookAfter.ts';
import { createGameSettlementActivities } from '../../activities/games/settlement.ts';
import { createInstantActivities } from '../../activities/instant/look.ts';
import { createLookAfterInstantActivities } from '../../activities/instant/lookAfter.ts';
import { createMaintenanceActivities, type MaintenancePorts } from '../../activities/maintenance.ts';
import { createDecisionActivities } from '../../activities/markets/decisions.ts';
import { createLookAfterMarketsActivities } from '../../activities/markets/lookAfter.ts';
import { createResolutionActivities } from '../../activities/markets/resolution.ts';
import { createPauseActivities } from '../../activities/pauses.ts';
import { createLedgerActivities } from '../../activities/payouts/ledger.ts';
import { createPspActivities } from '../../activities/payouts/psp.ts';
import { createPayoutRunActivities } from '../../activities/providers/payoutRuns.ts';
import { createRelayActivities, type RelayActivityPorts } from '../../activities/relay/relay.ts';
import type { Config, QueueLimits } from '../config.ts';
import { parseKeys } from '../crypto/secretBox.ts';
import type { GamesClient } from '../games/client.ts';
import { createImageStore } from '../instant/images/place.ts';
import type { InstantClient } from '../instant/rules/contract.ts';
import { handOver } from '../instant/useCases/handOver.ts';
import { createLedger } from '../ledger/ledger.ts';
import { createLedgerReads } from '../ledger/reads.ts';
import type { MarketsClient } from '../markets/client.ts';
import type { ResolutionWatch } from '../markets/rules/watch.ts';
import type { PayoutsClient } from '../payouts/client.ts';
import type { PspRegistry } from '../psp/registry.ts';
import {
  DECISIONS_QUEUE,
  GAMES_QUEUE,
  HOUSEKEEPING_QUEUE,
  INSTANT_QUEUE,
  MARKETS_QUEUE,
  PAYOUT_RUNS_QUEUE,
  PAYOUTS_QUEUE,
  RELAY_QUEUE,
} from '../temporal/rules/queues.ts';
import { buildOf, workerSettings } from '../temporal/workerSettings.ts';
import type { JobCounts } from './jobs.ts';
import { workflowCode } from './temporal.ts';

/** How all end. */
const COMMON = {
  // Activities in flight get this long on Ctrl-C; then they are told to stop, and a POST or a PSP call in the air is
  // done again or looked up by whoever comes next. Both below the supervisor's 15 s.
  shutdownGraceTime: '5s',
  shutdownForceTime: '10s',
} as const satisfies Partial<WorkerOptions>;

export interface WorkerParts extends RelayActivityPorts {
  readonly connection: NativeConnection;
  readonly pool: Pool;
  readonly housekeepingPool: Pool;
  readonly psps: PspRegistry;
  readonly log: Logger;
  readonly payoutsClient: PayoutsClient;
  readonly gamesClient: GamesClient;
  readonly marketsClient: MarketsClient;
  readonly instantClient: InstantClient;
  readonly onBooksChecked: NonNullable<MaintenancePorts['onBooksChecked']>;
  readonly resolutionWatch: ResolutionWatch;
  /** After each change of the books: there may be something to send. */
  readonly onWritten: () => void;
  readonly jobs: JobCounts;
}

/** The server keeps the rate, for all workers of the queue together: each must be given the same, for the last to ask decides. */
const limitedTo = ({ concurrency, perSecond }: QueueLimits) => ({
  maxConcurrentActivityTaskExecutions: concurrency,
  maxTaskQueueActivitiesPerSecond: perSecond,
  activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: concurrency } as const,
});

/** One Temporal worker a queue, in this process. */
export async function createWorkers(
  config: Config,
  {
    connection,
    pool,
    housekeepingPool,
    psps,
    log,
    payoutsClient,
    gamesClient,
    marketsClient,
    instantClient,
    onBooksChecked,
    resolutionWatch,
    onWritten,
    jobs,
    relay,
    stopped,
  }: WorkerParts,
): Promise<readonly Worker[]> {
  const ledger = createLedger(pool, onWritten);
  const on = (taskQueue: string) => ({
    ...COMMON,
    connection,
    namespace: config.temporalNamespace,
    taskQueue,
    ...workerSettings(config.encryptionKeys, [jobs.countingFor(taskQueue)]),
  });
  const psp = createPspActivities({ ledger, pool, connector: psps.byName });
  const ledgerActivities = createLedgerActivities({ ledger, pool });
  // First those without workflows: if the server refuses them, no thread for workflows was started in vain.
  const housekeeping = await Worker.create({
    ...on(HOUSEKEEPING_QUEUE),
    activities: {
      ...createMaintenanceActivities({ pool: housekeepingPool, payouts: payoutsClient, onBooksChecked }),
      ...createLookAfterActivities({ pool: housekeepingPool, games: gamesClient }),
      ...createLookAfterMarketsActivities({ pool: housekeepingPool, markets: marketsClient }),
      ...createPauseActivities({ pool: housekeepingPool, payouts: payoutsClient }),
      ...createLookAfterInstantActivities({ pool: housekeepingPool, instant: instantClient }),
      ...createCutBackActivities({
        pool: housekeepingPool,
        deliveriesKeptMs: config.deliveriesKeptMs,
        images: createImageStore(config.proofs),
      }),
    },
    maxConcurrentActivityTaskExecutions: 4, // of each kind one at a time, by their Schedules
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
  });
  const relaying = await Worker.create({
    ...on(RELAY_QUEUE),
    activities: createRelayActivities({ relay, stopped }),
    maxConcurrentActivityTaskExecutions: 2, // one, and one that takes over from a run which hangs
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
  });
  const callers: Worker[] = [];
  for (const [queue, limits] of Object.entries(config.pspLimits))
    callers.push(await Worker.create({ ...on(queue), ...limitedTo(limits), activities: psp }));
  const payoutRuns = await Worker.create({
    ...on(PAYOUT_RUNS_QUEUE),
    ...limitedTo(config.payoutRunLimits),
    activities: createPayoutRunActivities({ pool: housekeepingPool, payouts: payoutsClient }),
  });
  const games = await Worker.create({
    ...on(GAMES_QUEUE),
    activities: createGameSettlementActivities({ pool, onWritten, step: config.gameLimits.step }),
    maxConcurrentActivityTaskExecutions: config.gameLimits.concurrency,
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: config.gameLimits.concurrency },
  });
  const markets = await Worker.create({
    ...on(MARKETS_QUEUE),
    activities: createResolutionActivities({ pool, onWritten, watch: resolutionWatch, chunk: config.markets.chunk }),
    maxConcurrentActivityTaskExecutions: config.markets.concurrency, // each has one connection of the payouts'
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: config.markets.concurrency },
  });
  const taking = { pool, ledger: createLedgerReads(pool), payouts: payoutsClient, psps, keys: parseKeys(config.encryptionKeys) };
  const instant = await Worker.create({
    ...on(INSTANT_QUEUE),
    activities: createInstantActivities({ pool, instant: instantClient, handOver: (rest) => handOver(taking, rest), onWritten }),
    maxConcurrentActivityTaskExecutions: config.instantConcurrency, // each has one connection of the payouts'
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: config.instantConcurrency },
  });
  const decisions = await Worker.create({
    ...on(DECISIONS_QUEUE),
    activities: { ...ledgerActivities, ...createDecisionActivities({ pool, onWritten }) },
    maxConcurrentActivityTaskExecutions: config.databasePool, // as for local activities
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 1, maximum: 5 }, // people are few
  });
  const payouts = await Worker.create({
    ...on(PAYOUTS_QUEUE),
    ...buildOf(await workflowCode(log)),
    activities: { ...ledgerActivities, ...psp },
    maxCachedWorkflows: 500, // a payout is busy for seconds; those that wait for days are replayed in milliseconds
    maxConcurrentWorkflowTaskExecutions: config.workflowConcurrency,
    maxConcurrentLocalActivityExecutions: config.databasePool, // each is one database call: more would only queue here
    maxConcurrentActivityTaskExecutions: 100, // PSP calls, each waiting for up to 30 s
    // Grows with the load: half the tail of the latency that fixed pollers have, and few idle calls.
    workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 2, initial: 5, maximum: 20 },
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 2, maximum: 20 },
    stickyQueueScheduleToStartTimeout: '5s', // a killed worker's payouts go to another one after this
  });
  return [payouts, decisions, ...callers, payoutRuns, games, markets, instant, relaying, housekeeping];
}
