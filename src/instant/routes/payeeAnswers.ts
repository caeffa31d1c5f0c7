/** What comes of it when a payee says that a slice was received, or not: by the merchant's server, or on a hosted page. */
import type { Sql } from '../../db/pool.ts';
import type { Answer } from '../../http/plugins/idempotency.ts';
import { notFound } from '../../http/problem.ts';
import { presentBatch, presentInstantPayout } from '../present/instantPayout.ts';
import { type OwnBatch, readBatches } from '../reads.ts';
import type { InstantPayoutRecord } from '../rules/records.ts';
import { confirm, dispute, type JudgePorts } from '../useCases/judge.ts';
import { refuse } from './answers.ts';

/** Whether the success page is to be shown, and with what. */
export async function received(ports: JudgePorts, { batch: { id: batchId }, userId }: OwnBatch): Promise<Answer> {
  const answer = await confirm(ports, { batchId, actor: `user:${userId}` });
  refuse(answer);
  if (!('batch' in answer)) throw notFound();
  const { batch, instantPayout } = answer;
  const redirect = instantPayout.state === 'completed';
  const withdrawalDetails = redirect ? await detailsOf(ports.pool, instantPayout) : null;
  return { status: 200, body: { redirect, withdrawalDetails, batch: presentBatch(batch) } };
}

export async function notReceived(
  ports: JudgePorts,
  { batch: { id: batchId }, userId }: OwnBatch,
  reason: string,
): Promise<Answer> {
  const answer = await dispute(ports, { batchId, reason, actor: `user:${userId}` });
  refuse(answer);
  if (!('batch' in answer)) throw notFound();
  return { status: 200, body: presentBatch(answer.batch) };
}

async function detailsOf(pool: Sql, instantPayout: InstantPayoutRecord) {
  const { id, totalAmount, instantPaid, receiptId, completedAt, utrs } = presentInstantPayout(instantPayout);
  const batches = (await readBatches(pool, id)).map(presentBatch);
  return {
    id,
    totalAmount,
    instantPaid,
    receiptId,
    completedAt,
    utrs,
    batches: batches.map(({ id: batchId, amount, utr, status, confirmedAt }) => ({
      id: batchId,
      amount,
      utr,
      status,
      confirmedAt,
    })),
  };
}
