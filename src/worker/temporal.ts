/** A worker's side of Temporal: the SDK's runtime, the connection, the code of the workflows. */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  NativeConnection,
  Runtime,
  type RuntimeOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import { bundleSettings } from '../temporal/workerSettings.ts';
import { temporalLogger } from './log.ts';

const CONNECT_AGAIN_MS = 500; // a server that is just starting is there within a second
const SAY_AGAIN_MS = 10_000;

let installed: Promise<string | undefined> | undefined;

/**
 * Once a process (the SDK allows no second runtime), before anything of Temporal's is used.
 * @returns where Core's own metrics can be read, or undefined where their port could not be had.
 */
export function installRuntime(log: Logger): Promise<string | undefined> {
  installed ??= install(log);
  return installed;
}

async function install(log: Logger): Promise<string | undefined> {
  const options: RuntimeOptions = {
    logger: temporalLogger(log),
    shutdownSignals: [], // the process closes the worker itself, in order
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } } },
  };
  const bindAddress = `127.0.0.1:${await freePort()}`;
  const metrics = { prometheus: { bindAddress, countersTotalSuffix: true, useSecondsForDurations: true } };
  try {
    Runtime.install({ ...options, telemetryOptions: { ...options.telemetryOptions, metrics } });
    return `http://${bindAddress}/metrics`;
  } catch (error) {
    log.warn({ err: error }, 'no metrics of the Temporal SDK: their port could not be had');
    Runtime.install(options);
    return undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until the server is there: a worker may be started before it. */
export async function connectWorker(address: string, log: Logger): Promise<NativeConnection> {
  let sayNextAt = 0;
  for (;;) {
    try {
      return await NativeConnection.connect({ address });
    } catch (error) {
      if (Date.now() >= sayNextAt) {
        log.warn({ err: error, address }, 'waiting for the Temporal server');
        sayNextAt = Date.now() + SAY_AGAIN_MS;
      }
      await sleep(CONNECT_AGAIN_MS);
    }
  }
}

/** The bundle that the build made, or one made now from the sources (a second). */
export async function workflowCode(log: Logger): Promise<WorkflowBundleOption> {
  const codePath = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
  if (existsSync(codePath)) return { codePath };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const workflowsPath = fileURLToPath(new URL(`../../workflows/index.${extension}`, import.meta.url));
  return await bundleWorkflowCode({
    workflowsPath,
    ...bundleSettings,
    logger: temporalLogger(log.child({}, { level: 'warn' })),
  });
}
