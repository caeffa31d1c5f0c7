/** Hosted pages in a real browser, on a whole installation: a payee and a payer who meet only there. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import decodeQR from 'qr/decode.js';
import sharp from 'sharp';
import { type Installation, installation } from '../../harness/installation.ts';
import { formOf, screenshot } from '../../harness/screenshots.ts';
import { openBrowser } from '../support/browser.ts';
import { NARROW, type Seat, type SeatOptions, sitDown, takeSeat } from '../support/consoleSeat.ts';
import { newUtr } from '../support/instant.ts';
import { lineTo } from '../support/line.ts';
import { admin } from '../support/payouts.ts';

/** A name, a reference and a reason, as somebody would write them who means harm; in pictures for people, as anybody would. */
const IS_FOR_PICTURES = process.env['CONSOLE_PICTURES'] !== undefined;
const NAME = IS_FOR_PICTURES ? 'Karachi Traders' : `<img src=x onerror="globalThis.ran=1"><script>globalThis.ran=1</script>`;
const REFERENCE = IS_FOR_PICTURES ? 'W-100' : '<svg onload=globalThis.ran=1>';

let here: Installation;
let browser: Browser;
/** The merchant's own site: what its users come back to, and a page with one of ours in a frame. */
let shop: Server;
let framed = '';
const shopAt = (host: string): string => `http://${host}:${(shop.address() as AddressInfo).port}`;

beforeAll(async () => {
  [here, browser] = await Promise.all([installation(), openBrowser()]);
  shop = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(request.url === '/frame' ? `<iframe title="page" src="${framed}"></iframe>` : '<h1>The shop</h1>');
  });
  await new Promise<void>((resolve) => shop.listen(0, () => resolve()));
  for (const { id, testKey } of here.credentials.merchants) {
    const body = { name: NAME, pageOrigins: [shopAt('127.0.0.1')] };
    const named = await here.call('PATCH', `/api/admin/merchants/${id}`, { key: admin(here, 'admin').key, body });
    expect([named.status, named.text]).toEqual([200, expect.stringContaining('pageOrigins')]);
    await post('/test/balance/fund', { amount: '900000.00', currency: 'INR' }, testKey);
  }
});
afterAll(async () => {
  await browser?.close();
  shop?.close();
  await here?.remove();
});

const keyOf = (at: number): string => here.credentials.merchants[at]?.testKey ?? '';

interface Made {
  readonly id: string;
  readonly url: string;
  readonly payinId: string;
  readonly batches: readonly { readonly id: string }[];
}

async function post(path: string, body: unknown, key = keyOf(0)): Promise<Made> {
  const answer = await here.call<Made & Record<string, unknown>>('POST', `/api/v1${path}`, { key, body });
  if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`);
  return answer.body;
}

let count = 0;
async function user(purse?: string, key = keyOf(0)): Promise<string> {
  count += 1;
  const { id } = await post('/users', { externalId: `user-${process.pid}-${count}` }, key);
  if (purse)
    await post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: `purse-${process.pid}-${count}` }, key);
  return id;
}

const linkFor = async (userId: string, page: object, key = keyOf(0)): Promise<string> =>
  (await post(`/users/${userId}/page-tokens`, { page, returnUrl: `${shopAt('127.0.0.1')}/wallet` }, key)).url;

interface Withdrawing {
  readonly id: string;
  readonly batches: readonly string[];
  readonly link: string;
}

async function withdrawal(
  amounts: readonly string[],
  payee: object = { type: 'upi', upiId: 'asha.k@okhdfc' },
): Promise<Withdrawing> {
  const amount = String(amounts.reduce((sum, each) => sum + Number(each), 0));
  const userId = await user(amount);
  const order = { userId, amount, currency: 'INR', reference: `${REFERENCE}${count}`, batches: amounts, payee };
  const { id, batches } = await post('/instant-payouts', order);
  return { id, batches: batches.map((each) => each.id), link: await linkFor(userId, { withdrawal: id }) };
}

/** Of the other merchant's payer, who is new. */
async function payer(batch: string | undefined): Promise<{ payinId: string; link: string }> {
  const userId = await user(undefined, keyOf(1));
  const reference = `${REFERENCE}${count}p`;
  const { payinId } = await post(`/instant-payouts/batches/${batch}/claim`, { userId, reference }, keyOf(1));
  return { payinId, link: await linkFor(userId, { payin: payinId }, keyOf(1)) };
}

/** As the payer's own app would, without a page. */
async function prove(batch: string | undefined, utr: string): Promise<void> {
  const { body, headers } = await formOf({ image: await screenshot(), utr });
  const path = `/api/v1/instant-payouts/batches/${batch}/screenshot`;
  const { status, text } = await here.call('POST', path, { key: keyOf(1), body, headers });
  expect([status, text]).toEqual([202, expect.any(String)]);
}

const seat = (options?: SeatOptions): Promise<Seat> => sitDown(browser, here.credentials.baseUrl, options);
const part = (page: Page, number: number) => page.getByRole('listitem', { name: `Part ${number}`, exact: true });

/** So that a page that was loaded again is known by it. */
const mark = (page: Page): Promise<unknown> => page.evaluate('globalThis.sameAsBefore = true');
const isTheSame = (page: Page): Promise<unknown> => page.evaluate('globalThis.sameAsBefore === true');

async function nothingRan({ page, faults, barriers, overhang }: Seat): Promise<void> {
  expect(faults).toEqual([]);
  expect(await page.evaluate("({ ran: 'ran' in globalThis, images: document.images.length, frames: frames.length })")).toEqual({
    ran: false,
    images: 0,
    frames: 0,
  });
  expect(await barriers()).toEqual([]);
  expect(await overhang()).toEqual([]);
}

test('a payer sees whom to pay and shows it; payee and operator see that live, the payee confirms all four slices, and both see their receipts', async () => {
  const { id, batches, link } = await withdrawal(['500', '600', '700', '800']);
  const [payee, tab] = [await seat({ viewport: NARROW }), await seat()];
  const operator = await takeSeat(browser, here.credentials.baseUrl, admin(here, 'operator').key);
  await operator.go(`/withdrawals/${id}`);
  const slice = operator.page.getByRole('row').filter({ hasText: 'Slice 1' });
  await payee.go(link);
  await payee.page.getByText('INR 2,600.00').first().waitFor();
  const paying = await payer(batches[0]);
  await part(payee.page, 1).getByRole('timer').waitFor(); // somebody has it, and until when
  await slice.getByText('assigned', { exact: true }).waitFor();
  for (const { page } of [payee, operator]) await mark(page);

  await tab.go(paying.link);
  await tab.page.getByRole('heading', { name: 'Pay this person' }).waitFor();
  await tab.page.getByText('INR 500.00').waitFor();
  await tab.page.getByText('asha.k@okhdfc', { exact: true }).waitFor();
  await tab.page
    .getByText(/left to pay/)
    .getByRole('timer')
    .waitFor();
  const asked = 'upi://pay?pa=asha.k@okhdfc&pn=asha.k@okhdfc&am=500.00&cu=INR';
  expect(await tab.page.getByRole('link', { name: 'open one' }).getAttribute('href')).toBe(asked);
  const { data, info } = await sharp(await tab.page.getByRole('img').screenshot())
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(decodeQR({ width: info.width, height: info.height, data: new Uint8Array(data) })).toBe(asked);
  await tab.picture('page-payer');
  await nothingRan(tab);

  const utr = newUtr();
  await mark(tab.page);
  const image = tab.page.getByLabel('Screenshot of the payment');
  await tab.page.getByLabel('UTR').fill('12');
  await image.setInputFiles({ name: `${NAME}.png`.replaceAll('/', ''), mimeType: 'image/png', buffer: await screenshot() });
  await tab.page.getByRole('button', { name: 'I have paid' }).click();
  await tab.page.getByText('12 digits (UPI, IMPS)').first().waitFor(); // what is wrong, where it is wrong
  await tab.page.getByLabel('UTR').fill(utr);
  await tab.page.getByRole('button', { name: 'I have paid' }).click();
  await tab.page.getByRole('heading', { name: 'You have paid, and have it' }).waitFor();
  await tab.page.getByText(/^RCP-/).waitFor();
  await tab.page.getByText(utr).waitFor();

  await part(payee.page, 1).getByText(utr).waitFor();
  await slice.getByText('sys confirmed', { exact: true }).waitFor();
  await payee.picture('page-payee');
  await part(payee.page, 1).getByRole('button', { name: 'I received it' }).click();
  const dialog = payee.page.getByRole('dialog');
  await dialog.getByText('This cannot be taken back').waitFor();
  await dialog.getByText(utr).waitFor();
  await payee.page.keyboard.press('Escape');
  expect(await part(payee.page, 1).getAttribute('data-state')).toBe('sys_confirmed');
  await part(payee.page, 1).getByRole('button', { name: 'I received it' }).click();
  await dialog.getByRole('button', { name: 'INR 500.00 has come' }).click();
  await part(payee.page, 1).getByText(': Received').waitFor();
  await slice.getByText('confirmed', { exact: true }).waitFor();
  expect(await payee.page.getByText(/^RCP-/).count()).toBe(0); // not yet

  const utrs = [utr];
  for (const [at, amount] of ['600', '700', '800'].entries()) {
    await payer(batches[at + 1]);
    utrs.push(newUtr());
    await prove(batches[at + 1], utrs.at(-1) ?? '');
    await part(payee.page, at + 2)
      .getByRole('button', { name: 'I received it' })
      .click();
    await dialog.getByRole('button', { name: `INR ${amount}.00 has come` }).click();
    await part(payee.page, at + 2)
      .getByText(': Received')
      .waitFor();
  }
  await payee.page.getByRole('heading', { name: 'Your withdrawal is complete' }).waitFor();
  await payee.page.getByText(/^RCP-/).waitFor();
  await payee.page.getByText(utrs.join(', ')).waitFor();
  await operator.page.getByText('completed', { exact: true }).first().waitFor();
  expect([await isTheSame(operator.page), operator.faults]).toEqual([true, []]);
  await operator.leave();
  await payee.picture('page-success');
  for (const each of [payee, tab]) {
    expect(await isTheSame(each.page)).toBe(true);
    await nothingRan(each);
    await each.page.getByRole('link', { name: /^Back to / }).click();
    await each.page.getByRole('heading', { name: 'The shop' }).waitFor();
    expect(each.page.url()).toBe(`${shopAt('127.0.0.1')}/wallet`);
    await each.leave();
  }
});

test('two tabs of a payee stay in step; one that was not connected says so, and catches up', async () => {
  const { batches, link } = await withdrawal(['500', '700']);
  await payer(batches[0]);
  await prove(batches[0], newUtr());
  const line = await lineTo(new URL(here.credentials.baseUrl));
  const byLine = link.replace(here.credentials.baseUrl, new URL(line.url).origin);
  const { page, go, leave } = await seat();
  await go(byLine);
  const other = await page.context().newPage();
  await other.goto(byLine);
  await part(other, 1).getByRole('button', { name: 'I did not' }).click();
  await other.getByLabel('What do you see in your account?').fill(NAME);
  await other.getByRole('dialog').getByRole('button', { name: 'It has not come' }).click();
  for (const each of [page, other]) await part(each, 1).getByText('You said that it has not come').waitFor();

  await line.cut();
  for (const each of [page, other]) await each.getByText('Not connected').waitFor();
  await payer(batches[1]);
  expect(await part(page, 2).getByText('Nobody pays it yet').count()).toBe(1);
  await line.restore();
  for (const each of [page, other]) {
    await part(each, 2).getByRole('timer').waitFor();
    await each.getByText('Not connected').waitFor({ state: 'hidden' });
  }
  await leave();
  await line.cut();
});

test('a payer who waits is told whom to pay once somebody is there, by when whatever the own clock says, and not to pay after that', async () => {
  const account = { type: 'bank', bankCode: 'HDFC0001234', accountNumber: '001234567890', accountTitle: 'Asha Kumari' };
  const userId = await user(undefined, keyOf(1));
  const order = { userId, amount: '517', currency: 'INR', reference: `waits-${process.pid}` };
  const payin = await post('/payins', order, keyOf(1));
  const { page, go, faults, leave } = await seat({ colorScheme: 'dark', viewport: NARROW });
  const wrong = Date.now() + 3 * 3_600_000;
  await page.clock.setFixedTime(wrong);
  await go(await linkFor(userId, { payin: payin.id }, keyOf(1)));
  await page.getByRole('heading', { name: 'Somebody to pay is looked for' }).waitFor();
  expect(await page.getByRole('button', { name: 'I have paid' }).count()).toBe(0);

  await withdrawal(['517'], account);
  await page.getByRole('heading', { name: 'Pay this person' }).waitFor();
  const shown = Object.values(account).slice(1);
  for (const each of shown) await page.getByText(each, { exact: true }).first().waitFor();
  expect(await page.getByRole('img').count()).toBe(0); // no code for apps that know no account
  expect(await page.getByRole('timer').textContent()).toMatch(/^1[0-5]:[0-5][0-9]$/);

  await page.clock.setFixedTime(wrong + 20 * 60_000); // nobody has told the page
  await page.getByText('Do not pay any more.').waitFor();
  for (const each of shown) expect(await page.getByText(each, { exact: true }).count()).toBe(0);
  await page.getByRole('button', { name: 'I have paid' }).waitFor(); // before, perhaps
  expect(faults).toEqual([]);
  await leave();
});

test('a payer whose slice was taken back may still show that it was paid', async () => {
  const { batches } = await withdrawal(['531']);
  const { page, go, leave } = await seat();
  await go((await payer(batches[0])).link);
  await page.getByRole('heading', { name: 'Pay this person' }).waitFor();
  await page.getByLabel('UTR').fill(newUtr());
  const path = `/api/admin/instant-payouts/batches/${batches[0]}/reassign`;
  const { status } = await here.call('POST', path, { key: admin(here, 'admin').key });
  expect(status).toBe(200);
  await page.getByText('Do not pay any more.').waitFor();
  const image = { name: 'proof.png', mimeType: 'image/png', buffer: await screenshot() };
  await page.getByLabel('Screenshot of the payment').setInputFiles(image); // what was typed before is still there
  await page.getByRole('button', { name: 'I have paid' }).click();
  await page.getByRole('heading', { name: /^Your proof is here$|^You have paid/ }).waitFor();
  await leave();
});

test('a link that opens nothing says so, and what to do; no token is left where others could read it', async () => {
  const { link } = await withdrawal(['500']);
  const { page, faults, go, leave } = await seat();
  await go(link);
  await page.getByRole('heading', { name: 'Your withdrawal' }).waitFor();
  expect(page.url()).not.toContain('ptk_');
  const kept = await page.evaluate(
    'JSON.stringify([{ ...localStorage }, document.cookie, location.href, history.state, document.title])',
  );
  expect(kept).not.toMatch(/ptk_/);
  await page.reload();
  await page.getByRole('heading', { name: 'Your withdrawal' }).waitFor(); // its tab has it

  const over = page.getByText('Go back to where you came from');
  const [place = '', token = ''] = link.split('#');
  for (const wrong of [`${place}#${token.slice(0, -2)}AA`, `${place.replace('withdrawal', 'payin')}#${token}`]) {
    await page.goto('about:blank');
    await page.goto(wrong);
    await over.waitFor();
  }
  const stranger = await seat();
  await stranger.page.goto(place);
  await stranger.page.getByText('Go back to where you came from').waitFor();
  await stranger.leave();
  expect(faults).toEqual([]);
  await leave();
});

test('a page is shown in a frame of a site that its merchant has named, and of no other', async () => {
  const { link } = await withdrawal(['500']);
  framed = link;
  const { page, leave } = await seat();
  const title = page.frameLocator('iframe').getByRole('heading', { name: 'Your withdrawal' });
  await page.goto(`${shopAt('127.0.0.1')}/frame`);
  await title.waitFor();
  const blocked = page.waitForEvent('console', { predicate: (each) => /frame-ancestors/.test(each.text()) });
  await page.goto(`${shopAt('localhost')}/frame`);
  await blocked;
  expect(await title.count()).toBe(0);
  await leave();
});
