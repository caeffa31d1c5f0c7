/** Guards: a payout whose workflow is gone, or hears of nothing any more, is in somebody's charge again when it matters. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { createPayoutsClient } from '../../src/payouts/client.ts';
import type { PayoutRequest } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, SHORT_TIMES, startEngine } from '../support/engine.ts';

/** As on any server, but lower than its 10,000. */
const SIGNALS_MAX = 50;

let engine: Engine;
let stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine({ dynamicConfig: [`history.maximumSignalsPerExecution=${SIGNALS_MAX}`] });
  await engine.trustProviders();
  await start();
});
afterAll(async () => {
  await halt();
  await engine?.stop();
});

const halt = async () => void (await Promise.all(stops.splice(0).map((stop) => stop())));
const start = async () => {
  stops = await Promise.all([engine.startWorker(), engine.startProviderPsp()]);
};

/** A stranger at Temporal sends all that a run may take. */
async function flood(workflowId: string): Promise<void> {
  const handle = new Client({ connection: engine.env.connection }).workflow.getHandle(workflowId);
  for (let left = SIGNALS_MAX + 1; left > 0; left -= 1) await handle.signal('x').catch(() => undefined);
}

const ended: string[] = [];
const payouts = () =>
  createPayoutsClient(engine.client, { times: SHORT_TIMES, allowSignalDecisions: true }, (workflowId) => ended.push(workflowId));

test('a payout that a stranger has sent all signals that it may take is handed over by its run all the same', async () => {
  const { id } = await engine.payProvider(await engine.provider('5000'), '0001');
  const payout = await engine.until(id, 'QUEUED');
  await flood(`payout/${id}`);
  await payouts().dispatch(payout, newId('run'));
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ attempt: 1 });
  expect(ended).toContain(`payout/${id}`);
});

test('a payout at the PSP that hears of nothing any more is paid in the books when the PSP says so', async () => {
  const { id } = await engine.pay('0004');
  await engine.until(id, 'PSP_QUEUED');
  await flood(`payout/${id}`);
  await engine.force(id, 'paid');
  await payouts().notice(id, 1, { messageId: newId('msg'), attempt: 1, claim: 'paid' });
  await engine.until(id, 'SUCCEEDED');
  expect(ended).toContain(`payout/${id}`);
  expect(await engine.transfers(id)).toHaveLength(1);
});

test('a payout whose workflow was ended before it was in the books is taken in when its client asks again', async () => {
  await halt();
  const request: PayoutRequest = {
    ...{ payoutId: newId('po'), merchantId: engine.merchantId, currency: 'PKR', amountMinor: '10000', reference: newId('ref') },
    ...{ description: null, metadata: {}, callbackUrl: null, psp: 'sandbox', makerId: null },
    mode: 'test',
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: '7700000001230001', iban: null, accountTitle: 'Ayesha Khan' },
    terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: null },
  };
  const ask = () => engine.payouts.accept({ ...request, kind: 'merchant' }, { type: 'new', request });
  expect(await ask()).toEqual({ kind: 'pending' });
  await engine.client.workflow.getHandle(`payout/${request.payoutId}`).terminate('by hand');
  await start();
  expect(await engine.payouts.recall(request.payoutId)).toEqual({ kind: 'unknown' }); // was: pending, for as long as it is remembered
  expect(await ask()).toMatchObject({ kind: 'answered', accepted: { outcome: 'accepted' } });
  await engine.until(request.payoutId, 'SUCCEEDED');
  expect(await ask()).toMatchObject({ kind: 'answered', accepted: { outcome: 'accepted', sequence: 1 } });
  expect(await engine.transfers(request.payoutId)).toHaveLength(1);
});
