// `npm run model`: the protocol of a payout explored to the end of stated bounds (docs/proof.md). `-- --walks 10000` instead:
// random walks of the model drive the real ledger, which must answer as the model does.
import { spawnSync } from 'node:child_process';
import { prepare } from './prepare.mjs';
import { runTool } from './tool.mjs';

const at = process.argv.indexOf('--walks');
if (at > 0) {
  prepare();
  const args = ['run', '--silent', 'jest', '--', 'tests/integration/model-sql.test.ts'];
  const env = { ...process.env, MODEL_WALKS: process.argv[at + 1] ?? '10000' };
  process.exit(spawnSync('npm', args, { stdio: 'inherit', env }).status ?? 1);
}
await runTool('model');
