/** Paying a UPI id from a phone: a link that its UPI apps open, and the same as a code for another phone's camera. */
import encodeQR from 'qr';

interface PayTo {
  readonly upiId: string;
  readonly amount: string;
  readonly currency: string;
}

/**
 * NPCI's deep link. Apps want a name (`pn`); whose account it is, they ask the bank. Each value has only characters that stand in a
 * query as they are (src/instant/rules/payee.ts): some apps do not read an `@` that is written otherwise.
 */
export const upiLink = ({ upiId, amount, currency }: PayTo): string =>
  `upi://pay?pa=${upiId}&pn=${upiId}&am=${amount}&cu=${currency}`;

/** The quiet zone that the standard asks for, in modules. */
const BORDER = 4;

/** Its dark squares as the path of an SVG, and how many squares its edge has. */
export function codeOf(text: string): { readonly path: string; readonly edge: number } {
  const rows = encodeQR(text, 'raw', { border: BORDER });
  const squares = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  return { path: squares.join(''), edge: rows.length };
}
