/**
 * The kinds of payouts, and what differs between them on the way to the payee. Whoever adds a kind adds its line here, its
 * presenter (src/events/presentEvent.ts), how it is taken in again after a restore (src/restore/kinds.ts), and the limits
 * of a queue of its own (`pspLimits` in the configuration): those tables are typed by this one, and do not compile
 * without it. Which PSP pays it: src/psp/routing.ts.
 */
import type { PausableFlow } from '../../rules/flows.ts';
import { PAYOUTS_QUEUE, PROVIDER_PSP_QUEUE } from '../../temporal/rules/queues.ts';

/** When it is sent, once nobody needs to look at it: at once, or by the next run. */
export type Dispatch = 'now' | 'run';

interface KindRules {
  /** By which it can be paused as a whole; the same in SQL `payout_pause`. */
  readonly flow: PausableFlow;
  /** Where its PSP is called. The payouts' own has no hop and no limit; any other has both. */
  readonly pspQueue: string;
  readonly dispatch: Dispatch;
  /** Attempts in one round. */
  readonly maxAttempts: number;
  /** Once they are used up an operator should know: nobody else will try again. */
  readonly lastNeedsOperator: boolean;
}

export const PAYOUT_KINDS = {
  /** A merchant's own. It may be reinitiated by whoever asked for it; a fourth try rarely helps where three, minutes apart, did not. */
  merchant: { flow: 'payouts', pspQueue: PAYOUTS_QUEUE, dispatch: 'now', maxAttempts: 3, lastNeedsOperator: false },
  /** A provider's, who cannot ask for another round: the first and three automatic retries. */
  provider: { flow: 'providers', pspQueue: PROVIDER_PSP_QUEUE, dispatch: 'run', maxAttempts: 4, lastNeedsOperator: true },
  /** What nobody paid of a user's withdrawal. The user cannot ask for another round; it comes back to the user's wallet. */
  user: { flow: 'instant', pspQueue: PAYOUTS_QUEUE, dispatch: 'now', maxAttempts: 4, lastNeedsOperator: true },
} as const satisfies Record<string, KindRules>;

/** Also the kind of the owner whose balance pays. */
export type PayoutKind = keyof typeof PAYOUT_KINDS;

export const PAYOUT_KIND_NAMES = Object.keys(PAYOUT_KINDS) as PayoutKind[];

/** The queues that only call PSPs, each with limits of its own. */
export type PspQueue = Exclude<(typeof PAYOUT_KINDS)[PayoutKind]['pspQueue'], typeof PAYOUTS_QUEUE>;

/** A request that does not say is a merchant's. */
export const kindOf = ({ kind = 'merchant' }: { readonly kind?: PayoutKind }): PayoutKind => kind;
