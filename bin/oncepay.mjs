#!/usr/bin/env node
import { existsSync } from 'node:fs';

const cli = new URL('../dist/src/cli.js', import.meta.url);
if (existsSync(cli)) await import(cli);
else {
  console.error('oncepay is not built yet: run npm start, or npm ci and npm run build.');
  process.exitCode = 1;
}
