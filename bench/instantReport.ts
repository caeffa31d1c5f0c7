/** What was measured of withdrawals paid person to person. The issue names no goals: rates stand beside a credit's in the same run. */
import { CONCURRENCY } from './house.ts';
import { type InstantResult, type Rate, SLICES } from './instant.ts';
import { table, three } from './report.ts';

export function instantReport(result: InstantResult): string {
  const { plan, credits, claims, deposits, proofs, openedPerSecond, imagesPerSecond } = result;
  const line = (name: string, rate: Rate) => [
    name,
    `${rate.perSecond.toFixed(0)}/s`,
    (rate.perSecond / credits.perSecond).toFixed(2),
    three(rate.answered),
  ];
  return `## Instant payouts

${table(
  [`over ${plan.open} open slices`, 'rate', '÷ credits', 'answered in ms, p50 / p95 / p99'],
  [
    line('claims of a named slice', claims),
    line('deposits that are given a free slice', deposits),
    line('proofs, with their screenshots, credited at once', proofs),
    line('credits of users, the baseline', credits),
  ],
)}

By ${CONCURRENCY} clients at once over HTTP, with the API, the worker, Temporal (a workflow for each slice and each withdrawal), PostgreSQL and the
clients on the same machine. The slices were opened at ${openedPerSecond.toFixed(0)}/s, ${plan.open / SLICES} withdrawals of ${SLICES}, one after the other. Reading a screenshot and making it
anew alone goes at ${imagesPerSecond.toFixed(0)}/s on one core.`;
}
