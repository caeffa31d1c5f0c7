/** What the oracle and the rounds read: our database, the PSPs' own books, Temporal's list of workflows, the mails. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { Installation } from '../harness/installation.ts';
import { patiently } from './patience.ts';
import { openPsp, type Psp, type PspName } from './psp.ts';
import { HOUSEKEEPING } from './workflows.ts';

export interface EventRow {
  readonly id: string;
  readonly subject_id: string;
  readonly sequence: number;
  readonly type: string;
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
  readonly recipient_kind: 'provider' | 'admin';
  readonly state: string;
}

export interface Books {
  readonly psps: Readonly<Record<PspName, Psp>>;
  rows<T extends pg.QueryResultRow>(sql: string, ...values: readonly unknown[]): Promise<T[]>;
  events(ids: readonly string[]): Promise<EventRow[]>;
  entries(ids: readonly string[]): Promise<EntryRow[]>;
  notices(ids: readonly string[]): Promise<NoticeRow[]>;
  noticeIds(): Promise<ReadonlySet<string>>;
  /** Ids of the notices that were sent: without a mail server each is a file. */
  mails(): ReadonlySet<string>;
  /** How many webhooks of these have still to come. */
  pendingDeliveries(ids: readonly string[]): Promise<number>;
  /** Ids of workflows that have not ended, of whatever type; but for the housekeeping, which comes and goes. */
  openWorkflows(): Promise<string[]>;
  /** Ids of those that ended in another way than they should, of whatever type. */
  badlyEnded(): Promise<string[]>;
  invariants(): Promise<{ name: string; violations: number }[]>;
  close(): Promise<void>;
}

export function openBooks(here: Installation): Books {
  const { temporalAddress, admins, databaseUrl } = here.credentials;
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4, connectionTimeoutMillis: 5_000 });
  pool.on('error', () => undefined);
  const psps = { sandbox: openPsp(here, 'sandbox'), flutterwave: openPsp(here, 'flutterwave') };
  const rows = async <T extends pg.QueryResultRow>(sql: string, ...values: readonly unknown[]): Promise<T[]> =>
    (await patiently(() => pool.query<T>(sql, [...values]))).rows;

  const workflows = (query: string): Promise<{ id: string; type: string }[]> =>
    patiently(async () => {
      const connection = await Connection.connect({ address: temporalAddress, connectTimeout: '5s' });
      try {
        const found: { id: string; type: string }[] = [];
        for await (const { workflowId: id, type } of new Client({ connection }).workflow.list({ query }))
          found.push({ id, type });
        return found;
      } finally {
        await connection.close();
      }
    });

  return {
    psps,
    rows,
    events: (ids) =>
      rows('SELECT id, subject_id, sequence, type FROM events WHERE subject_id = ANY ($1) ORDER BY subject_id, sequence', ids),
    entries: (ids) =>
      rows('SELECT subject_id, type, amount::text FROM ledger_entries WHERE subject_id = ANY ($1) ORDER BY subject_id, id', ids),
    notices: (ids) =>
      rows('SELECT id, subject_id, event_id, recipient_kind, state FROM notifications WHERE subject_id = ANY ($1)', ids),
    async noticeIds() {
      return new Set((await rows<{ id: string }>('SELECT id FROM notifications')).map(({ id }) => id));
    },
    mails() {
      const folder = join(here.home, 'mail');
      const names = existsSync(folder) ? readdirSync(folder) : [];
      return new Set(names.flatMap((name) => (name.endsWith('.eml') ? [name.slice(0, -'.eml'.length)] : [])));
    },
    async pendingDeliveries(ids) {
      // Also what people are told: a dead relay's lease is waited for.
      const sql = `SELECT (SELECT count(*) FROM webhook_deliveries WHERE subject_id = ANY ($1) AND state <> 'delivered')::int
                        + (SELECT count(*) FROM notifications WHERE subject_id = ANY ($1) AND state = 'pending')::int AS n`;
      return (await rows<{ n: number }>(sql, ids))[0]?.n ?? 0;
    },
    async openWorkflows() {
      const running = await workflows("ExecutionStatus = 'Running'");
      return running.filter(({ type }) => !HOUSEKEEPING.includes(type)).map(({ id }) => id);
    },
    async badlyEnded() {
      const ended = await workflows("ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut', 'Canceled')");
      return ended.map(({ id }) => id);
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
      await Promise.all([pool.end(), ...Object.values(psps).map((psp) => psp.close())]);
    },
  };
}
