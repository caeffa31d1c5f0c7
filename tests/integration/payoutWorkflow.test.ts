/** A payout's story on a real Temporal server, a real PostgreSQL and a PSP over HTTP. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createMaintenanceActivities } from '../../activities/maintenance.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

let engine: Engine;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine();
  stopWorker = await engine.startWorker();
});

afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

const paidOnce = async (payoutId: string) => {
  const taken = (await engine.transfers(payoutId)).filter((transfer) => transfer.takenAt !== null);
  expect(taken).toHaveLength(1);
};

test('a plain payout is paid, once', async () => {
  const { id } = await engine.pay('0001');
  const paid = await engine.until(id, 'SUCCEEDED');
  expect(paid).toMatchObject({ attempt: 1, failure: null, needsOperator: false });
  await paidOnce(id);
});

test.each([
  ['nobody is told of', null],
  ['a server of its merchant is told of, whether or not it answers', 'http://127.0.0.1:9/'],
])('a plain payout that %s costs Temporal two workflow tasks, at most 15 events and 5.2 KB', async (_, callbackUrl) => {
  const { id } = await engine.pay('0001', { callbackUrl });
  const handle = engine.client.workflow.getHandle(`payout/${id}`);
  await handle.result();
  const { historySize } = await handle.describe();
  expect(historySize).toBeLessThanOrEqual(5_200);
  expect(historySize).toBeGreaterThan(1_000);
  const { events } = await engine.client.workflow.getHandle(`payout/${id}`).fetchHistory();
  const types = (events ?? []).map((event) => Object.keys(event).find((key) => key.endsWith('EventAttributes')));
  expect(types.length).toBeLessThanOrEqual(15);
  expect(types.filter((type) => type === 'workflowTaskCompletedEventAttributes')).toHaveLength(2);
  const { rows } = await engine.db.pool.query('SELECT 1 FROM webhook_deliveries WHERE subject_id = $1', [id]);
  expect(rows).toHaveLength(callbackUrl === null ? 0 : 3); // and that is all there is of them
});

test('a temporary failure is tried again under a new key and paid, once', async () => {
  const { id } = await engine.pay('0002');
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 2 });
  await paidOnce(id);
});

describe('the next attempt begins when it was said to', () => {
  const WAIT_MS = 12_000;
  /** Well after a wait that was never begun anew, and well before one that was. */
  const LATE_MS = 8_000;

  /** A payout that waits for its second attempt, and most of that wait is over. */
  async function waiting(): Promise<{ id: string; dueAt: number }> {
    const times = { ...SHORT_TIMES, retryWaitMs: WAIT_MS, retryWaitMaxMs: WAIT_MS };
    const { id } = await engine.pay('0002', {}, createPayoutsClient(engine.client, { times, allowSignalDecisions: true }));
    const { nextAttemptAt } = await engine.until(id, 'RETRY_WAIT');
    const dueAt = Date.parse(nextAttemptAt ?? '');
    expect(dueAt).toBeGreaterThan(Date.now());
    await sleep(dueAt - Date.now() - 1_500);
    return { id, dueAt };
  }

  async function expectOnTime(id: string, dueAt: number): Promise<void> {
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 2, nextAttemptAt: null });
    const sql = 'SELECT sent_at FROM payout_attempts WHERE payout_id = $1 AND attempt = 2';
    const { rows } = await engine.db.pool.query<{ sent_at: Date }>(sql, [id]);
    const lateMs = (rows[0]?.sent_at.getTime() ?? 0) - dueAt;
    expect(lateMs).toBeGreaterThanOrEqual(-50); // a timer of the server's and a clock of the database's
    expect(lateMs).toBeLessThan(LATE_MS);
  }

  test('also where the PSP says once more meanwhile what is known', async () => {
    const { id, dueAt } = await waiting();
    await engine.payouts.notice(id, 1, { messageId: 'pm_again', attempt: 1, claim: 'failed' });
    await expectOnTime(id, dueAt);
  });

  test('also where the workflow was lost meanwhile, and another one waits', async () => {
    const { id, dueAt } = await waiting();
    await engine.client.workflow.getHandle(`payout/${id}`).terminate('as if it was lost');
    await engine.db.owner.query(`UPDATE payouts SET updated_at = now() - interval '1 hour' WHERE id = $1`, [id]);
    const { takeUpOpenPayouts } = createMaintenanceActivities({ pool: engine.db.pool, payouts: engine.payouts });
    await new MockActivityEnvironment().run(takeUpOpenPayouts);
    await expectOnTime(id, dueAt);
  });
});

test('a lasting failure gives the money back and says why', async () => {
  const { id } = await engine.pay('0003');
  expect(await engine.until(id, 'FAILED')).toMatchObject({ attempt: 1, failure: { retryable: false } });
  expect((await engine.transfers(id)).filter((transfer) => transfer.status === 'paid')).toHaveLength(0);
});

test.each(['error_after', 'cut_after', 'no_answer'])(
  'an answer lost after the PSP took the money (%s) is found by look-up, not paid again',
  async (kind) => {
    const account = `55500000${kind.length}${'1'.repeat(6)}`.slice(0, 14);
    await engine.fault({ kind, match: { accountNumber: account }, times: 1 });
    const { id } = await engine.pay('', {
      destination: { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null },
    });
    expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
    await paidOnce(id);
  },
);

test('a request that never reached the PSP goes again under the same key', async () => {
  const account = '66600000000011';
  await engine.fault({ kind: 'error_before', match: { accountNumber: account }, times: 1 });
  const { id } = await engine.pay('', {
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null },
  });
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
  await paidOnce(id);
});

test('a PSP that asks for patience is asked again, without spending an attempt', async () => {
  const account = '77700000000011';
  await engine.fault({ kind: 'rate_limit', match: { accountNumber: account }, times: 4 });
  const { id } = await engine.pay('', {
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null },
  });
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
  await paidOnce(id);
});

test('an answer about other money than ours stops the payout and asks for a person', async () => {
  const account = '88800000000011';
  await engine.fault({ kind: 'wrong_amount', match: { accountNumber: account } });
  const { id } = await engine.pay('', {
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null },
  });
  expect(await engine.until(id, 'UNRESOLVED')).toMatchObject({ needsOperator: true });
  const answer = await engine.command(id, { type: 'resolved_paid', adminId: 'adm_1', evidence: 'statement line 7' });
  expect(answer).toMatchObject({ outcome: 'done', payout: { state: 'SUCCEEDED' } });
});

test('a PSP that stays silent past the deadline leaves the decision to an operator, with the money still reserved', async () => {
  const account = '99900000000011';
  await engine.fault({ kind: 'down', match: { accountNumber: account } });
  const { id } = await engine.pay('', {
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null },
  });
  expect(await engine.until(id, 'UNRESOLVED')).toMatchObject({ attempt: 1, needsOperator: true });
  expect(await engine.command(id, { type: 'cancelled', by: engine.merchantId })).toEqual({ outcome: 'wrong_state' });
  await engine.command(id, { type: 'resolved_not_paid', adminId: 'adm_1', evidence: 'asked the bank' });
  expect(await engine.until(id, 'FAILED')).toMatchObject({ failure: { code: 'resolved_not_paid' } });
});

test('a payout under review waits for an approver, and a second click of the same one is told so', async () => {
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  await engine.until(id, 'IN_REVIEW');
  const answer = await engine.command(id, { type: 'approved', adminId: 'adm_1', note: 'seen' });
  expect(answer).toMatchObject({ outcome: 'done', payout: { state: 'QUEUED' } });
  await engine.until(id, 'SUCCEEDED');
  expect(await engine.command(id, { type: 'approved', adminId: 'adm_1', note: null })).toMatchObject({
    outcome: expect.stringMatching(/gone|already_decided/),
  });
});

test('whoever made a payout cannot approve it', async () => {
  const { id } = await engine.pay('0001', {
    makerId: 'adm_maker',
    terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' },
  });
  expect(await engine.command(id, { type: 'approved', adminId: 'adm_maker', note: null })).toEqual({ outcome: 'self_approval' });
  expect(await engine.command(id, { type: 'rejected', adminId: 'adm_2', reason: 'unknown payee' })).toMatchObject({
    outcome: 'done',
  });
  await engine.until(id, 'REJECTED');
});

test('an operator approves from the Temporal UI by a plain signal; one who may not is not heard, and reads why', async () => {
  const may = newId('adm');
  await engine.db.owner.query(
    `INSERT INTO admins (id, name, role) VALUES ($1, $1, 'approver'), ('adm_viewer', 'viewer', 'viewer')`,
    [may],
  );
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  const handle = engine.client.workflow.getHandle(`payout/${id}`);
  const read = () => handle.query<{ currentDetails: string; definition: unknown }>('__temporal_workflow_metadata'); // as the UI does
  expect(JSON.stringify((await read()).definition)).toContain(
    JSON.stringify('{"admin":"adm_…","decision":"approve"}').slice(1, -1),
  );
  for (const [decision, said] of [
    [{ admin: 'adm_viewer', decision: 'approve' }, '`admin` is nobody who may approve'],
    [{ admin: may, decision: 'approved' }, '`decision` must be "approve" or "reject"'],
  ] as const) {
    await handle.signal('decide', decision);
    const told = new RegExp(`^\\*\\*IN_REVIEW\\*\\*.*changed nothing: ${said}$`, 's');
    await eventually(async () => expect((await read()).currentDetails).toMatch(told)); // a signal is not waited for
  }
  await handle.signal('decide', { admin: may, decision: 'approve', note: 'from the UI' });
  await engine.until(id, 'SUCCEEDED');
  const { rows } = await engine.db.pool.query('SELECT admin_id, via FROM approvals WHERE subject_id = $1', [id]);
  expect(rows).toEqual([{ admin_id: may, via: 'signal' }]);
});

test('a held payout is not sent until it is released', async () => {
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  await engine.command(id, { type: 'held', adminId: 'adm_1', reason: 'check the payee' });
  expect(await engine.command(id, { type: 'approved', adminId: 'adm_2', note: null })).toEqual({ outcome: 'wrong_state' });
  await engine.command(id, { type: 'hold_lifted', adminId: 'adm_1' });
  await engine.command(id, { type: 'approved', adminId: 'adm_2', note: null });
  await engine.until(id, 'SUCCEEDED');
  await paidOnce(id);
});

test('a cancelled payout is never sent', async () => {
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  expect(await engine.command(id, { type: 'cancelled', by: engine.merchantId })).toMatchObject({ outcome: 'done' });
  await engine.until(id, 'CANCELLED');
  expect(await engine.transfers(id)).toHaveLength(0);
});

test('a failed payout that is reinitiated reserves again, once for each round, and fails or pays on its own', async () => {
  const first = await engine.pay('0003');
  await engine.until(first.id, 'FAILED');
  const facts = { ...first, payoutId: first.id };
  const again = () =>
    engine.payouts.accept(facts, { type: 'reinitiate', payoutId: first.id, round: 2, by: first.merchantId, requestId: 'r1' });
  const answers = await Promise.all([again(), again()]);
  for (const answer of answers) expect(answer).toMatchObject({ kind: 'answered', accepted: { outcome: 'accepted' } });
  await engine.client.workflow.getHandle(`payout/${first.id}/2`).result();
  expect(await engine.until(first.id, 'FAILED')).toMatchObject({ round: 2, attempt: 2 });
});

test('a payout that the bank sends back after it was paid gives the money back', async () => {
  const { id } = await engine.pay('0001');
  await engine.until(id, 'SUCCEEDED');
  await engine.client.workflow.getHandle(`payout/${id}`).result();
  await engine.force(id, 'returned');
  await engine.payouts.notice(id, 1, { messageId: 'pm_1', attempt: 1, claim: 'returned' });
  await engine.until(id, 'RETURNED');
});

test('a return is not lost when the PSP cannot say so at first: its message is asked about until it can', async () => {
  const { id } = await engine.pay('0001');
  await engine.until(id, 'SUCCEEDED');
  await engine.force(id, 'returned');
  await engine.fault({ kind: 'error_before', match: { reference: id }, params: { lookups: true }, times: 3 });
  await engine.payouts.notice(id, 1, { messageId: 'pm_lost', attempt: 1, claim: 'returned' });
  await engine.until(id, 'RETURNED');
});

test('a payout accepted while no worker runs is paid once one is back', async () => {
  await stopWorker();
  const payoutId = newId('po');
  const refused = await engine.pay('0001', { payoutId }).catch((error: Error) => error);
  expect(String(refused)).toContain('pending');
  stopWorker = await engine.startWorker();
  await engine.until(payoutId, 'SUCCEEDED');
  await paidOnce(payoutId);
});

test('a payout whose workflow was ended by hand is taken up again from the books, and paid once', async () => {
  const { id } = await engine.pay('0004');
  await engine.until(id, 'PSP_QUEUED');
  await engine.client.workflow.getHandle(`payout/${id}`).terminate('a wrong click');
  await engine.db.owner.query(`UPDATE payouts SET updated_at = now() - interval '1 hour' WHERE id = $1`, [id]);
  const { takeUpOpenPayouts } = createMaintenanceActivities({ pool: engine.db.pool, payouts: engine.payouts });
  const calm = new MockActivityEnvironment();
  await calm.run(takeUpOpenPayouts);
  await calm.run(takeUpOpenPayouts); // where one runs, nothing happens
  await engine.force(id, 'paid');
  await engine.until(id, 'SUCCEEDED');
  await paidOnce(id);
});
