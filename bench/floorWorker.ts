/** The worker of the floor, as a process of its own like oncepay's, with the same settings (src/worker/queues.ts). */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { now } from './clock.ts';

export const FLOOR_QUEUE = 'bench-floor';

export interface Settled {
  readonly id: string;
  readonly at: number;
}

const activities = {
  async reserve(_id: string): Promise<void> {},
  async submit(id: string): Promise<void> {
    process.send?.({ id, at: now() } satisfies Settled);
  },
};
export type FloorActivities = typeof activities;

async function main(address: string): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const worker = await Worker.create({
    connection: await NativeConnection.connect({ address }),
    taskQueue: FLOOR_QUEUE,
    activities,
    workflowBundle: await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('./floorWorkflow.js', import.meta.url)),
      logger: new DefaultLogger('ERROR'),
    }),
    maxCachedWorkflows: 500,
    maxConcurrentWorkflowTaskExecutions: 10,
    maxConcurrentLocalActivityExecutions: 16,
    maxConcurrentActivityTaskExecutions: 100,
    workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 2, initial: 5, maximum: 20 },
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 2, maximum: 20 },
  });
  process.once('disconnect', () => process.exit());
  process.send?.('ready');
  await worker.run(); // until SIGTERM
  process.exit();
}

const [, script = '', address] = process.argv;
if (script.endsWith('floorWorker.js') && address) await main(address);
