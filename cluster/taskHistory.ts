/** Which version of a worker carried which payout, as Temporal wrote it down. */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const Cause = proto.temporal.api.enums.v1.WorkflowTaskFailedCause;

export interface TaskHistory {
  readonly workflowId: string;
  /** Of each workflow task in order: the version of the worker that completed it. */
  readonly versions: readonly string[];
  readonly failures: readonly TaskFailure[];
}

export interface TaskFailure {
  readonly version: string;
  /** In Temporal's words, such as NON_DETERMINISTIC_ERROR. */
  readonly cause: string;
  /** Until a worker could go on with it; null: nobody has. */
  readonly stoodStillMs: number | null;
}

/** @param versionOf the version of the worker with this identity, which is its process's number and machine. */
export async function taskHistory(
  client: Client,
  workflowId: string,
  versionOf: (identity: string) => string,
): Promise<TaskHistory> {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const versions: string[] = [];
  const failures: { version: string; cause: string; stoodStillMs: number | null; failedAt: number }[] = [];
  for (const {
    eventTime,
    workflowTaskCompletedEventAttributes: completed,
    workflowTaskFailedEventAttributes: failed,
  } of events ?? []) {
    const at = Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6;
    // "Unhandled command" is no fault: something happened while the worker was at its task, and it looks again.
    if (failed && failed.cause !== Cause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND) {
      const cause = Cause[failed.cause ?? 0] ?? 'unknown';
      const words = cause.replace('WORKFLOW_TASK_FAILED_CAUSE_', '');
      failures.push({ version: versionOf(failed.identity ?? ''), cause: words, stoodStillMs: null, failedAt: at });
    }
    if (completed) {
      versions.push(versionOf(completed.identity ?? ''));
      for (const each of failures) each.stoodStillMs ??= Math.round(at - each.failedAt);
    }
  }
  return { workflowId, versions, failures };
}
