/** What a run proved, between the marks of docs/proof.md. */
import { spawnSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { boundariesOf } from './boundaries.ts';
import type { LongResult } from './long.ts';
import type { RoundResult } from './round.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { VICTIMS } from './victims.ts';

const START = '<!-- matrix -->';
const LONG = '<!-- long -->';
const END = '<!-- end -->';

export function writeMatrix(before: string, results: readonly RoundResult[], command: string, tookMs: number): string {
  const section = [
    '## Kill matrix',
    '',
    ...facts(results[0]?.plan.seed ?? 0, command, tookMs),
    '',
    total(results),
    '',
    'Cells passed, of those whose payouts were there when the victim was killed.',
    ...SCENARIOS.flatMap((scenario) =>
      table(
        scenario,
        results.filter(({ plan }) => plan.scenario === scenario),
      ),
    ),
  ];
  return replaced(before, START, section.join('\n'));
}

function table(scenario: Scenario, results: readonly RoundResult[]): string[] {
  if (results.length === 0) return [];
  const rows = boundariesOf(SCENARIOS).flatMap((boundary) => {
    const there = results.filter(({ plan }) => plan.boundary === boundary);
    return there.length === 0 ? [] : [row(scenario, boundary, there)];
  });
  return [
    '',
    `### ${scenario.title}`,
    '',
    total(results),
    '',
    `| killed at | ${VICTIMS.join(' | ')} | with payouts of |`,
    `|---|${VICTIMS.map(() => '---|').join('')}---|`,
    ...rows,
    '',
    `Behaviours: ${scenario.behaviours.map(({ name }) => `\`${name}\``).join(' ')}.`,
  ];
}

export function writeLong(before: string, { plan, kills, ends, tookMs, findings }: LongResult, command: string): string {
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const killed = Object.values(kills).reduce((sum, count) => sum + count, 0);
  const section = [
    '## Long chaos',
    '',
    ...facts(plan.seed, command, tookMs),
    '',
    `**${plan.payouts} payouts, ${killed} kills (${list(kills)}): ${findings.length} findings.** Ends: ${list(ends)}.`,
  ];
  return replaced(before, LONG, section.join('\n'));
}

function facts(seed: number, command: string, tookMs: number): string[] {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' }).stdout?.trim() ?? '';
  const isDirty = git('status', '--porcelain', '--untracked-files=no') !== '';
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.versions.node}`;
  return [
    `- ${new Date().toISOString().slice(0, 16)}Z, commit ${git('rev-parse', '--short', 'HEAD') || 'unknown'}${isDirty ? ' with changes' : ''}, seed ${seed}, ${(tookMs / 60_000).toFixed(1)} minutes`,
    `- ${machine}`,
    `- \`${command}\``,
  ];
}

function total(results: readonly RoundResult[]): string {
  const cells = results.flatMap((result) => result.cells);
  const count = (outcome: string) => cells.filter((cell) => cell.outcome === outcome).length;
  const sum = (of: (result: RoundResult) => number) => results.reduce((so, each) => so + of(each), 0);
  return `**${cells.length} cells: ${count('passed')} passed, ${count('failed')} failed, ${count('n/a')} not reached.** ${results.length} kills, ${sum(({ payouts }) => payouts)} payouts, ${sum(({ reached }) => reached)} of them at the boundary when the victim was killed.`;
}

function row(scenario: Scenario, boundary: string, results: readonly RoundResult[]): string {
  const columns = VICTIMS.map((victim) => {
    const cells = results.find(({ plan }) => plan.victim === victim)?.cells;
    if (!cells) return '';
    const applying = cells.filter(({ outcome }) => outcome !== 'n/a');
    const passed = applying.filter(({ outcome }) => outcome === 'passed').length;
    return `${passed}/${applying.length}${passed < applying.length ? ' **failed**' : ''}`;
  });
  const reached = new Set(
    results.flatMap(({ cells }) => cells.filter(({ outcome }) => outcome !== 'n/a').map(({ behaviour }) => behaviour)),
  );
  return `| ${boundary} | ${columns.join(' | ')} | ${namesOf(scenario, reached)} |`;
}

/** Whichever says it shorter: these, or all but those. */
function namesOf({ behaviours }: Scenario, reached: ReadonlySet<string>): string {
  const [there, elsewhere] = [true, false].map((is) =>
    behaviours.map(({ name }) => name).filter((name) => reached.has(name) === is),
  );
  if (!there || !elsewhere || elsewhere.length === 0) return 'all';
  return there.length <= elsewhere.length ? there.join(', ') : `all but ${elsewhere.join(', ')}`;
}

/** The document has one section of each kind, of the last run. */
function replaced(text: string, mark: string, section: string): string {
  if (!text.includes(mark)) throw new Error(`there is no ${mark} in it`);
  const from = text.indexOf(mark) + mark.length;
  const to = text.indexOf(END, from);
  return `${text.slice(0, from)}\n${section}\n${text.slice(to)}`;
}
