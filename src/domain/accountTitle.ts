/** Comparing the name a client expects on an account with the name the bank has. */

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
 * - `full`: the same words in the same order; case, accents, punctuation and forms of address aside
 * - `partial`: every word of the shorter name is in the longer one, as itself or as its initial, and at least one as itself
 * - `none`: anything else
 */
export function titleMatch(asked: string, actual: string): TitleMatch {
  const askedWords = wordsOf(asked);
  const actualWords = wordsOf(actual);
  if (askedWords.length === 0 || actualWords.length === 0) return 'none';
  if (askedWords.join(' ') === actualWords.join(' ')) return 'full';
  const [shorter, longer] = askedWords.length <= actualWords.length ? [askedWords, actualWords] : [actualWords, askedWords];
  // Of two that are equally long either is the shorter one: the answer must not depend on who asks.
  const isWithin = areWithin(shorter, longer) && (shorter.length < longer.length || areWithin(longer, shorter));
  const sharesWord = shorter.some((word) => word.length > 1 && longer.includes(word));
  return isWithin && sharesWord ? 'partial' : 'none';
}

function wordsOf(name: string): string[] {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toUpperCase();
  return plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '' && !ADDRESSES.has(word));
}

function areWithin(words: readonly string[], others: readonly string[]): boolean {
  return words.every((word) => others.some((other) => isSameOrInitial(word, other)));
}

function isSameOrInitial(one: string, other: string): boolean {
  if (one === other) return true;
  return (one.length === 1 && other.startsWith(one)) || (other.length === 1 && one.startsWith(other));
}
