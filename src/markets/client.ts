/** How the door talks to the workflows of resolutions: ids, policies, and what operators see of them in the Temporal UI. */
import type { Client, WorkflowStartOptions } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { marketResolution } from '../../workflows/markets/marketResolution.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import { CURRENCY, MERCHANT_ID, NEEDS_OPERATOR, RESOLUTION_STATE } from '../temporal/rules/searchAttributes.ts';
import { createWorkflowClient } from '../temporal/workflowClient.ts';
import { decideUpdate, lookSignal } from './rules/contract.ts';
import type { DecisionAnswer, DecisionOrder } from './rules/decision.ts';
import { resolutionWorkflowId } from './rules/ids.ts';
import type { ResolutionRecord } from './rules/market.ts';

export interface MarketsClient {
  /**
   * What is to be done for a resolution stands in the books: its workflow looks there, and is started where none runs. One that is
   * just ending looks again.
   */
  resolve(resolution: ResolutionRecord): Promise<void>;
  /** Starts the workflow of one that has none (any more). @returns false: it runs. */
  takeUp(resolution: ResolutionRecord): Promise<boolean>;
  /** Puts to it what a person has decided; one that has ended is begun again for it. `pending`: no worker answered in time. */
  decide(resolution: ResolutionRecord, order: DecisionOrder): Promise<DecisionAnswer | { readonly outcome: 'pending' }>;
}

export interface MarketsSettings {
  readonly allowSignalDecisions: boolean;
  readonly fundsEveryMs?: number;
}

/** A merchant that pays in sees its winners paid within half a minute; a market that waits for weeks costs two looks a minute. */
const FUNDS_EVERY_MS = 30_000;

/** @param onFull told of each run that was ended because it could take no more signals. */
export function createMarketsClient(
  client: Client,
  { allowSignalDecisions, fundsEveryMs = FUNDS_EVERY_MS }: MarketsSettings,
  onFull?: (workflowId: string) => void,
): MarketsClient {
  const temporal = createWorkflowClient(client, onFull);

  const optionsOf = (resolution: ResolutionRecord): WorkflowStartOptions<typeof marketResolution> => ({
    workflowId: resolutionWorkflowId(resolution.marketId, resolution.run),
    taskQueue: PAYOUTS_QUEUE,
    args: [{ resolutionId: resolution.id, marketId: resolution.marketId, settings: { allowSignalDecisions, fundsEveryMs } }],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE', // each run goes by the books, which keep every step single
    staticSummary: `run ${resolution.run} of ${resolution.marketId} → ${resolution.outcome}`,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: MERCHANT_ID, value: resolution.merchantId },
      { key: CURRENCY, value: resolution.currency },
      { key: RESOLUTION_STATE, value: resolution.state },
      { key: NEEDS_OPERATOR, value: resolution.needsOperator },
    ]),
  });

  return {
    resolve: (resolution) => temporal.signalOrStart(marketResolution, optionsOf(resolution), lookSignal, resolution.id),
    takeUp: (resolution) => temporal.start(marketResolution, optionsOf(resolution)),
    async decide(resolution, order) {
      const question = { updateId: order.updateId, order, refusals: ['wrong_state'] as const };
      const asked = await temporal.askOrStart(marketResolution, optionsOf(resolution), decideUpdate, question);
      switch (asked.kind) {
        case 'answered':
          return asked.answer;
        case 'refused':
          return { outcome: asked.refusal };
        default:
          return { outcome: 'pending' };
      }
    },
  };
}
