/** Why a game stands as it does: its part of src/rules/explain.ts. */
import {
  type ActionNow,
  type Actor,
  type FailureSoFar,
  instantAfter,
  NOBODY,
  nothing,
  type Reasons,
  type StateWords,
  type Step,
  sinceOf,
  type Told,
} from '../../rules/explain.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { FAILURES, type GameRecord, type PlayerFailure } from './game.ts';
import { GAME, type GameFact, type GameState } from './machine.ts';
import { GAME_TYPES } from './types.ts';

type Game = Told<GameRecord>;
type Words = StateWords<GameRecord>;

/** When operators are told that nobody has said who won; null: they were, or nobody knows this kind of game any more. */
function overdueAt({ record, schedule }: Game): string | null {
  const type = Object.entries(GAME_TYPES).find(([name]) => name === record.type)?.[1];
  if (!type) return null;
  const at = instantAfter(record.createdAt, type.overdueAfterMs);
  return Date.parse(at) > schedule.nowMs ? at : null;
}

const underWay = (is: string, what: string): Words => ({ is: () => is, waits: () => NOBODY, next: () => ({ what, at: null }) });

const over = (is: (told: Game) => string): Words => ({
  is,
  waits: ({ record }) => (record.needsOperator ? { kind: 'person', who: 'operator', until: null } : NOBODY),
  next: nothing,
});

const inPart = (is: string): Words => ({
  is: (told) => `${is}: ${failedCountOf(told)} could not be`,
  waits: () => ({ kind: 'person', who: 'operator', until: null }),
  next: nothing,
});

const WORDS: Readonly<Record<GameState, Words>> = {
  OPEN: {
    is: () => 'It takes bets, until the merchant says who won',
    waits: () => ({ kind: 'person', who: 'merchant', until: null }),
    next: (told) => {
      const at = overdueAt(told);
      return at === null ? null : { what: 'operators are told that nobody has said who won', at };
    },
  },
  SETTLING: underWay('It is decided, and its players are paid', 'the players who are left are paid, in steps'),
  SETTLED: over(({ record }) => `Everybody has what the game brought them; ${record.winner ?? 'nobody'} won`),
  PARTLY_SETTLED: inPart('It is decided, and its players are paid but for some'),
  VOIDING: underWay(
    'It is void, and its players get their stakes back',
    'the players who are left get their stakes back, in steps',
  ),
  VOIDED: over(({ record }) => `It is void, and everybody has their stakes back: ${record.voidReason ?? 'no reason was said'}`),
  PARTLY_VOIDED: inPart('It is void, and its players have their stakes back but for some'),
};

/** While its players are settled, or undone: the books refuse each step (settle_users, void_users). */
const PAUSABLE: readonly GameState[] = ['SETTLING', 'VOIDING'];

/** Which pause, and when it ends, the books know: an operator can end it. */
const paused = (words: Words): Words => ({
  is: (told) => `${words.is(told)}; it stands still while a pause holds`,
  waits: () => ({ kind: 'person', who: ACTION_ROLES.pause, until: null }),
  next: () => ({ what: 'it goes on, once no pause holds any more', at: null }),
});

interface Action {
  readonly action: string;
  readonly by: Actor;
  /** Null: whenever `states` say. */
  readonly fact: GameFact | null;
  readonly states?: readonly GameState[];
  readonly when: string;
}

export const ACTIONS: readonly Action[] = [
  { action: 'bet', by: 'merchant', fact: null, states: ['OPEN'], when: 'while nobody has said who won' },
  { action: 'complete', by: 'merchant', fact: 'completed', when: 'while nobody has said who won' },
  { action: 'retry', by: ACTION_ROLES.retry, fact: 'retried', when: 'once it is over but for some players' },
  { action: 'void', by: ACTION_ROLES.voidGame, fact: 'voided', when: 'while it is not void' },
  { action: 'acknowledge', by: ACTION_ROLES.acknowledge, fact: null, when: 'always' },
];

const actionOf =
  (state: GameState) =>
  ({ action, by, fact, states, when }: Action): ActionNow => {
    const allowed = fact === null ? (states?.includes(state) ?? true) : GAME.edgeOf(state, fact) !== undefined;
    return { action, by, allowed, why: allowed ? null : `Only ${when}.`, notBy: [] };
  };

const MEANS: Readonly<Record<PlayerFailure, string>> = {
  user_frozen: 'nothing moves the money of a frozen user: the merchant lifts that, then it is tried again',
  balance_limit: 'a balance would become larger than any may be: take some of it out, then try again',
  bank_insufficient: 'the bank has too little: the merchant deposits, then it is tried again',
  internal_error: 'the books refused it: see the worker’s log',
};

/** Of whom something could not be done, when the game came to its end in part. */
export interface FailedIn {
  readonly failedCount: number;
  readonly failed: readonly { readonly userId: string; readonly reason: PlayerFailure }[];
}

const isReason = (value: unknown): value is PlayerFailure => FAILURES.some((each) => each === value);

/** What such a step says (end_game.sql). */
export function failedIn({ data }: Pick<Step, 'data'>): FailedIn {
  const players: unknown[] = Array.isArray(data['players']) ? data['players'] : [];
  const failed = players.flatMap((each) => {
    const { userId, reason } = each as Readonly<Record<string, unknown>>;
    return typeof userId === 'string' && isReason(reason) ? [{ userId, reason }] : [];
  });
  return { failed, failedCount: typeof data['failed'] === 'number' ? data['failed'] : failed.length };
}

/** The step by which it came to this end. */
const lastMove = ({ steps }: Game): Step | undefined => steps.findLast(({ from, to }) => from !== to);

function failedCountOf(told: Game): number {
  const step = lastMove(told);
  return step ? failedIn(step).failedCount : 0;
}

/** What is overdue (end_game.sql). */
const UNDECIDED = { message: 'nobody has said who won', means: 'the merchant’s report is missing, or was refused' };
const UNFINISHED = { message: 'it has not come to its end', means: 'its workflow fails, is a stranger’s, or is not running' };

function failuresIn(step: Step): FailureSoFar[] {
  const { type, at, data, to } = step;
  const said = { at, attempt: null, class: null };
  if (type === 'game.overdue') return [{ ...said, code: 'overdue', ...(to === 'OPEN' ? UNDECIDED : UNFINISHED) }];
  if (type === 'game.report_refused') {
    const message = `another result was reported: ${String(data['winner'])}`;
    return [{ ...said, code: 'report_refused', message, means: 'the first report counts: what came later changed nothing' }];
  }
  const { failed } = failedIn(step);
  return FAILURES.filter((reason) => failed.some((each) => each.reason === reason)).map((reason) => {
    const count = failed.filter((each) => each.reason === reason).length;
    return { ...said, code: reason, message: `${count} ${count === 1 ? 'player' : 'players'}: ${reason}`, means: MEANS[reason] };
  });
}

export function explainGame(told: Game): Reasons {
  const { record, steps, money } = told;
  const isHeld = told.isPaused === true && PAUSABLE.includes(record.state);
  const words = isHeld ? paused(WORDS[record.state]) : WORDS[record.state];
  return {
    is: words.is(told),
    state: record.state,
    since: sinceOf(told, record.state, record.createdAt),
    waitsFor: words.waits(told),
    next: words.next(told),
    actions: ACTIONS.map(actionOf(record.state)),
    money,
    failures: steps.flatMap(failuresIn),
  };
}
