/** The Temporal development server of the local default: one process, one database file, made for a single machine. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { SEARCH_ATTRIBUTES } from '../temporal/rules/searchAttributes.ts';

export interface TemporalServerOptions {
  readonly cli: string;
  readonly databaseFile: string;
  readonly port: number;
  readonly uiPort: number;
  /** Where the UI has payloads decrypted. */
  readonly codecEndpoint: string;
  /** A file descriptor for its log. */
  readonly log: number;
}

const TYPE_NAMES: Readonly<Record<string, string>> = { KEYWORD: 'Keyword', INT: 'Int', BOOL: 'Bool' };

/** Longer than the 24 h for which an idempotency key is good, and time to look at what went wrong over a weekend. */
const RETENTION = '72h';
const HEALTHY_WITHIN_MS = 60_000; // half a second on an idle machine

/** The process is started; `untilTemporalIsHealthy` tells when it can be used. */
export function spawnTemporal(options: TemporalServerOptions): ChildProcess {
  const dynamic = {
    'matching.enableFairness': 'true',
    // One partition: four give a long tail where one machine does everything.
    'matching.numTaskqueueReadPartitions': '1',
    'matching.numTaskqueueWritePartitions': '1',
    // 20 by default for each shard, of which there is one here: every hop would cost 50 ms.
    'history.transferProcessorMaxPollRPS': '2000',
    'history.timerProcessorMaxPollRPS': '2000',
    'history.visibilityProcessorMaxPollRPS': '2000',
    // The development server reads the search attributes' definitions from its database with every use, for tests that
    // add some while it runs. Ours are given at its start.
    'system.forceSearchAttributesCacheRefreshOnRead': 'false',
  };
  const args = [
    'server', 'start-dev', '--headless=false', '--ip', '127.0.0.1',
    '--port', String(options.port), '--ui-port', String(options.uiPort), '--ui-codec-endpoint', options.codecEndpoint,
    '--db-filename', options.databaseFile,
    // The default rollback journal halves the throughput; NORMAL survives kill -9.
    '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL',
    '--log-level', 'warn',
    ...SEARCH_ATTRIBUTES.flatMap(({ name, type }) => ['--search-attribute', `${name}=${TYPE_NAMES[type] ?? 'Keyword'}`]),
    ...Object.entries(dynamic).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  ]; // biome-ignore format: pairs
  return spawn(options.cli, args, {
    env: withoutTemporal(process.env),
    detached: true,
    stdio: ['ignore', options.log, options.log],
  });
}

/** The CLI reads TEMPORAL_ADDRESS, TEMPORAL_API_KEY, TEMPORAL_TLS… : they are about another server than this one. */
const withoutTemporal = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));

/** @throws if it is not healthy in time, or its process ended. */
export async function untilTemporalIsHealthy(options: TemporalServerOptions, hasEnded: () => boolean): Promise<void> {
  const address = `127.0.0.1:${options.port}`;
  const cli = (...args: string[]) =>
    promisify(execFile)(options.cli, ['--address', address, 'operator', ...args], {
      timeout: 5_000, // it answers in 0.1 s or hangs
      env: withoutTemporal(process.env),
    });
  const deadline = performance.now() + HEALTHY_WITHIN_MS;
  for (;;) {
    try {
      await cli('cluster', 'health');
      await cli('namespace', 'update', '-n', 'default', '--retention', RETENTION);
      return;
    } catch (error) {
      if (hasEnded()) throw new Error('The Temporal server ended at once', { cause: error });
      if (performance.now() > deadline) throw new Error('The Temporal server did not become healthy', { cause: error });
      await sleep(100);
    }
  }
}
