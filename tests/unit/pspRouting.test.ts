/** Which PSP is asked for the money: what the configuration says, and no other where there is none. */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../src/config.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { DEFAULT_ROUTES, readRoutes, routeOf } from '../../src/psp/routing.ts';

const least = { DATABASE_URL: 'postgresql://localhost/x', ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` };
const pspsWith = (env: Readonly<Record<string, string>>) => createPspRegistry(loadConfig({ ...least, ...env }).psps);
const naira = { kind: 'provider', currency: 'NGN', mode: 'test' } as const;
const rupees = { kind: 'merchant', currency: 'PKR', mode: 'test' } as const;

test('an installation that says nothing pays providers in naira by Flutterwave, and all others by the sandbox', async () => {
  const psps = pspsWith({});
  expect([psps.forPayout(naira)?.name, psps.forPayout(rupees)?.name]).toEqual(['flutterwave', 'sandbox']);
  const [, example = ''] = /^PSP_ROUTES=(.*)$/m.exec(readFileSync('.env.example', 'utf8')) ?? [];
  expect(readRoutes(example)).toEqual({ routes: DEFAULT_ROUTES });
  await psps.close();
});

test('an operator sends each currency, kind and mode where the configuration says, by the first line that fits', async () => {
  const psps = pspsWith({ PSP_ROUTES: 'merchant:PKR:test=flutterwave, *:PKR:*=sandbox ,*:*:test=flutterwave' });
  const name = (payout: Parameters<typeof psps.forPayout>[0]) => psps.forPayout(payout)?.name;
  expect(name(rupees)).toBe('flutterwave');
  expect(name({ ...rupees, kind: 'provider' })).toBe('sandbox');
  expect(name({ ...rupees, currency: 'KES' })).toBe('flutterwave');
  await psps.close();
});

test('money that no line is for, or whose PSP has no account, goes to nobody: never on to the next line', async () => {
  const psps = pspsWith({ PSP_ROUTES: 'provider:NGN:live=flutterwave,provider:*:*=sandbox' });
  expect(psps.forPayout({ ...naira, mode: 'live' })).toBeUndefined(); // no live account is configured
  expect(psps.forPayout({ ...naira, currency: 'KES', mode: 'live' })).toBeUndefined(); // the sandbox pays no real money
  expect(psps.forPayout(rupees)).toBeUndefined();
  expect(routeOf([], naira)).toBeUndefined();
  await psps.close();
});

test.each([
  '',
  'provider:NGN=flutterwave',
  'provider:NGN:*=',
  'someone:NGN:*=sandbox',
  'provider:naira:*=sandbox',
  'provider:NGN:prod=sandbox',
  'provider:NGN:*=sandbox=sandbox',
  'provider:NGN:*:*=sandbox',
])('a line that says nothing clear (%j) stops the start: it might send money elsewhere', (text) => {
  expect(readRoutes(text)).toEqual({ fault: expect.stringContaining(`not "${text}"`) });
});
