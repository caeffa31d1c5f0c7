/** What the oracle and the rounds read: our database, the PSP's own book, Temporal's list of workflows. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import type { PayoutState } from '../src/domain/payout/machine.ts';
import type { Installation } from '../tests/support/installation.ts';

export interface EventRow {
  readonly id: string;
  readonly payout_id: string;
  readonly sequence: number;
  readonly type: string;
  readonly to_state: PayoutState;
}

export interface EntryRow {
  readonly payout_id: string;
  readonly type: string;
  readonly amount: string;
}

export interface Transfer {
  readonly reference: string;
  readonly amount: string;
  readonly status: string;
  readonly takenAt: string | null;
  readonly requests: number;
}

export interface Books {
  states(ids: readonly string[]): Promise<Map<string, PayoutState>>;
  events(ids: readonly string[]): Promise<EventRow[]>;
  entries(ids: readonly string[]): Promise<EntryRow[]>;
  pendingDeliveries(ids: readonly string[]): Promise<string[]>;
  /** How many callbacks the PSP still has to send. */
  pendingCallbacks(): Promise<number>;
  transfers(): Promise<Transfer[]>;
  /** Lets the bank change a transfer. */
  bank(reference: string, status: string): Promise<void>;
  fault(kind: string, params: object, accountNumber: string, times?: number): Promise<void>;
  clearFaults(): Promise<void>;
  /** Ids of our workflows in one of these states. */
  workflows(...states: readonly string[]): Promise<string[]>;
  invariants(): Promise<{ name: string; violations: number }[]>;
  close(): Promise<void>;
}

/** Whatever is read may be killed meanwhile: then it is read again. */
const PATIENCE_MS = 60_000;

export function openBooks(here: Installation): Books {
  const pool = new pg.Pool({ connectionString: here.credentials.databaseUrl, max: 4, connectionTimeoutMillis: 5_000 });
  pool.on('error', () => undefined);
  const { sandboxUrl, temporalAddress, admins, databaseUrl } = here.credentials;
  const sandbox = new pg.Pool({
    connectionString: databaseUrl.replace(/oncepay$/, 'sandbox'),
    max: 1,
    connectionTimeoutMillis: 5_000,
  });
  sandbox.on('error', () => undefined);
  const rows = async <T extends pg.QueryResultRow>(sql: string, ids: readonly string[]): Promise<T[]> =>
    await patiently(async () => (await pool.query<T>(sql, [ids])).rows);

  async function control(method: string, path: string, body?: unknown): Promise<unknown> {
    return await patiently(async () => {
      const request =
        body === undefined ? { method } : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const answer = await fetch(`${sandboxUrl}/control/${path}`, { ...request, signal: AbortSignal.timeout(5_000) });
      if (!answer.ok) throw new Error(`the sandbox refused ${path}: ${await answer.text()}`);
      return await answer.json();
    });
  }

  return {
    async states(ids) {
      const found = await rows<{ id: string; state: PayoutState }>('SELECT id, state FROM payouts WHERE id = ANY ($1)', ids);
      return new Map(found.map(({ id, state }) => [id, state]));
    },
    events: (ids) =>
      rows(
        'SELECT id, payout_id, sequence, type, to_state FROM events WHERE payout_id = ANY ($1) ORDER BY payout_id, sequence',
        ids,
      ),
    entries: (ids) =>
      rows('SELECT payout_id, type, amount::text FROM ledger_entries WHERE payout_id = ANY ($1) ORDER BY payout_id, id', ids),
    async pendingDeliveries(ids) {
      const sql = "SELECT id FROM webhook_deliveries WHERE payout_id = ANY ($1) AND state <> 'delivered'";
      return (await rows<{ id: string }>(sql, ids)).map(({ id }) => id);
    },
    async pendingCallbacks() {
      const sql = 'SELECT count(*)::int AS pending FROM sandbox.callbacks WHERE done_at IS NULL';
      return (await patiently(async () => await sandbox.query<{ pending: number }>(sql))).rows[0]?.pending ?? 0;
    },
    async transfers() {
      const found: Transfer[] = [];
      for (let cursor = ''; ; ) {
        const page = (await control('GET', `transfers?limit=1000${cursor && `&cursor=${cursor}`}`)) as {
          data: Transfer[];
          nextCursor: string | null;
        };
        found.push(...page.data);
        if (page.nextCursor === null) return found;
        cursor = page.nextCursor;
      }
    },
    async bank(reference, status) {
      await control('POST', `transfers/${encodeURIComponent(reference)}`, { status });
    },
    async fault(kind, params, accountNumber, times = 1) {
      await control('POST', 'faults', { kind, params, match: { accountNumber }, times });
    },
    async clearFaults() {
      await control('DELETE', 'faults');
    },
    async workflows(...states) {
      return await patiently(async () => {
        const connection = await Connection.connect({ address: temporalAddress, connectTimeout: '5s' });
        try {
          const list = states.map((state) => `'${state}'`).join(', ');
          const query = `WorkflowType IN ('payout', 'payoutFollowUp', 'webhookDelivery') AND ExecutionStatus IN (${list})`;
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
      await Promise.all([pool.end(), sandbox.end()]);
    },
  };
}

async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(200);
    }
  }
}
