// `npm run bench`: how fast it is, beside the least that any payout engine on Temporal would cost (bench/RESULTS.md).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
const { status } = spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', join('bench', 'tsconfig.json')], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
await import(pathToFileURL(join(root, 'dist', 'bench', 'main.js')).href);
