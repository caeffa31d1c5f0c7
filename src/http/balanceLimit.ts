/** New money that would make a balance larger than any may be: the ledger refuses it, and the client is told so. */
import { brokenRule, type Problem } from './problem.ts';

export const overBalanceLimit = (): Problem =>
  brokenRule([
    {
      pointer: '/amount',
      code: 'balance_limit',
      detail: 'With it the balance would be over 10^18 minor units, the most that one may be.',
    },
  ]);
