import { expect, test } from '@jest/globals';
import { BANKS, WALLETS } from '../../src/rules/directory.ts';
import { isCurrency } from '../../src/rules/money.ts';

const codes = (list: readonly { code: string; country: string }[], country: string) =>
  list.filter((each) => each.country === country).map(({ code }) => code);

test('the 14 banks and 4 wallets that Pakistani merchants pay to are there, in the order they are shown', () => {
  expect(codes(BANKS, 'PK')).toEqual([
    'HBL',
    'UBL',
    'MCB',
    'NBP',
    'ABL',
    'BAFL',
    'MEEZAN',
    'BAHL',
    'FAYSAL',
    'ASKARI',
    'SCB',
    'HMB',
    'BOP',
    'JS',
  ]);
  expect(codes(WALLETS, 'PK')).toEqual(['EASYPAISA', 'JAZZCASH', 'SADAPAY', 'NAYAPAY']);
});

test('Nigerian banks have their three digits, and the younger ones five or six, leading zeros kept', () => {
  const nigerian = codes(BANKS, 'NG');
  for (const code of ['044', '00103', '50211', '999992']) expect(nigerian).toContain(code);
  for (const code of nigerian) expect(code).toMatch(/^([0-9]{3}|[0-9]{5,6})$/);
});

test('a code, an IBAN code or a BIC names one bank: money cannot go to another', () => {
  for (const list of [
    BANKS.map(({ code }) => code),
    BANKS.flatMap(({ ibanCode }) => ibanCode ?? []),
    BANKS.flatMap(({ bic }) => bic ?? []),
    WALLETS.map(({ code }) => code),
  ]) {
    expect(new Set(list).size).toBe(list.length);
  }
});

test('a Pakistani bank has the IBAN code that its BIC begins with', () => {
  for (const { code, ibanCode, bic } of BANKS.filter(({ country }) => country === 'PK')) {
    expect([code, ibanCode]).toEqual([code, bic?.slice(0, 4)]);
    expect(bic).toMatch(/^[A-Z]{4}PK[A-Z0-9]{2}$/);
  }
});

test('every currency of the directory is one that a balance can have', () => {
  for (const { currency } of [...BANKS, ...WALLETS]) expect(isCurrency(currency)).toBe(true);
});
