import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { last4, maskAccount, parseDestination } from '../../src/rules/destination.ts';
import { BANKS, DIRECTORY, WALLETS } from '../../src/rules/directory.ts';

const bank = { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', accountTitle: 'Ayesha Khan' };
const wallet = { type: 'wallet', walletCode: 'EASYPAISA', accountNumber: '03001230001' };
/** The sample of the IBAN registry. */
const IBAN = 'PK36SCBL0000001123456702';

const parse = (input: unknown, currency: string | null = 'PKR') => parseDestination(input, currency, DIRECTORY);
const faultsOf = (input: unknown, currency: string | null = 'PKR') => {
  const parsed = parse(input, currency);
  return parsed.ok ? 'accepted' : [parsed.status, ...parsed.errors.map(({ pointer, code }) => `${pointer} ${code}`)];
};
/** An IBAN with the right check digits, counted by hand: 98 minus the rest of the number with PK00 moved to the end. */
function ibanOf(ibanCode: string, account: string): string {
  const digits = [...`${ibanCode}${account}PK00`].map((each) => Number.parseInt(each, 36)).join('');
  return `PK${String(98n - (BigInt(digits) % 97n)).padStart(2, '0')}${ibanCode}${account}`;
}

describe('what is accepted', () => {
  test('a bank account, as it was sent', () => {
    expect(parse(bank)).toEqual({
      ok: true,
      country: 'PK',
      currency: 'PKR',
      destination: { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900001', iban: null, accountTitle: 'Ayesha Khan' },
    });
  });

  test('an account number with leading zeros, which are part of it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...BANKS.filter(({ country }) => country === 'PK')),
        fc.stringMatching(/^[0-9]{10,16}$/),
        ({ code }, accountNumber) => {
          expect(parse({ ...bank, bankCode: code, accountNumber })).toMatchObject({
            ok: true,
            destination: { bankCode: code, accountNumber },
          });
        },
      ),
    );
  });

  test('a wallet, by its mobile number', () => {
    for (const { code } of WALLETS) {
      expect(parse({ ...wallet, walletCode: code })).toMatchObject({
        ok: true,
        destination: { type: 'wallet', walletCode: code, accountNumber: '03001230001', accountTitle: null },
      });
    }
  });

  test('a Nigerian account', () => {
    expect(parse({ type: 'bank', bankCode: '044', accountNumber: '0690000031' }, 'NGN')).toMatchObject({
      ok: true,
      country: 'NG',
      destination: { bankCode: '044', accountNumber: '0690000031' },
    });
  });

  test('a Nigerian bank whose code has five or six digits, and none that nobody has', () => {
    for (const bankCode of ['50211', '999992']) {
      const given = parse({ type: 'bank', bankCode, accountNumber: '0690000031' }, 'NGN');
      expect(given).toMatchObject({ ok: true, country: 'NG', destination: { bankCode } });
    }
    for (const bankCode of ['50212', '999', '0050211'])
      expect(parse({ type: 'bank', bankCode, accountNumber: '0690000031' }, 'NGN').ok).toBe(false);
  });

  test('an IBAN, which names the bank and the account', () => {
    expect(parse({ type: 'bank', iban: IBAN })).toMatchObject({
      ok: true,
      destination: { type: 'bank', bankCode: 'SCB', accountNumber: '0000001123456702', iban: IBAN, accountTitle: null },
    });
    expect(parse({ type: 'bank', iban: 'pk36 SCBL 0000 0011 2345 6702' })).toEqual(parse({ type: 'bank', iban: IBAN }));
    expect(parse({ type: 'bank', iban: IBAN, bankCode: 'SCB', accountNumber: '1123456702' })).toEqual(
      parse({ type: 'bank', iban: IBAN }),
    );
  });

  test('the IBAN of any account at any bank of the directory', () => {
    const pakistani = BANKS.filter(({ ibanCode }) => ibanCode !== null);
    fc.assert(
      fc.property(fc.constantFrom(...pakistani), fc.stringMatching(/^[0-9]{16}$/), ({ code, ibanCode }, accountNumber) => {
        expect(parse({ type: 'bank', iban: ibanOf(ibanCode ?? '', accountNumber) })).toMatchObject({
          ok: true,
          destination: { bankCode: code, accountNumber },
        });
      }),
    );
  });

  test('a null for what may be left out', () => {
    expect(parse({ ...bank, iban: null, accountTitle: null })).toMatchObject({
      ok: true,
      destination: { iban: null, accountTitle: null },
    });
  });

  test('any currency where no money moves', () => {
    expect(parse(bank, null)).toMatchObject({ ok: true, currency: 'PKR' });
  });
});

describe('what would pay the wrong person is refused', () => {
  test('an IBAN with any digit wrong, or two neighbours swapped', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9]{16}$/),
        fc.integer({ min: 8, max: 23 }),
        fc.integer({ min: 1, max: 9 }),
        (account, at, shift) => {
          const iban = ibanOf('HABB', account);
          const wrong = (Number.parseInt(iban.charAt(at), 10) + shift) % 10;
          expect(faultsOf({ type: 'bank', iban: iban.slice(0, at) + wrong + iban.slice(at + 1) })).toEqual([
            400,
            '/destination/iban invalid_iban',
          ]);
          const swapped = iban.slice(0, 22) + iban.charAt(23) + iban.charAt(22);
          if (swapped !== iban)
            expect(faultsOf({ type: 'bank', iban: swapped })).toEqual([400, '/destination/iban invalid_iban']);
        },
      ),
    );
  });

  test('an IBAN of another bank or another account than the one named beside it', () => {
    expect(faultsOf({ type: 'bank', iban: IBAN, bankCode: 'HBL' })).toEqual([422, '/destination/bankCode iban_bank_mismatch']);
    expect(faultsOf({ type: 'bank', iban: IBAN, accountNumber: '1123456703' })).toEqual([
      422,
      '/destination/accountNumber iban_account_mismatch',
    ]);
  });

  test.each([
    ['too short', '123456789'],
    ['too long', '12345678901234567'],
    ['empty', ''],
    ['with a space', '1234567890 '],
    ['with a line end', '1234567890\n'],
    ['with a sign', '-1234567890'],
    ['with letters', '12345678AB'],
    ['of Arabic digits', '١٢٣٤٥٦٧٨٩٠'],
    ['with a NUL', '1234567890\u0000'],
  ])('an account number %s', (_name, accountNumber) => {
    expect(faultsOf({ ...bank, accountNumber })).toEqual([400, '/destination/accountNumber invalid_account_number']);
  });

  test('an account number sent as a JSON number, which has lost its leading zeros', () => {
    expect(faultsOf({ ...bank, accountNumber: 12345678900001 })).toEqual([400, '/destination/accountNumber invalid_type']);
  });

  test('a wallet number that is no mobile number here', () => {
    for (const accountNumber of ['0300123000', '030012300011', '04001230001', '+923001230001', '00923001230001']) {
      expect(faultsOf({ ...wallet, accountNumber })).toEqual([400, '/destination/accountNumber invalid_account_number']);
    }
  });

  test('a Nigerian account number that is no NUBAN', () => {
    expect(faultsOf({ type: 'bank', bankCode: '044', accountNumber: '069000003' }, 'NGN')).toEqual([
      400,
      '/destination/accountNumber invalid_account_number',
    ]);
    expect(faultsOf({ type: 'bank', bankCode: '044', accountNumber: '06900000311' }, 'NGN')).toEqual([
      400,
      '/destination/accountNumber invalid_account_number',
    ]);
  });

  test('a currency that the bank or the wallet does not take', () => {
    expect(faultsOf(bank, 'NGN')).toEqual([422, '/currency currency_mismatch']);
    expect(faultsOf(wallet, 'USD')).toEqual([422, '/currency currency_mismatch']);
    expect(faultsOf({ type: 'bank', iban: IBAN }, 'USD')).toEqual([422, '/currency currency_mismatch']);
  });

  test('a bank or a wallet that is not in the directory, or not spelled so', () => {
    for (const bankCode of ['XYZ', 'hbl', 'HBL ', '', 'EASYPAISA', '__proto__', 'HABB'])
      expect(faultsOf({ ...bank, bankCode })).toEqual([400, '/destination/bankCode unknown_bank']);
    expect(faultsOf({ ...wallet, walletCode: 'HBL' })).toEqual([400, '/destination/walletCode unknown_wallet']);
    expect(faultsOf({ type: 'bank', iban: ibanOf('ZZZZ', '0000001123456702') })).toEqual([400, '/destination/iban unknown_bank']);
  });

  test('an IBAN of a country we do not pay to, or none at all', () => {
    expect(faultsOf({ type: 'bank', iban: 'DE89370400440532013000' })).toEqual([
      422,
      '/destination/iban iban_country_not_supported',
    ]);
    for (const iban of [
      '',
      'PK',
      'X'.repeat(100_000),
      'PK36-SCBL-0000-0011-2345-6702',
      `${IBAN}\u0000`,
      'ＰＫ36SCBL0000001123456702',
    ]) {
      expect(faultsOf({ type: 'bank', iban })).toEqual([400, '/destination/iban invalid_iban']);
    }
    expect(faultsOf({ type: 'bank', iban: 5 })).toEqual([400, '/destination/iban invalid_type']);
  });
});

describe('what is not understood is refused with the name of the field, all at once', () => {
  test('a destination that is none', () => {
    for (const input of [undefined, null]) expect(faultsOf(input)).toEqual([400, '/destination missing']);
    for (const input of ['HBL', 5, [], [bank]]) expect(faultsOf(input)).toEqual([400, '/destination invalid_type']);
    expect(faultsOf({})).toEqual([400, '/destination/type missing']);
    for (const type of ['card', 'BANK', 5, {}])
      expect(faultsOf({ ...bank, type })).toEqual([400, '/destination/type unknown_type']);
  });

  test('several faults', () => {
    expect(faultsOf({ type: 'bank' })).toEqual([400, '/destination/bankCode missing', '/destination/accountNumber missing']);
    expect(faultsOf({ type: 'wallet', walletCode: 5, accountTitle: 'x\u0000' })).toEqual([
      400,
      '/destination/accountTitle control_character',
      '/destination/walletCode invalid_type',
      '/destination/accountNumber missing',
    ]);
  });

  test('a field that does not belong there', () => {
    expect(faultsOf({ ...bank, walletCode: 'EASYPAISA' })).toEqual([400, '/destination/walletCode unknown_field']);
    expect(faultsOf({ ...wallet, iban: IBAN })).toEqual([400, '/destination/iban unknown_field']);
    expect(faultsOf({ ...bank, 'a/b~c': 1 })).toEqual([400, '/destination/a~1b~0c unknown_field']);
    expect(faultsOf(JSON.parse('{"type":"bank","bankCode":"HBL","accountNumber":"1234567890","__proto__":{"x":1}}'))).toEqual([
      400,
      '/destination/__proto__ unknown_field',
    ]);
  });

  test('a field wrong in itself beside a broken rule is told as the former', () => {
    expect(faultsOf({ type: 'bank', iban: IBAN, bankCode: 'HBL', accountTitle: '' })).toEqual([
      400,
      '/destination/accountTitle too_short',
      '/destination/bankCode iban_bank_mismatch',
    ]);
  });

  test('where it stands in the request, for a request that has no `destination`', () => {
    expect(parseDestination({ type: 'bank', bankCode: 'XYZ', accountNumber: '1' }, null, DIRECTORY, '')).toMatchObject({
      errors: [{ pointer: '/bankCode', code: 'unknown_bank' }],
    });
  });

  test('whatever is sent, it is answered and never throws', () => {
    const anyValue = fc.oneof(
      fc.constantFrom('bank', 'wallet', 'HBL', 'EASYPAISA', IBAN, '03001230001', '1234567890'),
      fc.jsonValue(),
      fc.string({ unit: 'binary' }),
    );
    const anyInput = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('type', 'bankCode', 'walletCode', 'accountNumber', 'iban', 'accountTitle', 'x'), anyValue),
    );
    fc.assert(
      fc.property(anyInput, (input) => {
        const parsed = parse(input);
        if (!parsed.ok) expect(parsed.errors.length).toBeGreaterThan(0);
        else expect(parsed.destination.accountNumber).toMatch(/^[0-9]{10,16}$/);
      }),
    );
  });
});

test('an account title is kept in one spelling, and no longer than a bank prints it', () => {
  expect(parse({ ...bank, accountTitle: 'Jose\u0301' })).toMatchObject({ destination: { accountTitle: 'Jos\u00e9' } });
  expect(parse({ ...bank, accountTitle: 'x'.repeat(100) })).toMatchObject({ ok: true });
  expect(faultsOf({ ...bank, accountTitle: 'x'.repeat(101) })).toEqual([400, '/destination/accountTitle too_long']);
});

test('of an account number no more than the last four digits is shown', () => {
  expect(last4('12345678900001')).toBe('0001');
  expect(maskAccount('12345678900001')).toBe('••0001');
});
