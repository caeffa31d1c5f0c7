/** Everything is killed in the middle of everything, and started again: nothing is lost, nothing is paid twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Installation, installation } from '../../harness/installation.ts';
import { booksAreBalanced, control, eventually, payoutTo, read, transfers } from '../support/payouts.ts';

let here: Installation;

beforeAll(async () => {
  here = await installation();
});

afterAll(async () => {
  await here?.remove();
});

const ENDED = ['SUCCESS', 'FAILED', 'RETURNED'];
const SUFFIXES = ['0001', '0002', '0003', '1234', '0008', '5678'];

test('payouts that were under way when every process was killed end as they should: paid once, or not at all', async () => {
  await control(here, 'faults', { kind: 'cut_after', match: { amount: '101.00' } });
  await control(here, 'faults', { kind: 'delay', match: { amount: '102.00' }, params: { ms: 700 } });
  const requests = Array.from({ length: 60 }, (_, index) => ({
    key: `kill-${index}`,
    body: payoutTo(SUFFIXES[index % SUFFIXES.length] ?? '0001', { amount: ['100.00', '101.00', '102.00'][index % 3] }),
  }));
  const answers = new Map<string, { status: number; id: string; text: string }>();
  const post = async ({ key, body }: (typeof requests)[number]) => {
    const answer = await here.call('POST', '/api/v1/payouts', { body, idempotencyKey: key }).catch(() => undefined);
    if (!answer || answer.status >= 500 || answer.status === 409) return false;
    const id = String(answer.body['id']);
    const before = answers.get(key);
    if (before) expect(id).toBe(before.id); // a key stays with its payout, whatever died in between
    if (before?.status === 201) expect(answer.text).toBe(before.text);
    answers.set(key, { status: answer.status, id, text: answer.text });
    return true;
  };

  const flood = (async () => {
    for (const request of requests) {
      void post(request);
      await sleep(25);
    }
  })();
  await sleep(900);
  await here.killAll();
  await flood;
  await sleep(300);
  await here.start();

  for (const request of requests) await eventually(async () => expect(await post(request)).toBe(true), 60_000);
  expect(answers.size).toBe(requests.length);
  expect(new Set([...answers.values()].map(({ id }) => id)).size).toBe(requests.length);

  for (const { id } of answers.values()) {
    await eventually(async () => expect(ENDED).toContain((await read(here, id)).status), 120_000);
  }
  for (const { id } of answers.values()) {
    const { status } = await read(here, id);
    const taken = (await transfers(here, id)).filter((transfer) => transfer.status === 'paid');
    expect({ id, status, taken: taken.length }).toEqual({ id, status, taken: status === 'SUCCESS' ? 1 : 0 });
  }
  await booksAreBalanced(here);
}, 400_000);

test.each(['worker', 'api', 'sandbox'])('a killed %s is started again by itself, and payouts go on', async (name) => {
  const body = payoutTo('0002');
  const first = await here.call('POST', '/api/v1/payouts', { body });
  here.kill(name);
  await eventually(async () => expect((await read(here, String(first.body['id']))).status).toBe('SUCCESS'), 90_000);
});

test('Ctrl-C ends everything, and the next start goes on with the same money', async () => {
  const before = await here.call('GET', '/api/v1/balance');
  expect(await here.stop()).toBe(0);
  await here.start();
  expect((await here.call('GET', '/api/v1/balance')).text).toBe(before.text);
});

test('a second start on a living home says so in one sentence and leaves the first alone', async () => {
  const { spawnSync } = await import('node:child_process');
  const second = spawnSync(process.execPath, ['dist/src/cli.js', 'up'], {
    env: { ...process.env, ONCEPAY_HOME: here.home },
    encoding: 'utf8',
  });
  expect([second.status, second.stderr.trim().split('\n').length]).toEqual([1, 1]);
  expect(second.stderr).toContain('already runs');
  expect((await here.call('GET', '/health', { key: '' })).status).toBe(200);
});
