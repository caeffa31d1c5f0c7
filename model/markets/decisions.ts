/** What people say of a market and of its resolutions, and what the clock says, as pure twins of the SQL functions. */
import type { Decision } from '../../src/markets/rules/decision.ts';
import { RESOLUTION, type ResolutionFact } from '../../src/markets/rules/machine.ts';
import {
  awaitsOperator, type Distribution, isParticipant, type MarketBooks, move, personOf, poolOf, type Resolution, refuse, resolutionOf,
  setDistribution, setResolution, type Told,
} from './books.ts'; // biome-ignore format: a list

const needsReview = (books: MarketBooks): boolean => books.reviewLimit !== null && poolOf(books) >= books.reviewLimit;

export interface Opening {
  readonly id: string;
  readonly outcome: string;
  readonly adminId: string;
}

/** As open_resolution.sql. */
export function openResolution(books: MarketBooks, { id, outcome, adminId }: Opening): Told {
  if (books.resolutions.some((each) => each.id === id)) return refuse('already', books);
  if (books.state !== 'OPEN' && books.state !== 'UNRESOLVED') return refuse('wrong_state', books);
  if (books.isPaused) return refuse('paused', books);
  const opened: Resolution = {
    id,
    state: needsReview(books) ? 'IN_REVIEW' : 'DISPUTE_WINDOW',
    outcome,
    resolvedBy: adminId,
    round: 1,
    needsOperator: false,
    isWindowOver: false,
    plan: null,
    distributions: {},
    paidUsers: 0,
    undoneUsers: 0,
    feesBooked: false,
    reviewed: [],
    disputes: {},
    keys: [],
  };
  return { outcome: 'opened', books: { ...books, state: 'RESOLVING', resolutions: [...books.resolutions, opened] } };
}

/** What decides; to acknowledge changes nothing but whether an operator is waited for. */
export type Deciding = Exclude<Decision, { readonly kind: 'acknowledge' }>;

export interface Order {
  readonly adminId: string;
  readonly key: string;
  readonly decision: Deciding;
}

const FACTS: Readonly<Record<Deciding['kind'], ResolutionFact>> = {
  approve: 'approved',
  reject: 'rejected',
  uphold: 'upheld',
  overturn: 'overturned',
  rollback: 'rollback_asked',
  retry: 'retried',
};

/** As decide_resolution.sql. */
export function decide(books: MarketBooks, nth: number, { adminId, key, decision }: Order): Told {
  const resolution = resolutionOf(books, nth);
  const { state, round, keys, reviewed } = resolution;
  const { kind } = decision;
  if (keys.includes(key)) return refuse('already', books);
  if (kind === 'rollback' && (['ROLLING_BACK', 'ROLLING_BACK_STOPPED', 'ROLLED_BACK'] as const).some((each) => each === state))
    return refuse('already_rolled_back', books);
  const isReview = kind === 'approve' || kind === 'reject';
  if (isReview && reviewed.includes(round)) return refuse('already_decided', books);
  const fact = FACTS[kind];
  if (!RESOLUTION.edgeOf(state, fact)) return refuse('wrong_state', books);
  if (kind !== 'retry' && adminId === resolution.resolvedBy) return refuse('self_approval', books);
  const said = setResolution(books, nth, { keys: [...keys, key], ...(isReview ? { reviewed: [...reviewed, round] } : {}) });
  if (decision.kind === 'overturn') {
    const again = setResolution(said, nth, { outcome: decision.to, resolvedBy: adminId, round: round + 1 });
    return { outcome: 'done', books: move(again, nth, needsReview(books) ? 'overturned_to_review' : fact) };
  }
  return { outcome: 'done', books: move(kind === 'retry' ? forgetFailures(said, nth) : said, nth, fact) };
}

/** Who was never paid needs no undoing, and stays as it is then. */
function forgetFailures(books: MarketBooks, nth: number): MarketBooks {
  const { state, distributions } = resolutionOf(books, nth);
  const isOfThis = (each: Distribution): boolean => (each.state === 'failed') === (state === 'PAYING_STOPPED');
  const again = Object.entries(distributions).map(
    ([id, each]) => [id, isOfThis(each) ? { ...each, failure: null } : each] as const,
  );
  return setResolution(books, nth, { distributions: Object.fromEntries(again) });
}

/** As dispute_resolution.sql: of the newest one. */
export function dispute(books: MarketBooks, userId: string, reason: string): Told {
  const nth = books.resolutions.length - 1;
  const newest = books.resolutions[nth];
  const known = newest?.disputes[userId];
  if (known && known.round === newest?.round && known.reason === reason) return refuse('already', books);
  if (!isParticipant(personOf(books, userId))) return refuse('not_participant', books);
  if (known) return refuse('already_disputed', books);
  const isDisputed = newest?.state === 'DISPUTED';
  if (!newest || !(isDisputed || (newest.state === 'DISPUTE_WINDOW' && !newest.isWindowOver)))
    return refuse('wrong_state', books);
  const said = setResolution(books, nth, { disputes: { ...newest.disputes, [userId]: { round: newest.round, reason } } });
  return {
    outcome: 'disputed',
    books: isDisputed ? setResolution(said, nth, { needsOperator: true }) : move(said, nth, 'disputed'),
  };
}

/** The time in which it may be disputed has passed. */
export const passTime = (books: MarketBooks, nth: number): MarketBooks => setResolution(books, nth, { isWindowOver: true });

/** As end_window (dispute_resolution.sql). */
export function endWindow(books: MarketBooks, nth: number): Told {
  const { state, isWindowOver } = resolutionOf(books, nth);
  if (state !== 'DISPUTE_WINDOW') return refuse('stopped', books);
  if (!isWindowOver) return refuse('early', books);
  return { outcome: 'done', books: move(books, nth, 'window_over') };
}

const PAID = ['PAYING', 'PAYING_STOPPED', 'COMPLETED'];

function distributionOf(books: MarketBooks, nth: number, userId: string): Distribution {
  const found = resolutionOf(books, nth).distributions[userId];
  if (!found) throw new Error(`${userId} has no distribution`);
  return found;
}

/** As dispute_distribution.sql. */
export function disputeDistribution(books: MarketBooks, nth: number, userId: string, reason: string): Told {
  const distribution = distributionOf(books, nth, userId);
  const { state, disputeReason } = distribution;
  if (disputeReason === reason) return refuse('already', books);
  if (disputeReason !== null) return refuse('already_disputed', books);
  if (state !== 'completed' || !PAID.includes(resolutionOf(books, nth).state)) return refuse('wrong_state', books);
  const said = setDistribution(books, nth, userId, { ...distribution, state: 'disputed', disputeReason: reason });
  return { outcome: 'disputed', books: setResolution(said, nth, { needsOperator: true }) };
}

export interface Judgement {
  readonly adminId: string;
  readonly key: string;
  readonly kind: 'uphold' | 'overturn';
}

/** As decide_distribution (dispute_distribution.sql). */
export function decideDistribution(books: MarketBooks, nth: number, userId: string, { adminId, key, kind }: Judgement): Told {
  const distribution = distributionOf(books, nth, userId);
  const { state, keys, resolvedBy } = resolutionOf(books, nth);
  if (keys.includes(key)) return refuse('already', books);
  if (distribution.state !== 'disputed')
    return refuse(distribution.state === 'rolled_back' ? 'already_rolled_back' : 'wrong_state', books);
  if (kind === 'overturn')
    return decide(books, nth, { adminId, key, decision: { kind: 'rollback', reason: distribution.disputeReason ?? '' } });
  if (adminId === resolvedBy) return refuse('self_approval', books);
  if (!PAID.includes(state)) return refuse('already_rolled_back', books);
  const upheld = setDistribution(books, nth, userId, { ...distribution, state: 'completed' });
  const said = setResolution(upheld, nth, { keys: [...keys, key] });
  return { outcome: 'done', books: setResolution(said, nth, { needsOperator: awaitsOperator(resolutionOf(said, nth)) }) };
}
