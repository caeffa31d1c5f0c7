/** Payout workflows with their local activities and PSP calls: one queue, so that a PSP call can be handed over without a hop. */
export const PAYOUTS_QUEUE = 'payouts';
/** Webhook deliveries apart, so that a slow receiver takes no slot from a payout. */
export const WEBHOOKS_QUEUE = 'webhooks';
