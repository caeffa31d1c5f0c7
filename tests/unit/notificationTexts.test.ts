/** What people read about their money: the right amount, the reason, what to do next, and never an account number. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type EndpointNoticeData,
  type Notice,
  type PayoutNoticeData,
  type PayoutNoticeKind,
  waitAfter,
} from '../../src/notify/rules/notifications.ts';
import { messageOf } from '../../src/notify/texts.ts';
import { FAILURE_CLASSES, type FailureClass } from '../../src/payouts/rules/failures.ts';

const places = { publicUrl: 'https://pay.example.com' };
const data: PayoutNoticeData = {
  recipientName: 'Ada Obi',
  providerName: 'Ada Obi',
  amountMinor: '1500050',
  feeMinor: '0',
  currency: 'NGN',
  bank: '044',
  accountLast4: '0031',
  psp: 'flutterwave',
  attempts: 4,
  failure: null,
  reason: null,
  reviewReasons: [],
};
const told = (kind: PayoutNoticeKind, change: Partial<PayoutNoticeData> = {}, mode: Notice['mode'] = 'live') =>
  messageOf({ kind, mode, payoutId: 'po_1', data: { ...data, ...change } }, places);
const failure = (code: FailureClass, message = 'the bank said no') => ({ class: code, code: 'refused', message });

test('a paid provider reads what was paid and where to', () => {
  const { subject, text, brief } = told('payout_completed');
  expect(subject).toBe('Your payout of 15000.50 NGN has been paid');
  expect(text).toContain('Hello Ada Obi,');
  expect(text).toContain('to the account ending in 0031 (bank 044) has been made');
  expect(text).toContain('Payout: po_1');
  expect(brief).toContain('15000.50 NGN');
});

test('a provider whose payout failed reads why, what to do next, and that the money is there again', () => {
  const { subject, text } = told('payout_failed', { failure: failure('E', 'no such account'), feeMinor: '1000' });
  expect(subject).toBe('Your payout of 15000.50 NGN failed');
  expect(text).toContain('Why: no such account');
  expect(text).toContain('What to do: check the bank and the account number');
  expect(text).toContain('15010.50 NGN, its fee included, are available in your earnings again');
});

test.each(Object.keys(FAILURE_CLASSES) as FailureClass[])('a failure of class %s says what to do next', (code) => {
  expect(told('payout_failed', { failure: failure(code) }).text).toMatch(/What to do: \S.{20,}/);
});

test('a failure that a person or a clock caused says so too', () => {
  const { text } = told('payout_failed', {
    failure: { code: 'resolved_not_paid', message: 'an operator found that it was not paid' },
  });
  expect(text).toContain('Why: an operator found that it was not paid');
  expect(text).toMatch(/What to do: \S/);
});

test('money that came back is told with its reason', () => {
  const { subject, text } = told('payout_returned', { reason: 'account closed' });
  expect(subject).toContain('15000.50 NGN came back');
  expect(text).toContain('Why: account closed');
});

test('an approver reads every reason of a review, and where to decide', () => {
  const reviewReasons = [
    { code: 'amount_over_limit', detail: '60000.00 NGN is more than 50000.00 NGN' },
    { code: 'provider_unverified', detail: 'the provider is not verified' },
  ];
  const { text } = told('review_needed', { reviewReasons });
  expect(text).toContain(
    '- 60000.00 NGN is more than 50000.00 NGN (amount_over_limit)\n- the provider is not verified (provider_unverified)',
  );
  expect(text).toContain('https://pay.example.com/api/admin/payouts/po_1');
});

test('an operator reads how often it failed and how to start it again', () => {
  const { subject, text } = told('retries_exhausted', { failure: failure('B', 'the bank is away') });
  expect(subject).toBe('A payout of 15000.50 NGN failed 4 times and needs an operator');
  expect(text).toContain('the bank is away');
  expect(text).toContain('POST https://pay.example.com/api/admin/payouts/po_1/retry');
});

test('whoever fills up our account at the PSP reads which one', () => {
  const { subject, text } = told('psp_funds_short', { failure: failure('D', 'insufficient balance') });
  expect(subject).toBe('Our NGN account at flutterwave is short of funds');
  expect(text).toContain('No payout has failed');
});

test('a try-out is told apart from real money', () => {
  expect(told('payout_completed', {}, 'test').subject).toBe('[test] Your payout of 15000.50 NGN has been paid');
  expect(told('payout_completed', {}, 'test').text).toContain('no real money was moved');
  expect(told('payout_completed').text).not.toContain('test');
});

describe('a merchant whose endpoint was switched off', () => {
  const off = (change: Partial<EndpointNoticeData> = {}, mode: Notice['mode'] = 'live') =>
    messageOf(
      {
        ...{ kind: 'endpoint_disabled', mode, endpointId: 'we_1' },
        data: {
          ...{ recipientName: 'Corner shop', url: 'https://shop.example/hooks?token=s3cret' },
          ...{ failingSince: '2026-11-20T08:00:00Z', waiting: 1234, ...change },
        },
      },
      places,
    );

  test('reads which one, since when, what waited, and how to get it all', () => {
    const { subject, text } = off();
    expect(subject).toBe('Your webhook endpoint at shop.example was switched off');
    expect(text).toContain('Hello Corner shop,');
    expect(text).toContain('https://shop.example/hooks has not answered since 2026-11-20T08:00:00Z');
    expect(text).toContain('1234 events waited for it. No payout waits');
    expect(text).toContain('PATCH https://pay.example.com/api/v1/webhook-endpoints/we_1 and the body { "disabled": false }');
    expect(text).toContain(
      'POST https://pay.example.com/api/v1/webhook-endpoints/we_1/recover with the body { "since": "2026-11-20T08:00:00Z" }',
    );
    expect(text).not.toContain('s3cret');
  });

  test.each([
    [0, 'No events waited'],
    [1, 'One event waited'],
    [10_001, 'More than 10,000 events waited'],
  ])('of %i that waited reads: %s', (waiting, words) => {
    expect(off({ waiting }).text).toContain(words);
  });

  test('of a try-out reads that it is one', () => {
    expect(off({}, 'test').subject).toMatch(/^\[test\] /);
    expect(off({}, 'test').text).toContain('an endpoint in test mode');
  });
});

describe('of an account only four digits are named', () => {
  const KINDS: readonly PayoutNoticeKind[] = ['payout_failed', 'payout_returned', 'retries_exhausted', 'psp_funds_short'];
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 7, maxLength: 24 }).map((each) => each.join(''));
  const separated = fc
    .tuple(digits, fc.constantFrom('', ' ', '-'))
    .map(([number, mark]) => ({ number, shown: number.split('').join(mark) }));

  test.each(KINDS)('%s, whatever the PSP writes', (kind) => {
    fc.assert(
      fc.property(separated, ({ number, shown }) => {
        const message = `account ${shown} is closed`;
        const { subject, text, brief } = told(kind, { failure: failure('E', message), reason: message });
        const flat = [subject, text, brief].join('\n').replaceAll(/(?<=\d)[ -](?=\d)/g, '');
        expect(flat).not.toContain(number);
        expect(text).toContain(`…${number.slice(-4)}`);
      }),
    );
  });
});

test('a channel that fails is tried again later each time, within hours', () => {
  expect([1, 2, 3, 4, 5].map(waitAfter)).toEqual([5_000, 15_000, 45_000, 135_000, 405_000]);
  expect(waitAfter(1_000)).toBe(4 * 3_600_000);
  let waited = 0;
  let tries = 0;
  while (waited <= 24 * 3_600_000) {
    tries += 1;
    waited += waitAfter(tries);
  }
  expect(tries).toBe(13); // a day holds these, the first included
});
