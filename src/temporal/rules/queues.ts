/** All workflows, with their local activities and PSP calls: one queue, so that a PSP call can be handed over without a hop. */
export const PAYOUTS_QUEUE = 'payouts';
/** What people decide: apart, so that it never waits for a slot behind PSP calls, least of all while a PSP hangs. */
export const DECISIONS_QUEUE = 'decisions';
/** What the clock asks for: apart, so that a long look through the books takes no slot from a payout. */
export const HOUSEKEEPING_QUEUE = 'housekeeping';
/** PSP calls of provider payouts: apart, because the server holds their rate for the whole fleet, and merchants' have none. */
export const PROVIDER_PSP_QUEUE = 'provider-psp';
/** What a run does between its pages: one at a time, so that two runs never race through the same payouts. */
export const PAYOUT_RUNS_QUEUE = 'payout-runs';
/** What settles games: apart, so that a game of ten thousand takes no slot from a payout. */
export const GAMES_QUEUE = 'games';
/** What resolves markets: apart, as games are, and from these: a market of a million winners takes minutes. */
export const MARKETS_QUEUE = 'markets';
/** What looks after withdrawals, their slices and payins: apart, so that a thousand deadlines at once take no slot from a payout. */
export const INSTANT_QUEUE = 'instant';
/** The relay's one activity: apart, so that it finds a slot whatever else there is to do. */
export const RELAY_QUEUE = 'relay';
