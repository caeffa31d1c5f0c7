/** What is said to a resolution's workflow is one of a closed set, or nothing at all. */
import { expect, test } from '@jest/globals';
import { DECISION_ROLES, type Decision, decisionBySignal, decisionOrderIn } from '../../src/markets/rules/decision.ts';

const order = (decision: unknown, change: object = {}) => ({
  updateId: 'upd_1',
  sequence: 3,
  adminId: 'adm_1',
  decision,
  ...change,
});

const DECISIONS: readonly Decision[] = [
  { kind: 'approve', note: null },
  { kind: 'approve', note: 'seen' },
  { kind: 'reject', reason: 'the wrong match' },
  { kind: 'uphold' },
  { kind: 'overturn', to: 'no' },
  { kind: 'rollback', reason: 'the match is void' },
  { kind: 'retry' },
  { kind: 'acknowledge', note: 'called them' },
];

test('every decision comes through as it was said', () => {
  for (const decision of DECISIONS) expect(decisionOrderIn(order(decision))).toEqual(order(decision));
  expect(new Set(DECISIONS.map(({ kind }) => kind))).toEqual(new Set(Object.keys(DECISION_ROLES)));
});

test.each<[string, unknown]>([
  ['nothing', null],
  ['no decision', order(undefined)],
  ['a decision that there is none of', order({ kind: 'pay' })],
  ['a name from every object', order({ kind: 'constructor' })],
  ['something besides', order({ kind: 'retry', outcome: 'yes' })],
  ['a reason too few', order({ kind: 'rollback' })],
  ['a reason that no database stores', order({ kind: 'reject', reason: 'a\u0000b' })],
  ['an outcome that is no word', order({ kind: 'overturn', to: 'ja\u0000' })],
  ['an admin who is no id', order({ kind: 'retry' }, { adminId: "adm' OR true" })],
  ['no number', order({ kind: 'retry' }, { sequence: '3' })],
])('%s changes nothing', (_, said) => {
  expect(decisionOrderIn(said)).toBeUndefined();
});

test('the same word by hand twice is one decision, and who types something else is told what is wrong', () => {
  expect(decisionBySignal({ admin: 'adm_1', decision: 'approve', note: 'ok' })).toEqual({
    adminId: 'adm_1',
    decision: { kind: 'approve', note: 'ok' },
    key: 'signal:adm_1:approve',
  });
  expect(decisionBySignal({ admin: 'adm_1', decision: 'reject' })).toMatchObject({ decision: { kind: 'reject' } });
  expect(decisionBySignal({ admin: 'adm_1', decision: 'rollback' })).toHaveProperty('fault');
  expect(decisionBySignal('approve')).toHaveProperty('fault');
});
