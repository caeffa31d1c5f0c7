// Everything that production runs, into dist/: the Prisma client, the compiled sources, the bundle of workflows, the console.
import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { buildConsole } from './console.mjs';

rmSync('dist', { recursive: true, force: true });
tool('prisma', ['generate']);
tool('tsc', ['-p', 'tsconfig.build.json']);
// Plain JavaScript that the SDK loads by path; the compiler does not copy it.
const failureConverter = join('src', 'temporal', 'failureConverter.cjs');
copyFileSync(failureConverter, join('dist', failureConverter));
const { bundleSettings } = await import(pathToFileURL(resolve('dist', 'src', 'temporal', 'workerSettings.js')).href);
const { code } = await bundleWorkflowCode({
  workflowsPath: resolve('dist', 'workflows', 'index.js'),
  ...bundleSettings,
  logger: new DefaultLogger('WARN'),
});
writeFileSync(join('dist', 'workflow-bundle.js'), code);
await buildConsole();

/** @param {string} name @param {string[]} args */
function tool(name, args) {
  const { status, stdout, stderr } = spawnSync(join('node_modules', '.bin', name), args, { encoding: 'utf8' });
  if (status === 0) return;
  console.error(stdout, stderr);
  process.exit(1);
}
