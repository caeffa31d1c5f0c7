/** A worker process. Any number of them may run; each may be killed at any moment. */
import { Client } from '@temporalio/client';
import type { NativeConnection, Worker } from '@temporalio/worker';
import { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { createPool } from '../db/pool.ts';
import { createWaker } from '../db/wake.ts';
import { createGamesClient } from '../games/client.ts';
import { createInstantClient } from '../instant/client.ts';
import { countBookSteps } from '../ledger/calls.ts';
import { createMarketsClient } from '../markets/client.ts';
import { createMailer } from '../notify/mail.ts';
import { createPayoutsClient } from '../payouts/client.ts';
import { createPspRegistry } from '../psp/registry.ts';
import { createRelay } from '../relay/relay.ts';
import { clientSettings } from '../temporal/clientSettings.ts';
import { FULL } from '../temporal/signals.ts';
import { startBeat } from './beat.ts';
import { booksMetrics } from './booksMetrics.ts';
import { startWorkerHttp } from './http.ts';
import { countJobs } from './jobs.ts';
import { createLog } from './log.ts';
import { createWorkers } from './queues.ts';
import { keepRelay, relayParts } from './relay.ts';
import { resolutionMetrics } from './resolutionMetrics.ts';
import { ensureSchedules } from './schedules.ts';
import { watchSlots } from './slots.ts';
import { connectWorker, installRuntime } from './temporal.ts';
import { startWatch } from './watch.ts';
import { webhookMetrics } from './webhookMetrics.ts';

/** Connections for housekeeping and for the relay, apart from the payouts' and from each other: no flood of deliveries keeps money waiting. */
const HOUSEKEEPING_POOL = 3;
const RELAY_POOL = 3;
const INBOX_POOL = 2;

export interface RunningWorker {
  /** Where /health and /metrics are. */
  readonly port: number;
  /** Takes no new work, gives what is in flight a few seconds, and ends. What was cut off is done again by another worker. */
  close(): Promise<void>;
}

/**
 * Starts a worker; resolves once it takes work. Waits for a Temporal server that is not there yet, and for a database
 * for as long as it takes: activities try again.
 * @throws where it cannot run at all: its port is in use, the namespace does not exist.
 * @param onFatal when Temporal turns the worker away for good; by default the process ends with 1, to be started again.
 */
export async function startWorker(config: Config, onFatal: () => void = () => process.exit(1)): Promise<RunningWorker> {
  const log = createLog(config.logLevel);
  const coreMetricsUrl = await installRuntime(log);
  const pool = createPool({ url: config.databaseUrl, max: config.databasePool, applicationName: 'oncepay worker' });
  const housekeepingPool = createPool({
    url: config.databaseUrl,
    max: HOUSEKEEPING_POOL,
    applicationName: 'oncepay housekeeping',
  });
  const relayPool = createPool({ url: config.databaseUrl, max: RELAY_POOL, applicationName: 'oncepay relay' });
  const inboxPool = createPool({ url: config.databaseUrl, max: INBOX_POOL, applicationName: 'oncepay inbox' });
  const waker = createWaker(config.databaseUrl);
  const stopping = new AbortController();
  const psps = createPspRegistry(config.psps);
  const mailer = createMailer(config.mail);
  const registry = new Registry();
  const jobs = countJobs();
  const slots = watchSlots(coreMetricsUrl, jobs, registry);
  let connection: NativeConnection | undefined;
  let client: Client;
  let workers: readonly Worker[] = [];
  const isRunning = () => workers.length > 0 && workers.every((worker) => worker.getState() === 'RUNNING');
  const isStuck = () => slots.stuck().length > 0;
  const checks = {
    worker: async () => isRunning() || Promise.reject(new Error('not running')),
    temporal: async () =>
      connection ? await connection.workflowService.getSystemInfo({}) : Promise.reject(new Error('not connected')),
    database: () => pool.query('SELECT 1'),
    slots: async () => isStuck() && Promise.reject(new Error('stuck')),
  };
  countBookSteps(registry);
  const onBooksChecked = booksMetrics(registry);
  const resolutionWatch = resolutionMetrics(registry);
  const onWebhookTried = webhookMetrics(registry);
  const http = await startWorkerHttp({ host: config.host, port: config.workerPort, coreMetricsUrl, checks, registry });
  const pools = { payouts: pool, housekeeping: housekeepingPool, relay: relayPool, inbox: inboxPool };
  const closeParts = () =>
    Promise.all([
      http.close(),
      connection?.close(),
      psps.close(),
      waker.end(),
      ...Object.values(pools).map((each) => each.end()),
    ]);

  try {
    connection = await connectWorker(config.temporalAddress, log);
    client = clientOf(config, connection);
    const payoutsClient = createPayoutsClient(client, config, (workflowId) => log.error({ workflowId }, FULL));
    const gamesClient = createGamesClient(client, (workflowId) => log.error({ workflowId }, FULL));
    const marketsClient = createMarketsClient(client, config, (workflowId) => log.error({ workflowId }, FULL));
    const instantClient = createInstantClient(client, (workflowId) => log.error({ workflowId }, FULL));
    const relay = createRelay(
      config.databaseUrl,
      () =>
        relayParts(config, {
          pool: relayPool,
          inboxPool,
          payouts: payoutsClient,
          onWritten: waker.wake,
          log,
          mailer,
          onWebhookTried,
        }),
      log,
    );
    const shared = {
      connection,
      psps,
      log,
      payoutsClient,
      gamesClient,
      marketsClient,
      instantClient,
      onBooksChecked,
      resolutionWatch,
      jobs,
      relay,
      stopped: stopping.signal,
    };
    const parts = { ...shared, pool, housekeepingPool, onWritten: waker.wake };
    workers = await createWorkers(config, parts);
  } catch (error) {
    await closeParts();
    throw error;
  }
  const running = Promise.all(workers.map((worker) => worker.run()));
  running.catch((error: unknown) => {
    log.fatal({ err: error }, 'Temporal has turned this worker away');
    onFatal();
  });
  const beat = startBeat(housekeepingPool, log, { isRunning, isStuck });
  const schedules = Promise.all([ensureSchedules(client, config, log, stopping.signal), keepRelay(client, log, stopping.signal)]);
  const endWatch = startWatch({ client, workers, pools, jobs }, log);
  const places = { temporal: config.temporalAddress, namespace: config.temporalNamespace, port: http.port };
  log.info({ ...places, mail: mailer.destination }, 'the worker takes work');

  async function end(): Promise<void> {
    stopping.abort();
    endWatch();
    slots.stop();
    await beat.stop();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled([running, schedules]);
    await closeParts();
    log.info('the worker has ended');
  }
  let ended: Promise<void> | undefined;
  return {
    port: http.port,
    close() {
      ended ??= end();
      return ended;
    },
  };
}

function clientOf({ temporalNamespace, encryptionKeys }: Config, connection: NativeConnection): Client {
  return new Client({ connection, namespace: temporalNamespace, ...clientSettings(encryptionKeys) });
}
