/** The real Temporal server, which is published as Go sources only: built once, then kept in the cache. */
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Say } from '../src/local/wheelBinary.ts';

const VERSION = 'v1.32.1';
const MODULE = `go.temporal.io/server`;

export interface TemporalBinaries {
  readonly server: string;
  /** Makes and updates its databases. */
  readonly sqlTool: string;
  /** Where the versions of its schema are: `temporal/versioned` and `visibility/versioned`. */
  readonly schema: string;
}

/** @throws one sentence if there is no Go, or its build failed. */
export async function temporalBinaries(say: Say): Promise<TemporalBinaries> {
  const folder = join(cacheFolder(), `temporal-server-${VERSION.slice(1)}`);
  if (!existsSync(folder)) {
    say(`building the Temporal server ${VERSION} (once; some five minutes on two cores)`);
    await build(folder);
  }
  return { server: join(folder, 'server'), sqlTool: join(folder, 'sql'), schema: join(folder, 'schema') };
}

/** Complete or not at all, whoever else tries. */
async function build(target: string): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), 'building-'));
  try {
    const { Dir } = JSON.parse(await go(['mod', 'download', '-json', `${MODULE}@${VERSION}`], folder)) as { Dir: string };
    await go(['install', `${MODULE}/cmd/server@${VERSION}`], folder);
    await go(['install', `${MODULE}/cmd/tools/sql@${VERSION}`], folder);
    cpSync(join(Dir, 'schema', 'postgresql', 'v12'), join(folder, 'schema'), { recursive: true });
    makeWritable(join(folder, 'schema')); // Go's module cache is read-only, and so are copies of it
    renameSync(folder, target);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // somebody else may have been first
  }
}

function makeWritable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) makeWritable(join(folder, entry.name));
  }
}

async function go(args: string[], target: string): Promise<string> {
  const child = spawn('go', args, { env: { ...process.env, GOBIN: target }, cwd: target, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return await new Promise((resolve, reject) => {
    child.once('error', () =>
      reject(new Error('The Temporal server is built with Go, which is not installed (1.26.8 or newer).')),
    );
    child.once('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`go ${args[0]} failed: ${errors.slice(-500)}`)),
    );
  });
}
