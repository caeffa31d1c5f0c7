// What `npm run bench`, `chaos`, `cluster` and `model` share: everything built, the tool's own sources compiled, its main run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

/** @param {string} name of the folder */
export async function runTool(name) {
  prepare();
  const { status } = spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', join(name, 'tsconfig.json')], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
  await import(pathToFileURL(join(root, 'dist', name, 'main.js')).href);
}
