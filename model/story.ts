/** A counterexample as people read it: numbered sentences; and as JSON, for `npm run chaos -- --story FILE`. */
import type { Deed, DeedName } from './deeds.ts';
import type { Finding } from './explore.ts';

const SENTENCES: Readonly<Record<DeedName, (deed: Deed) => string>> = {
  decides: ({ what, attempt }) => `The workflow decides: ${what} (attempt ${attempt}).`,
  begins: ({ attempt, outcome }) => `A worker writes down that attempt ${attempt} begins: ${outcome}.`,
  records: ({ fact, attempt, outcome }) =>
    `The worker writes down what the PSP answered, ${fact} of attempt ${attempt}: ${outcome}.`,
  tells: ({ fact, attempt, outcome }) => `The books are told ${fact} of attempt ${attempt}: ${outcome}.`,
  gives_up: ({ attempt }) => `The look-up of attempt ${attempt} after a message is given up; the message stays stored.`,
  takes_up: () => 'A new workflow takes the payout up from the books.',
  hands_on: ({ what, attempt, outcome }) =>
    outcome === 'repeated'
      ? `The message "${what}" of attempt ${attempt} only repeats the books, and is closed.`
      : `The message "${what}" of attempt ${attempt} is handed on to a workflow.`,
  lets_go: () => 'The workflow is told that no pause holds any more.',
  deadline_passes: ({ attempt }) => `The time in which the outcome of attempt ${attempt} may stay unknown is over.`,
  takes: ({ attempt, what }) =>
    what === 'again'
      ? `The PSP gets a second request under the key of attempt ${attempt}.`
      : `The PSP takes the request of attempt ${attempt}.`,
  answers: ({ attempt, what }) => `The PSP answers the request of attempt ${attempt}: ${what}.`,
  shows: ({ attempt, what }) => `The PSP shows attempt ${attempt} to a look-up: ${what}.`,
  calls_back: ({ attempt, what }) => `The PSP calls back that attempt ${attempt} is ${what}; the API stores it.`,
  catches_up: ({ attempt }) => `The PSP's look-ups show attempt ${attempt} from now on.`,
  says_nothing: ({ attempt }) =>
    `For as long as an outcome may stay unknown the PSP says nothing of attempt ${attempt} any more.`,
  pays_unseen: ({ attempt }) => `The PSP pays attempt ${attempt}; its look-ups do not show that yet.`,
  returns_unseen: ({ attempt }) => `The payment of attempt ${attempt} is sent back; look-ups do not show that yet.`,
  pays_again_unseen: ({ attempt }) => `The bank pays attempt ${attempt} again, by itself; look-ups do not show that yet.`,
  revives_unseen: ({ attempt, what }) =>
    `The PSP's failed transfer of attempt ${attempt} is ${what} after all; look-ups do not show that yet.`,
  pays: ({ attempt }) => `The PSP pays attempt ${attempt}.`,
  fails: ({ attempt, what }) => `The PSP's transfer of attempt ${attempt} fails, ${what}.`,
  returns: ({ attempt }) => `The payment of attempt ${attempt} is sent back.`,
  pays_again: ({ attempt }) => `The bank pays attempt ${attempt} again, by itself.`,
  moves_on: ({ attempt, what }) => `The PSP's transfer of attempt ${attempt} is ${what} now.`,
  loses_request: ({ attempt }) => `The request of attempt ${attempt} is lost on its way.`,
  loses_answer: ({ attempt }) => `The line is cut before the PSP's answer about attempt ${attempt} arrives.`,
  refuses: ({ attempt, what }) => `The PSP refuses the request of attempt ${attempt} at its door: ${what}.`,
  takes_oddly: ({ attempt }) => `The PSP takes the request of attempt ${attempt}, with another amount.`,
  turns_odd: ({ attempt }) => `The PSP shows another amount for attempt ${attempt} from now on.`,
  lags: ({ attempt }) => `The PSP takes the request of attempt ${attempt}; its look-ups do not show it yet.`,
  goes_silent: ({ attempt }) => `The PSP answers no look-up of attempt ${attempt} any more.`,
  forgets: ({ attempt }) => `The PSP forgets the key of attempt ${attempt}.`,
  revives: ({ attempt, what }) => `The PSP's failed transfer of attempt ${attempt} is ${what} after all.`,
  repeats: ({ attempt, what }) => `The PSP sends once more that attempt ${attempt} is ${what}.`,
  dies: ({ attempt, what }) => `The worker dies at the request of attempt ${attempt} (${what}).`,
  is_given_up: ({ attempt, what }) => `The worker is taken for dead at the request of attempt ${attempt} (${what}), and goes on.`,
  is_lost: ({ what }) => `The workflow is lost${what === undefined ? '' : '; what it had begun goes on'}.`,
  cannot: ({ what }) => `The step can never be written (${what}): the payout is parked for an operator.`,
  approves: () => 'An approver approves.',
  rejects: () => 'An approver rejects.',
  holds: () => 'An operator holds the payout.',
  lifts: () => 'An operator lifts the hold.',
  cancels: () => 'The merchant cancels.',
  dispatches: () => 'A run comes to the payout.',
  resolves_paid: () => 'An operator finds out that it was paid, and says so.',
  resolves_not_paid: () => 'An operator finds out that nothing was paid, and says so.',
  reinitiates: () => 'The failed payout is started again.',
  acknowledges: () => 'An operator acknowledges what was wrong.',
  hurries: () => 'An operator has it sent now.',
  asks_look_up: () => 'An operator has the PSP asked now.',
  gives_up_waiting: () => 'An operator gives up waiting for the PSP.',
  routes: () => 'An operator has another PSP pay it.',
  pauses: () => 'An operator pauses what the payout is part of.',
  resumes: () => 'The pause ends.',
};

export const sentenceOf = (deed: Deed): string =>
  `${SENTENCES[deed.does](deed)}${deed.state === undefined ? '' : ` The payout is ${deed.state}.`}`;

export function storyOf({ what, deeds }: Finding): string {
  const lines = deeds.map((deed, index) => `${String(index + 1).padStart(3)}. ${sentenceOf(deed)}`);
  return [...lines, `  ✗ ${what}`].join('\n');
}
