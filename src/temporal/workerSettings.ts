/** What every worker shares, so that it believes nobody but us: how payloads are read, and who may ask an activity. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ApplicationFailure, ensureApplicationFailure, TemporalFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory, BundleOptions, WorkerOptions, WorkflowBundleOption } from '@temporalio/worker';
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

/**
 * For the worker that runs workflows: they, and the name of its build, made of them. It stands in five events of every payout, where the SDK's own name
 * for it, with a hash of 64 digits, is a tenth of what the server keeps of a payout.
 */
export function buildOf(workflowBundle: WorkflowBundleOption): Pick<WorkerOptions, 'workflowBundle' | 'buildId'> {
  const code = 'code' in workflowBundle ? workflowBundle.code : readFileSync(workflowBundle.codePath);
  const hash = createHash('sha256').update(code).digest('hex');
  return { workflowBundle, buildId: `oncepay+${hash.slice(0, 12)}` };
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** For `bundleWorkflowCode`: what belongs to every bundle of workflows. */
export const bundleSettings = {
  failureConverterPath,
  workflowInterceptorModules: [fileURLToPath(new URL(`../../workflows/interceptors.${extension}`, import.meta.url))],
} as const satisfies Partial<Omit<BundleOptions, 'workflowInterceptorModules'>> & { workflowInterceptorModules: string[] };
