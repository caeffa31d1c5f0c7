/** Guards: nobody stays unpaid for the words beside the money. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as flutterwave from '../../src/psp/flutterwave/wire.ts';
import { narrationOf } from '../../src/psp/narration.ts';
import * as sandbox from '../../src/psp/sandbox/wire.ts';

test.each([
  ['May salary', 'May salary'],
  ['Lohn 5 € – “Mai”', 'Lohn 5 EUR - "Mai"'],
  ['₦500 for Ɗanjuma’s café', "NGN500 for Danjuma's cafe"],
  ['thanks 🎉🎉 all', 'thanks all'],
  ['🎉', null],
  ['تنخواہ', null],
  ['', null],
  [null, null],
])('a memo %j goes out as %j', (description, said) => {
  expect(narrationOf(description, 100)).toBe(said);
});

test('both PSPs take whatever a memo is folded to', () => {
  const description = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ unit: 'grapheme', maxLength: 500 }));
  fc.assert(
    fc.property(description, (text) => {
      for (const { transferRequest, NARRATION_MAX } of [flutterwave, sandbox]) {
        const { narration } = transferRequest.shape;
        expect(narration.safeParse(narrationOf(text, NARRATION_MAX)).success).toBe(true);
      }
    }),
  );
  for (const { transferRequest } of [flutterwave, sandbox]) {
    for (const refused of ['5 €', '🎉', 'a\u0000', 'x'.repeat(200)])
      expect(transferRequest.shape.narration.safeParse(refused).success).toBe(false);
  }
});
