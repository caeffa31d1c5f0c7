/** Reading a provider's request to be paid, and where to. */
import type { Pool } from 'pg';
import { z } from 'zod';
import { parseDestination } from '../../rules/destination.ts';
import { DIRECTORY } from '../../rules/directory.ts';
import type { PayoutOrder } from '../../payouts/useCases/takeIn.ts';
import type { ProviderCaller } from '../../http/caller.ts';
import { brokenRule, type FieldError, invalidRequest, Problem } from '../../http/problem.ts';
import { type Amount, amountField, currencyField, readAmount, readTerms } from '../../payouts/routes/payoutRequest.ts';

/** What providers of the first platforms earn in. */
export const CURRENCY_DEFAULT = 'NGN';
const METHOD_DEFAULT = 'bank_transfer';
/** The first and three automatic retries; what still fails then is for an operator to look at. */
const MAX_ATTEMPTS = 4;

export const providerPayoutBody = z
  .strictObject({
    amount: amountField,
    currency: currencyField.optional().meta({ default: CURRENCY_DEFAULT }),
    method: z.enum([METHOD_DEFAULT]).nullish().meta({ default: METHOD_DEFAULT }),
  })
  .meta({ id: 'NewProviderPayout' });

export type ProviderPayoutBody = z.infer<typeof providerPayoutBody>;

/** @throws Problem 400, with every fault at once. */
export function readProviderAmount(body: ProviderPayoutBody, caller: ProviderCaller): Amount {
  const errors: FieldError[] = [];
  const amount = readAmount({ amount: body.amount, currency: body.currency ?? CURRENCY_DEFAULT }, errors);
  if (amount) readTerms(termsSource(caller), amount, errors);
  if (errors.length > 0 || !amount) throw invalidRequest(errors);
  return amount;
}

/** The merchant's review limits are for its own payouts: a provider's are judged by the risk policy. */
const termsSource = ({ fee }: ProviderCaller) => ({ fee, reviewLimits: {} });

interface Asked {
  readonly payoutId: string;
  readonly amount: Amount;
  readonly method: ProviderPayoutBody['method'];
}

/** @throws Problem 422 `bank_account_missing`, or `currency_mismatch` where the bank takes another currency. */
export async function providerOrder(
  pool: Pool,
  caller: ProviderCaller,
  { payoutId, amount, method }: Asked,
): Promise<PayoutOrder> {
  const account = await currentAccount(pool, caller.providerId);
  if (!account)
    throw new Problem(422, 'bank_account_missing', 'There is no bank account to pay to: the platform must enter one first.');
  const parsed = parseDestination({ type: 'bank', ...account }, amount.currency, DIRECTORY, '/bankAccount');
  if (!parsed.ok) throw brokenRule(parsed.errors);
  const { merchantId, mode, makerId, providerId } = caller;
  return {
    merchantId,
    mode,
    makerId,
    kind: 'provider',
    owner: { kind: 'provider', id: providerId },
    currency: amount.currency,
    amountMinor: amount.minor.toString(),
    reference: payoutId, // a provider names nothing; the reference must be unique
    description: null,
    metadata: {},
    callbackUrl: null,
    destination: parsed.destination,
    terms: readTerms(termsSource(caller), amount, []),
    dispatch: 'run',
    method: method ?? METHOD_DEFAULT,
    maxAttempts: MAX_ATTEMPTS,
  };
}

interface Account {
  readonly bankCode: string;
  readonly accountNumber: string;
  readonly accountTitle: string;
}

async function currentAccount(pool: Pool, providerId: string): Promise<Account | undefined> {
  const { rows } = await pool.query<Account>(
    `SELECT bank_code AS "bankCode", account_number AS "accountNumber", account_name AS "accountTitle"
       FROM provider_bank_accounts WHERE provider_id = $1 ORDER BY id DESC LIMIT 1`,
    [providerId],
  );
  return rows[0];
}
