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
import { payoutIdOf } from '../rules/ids.ts';
import { connectTemporal } from '../temporal/client.ts';
import { createWebhooksClient } from '../webhooks/client.ts';
import { type Booked, type Finding, findingOfRuns, findingsOfStatement, MEANING, sentenceOfFinding } from './findings.ts';
import { holdAll, type RepairPorts, repair, takeUpAll } from './repair.ts';
import { createRunsClient, type Run, type RunsClient } from './runs.ts';
import { parseStatement, type StatementLine } from './statement.ts';

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
  const statement = options.statementFile === undefined ? [] : parseStatement(readFileSync(options.statementFile, 'utf8'));
  const pool = createPool({ url: config.databaseUrl, max: 4, applicationName: 'oncepay restored' });
  const { client, close } = connectTemporal(config);
  const ports: RepairPorts = {
    times: config.times,
    pool,
    ledger: createLedger(pool),
    runs: createRunsClient(client, config.encryptionKeys),
    payouts: createPayoutsClient(client, config),
    webhooks: createWebhooksClient(client),
  };
  try {
    const found = options.since === undefined ? [] : await compareWithTemporal(pool, ports.runs, options.since);
    if (!options.repair) {
      const all = [...found, ...(await compareWithPsp(pool, statement, new Set(found.map(({ payoutId }) => payoutId))))];
      for (const finding of all) say(sentenceOfFinding(finding));
      say(`${all.length} findings.`);
      return all.length === 0;
    }
    await refuseWhileAtWork(pool);
    const left = await repairAll(ports, found, say);
    if (options.hold) say(`Left to an operator: ${await holdAll(ports)} open payouts.`);
    const taken = await takeUpAll(ports, left);
    say(`Taken up: ${taken.payouts} open payouts, ${taken.webhooks} webhooks, ${taken.messages} messages of the PSP.`);
    const atPsp = await compareWithPsp(pool, statement, left);
    for (const finding of atPsp) say(sentenceOfFinding(finding));
    say(`${left.size + atPsp.length} findings are left.`);
    return left.size + atPsp.length === 0;
  } finally {
    await Promise.all([pool.end(), close()]);
  }
}

async function compareWithTemporal(pool: Pool, runs: RunsClient, since: Date): Promise<Finding[]> {
  const byPayout = new Map<string, Run[]>();
  for (const run of await runs.since(since)) byPayout.set(run.payoutId, [...(byPayout.get(run.payoutId) ?? []), run]);
  const booked = await readBooked(pool, [...byPayout.keys()]);
  return [...byPayout].flatMap(([payoutId, ofPayout]) => findingOfRuns(ofPayout, booked.get(payoutId)?.payout) ?? []);
}

/** @param covered payouts that another finding speaks of already. */
async function compareWithPsp(pool: Pool, statement: readonly StatementLine[], covered: ReadonlySet<string>): Promise<Finding[]> {
  const booked = await readBooked(pool, [...new Set(statement.flatMap(({ reference }) => payoutIdOf(reference) ?? []))]);
  return findingsOfStatement(statement, booked).filter(({ payoutId }) => !covered.has(payoutId));
}

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
    say(why === undefined ? `${finding.payoutId} ${MEANING[finding.kind].repair}` : `${sentenceOfFinding(finding)}: ${why}`);
  }
  return left;
}

/** Their beats and requests keep connections open: whoever is at work would act on what is being put right. */
async function refuseWhileAtWork(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT DISTINCT application_name AS name FROM pg_stat_activity
      WHERE datname = current_database() AND application_name IN ('oncepay worker', 'oncepay webhooks', 'oncepay-api')`,
  );
  if (rows.length > 0)
    throw new Error(`Stop APIs and workers first: ${rows.map(({ name }) => name).join(', ')} use this database.`);
}
