/**
 * The newest payouts of those that are asked for: every list of payouts is read here. A list costs what it shows, whatever it
 * is filtered by and however rare that is: payouts lie in piles (of one balance and state; of one state, currency, mode and
 * kind; …), each of them in the order of ids in one index, and a list takes a page from the top of each pile that it is about
 * and the newest of those. No pile is ever walked through in search of what suits.
 *
 * `created_at` is in no index of its own, which each payout would pay for: ids sort by the time at which they were allotted,
 * so that a range of times is a range of ids, but for the payouts that were taken in long after (is_payout_apart in the
 * baseline migration). These are few, and have an index.
 */
import type { Pool } from 'pg';
import { firstIdAt } from '../rules/ids.ts';
import type { Mode, PayoutRecord } from './rules/contract.ts';
import { PAYOUT_KIND_NAMES, type PayoutKind } from './rules/kinds.ts';
import { ALL_STATES, type PayoutState } from './rules/machine.ts';

export interface PayoutFilter {
  /** Whose balance pays. */
  readonly ownerId?: string | undefined;
  readonly ownerKind?: PayoutKind | undefined;
  /** Whose own payout it is, or their people's. */
  readonly merchantId?: string | undefined;
  readonly mode?: Mode | undefined;
  readonly kind?: PayoutKind | undefined;
  readonly currency?: string | undefined;
  readonly states?: readonly PayoutState[] | undefined;
  readonly reference?: string | undefined;
  readonly needsOperator?: boolean | undefined;
  /** Both ends belong to the range. */
  readonly createdFrom?: string | undefined;
  readonly createdTo?: string | undefined;
  /** One more condition on a payout `x`, that nearly all of its pile fulfil. */
  readonly also?: ((bind: Bind) => string) | undefined;
  /** Older than this one. */
  readonly after: string | undefined;
  readonly take: number;
}

/** Gives a value to the statement, and its name in it. */
export type Bind = (value: unknown) => string;

/** A minute, as in is_payout_apart: as long as it usually takes at most from an id to its payout, and as wrong as clocks usually are. */
const APART_MS = 60_000;

/** The newest first. */
export async function newestPayouts(pool: Pool, filter: PayoutFilter): Promise<PayoutRecord[]> {
  const values: unknown[] = [];
  const ids = newestIds(filter, (value) => `$${values.push(value)}`);
  // A record is made of the rows of the page only, hence the inner query.
  const sql = `SELECT payout_record(p) AS payout FROM (${ids}) q JOIN payouts p ON p.id = q.id ORDER BY p.id DESC`;
  const { rows } = await pool.query<{ payout: PayoutRecord }>(sql, values);
  return rows.map(({ payout }) => payout);
}

/** As many as an index gives in a few milliseconds; no connection is held between two pages. */
const PAGE = 500;

/** All that are asked for, a page at a time, for whoever takes them as they come. */
export async function* allPayouts(pool: Pool, filter: Omit<PayoutFilter, 'after' | 'take'>): AsyncGenerator<PayoutRecord[]> {
  let after: string | undefined;
  for (;;) {
    const page = await newestPayouts(pool, { ...filter, after, take: PAGE });
    yield page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id;
  }
}

/** Their ids, for a reader who wants to see something else of them. */
export function newestIds(filter: PayoutFilter, bind: Bind): string {
  const take = bind(filter.take);
  const sources = sourcesOf(filter, bind, take).map((each) => `(${each})`);
  return `SELECT u.id FROM (${sources.join(' UNION ALL ')}) u ORDER BY u.id DESC LIMIT ${take}`;
}

function sourcesOf(filter: PayoutFilter, bind: Bind, take: string): string[] {
  const { reference, needsOperator, createdFrom, createdTo } = filter;
  const conditions = conditionsOf(filter, bind);
  // Those that are few are found first and then judged: OFFSET 0 keeps PostgreSQL from doing it the other way round.
  const few = (is: string) => {
    const where = [...conditions];
    if (filter.states) where.push(`x.state = ANY (${bind(filter.states)})`);
    if (filter.after !== undefined) where.push(`x.id < ${bind(filter.after)}`);
    const judged = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    return `SELECT x.id FROM (SELECT * FROM payouts y WHERE ${is} OFFSET 0) x ${judged} ORDER BY x.id DESC LIMIT ${take}`;
  };
  if (reference !== undefined) return [few(`y.reference = ${bind(reference)}`)]; // as many as merchants chose it
  if (needsOperator) return [few('y.needs_operator')];
  const from = idsFrom(createdFrom);
  const to = idsTo(createdTo);
  const isCut = filter.after !== undefined && filter.after < to;
  const ids = { from: bind(from), to: bind(isCut ? filter.after : to) };
  const near = pilesOf(filter, bind, { ids, conditions, take });
  if (createdFrom === undefined && createdTo === undefined) return near;
  const times = [createdFrom && `y.created_at >= ${bind(createdFrom)}`, createdTo && `y.created_at <= ${bind(createdTo)}`];
  const apart = `is_payout_apart(y.id, y.created_at) AND NOT (y.id >= ${bind(from)} AND y.id < ${bind(to)})`;
  return [...near, few([apart, ...times.filter((each) => each !== undefined)].join(' AND '))];
}

const idsFrom = (time: string | undefined): string => firstIdAt('po', time === undefined ? 0 : Date.parse(time) - APART_MS);
/** Exclusive. No digit of an id is a `g`. */
const idsTo = (time: string | undefined): string =>
  time === undefined ? 'po_g' : firstIdAt('po', Date.parse(time) + APART_MS + 1);

/** What holds of each payout `x`, but for its state, its id and what a source is found by. */
function conditionsOf(filter: PayoutFilter, bind: Bind): string[] {
  const { ownerId, ownerKind, merchantId, mode, kind, currency, needsOperator, createdFrom, createdTo, also } = filter;
  const where: string[] = [];
  const add = (value: unknown, condition: string) => value !== undefined && where.push(`${condition} ${bind(value)}`);
  add(ownerId, 'x.owner_id =');
  add(ownerKind, 'x.owner_kind =');
  add(merchantId, 'x.merchant_id =');
  add(mode, 'x.mode =');
  add(kind, 'x.kind =');
  add(currency, 'x.currency =');
  add(createdFrom, 'x.created_at >=');
  add(createdTo, 'x.created_at <=');
  if (needsOperator === false) where.push('NOT x.needs_operator');
  if (also) where.push(also(bind));
  return where;
}

interface Cut {
  /** The first and, exclusive, the last of a page's ids. */
  readonly ids: { readonly from: string; readonly to: string };
  readonly conditions: readonly string[];
  readonly take: string;
}

/** The piles that a list is about, and a page from the top of each. */
function pilesOf(filter: PayoutFilter, bind: Bind, cut: Cut): string[] {
  const { ownerId, merchantId, mode, kind, currency, states } = filter;
  const wanted = () => `unnest(${bind(states ?? ALL_STATES)}::text[]) AS s (state)`;
  // Of one state only where it is asked for: until PostgreSQL has cleared up, a state that payouts only pass through is full of
  // those that have left it.
  const ofBalances = (balances: string) =>
    states === undefined
      ? topsOf(`(${balances}) b`, [], ['balance_id', 'b.id'], cut)
      : topsOf(`(${balances}) b CROSS JOIN ${wanted()}`, ['x.balance_id = b.id'], ['state', 's.state'], cut);
  if (ownerId !== undefined) return [ofBalances(balancesOf(filter, ownerId, bind))];
  if (merchantId !== undefined) {
    const own = () => ofBalances(balancesOf({ ...filter, ownerKind: 'merchant' }, merchantId, bind));
    const peoples = () => {
      const modes = `unnest(${bind(mode === undefined ? MODES : [mode])}::text[]) AS m (mode)`;
      const is = [`x.kind <> 'merchant'`, `x.merchant_id = ${bind(merchantId)}`, 'x.mode = m.mode'];
      return topsOf(`${modes} CROSS JOIN ${wanted()}`, is, ['state', 's.state'], cut);
    };
    return [...(kind === undefined || kind === 'merchant' ? [own()] : []), ...(kind === 'merchant' ? [] : [peoples()])];
  }
  if ((states ?? mode ?? kind ?? currency) === undefined) {
    const where = [`x.id >= ${cut.ids.from}`, `x.id < ${cut.ids.to}`, ...cut.conditions];
    return [`SELECT x.id FROM payouts x WHERE ${where.join(' AND ')} ORDER BY x.id DESC LIMIT ${cut.take}`];
  }
  const is = [`p.state = ANY (${bind(states ?? ALL_STATES)})`];
  if (currency !== undefined) is.push(`p.currency = ${bind(currency)}`);
  if (mode !== undefined) is.push(`p.mode = ${bind(mode)}`);
  if (kind !== undefined) is.push(`p.kind = ${bind(kind)}`);
  const piles = `(SELECT * FROM (${PILES_IN_USE}) p WHERE ${is.join(' AND ')}) s`;
  return [topsOf(piles, ['x.state = s.state', 'x.currency = s.currency', 'x.mode = s.mode'], ['kind', 's.kind'], cut)];
}

/**
 * A page from the top of each pile. The last column of what makes a pile is compared together with the id, and ordered by
 * together with it: so the pile's own index is the only one that has this order, and however wrong PostgreSQL's guess of how
 * common the pile is, it does not walk through all payouts in the order of their ids instead. Nearly all of a pile fulfil the
 * conditions, several of which say the same as the pile; PostgreSQL would multiply their chances, think the pile next to empty
 * and read and sort all of it: a CASE it takes for one half.
 */
function topsOf(
  piles: string,
  is: readonly string[],
  [column, value]: readonly [string, string],
  { ids, conditions, take }: Cut,
): string {
  const range = `(x.${column}, x.id) >= (${value}, ${ids.from}) AND (x.${column}, x.id) < (${value}, ${ids.to})`;
  const judged = conditions.length === 0 ? [] : [`CASE WHEN ${conditions.join(' AND ')} THEN true ELSE false END`];
  return `
    SELECT n.id FROM ${piles} CROSS JOIN LATERAL (
      SELECT x.id FROM payouts x WHERE ${[...is, range, ...judged].join(' AND ')} ORDER BY x.${column} DESC, x.id DESC LIMIT ${take}) n`;
}

const MODES = ['test', 'live'] as const satisfies readonly Mode[];

/** Few: an owner has one in each currency and mode. */
function balancesOf({ ownerKind, mode, currency }: PayoutFilter, ownerId: string, bind: Bind): string {
  const is = [`owner_id = ${bind(ownerId)}`, `mode = ANY (${bind(mode === undefined ? MODES : [mode])})`];
  is.push(`owner_kind = ANY (${bind(ownerKind === undefined ? PAYOUT_KIND_NAMES : [ownerKind])})`);
  if (currency !== undefined) is.push(`currency = ${bind(currency)}`);
  return `SELECT id FROM balances WHERE ${is.join(' AND ')}`;
}

const PILE_OF = (row: string): string => ['state', 'currency', 'mode', 'kind'].map((column) => `${row}.${column}`).join(', ');

/** Those that there are, found one after the other in the index: dozens, of thousands that there could be. */
const PILES_IN_USE = `
  WITH RECURSIVE pile AS (
    (SELECT ${PILE_OF('y')} FROM payouts y ORDER BY ${PILE_OF('y')} LIMIT 1)
    UNION ALL
    SELECT next.* FROM pile CROSS JOIN LATERAL (
      SELECT ${PILE_OF('y')} FROM payouts y WHERE (${PILE_OF('y')}) > (${PILE_OF('pile')}) ORDER BY ${PILE_OF('y')} LIMIT 1) next)
  SELECT * FROM pile`;
