/** What payees, and operators, say of slices: written down first, then the workflows of the slice and its withdrawal are told. */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import {
  type BatchDecision,
  type ClosingAnswer,
  type ClosingRequest,
  type ConfirmAnswer,
  closeInstantPayout,
  confirmBatch,
  type DecisionAnswer,
  type DisputeAnswer,
  decideBatch,
  decideLateProof,
  disputeBatch,
  type LateAnswer,
  type LateDecision,
  type ReassignAnswer,
  reassignBatch,
} from '../../ledger/instant.ts';
import { readBatch } from '../reads.ts';
import type { InstantClient } from '../rules/contract.ts';

export interface JudgePorts {
  readonly pool: Sql;
  readonly instant: InstantClient;
}

interface Judged {
  readonly outcome: string;
}

/** Whatever it was, the next look finds what is to be done. */
async function tell<Answer extends Judged>({ instant }: JudgePorts, batchId: string, answer: Answer): Promise<Answer> {
  await failpoint('slice.judged', batchId);
  if (answer.outcome !== 'not_found') await instant.lookAtBatch(batchId);
  return answer;
}

async function say<Answer extends Judged>(ports: JudgePorts, batchId: string, write: () => Promise<Answer>): Promise<Answer> {
  await failpoint('slice.judging', batchId);
  return await tell(ports, batchId, await write());
}

export const confirm = async (ports: JudgePorts, request: { batchId: string; actor: string }): Promise<ConfirmAnswer> =>
  await say(ports, request.batchId, () => confirmBatch(ports.pool, request));

export const dispute = async (
  ports: JudgePorts,
  request: { batchId: string; reason: string; actor: string },
): Promise<DisputeAnswer> => await say(ports, request.batchId, () => disputeBatch(ports.pool, request));

export const decide = async (ports: JudgePorts, request: BatchDecision): Promise<DecisionAnswer> =>
  await say(ports, request.batchId, () => decideBatch(ports.pool, request));

export const decideLate = async (ports: JudgePorts, request: LateDecision): Promise<LateAnswer> => {
  const answer = await decideLateProof(ports.pool, request);
  return 'batch' in answer ? await tell(ports, answer.batch.id, answer) : answer;
};

/** Of the assignment that counts when it is asked for. */
export async function reassign(
  ports: JudgePorts,
  { batchId, actor }: { batchId: string; actor: string },
): Promise<ReassignAnswer> {
  const batch = await readBatch(ports.pool, batchId);
  if (!batch) return { outcome: 'not_found' };
  return await tell(ports, batchId, await reassignBatch(ports.pool, { batchId, epoch: batch.epoch, actor }));
}

export async function close(ports: JudgePorts, request: ClosingRequest): Promise<ClosingAnswer> {
  const answer = await closeInstantPayout(ports.pool, request);
  if ('batches' in answer) {
    for (const { id } of answer.batches) await ports.instant.lookAtBatch(id);
    await ports.instant.lookAtInstantPayout(request.instantPayoutId);
  }
  return answer;
}
