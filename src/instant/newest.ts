/**
 * The newest withdrawals of those that operators ask for. A list costs what it shows, as src/payouts/newest.ts has it: withdrawals lie
 * in piles (of all; of one state; of one merchant, mode and state), each in the order of ids in one index, and a page is taken from the
 * top of each pile that it is about. What names few of them is found first, and then judged.
 */
import type { Sql } from '../db/pool.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import type { InstantPayoutState } from './rules/payoutMachine.ts';
import type { InstantPayoutRecord } from './rules/records.ts';

export interface WithdrawalFilter {
  readonly status?: InstantPayoutState | undefined;
  readonly merchantId?: string | undefined;
  readonly reference?: string | undefined;
  /** That was shown for one of its slices. */
  readonly utr?: string | undefined;
  readonly batchId?: string | undefined;
  /** That has, or had, one of its slices. */
  readonly payinId?: string | undefined;
  /** Older than this one. */
  readonly before: string | undefined;
  readonly take: number;
}

const MODES = ['test', 'live'] as const satisfies readonly Mode[];

type Bind = (value: unknown) => string;

export async function newestWithdrawals(pool: Sql, filter: WithdrawalFilter): Promise<InstantPayoutRecord[]> {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const take = bind(filter.take);
  const sources = sourcesOf(filter, bind, take).map((each) => `(${each})`);
  const { rows } = await pool.query<{ record: InstantPayoutRecord }>(
    `SELECT instant_payout_record(w) AS record
       FROM (SELECT u.id FROM (${sources.join(' UNION ALL ')}) u ORDER BY u.id DESC LIMIT ${take}) q JOIN instant_payouts w ON w.id = q.id ORDER BY w.id DESC`,
    values,
  );
  return rows.map(({ record }) => record);
}

function sourcesOf(filter: WithdrawalFilter, bind: Bind, take: string): string[] {
  const { status, merchantId, before } = filter;
  const is = (column: string, value: string | undefined): string[] =>
    value === undefined ? [] : [`w.${column} = ${bind(value)}`];
  const older = before === undefined ? [] : [`w.id < ${bind(before)}`];
  const state = is('state', status);
  const named = namedBy(filter, bind);
  if (named.length > 0) {
    // OFFSET 0 keeps PostgreSQL from walking all of them in search of these few.
    const few = `SELECT * FROM instant_payouts y WHERE ${named.join(' AND ')} OFFSET 0`;
    return [
      `SELECT w.id FROM (${few}) w ${where([...state, ...is('merchant_id', merchantId), ...older])} ORDER BY w.id DESC LIMIT ${take}`,
    ];
  }
  const pile = (conditions: readonly string[], order: string): string =>
    `SELECT w.id FROM instant_payouts w ${where([...conditions, ...older])} ORDER BY ${order} LIMIT ${take}`;
  const byState = state.length > 0 ? 'w.state DESC, ' : ''; // so that only the index has this order
  if (merchantId === undefined) return [pile(state, `${byState}w.id DESC`)];
  const own = is('merchant_id', merchantId);
  return MODES.map((mode) =>
    pile([...own, ...is('mode', mode), ...state], `w.merchant_id DESC, w.mode DESC, ${byState}w.id DESC`),
  );
}

/** Conditions on a withdrawal `y` that few fulfil, each found by a key. */
function namedBy({ reference, utr, batchId, payinId }: WithdrawalFilter, bind: Bind): string[] {
  const ofBatches = (ids: string): string => `y.id IN (SELECT b.instant_payout_id FROM instant_batches b WHERE b.id IN (${ids}))`;
  return [
    ...(reference === undefined ? [] : [`y.reference = ${bind(reference)}`]),
    ...(utr === undefined
      ? []
      : [ofBatches(`SELECT u.batch_id FROM used_utrs u WHERE u.mode = ANY (${bind(MODES)}) AND u.utr = ${bind(utr)}`)]),
    ...(batchId === undefined ? [] : [ofBatches(bind(batchId))]),
    ...(payinId === undefined
      ? []
      : [ofBatches(`SELECT a.batch_id FROM instant_assignments a WHERE a.payin_id = ${bind(payinId)}`)]),
  ];
}

const where = (conditions: readonly string[]): string => (conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`);
