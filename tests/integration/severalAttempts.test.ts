/** The running engine, several attempts, and what becomes known of one while another counts: the payee is paid once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';

let engine: Engine;
let stopWorker: (() => Promise<void>) | undefined;
beforeAll(async () => {
  engine = await startEngine();
  stopWorker = await engine.startWorker();
});
afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

/** The numbers of the attempts that the PSP has paid. */
const paid = async (id: string) =>
  (await engine.transfers(id)).flatMap(({ reference, status, takenAt }) =>
    status === 'paid' && takenAt !== null ? [reference.split(':')[1]] : [],
  );

/** What the PSP has shown as failed is under way after all. */
const revive = (id: string, attempt: number) =>
  fetch(`${engine.sandbox.url}/control/transfers/${id}:${attempt}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ status: 'processing' }),
  });

async function attemptOf(id: string, attempt: number): Promise<void> {
  while ((await engine.ledger.read(id))?.attempt !== attempt) await sleep(50);
}

test('no key is used once the PSP, asked, shows a payment under a later one that a restored backup has forgotten', async () => {
  const times = { ...SHORT_TIMES, retryWaitMs: 4_000, retryWaitMaxMs: 4_000 };
  const { id } = await engine.pay('0002', {}, createPayoutsClient(engine.client, { times, allowSignalDecisions: true }));
  await engine.until(id, 'RETRY_WAIT');
  // What the books had done before they were lost: attempt 3 was paid. The PSP calls back about it.
  const destination = { type: 'bank', bankCode: 'HBL', accountNumber: '12345678900002', accountTitle: 'Ayesha Khan' };
  await fetch(`${engine.sandbox.url}/transfers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sandbox-key' },
    body: JSON.stringify({ reference: `${id}:3`, amount: '100.00', currency: 'PKR', narration: null, destination }),
  });
  await engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt: 3, claim: 'paid' });
  expect(await engine.until(id, 'SUCCEEDED', 'UNRESOLVED')).toMatchObject({ state: 'SUCCEEDED', needsOperator: true });
  await sleep(times.retryWaitMs + 500); // when attempt 2 would have been sent
  expect(await paid(id)).toEqual(['3']);
});

test('evidence that names attempt 1 does not let attempt 2 go, which is paid: no second round', async () => {
  const { id } = await engine.pay('0002');
  await engine.fault({ kind: 'cut_after', match: { reference: `${id}:2` }, times: 1 });
  await engine.fault({ kind: 'lagging_look_up', match: { reference: `${id}:2` }, times: 10_000 });
  await engine.fault({ kind: 'refuse_resend', match: { reference: `${id}:2` }, times: 10_000 });
  expect(await engine.until(id, 'UNRESOLVED')).toMatchObject({ unproven: [2], attempt: 2 });
  const evidence = { adminId: 'adm_1', evidence: 'statement: :1 failed' };
  const answer = await engine.command(id, { type: 'resolved_not_paid', ...evidence, attempts: [1] });
  expect(answer).toMatchObject({ outcome: 'unproven_attempts' });
  expect(await paid(id)).toEqual(['2']);
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'UNRESOLVED', needsOperator: true });
});

test('an earlier attempt that revives and fails again begins no attempt more than a round may have', async () => {
  const { id } = await engine.pay('0004');
  const say = (attempt: number, claim: 'failed' | 'processing') =>
    engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt, claim });
  const failed = async (attempt: number) => {
    await engine.force(id, 'failed', { attempt, reason: 'bank_unavailable' });
    await say(attempt, 'failed');
  };
  for (const attempt of [1, 2]) {
    await attemptOf(id, attempt);
    await engine.until(id, 'PSP_QUEUED');
    await failed(attempt);
  }
  await attemptOf(id, 3);
  await engine.until(id, 'PSP_QUEUED');
  await revive(id, 1);
  await say(1, 'processing');
  await engine.until(id, 'UNRESOLVED');
  await failed(3);
  while ((await engine.ledger.read(id))?.unproven.includes(3)) await sleep(50);
  await failed(1);
  expect(await engine.until(id, 'FAILED', 'RETRY_WAIT')).toMatchObject({ state: 'FAILED', attempt: 3 });
});
