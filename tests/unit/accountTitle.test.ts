import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { titleMatch } from '../../src/domain/accountTitle.ts';

test.each([
  ['Ayesha Khan', 'AYESHA KHAN', 'full'],
  ['Ayesha Khan', ' ayesha  khan. ', 'full'],
  ['Ayesha Khan', 'MRS AYESHA KHAN', 'full'],
  ['José Núñez', 'JOSE NUNEZ', 'full'],
  ['عائشہ خان', 'عائشہ خان', 'full'],
  ['Ayesha Khan', 'KHAN AYESHA', 'partial'],
  ['Ayesha Khan', 'Ayesha Bibi Khan', 'partial'],
  ['A. Khan', 'Ayesha Khan', 'partial'],
  ['Ayesha', 'Ayesha Khan', 'partial'],
  ['Ayesha Khan', 'Bilal Khan', 'none'],
  ['Ayesha Khan', 'Bilal Ahmed', 'none'],
  ['A K', 'Ayesha Khan', 'none'],
  ['Ali A A', 'Ali A Bano', 'none'],
  ['Ali A Bano', 'Ali A A', 'none'],
  ['Mr', 'Mr', 'none'],
  ['', 'Ayesha Khan', 'none'],
  ['Ayesha Khan', '', 'none'],
])('a payer who expects "%s" and is told "%s" sees: %s', (asked, actual, match) => {
  expect(titleMatch(asked, actual)).toBe(match);
});

test('the answer is the same from either side, and never fails on a name', () => {
  const name = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.stringMatching(/^[A-C ]{0,10}$/));
  fc.assert(fc.property(name, name, (one, other) => titleMatch(one, other) === titleMatch(other, one)));
});
