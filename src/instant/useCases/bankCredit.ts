/** What a payee's bank says arrived: written down, then the slice that it is about is told. */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import {
  type BankCreditAnswer,
  type BankCreditDecided,
  type BankCreditDecision,
  type BankCreditRequest,
  decideBankCredit,
  recordBankCredit,
} from '../../ledger/instant.ts';
import type { InstantClient } from '../rules/contract.ts';

interface Ports {
  readonly pool: Sql;
  readonly instant: InstantClient;
}

/** Told again it is a duplicate, and its slice's workflow is told again: the first who told it may have ended before that. */
export async function creditByBank({ pool, instant }: Ports, request: BankCreditRequest): Promise<BankCreditAnswer> {
  const answer = await recordBankCredit(pool, request);
  const batchId = batchOf(answer);
  await failpoint('bank_credit.recorded', batchId);
  if (batchId !== null) await instant.lookAtBatch(batchId);
  return answer;
}

/** An operator has looked at one that fits nothing. */
export const lookedAt = ({ pool }: { readonly pool: Sql }, decision: BankCreditDecision): Promise<BankCreditDecided> =>
  decideBankCredit(pool, decision);

/** About which slice it is; null: about none yet. */
export function batchOf(answer: BankCreditAnswer): string | null {
  if ('batch' in answer) return answer.batch.id;
  return answer.outcome === 'duplicate' ? answer.batchId : null;
}
