/** Who may decide is asked of the books when it is decided, whatever the way in, and whatever a key said before. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { STEPS, type TimelineRow } from '../../src/events/timeline.ts';
import type { Command } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

const REVIEWED = { terms: { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' } };

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

async function admin(role: string, active = true): Promise<string> {
  const id = newId('adm');
  await engine.db.owner.query('INSERT INTO admins (id, name, role, active) VALUES ($1, $1, $2, $3)', [id, role, active]);
  return id;
}

const approve = (adminId: string): Command => ({ type: 'approved', adminId, note: null });
const hold = (adminId: string): Command => ({ type: 'held', adminId, reason: 'look' });

test.each<[string, (adminId: string) => Command, string, boolean]>([
  ['an operator approves', approve, 'operator', true],
  ['a viewer approves', approve, 'viewer', true],
  ['an approver who has left approves', approve, 'approver', false],
  ['an approver who has left holds', hold, 'approver', false],
  ['a viewer holds', hold, 'viewer', true],
])('nothing changes when %s', async (_, commandOf, role, active) => {
  const { id } = await engine.pay('0001', REVIEWED);
  expect(await engine.command(id, commandOf(await admin(role, active)))).toEqual({ outcome: 'not_allowed' });
  expect((await engine.ledger.read(id))?.state).toBe('IN_REVIEW');
});

test('nobody decides in a name that is no admin’s', async () => {
  const { id } = await engine.pay('0001', REVIEWED);
  expect(await engine.command(id, approve('adm_nobody'))).toEqual({ outcome: 'not_allowed' });
});

test('a payout is cancelled by its owner, and by no other merchant or provider', async () => {
  const { id } = await engine.pay('0001', REVIEWED);
  const { providerId } = await engine.provider('1000');
  for (const by of [newId('mer'), providerId]) {
    expect(await engine.command(id, { type: 'cancelled', by })).toEqual({ outcome: 'not_allowed' });
  }
  expect(await engine.command(id, { type: 'cancelled', by: engine.merchantId })).toMatchObject({ outcome: 'done' });
});

test('a signal is asked the same: whoever made a payout cannot approve it that way either', async () => {
  const makerId = await admin('approver');
  const { id } = await engine.pay('0001', { ...REVIEWED, makerId });
  const handle = engine.client.workflow.getHandle(`payout/${id}`);
  const told = () => handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
  for (const [who, why] of [
    [makerId, 'self_approval'],
    [await admin('operator'), 'nobody who may approve'],
    [await admin('approver', false), 'nobody who may approve'],
  ] as const) {
    await handle.signal('decide', { admin: who, decision: 'approve' });
    await eventually(async () => expect((await told()).currentDetails).toContain(why));
    await handle.signal('decide', {}); // so that the next answer is not mistaken for this one
    await eventually(async () => expect((await told()).currentDetails).toContain('`admin` is nobody'));
    await handle.signal('decide', { admin: who });
    await eventually(async () => expect((await told()).currentDetails).toContain('`decision` must be'));
  }
  expect((await engine.ledger.read(id))?.state).toBe('IN_REVIEW');
});

test('what a decision notes is for operators: its merchant’s timeline does not show it, whatever the way in', async () => {
  const notes: readonly ((id: string) => Promise<unknown>)[] = [
    (id) => engine.command(id, { type: 'approved', adminId: 'adm_1', note: 'for us only' }),
    (id) =>
      engine.client.workflow
        .getHandle(`payout/${id}`)
        .signal('decide', { admin: 'adm_1', decision: 'approve', note: 'for us only' }),
    (id) =>
      engine.client.workflow
        .getHandle(`payout/${id}`)
        .signal('decide', { admin: 'adm_1', decision: 'reject', note: 'for us only' }),
  ];
  for (const decide of notes) {
    const { id } = await engine.pay('0001', REVIEWED);
    await decide(id);
    await engine.until(id, 'SUCCEEDED', 'REJECTED');
    const { rows } = await engine.db.pool.query<TimelineRow & { fromState: string | null; toState: string }>(
      'SELECT sequence, type, at, actor, from_state AS "fromState", to_state AS "toState", data FROM events WHERE subject_id = $1',
      [id],
    );
    expect(JSON.stringify(rows)).toContain('for us only');
    expect(JSON.stringify(rows.map(STEPS.payout.merchant))).not.toContain('for us only');
  }
});

test('a command that was given to an earlier run is not obeyed by the next', async () => {
  const { id, round, sequence } = await engine.pay('0001', REVIEWED);
  expect(await engine.command(id, hold('adm_1'))).toMatchObject({ outcome: 'done' });
  await engine.client.workflow.getHandle(`payout/${id}`).terminate('as if it was lost');
  const now = await engine.ledger.read(id);
  if (now) await engine.payouts.resume(now);
  const lift: Command = { type: 'hold_lifted', adminId: 'adm_1' };
  expect(await engine.payouts.command({ id, round, sequence }, lift, newId('upd'))).toEqual({ outcome: 'wrong_state' });
  expect(await engine.command(id, lift)).toMatchObject({ outcome: 'done' });
});
