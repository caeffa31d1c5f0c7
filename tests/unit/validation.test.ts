/** A fault is told in our words, also where its schema has none. */
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { validatorCompiler } from '../../src/http/validation.ts';

const SCHEMA = z.strictObject({
  outcome: z.enum(['paid', 'not_paid']).optional(),
  confirmed: z.literal('yes').optional(),
  count: z.number().min(0).max(9).optional(),
  parts: z.int().optional(),
  names: z.array(z.string()).optional(),
  pair: z.array(z.string()).min(1).max(2).optional(),
  own: z.enum(['a', 'b'], 'In words of its own.').optional(),
});

const faults = (data: unknown, httpPart = 'body'): unknown => {
  const validate = validatorCompiler({ schema: SCHEMA, method: 'POST', url: '/', httpPart });
  const { error } = validate(data) as { error?: { errors: readonly { pointer: string; detail: string }[] } };
  return error?.errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
};

test.each([
  [{ outcome: 'perhaps' }, '/outcome Must be of paid, not_paid.'],
  [{ confirmed: 'no' }, '/confirmed Must be yes.'],
  [{ count: -1 }, '/count Must be at least 0.'],
  [{ count: 10 }, '/count Must be at most 9.'],
  [{ count: '1' }, '/count Must be a number.'],
  [{ parts: 1.5 }, '/parts Must be a whole number.'],
  [{ names: 'Ada' }, '/names Must be a list.'],
  [{ names: [7] }, '/names/0 Must be a text.'],
  [{ pair: [] }, '/pair Must hold at least 1.'],
  [{ pair: ['a', 'b', 'c'] }, '/pair Must hold at most 2.'],
  [{ own: 'c' }, '/own In words of its own.'],
  [null, ' The body must be a JSON object.'],
  [[], ' The body must be a JSON object.'],
  ['pay me', ' The body must be a JSON object.'],
])('%j', (data, said) => {
  expect(faults(data)).toEqual([said]);
});

test('a query parameter that is there twice', () => {
  expect(faults({ own: ['a', 'b'] }, 'querystring')).toEqual(['/own In words of its own.']);
  expect(faults({ names: 'Ada', count: ['1', '2'] }, 'querystring')).toContain('/count May be given only once.');
});
