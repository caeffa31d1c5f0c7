/** However oncepay is told to end, it ends in order, and nothing of it is left behind. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Installation, installation } from '../../harness/installation.ts';
import { eventually, payoutTo, read } from '../support/payouts.ts';

let here: Installation;

beforeAll(async () => {
  here = await installation();
});

afterAll(async () => {
  await here?.remove();
});

const NAMES = ['api', 'worker', 'sandbox', 'flutterwave', 'temporal', 'postgres'];

/** Which of the children written down in the home still live. */
function living(): string[] {
  return NAMES.filter((name) => {
    const { pid } = JSON.parse(readFileSync(join(here.home, 'logs', `${name}.pid`), 'utf8')) as { pid: number };
    try {
      return /\) [^ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  });
}

const supervisor = (): number => (JSON.parse(readFileSync(join(here.home, 'supervisor.json'), 'utf8')) as { pid: number }).pid;

test('one Ctrl-C that npm passes on a second time still ends every child in order', async () => {
  expect(living()).toEqual(NAMES);
  const pid = supervisor();
  process.kill(pid, 'SIGINT');
  expect(await here.stop()).toBe(0); // sends it again
  expect(living()).toEqual([]);
  await here.start();
});

test('when the supervisor is killed, whoever takes requests ends by itself, and the next start goes on with the payouts', async () => {
  const payout = await here.call('POST', '/api/v1/payouts', { body: payoutTo('0002') });
  process.kill(supervisor(), 'SIGKILL');
  await eventually(async () => expect(living()).toEqual(['temporal', 'postgres']), 30_000);
  await here.start();
  expect(here.output()).toContain('ended what a killed start had left: temporal, postgres');
  await eventually(async () => expect((await read(here, String(payout.body['id']))).status).toBe('SUCCESS'), 90_000);
});

test('a worker whose PostgreSQL and Temporal are gone ends within the time it is given', async () => {
  const names = ['postgres', 'temporal'];
  for (const name of names) {
    const { pid } = JSON.parse(readFileSync(join(here.home, 'logs', `${name}.pid`), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGKILL');
  }
  expect(await here.stop()).toBe(0);
  expect(living()).toEqual([]);
});
