/** What every worker shares, so that it believes nobody but us: how payloads are read, and who may ask an activity. */
import { fileURLToPath } from 'node:url';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory, BundleOptions, WorkerOptions } from '@temporalio/worker';
import { UNSIGNED_FAILURE, unsigned, whyUnsigned, wrapped } from '../domain/unsigned.ts';
import { dataConverter, failureConverterPath } from './codec.ts';

/**
 * Any workflow, on anybody's worker, can hand tasks to our queues, and anybody can start an activity alone: what was not
 * encrypted for it by us, an activity does not do. (One without arguments is housekeeping, which harms nobody.)
 */
const guard: ActivityInterceptorsFactory = () => ({
  inbound: {
    async execute(input, next) {
      for (const each of input.args) {
        const mark = unsigned(each);
        if (mark) {
          const message = `an argument is not ours: ${whyUnsigned(mark)}`;
          throw ApplicationFailure.nonRetryable(message, UNSIGNED_FAILURE);
        }
      }
      return wrapped(await next(input));
    },
  },
});

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
