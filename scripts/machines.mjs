// `npm run machines`: writes each flow's machine as SQL, where a test finds the two different. Whoever adds a machine adds
// its line, and its line in tests/unit/machineSql.test.ts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare, root } from './prepare.mjs';

prepare();
const built = async (path) => await import(pathToFileURL(join(root, 'dist', 'src', path)).href);
const { machineSql } = await built('rules/machineSql.js');
const { PAYOUT } = await built('payouts/rules/machine.js');
const { GAME } = await built('games/rules/machine.js');
const { RESOLUTION } = await built('markets/rules/machine.js');

const { INSTANT_PAYOUT } = await built('instant/rules/payoutMachine.js');
const { BATCH } = await built('instant/rules/batchMachine.js');
const { PAYIN } = await built('instant/rules/payinMachine.js');

for (const machine of [PAYOUT, GAME, RESOLUTION, INSTANT_PAYOUT, BATCH, PAYIN])
  writeFileSync(join(root, machine.sql.file), machineSql(machine));
