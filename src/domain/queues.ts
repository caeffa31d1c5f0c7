/** All workflows, with their local activities and PSP calls: one queue, so that a PSP call can be handed over without a hop. */
export const PAYOUTS_QUEUE = 'payouts';
/** The activities that send webhooks, and housekeeping: apart, so that a slow receiver takes no slot from a payout. */
export const WEBHOOKS_QUEUE = 'webhooks';
