/** The two that are compared: oncepay as a merchant uses it, and the floor. Each takes one payout and says when it was paid. */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import pg from 'pg';
import { Pool as HttpPool } from 'undici';
import type { Credentials } from '../harness/installation.ts';
import {
  AMOUNT_MINOR,
  CURRENCY,
  MERCHANT_ID,
  NEEDS_OPERATOR,
  PAYOUT_KIND,
  PAYOUT_STATUS,
} from '../src/temporal/rules/searchAttributes.ts';
import { FLOOR_QUEUE, type Settled } from './floorWorker.ts';
import { type floor, floorAccept } from './floorWorkflow.ts';

export interface Subject {
  readonly name: 'oncepay' | 'with endpoints' | 'floor';
  /** @returns the id under which it was accepted. */
  accept(): Promise<string>;
  /** When it was paid. */
  paidAt(id: string): Promise<number>;
  close(): Promise<void>;
}

/** Ids that somebody waits for. */
function waiting() {
  const known = new Map<string, number>();
  const waiters = new Map<string, (at: number) => void>();
  return {
    ids: () => [...waiters.keys()],
    tell(id: string, at: number): void {
      const waiter = waiters.get(id);
      waiters.delete(id);
      if (waiter) waiter(at);
      else known.set(id, at);
    },
    async for(id: string): Promise<number> {
      const at = known.get(id);
      if (at !== undefined) {
        known.delete(id);
        return at;
      }
      return await new Promise((resolve) => waiters.set(id, resolve));
    },
  };
}

/**
 * How often the books are asked which payouts are paid: one small query, instead of a request for each payout. When it
 * was paid the books say to the millisecond; more often would only take the processor from what is measured.
 */
const LOOK_MS = 50;

const ASK_AGAIN_MS = 200;

/** Whose payouts: the first merchant has no endpoints; those of the second are added by whoever measures them (endpoints.ts). */
const MERCHANT = { oncepay: 0, 'with endpoints': 1 } as const;

export function oncepay({ baseUrl, databaseUrl, merchants }: Credentials, name: keyof typeof MERCHANT = 'oncepay'): Subject {
  const http = new HttpPool(baseUrl, { connections: 128 });
  const books = new pg.Client({ connectionString: databaseUrl });
  const connected = books.connect();
  const paid = waiting();
  const run = randomUUID().slice(0, 8);
  const key = merchants[MERCHANT[name]]?.testKey ?? '';
  let serial = 0;
  let isOpen = true;
  const looking = (async () => {
    await connected;
    while (isOpen) {
      const ids = paid.ids();
      if (ids.length > 0) {
        const { rows } = await books.query<{ id: string; at: string }>({
          name: 'look',
          text: `SELECT id, extract(epoch FROM completed_at) * 1000 AS at FROM payouts WHERE id = ANY ($1) AND state = 'SUCCEEDED'`,
          values: [ids],
        });
        for (const { id, at } of rows) paid.tell(id, Number.parseFloat(at));
      }
      await sleep(LOOK_MS);
    }
  })();

  return {
    name,
    async accept() {
      serial += 1;
      return await acceptAs(`${run}-${serial}`);
    },
    paidAt: (id) => paid.for(id),
    async close() {
      isOpen = false;
      await looking;
      await Promise.all([books.end(), http.close()]);
    },
  };

  /** 503 while the machine cannot keep up: asked again under the same key, as a merchant would; the time counts. */
  async function acceptAs(reference: string): Promise<string> {
    for (;;) {
      const { statusCode, body } = await http.request({
        method: 'POST',
        path: '/api/v1/payouts',
        headers: { 'x-api-key': key, 'x-idempotency-key': reference, 'content-type': 'application/json' },
        body: JSON.stringify({
          amount: '1.00',
          currency: 'PKR',
          reference,
          destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', accountTitle: 'Ayesha Khan' },
        }),
      });
      const text = await body.text();
      if (statusCode === 201 || statusCode === 202) return (JSON.parse(text) as { id: string }).id;
      if (statusCode !== 503 && statusCode !== 409) throw new Error(`not taken in: ${statusCode} ${text}`);
      await sleep(ASK_AGAIN_MS);
    }
  }
}

export interface Floor extends Subject {
  /** Of its worker. */
  readonly pid: number;
}

export async function startFloor({ temporalAddress }: Credentials): Promise<Floor> {
  const paid = waiting();
  const child: ChildProcess = fork(fileURLToPath(new URL('./floorWorker.js', import.meta.url)), [temporalAddress]);
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the floor's worker ended with ${code}`)));
    child.on('message', (message: 'ready' | Settled) => {
      if (message === 'ready') resolve();
      else paid.tell(message.id, message.at);
    });
  });
  const connection = await Connection.connect({ address: temporalAddress });
  const { workflow } = new Client({ connection });
  return {
    name: 'floor',
    pid: child.pid ?? 0,
    async accept() {
      const id = randomUUID();
      const startWorkflowOperation = new WithStartWorkflowOperation<typeof floor>('floor', {
        workflowId: `floor/${id}`,
        taskQueue: FLOOR_QUEUE,
        args: [id],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        priority: { priorityKey: 3, fairnessKey: 'floor' },
        staticSummary: 'floor',
        typedSearchAttributes: new TypedSearchAttributes([
          { key: MERCHANT_ID, value: 'floor' },
          { key: PAYOUT_STATUS, value: 'PENDING' },
          { key: PAYOUT_KIND, value: 'floor' },
          { key: CURRENCY, value: 'PKR' },
          { key: NEEDS_OPERATOR, value: false },
          { key: AMOUNT_MINOR, value: 100 },
        ]),
      });
      return await workflow.executeUpdateWithStart(floorAccept, { updateId: 'accept', startWorkflowOperation });
    },
    paidAt: (id) => paid.for(id),
    async close() {
      child.removeAllListeners('exit');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await ended;
      await connection.close();
    },
  };
}
