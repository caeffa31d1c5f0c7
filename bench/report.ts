/** What was measured, as tables, with the goals beside it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import type { BooksResult } from './books.ts';
import type { Spread } from './clock.ts';
import type { DoorResult } from './door.ts';
import type { LedgerResult } from './ledger.ts';
import type { PayoutsResult, Plan } from './payouts.ts';
import { PROCESSES } from './processes.ts';
import type { Waiting } from './waiters.ts';

const FILE = 'bench/RESULTS.md';
const HEAD = `# Measured

Written by \`npm run bench\`; each part says when, where and from which commit. The *floor* is a workflow with the same events
in the same order and nothing done in them (bench/floorWorkflow.ts): what any payout engine on this Temporal server would
have to pay. The two run in turns, so ratios hold where absolute figures depend on what else the machine did.
\`npm run bench -- --quick\` is the short form; \`--only books\` checks the books with ten million entries.

A part is one to judge by if its command has no \`--quick\` and *load before* is below 1: the machine was quiet then. What is
missed and why stands in the notes at the end.
`;

/** Before a part is measured: what else the machine is doing. */
function conditions(): string {
  const [load = 0] = loadavg();
  return `load before ${load.toFixed(1)}`;
}

/** Replaces one part of the file, or adds it. */
export function writePart(name: string, command: string, load: string, text: string): void {
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).stdout.trim() || 'unknown';
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const part = `<!-- ${name} -->\n${text}\n\n*${date} UTC · commit ${commit} · ${machine} · ${load} · \`${command}\`*\n<!-- /${name} -->\n`;
  const parts = existsSync(FILE) ? readFileSync(FILE, 'utf8').replace(/^[\s\S]*?(?=<!-- )/, '') : '';
  const old = new RegExp(`<!-- ${name} -->[\\s\\S]*<!-- /${name} -->\\n`);
  writeFileSync(FILE, `${HEAD}\n${old.test(parts) ? parts.replace(old, () => part) : `${part}\n${parts}`}`);
}
writePart.conditions = conditions;

const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const three = ({ p50, p95, p99 }: Spread) => `${ms(p50)} / ${ms(p95)} / ${ms(p99)}`;
const met = (isMet: boolean) => (isMet ? 'met' : '**missed**');

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export function payoutsReport(result: PayoutsResult, plan: Plan): string {
  const { perSecond, floorPerSecond, open, cpuMsPerPayout, floorCpuMs, memoryMb, shape, floorShape, store, webhooks } = result;
  const share = perSecond / floorPerSecond;
  const cpu = PROCESSES.reduce((sum, name) => sum + cpuMsPerPayout[name], 0);
  const at5 = open.find(({ rate }) => rate === 5);
  const worst = Math.max(...open.map(({ accept, floorAccept }) => accept.p99 / floorAccept.p99));
  const goals: (readonly [string, string, string, boolean])[] = [
    ['throughput to SUCCESS, closed loop at 50, share of the floor', '≥ 0.80 (stretch 0.90)', `${share.toFixed(2)} (${perSecond.toFixed(1)}/s of ${floorPerSecond.toFixed(1)}/s)`, share >= 0.8],
    ['acceptance p99, worst rate, times the floor', '≤ 2', worst.toFixed(2), worst <= 2],
    ['completion p50 at 5/s, times the floor', '≤ 1.5', at5 ? (at5.paid.p50 / at5.floorPaid.p50).toFixed(2) : '–', at5 !== undefined && at5.paid.p50 / at5.floorPaid.p50 <= 1.5],
    ['events of a plain payout', '≤ 16', `${shape.events} (floor ${floorShape.events})`, shape.events <= 16],
    ['workflow tasks of a plain payout', '≤ 2', `${shape.workflowTasks} (floor ${floorShape.workflowTasks})`, shape.workflowTasks <= 2],
    ['CPU per payout, all processes', '≤ 45 ms', `${cpu.toFixed(0)} ms`, cpu <= 45],
    ['webhooks behind the event at full rate, p99', '≤ 1 s', `${ms(webhooks.lag.p99)} ms, at ${webhooks.perSecond.toFixed(1)}/s (${Math.round(webhooks.arrived * 100)} % arrived)`, webhooks.lag.p99 <= 1_000],
    [`memory of the API after ${result.payouts} payouts`, '< 250 MB', `${memoryMb.api.toFixed(0)} MB`, memoryMb.api < 250],
    [`memory of the worker after ${result.payouts} payouts`, '< 400 MB', `${memoryMb.worker.toFixed(0)} MB`, memoryMb.worker < 400],
  ]; // biome-ignore format: a table
  return `## Payouts

${table(
  ['goal', 'wanted', 'measured', ''],
  goals.map(([name, wanted, measured, isMet]) => [name, wanted, measured, met(isMet)]),
)}

Latency in ms, p50 / p95 / p99, open loop, ${plan.rounds} × ${plan.seconds} s each:

${table(
  ['rate', 'accepted', 'floor', 'paid', 'floor'],
  open.map((each) => [`${each.rate}/s`, three(each.accept), three(each.floorAccept), three(each.paid), three(each.floorPaid)]),
)}

${table(
  ['per process', ...PROCESSES, 'all'],
  [
    ['CPU per payout, ms', ...PROCESSES.map((name) => cpuMsPerPayout[name].toFixed(1)), cpu.toFixed(1)],
    [
      'of these the floor alone, ms',
      ...PROCESSES.map((name) => (name === 'worker' || name === 'temporal' ? floorCpuMs[name].toFixed(1) : '')),
      (floorCpuMs.worker + floorCpuMs.temporal).toFixed(1),
    ],
    [`memory after ${result.payouts} payouts, MB`, ...PROCESSES.map((name) => memoryMb[name].toFixed(0)), ''],
  ],
)}

${table(
  ['Temporal server to its database, a payout', 'oncepay', 'floor'],
  [
    ['writes', store.oncepay.writes.toFixed(1), store.floor.writes.toFixed(1)],
    ['reads', store.oncepay.reads.toFixed(1), store.floor.reads.toFixed(1)],
  ],
)}

Accepted: from the request over HTTP to its answer (the floor is asked without an API before it). Paid: to the moment that
the books (the floor: its last activity) say so, all on one clock. CPU includes the sandbox, which stands for a PSP. Closed
loop: ${plan.rounds} rounds of ${plan.seconds} s, the median, after a warm-up. Webhooks: three of each payout, to one receiver. Writes and reads are
those that the server counts itself, its idle work among them.`;
}

export function ledgerReport({ cold, hot }: LedgerResult): string {
  const row = (name: string, { pool, pgbench }: LedgerResult['hot']) => [
    name,
    `${pool.toFixed(0)}/s`,
    pgbench === undefined ? 'no pgbench here: skipped' : `${pgbench.toFixed(0)}/s`,
    pgbench === undefined ? '–' : (pool / pgbench).toFixed(2),
    pgbench === undefined ? '–' : met(pool / pgbench >= 0.7),
  ];
  return `## Ledger: reserve()

${table(['16 callers', 'worker’s pool', 'pgbench', 'share', 'goal ≥ 0.70'], [row('10,000 merchants at random', cold), row('one merchant', hot)])}

The embedded PostgreSQL as \`npm start\` runs it (fsync on), the caller on the same machine.`;
}

export function doorReport({ get, post }: DoorResult): string {
  const row = (name: string, each: DoorResult['get']) => [
    name,
    `${each.perSecond.toFixed(0)}/s`,
    each.p50,
    each.p99,
    each.non2xx,
  ];
  return `## API

${table(['50 connections', 'answers', 'p50 ms', 'p99 ms', 'not 2xx'], [row('GET /api/v1/payouts/:id', get), row('POST /api/v1/payouts, a repeat', post)])}

One API process, authenticated, autocannon on the same machine. The POST repeats one idempotency key: what the door does
without Temporal.`;
}

export function waitersReport(results: readonly Waiting[]): string {
  const row = ({ waiters, transactionsPerSecond, cpuMsPerSecond }: Waiting) => [
    waiters,
    `${transactionsPerSecond.toFixed(1)}/s`,
    `${ms(cpuMsPerSecond)} ms`,
  ];
  return `## Waiting for a payout

${table(['requests that wait (`?wait=25`)', 'transactions', 'CPU a second, API and PostgreSQL'], results.map(row))}

All transactions of the books' database, those of workers and schedules that have nothing to do among them. Nothing happens to
the payout; what it costs to come and to go is not counted.`;
}

export function booksReport({ entries, events, payouts, fillSeconds, seconds, results }: BooksResult): string {
  const million = (count: number) => `${(count / 1e6).toFixed(1)} million`;
  const violations = results.reduce((sum, each) => sum + each.violations, 0);
  const filled = fillSeconds === undefined ? '' : ` Filling the database took ${fillSeconds.toFixed(0)} s.`;
  const slowestFirst = [...results].sort((a, b) => b.durationMs - a.durationMs);
  return `## Checking the books

${table(['goal', 'wanted', 'measured', ''], [[`\`checkInvariants\` on ${million(entries)} entries`, '< 60 s', `${seconds.toFixed(1)} s`, met(seconds < 60)]])}

${million(payouts)} payouts, ${million(entries)} ledger entries, ${million(events)} events; ${violations} violations.${filled} On two
connections with one snapshot; invariants marked * share passes over the books, and have the time of the whole passes.

${table(
  ['invariant', 's'],
  slowestFirst.map(({ name, durationMs, isShared }) => [isShared ? `${name} *` : name, (durationMs / 1_000).toFixed(1)]),
)}`;
}
