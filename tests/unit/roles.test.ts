import { expect, test } from '@jest/globals';
import { ACTION_ROLES, type Action, isRole, mayAct, ROLES } from '../../src/rules/roles.ts';

const allowed = (role: string) =>
  Object.entries(ACTION_ROLES).flatMap(([action, needed]) => (mayAct(role, needed) ? [action] : []));

test('each role may do exactly what it is for: an operator approves no payout and voids no game and resolves no market, an approver makes no keys', () => {
  const viewer: Action[] = ['read'];
  const operator: Action[] = [
    ...viewer,
    'hold',
    'release',
    'resolve',
    'acknowledge',
    'retry',
    'payoutRuns',
    'pause',
    'send-now',
    'look-up-now',
    'give-up',
    'route',
    'resend',
    'subscribe',
  ];
  const market: Action[] = ['resolveMarket', 'judgeDispute', 'rollBack'];
  const approver: Action[] = [...operator, 'approve', 'reject', 'voidGame', ...market];
  const admin: Action[] = [...approver, 'merchants', 'keys', 'admins', 'fund', 'audit', 'riskPolicy'];
  expect(allowed('viewer')).toEqual(viewer);
  expect(allowed('operator')).toEqual(operator);
  expect(allowed('approver')).toEqual(approver);
  expect(allowed('admin')).toEqual(admin);
});

test('a role that is none may do nothing', () => {
  for (const role of ['', 'ADMIN', 'root', 'constructor', '0']) {
    expect(allowed(role)).toEqual([]);
    expect(isRole(role)).toBe(false);
  }
  for (const role of ROLES) expect(isRole(role)).toBe(true);
});
