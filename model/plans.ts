/**
 * The sets of bounds that `npm run model` exhausts, and the few that every test run does. Each looks at one kind of trouble
 * as deep as some ten minutes of two cores allow; together they reach every deed, fact and edge (coverage.ts).
 */
import { type Bounds, bounds } from './bounds.ts';
import { ofForgotten, ofSecondAttempt, ofTwoFailed } from './breaks.ts';

/** Within 20 seconds. */
export const SHORT: readonly Bounds[] = [
  bounds('an answer is lost, a resend is refused', { faults: 1, refusals: 1 }, { attempts: 1, messages: 1 }),
  bounds('returned, and paid again', { returns: 2 }, { attempts: 1, messages: 1 }),
  bounds('an operator resolves', { acts: 2, odds: 1 }, { attempts: 1, messages: 1 }),
  bounds('people', { acts: 2 }, { attempts: 1, start: { state: 'IN_REVIEW' } }),
  bounds('an operator intervenes, and an answer lost', { controls: 2, faults: 1 }, { attempts: 1, messages: 1 }),
  bounds('paused, and an answer lost', { pauses: 2, faults: 1 }, { attempts: 1, messages: 1 }),
];

const ONE = { attempts: 1, messages: 1 } as const;

const SECOND = { messages: 1, ...ofSecondAttempt() };

const SEVERAL: readonly Bounds[] = [
  bounds('two workers die', { deaths: 2 }, ONE),
  bounds('a worker dies in one of two attempts, an answer is lost', { deaths: 1, faults: 1 }, { messages: 1 }),
  bounds('a failed transfer revives while a worker dies', { lies: 1, deaths: 1 }, SECOND),
  bounds('two attempts, lost and refused', { faults: 2, refusals: 2 }, { messages: 1 }),
  bounds('returned and paid again, an answer lost', { returns: 2, faults: 1, repeats: 1 }, { attempts: 1 }),
  bounds('people, a death and a lost answer', { acts: 2, deaths: 1, faults: 1 }, ONE),
  bounds('a worker dies, an answer is lost', { deaths: 1, faults: 1 }, ONE),
  bounds('a worker dies, and answers are lost', { deaths: 1, faults: 2 }, ONE),
  bounds('the workflow is lost, and an answer', { restarts: 1, faults: 1 }, ONE),
  bounds('a worker dies, and the PSP refuses', { deaths: 1, refusals: 1 }, ONE),
  bounds('a worker dies at the second attempt', { deaths: 1 }, SECOND),
  bounds('two attempts, each may be refused or lost', { faults: 1, refusals: 1 }),
  bounds('look-ups fall silent', { silences: 1, returns: 1 }, SECOND),
  bounds('answers are lost, resends are refused', { faults: 2, refusals: 2 }, ONE),
  bounds('returned and paid again, told twice', { returns: 2, repeats: 1 }, { attempts: 1 }),
  bounds('a failed transfer revives, and people act', { lies: 1, acts: 2 }, SECOND),
  bounds('a failed transfer revives, and returns', { lies: 1, returns: 1 }, { attempts: 1 }),
  bounds('a failed transfer revives while the next is queued', { lies: 1, stages: 1, acts: 1 }, SECOND),
  bounds('a failed transfer revives while the next is unknown', { lies: 1, faults: 1 }, SECOND),
  bounds('people before it is sent', { acts: 4, refusals: 1 }, { ...ONE, start: { state: 'IN_REVIEW' } }),
  bounds('people between two attempts', { acts: 3 }, { messages: 1 }),
  bounds('an operator resolves', { faults: 1, acts: 2, odds: 1 }, ONE),
  bounds('started again', { acts: 2, faults: 1 }, { ...ONE, rounds: 2 }),
  bounds('started again after a lie', { acts: 2, lies: 1 }, { ...ONE, rounds: 2 }),
  bounds('queued, held, and not as we asked', { stages: 2, odds: 1 }, ONE),
  bounds('queued and held in two attempts', { stages: 2 }, { messages: 1 }),
  bounds('revived after its end, returned, acknowledged', { lies: 1, returns: 1, acts: 1 }, ONE),
  bounds('queued and held, then refused', { stages: 1, faults: 1 }, SECOND),
  bounds('queued while a dead worker answers', { stages: 1, deaths: 1 }, ONE),
  bounds('the key is forgotten', { forgets: 1, faults: 2 }, ONE),
  bounds('a run comes', { acts: 3 }, { ...ONE, start: { run: 'awaited' } }),
  bounds('a step is impossible', { parks: 1, acts: 1, stages: 1 }, SECOND),
  bounds('a step is impossible, and an answer lost', { parks: 1, acts: 1, faults: 1 }, ONE),
  bounds('impossible in review', { parks: 1, acts: 3 }, { ...ONE, start: { state: 'IN_REVIEW' } }),
  bounds('a provider, whose last attempt fails', { faults: 1 }, { messages: 1, lastNeedsOperator: true }),
  bounds('an operator intervenes between two attempts', { controls: 2, refusals: 1 }, SECOND),
  bounds('an operator intervenes while a worker dies', { controls: 2, deaths: 1 }, ONE),
  bounds('an operator intervenes while a failed transfer revives', { controls: 1, lies: 1, acts: 1 }, SECOND),
  bounds('an operator intervenes at the PSP', { controls: 2, stages: 1, acts: 1 }, ONE),
  bounds('an operator intervenes in review', { controls: 1, acts: 2 }, { ...ONE, start: { state: 'IN_REVIEW' } }),
  bounds('an operator sends before the run', { controls: 2, acts: 1 }, { ...ONE, start: { run: 'awaited' } }),
  bounds('paused between two attempts, and a worker dies', { pauses: 2, deaths: 1 }, { messages: 1 }),
  bounds('paused, and answers lost', { pauses: 2, faults: 2 }, ONE),
  bounds('paused, and people', { pauses: 1, acts: 2 }, ONE),
  bounds('a backup has forgotten attempts, and a payment', { faults: 1, acts: 1 }, { messages: 1, ...ofForgotten() }),
];

/** What an attack on the rules of 2026-11-29 was about. */
const ATTACKED: readonly Bounds[] = [
  bounds('the first attempt revives and falls silent', { lies: 1, silences: 1 }, SECOND),
  bounds('the first attempt revives, and look-ups do not show it yet', { lies: 1, stale: 1 }, SECOND),
  bounds('revived between a hold and its end', { lies: 1, stale: 1, acts: 1 }, SECOND),
  bounds('the first attempt revives, is acknowledged, and falls silent', { lies: 1, silences: 1, acts: 1 }, SECOND),
  bounds('both attempts revive after their end', { lies: 2 }, { messages: 1, ...ofTwoFailed() }),
  bounds('paid again, look-ups behind', { returns: 2, stale: 1 }, ONE),
  bounds('accepted, and never heard of again', { silences: 1, stages: 1 }, ONE),
  bounds('accepted, lost, and never heard of again', { silences: 1, faults: 1 }, ONE),
  bounds('returned, paid again and silent', { silences: 1, returns: 2 }, ONE),
  bounds('silent, and started again', { silences: 1, acts: 2, faults: 1 }, { ...ONE, rounds: 2 }),
  bounds('revived and silent, and started again', { silences: 1, acts: 2, lies: 1 }, { ...ONE, rounds: 2 }),
];

export const WHOLE: readonly Bounds[] = [...SEVERAL, ...ATTACKED];

/** For walks, which need not come to an end: everything at once. */
const ANYTHING = {
  faults: 2,
  refusals: 2,
  returns: 2,
  lies: 1,
  stages: 1,
  odds: 1,
  silences: 1,
  stale: 1,
  repeats: 1,
  deaths: 1,
  restarts: 1,
  acts: 4,
  controls: 2,
};
export const WALKS: readonly Bounds[] = [
  bounds('anything', { ...ANYTHING, parks: 1 }, { rounds: 2, attempts: 3 }),
  bounds('anything, reviewed', ANYTHING, { rounds: 2, start: { state: 'IN_REVIEW' } }),
  bounds('anything, by a run', ANYTHING, { rounds: 2, start: { run: 'awaited' } }),
  bounds('anything, with more deaths', { ...ANYTHING, deaths: 2 }, { rounds: 2 }),
];
