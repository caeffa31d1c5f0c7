/** The examples in docs/ledger do what they show. After a change on purpose: UPDATE_EXAMPLES=1 writes their output again. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { runExample } from '../support/psql.ts';

let server: TestDatabase; // kept so that the examples' own databases share one server
beforeAll(async () => {
  server = await testDatabase();
});
afterAll(async () => {
  await server.stop();
});

const FOLDER = 'docs/ledger';
const examples = readdirSync(FOLDER).filter((name) => name.endsWith('.sql') && name !== 'book.sql');

test.each(examples)('%s gives the output that stands beside it', async (name) => {
  const db = await testDatabase();
  try {
    const output = await runExample(db.appUrl, `${FOLDER}/${name}`);
    const beside = `${FOLDER}/${name}.out`;
    if (process.env['UPDATE_EXAMPLES'] === '1') writeFileSync(beside, output);
    expect(output).toBe(existsSync(beside) ? readFileSync(beside, 'utf8') : '');
    expect((await checkInvariants(db.pool)).filter((each) => each.violations > 0)).toEqual([]);
  } finally {
    await db.stop();
  }
});

test('every example is in the table of the README', () => {
  const readme = readFileSync(`${FOLDER}/README.md`, 'utf8');
  for (const name of examples) expect(readme).toContain(`[${name}](${name}) → [output](${name}.out)`);
});
