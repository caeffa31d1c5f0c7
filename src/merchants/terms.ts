/** A merchant's fee and review limits: major units outside, minor units in the database. */
import { z } from 'zod';
import { formatMajor, isCurrency, parseAmount } from '../rules/money.ts';

/** As it stands in `merchants.fee`. */
const storedFee = z.object({ bps: z.int(), fixed: z.record(z.string(), z.string()) });
/** As it stands in `merchants.review_limits`; null or absent: nobody needs to look at any amount. */
const storedLimits = z.record(z.string(), z.string().nullable());

export type StoredFee = z.infer<typeof storedFee>;
export type StoredLimits = z.infer<typeof storedLimits>;

export const readFee = (json: unknown): StoredFee => storedFee.parse(json);
export const readLimits = (json: unknown): StoredLimits => storedLimits.parse(json);

/** What a new merchant has: no fee, and an approver from 100,000.00 PKR on. */
export const DEFAULT_FEE: StoredFee = { bps: 0, fixed: {} };
export const DEFAULT_LIMITS: StoredLimits = { PKR: '10000000' };

const amount = (types: readonly string[]) =>
  z
    .unknown()
    .meta({ anyOf: types.map((type) => ({ type })), description: 'Major units; zero is allowed here', examples: ['10.00'] });

/** `{ "PKR": "10.00" }` to minor units; null only where it means something. */
const amounts = (types: readonly string[]) =>
  z.record(z.string().max(10), amount(types)).transform((given, context) => {
    const minor: Record<string, string | null> = {};
    for (const [currency, sent] of Object.entries(given)) {
      const parsed = sent === null && types.includes('null') ? null : minorOf(sent, currency);
      if (typeof parsed === 'string' || parsed === null) minor[currency] = parsed;
      else context.addIssue({ code: 'custom', message: parsed.detail, path: [currency], params: { code: parsed.code } });
    }
    return minor;
  });

export const feeInput = z.strictObject({
  bps: z.int().min(0).max(10_000).optional().meta({ description: 'Hundredths of a percent of the amount' }),
  fixed: amounts(['string', 'number']).optional(),
});
export const limitsInput = amounts(['string', 'number', 'null']);

type FeeInput = z.infer<typeof feeInput>;

/** What is given replaces what was, currency by currency; the rest stays. */
export function changedFee(fee: StoredFee, given: FeeInput | undefined): StoredFee {
  return { bps: given?.bps ?? fee.bps, fixed: { ...fee.fixed, ...withoutNulls(given?.fixed ?? {}) } };
}

export function changedLimits(limits: StoredLimits, given: StoredLimits | undefined): StoredLimits {
  return { ...limits, ...given };
}

export function presentTerms(merchant: { readonly fee: unknown; readonly reviewLimits: unknown }) {
  const fee = readFee(merchant.fee);
  return {
    fee: { bps: fee.bps, fixed: inMajor(fee.fixed) },
    reviewLimits: inMajor(readLimits(merchant.reviewLimits)),
  };
}

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
