/** A decision that the books have is one that Temporal cannot forget, whoever dies next. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Command } from '../../src/domain/payout/contract.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { type Engine, startEngine } from '../support/engine.ts';

let engine: Engine;
let stopWorker: () => Promise<void>;
/** Facts of people, and whether the update that asked for it stood in the history when the ledger was asked. */
const asked: { readonly fact: string; readonly stored: boolean }[] = [];

beforeAll(async () => {
  engine = await startEngine();
  const applyFact: Ledger['applyFact'] = async (payoutId, key, fact, actor) => {
    if (/^(admin|merchant):/.test(actor)) asked.push({ fact: fact.type, stored: (await storedUpdates(payoutId)) > 0 });
    return await engine.ledger.applyFact(payoutId, key, fact, actor);
  };
  stopWorker = await engine.startWorker({ activities: { ...engine.activities, applyFact } });
}, 60_000);

afterAll(async () => {
  await stopWorker?.();
  await engine?.stop();
});

/** Commands in the history of this payout's workflow. Its first update is another one, which changes nothing. */
async function storedUpdates(payoutId: string): Promise<number> {
  const { events } = await engine.client.workflow.getHandle(`payout/${payoutId}`).fetchHistory();
  const names = (events ?? []).map((event) => event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input?.name);
  return names.filter((name) => name === 'command').length;
}

test.each<[Command, string]>([
  [{ type: 'approved', adminId: 'adm_2', note: null }, 'SUCCEEDED'],
  [{ type: 'rejected', adminId: 'adm_2', reason: 'unknown payee' }, 'REJECTED'],
  [{ type: 'held', adminId: 'adm_1', reason: 'check the payee' }, 'REVIEW_ON_HOLD'],
  [{ type: 'cancelled', by: 'merchant' }, 'CANCELLED'],
])('a payout on which a person decided goes on at once, though worker and server die right after: %j', async (command, state) => {
  const { id } = await engine.pay('0001', { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } });
  asked.length = 0;
  expect(await engine.command(id, command)).toMatchObject({ outcome: 'done' });
  await engine.until(id, state);
  expect(asked).toEqual([{ fact: command.type, stored: true }]);
});
