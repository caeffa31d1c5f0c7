/** What every worker shares, so that it believes nobody but us: how payloads are read, and who may ask an activity. */
import { fileURLToPath } from 'node:url';
import { ApplicationFailure, ensureApplicationFailure, TemporalFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory, BundleOptions, WorkerOptions } from '@temporalio/worker';
import { dataConverter, failureConverterPath } from './codec.ts';
import { heardAs, type Sent } from './rules/sentFor.ts';
import { type FailedCall, UNSIGNED_FAILURE, unsigned, whyUnsigned, wrapped } from './rules/unsigned.ts';

/**
 * Any workflow, on anybody's worker, can hand tasks to our queues, and anybody can start an activity alone: what was not
 * encrypted by us for this workflow and this activity, an activity does not do. Its answer names the call.
 */
const guard: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const sent = heardAs('activity', info.activityType, input.args);
      const mark = unsigned(sent);
      if (mark) {
        const message = `what it was asked is not ours: ${whyUnsigned(mark)}`;
        throw ApplicationFailure.nonRetryable(message, UNSIGNED_FAILURE);
      }
      const { args, nonce } = sent as Sent;
      try {
        return wrapped(await next({ ...input, args: [...args] }), nonce);
      } catch (error) {
        throw isApplicationError(error)
          ? Object.assign(ensureApplicationFailure(error), { answerTo: nonce } satisfies FailedCall)
          : error;
      }
    },
  },
});

/** Not a cancellation, which the SDK must see as it is. */
const isApplicationError = (error: unknown): boolean =>
  error instanceof ApplicationFailure ||
  !(error instanceof TemporalFailure || (error instanceof Error && error.name === 'AbortError'));

/** For `Worker.create`. @param others further interceptors of activities. */
export function workerSettings(
  encryptionKeys: string,
  others: readonly ActivityInterceptorsFactory[] = [],
): Pick<WorkerOptions, 'dataConverter' | 'interceptors'> {
  return { dataConverter: dataConverter(encryptionKeys), interceptors: { activity: [guard, ...others] } };
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** For `bundleWorkflowCode`: what belongs to every bundle of workflows. */
export const bundleSettings = {
  failureConverterPath,
  workflowInterceptorModules: [fileURLToPath(new URL(`../../workflows/interceptors.${extension}`, import.meta.url))],
} as const satisfies Partial<Omit<BundleOptions, 'workflowInterceptorModules'>> & { workflowInterceptorModules: string[] };
