/**
 * `oncepay restored`: after a backup was restored, before APIs and workers start (docs/runbook.md). Compares the books
 * with what Temporal remembers and with the PSP's statement; with `repair`, puts right what can be put right by itself.
 */
import { readFileSync } from 'node:fs';
import type { Pool } from 'pg';
import type { Config } from '../config.ts';
import { createPool } from '../db/pool.ts';
import { createLedger } from '../ledger/ledger.ts';
import { createPayoutsClient } from '../payouts/client.ts';
import { isFinal } from '../payouts/rules/machine.ts';
import { payoutIdOf } from '../rules/ids.ts';
import { connectTemporal } from '../temporal/client.ts';
import { type Finding, findingsOf, MEANING, sentenceOfFinding, sentenceOfRepair } from './findings.ts';
import { lineFindings } from './lines.ts';
import { holdAll, type RepairPorts, repair, takeUpAll } from './repair.ts';
import { createRunsClient, type RunsClient } from './runs.ts';
import { parseStatement, type StatementLine } from './statement.ts';
import type { Booked, Memory, Run } from './witnesses.ts';

export interface RestoredOptions {
  /** When the backup of the books was made; earlier costs time only. Undefined: they are not older than Temporal. */
  readonly since: Date | undefined;
  readonly statementFile: string | undefined;
  readonly repair: boolean;
  /** Nobody remembers what was called off: nothing that is open is sent before an operator has seen it. Only with `repair`. */
  readonly hold: boolean;
}

type RestoredSettings = Pick<
  Config,
  'databaseUrl' | 'temporalAddress' | 'temporalNamespace' | 'encryptionKeys' | 'times' | 'allowSignalDecisions'
>;

/** Payouts a query. */
const PAGE = 500;

/** @returns whether nothing is left that somebody has to look at. */
export async function restored(
  config: RestoredSettings,
  options: RestoredOptions,
  say: (line: string) => void,
): Promise<boolean> {
  const statement = options.statementFile === undefined ? undefined : readStatement(options.statementFile);
  const pool = createPool({ url: config.databaseUrl, max: 4, applicationName: 'oncepay restored' });
  const { client, close } = connectTemporal(config);
  const ports: RepairPorts = {
    times: config.times,
    pool,
    ledger: createLedger(pool),
    runs: createRunsClient(client, config.encryptionKeys),
    payouts: createPayoutsClient(client, config),
  };
  try {
    const found = await compare(ports, options.since, statement);
    if (!options.repair) {
      for (const finding of found) say(sentenceOfFinding(finding));
      say(`${found.length} findings.`);
      return found.length === 0;
    }
    await refuseWhileAtWork(pool);
    // Before anything is written: who follows events must not take what is written from now on for what they have seen.
    await pool.query('SELECT begin_epoch()');
    const left = await repairAll(ports, found.filter(isRepaired), say);
    if (options.hold) say(`Left to an operator: ${await holdAll(ports)} open payouts.`);
    const taken = await takeUpAll(ports, left);
    say(`Taken up: ${taken.payouts} open payouts, ${taken.messages} messages of the PSP.`);
    // Of what is in the books only now, too.
    const persons = (await compareLines(pool, statement)).filter(
      (finding) => !isRepaired(finding) && !left.has(finding.payoutId),
    );
    for (const finding of persons) say(sentenceOfFinding(finding));
    say(`${left.size + persons.length} findings are left.`);
    return left.size + persons.length === 0;
  } finally {
    await Promise.all([pool.end(), close()]);
  }
}

const isRepaired = ({ kind }: Finding): boolean => MEANING[kind].repair !== null;

/** @param since undefined: Temporal remembers no more than the books. */
async function compare(
  { pool, runs }: Pick<RepairPorts, 'pool' | 'runs'>,
  since: Date | undefined,
  statement: Statement | undefined,
): Promise<Finding[]> {
  const listed = since === undefined ? [] : await runs.since(since);
  const byPayout = grouped(listed, ({ payoutId }) => payoutId);
  const ids = [...new Set([...byPayout.keys(), ...(statement?.keys() ?? [])])];
  const booked = await readBooked(pool, ids);
  const findings: Finding[] = [];
  for (const payoutId of ids) {
    const known = booked.get(payoutId);
    // What is over in the books is not sent, whatever its runs say: their histories are long.
    const isOver = known !== undefined && isFinal(known.payout.state) && known.payout.state !== 'FAILED';
    const memories = isOver ? [] : await rememberAll(runs, byPayout.get(payoutId) ?? []);
    findings.push(...findingsOf({ payoutId, booked: known, runs: memories, lines: linesOf(statement, payoutId) }));
  }
  return findings;
}

async function rememberAll(runs: RunsClient, ofPayout: readonly Run[]): Promise<Memory[]> {
  return (await Promise.all(ofPayout.map((run) => runs.remember(run)))).flatMap((memory) => memory ?? []);
}

async function compareLines(pool: Pool, statement: Statement | undefined): Promise<Finding[]> {
  const ids = [...(statement?.keys() ?? [])];
  const booked = await readBooked(pool, ids);
  return ids.flatMap((payoutId) =>
    lineFindings({ payoutId, booked: booked.get(payoutId), runs: [], lines: linesOf(statement, payoutId) }),
  );
}

/** The lines of each payout of ours; what was not made by us says nothing. */
type Statement = ReadonlyMap<string, readonly StatementLine[]>;

function readStatement(file: string): Statement {
  return grouped(parseStatement(readFileSync(file, 'utf8')), ({ reference }) => payoutIdOf(reference));
}

function grouped<T>(all: readonly T[], payoutOf: (each: T) => string | undefined): ReadonlyMap<string, readonly T[]> {
  const byPayout = new Map<string, T[]>();
  for (const each of all) {
    const payoutId = payoutOf(each);
    if (payoutId !== undefined) byPayout.set(payoutId, [...(byPayout.get(payoutId) ?? []), each]);
  }
  return byPayout;
}

/** A statement that does not speak of a payout says that the PSP has nothing of it. */
const linesOf = (statement: Statement | undefined, payoutId: string): readonly StatementLine[] | undefined =>
  statement && (statement.get(payoutId) ?? []);

async function readBooked(pool: Pool, ids: readonly string[]): Promise<Map<string, Booked>> {
  const booked = new Map<string, Booked>();
  for (let at = 0; at < ids.length; at += PAGE) {
    const { rows } = await pool.query<Booked>(
      `SELECT payout_record(p) AS payout,
              (SELECT coalesce(jsonb_object_agg(a.attempt, a.state), '{}') FROM payout_attempts a WHERE a.payout_id = p.id) AS attempts
         FROM payouts p WHERE p.id = ANY ($1)`,
      [ids.slice(at, at + PAGE)],
    );
    for (const row of rows) booked.set(row.payout.id, row);
  }
  return booked;
}

/** @returns the payouts that are left to a person. */
async function repairAll(ports: RepairPorts, findings: readonly Finding[], say: (line: string) => void): Promise<Set<string>> {
  const left = new Set<string>();
  for (const finding of findings) {
    const why = await repair(ports, finding);
    if (why !== undefined) left.add(finding.payoutId);
    say(why === undefined ? sentenceOfRepair(finding) : `${sentenceOfFinding(finding)}: ${why}`);
  }
  return left;
}

/** Their beats and requests keep connections open: whoever is at work would act on what is being put right. */
async function refuseWhileAtWork(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT DISTINCT application_name AS name FROM pg_stat_activity
      WHERE datname = current_database() AND application_name IN ('oncepay worker', 'oncepay relay', 'oncepay-api')`,
  );
  if (rows.length > 0)
    throw new Error(`Stop APIs and workers first: ${rows.map(({ name }) => name).join(', ')} use this database.`);
}
