/**
 * `npm run chaos`: the whole matrix, into docs/proof.md. `-- --flow provider --boundary settle.before --victim worker --seed 7`
 * plays a part of it again, `-- --story FILE` a counterexample of the model, and `-- --payouts 2000 --seed 7` a long run of random kills. Ends with 1 if anything was not as it must be.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { boundariesOf } from './boundaries.ts';
import { leftOut } from './leftOut.ts';
import { playLong } from './long.ts';
import { argumentsOf, playMatrix } from './matrix.ts';
import { writeLong, writeMatrix } from './report.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { playStory, readStory } from './story.ts';
import { VICTIMS } from './victims.ts';

const { values } = parseArgs({
  options: {
    flow: { type: 'string', multiple: true },
    boundary: { type: 'string', multiple: true },
    victim: { type: 'string', multiple: true },
    behaviour: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    copies: { type: 'string', default: '2' },
    lanes: { type: 'string', default: '2' },
    payouts: { type: 'string' },
    rate: { type: 'string', default: '12' },
    report: { type: 'boolean', default: false },
    story: { type: 'string' },
  },
});
const FLOWS = SCENARIOS.map(({ name }) => name);
const BOUNDARIES = boundariesOf(SCENARIOS);
const BEHAVIOURS = [...new Set(SCENARIOS.flatMap(({ behaviours }) => behaviours.map(({ name }) => name)))];
const REPORT = join('docs', 'proof.md');
const command = ['npm run chaos', ...(process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : [])].join(' ');
const say = (line: string): void => console.log(line);
const startedAt = performance.now();
const seed = whole('seed', values.seed);
const missing = leftOut(SCENARIOS);
if (missing.length > 0) refuse(`What is not played proves nothing: ${missing.join('; ')}.`);

if (values.story !== undefined) {
  const problems = await playStory(readStory(values.story), say);
  for (const each of problems) say(`✗ ${each}`);
  say(`${problems.length} findings`);
  process.exit(problems.length === 0 ? 0 : 1);
}

if (values.payouts !== undefined) {
  const plan = { payouts: whole('payouts', values.payouts), seed, perSecond: whole('rate', values.rate) };
  const result = await playLong(plan, say);
  for (const { payoutId, what } of result.findings.slice(0, 40)) say(`  ${payoutId ?? ''}: ${what}`);
  say(
    `${plan.payouts} payouts, ${Object.values(result.kills).reduce((sum, count) => sum + count, 0)} kills, ${result.findings.length} findings`,
  );
  report((before) => writeLong(before, result, command));
  process.exit(result.findings.length === 0 ? 0 : 1);
}

const plan = {
  scenarios: named(chosen('flow', values.flow, FLOWS)),
  boundaries: chosen('boundary', values.boundary, BOUNDARIES),
  victims: chosen('victim', values.victim, VICTIMS),
  behaviours: chosen('behaviour', values.behaviour, BEHAVIOURS),
  seed,
  copies: whole('copies', values.copies),
  lanes: whole('lanes', values.lanes),
};
const results = await playMatrix(plan, say);
const failed = results.filter(({ cells }) => cells.some(({ outcome }) => outcome === 'failed'));
// A part of the matrix is for whoever looks into a failure: the document shows whole runs.
const isWhole =
  values.behaviour === undefined &&
  plan.scenarios.length === SCENARIOS.length &&
  plan.boundaries.length === BOUNDARIES.length &&
  plan.victims.length === VICTIMS.length;
if (isWhole || values.report) report((before) => writeMatrix(before, results, command, performance.now() - startedAt));
const cells = results.flatMap((result) => result.cells);
const count = (outcome: string) => cells.filter((cell) => cell.outcome === outcome).length;
say(`${cells.length} cells: ${count('passed')} passed, ${count('failed')} failed, ${count('n/a')} n/a`);
for (const each of failed) say(`failed: npm run chaos -- ${argumentsOf(each)}`);
process.exit(failed.length === 0 ? 0 : 1);

function report(write: (before: string) => string): void {
  writeFileSync(REPORT, write(readFileSync(REPORT, 'utf8')));
  say(`written: ${REPORT}`);
}

function named(flows: readonly string[]): readonly Scenario[] {
  return SCENARIOS.filter(({ name }) => flows.includes(name));
}

function chosen<T extends string>(name: string, given: readonly string[] | undefined, all: readonly T[]): readonly T[] {
  const unknown = given?.find((each) => !(all as readonly string[]).includes(each));
  if (unknown !== undefined) refuse(`--${name} is one of ${all.join(', ')}, not ${unknown}.`);
  return given === undefined ? all : all.filter((each) => given.includes(each));
}

function whole(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) refuse(`--${name} must be a whole number from 1, not ${text}.`);
  return Number.parseInt(text, 10);
}

function refuse(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}
