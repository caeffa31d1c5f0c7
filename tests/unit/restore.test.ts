/** What an operator is told after a restore: nothing that could be paid twice or wrongly is passed over. */
import { describe, expect, test } from '@jest/globals';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { type Booked, findingOfRuns, findingsOfStatement, sentenceOfFinding } from '../../src/restore/findings.ts';
import type { Run, Told } from '../../src/restore/runs.ts';
import { parseStatement } from '../../src/restore/statement.ts';

const ID = `po_${'1'.repeat(32)}`;
const OTHER = `po_${'2'.repeat(32)}`;

const run = (told: Told, round = 1): Run => ({ workflowId: 'w', runId: 'r', payoutId: ID, round, isRunning: false, told });
const payout = (state: string, round = 1) =>
  ({ id: ID, state, round, amountMinor: '150000', currency: 'PKR' }) as unknown as PayoutRecord;
const booked = (state: string, attempts: Booked['attempts'] = {}): ReadonlyMap<string, Booked> =>
  new Map([[ID, { payout: payout(state), attempts }]]);

describe('Temporal as the witness', () => {
  test.each<[string, readonly Run[], PayoutRecord | undefined, string | undefined]>([
    ['the books forgot what is under way', [run('unfinished')], undefined, 'forgotten'],
    ['the books forgot what was paid', [run('paid')], undefined, 'forgotten'],
    ['the books forgot what ended unpaid', [run('closed')], undefined, 'forgotten_end'],
    ['what was refused was never in the books', [run('refused')], undefined, undefined],
    ['called off after the backup, not sent yet', [run('closed')], payout('QUEUED'), 'stopped'],
    ['held after the backup', [run('held')], payout('RETRY_WAIT'), 'stopped'],
    ['held in both', [run('held')], payout('ON_HOLD'), undefined],
    ['called off after the backup, on the wire in the books', [run('closed')], payout('UNKNOWN'), 'stopped_in_flight'],
    ['held by the PSP', [run('held')], payout('PSP_HELD'), undefined],
    ['tried again after the backup', [run('closed'), run('paid', 2)], payout('FAILED'), 'forgotten_round'],
    ['tried again and failed again', [run('closed'), run('closed', 2)], payout('FAILED'), undefined],
    ['the books know a later round', [run('closed')], payout('QUEUED', 2), undefined],
    ['paid in both', [run('paid')], payout('SUCCEEDED'), undefined],
    ['paid after the backup: it goes on by itself', [run('paid')], payout('QUEUED'), undefined],
    ['ended by hand', [run('unfinished')], payout('QUEUED'), undefined],
  ])('%s', (_what, runs, known, kind) => {
    expect(findingOfRuns(runs, known)?.kind).toBe(kind);
  });
});

describe('the PSP as the witness', () => {
  const line = (status: string, reference = `${ID}:1`, amount = '1500.00') =>
    parseStatement(`reference,amount,currency,status\n${reference},${amount},PKR,${status}\n`);

  test.each<[string, ReturnType<typeof line>, ReadonlyMap<string, Booked>, string | undefined]>([
    ['paid, and nobody knows for whom', line('paid', `${OTHER}:1`), booked('SUCCEEDED'), 'unknown_transfer'],
    ['under way, and nobody knows for whom', line('queued', `${OTHER}:1`), booked('SUCCEEDED'), 'unknown_transfer'],
    ['failed, and forgotten', line('failed', `${OTHER}:1`), booked('SUCCEEDED'), undefined],
    ['not one of our references', line('paid', 'salary-11'), booked('SUCCEEDED'), undefined],
    ['paid in both', line('paid'), booked('SUCCEEDED', { 1: 'succeeded' }), undefined],
    ['paid, and open in the books', line('paid'), booked('QUEUED'), undefined],
    ['paid, and closed as unpaid', line('paid'), booked('CANCELLED', { 1: 'failed' }), 'closed_but_paid'],
    ['paid under another attempt than ours', line('paid', `${ID}:2`), booked('SUCCEEDED', { 1: 'succeeded' }), 'paid_twice'],
    ['another amount', line('paid', `${ID}:1`, '1500.01'), booked('SUCCEEDED', { 1: 'succeeded' }), 'other_money'],
    ['failed, and paid in the books', line('failed'), booked('SUCCEEDED', { 1: 'succeeded' }), 'not_paid_by_psp'],
    ['returned in both', line('returned'), booked('RETURNED', { 1: 'succeeded' }), undefined],
  ])('%s', (_what, lines, known, kind) => {
    expect(findingsOfStatement(lines, known).map((finding) => finding.kind)).toEqual(kind ? [kind] : []);
  });

  test('two payments of one payout are told, whichever of them is ours', () => {
    const lines = [...line('paid'), ...line('paid', `${ID}:2`)];
    expect(findingsOfStatement(lines, booked('QUEUED')).map(sentenceOfFinding)).toEqual([
      `${ID} was paid by the PSP under two attempts [${ID}:2 1500.00 PKR paid]`,
    ]);
  });

  test.each([
    ['', 'first line must be: reference,amount,currency,status'],
    ['reference,amount,currency,status\na,1.00,PKR', 'Line 2 of the statement must end in one of'],
    ['reference,amount,currency,status\na,1.00,PKR,paid\nb,"1,00",PKR,paid', 'Line 3 of the statement must have four columns'],
    ['reference,amount,currency,status\na,1.001,PKR,paid', 'Line 2 of the statement has no amount that we can read'],
    ['reference,amount,currency,status\na,1.00,PKR,done', 'Line 2 of the statement must end in one of'],
  ])('a statement that cannot be read as a whole is refused, never in part: %j', (text, problem) => {
    expect(() => parseStatement(text)).toThrow(problem);
  });
});
