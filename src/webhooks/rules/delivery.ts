/** What the world and the `webhookDelivery` workflow say to each other. */
import { defineSignal } from '@temporalio/workflow';

export interface WebhookDeliveryInput {
  readonly deliveryId: string;
  /** Tries of the schedule that were made before: the next is number `tried` + 1. */
  readonly tried: number;
  /** `resend`: a person asked for it. One try at once, whatever the delivery's state, and no schedule. */
  readonly trigger?: 'auto' | 'resend';
}

export interface WebhookDeliveryResult {
  readonly delivered: boolean;
}

/** One try now, besides the schedule. */
export const retryNowSignal = defineSignal('retryNow');
