/** What may be asked of a payout is a closed set: no name of a fact that only a PSP or a clock may say is among it. */
import { expect, test } from '@jest/globals';
import { commandOrderIn, decisionIn, dispatchIn, noticeIn } from '../../src/payouts/rules/asked.ts';
import { FACTS } from '../../src/payouts/rules/machine.ts';

const order = (command: unknown, more: object = {}) => commandOrderIn({ updateId: 'upd_1', sequence: 3, command, ...more });
const held = { type: 'held', adminId: 'adm_1', reason: 'look' };

test('a command is taken as it was meant', () => {
  expect(order(held)).toEqual({ updateId: 'upd_1', sequence: 3, command: held });
  for (const command of [
    { type: 'approved', adminId: 'adm_1', note: null },
    { type: 'hold_lifted', adminId: 'adm_1' },
    { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'line 7' },
    { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'line 7', attempts: [1, 2] },
    { type: 'acknowledged', adminId: 'adm_1', note: 'seen' },
    { type: 'cancelled', by: 'mer_1' },
  ])
    expect(order(command)?.command).toEqual(command);
});

test.each(Object.entries(FACTS).flatMap(([type, source]) => (source === 'person' && type !== 'reinitiated' ? [] : [[type]])))(
  'nobody may ask that a payout be "%s"',
  (type) => {
    expect(order({ type, adminId: 'adm_1', by: 'mer_1', reason: 'x', note: null, evidence: 'x' })).toBeUndefined();
    expect(order({ type, adminId: 'adm_1' })).toBeUndefined();
  },
);

test.each([
  [{ ...held, type: 'constructor' }],
  [{ ...held, type: '__proto__' }],
  [{ ...held, type: ['held'] }],
  [{ ...held, adminId: 'adm_\u0000' }],
  [{ ...held, adminId: undefined }],
  [{ ...held, reason: 'a\u0000b' }],
  [{ ...held, reason: '\uD800' }],
  [{ ...held, reason: 'x'.repeat(501) }],
  [{ ...held, pspRef: 'x' }],
  [{ type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'x', attempts: ['1'] }],
  [{ type: 'cancelled', by: null }],
  [null],
  ['held'],
  [[]],
])('what is no command is none: %j', (command) => {
  expect(order(command)).toBeUndefined();
});

test('a command without its update’s id or its sequence is none', () => {
  expect(order(held, { updateId: undefined })).toBeUndefined();
  expect(order(held, { sequence: 1.5 })).toBeUndefined();
  expect(order(held, { sequence: '3' })).toBeUndefined();
});

test('a decision by signal: only two words count, and its texts can be stored', () => {
  expect(decisionIn({ admin: 'adm_1', decision: 'approve' })).toEqual({ type: 'approved', adminId: 'adm_1', note: null });
  expect(decisionIn({ admin: 'adm_1', decision: 'reject', note: 'no' })).toEqual({
    type: 'rejected',
    adminId: 'adm_1',
    note: 'no',
  });
  for (const said of [
    undefined,
    'approve',
    { admin: 'adm_\u0000', decision: 'approve' },
    { admin: 'adm_1', decision: 'constructor' },
    { admin: 'adm_1', decision: 'toString' },
    { admin: 'adm_1', decision: 'approve', note: 'a\u0000' },
    { admin: 'adm_1', decision: 'approve', note: {} },
  ])
    expect(decisionIn(said)).toEqual({ fault: expect.any(String) });
});

test('notices and orders of a run that name nothing of ours are none', () => {
  expect(noticeIn({ messageId: 'pm_1', attempt: 1, claim: 'paid' })).toEqual({ messageId: 'pm_1', attempt: 1, claim: 'paid' });
  expect(noticeIn({ messageId: 'pm_1', attempt: 1, claim: 'constructor' })).toEqual({
    messageId: 'pm_1',
    attempt: 1,
    claim: null,
  });
  for (const said of [undefined, {}, { messageId: 'pm_\u0000', attempt: 1 }, { messageId: 'pm_1', attempt: 1e9 }])
    expect(noticeIn(said)).toBeUndefined();
  expect(dispatchIn({ runId: 'run_1' })).toEqual({ runId: 'run_1' });
  for (const said of [undefined, {}, { runId: '\u0000' }, { runId: {} }]) expect(dispatchIn(said)).toBeUndefined();
});
