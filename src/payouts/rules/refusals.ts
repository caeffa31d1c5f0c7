/** What a client reads when the ledger refuses. */
import type { RefusalCode } from './contract.ts';

export const REFUSALS: Readonly<Record<RefusalCode, string>> = {
  insufficient_balance: 'The available balance does not cover the amount and its fee.',
  duplicate_reference: 'Another payout has this reference.',
  not_reinitiable: 'Only a failed payout can be tried again.',
  user_frozen: 'Its user is frozen: nothing moves their money.',
  not_bookable: 'The books cannot take this payout in as it is.',
};
