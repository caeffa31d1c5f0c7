/**
 * Rules for text that comes from outside and is kept: what PostgreSQL cannot store, what would break a log line or a
 * header, and what makes a reader see something else than was sent.
 */

export type TextFault =
  | 'invalid_type'
  | 'too_short'
  | 'too_long'
  | 'control_character'
  | 'lone_surrogate'
  | 'bidi_override'
  | 'not_printable_ascii'
  | 'forbidden_key'
  | 'duplicate_key'
  | 'too_many_entries';

export const REFERENCE_MAX = 64;
export const DESCRIPTION_MAX = 500;
export const ACCOUNT_TITLE_MAX = 100;
export const METADATA_ENTRIES_MAX = 20;
export const METADATA_KEY_MAX = 40;
export const METADATA_VALUE_MAX = 500;

// NUL among them: PostgreSQL has no room for it. Line ends too: they would split a log line or a CSV row.
const CONTROL = /\p{Cc}|[\u2028\u2029]/u;
// In Unicode mode a well-formed pair is one code point, so this finds only halves.
const LONE_SURROGATE = /\p{Cs}/u;
// Embeddings, overrides and isolates make a text read as another. The plain marks that Urdu uses stay allowed.
const BIDI_OVERRIDE = /[\u202A-\u202E\u2066-\u2069]/u;
const PRINTABLE_ASCII = /^[\x20-\x7E]*$/;
/** Keys that change an object's nature where a library copies carelessly. */
export const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** One spelling for one text (é as one code point): do it before hashing, comparing, measuring or storing. */
export const normalize = (text: string): string => text.normalize('NFC');

/** What is wrong with any text, whatever field it is for. */
export function textFault(text: string): TextFault | undefined {
  if (CONTROL.test(text)) return 'control_character';
  if (LONE_SURROGATE.test(text)) return 'lone_surrogate';
  if (BIDI_OVERRIDE.test(text)) return 'bidi_override';
  return undefined;
}

/**
 * Any text from outside as one that can be kept: well-formed, on one line, without what `textFault` refuses, of at most
 * `max` characters. For what somebody else says (a PSP, a receiver, a mail server): it is taken as it is, and must not
 * stop whoever writes it down.
 */
export function storable(text: string, max: number): string {
  // A character is at most 2 units: beyond that nothing is looked at.
  const whole = text.slice(0, max * 2).replace(/[\t\n\r\u0085\u2028\u2029]+/g, ' ');
  return [...whole.replace(/[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/gu, '')].slice(0, max).join('');
}

/** A merchant's reference: 1–64 printable ASCII characters. */
export function referenceFault(value: unknown): TextFault | undefined {
  if (typeof value !== 'string') return 'invalid_type';
  if (value.length === 0) return 'too_short';
  if (value.length > REFERENCE_MAX) return 'too_long';
  return textFault(value) ?? (PRINTABLE_ASCII.test(value) ? undefined : 'not_printable_ascii');
}

/** A description: at most 500 characters. */
export const descriptionFault = (value: unknown): TextFault | undefined => freeTextFault(value, 0, DESCRIPTION_MAX);

/** The name on an account: 1–100 characters. */
export const accountTitleFault = (value: unknown): TextFault | undefined => freeTextFault(value, 1, ACCOUNT_TITLE_MAX);

/** What is wrong with a text of `min` to `max` characters, counted as people do: an emoji is one, é is one. */
export function freeTextFault(value: unknown, min: number, max: number): TextFault | undefined {
  if (typeof value !== 'string') return 'invalid_type';
  // A code point is at most 2 units, and NFC makes of at most 3 of them one: past that it is too long, whatever it holds.
  if (value.length > max * 6) return 'too_long';
  const text = normalize(value);
  const { length } = [...text];
  if (length < min || (min > 0 && text.trim() === '')) return 'too_short'; // nobody is named by spaces
  return length > max ? 'too_long' : textFault(value);
}

/** A fault in `metadata`, and where: a JSON pointer below the object, `` for the object itself. */
export interface MetadataFault {
  readonly pointer: string;
  readonly code: TextFault;
}

/** `metadata`: at most 20 pairs of text, keys of 1–40 characters, values of at most 500. */
export function metadataFault(value: unknown): MetadataFault | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { pointer: '', code: 'invalid_type' };
  const entries = Object.entries(value);
  if (entries.length > METADATA_ENTRIES_MAX) return { pointer: '', code: 'too_many_entries' };
  const seen = new Set<string>();
  for (const [key, text] of entries) {
    const code = keyFault(key, seen) ?? freeTextFault(text, 0, METADATA_VALUE_MAX);
    if (code !== undefined) return { pointer: `/${pointerToken(key)}`, code };
    seen.add(normalize(key));
  }
  return undefined;
}

/** `metadata` without faults, in its one spelling. */
export function normalizeMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).map(([key, text]) => [normalize(key), normalize(text)]));
}

function keyFault(key: string, seen: ReadonlySet<string>): TextFault | undefined {
  if (FORBIDDEN_KEYS.has(key)) return 'forbidden_key';
  const fault = freeTextFault(key, 1, METADATA_KEY_MAX);
  if (fault !== undefined) return fault;
  // Two spellings of one key would be one after normalisation, and one value would be lost without a word.
  return seen.has(normalize(key)) ? 'duplicate_key' : undefined;
}

/** A key as a part of a JSON pointer (RFC 6901), cut short and made harmless: it goes back out in an error. */
export function pointerToken(key: string): string {
  const safe = key.slice(0, METADATA_KEY_MAX).replace(/[\p{Cc}\p{Cs}\u2028-\u202E\u2066-\u2069]/gu, '\uFFFD');
  return safe.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** What a client reads for each fault. */
export const TEXT_FAULTS: Readonly<Record<TextFault, string>> = {
  invalid_type: 'Must be a text (metadata: an object of texts).',
  too_short: 'Must not be empty.',
  too_long: 'Is too long.',
  control_character: 'Must not hold control characters or line ends.',
  lone_surrogate: 'Must be well-formed Unicode: it holds half of a surrogate pair.',
  bidi_override: 'Must not hold characters that change the reading direction of what follows.',
  not_printable_ascii: 'May hold printable ASCII characters only.',
  forbidden_key: 'This key is not allowed.',
  duplicate_key: 'This key is there twice, in two spellings.',
  too_many_entries: `May hold at most ${METADATA_ENTRIES_MAX} pairs.`,
};
