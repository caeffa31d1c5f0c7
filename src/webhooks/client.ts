/** How the door asks for a webhook once more. The delivery itself is a workflow of the worker's. */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { deliveryWorkflowId } from '../rules/ids.ts';
import { RPC_TIMEOUT_MS, unavailableOr } from '../temporal/client.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import type { WebhookDeliveryInput, WebhookDeliveryResult } from './rules/delivery.ts';

export interface WebhooksClient {
  /** One try at once, besides any schedule. `tried` tries were made before: two callers who saw the same ask for the same try. */
  resend(deliveryId: string, tried: number): Promise<void>;
  /** Follows its schedule from the next try on; does nothing where a workflow does already. */
  deliver(deliveryId: string, tried: number): Promise<void>;
}

export function createWebhooksClient(client: Client): WebhooksClient {
  async function start(workflowId: string, input: WebhookDeliveryInput): Promise<void> {
    try {
      await client.withDeadline(Date.now() + RPC_TIMEOUT_MS, () =>
        client.workflow.start<(input: WebhookDeliveryInput) => Promise<WebhookDeliveryResult>>('webhookDelivery', {
          workflowId,
          taskQueue: PAYOUTS_QUEUE, // where workflows run; the other queue has only activities
          args: [input],
          workflowIdReusePolicy: 'ALLOW_DUPLICATE', // a try that was never written down may be asked for again
        }),
      );
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return;
      throw unavailableOr(error);
    }
  }

  return {
    resend: (deliveryId, tried) =>
      start(`${deliveryWorkflowId(deliveryId)}/resend-${tried + 1}`, { deliveryId, tried, trigger: 'resend' }),
    deliver: (deliveryId, tried) => start(deliveryWorkflowId(deliveryId), { deliveryId, tried }),
  };
}
