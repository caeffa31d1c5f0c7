/** Latin letters as those of a keyboard without any: what a bank's or a PSP's machine makes of a name or a memo. */

/** Letters that are no letter with a mark, so that Unicode's decomposition leaves them whole. */
// biome-ignore format: a table
const LETTERS: ReadonlyMap<string, string> = new Map(Object.entries({
  Æ: 'AE', æ: 'ae', Œ: 'OE', œ: 'oe', ß: 'ss', ẞ: 'SS', Þ: 'TH', þ: 'th', Ð: 'D', ð: 'd', Đ: 'D', đ: 'd', Ø: 'O', ø: 'o',
  Ł: 'L', ł: 'l', Ħ: 'H', ħ: 'h', Ŧ: 'T', ŧ: 't', Ŋ: 'N', ŋ: 'n', ĸ: 'k', ı: 'i', ȷ: 'j', Ə: 'E', ə: 'e', Ǝ: 'E', ǝ: 'e',
  Ɓ: 'B', ɓ: 'b', Ɗ: 'D', ɗ: 'd', Ƙ: 'K', ƙ: 'k', Ƴ: 'Y', ƴ: 'y', Ɖ: 'D', ɖ: 'd', Ɛ: 'E', ɛ: 'e', Ɔ: 'O', ɔ: 'o',
  Ƒ: 'F', ƒ: 'f', Ɣ: 'G', ɣ: 'g', Ɲ: 'N', ɲ: 'n', Ʋ: 'V', ʋ: 'v', Ƭ: 'T', ƭ: 't', Ɠ: 'G', ɠ: 'g', Ƥ: 'P', ƥ: 'p',
  Ɨ: 'I', ɨ: 'i', Ʉ: 'U', ʉ: 'u', Ƀ: 'B', ƀ: 'b', Ǥ: 'G', ǥ: 'g', Ⱥ: 'A', Ȼ: 'C', ȼ: 'c', Ɍ: 'R', ɍ: 'r', Ɏ: 'Y', ɏ: 'y',
}));

/** Without accents and special letters; other scripts stay as they are. */
export function plainLatin(text: string): string {
  const bare = text.normalize('NFKD').replace(/\p{M}/gu, '');
  return bare.replace(/[^\0-\x7F]/gu, (letter) => LETTERS.get(letter) ?? letter);
}
