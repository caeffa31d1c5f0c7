export { payout } from './payout.ts';
export { payoutFollowUp } from './payoutFollowUp.ts';
