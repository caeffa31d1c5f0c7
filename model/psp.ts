/**
 * A PSP that may do anything a PSP may do. It keeps one transfer for each key of ours; whether it answers, when its look-ups
 * show it, what it refuses and what its bank does later is open.
 */
import type { PspReply } from '../src/domain/payout/reply.ts';
import type { Deed } from './deeds.ts';
import type { LookUp, Message, Submit, World } from './world.ts';
import { keyOf, setKey, spend } from './world.ts';

/** `none`: it has no transfer under this key. */
export type PspStatus = 'none' | 'queued' | 'held' | 'processing' | 'paid' | 'failed' | 'returned';

export interface PspKey {
  readonly status: PspStatus;
  /** Of a failed one: whether another try may help. */
  readonly mayRetry: boolean;
  /** It has another amount than we asked for. */
  readonly isOdd: boolean;
  /** It was shown as failed, and is alive after all. */
  readonly lied: boolean;
  /** Its look-ups do not show it yet. */
  readonly lags: boolean;
  /** Its look-ups are never answered again. */
  readonly isSilent: boolean;
  /** The key's window is over: a request under it is a new one to the PSP. */
  readonly isForgotten: boolean;
  /** Transfers beside the first, after the key was forgotten. */
  readonly twins: number;
  /** It has changed, and the PSP will say so. */
  readonly owesMessage: boolean;
}

export const newKey = (): PspKey => ({
  status: 'none',
  mayRetry: false,
  isOdd: false,
  lied: false,
  lags: false,
  isSilent: false,
  isForgotten: false,
  twins: 0,
  owesMessage: false,
});

/** Money that went out by this key, or still may without a further request. */
export const isLiveAtPsp = ({ status }: PspKey): boolean => ['queued', 'held', 'processing', 'paid'].includes(status);

/** What the PSP answers about this key, to a look-up or to a request that it has taken. */
export function replyOf(key: PspKey): PspReply {
  const pspRef = 'tr';
  if (key.isOdd && isLiveAtPsp(key)) return { kind: 'mismatch', pspRef, detail: 'another amount' };
  switch (key.status) {
    case 'none':
      return { kind: 'not_found' };
    case 'queued':
    case 'held':
    case 'processing':
      return { kind: 'accepted', stage: key.status, pspRef, reason: null };
    case 'paid':
      return { kind: 'paid', pspRef };
    case 'returned':
      return { kind: 'returned', pspRef, reason: 'sent back' };
    case 'failed':
      return { kind: 'failed', pspRef, failure: { class: key.mayRetry ? 'B' : 'F', code: 'failed', message: 'failed' } };
  }
}

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
  return world.psp.flatMap((key, index) => {
    const attempt = index + 1;
    const moves: PspMove[] = [];
    const move = (does: Deed['does'], after: World, what?: string) =>
      void moves.push({ deed: { does, attempt, ...(what === undefined ? {} : { what }) }, after });
    // Hours, not seconds: whatever was answered before is told by then.
    const isSettledAt = !tasksOf(world, attempt).some(({ step }) => step === 'record' || step === 'taken');
    const becomes = (change: Partial<PspKey>, from = world) => setKey(from, attempt, { owesMessage: true, ...change });

    if (key.status === 'queued' || key.status === 'held' || key.status === 'processing') {
      move('pays', becomes({ status: 'paid' }));
      move('fails', becomes({ status: 'failed', mayRetry: true }), 'for now');
      move('fails', becomes({ status: 'failed', mayRetry: false }), 'for good');
      if (world.left.odds > 0 && !key.isOdd) move('turns_odd', spend(becomes({ isOdd: true }), 'odds'));
      if (world.left.stages > 0) {
        for (const stage of ['queued', 'held', 'processing'] as const) {
          if (stage !== key.status) move('moves_on', spend(becomes({ status: stage }), 'stages'), stage);
        }
      }
    }
    if (key.status === 'paid' && world.left.returns > 0) move('returns', spend(becomes({ status: 'returned' }), 'returns'));
    if (key.status === 'returned' && world.left.returns > 0) move('pays_again', spend(becomes({ status: 'paid' }), 'returns'));
    if (key.status === 'failed' && world.left.lies > 0 && isSettledAt) {
      for (const status of ['processing', 'paid'] as const) {
        move('revives', spend(becomes({ status, lied: true }), 'lies'), status);
      }
    }
    if (key.lags) move('catches_up', setKey(world, attempt, { lags: false }));
    if (key.status !== 'none' && !key.isSilent && world.left.silences > 0) {
      move('goes_silent', spend(setKey(world, attempt, { isSilent: true }), 'silences'));
    }
    // The window is longer than an outcome may stay unknown, and than any request is under way.
    if (world.left.forgets > 0 && world.isLate && !key.isForgotten && key.status !== 'none' && !isUnderWay(world, attempt)) {
      move('forgets', spend(setKey(world, attempt, { isForgotten: true }), 'forgets'));
    }
    const claim = key.status;
    if (claim !== 'none' && world.messages.length < messagesMax) {
      const stored = { attempt, claim };
      if (key.owesMessage) move('calls_back', store(setKey(world, attempt, { owesMessage: false }), stored), claim);
      else if (world.left.repeats > 0) move('repeats', spend(store(world, stored), 'repeats'), claim);
    }
    return moves;
  });
}

const isUnderWay = (world: World, attempt: number): boolean => tasksOf(world, attempt).some(({ what }) => what === 'submit');

/** Requests and look-ups of this attempt that somebody is at. */
const tasksOf = ({ runs, orphans }: World, attempt: number): readonly (Submit | LookUp)[] =>
  [...orphans, ...runs.flatMap(({ tasks }) => tasks)].filter(
    (task): task is Submit | LookUp => task.what !== 'own' && task.attempt === attempt,
  );

/** As the API stores it. Its id: the first that nobody knows. */
function store(world: World, { attempt, claim }: Omit<Message, 'id'>): World {
  const taken = new Set(world.messages.map(({ id }) => id));
  const known = world.runs.flatMap(({ mind }) => [...mind.notices, ...mind.confirming.flatMap(({ notices }) => notices)]);
  for (const { messageId } of known) taken.add(messageId);
  let number = 1;
  while (taken.has(`m${number}`)) number += 1;
  return { ...world, messages: [...world.messages, { id: `m${number}`, attempt, claim }] };
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

/** What a look-up is told: nothing while the PSP is silent. */
export function lookUpReply(world: World, attempt: number): PspReply | undefined {
  const key = keyOf(world, attempt);
  if (key.isSilent) return undefined;
  return key.lags ? { kind: 'not_found' } : replyOf(key);
}
