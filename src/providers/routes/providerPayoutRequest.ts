/** Reading a provider's request to be paid, and where to. */
import type { Pool } from 'pg';
import { z } from 'zod';
import { amountField, currencyField, readAmount } from '../../http/amounts.ts';
import type { ProviderCaller } from '../../http/caller.ts';
import type { FieldError } from '../../http/problem.ts';
import type { OrderFault } from '../../payouts/orders.ts';
import { faulty, readTerms } from '../../payouts/orders.ts';
import { PAYOUT_KINDS } from '../../payouts/rules/kinds.ts';
import type { Ordered, PayoutOrder } from '../../payouts/useCases/takeIn.ts';
import { parseDestination } from '../../rules/destination.ts';
import { DIRECTORY } from '../../rules/directory.ts';

/** What providers of the first platforms earn in. */
export const CURRENCY_DEFAULT = 'NGN';
const METHOD_DEFAULT = 'bank_transfer';

export const providerPayoutBody = z
  .strictObject({
    amount: amountField,
    currency: currencyField.optional().meta({ default: CURRENCY_DEFAULT }),
    method: z.enum([METHOD_DEFAULT]).nullish().meta({ default: METHOD_DEFAULT }),
  })
  .meta({ id: 'NewProviderPayout' });

export type ProviderPayoutBody = z.infer<typeof providerPayoutBody>;

/** The merchant's review limits are for its own payouts: a provider's are judged by the risk policy. */
const termsSource = ({ fee }: ProviderCaller) => ({ fee, reviewLimits: {} });

/** Every fault of the amount at once; then whether there is a bank account to pay to that takes this currency. */
export async function readProviderOrder(
  pool: Pool,
  caller: ProviderCaller,
  { payoutId, method, ...body }: ProviderPayoutBody & { readonly payoutId: string },
): Promise<Ordered<OrderFault>> {
  const errors: FieldError[] = [];
  const amount = readAmount({ amount: body.amount, currency: body.currency ?? CURRENCY_DEFAULT }, errors);
  const terms = amount && readTerms(termsSource(caller), amount, errors);
  if (errors.length > 0 || !amount || !terms) return faulty({ kind: 'invalid', errors });
  const account = await currentAccount(pool, caller.providerId);
  if (!account) return faulty({ kind: 'no_bank_account' });
  const parsed = parseDestination({ type: 'bank', ...account }, amount.currency, DIRECTORY, '/bankAccount');
  if (!parsed.ok) return faulty({ kind: 'broken_rule', errors: parsed.errors });
  const { merchantId, mode, makerId, providerId } = caller;
  const order: PayoutOrder = {
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
    terms,
    dispatch: PAYOUT_KINDS.provider.dispatch,
    method: method ?? METHOD_DEFAULT,
    maxAttempts: PAYOUT_KINDS.provider.maxAttempts,
  };
  return { kind: 'order', order };
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
