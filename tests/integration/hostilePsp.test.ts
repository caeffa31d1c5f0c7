/** PSPs on a bad day: they take and are silent, refuse a repeat, contradict themselves over days. Paid once all the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';

let engine: Engine;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine();
  stopWorker = await engine.startWorker();
});

afterEach(async () => {
  const broken = (await checkInvariants(engine.db.pool)).filter(({ violations }) => violations > 0);
  expect(broken).toEqual([]);
});

afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

const taken = async (payoutId: string) =>
  (await engine.transfers(payoutId)).flatMap(({ takenAt, status }) => (takenAt === null ? [] : [status]));

const types = async (payoutId: string): Promise<string[]> => {
  const { rows } = await engine.db.pool.query<{ type: string }>(
    'SELECT type FROM events WHERE subject_id = $1 ORDER BY sequence',
    [payoutId],
  );
  return rows.map(({ type }) => type);
};

const entries = async (payoutId: string): Promise<string[]> => {
  const { rows } = await engine.db.pool.query<{ type: string }>(
    'SELECT type FROM ledger_entries WHERE subject_id = $1 ORDER BY id',
    [payoutId],
  );
  return rows.map(({ type }) => type);
};

/** An account of its own, so that a fault is bound to one payout. */
let accounts = 0;
function accountEndingIn(suffix: string) {
  accounts += 1;
  const accountNumber = `55${String(accounts).padStart(8, '0')}${suffix}`;
  return { type: 'bank', bankCode: 'HBL', accountNumber, iban: null, accountTitle: 'Ayesha Khan' } as const;
}

/** Takes the first request and cuts the line, shows the transfer late, and refuses every repeat at its door. */
async function payToSilentTaker(lag: { ms?: number }) {
  const destination = accountEndingIn('0001');
  const match = { accountNumber: destination.accountNumber };
  await engine.fault({ kind: 'cut_after', match, times: 1 });
  await engine.fault({ kind: 'lagging_look_up', match, params: lag, times: 1_000 });
  await engine.fault({ kind: 'refuse_resend', match, params: { message: 'name enquiry failed' }, times: 1_000 });
  return await engine.pay('0001', { destination });
}

test('a refusal of a repeat is no proof about the first request: nothing is released, and it is found paid', async () => {
  const { id } = await payToSilentTaker({ ms: 5_000 });
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
  expect(await taken(id)).toEqual(['paid']);
  expect(await types(id)).not.toContain('payout.failed');
  expect(await entries(id)).toEqual(['RESERVE', 'SETTLE']);
});

test('while the PSP shows nothing of what it took, an operator is asked, and no new key can exist', async () => {
  const payout = await payToSilentTaker({});
  const { id } = payout;
  expect(await engine.until(id, 'UNRESOLVED')).toMatchObject({ needsOperator: true, attempt: 1, unproven: [1] });
  const opening = { type: 'reinitiate', payoutId: id, round: 2, by: payout.merchantId, requestId: newId('req') } as const;
  const again = await engine.payouts.accept({ ...payout, payoutId: id }, opening);
  expect(again).toMatchObject({ accepted: { outcome: 'refused', code: 'not_reinitiable' } });
  expect(await engine.transfers(id)).toHaveLength(1);
  expect(await entries(id)).toEqual(['RESERVE']);
});

test('what the bank sent back and then paid again is paid in our books, and an operator is told', async () => {
  const { id } = await engine.pay('0001');
  await engine.until(id, 'SUCCEEDED');
  await engine.force(id, 'returned');
  await engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt: 1, claim: 'returned' });
  await engine.until(id, 'RETURNED');
  await engine.force(id, 'paid');
  await engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt: 1, claim: 'paid' });
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ needsOperator: true, returns: 1 });
  expect(await entries(id)).toEqual(['RESERVE', 'SETTLE', 'REVERSE', 'SETTLE']);
});

test('a look-up that never comes back about one attempt hides no return of another', async () => {
  const { id } = await engine.pay('0002');
  await engine.until(id, 'SUCCEEDED');
  const dead = { kind: 'error_before', match: { reference: `${id}:1` }, params: { lookups: true }, times: 1_000 };
  await engine.fault(dead);
  await engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt: 1, claim: 'paid' });
  await engine.force(id, 'returned', { attempt: 2 });
  await engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt: 2, claim: 'returned' });
  await engine.until(id, 'RETURNED'); // by then the first one's tries, half a minute of them, are not over
  const { status } = await engine.client.workflow
    .getHandle(`payout/${id}/after`)
    .describe()
    .catch(() => ({ status: { name: 'COMPLETED' } }));
  expect(['RUNNING', 'COMPLETED']).toContain(status.name);
});

test('before a failed payout is sent anew its earlier attempts are looked up: one paid meanwhile is not paid again', async () => {
  const payout = await engine.pay('0003');
  const { id } = payout;
  await engine.until(id, 'FAILED');
  await engine.force(id, 'paid');
  const opening = { type: 'reinitiate', payoutId: id, round: 2, by: payout.merchantId, requestId: newId('req') } as const;
  expect(await engine.payouts.accept({ ...payout, payoutId: id }, opening)).toMatchObject({ accepted: { outcome: 'accepted' } });
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1, round: 2 });
  expect(await engine.transfers(id)).toHaveLength(1);
  expect(await entries(id)).toEqual(['RESERVE', 'RELEASE', 'RESERVE', 'SETTLE']);
});

test('a PSP whose look-ups are broken is shown to an operator in time, however many messages it sends', async () => {
  const destination = accountEndingIn('0001');
  const match = { accountNumber: destination.accountNumber };
  await engine.fault({ kind: 'cut_after', match, times: 1 });
  const { id } = await engine.pay('0001', { destination });
  await engine.fault({ kind: 'error_before', match: { reference: id }, params: { lookups: true }, times: 10_000 });
  let isOver = false;
  const callbacks = (async () => {
    while (!isOver) {
      await engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt: 1, claim: 'processing' });
      await sleep(300);
    }
  })();
  const asked = await engine.until(id, 'UNRESOLVED').finally(() => {
    isOver = true;
  });
  await callbacks;
  expect(asked).toMatchObject({ needsOperator: true });
});

test('a payout that was held during its review is rejected when its window ends, not a whole window later', async () => {
  const patient = createPayoutsClient(engine.client, {
    times: { ...SHORT_TIMES, reviewWindowMs: 3_600_000 },
    allowSignalDecisions: false,
  });
  const { id, reviewUntil } = await engine.pay(
    '0001',
    { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } },
    patient,
  );
  await engine.command(id, { type: 'held', adminId: 'adm_1', reason: 'check the payee' });
  expect((await engine.ledger.read(id))?.reviewUntil).toBe(reviewUntil);
  await engine.db.owner.query('UPDATE payouts SET review_until = now() WHERE id = $1', [id]); // an hour later
  await engine.command(id, { type: 'hold_lifted', adminId: 'adm_1' });
  await engine.until(id, 'REJECTED');
});
