/** `oncepay restored` as an operator runs it on an engine of the tests, with the statement of its sandbox. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { type Backup, backUp } from '../../harness/backup.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { Command, Destination } from '../../src/payouts/rules/contract.ts';
import { restored } from '../../src/restore/main.ts';
import { payoutWorkflowId } from '../../src/rules/ids.ts';
import { PAYOUT_STATUS } from '../../src/temporal/rules/searchAttributes.ts';
import { ENCRYPTION_KEYS } from './encryption.ts';
import { type Engine, SHORT_TIMES } from './engine.ts';

type BankDestination = Extract<Destination, { type: 'bank' }>;

export interface Looked {
  readonly lines: string[];
  /** Whether nothing is left to look at. */
  readonly isWell: boolean;
}

/** What an operator reads. */
export async function lookAfterRestore(
  engine: Engine,
  backup: Backup | undefined,
  { repair, statement = false }: { repair: boolean; statement?: boolean },
): Promise<Looked> {
  const lines: string[] = [];
  const settings = {
    databaseUrl: engine.db.appUrl,
    temporalAddress: engine.env.address,
    temporalNamespace: 'default',
    encryptionKeys: ENCRYPTION_KEYS,
    times: SHORT_TIMES,
    allowSignalDecisions: true,
  };
  const folder = mkdtempSync(join(tmpdir(), 'oncepay-statement-'));
  try {
    const statementFile = statement ? join(folder, 'statement.csv') : undefined;
    if (statementFile !== undefined) writeFileSync(statementFile, await statementOf(engine));
    const options = { since: backup?.at, statementFile, hold: false, repair };
    return { isWell: await restored(settings, options, (line) => lines.push(line)), lines };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Waits until the list of workflows, which is written a moment after their histories, says of each payout of the books
 * what Temporal knows of it: a restore that is looked at earlier would know less, on a slow machine only.
 */
export async function untilListed({ db, client }: Engine): Promise<void> {
  const { rows } = await db.owner.query<{ id: string; round: number }>('SELECT id, round FROM payouts');
  for (const { id, round } of rows) {
    const workflowId = payoutWorkflowId(id, round);
    const known = await client.workflow
      .getHandle(workflowId)
      .describe()
      .catch((error: unknown) => (error instanceof WorkflowNotFoundError ? undefined : Promise.reject(error)));
    for (let left = 600; known && !(await listed(client, known)); left -= 1) {
      if (left === 0) throw new Error(`${workflowId} is never listed as ${known.status.name}`);
      await sleep(50);
    }
  }
}

async function listed({ workflow }: Client, known: WorkflowExecutionDescription): Promise<boolean> {
  for await (const found of workflow.list({ query: `WorkflowId = '${known.workflowId}'` })) {
    const same = [found, known].map((each) => [each.status.name, each.typedSearchAttributes.get(PAYOUT_STATUS)].join());
    if (found.runId === known.runId && same[0] === same[1]) return true;
  }
  return false;
}

/**
 * A payout to this account, whose PSP is down: a backup is made while nobody knows its outcome, and a person resolves it
 * afterwards. The books are restored by the caller, and the faults are still set.
 */
export async function resolvedAfterBackup(
  engine: Engine,
  destination: BankDestination,
  command: Command,
): Promise<{ id: string; backup: Backup }> {
  await engine.fault({ kind: 'down', match: { accountNumber: destination.accountNumber } });
  const times = { ...SHORT_TIMES, outcomeDeadlineMs: 10_000 };
  const via = createPayoutsClient(engine.client, { times, allowSignalDecisions: true });
  const { id } = await engine.pay('', { destination }, via);
  await engine.until(id, 'UNKNOWN');
  const backup = await backUp(engine.db.ownerUrl);
  await engine.until(id, 'UNRESOLVED');
  const { outcome } = await engine.command(id, command);
  if (outcome !== 'done') throw new Error(`not resolved: ${outcome}`);
  return { id, backup };
}

interface Transfer {
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
  readonly status: string;
}

async function statementOf({ sandbox }: Engine): Promise<string> {
  const answer = await fetch(`${sandbox.url}/control/transfers?limit=1000`);
  const { data } = (await answer.json()) as { data: readonly Transfer[] };
  const lines = data.map(({ reference, amount, currency, status }) => `${reference},${amount},${currency},${status}`);
  return `${['reference,amount,currency,status', ...lines].join('\n')}\n`;
}
