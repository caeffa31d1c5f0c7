/** Somebody at the console, in a browser of their own. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { watch } from './browser.ts';

export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 360, height: 740 };
/** Small enough for a document. */
const PICTURE = { width: 1040, height: 650 };

/** Written by whoever wants the pictures of docs/console.md anew: `CONSOLE_PICTURES=docs/console`. */
const PICTURES = process.env['CONSOLE_PICTURES'];

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What scrolls by itself is not looked into. */
const OVERHANG = `(() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const wide = [...document.querySelectorAll('body *')].filter((each) => !each.closest('.scroll') && each.getBoundingClientRect().right > clientWidth + 1);
  return [scrollWidth + ' of ' + clientWidth, ...wide.map((each) => each.outerHTML.slice(0, 120))];
})()`;

export interface SeatOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
}

export interface Seat {
  readonly page: Page;
  /** What no page may ever do, and did. */
  readonly faults: readonly string[];
  /** To a screen, once it shows what it has. */
  go(path: string): Promise<void>;
  /** What axe-core finds wrong with what is shown. */
  barriers(): Promise<readonly string[]>;
  /** What is wider than the window, where that has to be scrolled sideways. */
  overhang(): Promise<readonly string[]>;
  /** @param from what is to stand at its top. */
  picture(name: string, from?: Locator): Promise<void>;
  leave(): Promise<void>;
}

/** At the console, signed in with this key. */
export async function takeSeat(browser: Browser, baseURL: string, key: string, options: SeatOptions = {}): Promise<Seat> {
  const seat = await sitDown(browser, baseURL, options);
  const { page } = seat;
  await page.goto('/console');
  await page.getByLabel('Your key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  return { ...seat, go: (path) => seat.go(`/console${path}`) };
}

/** Before an empty page. */
export async function sitDown(browser: Browser, baseURL: string, options: SeatOptions = {}): Promise<Seat> {
  const { viewport = WIDE, colorScheme = 'light' } = options;
  const context = await browser.newContext({ viewport, colorScheme, baseURL, locale: 'en-GB', timezoneId: 'Asia/Karachi' });
  const page = await context.newPage();
  const { faults } = watch(page);
  return {
    page,
    faults,
    async go(path) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByText('Loading…').first().waitFor({ state: 'hidden' });
    },
    async barriers() {
      // Not by a script element: the page's policy would refuse it, as it must.
      await page.evaluate(AXE);
      const found = await page.evaluate<Violation[]>('axe.run().then(({ violations }) => violations)');
      return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    },
    overhang: () => page.evaluate<readonly string[]>(OVERHANG),
    async picture(name, from) {
      if (PICTURES === undefined) return;
      mkdirSync(PICTURES, { recursive: true });
      await page.setViewportSize(viewport === NARROW ? NARROW : PICTURE);
      await from?.evaluate((element) => {
        const { scrollIntoView } = element as unknown as { scrollIntoView(how: object): void };
        scrollIntoView.call(element, { behavior: 'instant' }); // else the page glides there for a while
      });
      await page.screenshot({ path: join(PICTURES, `${name}.png`) });
      await page.setViewportSize(viewport);
    },
    leave: () => context.close(),
  };
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}
