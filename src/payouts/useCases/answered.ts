/** What a workflow has answered names an event: the payout is shown as that event has it, not as it is by now. */
import type { Pool } from 'pg';
import { readAsOf } from '../reads.ts';
import type { PayoutRecord } from '../rules/contract.ts';

/** @param before for books that were restored meanwhile to a time before the answer. */
export const asAnswered = async (pool: Pool, before: PayoutRecord, sequence: number): Promise<PayoutRecord> =>
  (await readAsOf(pool, before.id, sequence)) ?? before;
