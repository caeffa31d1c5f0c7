/** What a payee's bank says arrived: written down, then the slice that it is about is told. */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import { type BankCreditAnswer, type BankCreditRequest, recordBankCredit } from '../../ledger/instant.ts';
import type { InstantClient } from '../rules/contract.ts';

interface Ports {
  readonly pool: Sql;
  readonly instant: InstantClient;
}

export async function creditByBank({ pool, instant }: Ports, request: BankCreditRequest): Promise<BankCreditAnswer> {
  const answer = await recordBankCredit(pool, request);
  await failpoint('bank_credit.recorded', 'batch' in answer ? answer.batch.instantPayoutId : null);
  if ('batch' in answer) await instant.lookAtBatch(answer.batch.id);
  return answer;
}
