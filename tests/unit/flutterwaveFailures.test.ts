/** Flutterwave's free texts: a wrong class pays twice, or fails what could be paid. */
import { expect, test } from '@jest/globals';
import { failureOf, isOurSetup, refusalOf } from '../../src/psp/flutterwave/failures.ts';

test.each([
  ['DISBURSE FAILED: Insufficient funds in customer wallet', 'D', 'psp_funds_short'],
  ['DISBURSE FAILED: Insufficient wallet balance', 'D', 'psp_funds_short'],
  ['DISBURSE FAILED: You can only spend NGN 100.00 at once', 'D', 'psp_limit_reached'],
  ['DISBURSE FAILED: You have exceeded your daily limit for this product', 'D', 'psp_limit_reached'],
  ['DISBURSE FAILED: You have exceeded your daily frequency for this product', 'D', 'psp_limit_reached'],
  ['DISBURSE FAILED: wallet currently restricted. please contact administrator', 'F', 'wallet_restricted'],
  ['DISBURSE FAILED: Unable to obtain user details', 'E', 'no_account'],
  ['Sorry, that account number is invalid, please check and try again', 'E', 'no_account'],
  ['account_number is invalid', 'A', 'invalid_request'],
  ['DISBURSE FAILED: Beneficiary account is closed', 'F', 'account_closed'],
  ['DISBURSE FAILED: Transfer failed. Please contact support', 'B', 'temporary_failure'],
  ['beneficiary_name is required', 'E', 'beneficiary_name_missing'],
  ['Payout was made to a blacklisted account number', 'A', 'account_blacklisted'],
  ['Amount is below the minimum of NGN 100', 'A', 'amount_too_small'],
  ['the moon is full', 'F', 'declined_by_psp'],
  ['', 'F', 'declined_by_psp'],
])('a transfer that failed because of %j is of class %s, %s', (text, failureClass, code) => {
  expect(failureOf(text)).toMatchObject({ class: failureClass, code });
});

test('the words of an unknown failure are kept for people, without what no database takes', () => {
  expect(failureOf('moon\u0000phase').message).toBe('The payment provider declined the payment. It said: moon phase');
  expect(failureOf('x'.repeat(1000)).message.length).toBeLessThan(300);
});

test.each([
  'Transfer with reference po_1:1 already exists',
  'Duplicate transfer reference',
  'This reference has been used before',
  'Transfer failed. Please contact support',
  'Something nobody has seen before',
  '',
])('a refusal that says %j proves nothing: the reference may have been taken before', (text) => {
  expect(refusalOf(text)).toBeUndefined();
});

test('a failed transfer is failed, even if its text sounds like a refusal that proves nothing', () => {
  expect(failureOf('This reference has been used before')).toMatchObject({ class: 'F', code: 'declined_by_psp' });
});

test.each([
  ['IP not whitelisted', true],
  ['Please enable IP Whitelisting to access this service', true],
  ['Invalid authorization key', true],
  ['Insufficient funds in customer wallet', false],
  ['account_bank is required', false],
])('%j is the fault of our own settings there: %p', (text, expected) => {
  expect(isOurSetup(text)).toBe(expected);
});
