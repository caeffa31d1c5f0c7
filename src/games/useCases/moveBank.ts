/** Money between a merchant and the bank that its games pay from, once under each name. */
import type { Sql } from '../../db/pool.ts';
import { type BankMoneyAnswer, type BankMoneyRequest, moveBankMoney } from '../../ledger/postings.ts';

export const moveBank = async (
  { pool }: { readonly pool: Sql },
  request: BankMoneyRequest,
): Promise<BankMoneyAnswer['outcome']> => (await moveBankMoney(pool, request)).outcome;
