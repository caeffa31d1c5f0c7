/** The figures in the words of the API. */
import { PUBLIC_STATUS } from '../payouts/rules/machine.ts';
import { formatMajor } from '../rules/money.ts';
import { healthOf, PSP_WORDS, type PspCounts, percentileMs, successRate } from './rules/figures.ts';
import type { FailingReceiver, Oldest, OutcomeCount, StateCount, Totals } from './rules/totals.ts';

/** What a state of a flow is called by whoever reads: ours by default. */
export type Naming = (flow: string, state: string) => string;

export const asItIs: Naming = (_flow, state) => state;

/** As merchants know payouts, their providers' too; `created` is no state. */
export const asMerchants: Naming = (flow, state) =>
  flow.endsWith('payouts') ? ((PUBLIC_STATUS as Readonly<Record<string, string>>)[state] ?? state) : state;

interface Sums {
  count: number;
  minor: bigint;
}

/** Rows that have the same name now are one. */
function named<Row extends StateCount | OutcomeCount>(
  rows: readonly Row[],
  nameOf: (row: Row) => string,
): (Sums & { name: string; row: Row })[] {
  const sums = new Map<string, Sums & { name: string; row: Row }>();
  for (const row of rows) {
    const name = nameOf(row);
    const key = [row.mode, row.flow, row.currency, 'from' in row ? row.from : '', name].join(' ');
    const before = sums.get(key);
    sums.set(key, { name, row, count: (before?.count ?? 0) + row.count, minor: (before?.minor ?? 0n) + BigInt(row.amountMinor) });
  }
  return [...sums.values()];
}

const ofRow = ({ mode, flow, currency }: { mode: string; flow: string; currency: string }) => ({
  livemode: mode === 'live',
  flow,
  currency,
});

const outcomes = (rows: readonly OutcomeCount[], span: OutcomeCount['span'], naming: Naming) =>
  named(
    rows.filter((row) => row.span === span),
    ({ flow, outcome }) => naming(flow, outcome),
  ).map(({ name, row, count, minor }) => ({
    from: row.from,
    ...ofRow(row),
    outcome: name,
    count,
    amount: formatMajor(minor, row.currency),
  }));

const OVER = { hours: 'hour', days: 'day' } as const;

/** Of payouts of each currency that came to an end in this time. */
function ratesOf({ outcomes: rows, took }: Totals, over: keyof typeof OVER) {
  const ended = rows.filter(({ span, outcome }) => span === OVER[over] && (outcome === 'SUCCEEDED' || outcome === 'FAILED'));
  const keys = new Map(ended.map((row) => [[row.mode, row.flow, row.currency].join(' '), row]));
  return [...keys.values()].map((key) => {
    const isSame = (row: { mode: string; flow: string; currency: string }) =>
      row.mode === key.mode && row.flow === key.flow && row.currency === key.currency;
    const count = (outcome: string) =>
      ended.filter((row) => isSame(row) && row.outcome === outcome).reduce((sum, row) => sum + row.count, 0);
    const [succeeded, failed] = [count('SUCCEEDED'), count('FAILED')];
    const steps = took.filter((row) => row.span === OVER[over] && isSame(row));
    const timeToPaidMs = { p50: percentileMs(steps, 0.5), p95: percentileMs(steps, 0.95) };
    return { ...ofRow(key), over, succeeded, failed, successRate: successRate(succeeded, failed), timeToPaidMs };
  });
}

const IN_REVIEW = ['IN_REVIEW', 'REVIEW_ON_HOLD'];

export interface Shared {
  readonly totals: Totals;
  readonly oldest: Oldest | undefined;
  readonly failing: readonly FailingReceiver[];
}

export function presentOverview({ totals, oldest, failing }: Shared, naming: Naming) {
  const waiting = totals.states.filter(({ state }) => IN_REVIEW.includes(state)).reduce((sum, { count }) => sum + count, 0);
  return {
    object: 'overview' as const,
    asOf: totals.asOf,
    states: named(totals.states, ({ flow, state }) => naming(flow, state)).map(({ name, row, count, minor }) => ({
      ...ofRow(row),
      state: name,
      count,
      amount: formatMajor(minor, row.currency),
    })),
    rates: [...ratesOf(totals, 'hours'), ...ratesOf(totals, 'days')],
    review: { waiting, oldestSince: oldest?.since.toISOString() ?? null, oldestAgeSeconds: oldest?.ageSeconds ?? null },
    receivers: {
      failing: failing.length,
      data: failing.map(({ id, merchantId, endpointId, mode, since }) => ({
        id,
        merchantId,
        endpointId,
        livemode: mode === 'live',
        since: since.toISOString(),
      })),
    },
    hours: outcomes(totals.outcomes, 'hour', naming),
    days: outcomes(totals.outcomes, 'day', naming),
  };
}

/** @param configured by name and mode. */
export function presentPsps({ psps }: Totals, configured: readonly { readonly name: string; readonly mode: string }[]) {
  return configured.map(({ name, mode }) => {
    const count = (word: string) =>
      psps.filter((row) => row.psp === name && row.mode === mode && row.word === word).reduce((sum, row) => sum + row.count, 0);
    const requests = Object.fromEntries(PSP_WORDS.map((word) => [word, count(word)])) as PspCounts;
    return { name, livemode: mode === 'live', health: healthOf(requests), requests };
  });
}
