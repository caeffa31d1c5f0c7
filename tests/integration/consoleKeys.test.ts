/** A merchant's keys in the console, in a real browser. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { openBrowser } from '../support/browser.ts';
import { takeSeat } from '../support/consoleSeat.ts';
import { type Door, openDoor } from '../support/door.ts';

let door: Door;
let browser: Browser;
beforeAll(async () => {
  [door, browser] = await Promise.all([openDoor(), openBrowser()]);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await door?.stop();
});

test('a merchant makes a key that may read balances alone, sees it once, and revokes it', async () => {
  const merchant = await door.merchant();
  const url = await door.app.listen({ host: '127.0.0.1', port: 0 });
  const { page, faults, go, barriers, leave } = await takeSeat(browser, url, merchant.key);
  const balance = async (key: string) => (await door.call('GET', '/api/v1/balance', { key })).status;
  await go('/keys');
  await page.getByText('signed in with').waitFor();
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByLabel('balance:read').check();
  expect(await barriers()).toEqual([]);
  await page.getByRole('button', { name: 'Make it' }).click();
  const key = (await page.locator('.secret').textContent()) ?? '';
  await page.getByRole('button', { name: 'I have it' }).click();
  expect(await balance(key)).toBe(200);
  expect((await door.call('GET', '/api/v1/payouts', { key })).status).toBe(403);
  expect(await page.content()).not.toContain(key);
  const row = page.getByRole('row').filter({ hasText: 'balance:read' });
  await row.getByRole('button', { name: /^Revoke/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await row.getByText('revoked').waitFor();
  expect(await balance(key)).toBe(401);
  expect([await barriers(), faults]).toEqual([[], []]);
  await leave();
});
