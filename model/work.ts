/**
 * The workflow and its workers: the product's `next` says what to do, its `hear` takes in what came of it, and in between
 * every piece of work is cut into the steps between which somebody may die or something may happen.
 */

import type { ToldFact } from '../src/payouts/rules/books.ts';
import { type PspNotice, saysAlive } from '../src/payouts/rules/contract.ts';
import { replyContext } from '../src/payouts/rules/facts.ts';
import type { PayoutKind } from '../src/payouts/rules/kinds.ts';
import { isFinal, type PayoutState } from '../src/payouts/rules/machine.ts';
import { type Act, newMind, type PayoutEvent } from '../src/payouts/rules/next.ts';
import type { PspReply } from '../src/payouts/rules/reply.ts';
import type { Bounds } from './bounds.ts';
import type { Deed } from './deeds.ts';
import { askedOf, ownFact, toldOf, type Written, write } from './door.ts';
import { arrivalsOf, isBehind, LOST, lookUpReply } from './psp.ts';
import { replyOf } from './pspKey.ts';
import type { Rules } from './rules.ts';
import {
  keyOf,
  type LookUp,
  type Message,
  nowOf,
  type Own,
  payoutRun,
  type Run,
  type Submit,
  seenOf,
  setRun,
  spend,
  type Task,
  TIMES,
  type World,
} from './world.ts';

export interface Move {
  readonly deed: Deed;
  readonly after: World;
  readonly broken?: string;
}

export interface Play {
  readonly rules: Rules;
  readonly bounds: Bounds;
}

/** Where a task belongs: a run that waits for it, or nobody. */
type Owner = Run | undefined;

export function movesOfWork(world: World, play: Play): Move[] {
  const moves = world.runs.flatMap((run) => [
    ...decisionsOf(world, run, play),
    ...run.tasks.flatMap((task) => movesOfTask(world, run, task, play)),
  ]);
  const orphaned = world.orphans.flatMap((task) => movesOfTask(world, undefined, task, play));
  return [...moves, ...orphaned, ...movesOfSweeps(world, play), ...movesOfLettingGo(world, play), ...lossesOf(world)];
}

/** A payout that is open in the books gets a workflow; a message that no workflow knows is handed on. */
function movesOfSweeps(world: World, { rules }: Play): Move[] {
  const moves: Move[] = [];
  const run = payoutRun(world);
  if (!run && !isFinal(world.books.state)) {
    moves.push({ deed: { does: 'takes_up' }, after: withRun(world, 'payout') });
  }
  const known = new Set(
    world.runs.flatMap(({ mind }) =>
      [...mind.notices, ...mind.confirming.flatMap(({ notices }) => notices)].map(({ messageId }) => messageId),
    ),
  );
  for (const message of world.messages) {
    const { id, attempt, claim } = message;
    if (known.has(id) || isVain(world, message, rules)) continue;
    const { state, attempts } = world.books;
    const isRepeated = rules.isRepeated({ state, attemptState: attempts[attempt - 1]?.state ?? null }, claim);
    const deed = { does: 'hands_on', attempt, what: claim } as const;
    if (isRepeated) {
      moves.push({ deed: { ...deed, outcome: 'repeated' }, after: close(world, new Set([id])) });
      continue;
    }
    const to = run ? world : withRun(world, 'follow_up');
    const hearer = run ?? to.runs.find(({ kind }) => kind === 'follow_up');
    if (hearer)
      moves.push({ deed, after: hears(to, hearer, rules, { kind: 'noticed', notice: { messageId: id, attempt, claim } }) });
  }
  return moves;
}

/** Whoever waits for a pause is told once none holds, or asks by itself in the end. */
function movesOfLettingGo(world: World, { rules }: Play): Move[] {
  if (world.isPaused) return [];
  const held = world.runs.filter(({ mind }) => mind.heldBackUntilMs > 0);
  return held.map((run) => ({ deed: { does: 'lets_go' }, after: hears(world, run, rules, { kind: 'let_go' }) }));
}

/** Handed on again and again, and nothing comes of it: the PSP is silent, or (five times) its look-up is behind. */
function isVain(world: World, { attempt, claim, isContradicted }: Message, { tell }: Rules): boolean {
  const key = keyOf(world, attempt);
  if (isContradicted && isBehind(key)) return true; // before the fifth time it will have caught up
  if (!key.isSilent || isPayoutBehind(world)) return false;
  const outcome = saysAlive(claim) ? tell(world.books, doubtOf(attempt)).outcome : 'unchanged';
  return outcome !== 'applied' && outcome !== 'ignored';
}

/** A run that follows an earlier round up has written down what the payout's own does not know yet: who is told reads the books. */
const isPayoutBehind = (world: World): boolean => {
  const run = payoutRun(world);
  return run !== undefined && run.mind.seen.sequence !== world.books.sequence;
};

const doubtOf = (attempt: number): ToldFact => ({ type: 'contradicted', attempt, source: 'callback' });

export function withRun(world: World, kind: Run['kind']): World {
  if (world.runs.some((each) => each.kind === kind)) return world;
  return {
    ...world,
    runs: [...world.runs, { kind, mind: newMind(seenOf(world), kind === 'payout' ? world.books.round : 0, 0), tasks: [] }],
  };
}

const close = (world: World, ids: ReadonlySet<string>): World => ({
  ...world,
  messages: world.messages.filter(({ id }) => !ids.has(id)),
});

const AGREES: Readonly<Record<Message['claim'], readonly string[]>> = {
  paid: ['paid'],
  failed: ['failed', 'attempt_failed'],
  returned: ['returned'],
  queued: ['psp_queued'],
  held: ['psp_held'],
  processing: ['psp_processing'],
};

/** What a look-up said last, and what the books made of that. */
interface Closing {
  readonly fact: string;
  readonly outcome: string;
  readonly isBehind: boolean;
}

/** What SQL `close_message` does: a look-up that says something else may be behind, and is then asked again later. */
function closeBy(world: World, notices: readonly PspNotice[], { fact, outcome, isBehind }: Closing): World {
  const ids = new Set(notices.map(({ messageId }) => messageId));
  const messages = world.messages.flatMap((message) => {
    const { id, claim, returns } = message;
    if (!ids.has(id)) return [message];
    const isMoney = claim === 'paid' || claim === 'failed' || claim === 'returned' || AGREES.failed.includes(fact);
    const cameBack = claim === 'paid' && fact === 'returned' && returns < world.books.returns;
    const isOpen = outcome !== 'ignored' && !AGREES[claim].includes(fact) && isMoney && !cameBack;
    return isOpen && isBehind ? [{ ...message, isContradicted: true }] : [];
  });
  return { ...world, messages };
}

export function hears(world: World, run: Run, rules: Rules, ...events: readonly PayoutEvent[]): World {
  const mind = events.reduce((each, event) => rules.hear(each, event, 0, TIMES), run.mind);
  return setRun(world, run, { ...run, mind });
}

export const seenEvent = (world: World, askedAt: number): PayoutEvent => ({ kind: 'seen', seen: seenOf(world), askedAt });

/** A look-up that waits for news is called off for whatever else is to be done. */
const isWaiting = (task: Task): boolean => task.what === 'look_up' && task.why !== 'message' && task.step !== 'record';
const isMain = (task: Task): boolean => task.what !== 'look_up' || task.why !== 'message';

function decisionsOf(world: World, run: Run, { rules }: Play): Move[] {
  const busy = run.tasks.filter(isMain);
  if (!busy.every(isWaiting)) return [];
  const { main } = rules.next(run.mind, nowOf(world), TIMES);
  if (main.do === 'wait' || main.do === 'end') return [];
  if (busy.length > 0 && (main.do === 'look_up' || main.do === 'check')) return [];
  if (main.do === 'send' && isRefused(world, run, main.attempt, rules)) return []; // tried again and again
  const tasks = [...run.tasks.filter((task) => !busy.includes(task)), ...tasksOf(main, run)];
  const attempt = main.do === 'send' ? main.attempt : run.mind.seen.attempt;
  const what = main.do === 'apply' ? main.fact.type : main.do;
  return [{ deed: { does: 'decides', attempt, what }, after: setRun(world, run, { ...run, tasks }) }];
}

/** The books refuse this send, though its workflow knows all that they know: a message is not looked into yet. */
function isRefused(world: World, { mind }: Run, attempt: number, { tell }: Rules): boolean {
  const books = askedOf(world);
  const { outcome, books: after } = tell(books, { type: 'attempt_started', attempt });
  const isVain = outcome === 'wrong_state' || (outcome === 'paused' && after === books && mind.heldBackUntilMs > 0);
  return mind.seen.sequence === books.sequence && isVain;
}

function tasksOf(act: Exclude<Act, { do: 'wait' | 'end' }>, { mind }: Run): Task[] {
  const { sequence, state } = mind.seen;
  switch (act.do) {
    case 'send': {
      const isResend = state === 'UNKNOWN';
      return [{ what: 'submit', attempt: act.attempt, sequence, isResend, step: 'begin', askedAt: 0, facts: [] }];
    }
    case 'check':
    case 'look_up':
      return act.attempts.map((attempt) => lookUp(attempt, act.do === 'check' ? 'check' : 'main', mind.seen));
    case 'apply':
      return [{ what: 'own', attempt: act.fact.attempt ?? 0, sequence, fact: ownFact(act.fact) }];
  }
}

export const lookUp = (
  attempt: number,
  why: LookUp['why'],
  { sequence, state, attempt: newest, attemptOpen }: Run['mind']['seen'],
): LookUp => ({
  what: 'look_up',
  why,
  attempt,
  sequence,
  known: state,
  isDoubted: attempt !== newest || !attemptOpen,
  isBehind: false,
  step: 'asked',
  askedAt: sequence,
  facts: [],
});

function movesOfTask(world: World, run: Owner, task: Task, play: Play): Move[] {
  switch (task.what) {
    case 'submit':
      return [...movesOfSubmit(world, run, task, play), ...deathsOf(world, run, task, play)];
    case 'look_up':
      return movesOfLookUp(world, run, task, play);
    case 'own':
      return [...movesOfOwn(world, run, task, play), ...parkingOf(world, run, task, play)];
  }
}

/** What the rules call for and the books refuse would be asked for ever: the payout is parked. */
function movesOfOwn(world: World, run: Owner, task: Own, { rules }: Play): Move[] {
  const told = write(world, rules, task.fact, task.sequence);
  const deed: Deed = { does: 'tells', attempt: task.attempt, fact: task.fact.type, ...tellOf(world, told) };
  const isRefused = run !== undefined && told.outcome !== 'applied' && told.world.books.sequence === task.sequence;
  const isNew = run?.mind.parkedAt !== task.sequence; // tried again in vain, it stands there already
  const parked = isRefused && isNew ? write(told.world, rules, { type: 'parked' }, told.world.books.sequence) : told;
  const events = [seenEvent(parked.world, task.sequence), ...(isRefused ? [{ kind: 'parked' } as const] : [])];
  const also = parked === told ? {} : { also: parked.told };
  return [{ deed: { ...deed, ...also }, after: done(parked.world, run, task, rules, ...events), ...brokenOf(parked) }];
}

export const tellOf = (before: World, { world, outcome, edge, told }: Written) => ({
  outcome,
  told,
  ...(edge ? { edge: edge.fact } : {}),
  ...(world.books.state === before.books.state ? {} : { state: world.books.state }),
});
export const brokenOf = ({ broken }: { readonly broken?: string }) => (broken === undefined ? {} : { broken });

/** The attempt is written down, the PSP is asked once, and what it answers is written down. */
function movesOfSubmit(world: World, run: Owner, task: Submit, play: Play): Move[] {
  const { attempt } = task;
  const goesOn = (from: World, change: Partial<Submit>): World => replace(from, run, task, { ...task, ...change });
  const answered = (from: World, reply: PspReply): World => {
    const facts = factsFor(from, task, reply, 'reply', play);
    return goesOn(from, { step: 'record', facts });
  };
  switch (task.step) {
    case 'begin': {
      const told = write(world, play.rules, { type: 'attempt_started', attempt }, task.sequence);
      const deed: Deed = { does: 'begins', attempt, fact: 'attempt_started', ...tellOf(world, told) };
      const begun = { ...task, askedAt: told.world.books.sequence };
      const after =
        told.outcome === 'applied'
          ? replace(told.world, run, task, { ...begun, step: 'send' })
          : told.outcome === 'already' // somebody may have asked: only a look-up can tell
            ? replace(told.world, run, task, {
                ...begun,
                step: 'record',
                facts: factsFor(told.world, begun, LOST, 'reply', play),
              })
            : ended(told.world, run, task, play.rules, told.outcome === 'paused');
      return [{ deed, after, ...brokenOf(told) }, ...parkingOf(world, run, task, play)];
    }
    case 'send':
      return arrivalsOf(world, attempt).map(({ deed, after, reply }) => ({
        deed,
        after: reply ? answered(after, reply) : goesOn(after, { step: 'taken' }),
      }));
    case 'taken': {
      const reply = replyOf(keyOf(world, attempt));
      const moves: Move[] = [{ deed: { does: 'answers', attempt, what: reply.kind }, after: answered(world, reply) }];
      if (world.left.faults === 0) return moves;
      return [...moves, { deed: { does: 'loses_answer', attempt }, after: answered(spend(world, 'faults'), LOST) }];
    }
    case 'record': {
      const [fact, ...rest] = task.facts;
      if (!fact) return [];
      // A failure that another attempt follows is left to the workflow, which says when: nobody else writes it down.
      if (fact.type === 'attempt_failed' && !run)
        return [{ deed: { does: 'dies', attempt, what: 'late' }, after: done(world, run, task, play.rules) }];
      const told = write(world, play.rules, fact, task.askedAt);
      const after =
        rest.length > 0
          ? replace(told.world, run, task, { ...task, facts: saidWith(rest, told) })
          : ended(told.world, run, task, play.rules);
      return [
        { deed: { does: 'records', attempt, fact: fact.type, ...tellOf(world, told) }, after, ...brokenOf(told) },
        ...parkingOf(world, run, task, play),
      ];
    }
  }
}

const factsFor = (
  world: World,
  task: Submit | LookUp,
  reply: PspReply,
  source: 'reply' | 'look_up' | 'callback',
  { rules, bounds }: Play,
) => {
  const kind: PayoutKind = bounds.lastNeedsOperator ? 'provider' : 'merchant';
  const payout = {
    kind,
    attempt: world.books.attempts.length,
    attemptsBefore: world.attemptsBefore,
    maxAttempts: bounds.attempts,
  };
  const { attempt, askedAt } = task;
  return rules.factsOf(reply, replyContext(payout, { attempt, source, askedAt })).map(toldOf);
};

/** The workflow hears how a send ended. */
function ended(world: World, run: Owner, task: Submit, rules: Rules, isPaused = false): World {
  const sent: PayoutEvent = {
    kind: 'sent',
    isResend: task.isResend,
    moved: world.books.sequence !== task.sequence,
    retryAfterMs: null,
    isPaused,
  };
  return done(world, run, task, rules, seenEvent(world, task.sequence), sent);
}

function movesOfLookUp(world: World, run: Owner, task: LookUp, play: Play): Move[] {
  const { attempt, why } = task;
  const deed = { does: 'shows', attempt } as const;
  if (task.step === 'record') return [...toldByLookUp(world, run, task, play), ...parkingOf(world, run, task, play)];
  const reply = lookUpReply(world, attempt);
  const isFruitless = reply === undefined || reply.kind === 'not_found';
  // After a few tries. The message stays stored, and is handed on again.
  if (why === 'message' && isFruitless) {
    if (play.bounds.insists) return [];
    const notices = noticesOf(run, attempt);
    const isDoubt = notices.length === 0 || notices.some(({ claim }) => saysAlive(claim));
    const facts = [{ ...doubtOf(attempt), askedAt: task.askedAt }];
    const after = isDoubt
      ? replace(world, run, task, { ...task, step: 'record', facts })
      : done(world, run, task, play.rules, seenEvent(world, task.sequence), { kind: 'confirmed', attempt });
    return [{ deed: { does: 'gives_up', attempt, what: reply?.kind ?? 'silence' }, after }];
  }
  if (isFruitless && why === 'main' && isAtPsp(task.known)) {
    return [{ deed: { does: 'says_nothing', attempt }, after: done(world, run, task, play.rules, { kind: 'silent' }) }];
  }
  if (!reply && why === 'check' && run && run.mind.parkedAt !== world.books.sequence) {
    const told = write(world, play.rules, { type: 'parked' }, run.mind.seen.sequence);
    const silent = calledOff(told.world, run, 'check');
    const after = hears(silent, runOf(silent, run), play.rules, seenEvent(silent, task.sequence), { kind: 'parked' });
    return [{ deed: { does: 'says_nothing', attempt, fact: 'parked', ...tellOf(world, told) }, after, ...brokenOf(told) }];
  }
  if (!reply || (why === 'main' && !play.rules.isNews(reply, task.known, task.isDoubted))) return [];
  const what = reply.kind;
  const all = factsFor(world, task, reply, why === 'message' ? 'callback' : 'look_up', play);
  const facts = reply.kind === 'not_found' ? all.filter(({ type }) => type !== 'outcome_unknown') : all;
  // Nothing that the books do not know: asked again, later.
  if (why === 'main' && facts.length > 0 && isKnown(world, task, facts, play.rules)) return [];
  if (facts.length > 0)
    return [
      {
        deed: { ...deed, what },
        after: replace(world, run, task, { ...task, step: 'record', isBehind: isBehind(keyOf(world, attempt)), facts }),
      },
    ];
  return [
    {
      deed: { ...deed, what },
      after: done(world, run, task, play.rules, ...(why === 'main' ? [{ kind: 'not_found' } as const] : [])),
    },
  ];
}

/** Its look-ups of this kind are given up. */
const calledOff = (world: World, { kind }: Run, why: LookUp['why']): World => ({
  ...world,
  runs: world.runs.map((each) =>
    each.kind === kind ? { ...each, tasks: each.tasks.filter((task) => task.what !== 'look_up' || task.why !== why) } : each,
  ),
});

const runOf = (world: World, run: Run): Run => world.runs.find(({ kind }) => kind === run.kind) ?? run;

const isKnown = (world: World, { sequence }: LookUp, facts: readonly ToldFact[], { tell }: Rules): boolean =>
  sequence === world.books.sequence && facts.every((fact) => tell(world.books, fact).outcome === 'unchanged');

const isAtPsp = (state: PayoutState): boolean => state === 'PSP_QUEUED' || state === 'PSP_HELD' || state === 'PROCESSING';

const noticesOf = (run: Owner, attempt: number): readonly PspNotice[] =>
  run?.mind.confirming.find((each) => each.attempt === attempt)?.notices ?? [];

function toldByLookUp(world: World, run: Owner, task: LookUp, { rules }: Play): Move[] {
  const [fact, ...rest] = task.facts;
  if (!fact) return [];
  // Earlier attempts are judged together, when the PSP has answered for each.
  if (task.why === 'check' && run?.tasks.some((each) => each.what === 'look_up' && each.why === 'check' && each.step === 'asked'))
    return [];
  const told = write(world, rules, fact, run?.mind.seen.sequence ?? task.sequence);
  const deed: Deed = { does: 'tells', attempt: task.attempt, fact: fact.type, ...tellOf(world, told) };
  const now = seesIn(told.world, run, rules);
  const after =
    told.outcome === 'stale' && task.why === 'message' && fact.type !== 'contradicted'
      ? replace(now, run, task, { ...task, step: 'asked', askedAt: now.books.sequence, facts: [] })
      : rest.length > 0 && told.outcome !== 'stale'
        ? replace(now, run, task, { ...task, facts: saidWith(rest, told) })
        : recorded(told.world, run, task, rules, { fact: fact.type, outcome: told.outcome, isBehind: task.isBehind });
  return [{ deed, after, ...brokenOf(told) }];
}

/** What follows was said with it. */
const saidWith = (rest: readonly ToldFact[], { outcome, world }: Written): readonly ToldFact[] =>
  outcome === 'applied' || outcome === 'ignored' ? rest.map((fact) => ({ ...fact, askedAt: world.books.sequence })) : rest;

/** The run as it stands in this world: `replace` and `done` find it by its kind. */
const seesIn = (world: World, run: Owner, rules: Rules): World => {
  const current = run && world.runs.find(({ kind }) => kind === run.kind);
  return current ? hears(world, current, rules, seenEvent(world, current.mind.seen.sequence)) : world;
};

function recorded(world: World, run: Owner, task: LookUp, rules: Rules, by: Closing): World {
  const seen = seenEvent(world, task.sequence);
  if (task.why !== 'message') return done(world, run, task, rules, seen);
  // What only raised a doubt stays stored, and is handed on again.
  const closed = by.fact === 'contradicted' ? world : closeBy(world, noticesOf(run, task.attempt), by);
  return done(closed, run, task, rules, seen, { kind: 'confirmed', attempt: task.attempt });
}

function replace(world: World, run: Owner, task: Task, changed: Task): World {
  const swap = (tasks: readonly Task[]) => tasks.map((each) => (each === task ? changed : each));
  if (!run) return { ...world, orphans: swap(world.orphans) };
  return { ...world, runs: world.runs.map((each) => (each.kind === run.kind ? { ...each, tasks: swap(each.tasks) } : each)) };
}

/** The task is over, and its workflow, if it still waits for it, hears what came of it. */
function done(world: World, run: Owner, task: Task, rules: Rules, ...events: readonly PayoutEvent[]): World {
  const without = (tasks: readonly Task[]) => tasks.filter((each) => each !== task);
  if (!run) return { ...world, orphans: without(world.orphans) };
  const current = world.runs.find(({ kind }) => kind === run.kind);
  if (!current) return world;
  const tasks = without(current.tasks);
  const isLastCheck =
    task.what === 'look_up' && task.why === 'check' && !tasks.some((each) => each.what === 'look_up' && each.why === 'check');
  const heard = isLastCheck ? [...events, { kind: 'checked' } as const] : events;
  const freed: Run = { ...current, tasks };
  return hears(setRun(world, current, freed), freed, rules, ...heard);
}

/** Its worker dies, or is taken for dead: the workflow reads the payout and goes on, and so may the worker. */
function deathsOf(world: World, run: Owner, task: Submit, { rules }: Play): Move[] {
  if (!run || world.left.deaths === 0) return [];
  const gone = ended(spend(world, 'deaths'), run, task, rules);
  const { attempt } = task;
  return [
    { deed: { does: 'dies', attempt, what: task.step }, after: gone },
    { deed: { does: 'is_given_up', attempt, what: task.step }, after: { ...gone, orphans: [...gone.orphans, task] } },
  ];
}

/** A workflow is lost, and its work with it, or the work goes on. */
function lossesOf(world: World): Move[] {
  const run = payoutRun(world);
  if (!run || world.left.restarts === 0) return [];
  const without: World = { ...spend(world, 'restarts'), runs: world.runs.filter((each) => each !== run) };
  const goesOn = run.tasks.filter((task) => task.what === 'submit' || (task.what === 'look_up' && task.step === 'record'));
  const moves: Move[] = [{ deed: { does: 'is_lost' }, after: without }];
  if (goesOn.length === 0) return moves;
  return [
    ...moves,
    { deed: { does: 'is_lost', what: 'its work goes on' }, after: { ...without, orphans: [...without.orphans, ...goesOn] } },
  ];
}

/** The step can never succeed: the payout is parked for an operator, and the workflow only listens. */
function parkingOf(world: World, run: Owner, task: Task, { rules }: Play): Move[] {
  if (!run || world.left.parks === 0) return [];
  const told = write(spend(world, 'parks'), rules, { type: 'parked' }, task.sequence);
  const isMessage = task.what === 'look_up' && task.why === 'message'; // which stays stored
  const confirmed: PayoutEvent[] = isMessage ? [{ kind: 'confirmed', attempt: task.attempt }] : [];
  const after = done(told.world, run, task, rules, seenEvent(told.world, task.sequence), { kind: 'parked' }, ...confirmed);
  return [{ deed: { does: 'cannot', what: task.what, fact: 'parked', ...tellOf(world, told) }, after, ...brokenOf(told) }];
}
