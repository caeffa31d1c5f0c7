/** Every workflow there is: what the worker's bundle is made from. */
export { checkBooks, handOnMessages, removeExpiredKeys, takeUpOpenPayouts } from './maintenance.ts';
export { notifications } from './notifications.ts';
export { payout } from './payout.ts';
export { payoutFollowUp } from './payoutFollowUp.ts';
export { payoutRun } from './payoutRun.ts';
export { webhookDelivery } from './webhookDelivery.ts';
