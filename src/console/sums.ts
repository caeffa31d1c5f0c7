/** Adding up what the API says in major units: exact, in the amounts' own decimals. */
import { decimalsOf, formatMajor } from '../rules/money.ts';

function minorOf(amount: string, currency: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole + fraction.padEnd(decimalsOf(currency), '0'));
}

interface Sum {
  readonly amount: string;
  readonly currency: string;
}

/** One sum a currency: amounts of several are never added. */
export function totals(rows: readonly Sum[]): readonly Sum[] {
  const sums = new Map<string, bigint>();
  for (const { amount, currency } of rows) sums.set(currency, (sums.get(currency) ?? 0n) + minorOf(amount, currency));
  return [...sums].map(([currency, minor]) => ({ currency, amount: formatMajor(minor, currency) }));
}

interface Entry extends Sum {
  readonly debit: string | null;
  readonly credit: string | null;
}

/** Of entries in one currency. */
export function byAccount(entries: readonly Entry[]) {
  const changes = new Map<string, bigint>();
  const add = (account: string | null, minor: bigint) => {
    if (account !== null) changes.set(account, (changes.get(account) ?? 0n) + minor);
  };
  for (const { debit, credit, amount, currency } of entries) {
    add(debit, -minorOf(amount, currency));
    add(credit, minorOf(amount, currency));
  }
  const currency = entries[0]?.currency ?? 'USD';
  const sum = [...changes.values()].reduce((all, each) => all + each, 0n);
  return {
    accounts: [...changes].map(([account, minor]) => ({ account, change: formatMajor(minor, currency) })),
    sum: formatMajor(sum, currency),
  };
}
