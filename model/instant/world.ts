/**
 * The world of one withdrawal: its books, the workflows that look after it, what the API has written down and not told yet, and what
 * people may still do. All that can happen next in it. Whoever sends a word twice, or does a step that another has done, changes nothing.
 *
 * Time is abstract, as in the other models: whatever may be over later may be over at once.
 */
import { BATCH, BATCH_STATES } from '../../src/instant/rules/batchMachine.ts';
import { INSTANT_PAYOUT } from '../../src/instant/rules/payoutMachine.ts';
import type { FlowMove } from '../flow.ts';
import { freeze, type InstantBooks, newWithdrawal, PAYEE, personOf, sliceOf, spend, type Told } from './books.ts';
import type { InstantBounds, InstantLeft, InstantRules } from './rules.ts';
import { deposit, passConfirmTime, passFillTime, passPayTime, passWaitTime, refuseRest } from './slices.ts';
import { isDue, isOverdue, look, type Sleep, type Subject } from './work.ts';

export interface InstantWorld {
  readonly books: InstantBooks;
  /** Of each subject that has one, in what state its workflow is. */
  readonly runs: Readonly<Partial<Record<Subject, Sleep>>>;
  /** Whose workflows the API has yet to tell. */
  readonly owed: readonly Subject[];
  /** What each of the people spent, whatever the books make of it. */
  readonly spent: readonly bigint[];
  readonly left: InstantLeft;
}

export type InstantMove = FlowMove<InstantWorld>;

export const beginningOf = ({ beginning, left }: InstantBounds): InstantWorld => ({
  books: newWithdrawal(beginning),
  runs: {},
  owed: ['w'],
  spent: beginning.purses.map(() => 0n),
  left,
});

/**
 * Whoever is asked, and would find nothing to do, has looked already: that is the worst moment for it, since what comes later is
 * told, or missed.
 */
function settled(world: InstantWorld, rules: InstantRules): InstantWorld {
  let { runs } = world;
  for (;;) {
    const idle = (Object.keys(runs) as Subject[]).find((each) => runs[each] === 'asked' && !isDue(world.books, each, rules));
    if (idle === undefined) return runs === world.runs ? world : { ...world, runs };
    runs = afterLook({ ...world, runs }, idle, rules).runs;
  }
}

/** What a look leaves. The first one at a withdrawal tells its slices, so that each has a workflow from the beginning. */
function afterLook(world: InstantWorld, subject: Subject, rules: InstantRules): InstantWorld {
  const { books, tells, next } = look(world.books, subject, rules);
  const { [subject]: _, ...others } = world.runs;
  const slept = next === 'over' ? others : { ...others, [subject]: next };
  const slices = world.books.slices.map((_each, nth): Subject => `s${nth}`);
  const isFirst = subject === 'w' && isNew(world.books) && slices.every((each) => world.runs[each] === undefined);
  return { ...world, books, runs: asked(slept, isFirst ? [...tells, ...slices] : tells) };
}

const subjectsOf = ({ slices, payins }: InstantBooks): readonly Subject[] => [
  'w',
  ...slices.map((_, nth): Subject => `s${nth}`),
  ...payins.map((_, nth): Subject => `p${nth}`),
];

const asked = (runs: InstantWorld['runs'], subjects: readonly Subject[]): InstantWorld['runs'] => ({
  ...runs,
  ...Object.fromEntries(subjects.map((each) => [each, 'asked' as const])),
});

const owing = (owed: readonly Subject[], more: readonly Subject[]): readonly Subject[] => [...new Set([...owed, ...more])].sort();

const less = ({ left }: InstantWorld, budget: keyof InstantLeft): InstantLeft => ({ ...left, [budget]: left[budget] - 1 });

export function movesOf(world: InstantWorld, bounds: InstantBounds, rules: InstantRules): InstantMove[] {
  const moves = [
    ...movesOfWork(world, rules),
    ...movesOfTime(world),
    ...movesOfPayers(world, bounds, rules),
    ...movesOfOthers(world, rules),
  ].map((move) => ({ ...move, after: settled(move.after, rules) }));
  return [...moves, ...repeatsIn(world, rules)];
}

function movesOfWork(world: InstantWorld, rules: InstantRules): InstantMove[] {
  const { books, runs, owed, left } = world;
  const moves: InstantMove[] = [];
  for (const subject of subjectsOf(books)) {
    const run = runs[subject];
    if (run === 'asked' || (run === 'time' && isDue(books, subject, rules))) moves.push(...looks(world, subject, rules));
    else if (rules.looksAfter && isOverdue(books, subject) && isDue(books, subject, rules)) {
      const after = { ...world, runs: asked(runs, [subject]) };
      moves.push({ deed: `whoever looks after them tells ${subject}`, isDue: true, after });
    }
  }
  for (const subject of owed) {
    const others = owed.filter((each) => each !== subject);
    moves.push({ deed: `${subject} is told`, isDue: true, after: { ...world, owed: others, runs: asked(runs, [subject]) } });
    if (left.deaths > 0) {
      const after = { ...world, owed: others, left: less(world, 'deaths') };
      moves.push({ deed: `the API dies before ${subject} is told`, isDue: false, after });
    }
  }
  return moves;
}

function looks(world: InstantWorld, subject: Subject, rules: InstantRules): InstantMove[] {
  const after = afterLook(world, subject, rules);
  const looked: InstantMove = { deed: `the workflow of ${subject} looks`, isDue: true, after };
  if (world.left.deaths === 0) return [looked];
  // What it did is written down; whom it was to tell is not told, unless the next look does it.
  const dead = { ...after, runs: asked(world.runs, [subject]), left: less(world, 'deaths') };
  return [looked, { deed: `the worker of ${subject} dies when it has done that`, isDue: false, after: dead }];
}

/** As isNew (activities/instant/look.ts): nothing has happened to the withdrawal yet. */
const isNew = ({ withdrawal: { state, closing, returned }, slices }: InstantBooks): boolean =>
  state === 'open' &&
  closing === null &&
  returned === 0n &&
  slices.every((each) => each.money === 'held' && !BATCH.isFinal(each.state));

function movesOfTime(world: InstantWorld): InstantMove[] {
  const { books } = world;
  const { withdrawal, slices, payins } = books;
  const passed = (deed: string, after: InstantBooks): InstantMove => ({ deed, isDue: true, after: { ...world, books: after } });
  return [
    ...(INSTANT_PAYOUT.isFinal(withdrawal.state) || withdrawal.isFillOver
      ? []
      : [passed('the time to fill it is over', passFillTime(books))]),
    ...slices.flatMap(({ state, isPayOver, isConfirmOver }, nth) => [
      ...(state === 'assigned' && !isPayOver ? [passed(`the time to pay slice ${nth} is over`, passPayTime(books, nth))] : []),
      ...(state === 'sys_confirmed' && !isConfirmOver
        ? [passed(`the time to confirm slice ${nth} is over`, passConfirmTime(books, nth))]
        : []),
    ]),
    ...payins.flatMap(({ state, isWaitOver }, nth) =>
      state === 'waiting' && !isWaitOver ? [passed(`payin ${nth} has waited long enough`, passWaitTime(books, nth))] : [],
    ),
  ];
}

/** One word, once: refused, it changes nothing. */
function wordOf(
  world: InstantWorld,
  budget: keyof InstantLeft,
  deed: string,
  does: () => Told,
  tells: readonly Subject[] = [],
): InstantMove[] {
  // biome-ignore format: one glance
  if (world.left[budget] === 0) return [];
  const { outcome, books } = does();
  const isNews = books !== world.books;
  const after = isNews ? { ...world, books, owed: owing(world.owed, tells), left: less(world, budget) } : world;
  return [{ deed: `${deed}: ${outcome}`, isDue: false, after }];
}

/** The UTR that a payer's own bank gave, and one that everybody knows of. */
const utrOf = (payin: number): string => `utr ${payin}`;
const IMAGE = 'the same image';

function movesOfPayers(world: InstantWorld, { isForged }: InstantBounds, rules: InstantRules): InstantMove[] {
  const { books } = world;
  const { people, slices, payins } = books;
  const next = payins.length;
  const moves: InstantMove[] = [];
  for (const user of people.keys()) {
    for (const nth of slices.keys())
      moves.push(...wordOf(world, 'claims', `user ${user} claims slice ${nth}`, () => rules.claim(books, user, nth), [`s${nth}`])); // biome-ignore format: one glance
    if (user === PAYEE) continue;
    const amount = sliceOf(books, 0).amount;
    const after = (): Told => deposit(books, user, amount);
    const slice = world.left.deposits > 0 ? after().books.payins[next]?.slice : null;
    const tells: Subject = typeof slice === 'number' ? `s${slice}` : `p${next}`;
    moves.push(...wordOf(world, 'deposits', `user ${user} wants to deposit ${amount}`, after, [tells]));
  }
  for (const [payin, { slice, state }] of payins.entries()) {
    if (slice === null) continue;
    const shown = [
      { utr: utrOf(payin), image: `image ${payin}` },
      ...(isForged ? [{ utr: utrOf(payin), image: IMAGE }, { utr: utrOf(0), image: `image ${payin}` }] : []), // biome-ignore format: one glance
    ];
    for (const each of shown) {
      const deed = `payin ${payin}, which is ${state}, is proved by ${each.utr} and ${each.image}`;
      moves.push(...wordOf(world, 'proofs', deed, () => rules.prove(books, slice, payin, each), [`s${slice}`]));
    }
  }
  return moves;
}

function movesOfOthers(world: InstantWorld, rules: InstantRules): InstantMove[] {
  const { books, left } = world;
  const { slices, people, payins, lates, withdrawal } = books;
  const all = slices.map((_each, nth): Subject => `s${nth}`);
  const moves: InstantMove[] = [];
  for (const [nth, { epoch }] of slices.entries()) {
    const its: readonly Subject[] = [`s${nth}`];
    moves.push(
      ...wordOf(world, 'confirms', `the payee confirms slice ${nth}`, () => rules.confirm(books, nth), its),
      ...wordOf(world, 'disputes', `the payee has not received slice ${nth}`, () => rules.dispute(books, nth), its),
      ...wordOf(world, 'decisions', `an operator approves slice ${nth}`, () => rules.decide(books, nth, 'approve'), its),
      ...wordOf(world, 'decisions', `an operator rejects slice ${nth}`, () => rules.decide(books, nth, 'reject', true), its),
      ...wordOf(world, 'reassigns', `an operator takes slice ${nth} back`, () => rules.reassign(books, nth, epoch), its),
    );
  }
  for (const [payin, { amount }] of payins.entries()) {
    const about = books.proofs.find(({ utr }) => utr === utrOf(payin));
    for (const told of [amount, amount + 1n])
      moves.push(...wordOf(world, 'banks', `the bank has ${told} under ${utrOf(payin)}`, () => rules.bank(books, utrOf(payin), told), about ? [`s${about.slice}`] : [])); // biome-ignore format: one glance
  }
  for (const { payin, slice } of lates)
    for (const decision of ['credit', 'refund', 'reject'] as const)
      moves.push(...wordOf(world, 'decisions', `late payin ${payin}: ${decision}`, () => rules.decideLate(books, payin, decision, true), [`s${slice}`])); // biome-ignore format: one glance
  moves.push(...wordOf(world, 'closes', 'the merchant cancels it', () => rules.close(books, 'cancelled'), ['w', ...all]));
  if (withdrawal.rest === 'allotted')
    moves.push(...wordOf(world, 'refusals', 'the payout of the rest is refused', () => refuseRest(books)));
  for (const nth of people.keys()) {
    const { frozen, available } = personOf(books, nth);
    moves.push(...wordOf(world, 'freezes', `user ${nth} is ${frozen ? 'freed' : 'frozen'}`, () => freeze(books, nth, !frozen)));
    if (available === 0n || left.spends === 0 || frozen) continue;
    const spent = world.spent.map((each, index) => (index === nth ? each + available : each));
    for (const move of wordOf(world, 'spends', `user ${nth} spends all`, () => spend(books, nth, available)))
      moves.push({ ...move, after: { ...move.after, spent } });
  }
  return moves;
}

/** Whatever was said, said once more, and whatever was done, done once more by a worker that is only taken for dead: it changes nothing. */
function repeatsIn(world: InstantWorld, rules: InstantRules): InstantMove[] {
  const { books } = world;
  const again = (deed: string, { outcome, books: after }: Told): InstantMove => ({
    deed: `${deed} once more: ${outcome}`,
    isDue: false,
    after: world,
    broken: after === books ? undefined : `${deed} was said once more, and changed something`,
  });
  return [
    ...books.proofs.map(({ slice, payin, utr, image }) => again('a proof', rules.prove(books, slice, payin, { utr, image }))),
    ...books.bank.map(({ utr, amount }) => again('what a bank told', rules.bank(books, utr, amount))),
    ...books.lates.flatMap(({ payin, decision }) =>
      decision === null ? [] : [again('a decision on a late proof', rules.decideLate(books, payin, decision))],
    ),
    ...books.slices.flatMap(({ state, epoch, assignments }, nth) => [
      ...(BATCH.isFinal(state) || BATCH_STATES[state].free ? [again('a confirmation', rules.confirm(books, nth))] : []),
      ...(state === 'rejected' ? [again('a rejection', rules.decide(books, nth, 'reject'))] : []),
      ...(state === 'admin_approved' ? [again('an approval', rules.decide(books, nth, 'approve'))] : []),
      ...assignments.flatMap((_each, index) =>
        index + 1 === epoch ? [] : [again('the deadline of an assignment', rules.lapse(books, nth, index + 1))],
      ),
    ]),
  ];
}
