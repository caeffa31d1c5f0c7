/**
 * What the ledger's door (`apply_fact`) makes of a fact, without the money: a pure twin of the SQL. The model explores it,
 * and random walks show that the two answer alike. Both read the same tables: EDGES (machine.ts) and PROOFS (proof.ts).
 *
 * An attempt is *unproven* while money may still go out by it: it is in flight, or it was proven dead and the PSP shows it
 * alive (`doubted`). Money is released, and a new key exists, only while no attempt is unproven.
 */
import type { FactOutcome } from './contract.ts';
import { type Edge, edgeOf, FACTS, type FactType, type PayoutState, STATES } from './machine.ts';
import { type Proof, provenBy } from './proof.ts';

export type AttemptState = 'open' | 'succeeded' | 'failed' | 'returned' | 'doubted';

export interface AttemptRow {
  readonly state: AttemptState;
  /** How we know that it is dead: of a failed one. */
  readonly proof: Proof | null;
  /** The PSP has named a transfer for it. */
  readonly named: boolean;
  /** The number of the event with which its outcome was last given up as unknown. */
  readonly unknownAt: number | null;
  /** The number of the last event that told something of it. */
  readonly toldAt: number;
  /** False: the books know of no request; the PSP spoke of it. */
  readonly isSent: boolean;
}

export interface PayoutBooks {
  readonly state: PayoutState;
  readonly sequence: number;
  readonly round: number;
  /** The first is attempt 1. */
  readonly attempts: readonly AttemptRow[];
  /** How often it was sent back after it was paid. */
  readonly returns: number;
  readonly needsOperator: boolean;
  readonly makerId: string | null;
  /** Who has decided in this round. */
  readonly deciders: readonly string[];
  /** The attempts that a stored message, not yet dealt with, says are alive or paid. */
  readonly unread: readonly number[];
  /** It is to be sent by a run; whether one has come. */
  readonly run: 'none' | 'awaited' | 'come';
  /** Whether its owner could pay for another round. */
  readonly isFunded: boolean;
  /** Whether a pause holds over it now. */
  readonly isPaused: boolean;
  /** It has met one, and nothing has changed its state since: that it waits is told once. */
  readonly waitsForPause: boolean;
}

/** What the rules read of a fact. */
export interface ToldFact {
  readonly type: FactType;
  readonly attempt?: number;
  readonly adminId?: string;
  /** It names the PSP's transfer. */
  readonly named?: boolean;
  readonly source?: 'reply' | 'look_up' | 'callback' | 'operator';
  /** The newest event's number when the PSP was asked; of a reply, of the event with which its request began. */
  readonly askedAt?: number;
  /** Of `paid`: not said, but concluded from `returned`. */
  readonly implied?: boolean;
  /** Of a resolution: the attempts that the evidence is about. */
  readonly attempts?: readonly number[];
  readonly needsOperator?: boolean;
}

export interface Told {
  readonly outcome: FactOutcome;
  readonly books: PayoutBooks;
  /** Which one it took; none where nothing, or only a note, was written. */
  readonly edge?: Edge;
}

export const newBooks = (start: Partial<PayoutBooks> = {}): PayoutBooks => ({
  state: 'QUEUED',
  sequence: 1,
  round: 1,
  attempts: [],
  returns: 0,
  needsOperator: false,
  makerId: null,
  deciders: [],
  unread: [],
  run: 'none',
  isFunded: true,
  isPaused: false,
  waitsForPause: false,
  ...start,
});

/** No backup forgets so many attempts of a payout. */
const FORGOTTEN_MAX = 100;

/** The attempts by which money may still go out. */
export function unprovenOf({ state, attempts }: Pick<PayoutBooks, 'state' | 'attempts'>): readonly number[] {
  const isLive = (row: AttemptRow) => row.state === 'doubted' || (row.state === 'open' && STATES[state].inFlight);
  return attempts.flatMap((row, index) => (isLive(row) ? [index + 1] : []));
}

/** The books after this fact; told again, whoever tells it, they must be asked under the same key (steps.ts). */
export function tell(books: PayoutBooks, fact: ToldFact): Told {
  return FACTS[fact.type] === 'psp' ? tellOfPsp(books, fact) : tellOfOurs(books, fact);
}

const nothing = (outcome: FactOutcome, books: PayoutBooks): Told => ({ outcome, books });

/** A person's, a clock's or the engine's. */
function tellOfOurs(books: PayoutBooks, fact: ToldFact): Told {
  const refusal = refusalOf(books, fact);
  if (refusal) return nothing(refusal, books);
  const edge = edgeOf(books.state, fact.type);
  if (!edge) return nothing('wrong_state', books);
  switch (fact.type) {
    case 'attempt_started':
      if (books.isPaused) return waitForPause(books);
      return take(startAttempt(books, fact.attempt ?? 0), edge, fact);
    case 'resolved_not_paid': {
      const closed = closeAll(books, unprovenOf(books), 'operator');
      const paid = paidOf(closed);
      return paid ? take(closed, edgeOf(books.state, 'paid'), fact) : take(closed, edge, fact);
    }
    case 'resolved_paid':
      return take(resolvePaid(books, fact), edge, fact);
    case 'cancelled':
    case 'rejected':
    case 'routed':
      return take(closeRefused(books), edge, fact);
    default:
      return take(books, edge, fact);
  }
}

/** Nothing is sent. That it waits is written down once, however often it asks. */
function waitForPause(books: PayoutBooks): Told {
  const edge = edgeOf(books.state, 'paused');
  if (books.waitsForPause || !edge) return nothing('paused', books);
  const { books: after } = take(books, edge, { type: 'paused' });
  return { outcome: 'paused', books: { ...after, waitsForPause: true }, edge };
}

function refusalOf(books: PayoutBooks, { type, adminId, attempt, attempts }: ToldFact): FactOutcome | undefined {
  const newest = books.attempts.length;
  const unproven = unprovenOf(books);
  switch (type) {
    case 'approved':
    case 'rejected':
      if (books.makerId !== null && books.makerId === adminId) return 'self_approval';
      if (adminId !== undefined && books.deciders.includes(adminId)) return 'already_decided';
      return type === 'rejected' && unproven.length > 0 ? 'wrong_state' : undefined;
    case 'cancelled':
    case 'review_expired':
      return unproven.length > 0 ? 'wrong_state' : undefined; // held, and in doubt since
    case 'dispatched':
      if (!edgeOf(books.state, type) || books.run === 'none') return 'wrong_state';
      return books.run === 'come' ? 'unchanged' : undefined;
    case 'attempt_started': {
      const isOpen = books.attempts[newest - 1]?.state === 'open';
      const isBlocked = books.attempts.some(({ state }) => state === 'doubted' || state === 'succeeded');
      // It waits until every message is looked into, but for those about the very attempt that is sent again under its own
      // key: one of them may be the payment that makes it one too many.
      const isUnread = books.unread.some((each) => !isOpen || each !== attempt);
      const isNext = attempt === newest + (isOpen ? 0 : 1);
      return books.run === 'awaited' || isBlocked || isUnread || !isNext ? 'wrong_state' : undefined;
    }
    case 'routed': {
      // The rule of a new key: every request that was ever sent is proven dead, and no stored message says otherwise.
      if (!edgeOf(books.state, type)) return STATES[books.state].inFlight ? 'attempt_alive' : 'wrong_state';
      const isAlive = unproven.length > 0 || books.unread.length > 0 || books.attempts.some(({ state }) => state === 'succeeded');
      return isAlive ? 'attempt_alive' : undefined;
    }
    case 'paused':
      return 'wrong_state'; // nobody may say it: what is about to be sent meets it
    case 'acknowledged': {
      const isDoubted = books.attempts.some(({ state }) => state === 'doubted');
      return isDoubted && !STATES[books.state].final ? 'wrong_state' : undefined; // it is resolved, not seen
    }
    case 'outcome_overdue':
      return attempt === newest ? undefined : 'wrong_state';
    case 'reinitiated':
      if (!edgeOf(books.state, type) || unproven.length > 0) return 'wrong_state'; // what is unread holds up the send
      return books.isFunded ? undefined : 'insufficient_balance';
    case 'resolved_paid':
    case 'resolved_not_paid':
      if (!edgeOf(books.state, type)) return 'wrong_state';
      return resolvedBy(type, unproven, attempts) ? undefined : 'unproven_attempts';
    default:
      return undefined;
  }
}

/**
 * The attempts that a person's evidence settles; undefined where it does not. Where it names some, they must be the ones
 * without proof: all of them were not paid, or one was. Where it names none, one is meant.
 */
function resolvedBy(
  type: 'resolved_paid' | 'resolved_not_paid',
  unproven: readonly number[],
  attempts?: readonly number[],
): readonly number[] | undefined {
  const named = attempts ? [...new Set(attempts)] : unproven.length === 1 ? unproven : [];
  if (!named.every((each) => unproven.includes(each))) return undefined;
  return named.length === (type === 'resolved_paid' ? 1 : unproven.length) ? named : undefined;
}

/** What a PSP says of an attempt: first what it proves, then what becomes of the attempt, then of the payout. */
function tellOfPsp(books: PayoutBooks, told: ToldFact): Told {
  const row = books.attempts[(told.attempt ?? 0) - 1];
  if (!row) return tellOfNone(books, told);
  if (isStale(row, told)) return nothing('stale', books);
  const { counts, proof } = provenBy(told.type, isShown(row, told), isUncertain(row, told));
  if (agrees(row, counts, told.implied ?? false)) return nothing('unchanged', books);
  const fact = { ...told, type: counts };
  switch (counts) {
    case 'outcome_unknown':
      return tellUnknown(books, row, fact);
    case 'not_taken':
      return tellNotTaken(books, row, fact);
    case 'attempt_failed':
    case 'failed':
      return tellFailed(books, row, fact, proof);
    case 'paid':
      return tellPaid(books, fact);
    case 'returned':
      return tellReturned(books, row, fact);
    default:
      return tellAlive(books, row, fact);
  }
}

/**
 * Asked before something else was told of the attempt, such as that its request was given up for lost and sent again. A
 * payment is news all the same, but for one that came back since.
 */
const isStale = (row: AttemptRow, { type, askedAt }: ToldFact): boolean =>
  askedAt !== undefined && row.toldAt > askedAt && !(type === 'paid' && row.state !== 'returned');

/** Whether a refusal may be of another request than the one that was taken. */
const isUncertain = (row: AttemptRow, { source = 'reply', named }: ToldFact): boolean =>
  row.unknownAt !== null || (row.named && !named) || source !== 'reply';

/**
 * Whether a failed transfer stands for the whole key: where an earlier request may have been taken, it may have made a
 * transfer of its own, and only a look-up, which lists all there are, speaks of that too.
 */
const isShown = (row: AttemptRow, { source = 'reply', named = false }: ToldFact): boolean =>
  named && (source !== 'reply' || row.unknownAt === null);

/**
 * Of an attempt that the books never started, or have forgotten since they were restored from a backup. Money that is out by
 * it, or may be, counts as any other attempt's: nothing is sent and nothing released before its end is known.
 */
function tellOfNone(books: PayoutBooks, told: ToldFact): Told {
  const { type, attempt = 0 } = told;
  if (attempt < 1 || ['outcome_unknown', 'not_taken', 'attempt_failed', 'failed'].includes(type))
    return nothing('unchanged', books);
  if (attempt > books.attempts.length + FORGOTTEN_MAX) return note(books, true);
  const fact = { ...told, needsOperator: true };
  const adopted = setRow(adopt(books, attempt), fact, { state: type === 'paid' ? 'succeeded' : 'doubted' });
  if (type !== 'paid' || STATES[books.state].inFlight) return contradict(adopted, fact);
  const edge = edgeOf(books.state, 'paid');
  return edge ? take(adopted, edge, fact) : note(adopted, true);
}

/** Rows for this attempt and all that must have been before it, each in doubt; and so is one that was in flight and is not the newest any more. */
function adopt(books: PayoutBooks, attempt: number): PayoutBooks {
  const row: AttemptRow = {
    state: 'doubted',
    proof: null,
    named: false,
    unknownAt: null,
    toldAt: books.sequence + 1,
    isSent: false,
  };
  const known = closeRefused(books).attempts.map(
    (each): AttemptRow => (each.state === 'open' ? { ...each, state: 'doubted' } : each),
  );
  const forgotten = Array.from({ length: attempt - known.length }, () => row);
  return { ...books, attempts: [...known, ...forgotten] };
}

/** For an operator, who may have been told of it before. */
const noteOnce = (books: PayoutBooks): Told => (books.needsOperator ? nothing('unchanged', books) : note(books, true));

const AGREES: ReadonlyMap<FactType, readonly AttemptState[]> = new Map<FactType, readonly AttemptState[]>([
  ['paid', ['succeeded']],
  ['attempt_failed', ['failed', 'returned']], // some PSPs have no word for a return but "failed"
  ['failed', ['failed', 'returned']],
  ['returned', ['returned']],
]);

const agrees = (row: AttemptRow, fact: FactType, implied: boolean): boolean =>
  (AGREES.get(fact)?.includes(row.state) ?? false) || (implied && row.state === 'returned');

const isLive = (books: PayoutBooks, row: AttemptRow): boolean => row.state === 'open' && STATES[books.state].inFlight;

function tellUnknown(books: PayoutBooks, row: AttemptRow, fact: ToldFact): Told {
  const edge = isLive(books, row) ? edgeOf(books.state, 'outcome_unknown') : undefined;
  return edge ? take(setRow(books, fact, { unknownAt: books.sequence + 1 }), edge, fact) : nothing('unchanged', books);
}

/** Certainly not taken: to be asked for again under the same key, unless money went out, or may, by another attempt. */
function tellNotTaken(books: PayoutBooks, row: AttemptRow, fact: ToldFact): Told {
  const edge = isLive(books, row) ? edgeOf(books.state, 'not_taken') : undefined;
  if (!edge) return note(books, false);
  const others = setRow(books, fact, { state: 'failed', proof: 'refused' });
  if (unprovenOf(others).length > 0) return take(others, edgeOf(books.state, 'contradicted'), fact);
  if (paidOf(others)) return take(others, edgeOf(books.state, 'paid'), fact);
  return take(setRow(books, fact, {}), edge, fact);
}

function tellFailed(books: PayoutBooks, row: AttemptRow, fact: ToldFact, proof: Proof | null): Told {
  if (!isLive(books, row) && row.state !== 'doubted') return note(books, true); // paid, or waiting to be sent again
  const closed = setRow(books, fact, { state: 'failed', proof });
  if (!STATES[books.state].inFlight) return note(closed, false);
  if (unprovenOf(closed).length > 0) {
    const edge = isLive(books, row) ? edgeOf(books.state, 'contradicted') : undefined;
    return edge ? take(closed, edge, fact) : note(closed, true);
  }
  return take(closed, edgeOf(books.state, paidOf(closed) ? 'paid' : fact.type), fact);
}

function tellPaid(books: PayoutBooks, fact: ToldFact): Told {
  const paid = setRow(books, fact, { state: 'succeeded', proof: null });
  const edge = edgeOf(books.state, 'paid');
  // Another may have been paid, too, or may yet be: then only a person, or the other's end, can sort it out.
  if (!edge || (STATES[books.state].inFlight && unprovenOf(paid).length > 0)) return note(paid, true);
  return take(closeRefused(paid), edge, fact);
}

/** Of two payments one came back: the payee still has the one that we settled. */
function tellReturned(books: PayoutBooks, row: AttemptRow, fact: ToldFact): Told {
  if (row.state !== 'succeeded') return note(books, true);
  const back = setRow(books, fact, { state: 'returned' });
  const edge = paidOf(back) ? undefined : edgeOf(books.state, 'returned');
  return edge ? take({ ...back, returns: back.returns + 1 }, edge, fact) : note(back, true);
}

/** Queued, held, under way, or a transfer that is not as we asked: it may be paid yet. */
function tellAlive(books: PayoutBooks, row: AttemptRow, fact: ToldFact): Told {
  switch (row.state) {
    case 'succeeded':
    case 'returned':
      return fact.type === 'contradicted' ? noteOnce(books) : note(books, true);
    case 'doubted': // held until now, and released
      return fact.type === 'contradicted' && edgeOf(books.state, 'contradicted') && !STATES[books.state].inFlight
        ? contradict(books, fact)
        : nothing('unchanged', books);
    case 'failed':
      return contradict(setRow(books, fact, { state: 'doubted', proof: null }), fact);
    case 'open': {
      if (!isLive(books, row)) return contradict(setRow(books, fact, {}), fact);
      const isWithOperator = books.state === 'UNRESOLVED' && unprovenOf(books).length > 1;
      const edge = isWithOperator || fact.type === 'contradicted' ? undefined : edgeOf(books.state, fact.type);
      if (!edge) return nothing('unchanged', books);
      const unknownAt = fact.type === 'mismatch' ? books.sequence + 1 : row.unknownAt;
      return take(setRow(books, fact, { unknownAt }), edge, fact);
    }
  }
}

function contradict(books: PayoutBooks, fact: ToldFact): Told {
  const edge = edgeOf(books.state, 'contradicted');
  return edge ? take(books, edge, fact) : note(books, true);
}

/** Written down as an ignored fact: the payout's state stays. */
function note(books: PayoutBooks, needsOperator: boolean): Told {
  return {
    outcome: 'ignored',
    books: { ...books, sequence: books.sequence + 1, needsOperator: books.needsOperator || needsOperator },
  };
}

function take(books: PayoutBooks, edge: Edge | undefined, fact: ToldFact): Told {
  if (!edge) return nothing('wrong_state', books);
  const isReinitiated = edge.fact === 'reinitiated';
  const isDecision = (edge.fact === 'approved' || edge.fact === 'rejected') && fact.adminId !== undefined;
  const after: PayoutBooks = {
    ...books,
    state: edge.to,
    sequence: books.sequence + 1,
    round: books.round + (isReinitiated ? 1 : 0),
    deciders: isReinitiated ? [] : isDecision ? [...books.deciders, fact.adminId ?? ''] : books.deciders,
    run: runAfter(books, edge),
    waitsForPause: edge.effect === 'note' && edge.fact !== 'routed' && books.waitsForPause,
    needsOperator: needsOperatorAfter(books, edge, fact),
  };
  return { outcome: 'applied', books: after, edge };
}

/** What an operator sends now waits for no run. */
function runAfter({ run }: PayoutBooks, { fact }: Edge): PayoutBooks['run'] {
  if (fact === 'dispatched') return 'come';
  return fact === 'hurried' && run === 'awaited' ? 'none' : run;
}

function needsOperatorAfter(books: PayoutBooks, edge: Edge, fact: ToldFact): boolean {
  if (edge.effect === 'note') return edge.fact === 'parked' || (edge.fact !== 'acknowledged' && books.needsOperator);
  const paid = books.attempts.filter(({ state }) => state === 'succeeded').length;
  const isDoubted = books.attempts.some(({ state }) => state === 'doubted');
  if (edge.to === 'UNRESOLVED' || edge.effect === 'settle_late') return true;
  // A payment that the payout has not settled with: another attempt is in flight, or is paid, too.
  const settled = STATES[edge.to].money === 'paid' ? 1 : 0;
  if (fact.needsOperator || paid > settled || isDoubted) return true;
  // That the books have forgotten attempts only a person can have seen to.
  const isSeen = FACTS[fact.type] === 'person' || books.attempts.every(({ isSent }) => isSent);
  return isSeen && (edge.from === 'UNRESOLVED' || edge.fact === 'attempt_started') ? false : books.needsOperator;
}

const paidOf = ({ attempts }: PayoutBooks): number | undefined => {
  const index = attempts.findIndex(({ state }) => state === 'succeeded');
  return index < 0 ? undefined : index + 1;
};

function setRow(books: PayoutBooks, { type, attempt = 0, named = false }: ToldFact, change: Partial<AttemptRow>): PayoutBooks {
  const toldAt = books.sequence + 1;
  const told = (row: AttemptRow): AttemptRow => ({
    ...row,
    ...change,
    named: row.named || (named && type !== 'mismatch'),
    toldAt,
  }); // whose name a mismatch gives is not known
  return { ...books, attempts: books.attempts.map((row, index) => (index + 1 === attempt ? told(row) : row)) };
}

function startAttempt(books: PayoutBooks, attempt: number): PayoutBooks {
  const toldAt = books.sequence + 1;
  const fresh: AttemptRow = { state: 'open', proof: null, named: false, unknownAt: null, toldAt, isSent: true };
  if (attempt > books.attempts.length) return { ...books, attempts: [...books.attempts, fresh] };
  return setRow(books, { type: 'attempt_started', attempt }, {});
}

const closeAll = (books: PayoutBooks, attempts: readonly number[], proof: Proof): PayoutBooks =>
  attempts.reduce((each, attempt) => setRow(each, { type: 'failed', attempt }, { state: 'failed', proof }), books);

/** An attempt that was not taken and waited to be sent again. */
const closeRefused = (books: PayoutBooks): PayoutBooks =>
  STATES[books.state].inFlight
    ? books
    : closeAll(
        books,
        books.attempts.flatMap(({ state }, index) => (state === 'open' ? [index + 1] : [])),
        'refused',
      );

/** One attempt was paid, says a person; what is unproven besides stays in doubt. */
function resolvePaid(books: PayoutBooks, { attempts }: ToldFact): PayoutBooks {
  const unproven = unprovenOf(books);
  const [paid] = resolvedBy('resolved_paid', unproven, attempts) ?? [];
  return unproven.reduce(
    (each, attempt) =>
      setRow(each, { type: 'resolved_paid', attempt }, attempt === paid ? { state: 'succeeded' } : { state: 'doubted' }),
    books,
  );
}
