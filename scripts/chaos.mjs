// `npm run chaos`: kills everything everywhere and asks whether each payout was paid once (docs/proof.md).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
const { status } = spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', join('chaos', 'tsconfig.json')], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
await import(pathToFileURL(join(root, 'dist', 'chaos', 'main.js')).href);
