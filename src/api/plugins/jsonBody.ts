/** Reading a JSON body: UTF-8 only, and nothing in it that a reader could take for something else. */

import { pointerToken } from '../../domain/text.ts';
import { type FieldError, invalidRequest, Problem } from '../problem.ts';

/** Ours nest three deep. Beyond this, code that walks a value would run out of stack. */
const DEPTH_MAX = 32;

/** Keys that change an object's nature where a library copies carelessly. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

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
  const fault = scan(text);
  if (fault) throw fault === 'too_deep' ? malformed(`The body nests more than ${DEPTH_MAX} deep.`) : invalidRequest([fault]);
  return value;
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

/**
 * What JSON.parse lets pass in well-formed JSON: a key twice (the last one would win without a word), a key that
 * poisons a prototype, nesting without end.
 */
function scan(text: string): FieldError | 'too_deep' | undefined {
  const levels: Level[] = [];
  const place = (): string => {
    const level = levels.at(-1);
    if (!level) return '';
    return `${level.pointer}/${level.keys ? pointerToken(level.key) : level.index}`;
  };
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],]/g;
  let isKeyNext = false;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [token] = match;
    const level = levels.at(-1);
    if (token === '{' || token === '[') {
      if (levels.length === DEPTH_MAX) return 'too_deep';
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
      if (FORBIDDEN_KEYS.has(level.key)) return { pointer: place(), code: 'forbidden_key', detail: 'This key is not allowed.' };
      if (level.keys.has(level.key)) return { pointer: place(), code: 'duplicate_key', detail: 'This key is there twice.' };
      level.keys.add(level.key);
    }
  }
  return undefined;
}
