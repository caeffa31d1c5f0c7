/** Every workflow there is: what the worker's bundle is made from. */
export { gameSettlement } from './games/gameSettlement.ts';
export { instantBatch } from './instant/instantBatch.ts';
export { instantPayout } from './instant/instantPayout.ts';
export { payin } from './instant/payin.ts';
export {
  checkBooks,
  cutBack,
  letGoPaused,
  lookAfterGames,
  lookAfterInstantPayouts,
  lookAfterMarkets,
  takeUpOpenPayouts,
} from './maintenance.ts';
export { marketResolution } from './markets/marketResolution.ts';
export { payout } from './payouts/payout.ts';
export { payoutFollowUp } from './payouts/payoutFollowUp.ts';
export { payoutRun } from './providers/payoutRun.ts';
export { relay } from './relay/relay.ts';
