/** What was measured of webhooks alone and of payouts beside them, with the goals beside it. */
import type { Beside, NeighboursPlan } from './neighbours.ts';
import type { BacklogResult, LagResult } from './relay.ts';
import { goalsTable, isNone, ms, table, three } from './report.ts';

export interface RelayResult {
  readonly backlog: BacklogResult;
  readonly lag: LagResult;
  readonly neighbours: readonly Beside[];
}

/** Memory that is flat: a heap breathes by so much between two collections. */
const FLAT = 1.2;

export function relayReport({ backlog, lag, neighbours }: RelayResult, plan: NeighboursPlan): string {
  const { memoryMb } = backlog;
  const growth = memoryMb.end / memoryMb.tenth;
  const dead = neighbours.flatMap(({ kind, waiting, quiet, beside, quietRestarted, besideRestarted, events }) => {
    const times = { beside: beside.p50 / quiet.p50, restarted: besideRestarted.p50 / quietRestarted.p50 };
    const more = events.beside - events.quiet;
    const name = `another merchant’s payout, p50, beside ${waiting} deliveries to ten endpoints, each of which ${kind}`;
    return [
      [`${name}, ÷ quiet`, '≤ 1.2', `${times.beside.toFixed(2)} (${ms(beside.p50)} ÷ ${ms(quiet.p50)} ms)`, times.beside <= 1.2],
      ['the same after a restart with that backlog, ÷ a restart without', '≤ 1.2', `${times.restarted.toFixed(2)} (${ms(besideRestarted.p50)} ÷ ${ms(quietRestarted.p50)} ms)`, times.restarted <= 1.2],
      ['Temporal’s events a payout meanwhile, more than quiet', '0', `${more.toFixed(2)} (${events.quiet.toFixed(2)} quiet)`, isNone(more)],
    ] as const;
  }); // biome-ignore format: a table
  return `## The relay

${goalsTable([
  [`backlog of ${backlog.deliveries} to one healthy receiver that takes 20 ms, one worker’s relay`, '≥ 300/s', `${backlog.perSecond.toFixed(0)}/s`, backlog.perSecond >= 300],
  ['memory of the relay at its end ÷ after a tenth of it', `flat: ≤ ${FLAT}`, `${growth.toFixed(2)} (${ms(memoryMb.end)} ÷ ${ms(memoryMb.tenth)} MB)`, growth <= FLAT],
  ['a healthy receiver’s lag beside 50 that never answer, p99', '≤ 1 s', `${ms(lag.beside.lag.p99)} ms (${Math.round(lag.beside.arrived * 100)} % of ${lag.beside.events} arrived)`, lag.beside.lag.p99 <= 1_000 && lag.beside.arrived >= 1],
  ...dead,
])}

${table(
  ['ms, p50 / p95 / p99', 'quiet', 'beside dead endpoints'],
  [
    ['event → receiver', three(lag.quiet.lag), three(lag.beside.lag)],
    ...neighbours.flatMap(({ kind, quiet, beside, quietRestarted, besideRestarted }) => [
      [`payout → paid; each ${kind}`, three(quiet), three(beside)],
      ['right after a restart', three(quietRestarted), three(besideRestarted)],
    ]),
  ],
)}

Backlog: the relay’s process before it ${ms(memoryMb.idle)} MB, at the most ${ms(memoryMb.most)} MB; ${ms(backlog.cpuMsEach)} ms of its CPU a delivery;
${backlog.repeats} sent twice. Relay, receiver and an embedded PostgreSQL as \`npm start\` runs it share the machine. Lag: ten events a
second; fifteen of those that hang are the healthy one’s own merchant’s, the most that it may have beside it. Payouts: two a
second for ${plan.seconds} s each, right after ${plan.payouts} payouts of the merchant with ten dead endpoints were paid.`;
} // biome-ignore format: tables
