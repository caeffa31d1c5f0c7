/** The dashboard for Grafana shows what /metrics has: a panel of a metric that was renamed would be empty when somebody needs it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(readFileSync('deploy/grafana/oncepay.json', 'utf8')) as { readonly panels: readonly Panel[] };
const asked = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join('\n');
const names = (text: string, pattern: RegExp): Set<string> =>
  new Set([...text.matchAll(pattern)].map(([name]) => name.replace(/_(bucket|count|sum)$/, '')));

const own = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && /worker|metrics/i.test(file))
  .flatMap((file) =>
    [...readFileSync(join('src', file), 'utf8').matchAll(/name: '(oncepay_[a-z0-9_]+)'/g)].map(([, name]) => name),
  );

test('every metric of ours is on it, and none that there is not', () => {
  expect(own.length).toBeGreaterThan(15);
  expect([...names(asked, /oncepay_[a-z0-9_]+/g)].sort()).toEqual(
    [...new Set(own)].filter((name) => name !== 'oncepay_invariant_check_seconds').sort(), // how long a check takes is for its author
  );
});

test('each panel asks for something, and has a name of its own', () => {
  const panels = dashboard.panels.filter(({ targets }) => targets);
  expect(panels.filter(({ targets = [] }) => targets.length === 0 || targets.some(({ expr }) => expr === ''))).toEqual([]);
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
});
