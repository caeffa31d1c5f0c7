/** Withdrawals in the console, in a real browser: what an operator decides by, and what each side sees. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { screenshot } from '../../harness/screenshots.ts';
import { openBrowser } from '../support/browser.ts';
import { NARROW, type Seat, type SeatOptions, takeSeat } from '../support/consoleSeat.ts';
import { newUtr } from '../support/instant.ts';
import { type InstantDoor, openInstantDoor } from '../support/instantDoor.ts';

let w: InstantDoor;
let browser: Browser;
let url: string;
beforeAll(async () => {
  [w, browser] = await Promise.all([openInstantDoor(), openBrowser()]);
  url = await w.door.app.listen({ host: '127.0.0.1', port: 0 });
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await w?.stop();
});

const seatOf = (key: string, options: SeatOptions = {}): Promise<Seat> => takeSeat(browser, url, key, options);

interface Doubt {
  readonly id: string;
  readonly batch: string;
  readonly payinId: string;
  readonly utr: string;
}

/** A slice whose proof has a screenshot that was shown before, under another UTR. */
async function inDoubt(amount: string): Promise<Doubt> {
  const image = await screenshot(36); // large enough for a picture
  const [before, now] = [await w.open([amount]), await w.open([amount])];
  const [first = ''] = before.batches;
  const [batch = ''] = now.batches;
  const utr = newUtr();
  await w.claim(first);
  await w.prove(first, { image });
  const { payinId } = await w.claim(batch);
  const { body } = await w.prove(batch, { image, utr });
  expect(body.batch).toMatchObject({ status: 'proof_submitted', review: { reasons: ['same_image'] } });
  return { id: now.id, batch, payinId, utr };
}

const imageIn = (page: Page) => page.getByRole('img', { name: 'Screenshot of payer 1' });
const ACTS =
  /^(Approve|Reject|It was paid|It was not paid|Take it from|Give out no more|Credit the payer|The payee gave|It was never)/;

test('an operator finds a proof in doubt, sees its image beside the UTR, the amount and the bank’s word, approves it, and sees the slice complete', async () => {
  const { id, utr } = await inDoubt('540');
  const { page, faults, go, leave, picture } = await seatOf(w.keys.operator);
  await go('/review');
  await page.getByRole('link', { name: 'proofs of withdrawals' }).click();
  const row = page.getByRole('row').filter({ hasText: utr });
  await row.getByText('same image').waitFor();
  await row.getByRole('link').click();
  await page.getByRole('heading', { name: `Withdrawal ${id}` }).waitFor();
  const payer = page.getByRole('article');
  await payer.getByText(`${utr} (upi)`).waitFor();
  await payer.getByText('INR 540.00').waitFor();
  await payer.getByText('nothing', { exact: true }).waitFor(); // what the bank says
  await imageIn(page).waitFor();
  const shown = await imageIn(page).evaluate((image) => {
    const { naturalWidth, src } = image as unknown as { naturalWidth: number; src: string };
    return { isThere: naturalWidth > 0, src: src.slice(0, 23) };
  });
  expect(shown).toEqual({ isThere: true, src: 'data:image/jpeg;base64,' });
  await picture('proof', page.getByRole('button', { name: 'Approve' }));

  await page.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(`under the UTR ${utr}`).waitFor();
  await dialog.getByLabel('Note').fill('The payee has it');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.getByText('It is paid: an operator has decided so').waitFor();
  await page.getByText('INR 540.00, with the payer').waitFor();
  expect(await page.getByRole('button', { name: ACTS }).count()).toBe(0);
  expect((await w.look(`/${id}`)).body).toMatchObject({
    status: 'completed',
    batches: [{ status: 'admin_approved', money: 'credited' }],
  });

  // Back to before it was decided: what was known then, and nothing to press.
  await page.locator('input[type=range][max="4"]').waitFor(); // it knows of all four changes
  await page.getByRole('slider').focus();
  for (let step = 0; step < 2; step += 1) await page.keyboard.press('ArrowLeft');
  await page.getByText('A proof was shown, and a person is to look at it').waitFor();
  expect(await page.getByRole('button', { name: ACTS }).count()).toBe(0);
  expect(faults).toEqual([]);
  await leave();
});

test('who paid late is decided of with a reason, by their own image; a dispute too', async () => {
  const { id, batches } = await w.open(['550']);
  const [batch = ''] = batches;
  const { payinId: late } = await w.claim(batch);
  await w.act(`/batches/${batch}/reassign`, {});
  await w.claim(batch);
  await w.prove(batch);
  await w.prove(batch, { payinId: late });
  const { page, faults, go, leave } = await seatOf(w.keys.operator);
  await go(`/search?q=${late}`);
  await page.getByRole('row').getByRole('link').click();
  const first = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'Payer 1' }) });
  await imageIn(page).waitFor();
  await first.getByRole('button', { name: 'It was never paid' }).click();
  await page.getByLabel('Why', { exact: true }).fill('Its bank knows nothing of it');
  await page.getByRole('dialog').getByRole('button', { name: 'It was never paid' }).click();
  await first.getByText('Its bank knows nothing of it').waitFor();
  await w.door.call('POST', `/api/v1/instant-payouts/batches/${batch}/reject`, { key: w.ours.key, body: { reason: 'not here' } });
  await page.getByRole('button', { name: 'It was not paid' }).click();
  await page.getByLabel('Why', { exact: true }).fill('No statement shows it');
  await page.getByRole('dialog').getByRole('button', { name: 'It was not paid' }).click();
  await page.getByText('It was not paid: an operator has decided so').waitFor();
  expect((await w.look(`/${id}`)).body.batches[0]).toMatchObject({
    status: 'rejected',
    dispute: { decision: 'reject', note: 'No statement shows it' },
    turns: [{ lateCase: { decision: 'reject', note: 'Its bank knows nothing of it' } }, { payin: { status: 'reversed' } }],
  });
  expect(faults).toEqual([]);
  await leave();
});

test('an image that was deleted, and one whose store is away, is said in words; a viewer sees all of it and nothing to press', async () => {
  const { id, batch } = await inDoubt('560');
  const { page, faults, go, leave } = await seatOf(w.keys.viewer);
  let isAway = true;
  await page.route('**/proof?*', async (route) => {
    const problem = { code: 'store_away', detail: 'The store of screenshots does not answer.', status: 503 };
    if (isAway) await route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(problem) });
    else await route.continue();
  });
  await go(`/withdrawals/${id}`);
  const alert = page.getByRole('article').getByRole('alert');
  await alert.getByText('The store of screenshots does not answer. It comes back by itself').waitFor();
  isAway = false;
  await alert.getByRole('button', { name: 'Try again' }).click();
  await imageIn(page).waitFor();
  await page.getByText('A proof was shown, and a person is to look at it').waitFor();
  expect(await page.getByRole('button', { name: ACTS }).count()).toBe(0);
  await w.door.db.owner.query('UPDATE instant_proofs SET image_deleted_at = now() WHERE batch_id = $1', [batch]);
  await go(`/withdrawals/${id}`);
  await page.getByText('This image was deleted; its hash is kept.').waitFor();
  expect(faults).toEqual([]);
  await leave();
});

test('a payee’s merchant sees the withdrawal and says that it was received; a payer’s sees the deposit, each only its own', async () => {
  const { id, batches, reference } = await w.open(['570']);
  const [batch = ''] = batches;
  const { payinId } = await w.claim(batch);
  await w.prove(batch);
  const [payee, payer] = [await seatOf(w.ours.key), await seatOf(w.theirs.key)];
  await payee.go('/withdrawals?status=partially_paid');
  await payee.page.getByRole('link', { name: reference }).click();
  await payee.page.getByRole('button', { name: 'Show the screenshot of slice 1' }).click();
  await payee.page.getByRole('img', { name: 'Screenshot of slice 1' }).waitFor();
  await payee.page.getByRole('button', { name: 'It was received' }).click();
  await payee.page.getByRole('dialog').getByRole('button', { name: 'It was received' }).click();
  await payee.page.getByRole('status').getByText('completed').waitFor();

  await payer.go(`/deposits/${payinId}`);
  await payer.page.getByRole('status').getByText('success').waitFor();
  await payer.page.getByRole('button', { name: 'Show the screenshot of this deposit' }).click();
  await payer.page.getByRole('img', { name: 'Screenshot of this deposit' }).waitFor();
  await payer.go(`/withdrawals/${id}`);
  await payer.page.getByRole('alert').waitFor();
  for (const { faults, leave } of [payee, payer]) {
    expect(faults).toEqual([]);
    await leave();
  }
});

test('markup in a reference, a dispute or a note is text on every screen that shows it, for either side', async () => {
  const RUNS = `"'><img src=x onerror="globalThis.ran=1"><svg onload=globalThis.ran=1>`;
  const reference = `<b onclick=globalThis.ran=1>${process.pid}`;
  const { id, batches } = await w.open(['590'], { reference });
  const [batch = ''] = batches;
  await w.claim(batch);
  await w.prove(batch);
  await w.door.call('POST', `/api/v1/instant-payouts/batches/${batch}/reject`, { key: w.ours.key, body: { reason: RUNS } });
  const [operator, merchant] = [await seatOf(w.keys.operator), await seatOf(w.ours.key)];
  const found = `/withdrawals?${new URLSearchParams({ reference })}`;
  for (const [{ page, go }, path, text] of [
    [operator, '/proofs', RUNS],
    [operator, found, reference],
    [operator, `/search?${new URLSearchParams({ q: reference })}`, reference],
    [operator, `/withdrawals/${id}`, RUNS],
    [merchant, '/withdrawals', reference],
    [merchant, `/withdrawals/${id}`, reference],
  ] as const) {
    await go(path);
    await page.getByText(text).first().waitFor();
  }
  await w.act(`/disputes/${batch}`, { decision: 'reject', note: `${RUNS} indeed` });
  await operator.page.getByText(`${RUNS} indeed`).first().waitFor();
  for (const { page, faults, leave } of [operator, merchant]) {
    expect(await page.evaluate("'ran' in globalThis")).toBe(false);
    expect(faults).toEqual([]);
    await leave();
  }
});

test('whoever cannot see or has a small screen meets no barrier on any of these screens', async () => {
  const { id, payinId } = await inDoubt('580');
  const screens: readonly (readonly [key: string, paths: readonly string[]])[] = [
    [w.keys.operator, ['/withdrawals', `/withdrawals/${id}`, '/proofs', '/review', `/search?q=${newUtr()}`]],
    [w.ours.key, ['/withdrawals', `/withdrawals/${id}`]],
    [w.theirs.key, ['/deposits', `/deposits/${payinId}`]],
  ];
  for (const [key, paths] of screens) {
    const { barriers, overhang, faults, go, leave } = await seatOf(key, { viewport: NARROW });
    for (const path of paths) {
      await go(path);
      expect([path, await barriers(), await overhang(), faults]).toEqual([path, [], [], []]);
    }
    await leave();
  }
});
