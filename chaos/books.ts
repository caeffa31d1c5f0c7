/** What the oracle and the rounds read: our database, the PSPs' own books, Temporal's list of workflows, the mails. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { Installation } from '../harness/installation.ts';
import { isBeforeItsRun, type PayoutState } from '../src/payouts/rules/machine.ts';
import type { Flow, Stage } from './behaviours.ts';
import { patiently } from './patience.ts';
import { openPsp, type Psp } from './psp.ts';

export interface PayoutRow {
  readonly id: string;
  readonly state: PayoutState;
  readonly stage: Stage;
  readonly attempt: number;
  readonly sequence: number;
  readonly needsOperator: boolean;
}

export interface EventRow {
  readonly id: string;
  readonly subject_id: string;
  readonly sequence: number;
  readonly type: string;
  readonly to_state: PayoutState;
}

export interface EntryRow {
  readonly subject_id: string;
  readonly type: string;
  readonly amount: string;
}

export interface NoticeRow {
  readonly id: string;
  readonly subject_id: string;
  readonly event_id: string;
  readonly audience: 'provider' | 'admin';
  readonly state: string;
}

export interface Books {
  readonly psps: Readonly<Record<Flow, Psp>>;
  payouts(ids: readonly string[]): Promise<PayoutRow[]>;
  events(ids: readonly string[]): Promise<EventRow[]>;
  entries(ids: readonly string[]): Promise<EntryRow[]>;
  notices(ids: readonly string[]): Promise<NoticeRow[]>;
  noticeIds(): Promise<ReadonlySet<string>>;
  /** Ids of the notices that were sent: without a mail server each is a file. */
  mails(): ReadonlySet<string>;
  /** How many webhooks of these have still to come. */
  pendingDeliveries(ids: readonly string[]): Promise<number>;
  /** Runs that have not finished. */
  openRuns(): Promise<string[]>;
  /** Ids of our workflows in one of these states. */
  workflows(...states: readonly string[]): Promise<string[]>;
  invariants(): Promise<{ name: string; violations: number }[]>;
  close(): Promise<void>;
}

const WORKFLOWS = ['payout', 'payoutFollowUp', 'payoutRun', 'webhookDelivery', 'notifications'];

export function openBooks(here: Installation): Books {
  const { temporalAddress, admins, databaseUrl } = here.credentials;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4, connectionTimeoutMillis: 5_000 });
  pool.on('error', () => undefined);
  const psps = { merchant: openPsp(here, 'merchant'), provider: openPsp(here, 'provider') };
  const rows = async <T extends pg.QueryResultRow>(sql: string, ...values: readonly unknown[]): Promise<T[]> =>
    (await patiently(() => pool.query<T>(sql, [...values]))).rows;

  return {
    psps,
    async payouts(ids) {
      const sql = `SELECT id, state, attempt, sequence, dispatch, run_id AS "runId", needs_operator AS "needsOperator" FROM payouts WHERE id = ANY ($1)`;
      const found = await rows<Omit<PayoutRow, 'stage'> & { dispatch: 'now' | 'run'; runId: string | null }>(sql, ids);
      return found.map((row) => ({ ...row, stage: row.state === 'QUEUED' && isBeforeItsRun(row) ? 'AWAITING_RUN' : row.state }));
    },
    events: (ids) =>
      rows(
        'SELECT id, subject_id, sequence, type, to_state FROM events WHERE subject_id = ANY ($1) ORDER BY subject_id, sequence',
        ids,
      ),
    entries: (ids) =>
      rows('SELECT subject_id, type, amount::text FROM ledger_entries WHERE subject_id = ANY ($1) ORDER BY subject_id, id', ids),
    notices: (ids) =>
      rows('SELECT id, subject_id, event_id, audience, state FROM notifications WHERE subject_id = ANY ($1)', ids),
    async noticeIds() {
      return new Set((await rows<{ id: string }>('SELECT id FROM notifications')).map(({ id }) => id));
    },
    mails() {
      const folder = join(here.home, 'mail');
      const names = existsSync(folder) ? readdirSync(folder) : [];
      return new Set(names.flatMap((name) => (name.endsWith('.eml') ? [name.slice(0, -'.eml'.length)] : [])));
    },
    async pendingDeliveries(ids) {
      const sql = `SELECT count(*)::int AS n FROM webhook_deliveries WHERE subject_id = ANY ($1) AND state <> 'delivered'`;
      return (await rows<{ n: number }>(sql, ids))[0]?.n ?? 0;
    },
    async openRuns() {
      return (await rows<{ id: string }>('SELECT id FROM payout_runs WHERE finished_at IS NULL')).map(({ id }) => id);
    },
    async workflows(...states) {
      return await patiently(async () => {
        const connection = await Connection.connect({ address: temporalAddress, connectTimeout: '5s' });
        try {
          const list = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
          const query = `WorkflowType IN (${list(WORKFLOWS)}) AND ExecutionStatus IN (${list(states)})`;
          const ids: string[] = [];
          for await (const { workflowId } of new Client({ connection }).workflow.list({ query })) ids.push(workflowId);
          return ids;
        } finally {
          await connection.close();
        }
      });
    },
    async invariants() {
      const key = admins.find(({ role }) => role === 'viewer')?.key ?? '';
      return await patiently(async () => {
        const { body, status } = await here.call<{ data: { name: string; violations: number }[] }>(
          'GET',
          '/api/admin/invariants',
          { key },
        );
        if (status !== 200) throw new Error(`invariants: ${status}`);
        return body.data;
      });
    },
    async close() {
      await Promise.all([pool.end(), psps.merchant.close(), psps.provider.close()]);
    },
  };
}
