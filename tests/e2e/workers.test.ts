/** Guards: an API without workers takes payouts in, and workers of their own, as many as there are, do them together. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Installation, installation } from '../../harness/installation.ts';
import { booksAreBalanced, eventually, pay, payoutTo, read, until } from '../support/payouts.ts';
import { platformOf } from '../support/platform.ts';

const PER_SECOND = 4;

let here: Installation;
const workers: ChildProcess[] = [];

beforeAll(async () => {
  here = await installation({ ENABLE_WORKERS: 'false' });
});

afterAll(async () => {
  for (const worker of workers) worker.kill('SIGKILL');
  await here?.remove();
});

/** `oncepay worker`, on any free port: what it says tells which. */
async function startWorker(): Promise<{ port: number; child: ChildProcess }> {
  const own = { ONCEPAY_HOME: here.home, WORKER_PORT: '0', PAYOUT_WORKER_RATE_LIMIT: String(PER_SECOND) };
  const child = spawn(process.execPath, ['dist/src/cli.js', 'worker'], {
    env: { ...process.env, ...own },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  workers.push(child);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  let port = 0;
  await eventually(() => {
    const line = output.split('\n').find((each) => each.includes('the worker takes work')) ?? '';
    port = (JSON.parse(line) as { port: number }).port;
  });
  return { port, child };
}

test('without workers a payout is taken in and waits; a worker that comes does it', async () => {
  const { status, body } = await here.call('GET', '/health', { key: '' });
  expect({ status, body }).toMatchObject({ status: 200, body: { status: 'ok', checks: { worker: 'disabled' } } });
  const taken = await here.call('POST', '/api/v1/payouts', { body: payoutTo('0001') });
  expect(taken.status).toBe(202);
  const id = String(taken.body['id']);
  expect(await read(here, id)).toMatchObject({ status: 'PENDING', attempts: 0 });

  const { port } = await startWorker();
  await until(here, id, 'SUCCESS');
  const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  expect(await (await at('/health')).json()).toEqual({
    status: 'ok',
    checks: { worker: 'ok', temporal: 'ok', database: 'ok', slots: 'ok' },
  });
  expect(await (await at('/metrics')).text()).toContain('temporal_worker_task_slots_used');
  expect((await here.call('GET', '/health', { key: '' })).body).toMatchObject({ checks: { worker: 'ok' } });
});

test('two workers ask Flutterwave no more often together than one may; one is told to end, and the other goes on', async () => {
  const platform = platformOf(here);
  await platform.asAdmin('admin', 'PUT', '/risk-policy', { policy: { minSuccesses: 0, velocityMinRequests: 1_000_000 } });
  const { child } = await startWorker();
  const ada = await platform.provider('0001', '20.00');
  const ids: string[] = [];
  for (let left = 20; left > 0; left -= 1) ids.push((await platform.request('1', ada)).id);
  await platform.run();
  await eventually(async () => expect((await platform.book('po_')).length).toBeGreaterThanOrEqual(5));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  for (const id of ids) await platform.untilStatus(id, ada, 'COMPLETED');

  const tape = await fetch(`${here.credentials.flutterwaveUrl}/control/requests?limit=1000`);
  const { data } = (await tape.json()) as { data: { at: string }[] };
  const times = data.map(({ at }) => Date.parse(at)).sort((one, other) => one - other);
  const [first = 0] = times;
  expect(times.length).toBeGreaterThanOrEqual(20);
  // Temporal may let a second's worth go at once in the beginning.
  expect((times.at(-1) ?? 0) - first).toBeGreaterThan(((times.length - 2 * PER_SECOND) / PER_SECOND) * 1_000);
  await booksAreBalanced(here);
  await pay(here, '0001');
});
