/** Comparing the name a client expects on an account with the name the bank has. */
import { plainLatin } from './latin.ts';

export type TitleMatch = 'full' | 'partial' | 'none';

/** Forms of address: banks put them in, people leave them out. */
const ADDRESSES: ReadonlySet<string> = new Set([
  'MR',
  'MRS',
  'MS',
  'MISS',
  'DR',
  'SYED',
  'SYEDA',
  'HAJI',
  'ALHAJI',
  'CHIEF',
  'ENGR',
]);

/**
 * - `full`: the same words in the same order; case, accents, punctuation and forms of address aside. A hyphen or an
 *   apostrophe may be a space or nothing on the other side: banks write `Abdul-Rahman` in all three ways
 * - `partial`: every word of the shorter name is in the longer one, as itself or as its initial, and at least one as itself
 * - `none`: anything else
 */
export function titleMatch(asked: string, actual: string): TitleMatch {
  const askedName = nameOf(asked);
  const actualName = nameOf(actual);
  if (askedName.length === 0 || actualName.length === 0) return 'none';
  if (isSameName(askedName, actualName)) return 'full';
  const isPartial = readingsOf(askedName).some((one) => readingsOf(actualName).some((other) => arePartly(one, other)));
  return isPartial ? 'partial' : 'none';
}

/** Words, each in the parts that hyphens and apostrophes make of it. */
type Name = readonly (readonly string[])[];

const HYPHENS = /[-\p{Pd}\u2212\u00AD]/gu;
/** As typed, as printed, as the letter of Hawaiian and Arabic transcriptions. Before decomposition, which makes a space of ´. */
const APOSTROPHES = /['`\u00B4\u2018-\u201B\u2032\u2035\u02B9-\u02BF\u02C8\u02CA\u02CB\uFF07\uA78B\uA78C]/gu;

function nameOf(text: string): Name {
  const plain = plainLatin(text.replace(HYPHENS, '-').replace(APOSTROPHES, '-')).toUpperCase();
  const words = plain.split(/[^\p{L}\p{N}-]+/u).map((word) => word.split('-').filter((part) => part !== ''));
  return words.filter((parts) => parts.length > 0 && !ADDRESSES.has(parts.join('')));
}

/** Letter by letter: between two letters a space stands against a space, and a hyphen against anything. */
function isSameName(one: Name, other: Name): boolean {
  const ones = lettersOf(one);
  const others = lettersOf(other);
  return (
    ones.length === others.length &&
    ones.every(({ letter, before }, at) => {
      const its = others[at];
      return its?.letter === letter && (its.before === before || its.before === '-' || before === '-');
    })
  );
}

function lettersOf(name: Name): { readonly letter: string; readonly before: string }[] {
  return name.flatMap((parts) =>
    parts.flatMap((part, inWord) =>
      [...part].map((letter, inPart) => ({ letter, before: inPart > 0 ? '' : inWord > 0 ? '-' : ' ' })),
    ),
  );
}

/** A name with its hyphens as spaces, and without them. */
const readingsOf = (name: Name): (readonly string[])[] => [name.flat(), name.map((parts) => parts.join(''))];

function arePartly(one: readonly string[], other: readonly string[]): boolean {
  const [shorter, longer] = one.length <= other.length ? [one, other] : [other, one];
  // Of two that are equally long either is the shorter one: the answer must not depend on who asks.
  const isWithin = areWithin(shorter, longer) && (shorter.length < longer.length || areWithin(longer, shorter));
  return isWithin && shorter.some((word) => word.length > 1 && longer.includes(word));
}

function areWithin(words: readonly string[], others: readonly string[]): boolean {
  return words.every((word) => others.some((other) => isSameOrInitial(word, other)));
}

function isSameOrInitial(one: string, other: string): boolean {
  if (one === other) return true;
  return (one.length === 1 && other.startsWith(one)) || (other.length === 1 && one.startsWith(other));
}
