/** Guards: whoever has a lawful address can be told, and no address smuggles anything into a mail. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { emailAddress } from '../../src/http/emailAddress.ts';

const read = (text: string) => emailAddress.safeParse(text).data;

test.each([
  ['ada@example.com', 'ada@example.com'],
  ['Ada.Lovelace+tag@Mail.Example.COM', 'Ada.Lovelace+tag@Mail.Example.COM'],
  ['info@xn--e1afmkfd.xn--p1ai', 'info@xn--e1afmkfd.xn--p1ai'],
  ['info@пример.рф', 'info@xn--e1afmkfd.xn--p1ai'],
  ['a/b=c@example.com', 'a/b=c@example.com'],
  ["o'brien!#$%&*?^_`{|}~@example.com", "o'brien!#$%&*?^_`{|}~@example.com"],
  ['ada@müller.example', 'ada@xn--mller-kva.example'],
  ['ada@mu\u0308ller.example', 'ada@xn--mller-kva.example'],
  ['ada@1-2.example', 'ada@1-2.example'],
])('%s is written to as %s', (text, address) => {
  expect(read(text)).toBe(address);
});

test.each([
  '', 'ada', 'ada@', '@example.com', 'ada@localhost', 'ada@127.0.0.1', 'ada@[127.0.0.1]', 'a@b@example.com', '.ada@example.com',
  'ada.@example.com', 'a..b@example.com', 'ada@-a.example', 'ada@a..example', 'ada@example.com.', ' ada@example.com', 'ada@example.com ',
  'ada@example.com\r\nBcc: all@example.com', 'ada\r\n@example.com', 'ada@exa\u0000mple.com', 'ada\u0000@example.com', '"a b"@example.com',
  'Ada <ada@example.com>', 'ada@example.com,bob@example.com', 'ada@xn--a.example', 'ada@exa%6dple.com', 'ada@exam\u00adple.com',
  'ada@example\u2028.com', 'ada@ex\ud800.com', `${'a'.repeat(65)}@example.com`, `a@${'a'.repeat(64)}.example`, `a@${'ü'.repeat(60)}.example`,
])('%j is refused', (text) => {
  expect(read(text)).toBeUndefined();
}); // biome-ignore format: a list

test('one that is too long is called so', () => {
  for (const text of [`${'a'.repeat(250)}@example.com`, `ada@${'müller.'.repeat(30)}example`])
    expect(emailAddress.safeParse(text).error?.issues).toMatchObject([{ params: { code: 'too_long' } }]);
});

test('what is taken is visible ASCII with one @, whatever came', () => {
  const part = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.stringMatching(/^[a-zé.-]{1,12}$/),
    fc.constant('example'),
  );
  fc.assert(
    fc.property(part, part, part, (local, domain, end) => {
      const address = read(`${local}@${domain}.${end}`);
      if (address !== undefined) expect(address).toMatch(/^[\x21-\x3F\x41-\x7E]+@[a-zA-Z0-9.-]+$/);
    }),
    { numRuns: 2_000 },
  );
});
