// The console, into dist/console, and the hosted pages, into dist/pages: types from the API's own document, then of each one page
// with hashed files, each beside its compressed self. Run by build.mjs, once the API is compiled.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import openapiTypes, { astToString } from 'openapi-typescript';
import { build } from 'vite';

const TYPES = join('src', 'generated', 'api.d.ts');

/** Apart, so that a firewall may keep the console to its people while payers see their pages. */
const PAGES = [
  { name: 'console', root: resolve('src', 'console') },
  { name: 'pages', root: resolve('src', 'console', 'hosted') },
];

export async function buildConsole() {
  writeFileSync(TYPES, astToString(await openapiTypes(await apiDocument())));
  for (const page of PAGES) await buildPage(page);
}

/** @param {{ name: string, root: string }} page */
async function buildPage({ name, root }) {
  const folder = resolve('dist', name);
  await build({
    configFile: false,
    root,
    base: `/${name}/`,
    logLevel: 'error', // of warnings there are only those about directives that packages have for others
    // No inline script and no inline style, so that the policy of the page allows none.
    build: { outDir: folder, emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'es2022' },
  });
  for (const asset of readdirSync(join(folder, 'assets'))) {
    const file = join(folder, 'assets', asset);
    const bytes = readFileSync(file);
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${file}.br`, brotliCompressSync(bytes));
  }
}

/** As the API itself answers: it starts without a database and without Temporal. */
async function apiDocument() {
  const built = async (/** @type {string} */ path) => await import(pathToFileURL(resolve('dist', 'src', path)).href);
  const { loadConfig } = await built('config.js');
  const { startApi } = await built('http/server.js');
  const nobody = '127.0.0.1:1';
  const api = await startApi(
    loadConfig({
      DATABASE_URL: `postgresql://${nobody}/none`,
      TEMPORAL_ADDRESS: nobody,
      ENCRYPTION_KEYS: `none:${Buffer.alloc(32).toString('base64')}`,
      PORT: '0',
      LOG_LEVEL: 'silent',
    }),
  );
  try {
    return await (await fetch(`${api.url}/openapi.json`)).json();
  } finally {
    await api.close();
  }
}
