/** Processes that stand still without dying, as on a machine that swaps or is moved: nothing hangs with them, nothing is done twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freeze } from '../../chaos/victims.ts';
import { type Installation, installation } from '../../harness/installation.ts';
import { booksAreBalanced, control, eventually, pay, payoutTo, problem, transfers, until } from '../support/payouts.ts';

let here: Installation;
beforeAll(async () => {
  here = await installation();
});
afterAll(() => here?.remove(), 60_000);

/** Above every limit of a request that waits for the database: 5 s for a connection, 10 s for a query. */
const ANSWERS_WITHIN_MS = 20_000;

test('PostgreSQL stands still: requests end with 503 instead of hanging, and when it goes on so do the payouts, each paid once', async () => {
  const made = await Promise.all(Array.from({ length: 10 }, (_, index) => pay(here, index % 2 ? '0001' : '0002')));
  const frozen = freeze(here, 'postgres');
  try {
    const asked = { body: payoutTo('0001'), idempotencyKey: 'frozen-database', headers: {} };
    const answers = await Promise.race([
      Promise.all([
        here.call('POST', '/api/v1/payouts', asked),
        here.call('GET', '/api/v1/balance'),
        here.call('GET', '/health', { key: '' }),
      ]),
      sleep(ANSWERS_WITHIN_MS, undefined, { ref: false }),
    ]);
    if (!answers) throw new Error('they hang');
    const [post, get, health] = answers;
    problem(post, 503, 'service_unavailable');
    problem(get, 503, 'service_unavailable');
    expect(health.status).toBe(503);
  } finally {
    frozen.thaw();
  }
  for (const { id } of made) {
    await until(here, id, 'SUCCESS');
    expect((await transfers(here, id)).filter(({ status }) => status === 'paid')).toHaveLength(1);
  }
  await booksAreBalanced(here);
});

test('a worker stands still in a PSP call until it is given up for dead, then wakes: the PSP was asked once', async () => {
  await control(here, 'faults', { kind: 'slow_answer', params: { ms: 2_000 } });
  const { id } = await pay(here, '0001');
  await eventually(async () => expect(await transfers(here, id)).toHaveLength(1));
  const frozen = freeze(here, 'worker');
  await sleep(14_000).finally(() => frozen.thaw()); // its heartbeats are missed after 10
  await control(here, 'faults', undefined, 'DELETE');
  await until(here, id, 'SUCCESS');
  expect(await transfers(here, id)).toMatchObject([{ status: 'paid', requests: 1 }]);
  await booksAreBalanced(here);
});
