/** Bodies of PSPs' messages hold what PSPs put there. Account numbers among it leave us with their last four digits only. */

/** Names that PSPs give to fields with an account, a card or a wallet's phone number in them. */
const ACCOUNT_FIELD = /account|iban|nuban|msisdn|mobile|phone|wallet|card|^pan$|beneficiary|recipient/i;

/** Any copy of a JSON value in which texts and numbers under such names show at most their last four characters. */
export function withoutAccountNumbers(value: unknown, isAccount = false): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutAccountNumbers(each, isAccount));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, withoutAccountNumbers(each, isAccount || ACCOUNT_FIELD.test(name))]),
    );
  }
  if (typeof value === 'number' && isAccount) return masked(String(value));
  return typeof value === 'string' && isAccount ? masked(value) : value;
}

/** Only what could be an account number: a bank's name, a title or a flag beside it stays readable. */
function masked(text: string): string {
  const digits = text.replace(/[^0-9]/g, '').length;
  return digits > 6 ? `…${text.slice(-4)}` : text;
}
