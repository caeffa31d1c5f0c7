/** What was measured, as tables, with the goals beside it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import type { BooksResult } from './books.ts';
import type { Spread } from './clock.ts';
import type { DoorResult } from './door.ts';
import type { LedgerResult } from './ledger.ts';
import type { Closed, OpenResult, PayoutsResult, Plan } from './payouts.ts';
import { PROCESSES, type ProcessName } from './processes.ts';
import type { Waiting } from './waiters.ts';

const FILE = 'bench/RESULTS.md';
const HEAD = `# Measured

Written by \`npm run bench\`; each part says when, where and from which commit. The *floor* is a workflow with the same events
in the same order and nothing done in them (bench/floorWorkflow.ts): what any payout engine on this Temporal server would
have to pay. They run in turns, so ratios hold where absolute figures depend on what else the machine did.
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

/** Of Temporal's events a payout: fewer than one payout in twenty has one more, which is nothing that a webhook costs. */
export const isNone = (more: number): boolean => Math.abs(more) < 0.05;

export const ms = (value: number) => value.toFixed(value < 10 ? 1 : 0);
export const three = ({ p50, p95, p99 }: Spread) => `${ms(p50)} / ${ms(p95)} / ${ms(p99)}`;
const met = (isMet: boolean) => (isMet ? 'met' : '**missed**');

/** @param goals what, how much is wanted, what was measured, and whether that is enough. */
export const goalsTable = (goals: readonly (readonly [string, string, string, boolean])[]): string =>
  table(
    ['goal', 'wanted', 'measured', ''],
    goals.map(([name, wanted, measured, isMet]) => [name, wanted, measured, met(isMet)]),
  );

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export function payoutsReport(result: PayoutsResult, plan: Plan): string {
  const { open, memoryMb, shape, floorShape, webhooks } = result;
  const { oncepay: plain, 'with endpoints': told, floor } = result.closed;
  const times = told.perSecond / plain.perSecond;
  const share = { plain: plain.perSecond / floor.perSecond, told: told.perSecond / floor.perSecond };
  const cpuOf = ({ cpuMs }: Closed, but?: ProcessName) =>
    PROCESSES.reduce((sum, name) => sum + (name === but ? 0 : cpuMs[name]), 0);
  const cpu = { plain: cpuOf(plain, 'sandbox'), told: cpuOf(told, 'sandbox') };
  const floorCpu = floor.cpuMs.floor + floor.cpuMs.temporal;
  const more = told.events - plain.events;
  const at = (rate: number) => open.find((each) => each.rate === rate);
  const [at5, at20] = [at(5), at(20)];
  const accepted = ({ accept, floorAccept }: OpenResult) => accept.p99 / floorAccept.p99;
  const worst = Math.max(...open.map(accepted));
  const goals: (readonly [string, string, string, boolean])[] = [
    ['payouts to SUCCESS, closed loop at 50: with one endpoint, times without', '≥ 0.92', `${times.toFixed(2)} (${told.perSecond.toFixed(1)}/s of ${plain.perSecond.toFixed(1)}/s)`, times >= 0.92],
    ['the same without an endpoint, share of the floor', '≥ 0.70 (stretch 0.75)', `${share.plain.toFixed(2)} (of ${floor.perSecond.toFixed(1)}/s)`, share.plain >= 0.7],
    ['with one endpoint, share of the floor', '≥ 0.65 (stretch 0.70)', share.told.toFixed(2), share.told >= 0.65],
    ['acceptance p99 at 20/s, times the floor', '≤ 2', at20 ? accepted(at20).toFixed(2) : '–', at20 !== undefined && accepted(at20) <= 2],
    ['acceptance p99, worst rate, times the floor', '≤ 2', worst.toFixed(2), worst <= 2],
    ['completion p50 at 5/s, times the floor', '≤ 1.5', at5 ? (at5.paid.p50 / at5.floorPaid.p50).toFixed(2) : '–', at5 !== undefined && at5.paid.p50 / at5.floorPaid.p50 <= 1.5],
    ['events of a plain payout', '≤ 16', `${shape.events} (floor ${floorShape.events})`, shape.events <= 16],
    ['workflow tasks of a plain payout', '≤ 2', `${shape.workflowTasks} (floor ${floorShape.workflowTasks})`, shape.workflowTasks <= 2],
    ['Temporal’s events, in all workflows, more for a payout with an endpoint', '0', `${more.toFixed(2)} (${plain.events.toFixed(2)} without)`, isNone(more)],
    ['CPU per payout without an endpoint, all processes but the sandbox', '≤ 62 ms', `${cpu.plain.toFixed(0)} ms (floor ${floorCpu.toFixed(0)} ms)`, cpu.plain <= 62],
    ['CPU per payout with one endpoint, all processes but the sandbox', '≤ 68 ms', `${cpu.told.toFixed(0)} ms`, cpu.told <= 68],
    ['webhooks behind the event at full rate, p99', '≤ 1 s', `${ms(webhooks.lag.p99)} ms (${Math.round(webhooks.arrived * 100)} % arrived)`, webhooks.lag.p99 <= 1_000 && webhooks.arrived >= 1],
    [`memory of the API after ${result.payouts} payouts`, '< 250 MB', `${memoryMb.api.toFixed(0)} MB`, memoryMb.api < 250],
    [`memory of the worker after ${result.payouts} payouts`, '< 400 MB', `${memoryMb.worker.toFixed(0)} MB`, memoryMb.worker < 400],
  ]; // biome-ignore format: a table
  return `## Payouts

${goalsTable(goals)}

Latency in ms, p50 / p95 / p99, open loop, ${plan.rounds} × ${plan.seconds} s each:

${table(
  ['rate', 'accepted', 'floor', 'paid', 'floor'],
  open.map((each) => [`${each.rate}/s`, three(each.accept), three(each.floorAccept), three(each.paid), three(each.floorPaid)]),
)}

${table(
  ['per process', ...PROCESSES, 'all'],
  [
    ['CPU per payout, ms', ...PROCESSES.map((name) => plain.cpuMs[name].toFixed(1)), cpuOf(plain).toFixed(1)],
    ['with one endpoint, ms', ...PROCESSES.map((name) => told.cpuMs[name].toFixed(1)), cpuOf(told).toFixed(1)],
    [
      'the floor alone, ms',
      ...PROCESSES.map((name) => (name === 'worker' ? floor.cpuMs.floor : name === 'temporal' ? floor.cpuMs.temporal : 0)).map(
        (each) => (each === 0 ? '' : each.toFixed(1)),
      ),
      floorCpu.toFixed(1),
    ],
    [`memory after ${result.payouts} payouts, MB`, ...PROCESSES.map((name) => memoryMb[name].toFixed(0)), ''],
  ],
)}

${table(
  ['Temporal server to its database, a payout', 'oncepay', 'with one endpoint', 'floor'],
  [
    ['writes', plain.store.writes.toFixed(1), told.store.writes.toFixed(1), floor.store.writes.toFixed(1)],
    ['reads', plain.store.reads.toFixed(1), told.store.reads.toFixed(1), floor.store.reads.toFixed(1)],
  ],
)}

Accepted: from the request over HTTP to its answer (the floor is asked without an API before it). Paid: to the moment that
the books (the floor: its last activity) say so, all on one clock. The table of CPU includes the sandbox, which stands for a
PSP. Closed loop: ${plan.rounds} rounds of ${plan.seconds} s each in turns, the medians, after a warm-up. The endpoint is another merchant’s; it gets three
webhooks of each payout, and its CPU, writes, reads and events are counted until the last one is delivered. Writes and reads
are those that the server counts itself, its idle work among them.`;
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

${goalsTable([[`\`checkInvariants\` on ${million(entries)} entries`, '< 60 s', `${seconds.toFixed(1)} s`, seconds < 60]])}

${million(payouts)} payouts, ${million(entries)} ledger entries, ${million(events)} events; ${violations} violations.${filled} On two
connections with one snapshot; invariants marked * share passes over the books, and have the time of the whole passes.

${table(
  ['invariant', 's'],
  slowestFirst.map(({ name, durationMs, isShared }) => [isShared ? `${name} *` : name, (durationMs / 1_000).toFixed(1)]),
)}`;
}
