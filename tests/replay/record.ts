/** `npm run histories`: walks every path on a real engine and keeps what Temporal recorded. Not a test: run on purpose. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { createCutBackActivities } from '../../activities/cutBack.ts';
import { createMaintenanceActivities } from '../../activities/maintenance.ts';
import { createWebhookActivities } from '../../activities/webhooks/webhooks.ts';
import { startReceiver } from '../../harness/receiver.ts';
import { newWebhookSecret } from '../../src/crypto/newSecret.ts';
import { encryptSecret } from '../../src/crypto/secretBox.ts';
import { newId } from '../../src/rules/newId.ts';
import { WEBHOOKS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { workerSettings } from '../../src/temporal/workerSettings.ts';
import { ENCRYPTION_KEYS, keys } from '../support/encryption.ts';
import { startEngine } from '../support/engine.ts';
import { HISTORIES } from './histories.ts';
import { EARLIER, PATHS, type PathWorld } from './paths.ts';

let world: PathWorld;
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const [engine, receiver] = await Promise.all([startEngine(), startReceiver()]);
  closings.push(
    () => engine.stop(),
    () => receiver.close(),
  );
  const approver = newId('adm');
  const { owner } = engine.db;
  await owner.query(`INSERT INTO admins (id, name, role) VALUES ($1, 'An approver', 'approver')`, [approver]);
  await owner.query('UPDATE merchants SET webhook_secret = $1', [encryptSecret(keys, newWebhookSecret())]);
  const dying = new Set<string>();
  const submit: typeof engine.activities.submit = async (input) => {
    const answer = await engine.activities.submit(input);
    if (dying.has(input.payoutId)) throw new Error('the worker is gone');
    return answer;
  };
  const stopWorker = await engine.startWorker({ activities: { ...engine.activities, submit } });
  closings.push(stopWorker, await engine.startProviderPsp(), await engine.startRuns());
  const { pool } = engine.db;
  const webhooks = await Worker.create({
    connection: engine.env.nativeConnection,
    taskQueue: WEBHOOKS_QUEUE,
    activities: {
      ...createWebhookActivities({ pool, keys, timeoutMs: 2_000, allowLoopbackTest: true }),
      ...createMaintenanceActivities({ pool, payouts: engine.payouts }),
      ...createCutBackActivities({ pool, deliveriesKeptMs: 90 * 86_400_000 }),
    },
    ...workerSettings(ENCRYPTION_KEYS),
  });
  const running = webhooks.run();
  closings.push(async () => {
    webhooks.shutdown();
    await running;
  });
  world = { engine, receiver, approver, dieWith: (payoutId) => void dying.add(payoutId) };
  mkdirSync(HISTORIES, { recursive: true });
  const wanted = new Set([...Object.keys(PATHS), ...EARLIER]);
  for (const file of readdirSync(HISTORIES)) if (!wanted.has(file.replace('.json', ''))) rmSync(`${HISTORIES}/${file}`);
}, 120_000);

afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

test.each(Object.entries(PATHS))(
  '%s',
  async (name, walk) => {
    const handle = world.engine.client.workflow.getHandle(await walk(world));
    await handle.result();
    const history = JSON.parse(historyToJSON(await handle.fetchHistory())) as { events: object[] };
    writeFileSync(`${HISTORIES}/${name}.json`, linewise({ workflowId: handle.workflowId, ...history }));
    expect(history.events.length).toBeGreaterThan(4);
  },
  60_000,
);

/** An event a line, so that a change of a path can be read in a diff; without the name of the machine it ran on. */
function linewise({ workflowId, events }: { workflowId: string; events: object[] }): string {
  const lines = events.map((event) => JSON.stringify(event).replaceAll(`@${hostname()}`, '@recorder'));
  return `{ "workflowId": "${workflowId}", "events": [\n${lines.join(',\n')}\n] }\n`;
}
