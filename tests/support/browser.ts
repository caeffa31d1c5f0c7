/** A real Chromium: the one of CHROMIUM_PATH, else one on the PATH, else the npm package that carries its own. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import chromiumPackage from '@sparticuz/chromium';
import { type Browser, chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** No sandbox of its own: tests run as root in containers. All else is as a person's browser has it. */
const ARGS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];

export async function openBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: await executable(), args: ARGS });
}

async function executable(): Promise<string> {
  const given = process.env['CHROMIUM_PATH'];
  if (given) return given;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
  return found ?? (await chromiumPackage.executablePath());
}

/** What no page may ever do: run what a client sent, break its own policy, end with an error of its own. */
export function watch(page: Page): { readonly faults: string[] } {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) faults.push(`policy: ${message.text()}`);
  });
  return { faults };
}
