/** What an operator is told after a restore: nothing that could be paid twice or wrongly is passed over. */
import { describe, expect, test } from '@jest/globals';
import type { AttemptState } from '../../src/payouts/rules/books.ts';
import type { PayoutRecord } from '../../src/payouts/rules/contract.ts';
import { edgeOf, type PayoutState, STATES } from '../../src/payouts/rules/machine.ts';
import { findingsOf, MEANING, sentenceOfFinding } from '../../src/restore/findings.ts';
import { type Row, type Verdict, verdictOn } from '../../src/restore/lines.ts';
import { sendingFinding } from '../../src/restore/sending.ts';
import { parseStatement, type StatementLine, type StatementStatus } from '../../src/restore/statement.ts';
import type { Booked, Memory, Told, Witnesses } from '../../src/restore/witnesses.ts';

const ID = `po_${'1'.repeat(32)}`;

const run = (told: Told, round = 1, sent = round, change: Partial<Memory> = {}): Memory => ({
  workflowId: 'w',
  runId: 'r',
  payoutId: ID,
  round,
  isRunning: false,
  told,
  opening: undefined,
  sent,
  isResolvedPaid: false,
  ...change,
});

const booked = (state: string, attempts: readonly AttemptState[] = [], round = 1): Booked => ({
  payout: { id: ID, state, round, attempt: attempts.length, amountMinor: '150000', currency: 'PKR' } as unknown as PayoutRecord,
  attempts: Object.fromEntries(attempts.map((each, index) => [index + 1, each])),
});

/** `1 paid 2 failed`: the lines of attempts 1 and 2. */
const lines = (told: string, amount = '1500.00'): StatementLine[] =>
  [...told.matchAll(/(\d+) ([a-z]+)/g)].flatMap(([, attempt, status]) =>
    parseStatement(`reference,amount,currency,status\n${ID}:${attempt},${amount},PKR,${status}\n`),
  );

const told = (change: Partial<Witnesses>): Witnesses => ({
  payoutId: ID,
  booked: undefined,
  runs: [],
  lines: undefined,
  ...change,
});
const kindsOf = (change: Partial<Witnesses>): string[] => findingsOf(told(change)).map(({ kind }) => kind);

describe('Temporal as the witness', () => {
  test.each<[string, readonly Memory[], Booked | undefined, string | undefined]>([
    ['the books forgot what is under way', [run('unfinished')], undefined, 'forgotten'],
    ['the books forgot what was paid', [run('paid')], undefined, 'forgotten'],
    ['the books forgot what ended unpaid', [run('closed')], undefined, 'forgotten_end'],
    ['what was refused was never in the books', [run('refused')], undefined, undefined],
    ['called off after the backup, not sent yet', [run('closed')], booked('QUEUED'), 'stopped'],
    ['held after the backup', [run('held')], booked('RETRY_WAIT', ['failed']), 'stopped'],
    ['held in both', [run('held')], booked('ON_HOLD'), undefined],
    ['called off after the backup, on the wire', [run('closed')], booked('UNKNOWN', ['open']), 'stopped_in_flight'],
    ['with an operator already', [run('closed')], booked('UNRESOLVED', ['open']), undefined],
    ['held by the PSP', [run('held')], booked('PSP_HELD', ['open']), undefined],
    ['tried again after the backup', [run('closed'), run('paid', 2)], booked('FAILED', ['failed']), 'forgotten_round'],
    ['tried again, whatever was listed last', [run('paid', 2), run('closed')], booked('FAILED', ['failed']), 'forgotten_round'],
    ['tried again and failed again', [run('closed'), run('closed', 2)], booked('FAILED', ['failed']), undefined],
    ['tried again in vain', [run('closed'), run('refused', 2)], booked('FAILED', ['failed']), undefined],
    ['the books know a later round', [run('closed')], booked('QUEUED', ['failed'], 2), undefined],
    ['paid in both', [run('paid')], booked('SUCCEEDED', ['succeeded']), undefined],
    ['paid under the key that goes next', [run('paid')], booked('QUEUED'), undefined],
    ['paid under a later key than the one that goes next', [run('paid', 1, 2)], booked('QUEUED', ['open']), 'astray'],
    ['tried again after it was closed', [run('closed'), run('paid', 2)], booked('QUEUED', ['open']), 'astray'],
    ['tried again while a request is on the wire', [run('closed'), run('paid', 2)], booked('UNKNOWN', ['open']), 'astray'],
    ['closed, and a reinitiation refused', [run('closed'), run('refused', 2)], booked('QUEUED', ['open']), 'stopped'],
    ['resolved as paid', [run('paid', 1, 1, { isResolvedPaid: true })], booked('UNKNOWN', ['open']), 'astray'],
    ['ended by hand', [run('unfinished')], booked('QUEUED'), undefined],
  ])('%s', (_what, runs, known, kind) => {
    expect(kindsOf({ runs, booked: known })).toEqual(kind ? [kind] : []);
    expect(kindsOf({ runs: [...runs].reverse(), booked: known })).toEqual(kind ? [kind] : []); // nor does their order say anything
  });
});

describe('Temporal and the PSP as witnesses', () => {
  const FORGOTTEN = undefined;
  const PAID_BY_HAND = run('paid', 1, 1, { isResolvedPaid: true });
  const RETRIED = [run('closed'), run('paid', 2)];
  test.each<[string, readonly Memory[], string, Booked | undefined, string | undefined, 'goes on' | 'held' | 'to an operator']>([
    ['forgotten, and paid', [run('paid')], '1 paid', FORGOTTEN, 'forgotten', 'goes on'],
    ['forgotten, and never taken', [run('unfinished')], '', FORGOTTEN, 'forgotten', 'goes on'],
    ['forgotten, and paid in the next round', RETRIED, '2 paid', FORGOTTEN, 'forgotten', 'to an operator'],
    ['forgotten, closed, and paid all the same', [run('closed')], '1 paid', FORGOTTEN, 'forgotten', 'goes on'],
    ['forgotten, and paid at the second try', [run('paid', 1, 2)], '1 failed 2 paid', FORGOTTEN, 'forgotten', 'goes on'],
    ['forgotten, the first refused at the door', [run('paid', 1, 2)], '2 paid', FORGOTTEN, 'forgotten', 'to an operator'],
    ['queued, and paid in the next round', RETRIED, '2 paid', booked('QUEUED', ['open']), 'astray', 'to an operator'],
    ['queued, failed, and paid in the next round', RETRIED, '1 failed 2 paid', booked('QUEUED', ['open']), 'astray', 'held'],
    ['queued, and paid, says only the PSP', [], '2 paid', booked('QUEUED', ['open']), 'astray', 'to an operator'],
    ['queued, closed, and paid under its key', [run('closed')], '1 paid', booked('QUEUED', ['open']), undefined, 'goes on'],
    ['waiting for another try, which was paid', [run('paid', 1, 2)], '1 failed 2 paid', booked('RETRY_WAIT', ['failed']), undefined, 'goes on'],
    ['paid, says a person', [PAID_BY_HAND], '', booked('UNKNOWN', ['open']), 'astray', 'to an operator'],
    ['paid, says our word alone', [run('paid')], '', booked('QUEUED', ['open']), 'astray', 'to an operator'],
    ['on the wire, and cancelled since it failed', [run('closed')], '1 failed', booked('PSP_QUEUED', ['open']), 'stopped_and_failed', 'held'],
    ['unresolved, and closed since it failed', [run('closed')], '1 failed', booked('UNRESOLVED', ['open']), 'stopped_and_failed', 'held'],
    ['failed, and paid in the next round', RETRIED, '1 failed 2 paid', booked('FAILED', ['failed']), 'forgotten_round', 'goes on'],
    ['failed, and paid two rounds later', [...RETRIED, run('paid', 3)], '1 failed 2 failed 3 paid', booked('FAILED', ['failed']), 'forgotten_round', 'held'],
    ['failed, and paid, says only the PSP', [], '1 failed 2 paid', booked('FAILED', ['failed']), 'forgotten_round', 'goes on'],
    ['failed, and paid under the key after the next', [], '1 failed 3 paid', booked('FAILED', ['failed']), 'forgotten_round', 'to an operator'],
  ])('%s', (_what, runs, statement, known, kind, does) => {
    const finding = sendingFinding(told({ runs, booked: known, lines: lines(statement) }));
    expect(finding?.kind).toBe(kind);
    const caution = finding?.caution;
    expect(caution ? (caution.isNextDead ? 'held' : 'to an operator') : 'goes on').toBe(does);
  }); // biome-ignore format: a table

  test('what goes on by itself meets no key that the PSP does not know before the one that it paid', () => {
    const statuses = [undefined, 'paid', 'failed'] as const;
    for (const one of statuses)
      for (const two of statuses)
        for (const three of statuses)
          for (const state of ['QUEUED', 'UNKNOWN', 'FAILED'] as const)
            for (const rows of [[], ['open'], ['failed'], ['failed', 'open'], ['failed', 'failed']] as AttemptState[][]) {
              const shown = [one, two, three];
              const statement = lines(shown.map((status, index) => (status ? `${index + 1} ${status}` : '')).join(' '));
              const next = rows.at(-1) === 'open' ? rows.length : rows.length + 1;
              const paid = shown.lastIndexOf('paid') + 1;
              const unknown = shown.findIndex((status, index) => index + 1 >= next && status === undefined) + 1;
              const isDangerous = unknown > 0 && unknown < paid;
              const finding = sendingFinding(told({ booked: booked(state, rows), lines: statement }));
              if (isDangerous)
                expect({ shown, state, rows, caution: finding?.caution }).toMatchObject({ caution: { because: 'astray' } });
              else expect({ shown, state, rows, caution: finding?.caution }).toMatchObject({ caution: undefined });
            }
  });
});

describe('the PSP as the witness: every line beside every attempt', () => {
  const STATUSES = ['paid', 'failed', 'returned', 'queued', 'held', 'processing'] as const satisfies readonly StatementStatus[];
  const MARK: Readonly<Record<Verdict, string>> = { agrees: '=', learnt: '>', differs: '!' };
  const SENDING = ['QUEUED', 'RETRY_WAIT', 'SUBMITTING', 'PSP_QUEUED', 'PSP_HELD', 'PROCESSING', 'UNKNOWN', 'UNRESOLVED'];
  const WAITING = ['IN_REVIEW', 'REVIEW_ON_HOLD', 'ON_HOLD'];
  const OVER = ['SUCCEEDED', 'REJECTED', 'CANCELLED', 'RETURNED'];
  const EACH = Object.keys(STATES);

  // = agrees, > the engine comes to know it by itself (or sending.ts speaks of it), ! nothing would ever make it known
  test.each<[Row, readonly string[], string]>([
    ['succeeded', EACH, '=!!!!!'],
    ['failed', EACH, '!=!!!!'],
    ['returned', EACH, '!==!!!'],
    ['doubted', EACH, '!!!==='],
    ['open', [...SENDING, 'FAILED'], '>>>>>>'],
    ['open', [...WAITING, ...OVER], '!=!!!!'],
    ['none', [...SENDING, 'FAILED'], '>>>>>>'],
    ['none', [...WAITING, ...OVER], '!=!!!!'],
  ])('an attempt that is %s (%#)', (row, states, expected) => {
    for (const state of states as PayoutState[]) {
      const verdicts = STATUSES.map((status) => MARK[verdictOn(status, row, state)]).join('');
      expect(`${state} ${verdicts}`).toBe(`${state} ${expected}`);
    }
  });

  test.each<[string, string, Booked | undefined, string | undefined]>([
    ['paid, and nobody knows for whom', '1 paid', undefined, 'unknown_transfer'],
    ['under way, and nobody knows for whom', '1 queued', undefined, 'unknown_transfer'],
    ['failed, and forgotten', '1 failed', undefined, undefined],
    ['paid in both', '1 paid', booked('SUCCEEDED', ['succeeded']), undefined],
    ['paid, and goes next', '1 paid', booked('QUEUED'), undefined],
    ['paid, and closed as unpaid', '1 paid', booked('CANCELLED', ['failed']), 'closed_but_paid'],
    ['paid, and closed before anything was sent', '1 paid', booked('REJECTED'), 'closed_unbooked'],
    ['paid, and in review', '1 paid', booked('IN_REVIEW'), 'paid_while_held'],
    ['paid, and failed in the books', '1 paid', booked('FAILED', ['failed']), 'closed_but_paid'],
    ['an earlier attempt is paid', '1 paid', booked('RETRY_WAIT', ['failed']), 'alive_again'],
    ['paid under two attempts', '1 paid 2 paid', booked('SUCCEEDED', ['succeeded']), 'paid_twice'],
    ['paid under another attempt than ours', '2 paid', booked('SUCCEEDED', ['succeeded']), 'other_attempt'],
    ['failed, and paid in the books', '1 failed', booked('SUCCEEDED', ['succeeded']), 'not_paid_by_psp'],
    ['returned in both', '1 returned', booked('RETURNED', ['returned']), undefined],
    ['sent back after the backup', '1 returned', booked('SUCCEEDED', ['succeeded']), 'sent_back'],
    ['paid again after it came back', '1 paid', booked('RETURNED', ['returned']), 'closed_but_paid'],
    ['failed at last', '1 failed', booked('UNRESOLVED', ['doubted']), 'doubt_ended'],
  ])('%s', (_what, statement, known, kind) => {
    expect(kindsOf({ booked: known, lines: lines(statement) })).toEqual(kind ? [kind] : []);
  });

  test('another amount is for a person, whatever else agrees', () => {
    const known = booked('SUCCEEDED', ['succeeded']);
    expect(kindsOf({ booked: known, lines: lines('1 paid', '1500.01') })).toEqual(['other_money']);
  });

  test('two payments of one payout are told, once, whichever of them is ours', () => {
    const statement = lines('1 paid 2 paid');
    expect(findingsOf(told({ booked: booked('QUEUED'), lines: statement })).map(sentenceOfFinding)).toEqual([
      `${ID} was paid by the PSP twice [${ID}:2 1500.00 PKR paid]`,
    ]);
    expect(kindsOf({ booked: booked('SUCCEEDED', ['failed', 'succeeded']), lines: statement })).toEqual(['paid_twice']);
    expect(kindsOf({ booked: booked('SUCCEEDED', ['succeeded']), lines: lines('1 paid 1 paid') })).toEqual(['paid_twice']);
  });

  test('whatever the books have the attempt for, what a repair hands on is of an attempt that they know', () => {
    for (const state of EACH as PayoutState[])
      for (const row of ['open', 'succeeded', 'failed', 'returned', 'doubted'] as const)
        for (const status of STATUSES)
          for (const attempt of [1, 2])
            for (const finding of findingsOf(told({ booked: booked(state, [row]), lines: lines(`${attempt} ${status}`) })))
              if ('line' in finding && MEANING[finding.kind].repair !== null && finding.kind !== 'paid_while_held')
                expect({ state, row, status, attempt, kind: finding.kind, is: finding.isBookable }).toMatchObject({ is: true });
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

test('whatever a repair must stop, it can: no state is left from which the next run would send it all the same', () => {
  const open = (Object.keys(STATES) as PayoutState[]).filter((state) => !STATES[state].final && !state.endsWith('ON_HOLD'));
  for (const state of open) {
    if (state === 'UNRESOLVED') continue; // it is only looked up, and an operator has it
    const edge = edgeOf(state, STATES[state].inFlight ? 'mismatch' : 'held');
    const stops = STATES[state].inFlight ? ['UNRESOLVED'] : ['ON_HOLD', 'REVIEW_ON_HOLD'];
    expect([state, edge?.to]).toEqual([state, expect.stringMatching(stops.join('|'))]);
  }
});
