/**
 * Why something stands as it does, in one shape for every flow: what it waits for, what comes by itself, who may do what, where
 * its money is, what went wrong. A flow says its own part in src/<flow>/rules/explain.ts; the words that are the same for all are
 * made here. Pure: of now and of any earlier time alike.
 */
import type { PayoutTimes } from '../payouts/rules/contract.ts';
import { formatMajor } from './money.ts';
import type { OwnerKind } from './owner.ts';
import type { Role } from './roles.ts';

/** Whoever can do something: a role of ours, or those whose it is. */
export type Actor = Role | Exclude<OwnerKind, 'admin' | 'bank'>;

export type WaitsFor =
  | { readonly kind: 'person'; readonly who: Actor; readonly until: string | null }
  /** By the schedule of look-ups; `until`: when it is asked otherwise, or somebody else. */
  | { readonly kind: 'psp'; readonly psp: string; readonly nextLookUpAt: string | null; readonly until: string | null }
  /** `at` null: runs are paused, or when the next one comes is not known. */
  | { readonly kind: 'run'; readonly at: string | null }
  /** `until` null: not known here. */
  | { readonly kind: 'timer'; readonly until: string | null }
  | { readonly kind: 'nobody' };

/** What happens by itself; `at` null: as soon as it can. */
export interface NextStep {
  readonly what: string;
  readonly at: string | null;
}

export interface ActionNow {
  readonly action: string;
  /** The lowest role that may, or whose it is. */
  readonly by: Actor;
  readonly allowed: boolean;
  /** Why not; null where it is allowed. */
  readonly why: string | null;
  /** Who may not, though their role may. */
  readonly notBy: readonly { readonly id: string; readonly why: string }[];
}

/** What lies in an account because of it. */
export interface MoneyAt {
  readonly ownerKind: OwnerKind | 'platform';
  /** Null: of several, together. */
  readonly ownerId: string | null;
  readonly purpose: string;
  readonly amountMinor: string;
  readonly currency: string;
}

export interface FailureSoFar {
  readonly at: string;
  readonly attempt: number | null;
  /** A to K (src/payouts/rules/failures.ts); null: it has none. */
  readonly class: string | null;
  readonly code: string;
  readonly message: string;
  /** What that class of failure means. */
  readonly means: string;
}

export interface Explanation {
  readonly state: string;
  readonly since: string;
  readonly waitsFor: WaitsFor;
  readonly next: NextStep | null;
  readonly actions: readonly ActionNow[];
  readonly money: readonly MoneyAt[];
  readonly failures: readonly FailureSoFar[];
  readonly text: string;
}

/** One of the timeline. */
export interface Step {
  readonly sequence: number;
  readonly type: string;
  readonly at: string;
  readonly from: string | null;
  readonly to: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What clocks know. */
export interface Schedule {
  readonly nowMs: number;
  readonly times: PayoutTimes;
  /** Of provider payouts; null: none, or not known. */
  readonly nextRunAt: string | null;
}

/** All that an explanation is made from. */
export interface Told<Record> {
  readonly record: Record;
  /** From the first on, up to the record. None: it is not in the books yet. */
  readonly steps: readonly Step[];
  readonly money: readonly MoneyAt[];
  readonly schedule: Schedule;
  /** A pause holds over it now; of earlier times that is not said. */
  readonly isPaused?: boolean;
}

/** What a flow says of a state. */
export interface StateWords<Record> {
  /** A sentence without its end. */
  readonly is: (told: Told<Record>) => string;
  readonly waits: (told: Told<Record>) => WaitsFor;
  readonly next: (told: Told<Record>) => NextStep | null;
}

export const NOBODY: WaitsFor = { kind: 'nobody' };

export const nothing = (): null => null;

/** When it came into this state, whatever was written down of it since. */
export function sinceOf({ steps }: { readonly steps: readonly Step[] }, state: string, createdAt: string): string {
  const before = steps.findLastIndex(({ to }) => to !== state);
  return steps[before + 1]?.at ?? createdAt;
}

export const instantAfter = (since: string, ms: number): string => new Date(Date.parse(since) + ms).toISOString();

const time = (iso: string): string => `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
const until = (iso: string | null): string => (iso === null ? '' : `, until ${time(iso)}`);

const ACTORS: Readonly<Record<Actor, string>> = {
  viewer: 'a viewer',
  operator: 'an operator',
  approver: 'an approver',
  admin: 'an admin',
  merchant: 'the merchant',
  provider: 'the provider',
  user: 'the user',
  market: 'the market',
};

const WAITS: { readonly [Kind in WaitsFor['kind']]: (waits: Extract<WaitsFor, { kind: Kind }>) => string } = {
  person: (waits) => `It waits for ${ACTORS[waits.who]}${until(waits.until)}.`,
  psp: ({ psp, nextLookUpAt, until: end }) =>
    `It waits for the PSP ${psp}${nextLookUpAt === null ? '' : `, which is asked next at ${time(nextLookUpAt)}`}${until(end)}.`,
  run: ({ at }) => `It waits for a run, ${at === null ? 'which is paused or not known' : `at ${time(at)}`}.`,
  timer: ({ until: end }) => (end === null ? 'It waits for its time.' : `It waits until ${time(end)}.`),
  nobody: () => 'It waits for nobody.',
};

const inWords = (waits: WaitsFor): string => (WAITS[waits.kind] as (waits: WaitsFor) => string)(waits);

const nextInWords = (next: NextStep | null): string =>
  next === null ? 'Nothing more happens by itself.' : `Next${next.at === null ? '' : `, at ${time(next.at)}`}: ${next.what}.`;

/** `merchant:<id>:reserved`, `platform:<psp>:clearing`; of several owners together `user:reserved`. */
export const accountOf = ({ ownerKind, ownerId, purpose }: MoneyAt): string =>
  [ownerKind, ownerId, purpose].filter((part) => part !== '' && part !== null).join(':');

const moneyInWords = (money: readonly MoneyAt[]): string => {
  if (money.length === 0) return 'None of its money lies anywhere but where it came from.';
  const parts = money.map(
    (each) => `${formatMajor(BigInt(each.amountMinor), each.currency)} ${each.currency} in ${accountOf(each)}`,
  );
  return `Its money: ${parts.join(', ')}.`;
};

function failuresInWords(failures: readonly FailureSoFar[]): string {
  const last = failures.at(-1);
  if (!last) return 'Nothing has gone wrong so far.';
  const before = failures.length === 1 ? '' : `, the last of ${failures.length}`;
  return `What went wrong${before}: ${last.message} (${last.code}): ${last.means}.`;
}

const allowedInWords = (actions: readonly ActionNow[]): string => {
  const may = actions.filter(({ allowed }) => allowed).map(({ action, by }) => `${ACTORS[by]} may ${action}`);
  return may.length === 0 ? 'Nobody can do anything about it now.' : `Now ${may.join(', ')}.`;
};

/** With its text, made from the rest. */
export function explained(is: string, parts: Omit<Explanation, 'text'>): Explanation {
  const { since, waitsFor, next, actions, money, failures } = parts;
  const text = [
    `${is}, since ${time(since)}.`,
    inWords(waitsFor),
    nextInWords(next),
    allowedInWords(actions),
    moneyInWords(money),
    failuresInWords(failures),
  ].join(' ');
  return { ...parts, text };
}

/** Before it is put into words: for operators as it is, for those whose it is without what is ours. */
export interface Reasons extends Omit<Explanation, 'text'> {
  readonly is: string;
}

export const forOperators = ({ is, ...parts }: Reasons): Explanation => explained(is, parts);

/** @param state as its API names it. */
export function forOwner({ is, ...parts }: Reasons, owner: Actor, state: string): Explanation {
  return explained(is, {
    ...parts,
    state,
    actions: parts.actions.filter(({ by }) => by === owner),
    money: parts.money.filter(({ ownerKind }) => ownerKind !== 'platform'),
    failures: parts.failures.map((failure) => ({ ...failure, class: null })),
  });
}
