/** Guards: a customer's URL can never make us call into our own network. */
import { expect, test } from '@jest/globals';
import { checkWebhookUrl, mayConnect } from '../../src/net/address.ts';

const PUBLIC_ONLY = { allowLoopback: false };
const LOOPBACK_TOO = { allowLoopback: true };

test.each([
  'https://127.0.0.1/',
  'https://0/',
  'https://127.1/',
  'https://2130706433/',
  'https://0x7f.1/',
  'https://017700000001/',
  'https://0x7f000001./',
  'https://[::1]/',
  'https://[::ffff:127.0.0.1]/',
  'https://[::127.0.0.1]/',
  'https://[::]/',
  'https://localhost/',
  'https://localhost.:8443/',
  'https://169.254.169.254/latest/meta-data',
  'https://[fe80::1]/',
  'https://[fd00::1]/',
  'https://[fec0::1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://[2002:7f00:1::]/',
  'https://10.1.2.3/',
  'https://172.16.0.1/',
  'https://192.168.0.1/',
  'https://100.64.1.1/',
  'https://198.18.0.1/',
  'https://224.0.0.1/',
  'https://255.255.255.255/',
  'https://240.0.0.1/',
])('%s is refused as an address that is not public', async (url) => {
  expect(await checkWebhookUrl(url, PUBLIC_ONLY)).toMatchObject({ code: 'blocked_address' });
});

test.each([
  ['http://example.com/', 'scheme_not_allowed'],
  ['ftp://example.com/', 'scheme_not_allowed'],
  ['file:///etc/passwd', 'scheme_not_allowed'],
  ['https://user:secret@example.com/', 'userinfo_not_allowed'],
  ['https://user@example.com/', 'userinfo_not_allowed'],
  ['/hooks', 'invalid_url'],
  ['', 'invalid_url'],
  ['https://', 'invalid_url'],
  [`https://example.com/${'x'.repeat(2_048)}`, 'invalid_url'],
])('%s is refused as %s', async (url, code) => {
  expect(await checkWebhookUrl(url, PUBLIC_ONLY)).toMatchObject({ code });
});

test('a public address is taken, and so is a name that nobody knows yet', async () => {
  expect(await checkWebhookUrl('https://1.1.1.1/hooks?a=1', PUBLIC_ONLY)).toBeUndefined();
  expect(await checkWebhookUrl('https://[2606:4700::1111]/hooks', PUBLIC_ONLY)).toBeUndefined();
  expect(await checkWebhookUrl('https://no-such-name.invalid/hooks', PUBLIC_ONLY)).toBeUndefined();
});

test('where loopback is allowed plain http is too, and still nothing else that is private', async () => {
  for (const url of ['http://127.0.0.1:3000/', 'http://localhost:3000/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/']) {
    expect(await checkWebhookUrl(url, LOOPBACK_TOO)).toBeUndefined();
  }
  for (const url of ['http://0.0.0.0/', 'http://169.254.169.254/', 'http://10.0.0.1/', 'http://[fd00::1]/', 'http://[::]/']) {
    expect(await checkWebhookUrl(url, LOOPBACK_TOO)).toMatchObject({ code: 'blocked_address' });
  }
});

test('what is no address at all may not be connected to', () => {
  for (const text of ['', 'localhost', '1.2.3.4.5', '::1::']) expect(mayConnect(text, LOOPBACK_TOO)).toBe(false);
});
