/** How a provider's payout that the books forgot is taken in again after a backup was restored. */
import type { RestoredKind } from '../payouts/restored.ts';

export const providerRestored: RestoredKind = {
  ownerOf: ({ owner }) => owner?.id,
  known: 'SELECT 1 FROM providers WHERE id = $1 AND merchant_id = $2 AND mode = $3',
  unknownOwner: 'the books do not know its provider: it may be entered under another id, and asked to be paid again',
  tooLittle: 'its provider has too little available: post the earnings that the books forgot first',
  isAssessed: true,
};
