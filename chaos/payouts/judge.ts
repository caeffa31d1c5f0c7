/** The oracle's questions about a payout, whoever's it is: what its PSP's book says of it, and what the ledger has. */
import type { Transfer } from '../../harness/simulatorControl.ts';
import type { EntryRow } from '../books.ts';
import type { PspName } from '../psp.ts';
import type { Evidence, Made, Seen } from '../scenario.ts';
import { type PayoutEnd, STORY_OF } from './behaviour.ts';
import type { PayoutOrder } from './orders.ts';

export interface AtItsPsp {
  readonly psp: PspName;
  /** By the PSP's price list, in minor units. */
  readonly pspFee: string;
}

export function payoutProblems(made: Made<PayoutOrder>, seen: Seen | undefined, evidence: Evidence, its: AtItsPsp): string[] {
  const { id } = made;
  const transfers = evidence.transfers[its.psp].get(id) ?? [];
  const others = Object.entries(evidence.transfers).filter(([name]) => name !== its.psp);
  return [
    ...bookProblems(made, transfers, evidence.countsRequests),
    ...(seen ? restProblems(seen, transfers) : []),
    ...(evidence.overlaps.get(id) ?? []).map(({ reference, earlier }) => `${reference} was taken while ${earlier} was live`),
    ...(others.some(([, known]) => known.has(id)) ? ['another PSP was asked to pay it, too'] : []),
    ...storyProblems(made, seen, evidence.entries.get(id) ?? [], its.pspFee),
  ];
}

/** What the PSP's own book must say of a payout at rest in a state; of the others it may say anything. */
const AT_REST: Readonly<Record<string, { readonly paid: number; readonly returned: number }>> = {
  SUCCEEDED: { paid: 1, returned: 0 },
  RETURNED: { paid: 0, returned: 1 },
  FAILED: { paid: 0, returned: 0 },
  REJECTED: { paid: 0, returned: 0 },
  CANCELLED: { paid: 0, returned: 0 },
} satisfies Record<PayoutEnd, object>;

/** The PSP may still pay it, or has. */
const LIVE: ReadonlySet<string> = new Set(['queued', 'held', 'processing', 'paid']);

const GIVEN_BACK: ReadonlySet<string> = new Set<PayoutEnd>(['FAILED', 'REJECTED', 'CANCELLED']);

/** Unless the PSP has lied this must never be, whoever is told of it. */
export const givenBackTooEarly = ({ stage }: Seen, transfers: readonly Transfer[]): string[] =>
  transfers
    .filter(({ status }) => GIVEN_BACK.has(stage) && LIVE.has(status))
    .map(({ reference, status }) => `${stage}, its money is given back, and ${reference} is ${status}`);

/** Whatever was to be: our books say what the PSP's book says, or a person was told. */
export function restProblems({ stage, needsOperator }: Seen, transfers: readonly Transfer[]): string[] {
  const wanted = AT_REST[stage];
  if (!wanted) return needsOperator ? [] : [`it is ${stage} at rest, and nobody is told`];
  const count = (status: string) => transfers.filter((each) => each.status === status).length;
  const isReleased = wanted.paid === 0 && wanted.returned === 0;
  const live = transfers.filter(({ status }) => LIVE.has(status));
  return [
    ...(count('paid') === wanted.paid ? [] : [`${stage}, and the PSP has paid it ${count('paid')} times`]),
    ...(count('returned') === wanted.returned ? [] : [`${stage}, and the PSP got it back ${count('returned')} times`]),
    ...(isReleased && !needsOperator
      ? live.map(({ reference, status }) => `${stage}, and ${reference} is ${status}, and nobody is told`)
      : []),
  ];
}

/** Each attempt under its own reference, for what was asked, and asked for no more often than need be. */
function bookProblems({ id, order, ends }: Made<PayoutOrder>, transfers: readonly Transfer[], countsRequests: boolean): string[] {
  const { amount, behaviour } = order;
  const problems: string[] = [];
  const references = transfers.map(({ reference }) => reference).sort();
  const attempts = ends === behaviour.ends ? behaviour.attempts : 1; // what was to be stopped, and was not, is paid at once
  const wantedReferences = Array.from({ length: attempts }, (_, index) => `${id}:${index + 1}`);
  if (references.join() !== wantedReferences.join()) {
    problems.push(`the PSP knows ${references.join(' ') || 'nothing'}, not ${wantedReferences.join(' ') || 'nothing'}`);
  }
  for (const each of transfers) {
    if (each.amount !== amount) problems.push(`the PSP was asked for ${each.amount}, not ${amount}`);
    // The first of two attempts was refused for certain, so its own count is 1 too.
    const [least, most] = behaviour.requests;
    if (countsRequests && (each.requests < least || each.requests > most)) {
      problems.push(
        `the PSP was asked ${each.requests} times for ${each.reference}, not ${[...new Set([least, most])].join(' to ')}`,
      );
    }
  }
  return problems;
}

/** A round that failed has given the money back before the next one reserved it. */
function storyProblems(
  { order, ends }: Made<PayoutOrder>,
  seen: Seen | undefined,
  entries: readonly EntryRow[],
  pspFee: string,
): string[] {
  const { amount, behaviour } = order;
  const amountMinor = amount.replace('.', '');
  const earlier = Array.from({ length: behaviour.rounds - 1 }, () => STORY_OF.FAILED.entries).flat();
  const stories = (ends === behaviour.ends && behaviour.stories) || [STORY_OF[ends as PayoutEnd]];
  const isBooked = (type: string) => type !== 'PSP_FEE' || pspFee !== '0';
  const types = entries.map(({ type }) => type).join(' ');
  const booked = stories.filter((story) => [...earlier, ...story.entries].filter(isBooked).join(' ') === types);
  const isTold = booked.some(({ needsOperator = seen?.needsOperator }) => needsOperator === seen?.needsOperator);
  const amountOf = (type: string) => (type === 'PSP_FEE' ? pspFee : amountMinor);
  return [
    ...(booked.length > 0 ? [] : [`${ends}, and the ledger has ${types || 'nothing'}`]),
    ...(booked.length === 0 || isTold ? [] : [`${ends} after ${types}, and needsOperator is ${seen?.needsOperator}`]),
    ...entries.flatMap(({ type, amount: booked }) =>
      booked === amountOf(type) ? [] : [`${type} of ${booked}, not ${amountOf(type)}`],
    ),
  ];
}
