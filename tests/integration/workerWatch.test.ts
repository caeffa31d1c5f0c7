/** Guards: a worker's regular line tells what an operator asks first: its connections, its slots, its jobs, and what waits for it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancelled } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { countJobs } from '../../src/worker/jobs.ts';
import { startWatch, type WorkerSight } from '../../src/worker/watch.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

const QUEUE = 'watched';

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine?.stop();
});

test('the line has each pool and each queue: what is open, what is at work, what was done, and what nobody has taken', async () => {
  const lines: (WorkerSight & { readonly msg: string })[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
  const jobs = countJobs();
  const worker = await Worker.create({
    connection: engine.env.nativeConnection,
    taskQueue: QUEUE,
    activities: {
      fine: async () => 1,
      broken: () => Promise.reject(new Error('on purpose')),
      hangs: () => cancelled(),
    },
    interceptors: { activity: [jobs.countingFor(QUEUE)] },
    shutdownGraceTime: '10ms',
    shutdownForceTime: '20s', // no busy machine takes as long to cancel one activity
  });
  const running = worker.run();
  const { client } = engine;
  const start = { taskQueue: QUEUE, startToCloseTimeout: '1m', retry: { maximumAttempts: 1 } };
  for (const [type, count] of [
    ['fine', 2],
    ['broken', 1],
    ['hangs', 1],
  ] as const) {
    for (let left = count; left > 0; left -= 1) await client.activity.start(type, { ...start, id: `${type}-${left}` });
  }
  // Workflows that this worker does not do.
  for (const workflowId of ['waits-1', 'waits-2', 'waits-3'])
    await client.workflow.start('unknown', { workflowId, taskQueue: QUEUE, args: [] });

  const held = await engine.db.pool.connect();
  const end = startWatch({ client, workers: [worker], pools: { payouts: engine.db.pool }, jobs }, log, 100);
  try {
    const sum = (name: 'done' | 'failed') => lines.reduce((total, { queues }) => total + (queues[QUEUE]?.[name] ?? 0), 0);
    await eventually(() => {
      const now = { workflowTasks: 0, activities: 1, localActivities: 0, backlog: 3 };
      expect(lines.at(-1)?.queues[QUEUE]).toMatchObject(now);
      expect({ done: sum('done'), failed: sum('failed') }).toEqual({ done: 2, failed: 1 });
    });
    expect(lines.at(-1)).toMatchObject({
      msg: 'how this worker does',
      connections: { payouts: { open: expect.any(Number), inUse: 1, waiting: 0, most: 20 } },
    });
  } finally {
    end();
    held.release();
    worker.shutdown();
    await running;
  }
});
