/**
 * `npm run cluster [-- --payouts 200] [-- --test | --roll | --restore] [-- --stay]`: two Temporal servers in one ring on PostgreSQL, two workers
 * and two APIs, as docker-compose.yml has them, without containers, and a story that half of them die in. Exits 1 if
 * anything did not end as it should.
 */
import { parseArgs } from 'node:util';
import { type Cluster, openCluster } from './arrangement.ts';
import { testsPass } from './endToEnd.ts';
import { halfDies } from './halfDies.ts';
import { restoreBackups } from './restore.ts';
import { rollOut } from './roll.ts';

const { values } = parseArgs({
  options: {
    payouts: { type: 'string', default: '200' },
    test: { type: 'boolean', default: false },
    roll: { type: 'boolean', default: false },
    restore: { type: 'boolean', default: false },
    stay: { type: 'boolean', default: false },
  },
});
const startedAt = performance.now();
const say = (line: string) => console.log(`· ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(3)} s  ${line}`);
const closing: (() => Promise<unknown>)[] = [];

/** @returns what was not as it should be. */
async function story(cluster: Cluster): Promise<string[]> {
  if (values.test) return await testsPass(cluster, say);
  if (values.restore) return await restoreBackups(cluster, say);
  const count = Number.parseInt(values.payouts, 10);
  return values.roll ? await rollOut(cluster, count, say) : await halfDies(cluster, count, say);
}

/** In order, once: who takes requests first, who keeps the data last. */
async function close(): Promise<void> {
  for (let each = closing.pop(); each; each = closing.pop()) await each();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void close().then(() => process.exit(130)));
}

let failed = true;
try {
  const cluster = await openCluster(say, closing);
  const problems = await story(cluster);
  for (const problem of problems) console.error(problem);
  failed = problems.length > 0;
  say(failed ? 'NOT as it should be' : 'all is as it should be');
  if (values.stay) {
    say(`it stays up until Ctrl-C: ${cluster.urls.join(' and ')}, keys in ${cluster.home.file('credentials.json')}`);
    await new Promise((resolve) => process.once('SIGINT', resolve));
  }
  await close();
  if (!failed) await cluster.close();
} catch (error) {
  console.error(error);
  await close();
}
process.exit(failed ? 1 : 0);
