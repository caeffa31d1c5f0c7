/** The model's section of docs/proof.md, from a run. */
import { cpus } from 'node:os';
import { BUDGETS, type Budget } from './bounds.ts';
import { type Coverage, UNREACHABLE } from './coverage.ts';
import type { Exploration } from './explore.ts';

export type Result = Omit<Exploration, 'coverage'> & { readonly coverage: readonly (readonly [string, number])[] };

const BEGIN = '<!-- model -->';
const END = '<!-- end model -->';

export function section(before: string, results: readonly Result[], coverage: Coverage, seconds: number): string {
  const sum = (of: (result: Result) => number) => results.reduce((total, each) => total + of(each), 0).toLocaleString('en');
  const findings = results.filter(({ finding }) => finding !== undefined).length;
  const count = (kind: string) => [...coverage.keys()].filter((name) => name.startsWith(`${kind} `)).length;
  const lines = [
    BEGIN,
    `- ${new Date().toISOString().slice(0, 16)}Z, ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Node ${process.versions.node}, \`npm run model\``,
    '',
    `**${results.length} sets of bounds exhausted, ${sum((each) => each.states)} states, ${sum((each) => each.transitions)} transitions, ${sum((each) => each.resting)} of the states at rest, ${seconds.toFixed(0)} s: ${findings} findings.**`,
    `Reached: ${count('deed')} kinds of deeds, ${count('edge')} edges, the answers ${[...coverage.keys()]
      .filter((name) => name.startsWith('outcome '))
      .map((name) => `\`${name.slice(8)}\``)
      .join(' ')}.`,
    ...Object.entries(UNREACHABLE).map(([edge, why]) => `Not to be reached: ${edge} (${why}).`),
    '',
    '| bounds | attempts × rounds | messages | budgets | states | transitions | s |',
    '|---|---|---|---|---|---|---|',
    ...results.map(
      ({ bounds, states, transitions, seconds: took }) =>
        `| ${bounds.name} | ${bounds.attempts} × ${bounds.rounds} | ${bounds.messages} | ${budgets(bounds.left)} | ${states.toLocaleString('en')} | ${transitions.toLocaleString('en')} | ${took.toFixed(0)} |`,
    ),
    END,
  ];
  const from = before.indexOf(BEGIN);
  const to = before.indexOf(END);
  return from < 0 || to < 0
    ? `${before}\n${lines.join('\n')}\n`
    : before.slice(0, from) + lines.join('\n') + before.slice(to + END.length);
}

const budgets = (left: Readonly<Record<Budget, number>>): string =>
  (Object.keys(BUDGETS) as Budget[])
    .filter((name) => left[name] > 0)
    .map((name) => `${name} ${left[name]}`)
    .join(', ');
