/** Outcomes of the use cases in the words of HTTP: what the routes of payees, payers and operators say alike. */
import type { KeyRing } from '../../crypto/secretBox.ts';
import type { Sql } from '../../db/pool.ts';
import { overBalanceLimit } from '../../http/balanceLimit.ts';
import { notFound, Problem } from '../../http/problem.ts';
import { formatMajor } from '../../rules/money.ts';
import { presentBatch, presentInstantPayout, presentPayin } from '../present/instantPayout.ts';
import { payToOf } from '../reads.ts';
import type { BatchRecord, InstantPayoutRecord, PayinRecord } from '../rules/records.ts';
import { openPayee } from '../useCases/payee.ts';

export const presentWhole = (instantPayout: InstantPayoutRecord, batches: readonly BatchRecord[]) => ({
  ...presentInstantPayout(instantPayout),
  batches: batches.map(presentBatch),
});

/** Whom to pay, while it is this payer's turn. */
export async function presentPayTo({ pool, keys }: { readonly pool: Sql; readonly keys: KeyRing }, payinId: string) {
  const found = await payToOf(pool, payinId);
  if (!found) return null;
  const { payee, amountMinor, currency } = found;
  return { ...openPayee(keys, payee), amount: formatMajor(BigInt(amountMinor), currency), currency };
}

/** A payin with whom to pay. */
export const presentWholePayin = async (ports: { readonly pool: Sql; readonly keys: KeyRing }, payin: PayinRecord) => ({
  ...presentPayin(payin),
  payTo: payin.state === 'assigned' ? await presentPayTo(ports, payin.id) : null,
});

const SAYS: ReadonlyMap<string, string> = new Map([
  ['wrong_state', 'This slice is in no state in which that could be said of it.'],
  ['payee_frozen', 'The payee is frozen: nothing moves their money. Nothing was written; ask again later.'],
  [
    'bank_matched',
    'The payee’s bank has told of this very payment. Nothing was written; say `againstBank` if it is to be rejected all the same.',
  ],
  ['stale', 'Nobody has this slice now.'],
  ['over', 'This withdrawal is over.'],
  ['handing_over', 'What is left of this withdrawal is already on its way to a payout.'],
]);

const CODES: ReadonlyMap<string, string> = new Map([
  ['stale', 'wrong_state'],
  ['over', 'wrong_state'],
  ['handing_over', 'wrong_state'],
]);

/** @throws Problem for an outcome that is a refusal; any other is let through. */
export function refuse({ outcome }: { readonly outcome: string }): void {
  if (outcome === 'not_found') throw notFound();
  if (outcome === 'balance_limit') throw overBalanceLimit();
  const detail = SAYS.get(outcome);
  if (detail !== undefined) throw new Problem(409, CODES.get(outcome) ?? outcome, detail);
}
