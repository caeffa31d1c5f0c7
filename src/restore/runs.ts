/** What Temporal remembers of payouts: a witness beside the books, for when these were restored from a backup. */
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Opening, PayoutInput } from '../payouts/rules/contract.ts';
import { PAYOUT_STATUS } from '../payouts/rules/searchAttributes.ts';
import { parsePayoutWorkflowId } from '../rules/ids.ts';
import { createPayloadCodec } from '../temporal/codec.ts';
import { heardAs, type Sent } from '../temporal/rules/sentFor.ts';
import { unsigned } from '../temporal/rules/unsigned.ts';

/**
 * What its merchant was last told of the payout by this run. `closed`: that it will not be paid (FAILED, REJECTED,
 * CANCELLED); `refused`: that it was never taken in; `in_review`: that a person must decide. A run that was ended by hand leaves its payout unfinished.
 */
export type Told = 'unfinished' | 'in_review' | 'held' | 'paid' | 'closed' | 'refused';

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly payoutId: string;
  readonly round: number;
  readonly isRunning: boolean;
  readonly told: Told;
}

export interface RunsClient {
  /** Those of payouts that were open at this moment or later, the oldest first. */
  since(moment: Date): Promise<Run[]>;
  /** Those of payouts that run now. */
  running(): Promise<Run[]>;
  /** What it was started with; undefined where that is not ours: a stranger can start anything. */
  openingOf(run: Run): Promise<Opening | undefined>;
  end(run: Run, reason: string): Promise<void>;
}

/** The statuses that stand in the list of workflows; a run that was never accepted keeps the one that it started with. */
const TOLD: Readonly<Record<string, Told>> = {
  SUCCESS: 'paid',
  RETURNED: 'paid',
  FAILED: 'closed',
  REJECTED: 'closed',
  CANCELLED: 'closed',
  PENDING: 'refused',
};

export function createRunsClient(client: Client, encryptionKeys: string): RunsClient {
  const codec = createPayloadCodec(encryptionKeys);

  async function list(query: string): Promise<Run[]> {
    const found: { run: Run; startedAt: number }[] = [];
    for await (const { workflowId, runId, status, startTime, typedSearchAttributes } of client.workflow.list({
      query: `WorkflowType = 'payout' AND ${query}`,
    })) {
      const place = parsePayoutWorkflowId(workflowId);
      if (!place) continue;
      const told = toldBy(status.name, typedSearchAttributes.get(PAYOUT_STATUS) ?? '');
      const run = { workflowId, runId, ...place, isRunning: status.name === 'RUNNING', told };
      found.push({ run, startedAt: startTime.getTime() });
    }
    return found.sort((a, b) => a.startedAt - b.startedAt).map(({ run }) => run);
  }

  return {
    since(moment) {
      const at = `'${moment.toISOString()}'`;
      return list(`(StartTime >= ${at} OR CloseTime >= ${at} OR ExecutionStatus = 'Running')`);
    },

    running: () => list(`ExecutionStatus = 'Running'`),

    async openingOf({ workflowId, runId }) {
      const { history } = await client.workflowService.getWorkflowExecutionHistory({
        namespace: client.options.namespace,
        execution: { workflowId, runId },
        maximumPageSize: 1,
      });
      const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      const place = { type: 'workflow', namespace: client.options.namespace, workflowId } as const;
      const decoded = await codec.decode(payloads, place);
      const received = decoded.map((payload) => defaultPayloadConverter.fromPayload(payload));
      const sent = heardAs('start', 'payout', received);
      return unsigned(sent) ? undefined : ((sent as Sent).args as [PayoutInput])[0].opening;
    },

    async end({ workflowId, runId }, reason) {
      await client.workflow.getHandle(workflowId, runId).terminate(reason);
    },
  };
}

function toldBy(execution: string, status: string): Told {
  if (execution !== 'COMPLETED' && status === 'IN_REVIEW') return 'in_review';
  if (execution === 'RUNNING') return status === 'ON_HOLD' ? 'held' : 'unfinished';
  return execution === 'COMPLETED' ? (TOLD[status] ?? 'unfinished') : 'unfinished';
}
