/** How whoever has written something of a withdrawal, a slice or a payin tells its workflow that there is something to do. */
import type { Client } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { instantBatch } from '../../workflows/instant/instantBatch.ts';
import { instantPayout } from '../../workflows/instant/instantPayout.ts';
import { look } from '../../workflows/instant/look.ts';
import { payin } from '../../workflows/instant/payin.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import { createWorkflowClient } from '../temporal/workflowClient.ts';
import { batchWorkflowId, type InstantClient, instantPayoutWorkflowId, payinWorkflowId } from './rules/contract.ts';

/** @param onFull told of each run that was ended because it could take no more signals. */
export function createInstantClient(client: Client, onFull?: (workflowId: string) => void): InstantClient {
  const temporal = createWorkflowClient(client, onFull);
  const tell = <Input extends object>(
    workflow: (input: Input) => Promise<void>,
    workflowId: string,
    input: Input,
    id: string,
  ): Promise<void> =>
    temporal.signalOrStart(workflow as Workflow, { workflowId, taskQueue: PAYOUTS_QUEUE, args: [input] }, look, id);
  return {
    lookAtInstantPayout: (id) => tell(instantPayout, instantPayoutWorkflowId(id), { instantPayoutId: id }, id),
    lookAtBatch: (id) => tell(instantBatch, batchWorkflowId(id), { batchId: id }, id),
    lookAtPayin: (id) => tell(payin, payinWorkflowId(id), { payinId: id }, id),
  };
}
