/**
 * Two worlds that can only go the same way are one. What is only history is dropped, and of the numbers of events only their
 * order is kept: nothing compares them otherwise.
 */
import { packTask } from './pack.ts';
import type { Rules } from './rules.ts';
import { lookUp } from './work.ts';
import { type LookUp, nowOf, type Run, type Task, TIMES, type World } from './world.ts';

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
      tasks = [...tasks, lookUp(confirmation.attempt, 'message', mind.seen)];
    }
  }
  tasks = wanted(tasks, mind.seen.sequence);
  const hasEnded = rules.next(mind, nowOf(world), TIMES).main.do === 'end';
  const isIdle = mind.notices.length === 0 && mind.confirming.length === 0;
  if (hasEnded && isIdle && tasks.every((task) => task.what === 'look_up' && task.why !== 'message')) return undefined;
  return mind === run.mind && tasks === run.tasks ? run : { ...run, mind, tasks };
}

/** A wait for news of what was known is called off when more is known, and when one of its look-ups has news. */
function wanted(tasks: readonly Task[], sequence: number): readonly Task[] {
  const isAsking = (task: Task, why: LookUp['why']) => task.what === 'look_up' && task.why === why && task.step === 'asked';
  const isNews = tasks.some((task) => task.what === 'look_up' && task.why === 'main' && task.step === 'record');
  const isVain = (task: Task) => isAsking(task, 'main') && (isNews || task.sequence !== sequence);
  const isCheckVain = tasks.some((task) => isAsking(task, 'check') && task.sequence !== sequence);
  const isDropped = (task: Task) => isVain(task) || (isCheckVain && task.what === 'look_up' && task.why === 'check');
  return tasks.some(isDropped) ? tasks.filter((task) => !isDropped(task)) : tasks;
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
  const after = (toldAt: number): number =>
    toldAt <= oldest ? 0 : 1 + Math.max(...[...askers].filter((each) => each < toldAt).map(at));
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
    orphans: inOrder(orphans.map((task) => canonicalTask(task, at))),
  };
}

/** Which of several pieces of work began first makes no difference. */
const inOrder = (tasks: readonly Task[]): readonly Task[] =>
  tasks.length < 2 ? tasks : [...tasks].sort((a, b) => (packTask(a) < packTask(b) ? -1 : 1));

/** With which sequences a task may still make a step key. */
const writersOf = (task: Task): number[] => (task.what === 'submit' && task.step !== 'begin' ? [task.askedAt] : [task.sequence]);
const askersOf = (task: Task): number[] =>
  (task.what === 'submit' && task.step !== 'begin') || task.what === 'look_up' ? [task.askedAt] : [];

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
      silentAt: same(mind.silentAt),
      parkedAt: same(mind.parkedAt),
      idleSends: 0, // only waits depend on these
      lookUpFromMs: 0,
      pauseUntilMs: 0,
      seenAtMs: 0,
      parkedUntilMs: 0,
    },
    tasks: inOrder(run.tasks.map((task) => canonicalTask(task, at))),
  };
}

function canonicalTask(task: Task, at: (sequence: number) => number): Task {
  if (task.what === 'own') return { ...task, sequence: at(task.sequence) };
  const facts = task.facts.map((fact) => (fact.askedAt === undefined ? fact : { ...fact, askedAt: at(fact.askedAt) }));
  return { ...task, sequence: at(task.sequence), askedAt: at(task.askedAt), facts };
}
