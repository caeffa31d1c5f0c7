/** Guards: an operator who opens a payout in the Temporal UI reads where it stands and who must do something, and no account number. */
import { expect, test } from '@jest/globals';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { currentDetails } from '../../src/payouts/rules/currentDetails.ts';
import { type PayoutState, STATES, WAITING_ON } from '../../src/payouts/rules/machine.ts';

const shown = (change: Partial<PayoutRecord>): string =>
  currentDetails({
    state: 'QUEUED',
    attempt: 0,
    round: 1,
    sequence: 1,
    review: null,
    hold: null,
    failure: null,
    needsOperator: false,
    pausedBy: null,
    dispatch: 'now',
    runId: null,
    destination: { type: 'bank', bankCode: 'HBL', accountLast4: '0001', accountTitle: 'Ayesha Khan' },
    ...change,
  } as PayoutRecord);

test('a payout in review says why, in the words an approver reads elsewhere', () => {
  const review = { reasons: [{ code: 'amount_over_limit', detail: '150000.00 PKR is not under the limit' }], approvals: [] };
  expect(shown({ state: 'IN_REVIEW', review })).toBe(
    '**IN_REVIEW**\n\nwaits for an approver to approve or reject it (`approver`)\n\n- amount_over_limit: 150000.00 PKR is not under the limit',
  );
  expect(shown({ state: 'SUCCEEDED', review, attempt: 1 })).toBe('**SUCCESS** (SUCCEEDED), attempt 1');
});

test('every state that waits says for whom, and names the word of the runbook', () => {
  for (const state of Object.keys(STATES) as PayoutState[]) {
    const word = WAITING_ON[state];
    if (word) expect(shown({ state })).toMatch(new RegExp(`waits for .+ \\(\`${word}\`\\)`));
    else expect(shown({ state })).not.toContain('waits for');
  }
});

test('an approved payout waits for the next run until one has come', () => {
  expect(shown({ dispatch: 'run' })).toBe('**PENDING** (QUEUED)\n\nwaits for the next payout run (`run`)');
  expect(shown({ dispatch: 'run', runId: 'run_1' })).toBe('**PENDING** (QUEUED)');
});

test('a payout that is not sent for a pause says for which', () => {
  const said = 'waits for the end of the pause pau_1 (`pause`)';
  expect(shown({ pausedBy: 'pau_1' })).toBe(`**PENDING** (QUEUED)\n\n${said}`);
  expect(shown({ state: 'RETRY_WAIT', pausedBy: 'pau_1' })).toContain(said);
  expect(shown({ state: 'UNKNOWN', pausedBy: 'pau_1' })).toContain('(`psp_outcome`)'); // it is looked up all the same
});

test('holds, failures, later rounds and what needs a person are said', () => {
  expect(shown({ state: 'PSP_HELD', attempt: 1, hold: { reason: 'compliance_check', source: 'psp' } })).toContain(
    'held by the PSP: compliance_check',
  );
  const failure = { code: 'no_account', message: 'No such account', retryable: false };
  expect(shown({ state: 'FAILED', attempt: 2, round: 2, failure, needsOperator: true })).toBe(
    '**FAILED**, attempt 2, round 2\n\n**needs an operator**\n\nno_account: No such account',
  );
});
