/** What people decide counts at once: whoever dies next, and however slow a PSP is. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Command, stateQuery } from '../../src/payouts/rules/contract.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

let engine: Engine;
let stopWorker: () => Promise<void>;
/** When a PSP answers; and when its answer, which stands in the books by then, is known to the payout's workflow. */
let pspAnswers: Promise<void> = Promise.resolve();
let workflowHears: Promise<void> = Promise.resolve();
/** The same of what a person decided. */
let decisionHeard: Promise<void> = Promise.resolve();
/** Facts of people, and whether the update that asked for it stood in the history when the ledger was asked. */
const asked: { readonly fact: string; readonly stored: boolean }[] = [];

beforeAll(async () => {
  engine = await startEngine();
  const applyAsked: typeof engine.activities.applyAsked = async (payoutId, key, fact, actor) => {
    asked.push({ fact: fact.type, stored: (await storedUpdates(payoutId)) > 0 });
    const answer = await engine.activities.applyAsked(payoutId, key, fact, actor);
    await decisionHeard;
    return answer;
  };
  const submit: typeof engine.activities.submit = async (input) => {
    await pspAnswers;
    const answer = await engine.activities.submit(input);
    await workflowHears;
    return answer;
  };
  const activities = { ...engine.activities, applyAsked, submit };
  stopWorker = await engine.startWorker({ activities, maxConcurrentActivityTaskExecutions: 1 });
});

afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

function gate(): { opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Commands in the history of this payout's workflow. Its first update is another one, which changes nothing. */
async function storedUpdates(payoutId: string): Promise<number> {
  const { events } = await engine.client.workflow.getHandle(`payout/${payoutId}`).fetchHistory();
  const names = (events ?? []).map((event) => event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name);
  return names.filter((name) => name === 'command').length;
}

test.each<[() => Command, string]>([
  [() => ({ type: 'approved', adminId: 'adm_2', note: null }), 'SUCCEEDED'],
  [() => ({ type: 'rejected', adminId: 'adm_2', reason: 'unknown payee' }), 'REJECTED'],
  [() => ({ type: 'held', adminId: 'adm_1', reason: 'check the payee' }), 'REVIEW_ON_HOLD'],
  [() => ({ type: 'cancelled', by: engine.merchantId }), 'CANCELLED'],
])('a payout on which a person decided goes on at once, though worker and server die right after: %#', async (wanted, state) => {
  const command = wanted();
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  asked.length = 0;
  expect(await engine.command(id, command)).toMatchObject({ outcome: 'done' });
  await engine.until(id, state);
  expect(asked).toEqual([{ fact: command.type, stored: true }]);
});

test('an operator can stop payouts while every slot of the worker waits for a PSP that hangs', async () => {
  const psp = gate();
  pspAnswers = psp.opened;
  const hanging = await engine.pay('0001');
  const { id } = await engine.pay('0001');
  expect(await engine.command(id, { type: 'held', adminId: 'adm_1', reason: 'the PSP hangs' })).toMatchObject({
    outcome: 'done',
  });
  psp.open();
  await engine.until(hanging.id, 'SUCCEEDED');
  // The held one's call waits for the slot, too, and is refused: before that it could take the next test's news for its own.
  const { workflow } = engine.client;
  await eventually(async () =>
    expect((await workflow.getHandle(`payout/${id}`).describe()).raw.pendingActivities ?? []).toEqual([]),
  );
  expect(await engine.transfers(id)).toEqual([]);
});

/** The books are ahead: what came of this payout stands in them, and its workflow is told when `tell` is called. */
async function untold(account: string, state: string): Promise<{ id: string; tell(): void }> {
  const news = gate();
  workflowHears = news.opened;
  const { id } = await engine.pay('', {
    destination: { type: 'bank', bankCode: 'HBL', accountNumber: account, iban: null, accountTitle: null },
  });
  await engine.until(id, state);
  asked.length = 0;
  return { id, tell: news.open };
}

test('an operator can resolve what stands unresolved in the books, though its workflow has yet to hear of it', async () => {
  const account = '88800000000011';
  await engine.fault({ kind: 'wrong_amount', match: { accountNumber: account } });
  const { id, tell } = await untold(account, 'UNRESOLVED');
  const resolved = { type: 'resolved_paid', adminId: 'adm_1', evidence: 'statement line 7' } as const;
  expect(await engine.command(id, resolved)).toMatchObject({ outcome: 'done', payout: { state: 'SUCCEEDED' } });
  expect(asked).toEqual([{ fact: 'resolved_paid', stored: true }]);
  tell();
  await engine.client.workflow.getHandle(`payout/${id}`).result();
});

test('an operator can resolve what a task wrote down that was lost with its worker: whoever decides has seen more than the workflow', async () => {
  const { id } = await engine.pay('0004');
  const { sequence } = await engine.until(id, 'PSP_QUEUED', 'PROCESSING');
  const lost = [
    { type: 'outcome_unknown', attempt: 1, reason: 'the PSP no longer says' },
    { type: 'outcome_overdue', attempt: 1 },
  ] as const;
  for (const fact of lost) {
    expect(await engine.ledger.applyFact(id, `lost:${fact.type}:${sequence}`, fact, 'system')).toMatchObject({
      outcome: 'applied',
    });
  }
  asked.length = 0;
  const resolved = { type: 'resolved_paid', adminId: 'adm_1', evidence: 'statement line 8' } as const;
  expect(await engine.command(id, resolved)).toMatchObject({ outcome: 'done', payout: { state: 'SUCCEEDED' } });
  expect(asked).toEqual([{ fact: 'resolved_paid', stored: true }]);
});

test('money that comes back is booked, though the payout has ended and its workflow waits for the answer to a late cancel', async () => {
  const { id, tell } = await untold('88800000000001', 'SUCCEEDED');
  const answer = gate();
  decisionHeard = answer.opened;
  const cancel = engine.command(id, { type: 'cancelled', by: engine.merchantId });
  await eventually(() => expect(asked).toHaveLength(1));
  tell();
  const handle = engine.client.workflow.getHandle(`payout/${id}`);
  await eventually(async () => expect(await handle.query(stateQuery)).toMatchObject({ state: 'SUCCEEDED' }));
  await engine.force(id, 'returned');
  await engine.payouts.notice(id, 1, { messageId: 'pm_1', attempt: 1, claim: 'returned' });
  answer.open();
  expect(['wrong_state', 'pending']).toContain((await cancel).outcome);
  await handle.result();
  expect((await engine.ledger.read(id))?.state).toBe('RETURNED');
});
