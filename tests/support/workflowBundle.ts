/** Today's workflows, bundled once for all test files: by a hash of what goes in, so that no run meets another's. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { bundleSettings } from '../../src/temporal/workerSettings.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export async function bundledWorkflows(): Promise<{ codePath: string }> {
  const codePath = join(tmpdir(), `oncepay-workflows-${hashOf(['workflows', 'src'])}.js`);
  if (!existsSync(codePath)) {
    const { code } = await bundleWorkflowCode({
      workflowsPath: join(ROOT, 'workflows', 'index.ts'),
      ...bundleSettings,
      logger: new DefaultLogger('WARN'),
    });
    const half = `${codePath}.${process.pid}`; // another test file may be doing the same
    writeFileSync(half, code);
    renameSync(half, codePath);
  }
  return { codePath };
}

function hashOf(folders: readonly string[]): string {
  const hash = createHash('sha256').update(ROOT);
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.c?[jt]s$/.test(name) && !name.startsWith('generated'))
      .map((name) => join(folder, name)),
  );
  for (const file of ['package-lock.json', ...files.sort()]) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}
