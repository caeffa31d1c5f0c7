/**
 * `npm run model`: every set of bounds to its end, two at a time; then what was reached. Ends with 1 if a rule was broken, a
 * bound not exhausted, or something never reached. `-- --report` writes the figures into docs/proof.md, `-- --story FILE` a
 * counterexample as JSON (with `--break '1.1'` that of a rule broken by hand, breaks.ts, since today's have none), and
 * `-- --flows` explores games, markets and instant payouts alone, and `-- --walks 10000` lets walks of the model drive the real ledger (scripts/model.mjs).
 */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { EDGES } from '../src/payouts/rules/machine.ts';
import { FOUND, MADE_BY_HAND, OLD_RULES } from './breaks.ts';
import { type Coverage, merge, newCoverage, unreached } from './coverage.ts';
import { explore, type Finding } from './explore.ts';
import { exploreGame } from './games/explore.ts';
import { GAMES_TODAY, GAMES_WHOLE } from './games/rules.ts';
import { exploreInstant } from './instant/explore.ts';
import { INSTANT_TODAY, INSTANT_WHOLE } from './instant/rules.ts';
import { exploreMarket } from './markets/explore.ts';
import { MARKETS_TODAY, MARKETS_WHOLE } from './markets/rules.ts';
import { WHOLE } from './plans.ts';
import { type Result, section } from './report.ts';
import { TODAY } from './rules.ts';
import { storyOf } from './story.ts';

/** Some 200 bytes each while they are looked into: two threads stay below 4 GiB. */
const STATES_MAX = 4_000_000;

if (isMainThread) await main();
else {
  parentPort?.on('message', (index: number) => {
    const bounds = WHOLE[index];
    if (!bounds) return;
    const { coverage, ...result } = explore(bounds, TODAY, { statesMax: STATES_MAX });
    parentPort?.postMessage({ ...result, coverage: [...coverage] } satisfies Result);
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      story: { type: 'string' },
      break: { type: 'string' },
      report: { type: 'boolean', default: false },
      flows: { type: 'boolean', default: false },
    },
  });
  if (values.break !== undefined) return showBreak(values.break, values.story);
  if (values.flows) process.exit(exploreFlows() ? 0 : 1);
  const startedAt = performance.now();
  const results = await exploreAll();
  const seconds = (performance.now() - startedAt) / 1000;
  const coverage: Coverage = newCoverage();
  for (const each of results) merge(coverage, each.coverage);
  const missing = unreached(coverage);
  const sum = (of: (result: Result) => number) => results.reduce((total, each) => total + of(each), 0);
  console.log(
    `${results.length} bounds, ${sum((each) => each.states)} states, ${sum((each) => each.transitions)} transitions, ${seconds.toFixed(0)} s`,
  );
  console.log(`reached: ${coverage.size} kinds of deeds, edges and answers; of ${EDGES.length} edges not: ${missing.length}`);
  for (const each of missing) console.log(`never reached: ${each}`);
  const areFlowsWell = exploreFlows();
  const found = results.find(({ finding }) => finding !== undefined)?.finding;
  if (found) keep(found, values.story);
  if (values.report) {
    const file = join('docs', 'proof.md');
    writeFileSync(file, section(readFileSync(file, 'utf8'), results, coverage, seconds));
  }
  process.exit(found || !areFlowsWell || missing.length > 0 || results.some(({ isExhausted }) => !isExhausted) ? 1 : 0);
}

/** Of games, markets and instant payouts: what holds of everybody's money, whatever is said and whoever dies. */
function exploreFlows(): boolean {
  const flows = [
    ...GAMES_WHOLE.map((bounds) => ({ bounds, explored: () => exploreGame(bounds, GAMES_TODAY) })),
    ...MARKETS_WHOLE.map((bounds) => ({ bounds, explored: () => exploreMarket(bounds, MARKETS_TODAY) })),
    ...INSTANT_WHOLE.map((bounds) => ({ bounds, explored: () => exploreInstant(bounds, INSTANT_TODAY) })),
  ];
  const stories = flows.flatMap(({ bounds: { name }, explored }) => {
    const beganAt = performance.now();
    const { states, finding } = explored();
    const seconds = ((performance.now() - beganAt) / 1000).toFixed(0);
    console.log(`${finding ? 'BROKEN' : 'exhausted'}: ${name}, ${states} states, ${seconds} s`);
    return finding ? [finding.join('\n')] : [];
  });
  for (const story of stories) console.log(story);
  return stories.length === 0;
}

/** `name`: a part of its name. */
function showBreak(name: string, file: string | undefined): void {
  const broken = [...OLD_RULES, ...MADE_BY_HAND, ...FOUND].find((each) => each.name.includes(name));
  const finding = broken && explore(broken.bounds, broken.rules).finding;
  console.log(finding ? `${broken.name}\n${storyOf(finding)}` : `no break is called ${name}`);
  if (finding) keep(finding, file);
  process.exit(1);
}

function keep(finding: Finding, file: string | undefined): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(finding, null, 2)}\n`);
}

/** The longest come first in the list, so that no thread is left with one of them. */
async function exploreAll(): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const thread = async (): Promise<void> => {
    const worker = new Worker(new URL(import.meta.url));
    for (let index = next++; index < WHOLE.length; index = next++) {
      worker.postMessage(index);
      const [result] = (await once(worker, 'message')) as [Result];
      results.push(result);
      const { bounds, states, transitions, depth, isExhausted, finding } = result;
      const end = finding ? 'BROKEN' : isExhausted ? 'exhausted' : 'NOT EXHAUSTED';
      console.log(
        `${end}: ${bounds.name}, ${states} states, ${transitions} transitions, depth ${depth}, ${result.seconds.toFixed(0)} s`,
      );
      if (finding) console.log(storyOf(finding));
    }
    await worker.terminate();
  };
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, thread));
  return results.sort(
    (a, b) => WHOLE.findIndex(({ name }) => name === a.bounds.name) - WHOLE.findIndex(({ name }) => name === b.bounds.name),
  );
}
