import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Fact } from '../../src/payouts/rules/contract.ts';
import { FACTS } from '../../src/payouts/rules/machine.ts';
import { stepKey } from '../../src/payouts/rules/steps.ts';

const at = { sequence: 7, round: 2 };
const anyFact = fc.record({ type: fc.constantFrom(...Object.keys(FACTS)), attempt: fc.integer({ min: 1, max: 9 }) });

test('a step done again has the same key: nothing is done twice after a crash', () => {
  fc.assert(
    fc.property(
      anyFact,
      fc.nat(99),
      fc.nat(9),
      (fact, sequence, round) => stepKey(fact, { sequence, round }) === stepKey({ ...fact }, { sequence, round }),
    ),
  );
});

test('two steps that differ have different keys: none is taken for the other and dropped', () => {
  fc.assert(
    fc.property(anyFact, anyFact, (one, other) => {
      const isSame = one.type === other.type && (one.attempt === other.attempt || one.type === 'reinitiated');
      return (stepKey(one, at) === stepKey(other, at)) === isSame;
    }),
  );
});

test('a round is opened once', () => {
  expect(stepKey({ type: 'reinitiated' }, at)).toBe('reinitiated:2');
});

test('a payout can be held and released again and again', () => {
  const held: Fact = { type: 'held', adminId: 'adm_1', reason: 'check' };
  expect(stepKey(held, { sequence: 2, round: 1 })).not.toBe(stepKey(held, { sequence: 4, round: 1 }));
});

test('a failure that came too early and was ignored still counts when it comes again', () => {
  const failed: Fact = { type: 'failed', attempt: 1 };
  expect(stepKey(failed, { sequence: 3, round: 1 })).toBe('failed:1:3');
  expect(stepKey(failed, { sequence: 5, round: 1 })).toBe('failed:1:5');
});

test('an approver who was a moment too late is told so, not given the answer of the other', () => {
  const one = stepKey({ type: 'approved', adminId: 'adm_1' }, at);
  const other = stepKey({ type: 'approved', adminId: 'adm_2' }, at);
  expect(one).toBe('approved:0:7:adm_1');
  expect(one).not.toBe(other);
});
