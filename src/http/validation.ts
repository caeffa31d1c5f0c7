/** From what zod says of a request to a Problem: a pointer, a code and a sentence for each fault. */
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify';
import type { z } from 'zod';
import { pointerToken } from '../rules/text.ts';
import { type FieldError, invalidRequest } from './problem.ts';

/** A query parameter's fault has the pointer `/name`, as a field of the body at the top has. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data) => {
    // Headers are in the schema for the document only: hooks read them, and a parsed copy would lack all the others.
    if (httpPart === 'headers') return { value: data };
    const parsed = schema.safeParse(data, { error: (issue) => sentenceOf(issue, httpPart === 'querystring') });
    if (parsed.success) return { value: parsed.data };
    return { error: invalidRequest(parsed.error.issues.flatMap((issue) => errorsOf(issue, data))) };
  };

/** The schemas of answers document; presenters make them (a test compares the two). A slip there must not cost a paid-for answer. */
export const serializerCompiler: FastifySerializerCompiler<unknown> = () => (data) => JSON.stringify(data);

const TYPES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a text',
};

/** What a fault is where its schema has no words of its own; zod's speak of "input" and "options". */
export function sentenceOf(issue: z.core.$ZodRawIssue, isQuery: boolean): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (isQuery && Array.isArray(issue.input)) return 'May be given only once.';
      return issue.path?.length ? `Must be ${TYPES[issue.expected] ?? issue.expected}.` : 'The body must be a JSON object.';
    case 'invalid_value':
      return `Must be ${issue.values.length > 1 ? 'of ' : ''}${issue.values.join(', ')}.`;
    case 'too_small':
      return sizeOf(issue.origin, `at least ${issue.minimum}`);
    case 'too_big':
      return sizeOf(issue.origin, `at most ${issue.maximum}`);
    default:
      return undefined;
  }
}

function sizeOf(origin: string, bound: string): string | undefined {
  if (origin === 'array') return `Must hold ${bound}.`;
  return origin === 'number' || origin === 'int' ? `Must be ${bound}.` : undefined;
}

function errorsOf(issue: z.core.$ZodIssue, data: unknown): FieldError[] {
  const pointer = pointerOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: `${pointer}/${pointerToken(key)}`,
      code: 'unknown_field',
      detail: 'There is no such field here.',
    }));
  }
  if (valueAt(data, issue.path) === undefined) return [{ pointer, code: 'missing', detail: 'Is needed.' }];
  return [{ pointer, code: codeOf(issue), detail: issue.message }];
}

const pointerOf = (path: readonly PropertyKey[]): string => path.map((part) => `/${pointerToken(String(part))}`).join('');

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return value;
}

function codeOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'custom') return typeof issue.params?.['code'] === 'string' ? issue.params['code'] : 'invalid_value';
  if (issue.code === 'too_big') return issue.origin === 'string' ? 'too_long' : 'too_large';
  if (issue.code === 'too_small') return issue.origin === 'string' ? 'too_short' : 'too_small';
  return issue.code === 'invalid_type' || issue.code === 'invalid_format' ? issue.code : 'invalid_value';
}
