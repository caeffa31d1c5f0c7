/** Guards: a worker that was taken for dead (a suspended machine) pays nobody a second time when it wakes up. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createPspActivities, type SubmitInput } from '../../activities/payouts/psp.ts';
import type { PspConnector } from '../../src/psp/port.ts';
import { createPspRegistry } from '../../src/psp/registry.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, startEngine } from '../support/engine.ts';

let engine: Engine;
let psps: ReturnType<typeof createPspRegistry>;
let stopWorker: () => Promise<void>;
let isDown = true;
let wake: () => void = () => undefined;
const asleep = new Promise<void>((resolve) => {
  wake = resolve;
});
let zombie: Promise<unknown> | undefined;

beforeAll(async () => {
  engine = await startEngine();
  psps = createPspRegistry({
    sandbox: { baseUrl: engine.sandbox.url, apiKey: 'sandbox-key', webhookSecret: 'sandbox-secret', timeoutMs: 1_000 },
  });
  const { ledger, db } = engine;
  const connector: typeof psps.byName = (name, mode) => {
    const real = psps.byName(name, mode);
    if (!real) return undefined;
    const flaky: PspConnector = {
      name: real.name,
      lookUp: (order, signal) => real.lookUp(order, signal),
      parseCallback: (raw, headers) => real.parseCallback(raw, headers),
      verifyAccount: (destination, signal) => real.verifyAccount(destination, signal),
      submit: async (order, signal) =>
        isDown ? { kind: 'not_taken', reason: 'ECONNREFUSED', retryAfterMs: null } : await real.submit(order, signal),
    };
    return flaky;
  };
  const ours = createPspActivities({ ledger, pool: db.pool, connector });
  // The same code on a machine that is suspended right after it wrote "attempt started", before it asked the PSP.
  const theirs = createPspActivities({
    ledger: {
      ...ledger,
      async applyFact(...args) {
        const answer = await ledger.applyFact(...args);
        if (args[2].type === 'attempt_started') await asleep;
        return answer;
      },
    },
    pool: db.pool,
    connector: psps.byName,
  });
  stopWorker = await engine.startWorker({
    activities: {
      ...engine.activities,
      ...ours,
      submit: async (input: SubmitInput) => {
        if (zombie !== undefined) return await ours.submit(input);
        zombie = new MockActivityEnvironment().run(theirs.submit, input);
        await sleep(500);
        throw new Error('no heartbeat'); // what the server says of it: one try, and it is over
      },
    },
  });
});
afterAll(async () => {
  await stopWorker?.();
  await psps?.close();
  await engine?.stop();
});

test('what a suspended worker had begun is not sent when it wakes up after its attempt was closed', async () => {
  const { id, merchantId } = await engine.pay('0001');
  await engine.until(id, 'UNRESOLVED');
  expect(await engine.transfers(id)).toEqual([]); // true: the PSP has nothing, and says so
  const notPaid = { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'the PSP knows no :1', attempts: [1] } as const;
  expect(await engine.command(id, notPaid)).toMatchObject({ outcome: 'done' });
  const payout = await engine.until(id, 'FAILED');
  isDown = false;
  const opening = { type: 'reinitiate', payoutId: id, round: 2, by: merchantId, requestId: newId('req') } as const;
  await engine.payouts.accept({ ...payout, payoutId: id }, opening);
  await engine.until(id, 'SUCCEEDED');
  wake();
  await zombie;
  const transfers = (await engine.transfers(id)).map(({ reference, status }) => `${reference.split(':')[1]} ${status}`);
  expect(transfers).toEqual(['2 paid']); // was: '1 paid' too
});
