import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  AMOUNT_MAX_MINOR,
  CURRENCIES,
  decimalsOf,
  divFloor,
  formatMajor,
  isCurrency,
  JsonNumber,
  parseAmount,
  parseMajor,
} from '../../src/rules/money.ts';

const anyCurrency = fc.constantFrom(...Object.keys(CURRENCIES));
const anyAmount = fc.bigInt({ min: 1n, max: AMOUNT_MAX_MINOR });

const codeOf = (value: unknown, currency = 'PKR') => {
  const parsed = parseAmount(value, currency);
  return parsed.ok ? parsed.minor : parsed.code;
};

test('an amount is paid as it was sent: printing and reading give the same minor units in every currency', () => {
  fc.assert(
    fc.property(anyCurrency, anyAmount, (currency, minor) => {
      const text = formatMajor(minor, currency);
      expect(parseMajor(text, currency)).toBe(minor);
      expect(parseAmount(text, currency)).toEqual({ ok: true, minor });
    }),
  );
});

test('no cent is lost to a float: decimals stand where they were sent, up to the largest amount', () => {
  fc.assert(
    fc.property(anyCurrency, anyAmount, (currency, minor) => {
      // Built by hand from the digits, so that the test does not trust the code it tests.
      const decimals = decimalsOf(currency);
      const digits = String(minor).padStart(decimals + 1, '0');
      const at = digits.length - decimals;
      const expected = decimals === 0 ? digits : `${digits.slice(0, at)}.${digits.slice(at)}`;
      expect(formatMajor(minor, currency)).toBe(expected);
    }),
  );
  expect(parseMajor('9007199254740.93', 'PKR')).toBe(900719925474093n);
  expect(parseMajor('1.005', 'KWD')).toBe(1005n); // 1.005 * 1000 is 1004.9999999999999
});

test('a client may leave decimals out, or some of them', () => {
  expect(parseMajor('1500', 'PKR')).toBe(150_000n);
  expect(parseMajor('1500.5', 'PKR')).toBe(150_050n);
  expect(parseMajor('1500.00', 'PKR')).toBe(150_000n);
  expect(parseMajor('0.01', 'PKR')).toBe(1n);
  expect(parseMajor('1500', 'JPY')).toBe(1_500n);
  expect(parseMajor('1500', 'KWD')).toBe(1_500_000n);
});

test('a balance of zero, or a difference below zero, is shown as it is', () => {
  expect(formatMajor(0n, 'PKR')).toBe('0.00');
  expect(formatMajor(0n, 'JPY')).toBe('0');
  expect(formatMajor(-5n, 'PKR')).toBe('-0.05');
  expect(formatMajor(-150_000n, 'PKR')).toBe('-1500.00');
  expect(formatMajor(7n, 'KWD')).toBe('0.007');
});

describe('an amount that is not exactly what it looks like moves no money', () => {
  const notDecimals = [
    ['empty', ''], ['spaces around', ' 12 '], ['line end', '12\n'], ['plus sign', '+12'], ['minus sign', '-1'], ['minus zero', '-0'],
    ['exponent', '1e3'], ['hexadecimal', '0x10'], ['octal', '0o17'], ['binary', '0b1'], ['thousands separator', '1,500.00'],
    ['apostrophe', "1'500"], ['underscore', '1_500'], ['comma for a point', '12,50'], ['leading zero', '0150'], ['two leading zeros', '00.50'],
    ['no whole part', '.5'], ['no decimals after the point', '12.'], ['two points', '1.2.3'], ['bigint suffix', '12n'], ['word', 'NaN'],
    ['infinity', 'Infinity'], ['Arabic digits', '١٢'], ['full-width digits', '１２'], ['Devanagari digits', '१२'], ['superscript', '1²'],
    ['zero-width space', '1\u200b2'], ['no-break space', '\u00a012'], ['byte order mark', '\ufeff12'], ['right-to-left override', '\u202e12'],
    ['NUL', '12\u0000'], ['currency sign', '₨12'], ['currency word', '12 PKR'], ['trailing garbage', '12abc'], ['fraction', '1/2'], ['percent', '5%'],
  ] as const; // biome-ignore format: a list

  test.each(notDecimals)('%s', (_name, text) => {
    expect(codeOf(text)).toBe('invalid_amount');
    expect(parseMajor(text, 'PKR')).toBeUndefined();
  });

  test.each([
    ['zero', '0', 'PKR', 'amount_zero'],
    ['zero with decimals', '0.00', 'PKR', 'amount_zero'],
    ['a third decimal of rupees', '1500.005', 'PKR', 'too_many_decimals'],
    ['a third decimal that is zero', '1500.000', 'PKR', 'too_many_decimals'],
    ['decimals of yen', '1500.0', 'JPY', 'too_many_decimals'],
    ['a fourth decimal of dinars', '1.0005', 'KWD', 'too_many_decimals'],
    ['one more than the largest', '10000000000000.01', 'PKR', 'amount_too_large'],
    ['one more than the largest, yen', '1000000000000001', 'JPY', 'amount_too_large'],
    ['2^63', '9223372036854775808', 'JPY', 'amount_too_large'],
    ['a megabyte of digits', '9'.repeat(1_000_000), 'PKR', 'amount_too_large'],
    ['a megabyte of zeros', '0'.repeat(1_000_000), 'PKR', 'invalid_amount'],
    ['a megabyte of decimals', `1.${'0'.repeat(1_000_000)}`, 'PKR', 'too_many_decimals'],
  ])('%s', (_name, text, currency, code) => {
    expect(codeOf(text, currency)).toBe(code);
    expect(parseMajor(text, currency)).toBeUndefined();
  });

  test.each([
    ['nothing', undefined, 'missing'],
    ['null', null, 'missing'],
    ['a list of one', [5], 'invalid_type'],
    ['an object', { amount: 5 }, 'invalid_type'],
    ['true', true, 'invalid_type'],
    ['a bigint', 5n, 'invalid_type'],
  ])('%s', (_name, value, code) => {
    expect(codeOf(value)).toBe(code);
  });

  test('any text at all: it is refused, or is the one plain way to write what was read', () => {
    fc.assert(
      fc.property(
        anyCurrency,
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[-+0-9., e]{0,24}$/)),
        (currency, text) => {
          const minor = parseMajor(text, currency);
          if (minor === undefined) return;
          const decimals = decimalsOf(currency);
          const [whole, fraction = ''] = text.split('.');
          const plain = decimals === 0 ? whole : `${whole}.${fraction.padEnd(decimals, '0')}`;
          expect(plain).toBe(formatMajor(minor, currency));
          expect(minor > 0n && minor <= AMOUNT_MAX_MINOR).toBe(true);
        },
      ),
    );
  });
});

describe('a JSON number', () => {
  test.each([
    ['1500', 150_000n],
    ['1500.5', 150_050n],
    ['0.1', 10n],
    ['0.01', 1n],
    ['1500.10', 150_010n],
    ['9999999999999.99', 999_999_999_999_999n],
  ])('%s is taken exactly', (json, minor) => {
    expect(codeOf(new JsonNumber(json))).toBe(minor);
  });

  test.each([
    ['0', 'amount_zero'],
    ['-0', 'invalid_amount'],
    ['-1', 'invalid_amount'],
    ['150.000', 'too_many_decimals'],
    ['100.0499999999999999', 'invalid_amount'],
    ['1e3', 'invalid_amount'],
    ['1500.005', 'too_many_decimals'],
    ['0.30000000000000004', 'invalid_amount'],
    ['9007199254740993', 'invalid_amount'],
    ['1000000000000000', 'invalid_amount'],
    ['1e21', 'invalid_amount'],
    ['1e400', 'invalid_amount'],
    ['1e-7', 'invalid_amount'],
    ['100000000000000', 'amount_too_large'],
  ])('%s is refused rather than rounded', (json, code) => {
    expect(codeOf(new JsonNumber(json))).toBe(code);
  });

  test('whose text is lost is refused: nobody knows any more what was sent', () => {
    for (const float of [1500, 1500.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(codeOf(float)).toBe('invalid_type');
  });

  test('of at most 15 digits pays the same as its text, and a longer one is never paid as something else', () => {
    fc.assert(
      fc.property(anyCurrency, anyAmount, (currency, minor) => {
        const text = formatMajor(minor, currency);
        const parsed = parseAmount(new JsonNumber(text), currency);
        if (text.replace('.', '').replace(/^0+/, '').length <= 15) expect(parsed).toEqual({ ok: true, minor });
        else if (parsed.ok) expect(parsed.minor).toBe(minor);
      }),
    );
  });
});

test('a currency is known by its exact code: no lower case, no retired one, nothing that every object has', () => {
  for (const known of ['PKR', 'NGN', 'USD', 'JPY', 'KWD', 'BHD']) expect(isCurrency(known)).toBe(true);
  for (const unknown of [
    'pkr',
    'PKR ',
    '',
    'DEM',
    'HRK',
    'XXX',
    'toString',
    '__proto__',
    'constructor',
    null,
    undefined,
    5,
    ['PKR'],
  ]) {
    expect(isCurrency(unknown)).toBe(false);
  }
  expect(codeOf('1500', 'pkr')).toBe('unknown_currency');
  expect(parseMajor('1500', '__proto__')).toBeUndefined();
  expect(() => formatMajor(1n, 'toString')).toThrow(RangeError);
});

test('a currency has the decimals that ISO 4217 says, or a payout would be a hundred times too large', () => {
  expect(decimalsOf('JPY')).toBe(0);
  expect(decimalsOf('PKR')).toBe(2);
  expect(decimalsOf('KWD')).toBe(3);
  // What ICU knows, where it counts as ISO does: it shows these without the decimals that nobody uses in cash.
  const shownWithout = new Set(['PKR', 'IDR', 'IQD', 'LYD', 'TZS', 'RWF', 'UGX']);
  for (const [currency, decimals] of Object.entries(CURRENCIES)) {
    if (shownWithout.has(currency)) continue;
    const { maximumFractionDigits } = new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
    expect([currency, maximumFractionDigits]).toEqual([currency, decimals]);
  }
});

test('a share is rounded down, also below zero', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }),
      fc.bigInt({ min: 1n, max: 10n ** 6n }),
      (dividend, divisor) => {
        const quotient = divFloor(dividend, divisor);
        expect(quotient * divisor <= dividend && dividend < (quotient + 1n) * divisor).toBe(true);
      },
    ),
  );
  expect(divFloor(-7n, 2n)).toBe(-4n);
  expect(() => divFloor(1n, 0n)).toThrow(RangeError);
});

test('every refusal says in words what would be accepted', () => {
  const parsed = parseAmount('1,500', 'JPY');
  expect(parsed).toMatchObject({ ok: false, detail: expect.stringContaining('"1500"') });
  expect(parseAmount('99999999999999', 'PKR')).toMatchObject({ detail: 'The amount must be at most 10000000000000.00 PKR.' });
});

test('no float is ever made of an amount: the rules of money know no Number, no Math and no division but divFloor', () => {
  const sources = ['rules/money.ts', 'payouts/rules/fee.ts', 'payouts/rules/review.ts'].map((file) =>
    readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8'),
  );
  const code = sources.join('\n').replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'|`[^`]*`|\/\^.*?\$\/|\/\^0\+\//g, '');
  expect(code.match(/\bNumber\b|parseFloat|parseInt|\bMath\b|toFixed|toPrecision|\bIntl\b/g)).toBeNull();
  expect(code.match(/^.*\s\/\s.*$/gm)?.map((line) => line.trim())).toEqual(['const quotient = dividend / divisor;']);
});
