/** Reading a JSON body: UTF-8 only, nothing in it that a reader could take for something else, and amounts as they were sent. */

import { JsonNumber } from '../../rules/money.ts';
import { FORBIDDEN_KEYS, pointerToken } from '../../rules/text.ts';
import { type FieldError, invalidRequest, Problem } from '../problem.ts';

/** Ours nest three deep. Beyond this, code that walks a value would run out of stack. */
const DEPTH_MAX = 32;

/** Ours have some ten, metadata twenty: a body of a hundred thousand is refused before anybody has looked at each of them. */
const KEYS_MAX = 200;

/**
 * Where bodies hold money. A number there is kept as its text; anywhere else `parseAmount` refuses it, so that no amount
 * can be forgotten here without a test that says so.
 */
const MONEY =
  /^\/(amount|minBatch|maxBatch|batches\/[0-9]+|payouts\/[0-9]+\/amount|(fee\/fixed|reviewLimits|amountLimit)\/[^/]+)$/;

/** @throws Problem 400 */
export function parseJsonBody(raw: Buffer): unknown {
  if (raw.length === 0) return undefined;
  const text = decode(raw);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw malformed('The body is not JSON.');
  }
  const { fault, amounts } = scan(text);
  if (fault) throw fault === 'too_deep' ? malformed(`The body nests more than ${DEPTH_MAX} deep.`) : invalidRequest([fault]);
  for (const [pointer, sent] of amounts) keepText(value, pointer, sent);
  return value;
}

function keepText(body: unknown, pointer: string, sent: string): void {
  const path = pointer.slice(1).split('/');
  const last = path.pop() ?? '';
  const parent = path.reduce((place, key) => (place as Record<string, unknown> | undefined)?.[key], body);
  if (typeof parent === 'object' && parent !== null && Object.hasOwn(parent, last)) {
    (parent as Record<string, unknown>)[last] = new JsonNumber(sent);
  }
}

const malformed = (detail: string): Problem =>
  new Problem(400, 'malformed_json', detail, { errors: [{ pointer: '', code: 'malformed_json', detail }] });

function decode(raw: Buffer): string {
  try {
    // A byte order mark is no part of JSON: kept here, so that JSON.parse refuses it.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw malformed('The body is not UTF-8.');
  }
}

interface Level {
  readonly pointer: string;
  /** Of an object: the keys so far. Undefined: an array. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
}

interface Scanned {
  readonly fault?: FieldError | 'too_deep';
  /** The source text of each number that is money, by its pointer: Node 20's JSON.parse does not tell it. */
  readonly amounts: ReadonlyMap<string, string>;
}

/**
 * What JSON.parse lets pass in well-formed JSON: a key twice (the last one would win without a word), a key that
 * poisons a prototype, nesting without end. And what it takes away: how a number was written.
 */
function scan(text: string): Scanned {
  const amounts = new Map<string, string>();
  const levels: Level[] = [];
  const place = (): string => {
    const level = levels.at(-1);
    if (!level) return '';
    return `${level.pointer}/${level.keys ? pointerToken(level.key) : level.index}`;
  };
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],]|-?[0-9][0-9.eE+-]*/g;
  let isKeyNext = false;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [token] = match;
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (levels.length === DEPTH_MAX) return { fault: 'too_deep', amounts };
      levels.push({ pointer: place(), keys: token === '{' ? new Set() : undefined, key: '', index: 0 });
      isKeyNext = token === '{';
    } else if (token === '}' || token === ']') {
      levels.pop();
      isKeyNext = false;
    } else if (token === ',') {
      if (level) level.index += 1;
      isKeyNext = level?.keys !== undefined;
    } else if (isKeyNext && level?.keys) {
      isKeyNext = false;
      level.key = JSON.parse(token) as string;
      const code = FORBIDDEN_KEYS.has(level.key) ? 'forbidden_key' : level.keys.has(level.key) ? 'duplicate_key' : undefined;
      if (code) return { fault: { pointer: place(), code, detail: KEY_FAULTS[code] }, amounts };
      if (level.keys.size === KEYS_MAX) {
        return {
          fault: { pointer: level.pointer, code: 'too_many_keys', detail: `Must not have more than ${KEYS_MAX} keys.` },
          amounts,
        };
      }
      level.keys.add(level.key);
    } else if (token[0] !== '"' && MONEY.test(place())) {
      amounts.set(place(), token);
    }
  }
  return { amounts };
}

const KEY_FAULTS = { forbidden_key: 'This key is not allowed.', duplicate_key: 'This key is there twice.' } as const;
