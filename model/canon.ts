/**
 * Two worlds that can only go the same way are one. What is only history is dropped, and of the numbers of events only their
 * order is kept: nothing compares them otherwise.
 */
import type { Rules } from './rules.ts';
import { nowOf, type Run, type Task, TIMES, type World } from './world.ts';

/** What a workflow does at once when it has heard something: it looks into messages, drops a vain wait, and ends. */
export function settle(world: World, rules: Rules): World {
  let runs: readonly Run[] = world.runs;
  for (const run of world.runs) {
    const settled = settleRun(run, world, rules);
    if (settled !== run) runs = runs.flatMap((each) => (each === run ? (settled ? [settled] : []) : [each]));
  }
  return runs === world.runs ? world : { ...world, runs };
}

function settleRun(run: Run, world: World, rules: Rules): Run | undefined {
  let { mind, tasks } = run;
  for (let { confirm } = rules.next(mind, 0, TIMES); confirm.length > 0; { confirm } = rules.next(mind, 0, TIMES)) {
    for (const confirmation of confirm) {
      mind = rules.hear(mind, { kind: 'confirming', confirmation }, 0, TIMES);
      const { attempt } = confirmation;
      const { sequence, state } = mind.seen;
      tasks = [...tasks, { what: 'look_up', why: 'message', attempt, sequence, known: state, step: 'start', askedAt: 0, facts: [] }];
    }
  }
  // A wait for news of what was known is called off when more is known.
  const isVain = (task: Task) =>
    task.what === 'look_up' && task.why === 'main' && task.step !== 'record' && task.sequence !== mind.seen.sequence;
  if (tasks.some(isVain)) tasks = tasks.filter((task) => !isVain(task));
  const hasEnded = run.kind === 'follow_up' || rules.next(mind, nowOf(world), TIMES).main.do === 'end';
  const isIdle = mind.notices.length === 0 && mind.confirming.length === 0;
  if (hasEnded && isIdle && tasks.every((task) => task.what === 'look_up' && task.why !== 'message')) return undefined;
  return mind === run.mind && tasks === run.tasks ? run : { ...run, mind, tasks };
}

export function canonical(world: World): World {
  const { books, runs, orphans } = world;
  const tasks = [...orphans, ...runs.flatMap((run) => run.tasks)];
  // Who may still write, having seen which event; and who asked the PSP, after which.
  const deciders = new Set([...runs.map(({ mind }) => mind.seen.sequence), ...tasks.flatMap(writersOf)]);
  const askers = new Set([...tasks.flatMap(askersOf)]);
  const anchors = [...new Set([books.sequence, ...deciders, ...askers])].sort((a, b) => a - b);
  const rank = new Map(anchors.map((anchor, index) => [anchor, 2 * index + 2])); // room between two for what was told in between
  const at = (sequence: number): number => rank.get(sequence) ?? 0;
  const oldest = Math.min(...askers);
  const after = (toldAt: number): number => (toldAt <= oldest ? 0 : 1 + Math.max(...[...askers].filter((each) => each < toldAt).map(at)));
  return {
    ...world,
    books: {
      ...books,
      sequence: at(books.sequence),
      attempts: books.attempts.map((row) => ({
        ...row,
        unknownAt: row.unknownAt === null ? null : 0,
        toldAt: after(row.toldAt),
      })),
    },
    steps: world.steps
      .filter(({ sequence }) => deciders.has(sequence))
      .map((step) => ({ ...step, sequence: at(step.sequence) }))
      .sort((a, b) => a.sequence - b.sequence || a.attempt - b.attempt || (a.fact < b.fact ? -1 : 1)),
    runs: runs.map((run) => canonicalRun(run, at)),
    orphans: orphans.map((task) => canonicalTask(task, at)).sort(byJson),
  };
}

const byJson = (a: object, b: object): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** With which sequences a task may still make a step key. */
const writersOf = (task: Task): number[] => (task.what === 'submit' && task.step !== 'begin' ? [task.askedAt] : [task.sequence]);
const askersOf = (task: Task): number[] =>
  (task.what === 'submit' && task.step !== 'begin') || (task.what === 'look_up' && task.step !== 'start') ? [task.askedAt] : [];

function canonicalRun(run: Run, at: (sequence: number) => number): Run {
  const { mind } = run;
  const { sequence } = mind.seen;
  const same = (number: number | null) => (number === sequence ? at(sequence) : null);
  return {
    ...run,
    mind: {
      ...mind,
      seen: { ...mind.seen, sequence: at(sequence) },
      notFoundAt: same(mind.notFoundAt),
      parkedAt: same(mind.parkedAt),
      idleSends: 0, // only a wait grows with them
    },
    tasks: run.tasks.map((task) => canonicalTask(task, at)).sort(byJson),
  };
}

function canonicalTask(task: Task, at: (sequence: number) => number): Task {
  if (task.what === 'own') return { ...task, sequence: at(task.sequence) };
  const facts = task.facts.map((fact) => (fact.askedAt === undefined ? fact : { ...fact, askedAt: at(fact.askedAt) }));
  return { ...task, sequence: at(task.sequence), askedAt: at(task.askedAt), facts };
}
