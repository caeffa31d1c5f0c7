/**
 * `npm run cluster -- --roll`: a new version is rolled out while payouts are under way (docs/changing-workflows.md). Old
 * and new workers run side by side, the new ones die once so that the old ones are offered what these had begun, then the
 * old ones are stopped for good.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { BUILD, type Cluster } from './arrangement.ts';
import { type Merchant, merchantOf, payMany, wrongEnd } from './merchant.ts';
import { problemsOf } from './oracle.ts';
import type { Member } from './processes.ts';
import { type TaskHistory, taskHistory } from './taskHistory.ts';

type Say = (line: string) => void;
type Version = 'old' | 'new';

/** Payouts of each kind that wait under the old version and are decided under the new one. */
const WAITING = 5;

const WAITS_WITHIN_MS = 60_000; // a second on an idle machine

/** The new workers' payouts go to the common queue five seconds after their death; an idle machine needs ten in all. */
const OFFERED_WITHIN_MS = 120_000;

export async function rollOut(cluster: Cluster, count: number, say: Say): Promise<string[]> {
  const { workers, addresses } = cluster;
  const build = await nextBuild();
  const connection = await Connection.connect({ address: addresses[0] });
  const next = [cluster.worker('next-1', addresses[0], build), cluster.worker('next-2', addresses[1], build)] as const;
  const versions = new Map<string, Version>(); // of every process that ever worked
  const note = (members: readonly Member[], version: Version) => {
    for (const { name } of members) versions.set(`${pidOf(cluster, name)}@${hostname()}`, version);
  };
  const histories = () => readHistories(new Client({ connection }), (identity) => versions.get(identity) ?? identity);
  try {
    note(workers, 'old');
    const merchant = merchantOf(cluster);
    const waiting = await makeWaiting(merchant);
    say(`${waiting.length} payouts wait for an approver or the bank under the old version; ${count} more are under way`);
    const start = async () => {
      for (const each of next) each.start();
      for (const each of next) await each.untilWell();
      note(next, 'new');
    };

    const before = await payMany(merchant, count, start);
    say('two workers of the new version run beside the two old ones');
    const beside = await payMany(merchant, count);
    say(`side by side: ${told(await histories())}`);

    const takenBack = await payMany(merchant, count, async () => {
      await Promise.all(next.map((each) => each.kill()));
      say('killed: both new workers; the old ones are offered what these had begun');
      const found = await untilRefused(histories);
      say(`an old worker cannot go on with ${found} of them; the new ones start again`);
      await start();
    });
    const after = await payMany(merchant, count, async () => {
      for (const each of workers) await each.stop();
      say('the old workers have ended, each after what it had in hand');
    });

    say(`decided now: ${waiting.length} payouts that began under the old version`);
    const decided = await decide(cluster, merchant, waiting);
    const all = await histories();
    say(`in the end: ${told(all)}`);
    return [...before, ...beside, ...takenBack, ...after, ...decided, ...notAsExpected(all), ...(await problemsOf(cluster))];
  } finally {
    await Promise.all(next.map((each) => each.stop()));
    await connection.close();
    rmSync(build, { recursive: true, force: true });
  }
}

/** This build with other workflows: one step more before each send, behind `patched` (nextVersion.ts). */
async function nextBuild(): Promise<string> {
  const build = join(BUILD, 'next');
  rmSync(build, { recursive: true, force: true });
  for (const part of ['src', 'activities', 'workflows']) cpSync(join(BUILD, part), join(build, part), { recursive: true });
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(BUILD, 'workflows', 'index.js'),
    workflowInterceptorModules: [join(BUILD, 'workflows', 'interceptors.js'), join(BUILD, 'cluster', 'nextVersion.js')],
    failureConverterPath: join(BUILD, 'src', 'temporal', 'failureConverter.cjs'),
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(build, 'workflow-bundle.js'), code);
  return build;
}

function pidOf({ home }: Cluster, name: string): number {
  return (JSON.parse(readFileSync(home.file('logs', `${name}.pid`), 'utf8')) as { pid: number }).pid;
}

interface Waiting {
  readonly id: string;
  readonly for: 'approver' | 'bank';
}

async function makeWaiting(merchant: Merchant): Promise<Waiting[]> {
  const made: Waiting[] = [];
  for (let nth = 0; nth < WAITING; nth += 1) {
    made.push({ id: await merchant.order({ key: `review-${nth}`, ending: '0001', amount: '100000.00' }), for: 'approver' });
    made.push({ id: await merchant.order({ key: `bank-${nth}`, ending: '0004' }), for: 'bank' });
  }
  for (const { id, for: whom } of made) {
    const waitingOn = async () => (await merchant.call('GET', `/api/v1/payouts/${id}`)).body['waitingOn'];
    const deadline = performance.now() + WAITS_WITHIN_MS;
    while ((await waitingOn()) !== (whom === 'bank' ? 'psp' : 'approver')) {
      if (performance.now() > deadline) throw new Error(`${id} does not wait for the ${whom}`);
      await sleep(100);
    }
  }
  return made;
}

async function decide({ credentials }: Cluster, merchant: Merchant, waiting: readonly Waiting[]): Promise<string[]> {
  const approver = credentials.admins.find(({ role }) => role === 'approver')?.key ?? '';
  const wrong: string[] = [];
  for (const { id, for: whom } of waiting) {
    if (whom === 'bank') await merchant.bank(`${id}:1`, 'paid');
    else await merchant.call('POST', `/api/admin/payouts/${id}/approve`, { note: 'seen' }, approver);
    wrong.push(...(await wrongEnd(merchant, id, 'SUCCESS')));
  }
  return wrong;
}

async function readHistories(client: Client, versionOf: (identity: string) => string): Promise<TaskHistory[]> {
  const all: TaskHistory[] = [];
  for await (const { workflowId } of client.workflow.list({ query: `WorkflowType = 'payout'` })) {
    all.push(await taskHistory(client, workflowId, versionOf));
  }
  return all;
}

/** Until an old worker has failed on what a new one had moved. @returns how many payouts. */
async function untilRefused(histories: () => Promise<TaskHistory[]>): Promise<number> {
  const deadline = performance.now() + OFFERED_WITHIN_MS;
  for (;;) {
    const refused = (await histories()).filter(({ failures }) => failures.length > 0);
    if (refused.length > 0 || performance.now() > deadline) return refused.length;
    await sleep(1_000);
  }
}

const count = (histories: readonly TaskHistory[], which: (versions: ReadonlySet<string>) => boolean): number =>
  histories.filter(({ versions }) => which(new Set(versions))).length;

function told(histories: readonly TaskHistory[]): string {
  const failures = histories.flatMap((each) => each.failures);
  const stood = failures.map(({ stoodStillMs }) => stoodStillMs ?? 0);
  const kinds = [...new Set(failures.map(({ version, cause }) => `${cause} at ${version} workers`))];
  return [
    `${histories.length} payouts`,
    `${count(histories, (seen) => seen.has('old') && !seen.has('new'))} by old workers alone`,
    `${count(histories, (seen) => seen.has('new') && !seen.has('old'))} by new ones alone`,
    `${count(histories, (seen) => seen.has('old') && seen.has('new'))} by both`,
    failures.length === 0
      ? 'no workflow task failed'
      : `${failures.length} workflow tasks failed (${kinds.join(', ')}), the longest stood still for ${(Math.max(...stood) / 1000).toFixed(1)} s`,
  ].join(', ');
}

/** That it was a roll-out at all, and that nobody but an old worker met what it could not replay. */
function notAsExpected(histories: readonly TaskHistory[]): string[] {
  const failures = histories.flatMap(({ workflowId, failures }) => failures.map((each) => ({ workflowId, ...each })));
  return [
    ...(count(histories, (seen) => seen.has('old') && seen.has('new')) === 0 ? ['no payout was carried by both versions'] : []),
    ...failures
      .filter(({ version, cause }) => version !== 'old' || cause !== 'NON_DETERMINISTIC_ERROR')
      .map(({ workflowId, version, cause }) => `${workflowId}: a task failed at a worker of version ${version}: ${cause}`),
  ];
}
