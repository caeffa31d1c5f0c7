/**
 * `npm run cluster -- --restore`: backups are restored while payouts are under way (docs/runbook.md), each time with
 * APIs and workers killed in the middle, `oncepay restored` after it, and a merchant who then repeats every request under
 * its key. The sandbox's book is never restored: it is what really happened to the money.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backup, backUp } from '../harness/backup.ts';
import { BUILD, type Cluster } from './arrangement.ts';
import { type Merchant, merchantOf } from './merchant.ts';
import { brokenBooks } from './oracle.ts';
import { beginDay, type Entry, endAll, judge, repeatAll } from './restoreDay.ts';

type Say = (line: string) => void;

interface Trial {
  readonly name: string;
  /** What is restored to the moment of the backup. */
  readonly older: readonly ('books' | 'temporal')[];
  /** Temporal begins with nothing. */
  readonly isTemporalLost?: boolean;
  /** Arguments of `oncepay restored`; null: nobody thinks of it. */
  readonly command: ((backup: Backup) => readonly string[]) | null;
  /** What the books forgot, nobody remembers but the PSP: the merchant is told not to ask for it again. */
  readonly onlyPspKnows?: boolean;
}

const TRIALS: readonly Trial[] = [
  { name: 'the books are older than Temporal', older: ['books'], command: ({ at }) => ['--since', at.toISOString()] },
  { name: 'Temporal is older than the books', older: ['temporal'], command: () => [] },
  { name: 'Temporal is lost', older: [], isTemporalLost: true, command: () => [] },
  { name: 'both are older than the PSP', older: ['books', 'temporal'], command: () => ['--hold'], onlyPspKnows: true },
  { name: 'the books are older than Temporal, and nobody runs the command', older: ['books'], command: null },
];

export async function restoreBackups(cluster: Cluster, say: Say): Promise<string[]> {
  const problems: string[] = [];
  const merchant = merchantOf(cluster);
  await merchant.call('POST', '/api/v1/test/balance/fund', { amount: '50000000.00', currency: 'PKR' });
  for (const trial of TRIALS) {
    say(`── ${trial.name}`);
    const wrong = await tryOut(cluster, merchant, trial, say);
    if (trial.command) problems.push(...wrong.map((line) => `${trial.name}: ${line}`), ...(await brokenBooks(cluster)));
    for (const line of summed(wrong)) say(`  ${line}`);
    say(wrong.length === 0 ? 'nothing was paid twice, nothing that was called off was paid' : `${wrong.length} went wrong`);
    if (!trial.command && wrong.length === 0) problems.push('nothing goes wrong without the command: these trials show nothing');
  }
  return problems;
}

async function tryOut(cluster: Cluster, merchant: Merchant, trial: Trial, say: Say): Promise<string[]> {
  const { apis, workers, servers } = cluster;
  const losesTemporal = trial.isTemporalLost === true || trial.older.includes('temporal');
  const day = await beginDay(cluster, merchant, !trial.onlyPspKnows);
  const backup = await backUp(
    ...(trial.older.includes('books') ? [String(cluster.env['DATABASE_OWNER_URL'])] : []),
    ...(trial.older.includes('temporal') ? cluster.temporalDatabases : []),
  );
  const { dying } = await day.goOn();
  const victims = [...apis, ...workers, ...(losesTemporal ? servers : [])];
  await Promise.all(victims.map((each) => each.kill()));
  say(`${day.entries.length} requests; killed in the middle: ${victims.map(({ name }) => name).join(', ')}`);
  await merchant.control('DELETE', 'faults');

  await backup.restore();
  if (trial.isTemporalLost) await cluster.emptyTemporal();
  for (const each of servers) each.start();
  for (const each of servers) await each.untilWell();
  if (trial.isTemporalLost) await cluster.prepareTemporal();
  await sleep(2_000); // Temporal's list of workflows is written a moment after their histories

  const wrong = trial.command ? await runCommand(cluster, merchant, trial, trial.command(backup), day.entries, say) : [];
  for (const each of [...workers, ...apis]) each.start();
  await cluster.untilWell();
  await dying;
  const mayAskAgain = day.entries.filter(({ isNew }) => !(isNew && trial.onlyPspKnows));
  await repeatAll(merchant, mayAskAgain);
  await endAll(cluster, merchant, day.entries);
  for (const entry of day.entries) wrong.push(...(await judge(merchant, entry)));
  if (trial.command && !trial.onlyPspKnows) wrong.push(...(await findingsLeft(cluster, merchant, trial.command(backup))));
  return wrong;
}

/** When all has ended the command must find nothing any more. */
async function findingsLeft(cluster: Cluster, merchant: Merchant, args: readonly string[]): Promise<string[]> {
  const { lines, code } = await oncepay(cluster, ['restored', ...args, '--statement', await statementOf(cluster, merchant)]);
  return code === 0 ? [] : lines;
}

/** What the PSP would send: a file. */
async function statementOf({ home }: Cluster, merchant: Merchant): Promise<string> {
  const file = home.file('statement.csv');
  const lines = (await merchant.transfers('')).map(({ reference, amount, currency, status }) => [
    reference,
    amount,
    currency,
    status,
  ]);
  writeFileSync(file, [['reference', 'amount', 'currency', 'status'], ...lines, []].map((line) => line.join(',')).join('\n'));
  return file;
}

/** First as a look, then with `--repair`. @returns what it should have said otherwise. */
async function runCommand(
  cluster: Cluster,
  merchant: Merchant,
  { onlyPspKnows = false }: Trial,
  args: readonly string[],
  entries: readonly Entry[],
  say: Say,
): Promise<string[]> {
  const statement = await statementOf(cluster, merchant);
  const look = args.filter((each) => each !== '--hold');
  const looked = await oncepay(cluster, ['restored', ...look, '--statement', statement]);
  for (const line of summed(looked.lines)) say(`  ${line}`);
  const { lines, code } = await oncepay(cluster, ['restored', ...args, '--statement', statement, '--repair']);
  say('oncepay restored --repair:');
  for (const line of summed(lines)) say(`  ${line}`);
  if (!onlyPspKnows) return code === 0 ? [] : [`oncepay restored ended with ${code}: ${lines.join('\n')}`];

  const told = lines.filter((line) => line.includes('in no other')).map((line) => /\[(\S+) /.exec(line)?.[1] ?? '');
  const forgotten = new Set(entries.flatMap(({ isNew, ids }) => (isNew ? [...ids] : [])));
  const real = (await merchant.transfers('')).filter(
    ({ reference, status }) => status !== 'failed' && forgotten.has(reference.slice(0, 35)),
  );
  const missed = real.filter(({ reference }) => !told.includes(reference));
  return [
    ...missed.map(({ reference }) => `${reference} is in nobody's book but the PSP's, and it was not told`),
    ...(told.length === real.length ? [] : [`${told.length} transfers were told as unknown, ${real.length} are`]),
  ];
}

async function oncepay(cluster: Cluster, args: readonly string[]): Promise<{ lines: string[]; code: number }> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [join(BUILD, 'src', 'cli.js'), ...args], { env: cluster.env }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
      resolve({ lines: `${stdout}${stderr}`.trim().split('\n'), code });
    });
  });
}

/** Its lines without the payouts that they speak of, each kind with its number. */
function summed(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const kind = line.replace(/^po_[0-9a-f]{32} |^\S+ \(po_.*; /, '').replace(/ \[.*\]/, '');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${count} × ${kind}`));
}
