/** What Temporal remembers of payouts: a witness beside the books, for when these were restored from a backup. */
import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload, type SerializationContext } from '@temporalio/common';
import type { PayoutInput } from '../payouts/rules/contract.ts';
import { parsePayoutWorkflowId } from '../rules/ids.ts';
import { createPayloadCodec } from '../temporal/codec.ts';
import { PAYOUT_STATUS } from '../temporal/rules/searchAttributes.ts';
import { heardAs, type Role, type Sent } from '../temporal/rules/sentFor.ts';
import { type Marked, type Unsigned, unsigned, whyUnsigned } from '../temporal/rules/unsigned.ts';
import type { Memory, Run, Told } from './witnesses.ts';

export interface RunsClient {
  /** Those of payouts that were open at this moment or later, the oldest first: in that order their money is looked for. */
  since(moment: Date): Promise<Run[]>;
  /** Those of payouts that run now. */
  running(): Promise<Run[]>;
  /** What its history says; undefined where it was not started by us: a stranger can start anything. */
  remember(run: Run): Promise<Memory | undefined>;
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

/** It may be ours: its key is missing here. More runs make a comparison more careful, so it counts. */
const KEY_MISSING: Unsigned = 'no key of ours has the name of its own';

/** The arguments of what the workflow of a payout asks for, as far as they are read here. */
interface Asked {
  readonly attempt?: unknown;
  readonly type?: unknown;
}

export function createRunsClient(client: Client, encryptionKeys: string): RunsClient {
  const codec = createPayloadCodec(encryptionKeys);
  const { namespace } = client.options;

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

  async function sentTo(
    context: SerializationContext,
    role: Role,
    name: string,
    payloads: Payload[] | null | undefined,
  ): Promise<Sent | Marked> {
    const decoded = await codec.decode(payloads ?? [], context);
    return heardAs(
      role,
      name,
      decoded.map((payload) => defaultPayloadConverter.fromPayload(payload)),
    );
  }

  /** What it asked of activities of this name: a stranger's worker may have asked for more, but encrypted nothing. */
  async function asked(workflowId: string, name: string, scheduled: readonly Scheduled[]): Promise<Asked[][]> {
    const all = scheduled
      .filter(({ activityType }) => activityType?.name === name)
      .map(async ({ activityId, input }) => {
        const place = { type: 'activity', namespace, workflowId, activityId: activityId ?? '', isLocal: false } as const;
        const sent = await sentTo(place, 'activity', name, input?.payloads);
        return unsigned(sent) ? [] : [(sent as Sent).args as Asked[]];
      });
    return (await Promise.all(all)).flat();
  }

  return {
    since(moment) {
      const at = `'${moment.toISOString()}'`;
      return list(`(StartTime >= ${at} OR CloseTime >= ${at} OR ExecutionStatus = 'Running')`);
    },

    running: () => list(`ExecutionStatus = 'Running'`),

    async remember(run) {
      const { workflowId, runId } = run;
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      const started = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads;
      const opened = await sentTo({ type: 'workflow', namespace, workflowId }, 'start', 'payout', started);
      const mark = unsigned(opened);
      if (mark && whyUnsigned(mark) !== KEY_MISSING) return undefined;
      const scheduled = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: each }) => (each ? [each] : []));
      const sent = (await asked(workflowId, 'submit', scheduled)).map(([order]) => Number(order?.attempt));
      const decided = (await asked(workflowId, 'applyAsked', scheduled)).map(([, , fact]) => fact?.type);
      return {
        ...run,
        opening: mark ? undefined : ((opened as Sent).args as [PayoutInput])[0].opening,
        sent: Math.max(0, ...sent.filter(Number.isSafeInteger)),
        isResolvedPaid: decided.includes('resolved_paid'),
      };
    },

    async end({ workflowId, runId }, reason) {
      await client.workflow.getHandle(workflowId, runId).terminate(reason);
    },
  };
}

interface Scheduled {
  readonly activityId?: string | null;
  readonly activityType?: { readonly name?: string | null } | null;
  readonly input?: { readonly payloads?: Payload[] | null } | null;
}

function toldBy(execution: string, status: string): Told {
  if (execution !== 'COMPLETED' && status === 'IN_REVIEW') return 'in_review';
  if (execution === 'RUNNING') return status === 'ON_HOLD' ? 'held' : 'unfinished';
  return execution === 'COMPLETED' ? (TOLD[status] ?? 'unfinished') : 'unfinished';
}
