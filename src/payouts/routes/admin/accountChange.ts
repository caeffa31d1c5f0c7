/** Does a provider's payout still go where its provider is paid now? Whoever decides on it must see that it does not. */

/**
 * Of a payout `p`: since when its provider's bank account is another one than the payout's; NULL where it is the same, and
 * for a merchant's payout. The payout keeps the account that it was asked for with.
 * @param only of the accounts, a condition: as of an earlier time
 */
export const accountChangedSince = (only = ''): string => `(
  SELECT a.created_at
    FROM (SELECT * FROM provider_bank_accounts WHERE provider_id = p.owner_id ${only} ORDER BY id DESC LIMIT 1) a
   WHERE p.owner_kind = 'provider'
     AND (a.bank_code, a.account_number, a.account_name)
         IS DISTINCT FROM (p.destination->>'bankCode', p.destination->>'accountNumber', p.destination->>'accountTitle'))`;

interface Shown {
  readonly destination: object;
}

/** The payout as an admin sees it, with what has changed about where it goes. */
export const withAccountChange = <Payout extends Shown>(payout: Payout, changedSince: Date | null) => ({
  ...payout,
  destination: { ...payout.destination, changedSince: changedSince?.toISOString() ?? null },
});
