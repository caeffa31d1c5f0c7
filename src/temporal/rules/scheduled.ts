/**
 * Workflows that are started by a Schedule, which adds the time to their ids: nothing can be encrypted for them, so they take
 * nothing. Whoever starts one by hand makes it work earlier, as the Schedule's own button does.
 */
export const STARTED_WITHOUT_ARGUMENTS: ReadonlySet<string> = new Set([
  'cutBack',
  'takeUpOpenPayouts',
  'checkBooks',
  'lookAfterGames',
  'lookAfterMarkets',
  'letGoPaused',
  'lookAfterInstantPayouts',
  'payoutRun',
]);
