/** What was measured of markets, with the goals beside it. */
import type { MarketsResult, Memory } from './markets.ts';
import { goalsTable, ms, three } from './report.ts';

const grown = ({ before, most }: Memory): string => `${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`;

export function marketsReport(result: MarketsResult): string {
  const { plan, rows, resolvedSeconds, bareSeconds, loopedPerSecond, quiet, beside, stakesPerSecond, creditsPerSecond } = result;
  const ofBare = bareSeconds / resolvedSeconds;
  const paidPerSecond = plan.users / resolvedSeconds;
  const ofLoop = paidPerSecond / loopedPerSecond;
  const slower = beside.p50 / quiet.p50;
  return `## Markets

${goalsTable([
  ['rows/s of a resolution ÷ a bare `INSERT … SELECT` of the same rows', '≥ 0.10', `${ofBare.toFixed(3)} (${(rows / resolvedSeconds).toFixed(0)}/s ÷ ${(rows / bareSeconds).toFixed(0)}/s)`, ofBare >= 0.1],
  ['winners/s ÷ a loop of three statements for each', '≥ 35 ×', `${ofLoop.toFixed(1)} × (${paidPerSecond.toFixed(0)}/s ÷ ${loopedPerSecond.toFixed(0)}/s)`, ofLoop >= 35],
  ["another merchant's payout at the same time, p50 ÷ quiet", '≤ 1.5', `${slower.toFixed(2)} (${ms(beside.p50)} ÷ ${ms(quiet.p50)} ms)`, slower <= 1.5],
  ['stakes on one market', '≥ 500/s', `${stakesPerSecond.toFixed(0)}/s (credits of users: ${creditsPerSecond.toFixed(0)}/s, × ${(stakesPerSecond / creditsPerSecond).toFixed(2)})`, stakesPerSecond >= 500],
  ['longest step, so that nobody who follows events is held back', '≤ 250 ms', `${ms(result.longestStepMs)} ms`, result.longestStepMs <= 250],
])}

${plan.commitments} winning commitments of ${plan.users} users: resolved in ${resolvedSeconds.toFixed(1)} s, ${rows} rows (distributions, entries, events; balances
and statistics are updated besides). The worker had ${grown(result.resolving)}. Another merchant's payouts, p50 / p95 / p99: ${three(quiet)} ms
quiet, ${three(beside)} ms beside. Imported at ${result.importedPerSecond.toFixed(0)} lines/s; the API had ${grown(result.importing)}.

Import, stakes and resolution over HTTP, with the API, the worker, Temporal, PostgreSQL and the clients on the same machine. The loop
pays ${plan.looped} winners, a transaction each, over one connection, into tables of its own without any of our checks.`;
} // biome-ignore format: a table
