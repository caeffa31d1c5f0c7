/** What a deed of the model is on a real installation: a fault or a deed of the simulator, a request of a person, a death. */
import type { Deed, DeedName } from '../model/deeds.ts';
import type { Failpoint } from '../src/failpoints.ts';
import type { PersonDeed } from './payouts/deeds.ts';
import type { BankDeed } from './psp.ts';

export interface StoryFault {
  readonly kind: string;
  readonly params: object;
  readonly times: number;
}

export type Part =
  /** Set before anything is sent; a lag lasts until the story lets the index catch up. */
  | { readonly is: 'fault'; readonly fault: StoryFault }
  /** Set when the story comes to it. */
  | { readonly is: 'later_fault'; readonly fault: StoryFault }
  /** `isUnseen`: look-ups go on to show what the transfer was before. */
  | { readonly is: 'bank'; readonly deed: BankDeed; readonly isUnseen: boolean }
  | { readonly is: 'person'; readonly deed: PersonDeed }
  | { readonly is: 'death'; readonly at: Failpoint }
  | { readonly is: 'catches_up' }
  | { readonly is: 'itself' }
  | { readonly is: 'none' };

/** A deed, with what came before it and what follows: some read otherwise then. */
export interface Moment {
  readonly deed: Deed;
  readonly before: readonly Deed[];
  readonly after: readonly Deed[];
}

const ALWAYS = 1_000;
const asFault = (kind: string, times = 1, params: object = {}): Part => ({ is: 'fault', fault: { kind, params, times } });
const bank = (deed: BankDeed, isUnseen = false): Part => ({ is: 'bank', deed, isUnseen });
const person = (deed: PersonDeed): Part => ({ is: 'person', deed });
const ITSELF: Part = { is: 'itself' };
const NONE: Part = { is: 'none' };

/** Where a worker is when it dies at this step of a request. */
const DEATHS: Readonly<Record<string, Failpoint>> = {
  begin: 'attempt.before',
  send: 'psp_call.before',
  taken: 'psp_call.after',
  record: 'psp_call.after',
};

/** What a transfer that is alive becomes. */
const BECOMES: Readonly<Record<string, BankDeed>> = {
  queued: 'is_queued',
  held: 'is_held',
  processing: 'is_processing',
  paid: 'pay',
};

const becomes = ({ what }: Deed, isUnseen = false): Part => {
  const deed = BECOMES[what ?? ''];
  return deed ? bank(deed, isUnseen) : NONE;
};

const TAKES: readonly DeedName[] = ['takes', 'takes_oddly', 'lags'];

/** Of a key that its book has, a simulator refuses whatever it is told to; of a new one only that it is too much now. */
function refusal({ deed, before }: Moment): Part {
  if (deed.what === 'not now') return asFault('rate_limit');
  const isKnown = before.some(({ does, attempt }) => TAKES.includes(does) && attempt === deed.attempt);
  return isKnown ? asFault('refuse_resend') : NONE;
}

/** Whether it may be tried again the PSP's reason says; in the model that is the payout's next state. */
const failure = ({ after }: Moment): Part =>
  bank(after.find(({ state }) => state !== undefined)?.state === 'RETRY_WAIT' ? 'fail_for_now' : 'fail');

const PARTS: Readonly<Record<DeedName, (moment: Moment) => Part>> = {
  // the engine, the clock, and a PSP that does what it should
  decides: () => ITSELF,
  begins: () => ITSELF,
  records: () => ITSELF,
  gives_up: () => ITSELF,
  tells: () => ITSELF,
  takes_up: () => ITSELF,
  hands_on: () => ITSELF,
  lets_go: () => ITSELF,
  deadline_passes: () => ITSELF,
  takes: () => ITSELF,
  answers: () => ITSELF,
  shows: () => ITSELF,
  says_nothing: () => ITSELF,
  calls_back: () => ITSELF,
  // banks, and a PSP or a network that does what it may
  pays: () => bank('pay'),
  pays_again: () => bank('pay'),
  returns: () => bank('return'),
  fails: failure,
  revives: ({ deed }) => becomes(deed),
  moves_on: ({ deed }) => becomes(deed),
  pays_unseen: () => bank('pay', true),
  pays_again_unseen: () => bank('pay', true),
  returns_unseen: () => bank('return', true),
  revives_unseen: ({ deed }) => becomes(deed, true),
  catches_up: () => ({ is: 'catches_up' }),
  loses_request: () => asFault('error_before'),
  loses_answer: () => asFault('cut_after'),
  lags: () => asFault('lagging_look_up', ALWAYS),
  refuses: refusal,
  takes_oddly: () => asFault('wrong_amount'),
  repeats: () => asFault('duplicate_callback', 1, { count: 2 }),
  goes_silent: () => ({ is: 'later_fault', fault: { kind: 'error_before', params: { lookups: true }, times: ALWAYS } }),
  turns_odd: () => NONE,
  forgets: () => NONE,
  // deaths
  dies: ({ deed: { what } }) => {
    const at = DEATHS[what ?? ''];
    return at ? { is: 'death', at } : NONE;
  },
  is_given_up: () => NONE,
  is_lost: () => NONE,
  cannot: () => NONE,
  // people; a run is started by nobody, since a merchant's payout waits for none
  dispatches: () => NONE,
  approves: () => person('approve'),
  rejects: () => person('reject'),
  holds: () => person('hold'),
  lifts: () => person('release'),
  cancels: () => person('cancel'),
  resolves_paid: () => person('resolve_paid'),
  resolves_not_paid: () => person('resolve_not_paid'),
  reinitiates: () => person('reinitiate'),
  acknowledges: () => person('acknowledge'),
  // nobody's in the rounds
  hurries: () => NONE,
  asks_look_up: () => NONE,
  gives_up_waiting: () => NONE,
  routes: () => NONE,
  // a pause is over more than this payout
  pauses: () => NONE,
  resumes: () => NONE,
};

export interface PlayedDeed {
  readonly deed: Deed;
  readonly part: Part;
}

export const partsOf = (deeds: readonly Deed[]): readonly PlayedDeed[] =>
  deeds.map((deed, index) => ({
    deed,
    part: PARTS[deed.does]({ deed, before: deeds.slice(0, index), after: deeds.slice(index) }),
  }));

/** The attempt with which a story begins in the middle of a payout's life, where nothing real can begin. */
export function begunBefore(deeds: readonly Deed[]): number | undefined {
  const begun = new Set<number>();
  for (const { does, attempt } of deeds) {
    if (attempt === undefined) continue;
    if (does === 'begins') begun.add(attempt);
    // It may be decided on, and its worker may die, before it is written down.
    if (!begun.has(attempt) && does !== 'decides' && does !== 'dies' && does !== 'is_given_up') return attempt;
  }
  return undefined;
}

const ANSWERED: readonly DeedName[] = ['answers', 'loses_answer', 'dies', 'is_given_up'];

/** Attempts about which somebody does something between the PSP's taking the request and its answer, which must be slow then. */
export function answeredLate(parts: readonly PlayedDeed[]): readonly number[] {
  const onTheWire = new Set<number>();
  const late = new Set<number>();
  for (const { deed, part } of parts) {
    if (deed.attempt !== undefined && TAKES.includes(deed.does)) onTheWire.add(deed.attempt);
    if (deed.attempt !== undefined && ANSWERED.includes(deed.does)) onTheWire.delete(deed.attempt);
    if (part.is === 'bank' || part.is === 'person') for (const each of onTheWire) late.add(each);
  }
  return [...late];
}

/** How often a worker comes to the death's place before it dies there: once for each request that was begun before. */
export function arrivalsBefore(before: readonly Deed[], at: Failpoint): number {
  const begun = before.filter(({ does }) => does === 'begins').length;
  return at === 'attempt.before' ? begun : Math.max(begun - 1, 0);
}
