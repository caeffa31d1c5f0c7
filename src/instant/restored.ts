/** How the payout of a withdrawal's rest, which the books forgot, is taken in again after a backup was restored. */
import type { RestoredKind } from '../payouts/restored.ts';

export const userRestored: RestoredKind = {
  ownerOf: ({ owner }) => owner?.id,
  // A user is paid out in no other way: without the withdrawal that it is the rest of there is nothing to take it over from.
  known: 'SELECT 1 FROM instant_payouts WHERE user_id = $1 AND merchant_id = $2 AND mode = $3 AND rest_payout_id IS NOT NULL',
  unknownOwner: 'the books do not know the withdrawal that it is the rest of',
  tooLittle: 'its user has too little available: credit what the books forgot first',
  isAssessed: false,
};
