// `npm run cluster`: a real Temporal cluster on PostgreSQL without containers, and oncepay twice on it (docs/cluster.md).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
const { status } = spawnSync(join('node_modules', '.bin', 'tsc'), ['-p', join('cluster', 'tsconfig.json')], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
await import(pathToFileURL(join(root, 'dist', 'cluster', 'main.js')).href);
