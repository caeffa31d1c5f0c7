/** `{ "PKR": "10.00" }`: major units outside, minor units inside. */
import { z } from 'zod';
import { formatMajor, isCurrency, parseAmount } from '../rules/money.ts';

const amount = (types: readonly string[]) =>
  z
    .unknown()
    .meta({ anyOf: types.map((type) => ({ type })), description: 'Major units; zero is allowed here', examples: ['10.00'] });

/** `{ "PKR": "10.00" }` to minor units; null only where it means something. */
export const amounts = (types: readonly string[]) =>
  z.record(z.string().max(10), amount(types)).transform((given, context) => {
    const minor: Record<string, string | null> = {};
    for (const [currency, sent] of Object.entries(given)) {
      const parsed = sent === null && types.includes('null') ? null : minorOf(sent, currency);
      if (typeof parsed === 'string' || parsed === null) minor[currency] = parsed;
      else context.addIssue({ code: 'custom', message: parsed.detail, path: [currency], params: { code: parsed.code } });
    }
    return minor;
  });

export const limitsInput = amounts(['string', 'number', 'null']);

export function inMajor<Amount extends string | null>(minor: Readonly<Record<string, Amount>>): Record<string, Amount | string> {
  const major = Object.entries(minor).map(([currency, text]): [string, Amount | string] => [
    currency,
    text === null ? text : formatMajor(BigInt(text), currency),
  ]);
  return Object.fromEntries(major);
}

export function withoutNulls(given: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).filter((each): each is [string, string] => each[1] !== null));
}

/** An amount by the rules of every other, but a fee or a limit may be zero. */
function minorOf(sent: unknown, currency: string): string | { code: string; detail: string } {
  if (!isCurrency(currency)) return { code: 'unknown_currency', detail: 'The currency is not one of ours.' };
  const parsed = parseAmount(sent, currency);
  if (parsed.ok) return parsed.minor.toString();
  return parsed.code === 'amount_zero' ? '0' : { code: parsed.code, detail: parsed.detail };
}
