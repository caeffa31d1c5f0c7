/** Money for a merchant, once under the name that whoever brings it gives it: what arrived at the bank, or test money. */
import type { Sql } from '../../db/pool.ts';
import { type FundAnswer, type FundRequest, fundBalance } from '../../ledger/postings.ts';

/** The entry, with the merchant's balance right after it. */
export interface Funding {
  readonly id: string;
  readonly amount: string;
  readonly currency: string;
  readonly available: string;
  readonly reserved: string;
  readonly at: Date;
}

export type Funded =
  /** Now, or before under this name: the same entry, whatever has happened to the balance since. */
  | { readonly outcome: 'funded' | 'already'; readonly funding: Funding }
  /** Other money came under this name before. */
  | { readonly outcome: 'mismatch' }
  /** With it the balance would be larger than any may be; a repeat may find room. */
  | { readonly outcome: 'balance_limit' }
  | { readonly outcome: 'unknown_merchant' };

export async function fund({ pool }: { readonly pool: Sql }, request: FundRequest): Promise<Funded> {
  const { rowCount } = await pool.query('SELECT FROM merchants WHERE id = $1', [request.merchantId]);
  if (rowCount === 0) return { outcome: 'unknown_merchant' };
  const { outcome } = await fundBalance(pool, request);
  return isIn(outcome) ? { outcome, funding: await readFunding(pool, request) } : { outcome };
}

const isIn = (outcome: FundAnswer['outcome']): outcome is 'funded' | 'already' => outcome === 'funded' || outcome === 'already';

async function readFunding(pool: Sql, { merchantId, mode, externalId }: FundRequest): Promise<Funding> {
  const { rows } = await pool.query<Funding>(
    `SELECT id, amount, currency, credit_available AS available, credit_reserved AS reserved, at
       FROM ledger_entries WHERE op_key = $1 AND leg = 0`,
    [`fund:${merchantId}:${mode}:${externalId}`],
  );
  const [funding] = rows;
  if (!funding) throw new Error(`the funding ${externalId} of ${merchantId} is posted but cannot be found`);
  return funding;
}
