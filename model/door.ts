/** The ledger's door in the model: a fact under its step key, and what must hold of every edge that is taken. */
import type { PayoutBooks, ToldFact } from '../src/payouts/rules/books.ts';
import type { Fact, FactOutcome } from '../src/payouts/rules/contract.ts';
import type { PspFact } from '../src/payouts/rules/facts.ts';
import { type Edge, type Effect, STATES } from '../src/payouts/rules/machine.ts';
import type { Rules } from './rules.ts';
import { unreadOf, type World } from './world.ts';

export interface Telling {
  readonly fact: ToldFact;
  readonly key: string;
}

export interface Written {
  readonly world: World;
  readonly outcome: FactOutcome;
  /** What was told, and under which step key. */
  readonly told: Telling;
  readonly edge?: Edge;
  /** The rule that this edge breaks. */
  readonly broken?: string;
}

/** Tells the books a fact, decided by somebody who had seen the event `sequence`. */
export function write(world: World, rules: Rules, fact: ToldFact, sequence: number): Written {
  const name = fact.adminId === undefined ? fact.type : `${fact.type} ${fact.adminId}`;
  const told = { fact, key: `${name}:${fact.attempt ?? 0}:${sequence}` };
  const step = { fact: name, attempt: fact.attempt ?? 0, sequence };
  if (world.steps.some((each) => each.fact === name && each.attempt === step.attempt && each.sequence === sequence)) {
    return { world, outcome: 'already', told };
  }
  const { books: changed, outcome, edge } = rules.tell(askedOf(world), fact);
  if (changed.sequence === world.books.sequence) return { world, outcome, told };
  // Under a key of its own: the attempt is not begun, and asked for again it may be.
  if (outcome === 'paused')
    return { world: { ...world, books: { ...changed, unread: [], isPaused: false } }, outcome, told, ...(edge ? { edge } : {}) };
  const books = { ...changed, unread: [], isPaused: false }; // derived each time
  const isNewRound = edge?.fact === 'reinitiated';
  const after: World = {
    ...world,
    books,
    steps: [...world.steps, step],
    attemptsBefore: isNewRound ? books.attempts.length : world.attemptsBefore,
    isLate: world.isLate && books.attempts.length === world.books.attempts.length,
  };
  const isSentPaused = world.isPaused && edge?.effect === 'attempt';
  const broken = isSentPaused ? 'a request is begun while a pause holds' : edge && brokenBy(edge, world.books, books);
  return { world: after, outcome, told, ...(edge ? { edge } : {}), ...(broken === undefined ? {} : { broken }) };
}

/** The books as the door reads them: with the messages that are stored, and the pauses that hold. */
export const askedOf = (world: World): PayoutBooks => ({ ...world.books, unread: unreadOf(world), isPaused: world.isPaused });

/** What the money must be before this, and is afterwards. */
const MOVES: Readonly<Partial<Record<Effect, readonly [before: string, after: string]>>> = {
  settle: ['reserved', 'paid'],
  settle_late: ['none', 'paid'],
  release: ['reserved', 'none'],
  reverse: ['paid', 'none'],
  reserve: ['none', 'reserved'],
  attempt: ['reserved', 'reserved'],
};

function brokenBy(edge: Edge, before: PayoutBooks, after: PayoutBooks): string | undefined {
  const [from, to] = MOVES[edge.effect] ?? [STATES[edge.from].money, STATES[edge.from].money];
  if (STATES[edge.from].money !== from || STATES[edge.to].money !== to) {
    return `${edge.effect} moves money that is ${STATES[edge.from].money} and leaves it ${STATES[edge.to].money}`;
  }
  const isProven = ({ state, proof }: PayoutBooks['attempts'][number]) =>
    state === 'returned' || (state === 'failed' && proof !== null);
  if (edge.effect === 'release' && !after.attempts.every(isProven)) return 'money is released with an attempt unproven';
  const isNewKey = edge.effect === 'attempt' && after.attempts.length > before.attempts.length;
  if (isNewKey && !before.attempts.every(isProven)) return 'a new key exists while an earlier attempt is unproven';
  return undefined;
}

/** What the rules read of a fact that is about to be told. */
export const toldOf = ({ type, attempt, source, askedAt, implied, pspRef, needsOperator }: PspFact): ToldFact => ({
  type,
  attempt,
  source,
  ...(pspRef === undefined ? {} : { named: true }),
  ...(askedAt === undefined ? {} : { askedAt }),
  ...(implied ? { implied } : {}),
  ...(needsOperator ? { needsOperator } : {}),
});

export const ownFact = (fact: Fact): ToldFact => ({
  type: fact.type,
  ...(fact.attempt === undefined ? {} : { attempt: fact.attempt }),
  ...(!('source' in fact) || fact.source === undefined ? {} : { source: fact.source }),
});
