/**
 * What a payee reads beside the money. Banks' systems take printable ASCII there and refuse the whole payment for
 * anything else; a memo must never be why somebody is not paid, so what cannot be said is left out.
 */
import { plainLatin } from '../rules/latin.ts';

/** Signs that have a word of their own. */
// biome-ignore format: a table
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['€', 'EUR'], ['₦', 'NGN'], ['£', 'GBP'], ['¥', 'JPY'], ['₹', 'INR'], ['₨', 'Rs'], ['₵', 'GHS'],
  ['‘', "'"], ['’', "'"], ['ʼ', "'"], ['“', '"'], ['”', '"'], ['„', '"'], ['«', '"'], ['»', '"'],
  ['‐', '-'], ['‑', '-'], ['–', '-'], ['—', '-'], ['−', '-'], ['×', 'x'], ['•', '-'],
]);

/** Printable ASCII of at most `max` characters; null where nothing is left to say. */
export function narrationOf(description: string | null, max: number): string | null {
  if (description === null) return null;
  const said = description.replace(/[^\0-\x7F]/gu, (sign) => SIGNS.get(sign) ?? sign);
  const ascii = plainLatin(said)
    .replace(/[^\x20-\x7E]+/gu, ' ')
    .replace(/ {2,}/g, ' ');
  return ascii.trim().slice(0, max).trimEnd() || null;
}
