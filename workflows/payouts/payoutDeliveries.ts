/** The webhooks that a payout's changes leave behind: tried here once or a few times, then handed over. */
import { type ActivityInterfaceFor, ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import type { WebhookActivities } from '../../activities/webhooks/webhooks.ts';
import { deliveryWorkflowId } from '../../src/rules/ids.ts';
import { WEBHOOKS_QUEUE } from '../../src/temporal/rules/queues.ts';
import { webhookDelivery } from '../webhooks/webhookDelivery.ts';

const webhooks = proxyActivities<Pick<ActivityInterfaceFor<WebhookActivities>, 'deliverWebhooks'>>({
  taskQueue: WEBHOOKS_QUEUE,
  startToCloseTimeout: '2m', // every receiver has 15 s, in parallel; new tries begin within the first minute
  heartbeatTimeout: '15s', // a dead worker is noticed by five missed beats
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
  summary: 'deliver webhooks',
});

export interface Deliveries {
  /** The change of this number has left something to deliver. */
  due(sequence: number): void;
  /** Whether all of it is delivered, or handed to a workflow of its own. */
  areDone(): boolean;
}

export function openDeliveries(payoutId: string): Deliveries {
  let delivering: Promise<void> | undefined;
  let isMoreDue = false;
  let dueThrough = 0; // the newest change that left webhooks behind
  const handedOver = new Set<string>(); // workflows that deliver what this one left

  async function deliver(): Promise<void> {
    while (isMoreDue) {
      isMoreDue = false;
      const { undelivered, through } = await webhooks.deliverWebhooks({ payoutId });
      if (through !== undefined && through >= dueThrough) isMoreDue = false; // it has seen what we were told of meanwhile
      // The long tail must not keep the payout open: a workflow of its own follows the schedule for each.
      for (const deliveryId of undelivered) {
        await handOver(webhookDelivery, deliveryWorkflowId(deliveryId), { deliveryId, tried: 1 });
      }
    }
    delivering = undefined;
  }

  async function handOver<Input>(workflow: (input: Input) => Promise<unknown>, workflowId: string, input: Input): Promise<void> {
    if (handedOver.has(workflowId)) return;
    handedOver.add(workflowId);
    await startChild<(input: Input) => Promise<unknown>>(workflow, {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    }).catch(ignoreRunningTwin);
  }

  return {
    due(sequence) {
      isMoreDue = true;
      dueThrough = Math.max(dueThrough, sequence);
      delivering ??= deliver();
    },
    areDone: () => delivering === undefined,
  };
}

/** There is such a workflow already: it will be tried. */
function ignoreRunningTwin(error: unknown): void {
  if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') return;
  throw error;
}
