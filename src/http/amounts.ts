/** Amounts and currencies in requests: for the document, and as src/rules/money.ts reads them. */
import { z } from 'zod';
import { CURRENCIES, isCurrency, NO_CURRENCY, parseAmount } from '../rules/money.ts';
import { type FieldError, invalidRequest } from './problem.ts';

/** A field whose rule stands in src/rules; here only what the document says of it. */
export const field = (schema: Record<string, unknown>) => z.unknown().meta(schema);

export const amountField = field({
  anyOf: [{ type: 'string', pattern: '^(0|[1-9][0-9]{0,15})([.][0-9]{1,3})?$' }, { type: 'number' }],
  description: 'Major units, with at most the decimals of the currency. A JSON number may have at most 15 significant digits.',
  examples: ['1500.00'],
});
export const currencyField = field({ type: 'string', enum: Object.keys(CURRENCIES), examples: ['PKR'] });

export interface Amount {
  readonly minor: bigint;
  readonly currency: string;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** Of an unknown currency no amount can be read: only that is said. */
export function readAmount(body: { amount?: unknown; currency?: unknown }, errors: FieldError[]): Amount | undefined {
  const { currency } = body;
  if (!isCurrency(currency)) {
    const code = typeof currency === 'string' ? 'unknown_currency' : isGiven(currency) ? 'invalid_type' : 'missing';
    errors.push({ pointer: '/currency', code, detail: NO_CURRENCY });
    return undefined;
  }
  const parsed = parseAmount(body.amount, currency);
  if (parsed.ok) return { minor: parsed.minor, currency };
  errors.push({ pointer: '/amount', code: parsed.code, detail: parsed.detail });
  return undefined;
}

/** @throws Problem 400, with every fault at once. */
export function mustReadAmount(body: { amount?: unknown; currency?: unknown }): Amount {
  const errors: FieldError[] = [];
  const amount = readAmount(body, errors);
  if (!amount) throw invalidRequest(errors);
  return amount;
}
