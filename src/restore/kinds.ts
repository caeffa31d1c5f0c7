/** How each kind of payout is taken in again: the one list of what the flows contribute. */

import { userRestored } from '../instant/restored.ts';
import { merchantRestored, type RestoredKind } from '../payouts/restored.ts';
import type { PayoutKind } from '../payouts/rules/contract.ts';
import { providerRestored } from '../providers/restored.ts';

const KINDS: Readonly<Record<PayoutKind, RestoredKind>> = {
  merchant: merchantRestored,
  provider: providerRestored,
  user: userRestored,
};

/** By a name that comes out of a history, whoever wrote that. */
export const RESTORED_KINDS: ReadonlyMap<string, RestoredKind> = new Map(Object.entries(KINDS));
