/** How the door asks for a webhook once more. The delivery itself is a workflow of the worker's. */
import type { Client } from '@temporalio/client';
import { webhookDelivery } from '../../workflows/webhooks/webhookDelivery.ts';
import { deliveryWorkflowId } from '../rules/ids.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import { createWorkflowClient } from '../temporal/workflowClient.ts';
import type { WebhookDeliveryInput } from './rules/delivery.ts';

export interface WebhooksClient {
  /** One try at once, besides any schedule. `tried` tries were made before: two callers who saw the same ask for the same try. */
  resend(deliveryId: string, tried: number): Promise<void>;
  /** Follows its schedule from the next try on; does nothing where a workflow does already. */
  deliver(deliveryId: string, tried: number): Promise<void>;
}

export function createWebhooksClient(client: Client): WebhooksClient {
  const temporal = createWorkflowClient(client);

  async function start(workflowId: string, input: WebhookDeliveryInput): Promise<void> {
    await temporal.start(webhookDelivery, {
      workflowId,
      taskQueue: PAYOUTS_QUEUE, // where workflows run; the other queue has only activities
      args: [input],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE', // a try that was never written down may be asked for again
    });
  }

  return {
    resend: (deliveryId, tried) =>
      start(`${deliveryWorkflowId(deliveryId)}/resend-${tried + 1}`, { deliveryId, tried, trigger: 'resend' }),
    deliver: (deliveryId, tried) => start(deliveryWorkflowId(deliveryId), { deliveryId, tried }),
  };
}
