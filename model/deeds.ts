/**
 * Everything that can happen, by name. `due`: it happens by itself sooner or later, so that a world in which one of these is
 * possible is not at rest. Whatever is not due may never happen. `npm run model` says which of them were reached.
 */
import type { Telling } from './door.ts';

export const DEEDS = {
  // the workflow, its worker and the ledger
  decides: { who: 'workflow', due: true },
  begins: { who: 'worker', due: true },
  records: { who: 'worker', due: true },
  gives_up: { who: 'worker', due: true },
  tells: { who: 'worker', due: true },
  takes_up: { who: 'sweep', due: true },
  hands_on: { who: 'api', due: true },
  lets_go: { who: 'sweep', due: true },
  deadline_passes: { who: 'clock', due: true },
  // the PSP, as it should
  takes: { who: 'psp', due: true },
  answers: { who: 'psp', due: true },
  shows: { who: 'psp', due: true },
  says_nothing: { who: 'psp', due: true },
  calls_back: { who: 'psp', due: true },
  catches_up: { who: 'psp', due: true },
  pays_unseen: { who: 'psp', due: false },
  returns_unseen: { who: 'psp', due: false },
  pays_again_unseen: { who: 'psp', due: false },
  revives_unseen: { who: 'psp', due: false },
  pays: { who: 'psp', due: false },
  fails: { who: 'psp', due: false },
  returns: { who: 'psp', due: false },
  pays_again: { who: 'psp', due: false },
  moves_on: { who: 'psp', due: false },
  // the PSP and the network, as they may
  loses_request: { who: 'network', due: false },
  loses_answer: { who: 'network', due: false },
  refuses: { who: 'psp', due: false },
  takes_oddly: { who: 'psp', due: false },
  turns_odd: { who: 'psp', due: false },
  lags: { who: 'psp', due: false },
  goes_silent: { who: 'psp', due: false },
  forgets: { who: 'psp', due: false },
  revives: { who: 'psp', due: false },
  repeats: { who: 'psp', due: false },
  // deaths
  dies: { who: 'worker', due: false },
  is_given_up: { who: 'worker', due: false },
  is_lost: { who: 'workflow', due: false },
  cannot: { who: 'worker', due: false },
  // people
  approves: { who: 'person', due: false },
  rejects: { who: 'person', due: false },
  holds: { who: 'person', due: false },
  lifts: { who: 'person', due: false },
  cancels: { who: 'person', due: false },
  dispatches: { who: 'person', due: false },
  resolves_paid: { who: 'person', due: false },
  resolves_not_paid: { who: 'person', due: false },
  reinitiates: { who: 'person', due: false },
  acknowledges: { who: 'person', due: false },
  // live controls
  hurries: { who: 'operator', due: false },
  asks_look_up: { who: 'operator', due: false },
  gives_up_waiting: { who: 'operator', due: false },
  routes: { who: 'operator', due: false },
  // what is over more than this payout
  pauses: { who: 'installation', due: false },
  resumes: { who: 'installation', due: true }, // each pause ends some day
} as const satisfies Record<string, { who: string; due: boolean }>;

export type DeedName = keyof typeof DEEDS;

/** One of them, with what a story needs. */
export interface Deed {
  readonly does: DeedName;
  readonly attempt?: number;
  /** What the workflow decides, which request or look-up it is, how a refusal reads, what a message claims. */
  readonly what?: string;
  readonly fact?: string;
  /** The edge that it took in the end: what a fact counts as. */
  readonly edge?: string;
  /** What the ledger's door said. */
  readonly outcome?: string;
  readonly told?: Telling;
  /** What was told right after it. */
  readonly also?: Telling;
  /** The payout's state afterwards, where it changed. */
  readonly state?: string;
}
