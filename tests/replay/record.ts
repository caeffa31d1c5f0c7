/** `npm run histories`: walks every path on a real engine and keeps what Temporal recorded. Not a test: run on purpose. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { createCutBackActivities } from '../../activities/cutBack.ts';
import { createLookAfterActivities } from '../../activities/games/lookAfter.ts';
import { createLookAfterInstantActivities } from '../../activities/instant/lookAfter.ts';
import { createMaintenanceActivities } from '../../activities/maintenance.ts';
import { createLookAfterMarketsActivities } from '../../activities/markets/lookAfter.ts';
import { createPauseActivities } from '../../activities/pauses.ts';
import { createGamesClient } from '../../src/games/client.ts';
import { createMarketsClient } from '../../src/markets/client.ts';
import { newId } from '../../src/rules/newId.ts';
import { HOUSEKEEPING_QUEUE, RELAY_QUEUE } from '../../src/temporal/rules/queues.ts';
import { workerSettings } from '../../src/temporal/workerSettings.ts';
import { ENCRYPTION_KEYS } from '../support/encryption.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { HISTORIES } from './histories.ts';
import { EARLIER, PATHS, type PathWorld, unlessContinued } from './paths.ts';

let world: PathWorld;
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const engine = await startEngine();
  closings.push(() => engine.stop());
  const approver = newId('adm');
  const { owner } = engine.db;
  await owner.query(`INSERT INTO admins (id, name, role) VALUES ($1, 'An approver', 'approver')`, [approver]);
  const dying = new Set<string>();
  const submit: typeof engine.activities.submit = async (input) => {
    const answer = await engine.activities.submit(input);
    if (dying.has(input.payoutId)) throw new Error('the worker is gone');
    return answer;
  };
  const stopWorker = await engine.startWorker({ activities: { ...engine.activities, submit } });
  closings.push(
    stopWorker,
    await engine.startProviderPsp(),
    await engine.startRuns(),
    await engine.startGames(),
    await engine.startMarkets(),
    await engine.startInstant(),
  );
  closings.push(
    await startActivities(engine, HOUSEKEEPING_QUEUE, {
      ...createMaintenanceActivities({ pool: engine.db.pool, payouts: engine.payouts }),
      ...createLookAfterActivities({ pool: engine.db.pool, games: createGamesClient(engine.client) }),
      ...createLookAfterMarketsActivities({
        pool: engine.db.pool,
        markets: createMarketsClient(engine.client, { allowSignalDecisions: true }),
      }),
      ...createPauseActivities({ pool: engine.db.pool, payouts: engine.payouts }),
      ...createLookAfterInstantActivities({ pool: engine.db.pool, instant: engine.instant }),
      ...createCutBackActivities({
        pool: engine.db.pool,
        deliveriesKeptMs: 90 * 86_400_000,
        images: { remove: async () => undefined },
      }),
    }),
    await startActivities(engine, RELAY_QUEUE, { runRelay: async () => undefined }), // its twelve hours are over
  );
  world = { engine, approver, dieWith: (payoutId) => void dying.add(payoutId) };
  mkdirSync(HISTORIES, { recursive: true });
  const wanted = new Set([...Object.keys(PATHS), ...EARLIER]);
  for (const file of readdirSync(HISTORIES)) if (!wanted.has(file.replace('.json', ''))) rmSync(`${HISTORIES}/${file}`);
});

afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

test.each(Object.entries(PATHS))('%s', async (name, walk) => {
  const walked = await walk(world);
  const handle = typeof walked === 'string' ? world.engine.client.workflow.getHandle(walked) : walked;
  await handle.result().catch(unlessContinued);
  const history = JSON.parse(historyToJSON(await handle.fetchHistory())) as { events: object[] };
  writeFileSync(`${HISTORIES}/${name}.json`, linewise({ workflowId: handle.workflowId, ...history }));
  expect(history.events.length).toBeGreaterThan(4);
});

/** @returns what ends them. */
async function startActivities(engine: Engine, taskQueue: string, activities: object): Promise<() => Promise<void>> {
  const connection = engine.env.nativeConnection;
  const worker = await Worker.create({ connection, taskQueue, activities, ...workerSettings(ENCRYPTION_KEYS) });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
  };
}

/** An event a line, so that a change of a path can be read in a diff; without the name of the machine it ran on. */
function linewise({ workflowId, events }: { workflowId: string; events: object[] }): string {
  const lines = events.map((event) => JSON.stringify(event).replaceAll(`@${hostname()}`, '@recorder'));
  return `{ "workflowId": "${workflowId}", "events": [\n${lines.join(',\n')}\n] }\n`;
}
