/**
 * A PSP that may do anything a PSP may do. It keeps one transfer for each key of ours; whether it answers, when its look-ups
 * show it, what it refuses and what its bank does later is open.
 */
import type { PspReply } from '../src/payouts/rules/reply.ts';
import type { Deed } from './deeds.ts';
import { type PspKey, replyOf } from './pspKey.ts';
import type { LookUp, Message, Submit, World } from './world.ts';
import { keyOf, setKey, spend } from './world.ts';

/** How a request may be refused at the door: nothing of it says anything about an earlier request. */
export const REFUSALS: Readonly<Record<string, PspReply>> = {
  'not now': { kind: 'not_taken', reason: 'too many requests', retryAfterMs: null },
  'a temporary failure': { kind: 'failed', pspRef: null, failure: { class: 'B', code: 'busy', message: 'try again' } },
  'an invalid request': { kind: 'failed', pspRef: null, failure: { class: 'A', code: 'invalid', message: 'invalid' } },
};

export interface PspMove {
  readonly deed: Deed;
  readonly after: World;
}

/** What the PSP and its bank do by themselves. */
export function movesOfPsp(world: World, messagesMax: number): PspMove[] {
  // What nothing comes of is kept beside the others.
  const isOpen = ({ attempt, isContradicted }: Message) => !isContradicted && !keyOf(world, attempt).isSilent;
  return world.psp.flatMap((key, index) => {
    const attempt = index + 1;
    const moves: PspMove[] = [];
    const move = (does: Deed['does'], after: World, what?: string) =>
      void moves.push({ deed: { does, attempt, ...(what === undefined ? {} : { what }) }, after });
    const becomes = (change: Partial<PspKey>, from = world) => setKey(from, attempt, { owesMessage: true, ...change });
    /** Its look-ups show it at once, or only later. */
    const later = (does: Deed['does'], after: World, what?: string) => {
      move(does, after, what);
      if (world.left.stale === 0 || key.lags || key.shows !== null) return;
      // While the return is not in the books, look-ups show the second payment at once (docs/proof.md, what it assumes).
      if (does === 'pays_again' && world.books.attempts[index]?.state !== 'returned') return;
      moves.push({
        deed: { does: `${does}_unseen` as Deed['does'], attempt, ...(what === undefined ? {} : { what }) },
        after: spend(setKey(after, attempt, { shows: key.status }), 'stale'),
      });
    };

    if (key.status === 'queued' || key.status === 'held' || key.status === 'processing') {
      later('pays', becomes({ status: 'paid' }));
      move('fails', becomes({ status: 'failed', mayRetry: true }), 'for now');
      move('fails', becomes({ status: 'failed', mayRetry: false }), 'for good');
      if (world.left.odds > 0 && !key.isOdd) move('turns_odd', spend(becomes({ isOdd: true }), 'odds'));
      if (world.left.stages > 0) {
        for (const stage of ['queued', 'held', 'processing'] as const) {
          if (stage !== key.status) move('moves_on', spend(becomes({ status: stage }), 'stages'), stage);
        }
      }
    }
    if (key.status === 'paid' && world.left.returns > 0) later('returns', spend(becomes({ status: 'returned' }), 'returns'));
    if (key.status === 'returned' && world.left.returns > 0) later('pays_again', spend(becomes({ status: 'paid' }), 'returns'));
    // Hours later, not in the seconds in which the word that it failed is on its way into the books.
    if (key.status === 'failed' && world.left.lies > 0 && !isFailureOnItsWay(world, attempt)) {
      for (const status of ['processing', 'paid'] as const) {
        later('revives', spend(becomes({ status, lied: true }), 'lies'), status);
      }
    }
    if (key.lags || (key.shows !== null && !isFailureOnItsWay(world, attempt)))
      move('catches_up', setKey(world, attempt, { lags: false, shows: null }));
    if (key.status !== 'none' && !key.isSilent && world.left.silences > 0) {
      move('goes_silent', spend(setKey(world, attempt, { isSilent: true }), 'silences'));
    }
    // The window is longer than an outcome may stay unknown, and than any request is under way.
    if (world.left.forgets > 0 && world.isLate && !key.isForgotten && key.status !== 'none' && !isUnderWay(world, attempt)) {
      move('forgets', spend(setKey(world, attempt, { isForgotten: true }), 'forgets'));
    }
    const claim = key.status;
    if (claim !== 'none' && world.messages.filter(isOpen).length < messagesMax) {
      const stored = { attempt, claim };
      if (key.owesMessage) move('calls_back', store(setKey(world, attempt, { owesMessage: false }), stored), claim);
      else if (world.left.repeats > 0) move('repeats', spend(store(world, stored), 'repeats'), claim);
    }
    return moves;
  });
}

const isFailureOnItsWay = (world: World, attempt: number): boolean =>
  tasksOf(world, attempt).some(({ facts }) => facts.some(({ type }) => type === 'failed' || type === 'attempt_failed'));

const isUnderWay = (world: World, attempt: number): boolean => tasksOf(world, attempt).some(({ what }) => what === 'submit');

/** Requests and look-ups of this attempt that somebody is at. */
const tasksOf = ({ runs, orphans }: World, attempt: number): readonly (Submit | LookUp)[] =>
  [...orphans, ...runs.flatMap(({ tasks }) => tasks)].filter(
    (task): task is Submit | LookUp => task.what !== 'own' && task.attempt === attempt,
  );

/** As the API stores it. Its id: the first that nobody knows. */
function store(world: World, { attempt, claim }: Pick<Message, 'attempt' | 'claim'>): World {
  const taken = new Set(world.messages.map(({ id }) => id));
  const known = world.runs.flatMap(({ mind }) => [...mind.notices, ...mind.confirming.flatMap(({ notices }) => notices)]);
  for (const { messageId } of known) taken.add(messageId);
  let number = 1;
  while (taken.has(`m${number}`)) number += 1;
  return {
    ...world,
    messages: [...world.messages, { id: `m${number}`, attempt, claim, returns: world.books.returns, isContradicted: false }],
  };
}

export interface Answer {
  readonly deed: Deed;
  readonly after: World;
  /** Undefined: it has taken the request, and answers later. */
  readonly reply?: PspReply;
}

/** What may become of a request that is on its way. */
export function arrivalsOf(world: World, attempt: number): Answer[] {
  const key = keyOf(world, attempt);
  const isFresh = key.status === 'none';
  const answers: Answer[] = [];
  if (isFresh) {
    const taken = (change: Partial<PspKey>, from = world) => setKey(from, attempt, { status: 'processing', ...change });
    answers.push({ deed: { does: 'takes', attempt }, after: taken({}) });
    if (world.left.faults > 0) answers.push({ deed: { does: 'lags', attempt }, after: spend(taken({ lags: true }), 'faults') });
    if (world.left.odds > 0) {
      answers.push({ deed: { does: 'takes_oddly', attempt }, after: spend(taken({ isOdd: true }), 'odds') });
    }
  } else {
    // The same key: the same transfer, unless the key is forgotten.
    const after = key.isForgotten ? setKey(world, attempt, { twins: key.twins + 1 }) : world;
    answers.push({ deed: { does: 'takes', attempt, what: 'again' }, after });
  }
  if (world.left.refusals > 0) {
    for (const [what, reply] of Object.entries(REFUSALS)) {
      answers.push({ deed: { does: 'refuses', attempt, what }, after: spend(world, 'refusals'), reply });
    }
  }
  if (world.left.faults > 0) {
    answers.push({ deed: { does: 'loses_request', attempt }, after: spend(world, 'faults'), reply: LOST });
  }
  return answers;
}

export const LOST: PspReply = { kind: 'unknown', reason: 'no answer' };

/** What a look-up is told: nothing while the PSP is silent, and nothing that counts of what it has named and no longer knows. */
export function lookUpReply(world: World, attempt: number): PspReply | undefined {
  const key = keyOf(world, attempt);
  if (key.isSilent) return undefined;
  const said: PspReply = key.lags ? { kind: 'not_found' } : replyOf({ ...key, status: key.shows ?? key.status });
  return said.kind === 'not_found' && world.books.attempts[attempt - 1]?.named ? undefined : said;
}

/** Whether look-ups show what is not so any more. */
export const isBehind = ({ lags, shows }: PspKey): boolean => lags || shows !== null;
