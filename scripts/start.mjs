// `npm start`: from a fresh clone to a running payout engine.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
process.argv = [process.execPath, 'oncepay', 'up'];
await import(pathToFileURL(join(root, 'dist', 'src', 'cli.js')).href);
