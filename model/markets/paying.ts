/** How a resolution is planned, paid and rolled back, as pure twins of the SQL functions, each a transaction. */
import { RESOLUTION } from '../../src/markets/rules/machine.ts';
import { cutOf, planOf, type Share, shareOf } from '../../src/markets/rules/shares.ts';
import {
  type Distribution, gain, isParticipant, least, type MarketBooks, move, type Person, type Planned, personOf, poolOf, refuse,
  resolutionOf, setDistribution, setPerson, setResolution, stakedOn, stakeOf, type Told,
} from './books.ts'; // biome-ignore format: a list

/** What an outcome comes to by the stakes as they are (market_plan and market_cut, plan_resolution.sql). */
export function planned(books: MarketBooks, outcome: string): Planned {
  const options = [...new Set(books.people.flatMap(({ staked }) => Object.keys(staked)))];
  const plan = planOf(books.terms, new Map(options.map((option) => [option, stakedOn(books, option)])), outcome);
  const stakes = books.people.map((each) => ({ userId: each.id, stake: stakeFor(plan, each, outcome) }));
  return {
    ...plan,
    cut: cutOf(
      plan,
      stakes.filter(({ stake }) => stake > 0n),
    ).cut,
  };
}

const stakeFor = ({ kind }: Pick<Planned, 'kind'>, person: Person, outcome: string): bigint =>
  kind === 'refund' ? stakeOf(person) : (person.staked[outcome] ?? 0n);

/** As market_shares (pay_users.sql). */
export const shareFor = (plan: Planned, person: Person, outcome: string): Share =>
  shareOf(plan, plan.cut, { userId: person.id, stake: stakeFor(plan, person, outcome) });

/** As cover_market.sql. */
export function cover(books: MarketBooks, nth: number): Told {
  const { state } = resolutionOf(books, nth);
  if (state !== 'PLANNING' && state !== 'WAITING_FOR_FUNDS') return refuse('stopped', books);
  if (books.isPaused) return refuse('paused', books);
  const part = least(books.missing, books.merchant);
  const { merchant, pool, missing } = books;
  const now = part > 0n ? { ...books, merchant: merchant - part, pool: pool + part, missing: missing - part } : books;
  if (now.missing > 0n) return { outcome: 'short', books: state === 'PLANNING' ? move(now, nth, 'short') : now };
  return { outcome: 'whole', books: state === 'WAITING_FOR_FUNDS' ? move(now, nth, 'funded') : now };
}

/** As plan_resolution.sql. `found`: by find_cut, before. */
export function plan(books: MarketBooks, nth: number, found: Planned): Told {
  const resolution = resolutionOf(books, nth);
  if (resolution.plan) return refuse('already', books);
  if (resolution.state !== 'PLANNING') return refuse('stopped', books);
  if (books.pool !== poolOf(books)) throw new Error(`it cannot be planned: the pool holds ${books.pool}`);
  return { outcome: 'planned', books: move(setResolution(books, nth, { plan: found }), nth, 'planned') };
}

/** As pay_users.sql. */
export function payUsers(books: MarketBooks, nth: number, ids: readonly string[]): Told {
  const { state, outcome, plan: its } = resolutionOf(books, nth);
  if (state !== 'PAYING') return refuse('stopped', books);
  if (books.isPaused) return refuse('paused', books);
  if (!its) throw new Error('it is paid without a plan');
  let now = books;
  const apart: string[] = [];
  for (const id of ids) {
    const person = personOf(now, id);
    const { distributions, paidUsers } = resolutionOf(now, nth);
    const known = distributions[id];
    if (!isParticipant(person) || (known && known.state !== 'failed')) continue;
    const { payout } = shareFor(its, person, outcome);
    const failure = payout > 0n && person.frozen ? 'user_frozen' : null;
    if (failure === null && ids.length > 1 && person.debt > 0n && payout > 0n) {
      apart.push(id);
      continue;
    }
    const { toldPaid, toldUndone, disputeReason } = known ?? { toldPaid: 0, toldUndone: 0, disputeReason: null };
    const isPaid = failure === null;
    const row: Distribution = {
      state: isPaid ? 'completed' : 'failed',
      failure,
      payout,
      disputeReason,
      toldPaid: toldPaid + (isPaid ? 1 : 0),
      toldUndone,
    };
    now = setDistribution(now, nth, id, row);
    if (isPaid) now = setResolution(gain({ ...now, pool: now.pool - payout }, id, payout), nth, { paidUsers: paidUsers + 1 });
  }
  return { outcome: 'done', books: now, apart };
}

const failedOf = (books: MarketBooks, nth: number, isNeverPaid: boolean): number =>
  Object.values(resolutionOf(books, nth).distributions).filter(
    ({ state, failure }) => failure !== null && (state === 'failed') === isNeverPaid,
  ).length;

/** As stop_resolution (end_paying.sql): also for a reason that only the activity knows. */
export function stop(books: MarketBooks, nth: number): Told {
  const { state, isWindowOver } = resolutionOf(books, nth);
  if (!RESOLUTION.edgeOf(state, 'stopped') || (state === 'DISPUTE_WINDOW' && !isWindowOver)) return refuse('elsewhere', books);
  return { outcome: 'stopped', books: move(books, nth, 'stopped') };
}

/** As end_paying.sql. */
export function endPaying(books: MarketBooks, nth: number): Told {
  const { state, paidUsers, outcome, plan: its } = resolutionOf(books, nth);
  if (state !== 'PAYING') return refuse('elsewhere', books);
  const failed = failedOf(books, nth, true);
  if (paidUsers + failed < books.people.filter(isParticipant).length) return refuse('more', books);
  if (failed > 0) return stop(books, nth);
  if (books.isPaused) return refuse('paused', books);
  if (!its || books.pool !== its.feeTotal) throw new Error(`the pool holds ${books.pool}, and the fees are ${its?.feeTotal}`);
  if (its.creatorFee > 0n && personOf(books, books.creator).frozen) return stop(books, nth);
  const housed = { ...books, pool: 0n, merchant: books.merchant + its.houseFee };
  const paid = its.creatorFee > 0n ? gain(housed, books.creator, its.creatorFee) : housed;
  const ended = move(setResolution(paid, nth, { feesBooked: true }), nth, 'completed');
  return { outcome: 'completed', books: { ...ended, state: outcome === 'void' ? 'VOID' : 'RESOLVED' } };
}

/** As unpay_users.sql. */
export function unpayUsers(books: MarketBooks, nth: number, ids: readonly string[]): Told {
  const { state, distributions } = resolutionOf(books, nth);
  if (state !== 'ROLLING_BACK') return refuse('stopped', books);
  if (books.isPaused) return refuse('paused', books);
  const isShort = ids.some((id) => personOf(books, id).available < (distributions[id]?.payout ?? 0n));
  const isCovered = ids.length === 1 || isShort;
  let now = books;
  const apart: string[] = [];
  for (const id of ids) {
    const { frozen, available, debt } = personOf(now, id);
    const { distributions: rows, undoneUsers } = resolutionOf(now, nth);
    const row = rows[id];
    if (!row || (row.state !== 'completed' && row.state !== 'disputed')) continue;
    if (row.payout > 0n && frozen) {
      now = setDistribution(now, nth, id, { ...row, failure: 'user_frozen' });
      continue;
    }
    const back = least(row.payout, available);
    const owed = row.payout - back;
    if (owed > 0n && !isCovered) {
      apart.push(id);
      continue;
    }
    now = takeBack(setPerson(now, id, { available: available - back, debt: debt + owed }), back, owed);
    const undone: Distribution = { ...row, state: 'rolled_back', failure: null, toldUndone: row.toldUndone + 1 };
    now = setResolution(setDistribution(now, nth, id, undone), nth, { undoneUsers: undoneUsers + 1 });
  }
  return { outcome: 'done', books: now, apart };
}

/** What was there goes to the pool; what is owed the merchant covers, as far as it can. */
function takeBack(books: MarketBooks, back: bigint, owed: bigint): MarketBooks {
  const covered = least(owed, books.merchant);
  return {
    ...books,
    pool: books.pool + back + covered,
    merchant: books.merchant - covered,
    missing: books.missing + owed - covered,
  };
}

/** As end_rollback.sql. */
export function endRollback(books: MarketBooks, nth: number): Told {
  const { state, paidUsers, undoneUsers, feesBooked, plan: its } = resolutionOf(books, nth);
  if (state !== 'ROLLING_BACK') return refuse('elsewhere', books);
  const failed = failedOf(books, nth, false);
  if (undoneUsers + failed < paidUsers) return refuse('more', books);
  if (failed > 0) return stop(books, nth);
  if (books.isPaused) return refuse('paused', books);
  let now = books;
  if (feesBooked && its) {
    const { frozen, available, debt } = personOf(books, books.creator);
    if (its.creatorFee > 0n && frozen) return stop(books, nth);
    const house = least(its.houseFee, books.merchant);
    const { pool, merchant, missing } = now;
    now = { ...now, merchant: merchant - house, pool: pool + house, missing: missing + its.houseFee - house };
    const back = least(its.creatorFee, available);
    const owed = its.creatorFee - back;
    now = takeBack(setPerson(now, books.creator, { available: available - back, debt: debt + owed }), back, owed);
  }
  if (now.pool + now.missing !== poolOf(now)) throw new Error(`${now.pool} is in the pool, and ${now.missing} is missing`);
  return { outcome: 'rolled_back', books: move(setResolution(now, nth, { feesBooked: false }), nth, 'rolled_back') };
}

/** As users_left (pay_users.sql). */
export function usersLeft(books: MarketBooks, nth: number, after: string, most: number): readonly string[] {
  const { state, distributions } = resolutionOf(books, nth);
  const isLeft = (person: Person): boolean => {
    const row = distributions[person.id];
    if (state === 'PAYING') return isParticipant(person) && (!row || (row.state === 'failed' && row.failure === null));
    return state === 'ROLLING_BACK' && row !== undefined && ['completed', 'disputed'].includes(row.state) && row.failure === null;
  };
  return books.people
    .filter((each) => each.id > after && isLeft(each))
    .slice(0, most)
    .map(({ id }) => id);
}
