/** A withdrawal as the explorer sees it (flow.ts). */
import { exploreFlow, type FlowExploration } from '../flow.ts';
import type { InstantBooks, Payin, Person, Slice } from './books.ts';
import { brokenAlways, brokenAtRest } from './invariants.ts';
import type { InstantBounds, InstantRules } from './rules.ts';
import { beginningOf, type InstantWorld, movesOf } from './world.ts';

/** Everything that can happen to a withdrawal within the bounds. */
export const exploreInstant = (bounds: InstantBounds, rules: InstantRules): FlowExploration =>
  exploreFlow<InstantWorld>({
    start: beginningOf(bounds),
    movesOf: (world) => movesOf(world, bounds, rules),
    pack,
    brokenAlways: (world) => brokenAlways(world, bounds),
    brokenAtRest,
    reachedBy: ({ books: before }, { books }) => edgesBetween(before, books),
  });

/** Whence and whither each of its subjects went. */
export function edgesBetween(before: InstantBooks, after: InstantBooks): string[] {
  if (before === after) return [];
  const moved = (what: string, from: string | undefined, to: string): string[] =>
    from === undefined || from === to ? [] : [`${what} ${from} ${to}`];
  return [
    ...moved('withdrawal', before.withdrawal.state, after.withdrawal.state),
    ...after.slices.flatMap(({ state }, nth) => moved('slice', before.slices[nth]?.state, state)),
    ...after.payins.flatMap(({ state }, nth) => moved('payin', before.payins[nth]?.state, state)),
  ];
}

/** Equal for equal worlds, different for different ones. */
function pack({ books, runs, owed, spent, left }: InstantWorld): string {
  const { withdrawal, slices, payins, proofs, lates, bank, people, debts } = books;
  return [
    Object.values(withdrawal).join(),
    slices.map(packSlice).join('/'),
    payins.map(packPayin).join('/'),
    proofs.map(({ slice, payin, utr, image }) => `${slice}.${payin}.${utr}.${image}`).join(),
    lates.map(({ payin, slice, decision, was }) => `${payin}.${slice}.${decision}.${was}`).join(),
    bank.map(({ utr, amount, state, slice, isOverruled }) => `${utr}.${amount}.${state}.${slice}.${+isOverruled}`).join(),
    people.map(packPerson).join(),
    debts.map(({ debtor, creditor, owed: amount, slice }) => `${debtor}.${creditor}.${amount}.${slice}`).join(),
    Object.entries(runs).sort().join(),
    `${owed}.${spent}`,
    Object.values(left).join(''),
  ].join('|');
}

const packSlice = ({ state, money, assignments, epoch, utr, doubts, isPayOver, isConfirmOver, credits }: Slice): string =>
  `${state}${money}${assignments.map(({ payin, state: is }) => `${payin}${is}`)}.${epoch}${utr}${doubts}${+isPayOver}${+isConfirmOver}${credits}`;

const packPayin = ({ user, state, slice, utr, isWaitOver, told }: Payin): string =>
  `${user}${state}${slice}${utr}${+isWaitOver}${told}`;

const packPerson = ({ frozen, available, reserved }: Person): string => `${+frozen}.${available}.${reserved}`;
