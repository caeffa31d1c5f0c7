/** How a merchant's payout that the books forgot is taken in again after a backup was restored; what is said of every kind. */
import type { PayoutRequest } from './rules/contract.ts';

/** What each kind of payout contributes to a restore, in its own flow's file; src/restore/kinds.ts lists them, and each has its test in restored.test.ts. */
export interface RestoredKind {
  /** Whose balance pays, under the owner kind of the same word. Undefined: the request does not say. */
  ownerOf(request: PayoutRequest): string | undefined;
  /** Whether the books have this owner at all: of (owner, merchant, mode) a row. Undefined: there is nothing to ask. */
  readonly known: string | undefined;
  readonly unknownOwner: string;
  readonly tooLittle: string;
  /** Whether a person may have had to look at it for a reason that does not show any more: the facts that spoke for it may be forgotten. */
  readonly isAssessed: boolean;
}

export const merchantRestored: RestoredKind = {
  ownerOf: ({ merchantId }) => merchantId,
  known: undefined, // a merchant's balance is all that the ledger needs of it
  unknownOwner: 'the books do not know its merchant',
  tooLittle: 'its merchant has too little available: credit what the books forgot first',
  isAssessed: false,
};
