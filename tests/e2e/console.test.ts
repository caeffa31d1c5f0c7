/** The console in a real browser, on a whole installation: what people do in it, and that nothing a client sends runs in it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { type Installation, installation } from '../../harness/installation.ts';
import { openBrowser } from '../support/browser.ts';
import { NARROW, type Seat, type SeatOptions, takeSeat } from '../support/consoleSeat.ts';
import { admin, payoutTo, read, until } from '../support/payouts.ts';

let here: Installation;
let browser: Browser;
beforeAll(async () => {
  [here, browser] = await Promise.all([installation(), openBrowser()]);
  const funded = await here.call('POST', '/api/v1/test/balance/fund', { body: { amount: '9000000.00', currency: 'PKR' } });
  expect(funded.status).toBe(201);
});
afterAll(async () => {
  await browser?.close();
  await here?.remove();
});

const seatOf = (key: string, options: SeatOptions = {}): Promise<Seat> =>
  takeSeat(browser, here.credentials.baseUrl, key, options);
const merchantKey = (): string => here.credentials.merchants[0]?.testKey ?? '';
/** From this amount on an approver must look at it. */
const LARGE = { amount: '100000.00' };

/** Whether it was answered at once or, on a busy machine, with a promise. */
async function asked(
  suffix: string,
  change: Record<string, unknown> = {},
  key = merchantKey(),
): Promise<{ readonly id: string }> {
  const { status, body, text } = await here.call<{ id: string }>('POST', '/api/v1/payouts', {
    key,
    body: payoutTo(suffix, change),
  });
  if (status !== 201 && status !== 202) throw new Error(text);
  return body;
}

test('an approver clears a queue of ten by keyboard alone', async () => {
  const payouts: { readonly id: string }[] = [];
  for (let count = 0; count < 10; count += 1) payouts.push(await asked('0001', LARGE));
  for (const { id } of payouts) await until(here, id, 'IN_REVIEW');
  const { page, faults, go, leave, picture } = await seatOf(admin(here, 'approver').key);
  await go('/review');
  await page.getByText('10 wait').waitFor();
  await picture('review');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  for (let left = 10; left > 0; left -= 1) {
    await page.keyboard.press('a');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('PKR 100,000.00').waitFor(); // whose money it is stands there before it goes
    if (left === 10) await picture('approve');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    await page.getByText(left === 1 ? 'Nothing waits for a decision.' : `${left - 1} wait`, { exact: left === 1 }).waitFor();
  }
  for (const { id } of payouts) await until(here, id, 'SUCCESS');
  expect(faults).toEqual([]);
  await leave();
});

test('several go together, with their total and a reason; what somebody made themselves is not theirs to approve', async () => {
  const own = admin(here, 'admin');
  const merchant = here.credentials.merchants[0]?.id ?? '';
  const key = await here.call<{ key: string }>('POST', `/api/admin/merchants/${merchant}/api-keys`, {
    key: own.key,
    body: { mode: 'test' },
  });
  const made = await asked('0001', LARGE, key.body.key);
  const others = [await asked('0001', LARGE), await asked('0001', LARGE)];
  for (const { id } of [made, ...others]) await until(here, id, 'IN_REVIEW');
  const { page, go, leave } = await seatOf(own.key);
  await go('/review');
  const row = page.locator(`#row-${made.id}`);
  await row.getByText('You issued the key that made it: somebody else must decide.').waitFor();
  expect(await row.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true);
  expect(await row.getByRole('checkbox').isDisabled()).toBe(true);
  for (const { id } of others) await page.locator(`#row-${id}`).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Approve the 2 chosen' }).click();
  await page.getByRole('dialog').getByText('PKR 200,000.00').waitFor();
  await page.getByLabel('Why all of them').fill('The salaries of May');
  await page.getByRole('button', { name: 'Approve 2', exact: true }).click();
  await page.getByText('What came of it').waitFor();
  for (const { id } of others) expect((await until(here, id, 'SUCCESS')).review?.approvals).toHaveLength(1);
  expect((await read(here, made.id)).status).toBe('IN_REVIEW');
  await leave();
});

test('of two who decide at once one is too late: their page shows it without being asked, and a second decision is refused', async () => {
  const [payout, both] = [await asked('0001', LARGE), await asked('0001', LARGE)];
  for (const { id } of [payout, both]) await until(here, id, 'IN_REVIEW');
  const [one, two] = [await seatOf(admin(here, 'approver').key), await seatOf(admin(here, 'admin').key)];
  for (const { go } of [one, two]) await go('/review');
  const rowOf = ({ page }: Seat, id: string) => page.locator(`#row-${id}`);
  const dialogOf = ({ page }: Seat) => page.getByRole('dialog');
  const begin = async (seat: Seat, name: string): Promise<void> => {
    await rowOf(seat, both.id).getByRole('button', { name }).click();
    await dialogOf(seat).waitFor();
  };
  await rowOf(one, payout.id).getByRole('button', { name: 'Approve' }).click();
  await dialogOf(one).getByRole('button', { name: 'Approve' }).click();
  await rowOf(two, payout.id).waitFor({ state: 'detached' });

  await begin(one, 'Approve');
  await begin(two, 'Reject');
  await two.page.getByLabel('Why', { exact: true }).fill('I do not know the payee');
  await dialogOf(one).getByRole('button', { name: 'Approve' }).click();
  await dialogOf(one).waitFor({ state: 'hidden' });
  await until(here, both.id, 'SUCCESS');
  await dialogOf(two).getByRole('button', { name: 'Reject' }).click();
  await dialogOf(two).getByRole('alert').getByText('It has changed meanwhile').waitFor();
  for (const { leave } of [one, two]) await leave();
});

test('an operator finds out unaided why a payout waits, frees it, and sees how it stood before', async () => {
  const held = await asked('0001', LARGE);
  const atPsp = await asked('0004');
  await until(here, held.id, 'IN_REVIEW');
  await until(here, atPsp.id, 'PENDING');
  const { page, faults, go, leave, picture } = await seatOf(admin(here, 'operator').key);
  await go(`/payouts/${atPsp.id}`);
  await page.getByText('for the PSP sandbox').waitFor();

  await go(`/payouts/${held.id}`);
  const why = page.getByRole('region', { name: 'Why it stands as it does' });
  await why.getByText('An approver must decide before it is sent').waitFor();
  expect(await page.getByRole('button', { name: 'Approve' }).isDisabled()).toBe(true);
  await page.getByRole('button', { name: 'Hold' }).click();
  await page.getByLabel('Why', { exact: true }).fill('The payee is unknown to us');
  await page.getByRole('dialog').getByRole('button', { name: 'Hold' }).click();
  await why.getByText('The payee is unknown to us').waitFor();
  await picture('why');
  await page.getByRole('button', { name: 'Release' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
  await why.getByText('An approver must decide before it is sent').waitFor();

  await page.getByText('released', { exact: true }).waitFor(); // so that the slider knows of it
  // Back to when it was held, by keyboard: what was known then, and nothing to press.
  await page.getByRole('slider').focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await why.getByText('The payee is unknown to us').waitFor();
  expect(await page.getByRole('button', { name: 'Reject' }).count()).toBe(0);
  expect(new URL(page.url()).searchParams.get('at')).not.toBeNull();
  await picture('then');
  await page.getByRole('button', { name: 'Now' }).click();
  await why.getByText('An approver must decide before it is sent').waitFor();
  expect(faults).toEqual([]);
  await leave();
});

test('a PSP is paused and resumed while payouts flow: everybody sees it in red, nothing new is sent, and what waited goes on', async () => {
  const { page, faults, go, leave, picture } = await seatOf(admin(here, 'operator').key);
  await go('/pauses');
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  await page.getByLabel('Which').fill('sandbox');
  await page.getByLabel('Why', { exact: true }).fill('Its bank has maintenance');
  await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click();
  const notice = page.getByText('Paused: psp sandbox.');
  await notice.waitFor();
  const payout = await asked('0001');
  await go(`/payouts/${payout.id}`);
  await page.getByRole('region', { name: 'Why it stands as it does' }).waitFor();
  await picture('paused');
  expect((await read(here, payout.id)).status).toBe('PENDING');
  await go('/pauses');
  await page.getByRole('button', { name: 'Resume psp sandbox' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume', exact: true }).click();
  await notice.waitFor({ state: 'detached' });
  await until(here, payout.id, 'SUCCESS');
  expect(faults).toEqual([]);
  await leave();
});

test('a merchant makes a payout in the form, and sees it succeed without doing anything more', async () => {
  const { page, faults, go, leave, picture } = await seatOf(merchantKey());
  await go('/new');
  const reference = `CONSOLE-${process.pid}`;
  await page.getByLabel('Bank or wallet').selectOption('bank:HBL');
  await page.getByLabel('Account number or IBAN').fill('12345678900002'); // fails once, then it is paid
  await page.getByText('This account can be.').waitFor();
  await page.getByLabel('Amount in PKR').fill('1500.001');
  await page.getByText('decimals').first().waitFor(); // wrong as it is typed
  await page.getByLabel('Amount in PKR').fill('1500');
  await page.getByLabel('Your reference').fill(reference);
  await picture('new-payout');
  await page.getByRole('button', { name: 'Pay PKR 1,500' }).click();
  await page.getByRole('status').getByText('success').waitFor({ timeout: 90_000 });
  await page.getByText('succeeded').first().waitFor();
  await picture('payout-merchant');
  const found = await here.call<{ data: { status: string }[] }>('GET', `/api/v1/payouts?reference=${reference}`);
  expect(found.body.data).toMatchObject([{ status: 'SUCCESS' }]);
  expect(faults).toEqual([]);
  await leave();
});

test('a merchant has an endpoint made, sees its secret once, and rotates it', async () => {
  const { page, go, leave, picture } = await seatOf(merchantKey());
  await go('/endpoints');
  await page.getByRole('button', { name: 'New endpoint' }).click();
  await page.getByLabel('Address').fill('http://127.0.0.1:9/hook');
  await page.getByRole('button', { name: 'Make it' }).click();
  const first = await page.locator('.secret').textContent();
  expect(first).toMatch(/^whsec_/);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('link', { name: 'http://127.0.0.1:9/hook' }).click();
  await page.getByRole('button', { name: 'Rotate the secret' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate the secret' }).click();
  await page.getByText('The new secret').waitFor();
  expect(await page.locator('.secret').textContent()).not.toBe(first);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByText('The secret before signs too until').waitFor();
  expect(await page.content()).not.toContain(first);
  await picture('endpoint');
  await leave();
});

describe('nothing that a client sends runs', () => {
  const RUNS = `"'><img src=x onerror="globalThis.ran=1"><script>globalThis.ran=1</script><svg onload=globalThis.ran=1>`;
  const inText = { description: RUNS, metadata: { [RUNS.slice(0, 40)]: RUNS } };

  test('markup in every free field of a payout is text on every screen that shows it, for either side', async () => {
    const reference = `<b onclick=globalThis.ran=1>${process.pid}`;
    const destination = {
      type: 'bank',
      bankCode: 'HBL',
      accountNumber: '12345678900003',
      accountTitle: '<img src=x onerror=ran=1>',
    };
    const taken = await here.call<{ id: string; status: string }>('POST', '/api/v1/payouts', {
      body: {
        amount: '100000.00',
        currency: 'PKR',
        reference,
        destination,
        ...inText,
        callbackUrl: 'http://127.0.0.1:9/<script>ran=1</script>',
      },
    });
    // What the API refuses at the door needs no screen; the rest must be the same text there.
    const plain = { ...destination, accountTitle: 'Ayesha Khan' };
    const payout =
      taken.status === 201 ? taken.body : await asked('0003', { ...LARGE, ...inText, reference, destination: plain });
    await until(here, payout.id, 'IN_REVIEW');
    const approver = await seatOf(admin(here, 'approver').key);
    const merchant = await seatOf(merchantKey());
    const shown = async ({ go, page }: Seat, paths: readonly string[]): Promise<void> => {
      for (const path of paths) {
        await go(path);
        await page.getByText(reference).first().waitFor();
      }
    };
    await shown(approver, [
      '/review',
      `/?reference=${encodeURIComponent(reference)}`,
      `/search?q=${encodeURIComponent(reference)}`,
      `/payouts/${payout.id}`,
    ]);
    await approver.page.getByText(RUNS).first().waitFor();
    await approver.page.getByRole('button', { name: 'Reject' }).click();
    await approver.page.getByLabel('Why', { exact: true }).fill(RUNS);
    await approver.page.getByRole('dialog').getByRole('button', { name: 'Reject' }).click();
    await approver.page.getByRole('dialog').waitFor({ state: 'hidden' });
    await until(here, payout.id, 'REJECTED');
    await shown(approver, [`/payouts/${payout.id}`]);
    await shown(merchant, ['/payouts', `/search?q=${encodeURIComponent(reference)}`, `/payouts/${payout.id}`]);
    for (const { page, faults, leave } of [approver, merchant]) {
      expect(faults).toEqual([]);
      expect(
        await page.evaluate("({ ran: 'ran' in globalThis, images: document.images.length, frames: frames.length })"),
      ).toEqual({
        ran: false,
        images: 0,
        frames: 0,
      });
      await leave();
    }
  });

  test('an address made by somebody else leads to no other site, and no key or token is kept where a script could read it', async () => {
    const { page, faults, go, leave } = await seatOf(merchantKey());
    for (const path of ['//evil', '/search?q=javascript:ran=1', '/payouts/%3Cscript%3E', '/..%2f..%2fevil']) {
      await go(path);
      expect(new URL(page.url()).origin).toBe(here.credentials.baseUrl);
    }
    const kept = await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])',
    );
    expect(kept).not.toMatch(/pk_|cst_|csrf/);
    expect(faults).toEqual([]);
    await leave();
  });
});

describe('whoever cannot see, has a small screen or likes the dark', () => {
  const ADMIN = [
    '/',
    '/review',
    '/runs',
    '/psps',
    '/inbox',
    '/risk',
    '/pauses',
    '/overview',
    '/withdrawals',
    '/proofs',
    '/games',
    '/markets',
    '/disputes',
    '/notifications',
    '/books',
    '/merchants',
    '/admins',
    '/audit',
    '/account',
    '/search?q=none',
  ];
  const MERCHANT = ['/', '/payouts', '/new', '/withdrawals', '/deposits', '/endpoints', '/keys', '/account', '/search?q=none'];
  const pictures: Readonly<Record<string, string>> = {
    '/': 'payouts',
    '/books': 'books',
    '/overview': 'overview',
  };

  const looks: readonly SeatOptions[] = [{}, { colorScheme: 'dark' }, { viewport: NARROW }];

  test.each(looks)('an admin meets no barrier on any screen: %j', async (look) => {
    const payout = await asked('0001');
    await until(here, payout.id, 'SUCCESS');
    const { barriers, overhang, faults, go, leave, picture } = await seatOf(admin(here, 'admin').key, look);
    for (const path of [...ADMIN, `/payouts/${payout.id}`, `/merchants/${here.credentials.merchants[0]?.id}`]) {
      await go(path);
      expect([path, await barriers()]).toEqual([path, []]);
      expect([path, await overhang(), faults]).toEqual([path, [], []]);
      if (pictures[path] && !look.colorScheme && !look.viewport) await picture(pictures[path]);
      if (path.startsWith('/payouts/') && (look.viewport || look.colorScheme))
        await picture(look.viewport ? 'payout-narrow' : 'payout-dark');
    }
    await leave();
  });

  test.each(looks)('a merchant meets no barrier on any screen: %j', async (look) => {
    const payout = await asked('0001');
    await until(here, payout.id, 'SUCCESS');
    const { barriers, overhang, faults, go, leave, picture } = await seatOf(merchantKey(), look);
    for (const path of [...MERCHANT, `/payouts/${payout.id}`]) {
      await go(path);
      expect([path, await barriers()]).toEqual([path, []]);
      expect([path, await overhang(), faults]).toEqual([path, [], []]);
      if (path === '/' && !look.colorScheme && !look.viewport) await picture('overview-merchant');
    }
    await leave();
  });
});

describe('who is signed in', () => {
  test('signed out in one tab is signed out in all, and what was shown is gone', async () => {
    const { page, leave } = await seatOf(admin(here, 'viewer').key);
    const other = await page.context().newPage();
    await other.goto('/console/account');
    await other.getByRole('button', { name: 'Sign out', exact: true }).click();
    await other.getByLabel('Your key').waitFor();
    await page.getByLabel('Your key').waitFor();
    expect(await page.content()).not.toContain('Payouts');
    await leave();
  });

  test('an admin who is deactivated is out at once, whatever their page shows', async () => {
    const key = admin(here, 'admin').key;
    const body = { name: `leaving ${process.pid}`, role: 'viewer' };
    const made = await here.call<{ id: string; key: string }>('POST', '/api/admin/admins', { key, body });
    const { page, go, leave } = await seatOf(made.body.key);
    await go('/');
    expect((await here.call('DELETE', `/api/admin/admins/${made.body.id}`, { key })).status).toBe(204);
    await page.getByLabel('Your key').waitFor();
    expect(await page.getByRole('table').count()).toBe(0);
    await leave();
  });

  test('a viewer is shown what an approver may do, and is not given it', async () => {
    const payout = await asked('0001', LARGE);
    await until(here, payout.id, 'IN_REVIEW');
    const { page, go, leave } = await seatOf(admin(here, 'viewer').key);
    await go(`/payouts/${payout.id}`);
    const approve = page.getByRole('button', { name: 'Approve' });
    await approve.waitFor();
    expect(await approve.isDisabled()).toBe(true);
    await page.getByText('This needs the role approver.').waitFor();
    expect(await page.getByRole('link', { name: 'Admins' }).count()).toBe(0);
    await leave();
  });
});
