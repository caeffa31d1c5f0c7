/**
 * Guards: payouts that are under way when a new version is rolled out go on where they were. A workflow that would take
 * another turn than its recorded history stops dead, with the money reserved. See docs/changing-workflows.md.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { dataConverter } from '../../src/temporal/codec.ts';
import { bundleSettings } from '../../src/temporal/workerSettings.ts';
import { ENCRYPTION_KEYS } from '../support/encryption.ts';

import { recorded } from './histories.ts';
import { EARLIER, PATHS } from './paths.ts';

// What is caught is told by the test, not in the log.
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'off' } } });

/** What became of each path when replayed by these workflows: `ok`, or the name of the error. */
async function replay(workflows: string): Promise<Record<string, string>> {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL(workflows, import.meta.url)),
    ...bundleSettings,
    logger: new DefaultLogger('ERROR'),
  });
  const histories = recorded();
  const pathOf = new Map(histories.map(({ workflowId, path }) => [workflowId, path]));
  const options = { workflowBundle, dataConverter: dataConverter(ENCRYPTION_KEYS) };
  const outcomes: Record<string, string> = {};
  for await (const { workflowId, error } of Worker.runReplayHistories(options, histories)) {
    outcomes[pathOf.get(workflowId) ?? workflowId] = error === undefined ? 'ok' : error.name;
  }
  return outcomes;
}

test('every recorded payout goes on under the workflows of today', async () => {
  const expected = Object.fromEntries([...Object.keys(PATHS), ...EARLIER].map((path) => [path, 'ok']));
  expect(await replay('../../workflows/index.ts')).toEqual(expected);
});

test('a workflow that takes another turn is caught, whatever it changes', async () => {
  const outcomes = await replay('./changed/index.ts');
  // Its change is met by every payout that was taken in; the others go on.
  expect(outcomes).toMatchObject({ paid: 'DeterminismViolationError', 'approved-then-paid': 'DeterminismViolationError' });
  expect(outcomes).toMatchObject({ 'refused-for-lack-of-funds': 'ok', 'books-checked': 'ok' });
});

test('every workflow there is has a recorded history', () => {
  const index = readFileSync(fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)), 'utf8');
  const exported = [...index.matchAll(/export \{\s*([^}]+?),?\s*\}/g)].flatMap(([, names]) => names?.split(/,\s*/) ?? []);
  const started = recorded().map(({ history }) => {
    const [first = {}] = history.events;
    const { workflowType } = first['workflowExecutionStartedEventAttributes'] as { workflowType: { name: string } };
    return workflowType.name;
  });
  expect([...new Set(started)].sort()).toEqual([...exported].sort());
});
