/**
 * A network that loses requests, replies and time, between the worker and each of the others. What was lost on the way
 * back may have been done: nothing is done twice, nothing hangs.
 */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import { createDecisionActivities } from '../../activities/markets/decisions.ts';
import { createLedgerActivities } from '../../activities/payouts/ledger.ts';
import { createPspActivities } from '../../activities/payouts/psp.ts';
import { type Fate, type Line, startProxy, through } from '../../chaos/proxy.ts';
import { type Random, seeded } from '../../chaos/random.ts';
import { createPool } from '../../src/db/pool.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { isFinal } from '../../src/payouts/rules/machine.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { newId } from '../../src/rules/newId.ts';
import { DECISIONS_QUEUE, PAYOUTS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { workerSettings } from '../../src/temporal/workerSettings.ts';
import { ENCRYPTION_KEYS } from '../support/encryption.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { bundledWorkflows } from '../support/workflowBundle.ts';

let engine: Engine;
let database: Line;
let psp: Line;
let temporal: Line;
let pool: Pool;
let close: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine({ times: { ...SHORT_TIMES, notFoundGraceMs: 2_500, outcomeDeadlineMs: 30_000 } });
  database = await startProxy(addressOf(engine.db.appUrl));
  psp = await startProxy(addressOf(engine.sandbox.url));
  temporal = await startProxy(addressOf(`http://${engine.env.address}`));
  pool = createPool({ url: through(database, engine.db.appUrl), max: 10, applicationName: 'gray' });
  const psps = createPspRegistry({
    sandbox: {
      baseUrl: through(psp, engine.sandbox.url),
      apiKey: 'sandbox-key',
      webhookSecret: 'sandbox-secret',
      timeoutMs: 1_000,
    },
  });
  const connection = await NativeConnection.connect({ address: `127.0.0.1:${temporal.port}` });
  const ledger = createLedger(pool);
  const shared = {
    connection,
    activities: {
      ...createLedgerActivities({ ledger, pool }),
      ...createDecisionActivities({ pool }),
      ...createPspActivities({ ledger, pool, connector: psps.byName }),
    },
    ...workerSettings(ENCRYPTION_KEYS),
    shutdownGraceTime: '100ms',
  } as const;
  const workers = [
    await Worker.create({ ...shared, taskQueue: PAYOUTS_QUEUE, workflowBundle: await bundledWorkflows() }),
    await Worker.create({ ...shared, taskQueue: DECISIONS_QUEUE }), // an operator's decision must get through, too
  ];
  const running = workers.map((worker) => worker.run());
  close = [
    async () => {
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
    },
    () => connection.close(),
    () => psps.close(),
    () => pool.end(),
    ...[database, psp, temporal].map((proxy) => () => proxy.close()),
    () => engine.stop(),
  ];
});
afterAll(async () => {
  for (const proxy of [database, psp, temporal]) proxy.decide = () => 'pass';
  for (const step of close) await step();
});

function addressOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number.parseInt(port, 10) };
}

const entriesOf = async (payoutId: string): Promise<string[]> => {
  const sql = 'SELECT type FROM ledger_entries WHERE subject_id = $1 ORDER BY id';
  return (await engine.db.owner.query<{ type: string }>(sql, [payoutId])).rows.map(({ type }) => type);
};
const booksAreBalanced = async (): Promise<void> => {
  const broken = (await checkInvariants(engine.db.pool)).filter(({ violations }) => violations > 0);
  expect(broken).toEqual([]);
};

const metOf = ({ met }: Line): number => Object.values(met).reduce((sum, count) => sum + count, 0);

/** The first chunk that speaks of this meets the fate; everything else passes. */
function once(text: string, fate: Fate): (request: Buffer) => Fate {
  let isMet = false;
  return (request) => {
    if (isMet || !request.includes(text)) return 'pass';
    isMet = true;
    return fate;
  };
}

test.each<[string, Fate]>([
  ['reserve_payout', 'lost'],
  ['reserve_payout', 'unheard'],
  ['reserve_payout', 'halved'],
  ['attempt_started', 'unheard'],
  ['attempt_started', 'halved'],
  ['pspRef', 'lost'], // the fact that it was paid
  ['pspRef', 'unheard'],
  ['pspRef', 'halved'],
])('the database line breaks at %s (%j): whether it was committed or not, the money moves once', async (text, fate) => {
  const before = metOf(database);
  database.decide = once(text, fate);
  const payoutId = newId('po');
  await engine.pay('0001', { payoutId });
  await engine.until(payoutId, 'SUCCEEDED');
  expect(metOf(database)).toBe(before + 1);
  expect(await entriesOf(payoutId)).toEqual(['RESERVE', 'SETTLE']);
  expect(await engine.transfers(payoutId)).toMatchObject([{ status: 'paid' }]);
});

test.each<Fate>(['lost', 'unheard', 'halved', { delayMs: 1_500 }])(
  'the line to the PSP breaks in the request for the money (%j): paid once',
  async (fate) => {
    const payoutId = newId('po');
    const before = metOf(psp);
    psp.decide = once(`${payoutId}:1`, fate);
    await engine.pay('0001', { payoutId });
    await engine.until(payoutId, 'SUCCEEDED');
    expect(metOf(psp)).toBe(before + 1);
    expect(await engine.transfers(payoutId)).toMatchObject([{ status: 'paid', requests: 1 }]);
    expect(await entriesOf(payoutId)).toEqual(['RESERVE', 'SETTLE']);
  },
);

test('24 payouts while every line of the worker breaks again and again: each is paid once, or not at all', async () => {
  const random = seeded(7);
  database.decide = gray(random, 40);
  psp.decide = gray(random, 8);
  temporal.decide = gray(random, 400);
  const suffixes = ['0001', '0002', '0003', '1234'];
  const ids = Array.from({ length: 24 }, () => newId('po'));
  await Promise.all(
    ids.map((payoutId, index) => engine.pay(suffixes[index % 4] ?? '0001', { payoutId }).catch(() => undefined)), // it may answer late
  );
  for (const [index, id] of ids.entries()) {
    const isOver = async () => isFinal((await engine.ledger.read(id))?.state ?? 'QUEUED');
    for (let left = 60; !(await isOver()) && left > 0; left -= 1) {
      await engine.until(id, 'SUCCEEDED', 'FAILED', 'UNRESOLVED').catch(() => undefined);
      await asAnOperatorWould(id);
      await new Promise((resolve) => setTimeout(resolve, 250)); // what was decided has to get through, too
    }
    const { state } = await engine.until(id, 'SUCCEEDED', 'FAILED');
    const paid = (await engine.transfers(id)).filter(({ status }) => status === 'paid');
    if (suffixes[index % 4] === '0003') expect(state).toBe('FAILED');
    expect(paid).toHaveLength(state === 'SUCCEEDED' ? 1 : 0);
    expect(await entriesOf(id)).toEqual(['RESERVE', state === 'SUCCEEDED' ? 'SETTLE' : 'RELEASE']);
  }
  expect(Object.keys(database.met).sort()).toEqual(['delayed', 'halved', 'lost', 'unheard']);
  await booksAreBalanced();
}, 480_000); // a loaded machine takes its time

/** A PSP that stayed unheard too often leaves the payout to a person, who reads the PSP's own book. */
async function asAnOperatorWould(payoutId: string): Promise<void> {
  if ((await engine.ledger.read(payoutId))?.state !== 'UNRESOLVED') return;
  const isPaid = (await engine.transfers(payoutId)).some(({ status }) => status === 'paid');
  const type = isPaid ? 'resolved_paid' : 'resolved_not_paid';
  const answer = await engine.command(payoutId, { type, adminId: 'adm_1', evidence: 'the book of the PSP' });
  if (answer.outcome === 'not_allowed') throw new Error('whoever resolves must be allowed to');
}

/** Of so many requests about one is lost, one unheard, one halved, and one delayed. */
function gray(random: Random, oneIn: number): () => Fate {
  const fates: readonly Fate[] = ['lost', 'unheard', 'halved', { delayMs: 300 }];
  return () => fates[random.below(oneIn)] ?? 'pass';
}
