/** Why a market's resolution stands as it does: its part of src/rules/explain.ts. */
import {
  type ActionNow,
  type Actor,
  type FailureSoFar,
  type MoneyAt,
  NOBODY,
  nothing,
  type Reasons,
  type StateWords,
  type Step,
  sinceOf,
  type Told,
  type WaitsFor,
} from '../../rules/explain.ts';
import { formatMajor } from '../../rules/money.ts';
import { ACTION_ROLES } from '../../rules/roles.ts';
import { DECISION_ROLES } from './decision.ts';
import { isPausable, RESOLUTION, type ResolutionFact, type ResolutionState } from './machine.ts';
import { DISTRIBUTION_FAILURES, type DistributionFailure, type ResolutionRecord } from './market.ts';

type Resolution = Told<ResolutionRecord>;
type Words = StateWords<ResolutionRecord>;

const person = (who: Actor): WaitsFor => ({ kind: 'person', who, until: null });

const major = ({ record }: Pick<Resolution, 'record'>, minor: string): string =>
  `${formatMajor(BigInt(minor), record.currency)} ${record.currency}`;

/** Distributions that somebody disputes, and nobody has decided on yet. */
function disputedDistributions({ steps }: Pick<Resolution, 'steps'>): ReadonlySet<string> {
  const open = new Set<string>();
  for (const { type, data } of steps) {
    const id = data['distributionId'];
    if (typeof id !== 'string') continue;
    if (type === 'resolution.disputed') open.add(id);
    else open.delete(id); // upheld, or rolled back with all the others
  }
  return open;
}

/** Somebody must decide on what single users were paid, whatever the rest does. */
const disputesOr =
  (otherwise: WaitsFor) =>
  (told: Resolution): WaitsFor =>
    disputedDistributions(told).size > 0 ? person(DECISION_ROLES.uphold) : otherwise;

const disputesIn = (told: Resolution): string => {
  const { size } = disputedDistributions(told);
  return size === 0 ? '' : `; ${size} of what was paid ${size === 1 ? 'is' : 'are'} disputed`;
};

const paidSoFar = ({ record }: Resolution): string => `${record.paidUsers} of ${record.plan?.users ?? 'its'} users so far`;
const undoneSoFar = ({ record }: Resolution): string => `${record.undoneUsers} of ${record.paidUsers} users so far`;

/** The reason of the step by which it stopped. */
const stoppedBy = ({ steps }: Resolution): string => {
  const step = steps.findLast(({ type }) => type === 'resolution.failed');
  return step ? reasonOf(step) : 'no reason was told';
};

const by = (record: ResolutionRecord): string => `“${record.outcome}”, said by ${record.resolvedBy}`;
const soon = (what: string) => () => ({ what, at: null });

const WORDS: Readonly<Record<ResolutionState, Words>> = {
  IN_REVIEW: {
    is: ({ record }) => `Its pool is so large that a second person must approve the outcome ${by(record)}`,
    waits: () => person(DECISION_ROLES.approve),
    next: nothing,
  },
  DISPUTE_WINDOW: {
    is: ({ record }) => `Participants may dispute the outcome ${by(record)}`,
    waits: ({ record }) => ({ kind: 'timer', until: record.windowUntil }),
    next: ({ record }) => ({ what: 'unless somebody disputes it, it is planned and paid', at: record.windowUntil }),
  },
  DISPUTED: {
    is: ({ record }) => `A participant disputes the outcome ${by(record)}`,
    waits: () => person(DECISION_ROLES.uphold),
    next: nothing,
  },
  PLANNING: {
    is: () => 'Nobody disputes its outcome (any more), and who gets how much is being fixed',
    waits: () => NOBODY,
    next: soon('its users are paid, or the merchant’s money is asked for where the pool lacks something'),
  },
  PLANNING_STOPPED: {
    is: (told) => `Who gets how much could not be fixed (${stoppedBy(told)}): nobody was paid, and the pool is as it was`,
    waits: () => person(DECISION_ROLES.retry),
    next: nothing,
  },
  WAITING_FOR_FUNDS: {
    is: (told) => `Since a rollback the pool lacks ${major(told, told.record.missingMinor)}, which the merchant has not got yet`,
    waits: () => person('merchant'),
    next: soon('what the merchant has by then is taken, twice a minute; once the pool is whole, its users are paid'),
  },
  PAYING: {
    is: (told) => `Its users are paid, ${paidSoFar(told)}${disputesIn(told)}`,
    waits: disputesOr(NOBODY),
    next: soon('the users who are left are paid, in steps; then all is verified, and the fees are booked'),
  },
  PAYING_STOPPED: {
    is: (told) => `Paying has stopped (${stoppedBy(told)}), ${paidSoFar(told)}, and what was paid stays${disputesIn(told)}`,
    waits: () => person(DECISION_ROLES.retry),
    next: nothing,
  },
  COMPLETED: {
    is: (told) => `Everybody has what the outcome ${by(told.record)} brought them${disputesIn(told)}`,
    waits: disputesOr(NOBODY),
    next: nothing,
  },
  REJECTED: {
    is: ({ record }) => `The outcome was refused (${record.reason ?? 'no reason was said'}): its market can be resolved again`,
    waits: () => NOBODY,
    next: nothing,
  },
  ROLLING_BACK: {
    is: (told) => `What was paid is taken back, ${undoneSoFar(told)}: ${told.record.reason ?? 'no reason was said'}`,
    waits: () => NOBODY,
    next: soon('the users who are left give back what they got, in steps, then the fees come back'),
  },
  ROLLING_BACK_STOPPED: {
    is: (told) => `Taking back has stopped (${stoppedBy(told)}), ${undoneSoFar(told)}`,
    waits: () => person(DECISION_ROLES.retry),
    next: nothing,
  },
  ROLLED_BACK: {
    is: ({ record }) =>
      `All that was paid was taken back (${record.reason ?? 'no reason was said'}): its market can be resolved again`,
    waits: () => NOBODY,
    next: nothing,
  },
};

/** Which pause, and when it ends, the books know: an operator can end it. */
const paused = (words: Words): Words => ({
  is: (told) => `${words.is(told)}; it stands still while a pause holds`,
  waits: () => person('operator'),
  next: () => ({ what: 'it goes on, within two minutes of the time when no pause holds any more', at: null }),
});

interface Action {
  readonly action: string;
  readonly by: Actor;
  readonly isAllowed: (told: Resolution) => boolean;
  readonly when: string;
  /** The resolver's own word is no second one. */
  readonly byAnother?: true;
}

const onEdge =
  (fact: ResolutionFact): Action['isAllowed'] =>
  ({ record }) =>
    RESOLUTION.edgeOf(record.state, fact) !== undefined;

const inState =
  (...states: readonly ResolutionState[]): Action['isAllowed'] =>
  ({ record }) =>
    states.includes(record.state);

const isDisputed: Action['isAllowed'] = (told) => disputedDistributions(told).size > 0;
const PAID: readonly ResolutionState[] = ['PAYING', 'PAYING_STOPPED', 'COMPLETED'];

export const ACTIONS: readonly Action[] = [
  {
    action: 'approve',
    by: DECISION_ROLES.approve,
    isAllowed: onEdge('approved'),
    when: 'while it is in review',
    byAnother: true,
  },
  { action: 'reject', by: DECISION_ROLES.reject, isAllowed: onEdge('rejected'), when: 'while it is in review', byAnother: true },
  { action: 'dispute', by: 'merchant', isAllowed: inState('DISPUTE_WINDOW', 'DISPUTED'), when: 'for a participant, in time' },
  { action: 'uphold', by: DECISION_ROLES.uphold, isAllowed: onEdge('upheld'), when: 'while it is disputed', byAnother: true },
  {
    action: 'overturn',
    by: DECISION_ROLES.overturn,
    isAllowed: onEdge('overturned'),
    when: 'while it is disputed',
    byAnother: true,
  },
  { action: 'fund', by: ACTION_ROLES.fund, isAllowed: inState('WAITING_FOR_FUNDS'), when: 'while the merchant’s money is short' },
  { action: 'dispute_distribution', by: 'merchant', isAllowed: inState(...PAID), when: 'of what was paid' },
  {
    ...{ action: 'uphold_distribution', by: DECISION_ROLES.uphold, byAnother: true },
    isAllowed: (told) => inState(...PAID)(told) && isDisputed(told),
    when: 'while what somebody was paid is disputed',
  },
  {
    ...{ action: 'overturn_distribution', by: DECISION_ROLES.overturn, byAnother: true },
    isAllowed: (told) => onEdge('rollback_asked')(told) && isDisputed(told),
    when: 'while what somebody was paid is disputed, and nobody else is being paid',
  },
  {
    ...{ action: 'rollback', by: DECISION_ROLES.rollback, byAnother: true },
    isAllowed: onEdge('rollback_asked'),
    when: 'of what is paid, in whole or as far as it got',
  },
  { action: 'retry', by: DECISION_ROLES.retry, isAllowed: onEdge('retried'), when: 'once it has stopped' },
  { action: 'acknowledge', by: DECISION_ROLES.acknowledge, isAllowed: () => true, when: 'always' },
];

const actionIn =
  (told: Resolution) =>
  ({ action, by: who, isAllowed, when, byAnother }: Action): ActionNow => {
    const allowed = isAllowed(told);
    const notBy = byAnother ? [{ id: told.record.resolvedBy, why: 'They said what came true.' }] : [];
    return { action, by: who, allowed, why: allowed ? null : `Only ${when}.`, notBy };
  };

/** Users are many, and entries more: where the money lies follows from what the plan fixed, and how far it is. */
function moneyOf({ record, steps }: Resolution): MoneyAt[] {
  const { plan, currency, state } = record;
  if (!plan || state === 'ROLLED_BACK') return []; // nothing has moved (any more): it is the market's
  const areFeesBooked = steps.some(({ to }) => to === 'COMPLETED');
  const [house, creator] = areFeesBooked ? [BigInt(plan.houseFeeMinor), BigInt(plan.creatorFeeMinor)] : [0n, 0n];
  const users = BigInt(record.paidMinor) - BigInt(record.undoneMinor) + creator;
  const pool = BigInt(plan.poolMinor) - BigInt(record.missingMinor) - users - house;
  const lies = (ownerKind: MoneyAt['ownerKind'], ownerId: string | null, minor: bigint): MoneyAt[] =>
    minor > 0n ? [{ ownerKind, ownerId, purpose: 'available', amountMinor: minor.toString(), currency }] : [];
  return [...lies('market', record.marketId, pool), ...lies('merchant', record.merchantId, house), ...lies('user', null, users)];
}

const MEANS: Readonly<Record<DistributionFailure, string>> = {
  user_frozen: 'nothing moves the money of a frozen user: the merchant lifts that, then it is tried again',
  balance_limit: 'a balance would become larger than any may be: take some of it out, then try again',
  internal_error: 'the books refused it: see the worker’s log',
};

/** Why it stopped, other than for single users (end_paying.sql, end_rollback.sql, src/markets/rules/verification.ts). */
const STOPPED: ReadonlyMap<string, string> = new Map([
  ['users_failed', 'some users could not be paid, or not be undone, and all the others are'],
  ['creator_frozen', 'the market’s creator is frozen, and the fee can be neither paid nor taken back: lift that, then try again'],
  ['creator_balance_limit', 'the creator’s balance would become larger than any may be: take some of it out, then try again'],
  ['merchant_balance_limit', 'the merchant’s balance would become larger than any may be: take some of it out, then try again'],
]);
const VERIFICATION = 'what was paid is not what the commitments come to: look at the market’s verification before anything else';
const REFUSED = 'the books refused it three times: see the worker’s log, then try again';

const meansOf = (reason: string): string => STOPPED.get(reason) ?? (reason.startsWith('verification: ') ? VERIFICATION : REFUSED);

const reasonOf = ({ data }: Pick<Step, 'data'>): string => (typeof data['reason'] === 'string' ? data['reason'] : 'unknown');

/** What a step that stopped it says of users who failed: so many for each reason (stop_resolution). */
export function failedIn({ data }: Pick<Step, 'data'>): { readonly reason: DistributionFailure; readonly count: number }[] {
  const failed = data['failed'];
  if (typeof failed !== 'object' || failed === null) return [];
  const counts = failed as Readonly<Record<string, unknown>>;
  return DISTRIBUTION_FAILURES.flatMap((reason) => {
    const count = counts[reason];
    return typeof count === 'number' && count > 0 ? [{ reason, count }] : [];
  });
}

const failuresIn =
  (told: Resolution) =>
  (step: Step): FailureSoFar[] => {
    const said = { at: step.at, attempt: null, class: null };
    if (step.type === 'resolution.failed') {
      const reason = reasonOf(step);
      const code = STOPPED.has(reason) ? reason : reason.startsWith('verification: ') ? 'verification_failed' : 'internal_error';
      const users = failedIn(step).map(({ reason: why, count }) => ({
        ...{ ...said, code: why, means: MEANS[why] },
        message: `${count} ${count === 1 ? 'user' : 'users'}: ${why}`,
      }));
      return users.length > 0 ? users : [{ ...said, code, message: `it stopped: ${reason}`, means: meansOf(reason) }];
    }
    if (step.type === 'resolution.waiting_for_funds') {
      const missing = step.data['missingMinor'];
      const message = `the pool lacked ${typeof missing === 'string' ? major(told, missing) : 'money'}`;
      const means = 'winners had spent what a rollback took back, and the merchant had not enough to cover it';
      return [{ ...said, code: 'missing_funds', message, means }];
    }
    if (step.type === 'resolution.disputed') {
      const isOfOne = typeof step.data['distributionId'] === 'string';
      const message = isOfOne ? 'what one user was paid is disputed' : 'a participant disputes the outcome';
      return [{ ...said, code: 'disputed', message, means: 'an approver who is not the resolver decides on it' }];
    }
    return [];
  };

export function explainResolution(told: Resolution): Reasons {
  const { record, steps } = told;
  const words = told.isPaused === true && isPausable(record.state) ? paused(WORDS[record.state]) : WORDS[record.state];
  return {
    is: words.is(told),
    state: record.state,
    since: sinceOf(told, record.state, record.createdAt),
    waitsFor: words.waits(told),
    next: words.next(told),
    actions: ACTIONS.map(actionIn(told)),
    money: moneyOf(told),
    failures: steps.flatMap(failuresIn(told)),
  };
}
