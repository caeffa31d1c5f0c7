/** A line of an import: one commitment, or what is wrong with it. The first fault is named. */
import { parseAmount } from '../../rules/money.ts';
import type { Position } from './market.ts';
import { readChoice } from './stake.ts';

/** A stake as a line says it, or why it is none. `key`: null where it says none. */
export type ReadLine =
  | {
      readonly key: string;
      readonly ok: true;
      readonly userId: string;
      readonly optionId: string;
      readonly position: Position | null;
      readonly amountMinor: string;
    }
  | { readonly key: string | null; readonly ok: false; readonly code: string; readonly detail: string };

interface Market {
  readonly type: string;
  readonly currency: string;
  readonly options: readonly { readonly id: string }[];
}

const FIELDS: ReadonlySet<string> = new Set(['key', 'userId', 'amount', 'optionId', 'position']);

/** As an idempotency key. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * What a line without a key is known by: its place, and a mark of what it says, so that the same stream may be sent again, and another
 * that is wrong at the same place is seen. No key has a space, so that none of these is taken for one.
 */
export const placeOf = (line: number, mark: string): string => `line ${line} ${mark}`;

/** As clients see it: the mark is ours. */
export const shownKey = (key: string): string => key.split(' ', 2).join(' ');

export function readLine(json: unknown, market: Market): ReadLine {
  const said = readObject(json);
  if (!said) return { key: null, ok: false, code: 'invalid_type', detail: 'A line must be a JSON object.' };
  const { key, userId, amount } = said;
  if (typeof key !== 'string' || !KEY.test(key)) {
    const code = key === undefined ? 'missing' : 'invalid_key';
    return { key: null, ok: false, code, detail: 'key must have 1 to 255 visible ASCII characters.' };
  }
  const refused = (code: string, detail: string): ReadLine => ({ key, ok: false, code, detail });

  const unknown = Object.keys(said).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) return refused('unknown_field', `A line has only ${[...FIELDS].join(', ')}.`);
  if (typeof userId !== 'string' || !/^usr_[0-9a-f]{32}$/.test(userId))
    return refused('unknown_user', 'userId is no user of yours.');
  const choice = readChoice(said, market);
  if (!choice.ok) return refused(choice.code, choice.detail);
  const parsed = parseAmount(amount, market.currency);
  if (!parsed.ok) return refused(parsed.code, `amount: ${parsed.detail}`);
  return { key, ok: true, userId, ...choice.chosen, amountMinor: parsed.minor.toString() };
}

const readObject = (json: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : undefined;
