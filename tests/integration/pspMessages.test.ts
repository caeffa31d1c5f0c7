/** What a PSP has told us is never forgotten: whoever died, was away or was contradicted, its payout hears of it. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { WorkflowNotFoundError } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { createMaintenanceActivities } from '../../activities/maintenance.ts';
import type { PspNotice } from '../../src/payouts/rules/contract.ts';
import { createInbox, type InboxPorts } from '../../src/relay/inbox.ts';
import { createBell } from '../../src/relay/loop.ts';
import { followUpWorkflowId, payoutWorkflowId } from '../../src/rules/ids.ts';
import { newId } from '../../src/rules/newId.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { CALLBACK_SECRET, type Door, openDoor } from '../support/door.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

let engine: Engine;
let stopWorker: () => Promise<void>;
/** Its Temporal is away: nobody at that address. */
let cutOff: Door;

beforeAll(async () => {
  engine = await startEngine();
  stopWorker = await engine.startWorker();
  cutOff = await openDoor({ db: engine.db, databaseUrl: engine.db.appUrl });
});
afterAll(async () => {
  await cutOff?.app.close();
  await stopWorker?.();
  await engine?.stop();
});
// Of the test before only what it looks at.
beforeEach(() => engine.db.owner.query('UPDATE psp_messages SET hand_on_at = NULL'));

type Told = { readonly payoutId: string; readonly notice: PspNotice };

/** What the relay does with all that is due now; by whom the payouts are told, if not by us. */
async function sweep(payouts: InboxPorts['payouts'] = engine.payouts): Promise<{ handed: number }> {
  let handed = 0;
  const notice: typeof payouts.notice = async (...message) => {
    await payouts.notice(...message);
    handed += 1;
  };
  const log = pino({ level: 'silent' });
  const patience = { endMs: 60_000 }; // for what it has begun: a slow machine decides no test
  const inbox = createInbox({
    pool: engine.db.pool,
    ledger: engine.ledger,
    payouts: { notice },
    log,
    bell: createBell(),
    ...patience,
  });
  await inbox.turn();
  await inbox.end();
  return { handed };
}
/** Notes who is told, and tells nobody. */
function listener(): { told: Told[]; payouts: InboxPorts['payouts'] } {
  const told: Told[] = [];
  const notice = async (payoutId: string, _round: number, notice: PspNotice) => void told.push({ payoutId, notice });
  return { told, payouts: { notice } };
}
const timePasses = () =>
  engine.db.owner.query(`UPDATE psp_messages SET hand_on_at = now() - interval '1 s' WHERE hand_on_at IS NOT NULL`);

async function stored(payoutId: string, claim: string, attempt = 1): Promise<string> {
  const id = newId('msg');
  await engine.db.owner.query(
    `INSERT INTO psp_messages (id, psp, event_key, payout_id, attempt, claim, body, hand_on_at)
     VALUES ($1, 'sandbox', $1, $2, $3, $4, '{}', now() - interval '1 s')`,
    [id, payoutId, attempt, claim],
  );
  return id;
}
interface Row {
  readonly state: string;
  readonly handed: number;
  readonly in: number | null;
}
const row = async (where: string, value: string): Promise<Row> => {
  const sql = `SELECT state, handed, round(extract(epoch FROM hand_on_at - now()))::int AS in FROM psp_messages WHERE ${where} = $1`;
  const [found] = (await engine.db.owner.query<Row>(sql, [value])).rows;
  if (!found) throw new Error(`no message ${value}`);
  return found;
};

const callback = (payoutId: string, status: string, eventId = newId('cb')) => {
  const data = { id: 'tr_1', reference: `${payoutId}:1`, status, amount: '1500.00', currency: 'PKR', reason: null };
  return JSON.stringify({ id: eventId, type: 'transfer.updated', createdAt: new Date().toISOString(), data });
};
const tell = (door: Door, raw: string) =>
  door.call('POST', '/api/v1/ipn/sandbox', {
    body: raw,
    idempotencyKey: null,
    headers: { 'x-signature': `sha256=${createHmac('sha256', CALLBACK_SECRET).update(raw).digest('hex')}` },
  });
const keyIn = (raw: string): string => {
  const { id, data } = JSON.parse(raw) as { id: string; data: { reference: string; status: string } };
  return `${id} ${data.reference} ${data.status}`;
};

async function paid(): Promise<string> {
  const { id } = await engine.pay('0001');
  await engine.until(id, 'SUCCEEDED');
  return id;
}

test('a return whose message was stored by an API that died before it told anybody reaches its payout', async () => {
  const id = await paid();
  await engine.force(id, 'returned');
  const messageId = await stored(id, 'returned');
  expect(await sweep()).toEqual({ handed: 1 });
  await engine.until(id, 'RETURNED');
  await eventually(async () => expect(await row('id', messageId)).toMatchObject({ state: 'applied', in: null }));
});

test('a return told while Temporal is away, and never again, is dealt with when it is back', async () => {
  const id = await paid();
  await engine.force(id, 'returned');
  const raw = callback(id, 'returned');
  expect((await tell(cutOff, raw)).status).toBe(503);
  expect(await row('event_key', keyIn(raw))).toMatchObject({ state: 'received', handed: 0 });

  const away = async () => {
    throw new TemporalUnavailable('away', { cause: undefined });
  };
  await timePasses();
  expect(await sweep({ notice: away })).toEqual({ handed: 0 });
  await timePasses();
  await sweep();
  await engine.until(id, 'RETURNED');
});

test('a payment told to an API that died before it told anybody reaches a payout whose workflow was terminated', async () => {
  const { id } = await engine.pay('0004');
  await engine.until(id, 'PSP_QUEUED');
  await engine.client.workflow.getHandle(payoutWorkflowId(id, 1)).terminate('by hand');
  await engine.force(id, 'paid');
  const raw = callback(id, 'paid');
  await tell(cutOff, raw);
  await timePasses();
  expect(await sweep()).toEqual({ handed: 1 });
  await engine.until(id, 'SUCCEEDED');
  await eventually(async () => expect(await row('event_key', keyIn(raw))).toMatchObject({ state: 'applied', in: null }));
});

test('one event id for a payment and for its return: the return is not lost', async () => {
  const id = await paid();
  const payment = callback(id, 'paid');
  expect((await tell(cutOff, payment)).status).toBe(200); // nothing new
  await engine.force(id, 'returned');
  await tell(cutOff, callback(id, 'returned', (JSON.parse(payment) as { id: string }).id));
  await timePasses();
  await sweep();
  await engine.until(id, 'RETURNED'); // was: closed as a repetition of the payment
});

test('one event id for a failure and then for a late payment: money does not stay released under a paid transfer', async () => {
  const { id } = await engine.pay('0003');
  await engine.until(id, 'FAILED');
  await tell(cutOff, callback(id, 'failed', 'evt-late'));
  await engine.force(id, 'paid');
  await tell(cutOff, callback(id, 'paid', 'evt-late'));
  await timePasses();
  await sweep();
  await engine.until(id, 'SUCCEEDED');
});

test('one event id for the returns of two payouts: both are booked', async () => {
  const [one, other] = [await paid(), await paid()];
  for (const id of [one, other]) {
    await engine.force(id, 'returned');
    await tell(cutOff, callback(id, 'returned', 'evt-two'));
  }
  await timePasses();
  await sweep();
  await engine.until(one, 'RETURNED');
  await engine.until(other, 'RETURNED'); // was: never handed on again
});

test('a message that was just stored is on its way already: the sweep leaves it alone', async () => {
  const id = await paid();
  const raw = callback(id, 'returned');
  await tell(cutOff, raw);
  expect(await sweep(listener().payouts)).toEqual({ handed: 0 });
  expect((await row('event_key', keyIn(raw))).in).toBeGreaterThan(20);
});

test('what proves nothing stays received and is asked about again, at growing distances, for as long as it takes', async () => {
  const messageId = await stored(await paid(), 'returned');
  const { told, payouts } = listener();
  const distances: (number | null)[] = [];
  for (let handed = 1; handed <= 7; handed += 1) {
    await sweep(payouts);
    await sweep(payouts); // too early: nothing more
    expect(told).toHaveLength(handed);
    distances.push((await row('id', messageId)).in);
    await timePasses();
  }
  const minutes = distances.map((seconds) => Math.round((seconds ?? 0) / 60));
  expect(minutes).toEqual([1, 4, 15, 60, 240, 1440, 1440]);
  expect(await row('id', messageId)).toMatchObject({ state: 'received', handed: 7 });
});

test('what the books have closed with meanwhile needs nobody: no signal, no look-up', async () => {
  const messageId = await stored(await paid(), 'paid');
  const { told, payouts } = listener();
  await sweep(payouts);
  expect([told, await row('id', messageId)]).toEqual([[], { state: 'applied', handed: 0, in: null }]);
});

test('a return that an index has not heard of yet is not lost: the look-up contradicts the message, and is asked again', async () => {
  const id = await paid();
  await engine.force(id, 'returned');
  const match = { reference: `${id}:1` };
  await engine.fault({ kind: 'contradicts', params: { words: ['paid'] }, match });
  const messageId = await stored(id, 'returned');
  await sweep();
  await eventually(async () => expect(await row('id', messageId)).toMatchObject({ state: 'ignored', handed: 1 }));
  // A workflow that has not heard the end of its own look-up yet lets a message go by that it is still looking into.
  await eventually(async () => {
    await timePasses();
    await sweep();
    expect(await engine.ledger.read(id)).toMatchObject({ state: 'RETURNED' });
  });
  await eventually(async () => expect(await row('id', messageId)).toMatchObject({ state: 'applied', in: null }));
});

function unlessThereIsNone(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** How many workflows of this payout run: its own, and the one that follows it up. */
async function openWorkflows(id: string): Promise<number> {
  const states = await Promise.all(
    [payoutWorkflowId(id, 1), followUpWorkflowId(id)].map(async (workflowId) => {
      const found = await engine.client.workflow.getHandle(workflowId).describe().catch(unlessThereIsNone);
      return found?.status.name;
    }),
  );
  return states.filter((name) => name === 'RUNNING').length;
}

test('what every look-up contradicts is asked about five times, noted once, and then told to an operator', async () => {
  const id = await paid();
  const messageId = await stored(id, 'returned');
  for (let handed = 1; handed <= 5; handed += 1) {
    expect(await sweep()).toEqual({ handed: 1 });
    await eventually(async () => expect(await row('id', messageId)).toMatchObject({ state: 'ignored', handed }));
    await eventually(async () => expect(await openWorkflows(id)).toBe(0)); // whoever looked into it has heard the end
    await timePasses();
  }
  expect(await sweep()).toEqual({ handed: 0 });
  expect(await row('id', messageId)).toEqual({ state: 'ignored', handed: 5, in: null });
  const ignored = `SELECT FROM events WHERE subject_id = $1 AND type = 'payout.fact_ignored'`;
  expect((await engine.db.owner.query(ignored, [id])).rows).toHaveLength(2);
  expect(await engine.until(id, 'SUCCEEDED')).toMatchObject({ state: 'SUCCEEDED', needsOperator: true });
});

test('what a message says again, and look-ups deny again, is told again to an operator who had closed it', async () => {
  const id = await paid();
  const messageId = await stored(id, 'returned');
  // As after five look-ups that said "paid"; the PSP sends it again (callbacks.ts, ON CONFLICT), and so once more.
  const deniedFiveTimes = async () => {
    const denied = `UPDATE psp_messages SET state = 'ignored', handed = 5, hand_on_at = now(), received_at = now() WHERE id = $1`;
    await engine.db.owner.query(denied, [messageId]);
    await sweep(listener().payouts);
  };
  await deniedFiveTimes();
  expect(await engine.ledger.read(id)).toMatchObject({ needsOperator: true });
  await engine.db.owner.query('UPDATE payouts SET needs_operator = false WHERE id = $1', [id]); // acknowledged
  await deniedFiveTimes();
  expect(await engine.ledger.read(id)).toMatchObject({ needsOperator: true }); // was: its key was used up
});

test('an attempt in doubt that was acknowledged and then paid is found, though the PSP’s message is lost', async () => {
  const payout = await engine.pay('0003');
  const { id } = payout;
  await engine.until(id, 'FAILED');
  await engine.force(id, 'processing' as 'paid');
  await engine.payouts.notice(id, 1, { messageId: newId('msg'), attempt: 1, claim: 'processing' });
  await eventually(async () => expect(await engine.ledger.read(id)).toMatchObject({ unproven: [1], needsOperator: true }));
  const { sequence = 0 } = (await engine.ledger.read(id)) ?? {};
  const note = { type: 'acknowledged', adminId: 'adm_1', note: 'asked the PSP' } as const;
  await engine.payouts.commandAfterEnd({ ...payout, sequence }, note, newId('upd'));
  expect(await engine.ledger.read(id)).toMatchObject({ state: 'FAILED', needsOperator: false });
  await engine.force(id, 'paid');
  const { pool } = engine.db;
  const everyTenMinutes = createMaintenanceActivities({ pool, payouts: engine.payouts }).takeUpOpenPayouts;
  expect(await new MockActivityEnvironment().run(everyTenMinutes)).toMatchObject({ lookedUp: 0 }); // it was, a moment ago
  const later = createMaintenanceActivities({ pool, payouts: engine.payouts, doubtedAgainMs: 0 }).takeUpOpenPayouts;
  await eventually(async () => {
    await new MockActivityEnvironment().run(later);
    expect(await engine.ledger.read(id)).toMatchObject({ state: 'SUCCEEDED', needsOperator: true }); // was: released for ever
  });
});

test('a payout that cannot be taken up keeps nobody behind it from being taken up', async () => {
  const ids = [await paid(), await paid(), await paid()];
  await engine.db.owner.query(`UPDATE payouts SET state = 'QUEUED', updated_at = now() - interval '1 hour' WHERE id = ANY ($1)`, [
    ids,
  ]);
  const asked: string[] = [];
  const resume = async ({ id }: { id: string }) => {
    if (id === ids[0]) throw new Error('3 INVALID_ARGUMENT');
    asked.push(id);
  };
  const { takeUpOpenPayouts } = createMaintenanceActivities({
    pool: engine.db.pool,
    payouts: { resume, lookAgain: async () => false },
  });
  await new MockActivityEnvironment().run(takeUpOpenPayouts);
  await engine.db.owner.query(`UPDATE payouts SET state = 'SUCCEEDED' WHERE id = ANY ($1)`, [ids]);
  expect(asked).toEqual(ids.slice(1));
});

test('a PSP that tells again what was ignored, or what was true once and is again, is heard; what the books say is not', async () => {
  const id = await paid();
  const { told, payouts } = listener();
  const door = await openDoor({ db: engine.db, databaseUrl: engine.db.appUrl, payouts: { ...engine.payouts, ...payouts } });
  try {
    const lie = callback(id, 'returned');
    await tell(door, lie);
    await engine.db.owner.query(`UPDATE psp_messages SET state = 'ignored', hand_on_at = NULL WHERE event_key = $1`, [
      keyIn(lie),
    ]);
    await tell(door, lie);
    expect(told.map(({ notice }) => notice.claim)).toEqual(['returned', 'returned']);
    expect(await row('event_key', keyIn(lie))).toMatchObject({ state: 'received' });

    const payment = callback(id, 'paid');
    await tell(door, payment);
    await tell(door, payment);
    expect(told).toHaveLength(2); // the books say so
    await engine.force(id, 'returned');
    await stored(id, 'returned');
    await sweep();
    await engine.until(id, 'RETURNED');
    await tell(door, payment);
    expect(told.map(({ notice }) => notice.claim)).toEqual(['returned', 'returned', 'paid']);
  } finally {
    await door.app.close();
  }
});

test('a message that cannot be handed on does not hold up the others, and an orphan stays with the operator', async () => {
  const [bad, good] = [await paid(), await paid()];
  const [badId] = [await stored(bad, 'returned'), await stored(good, 'returned')];
  const orphan = newId('msg');
  await engine.db.owner.query(
    `INSERT INTO psp_messages (id, psp, event_key, claim, body, state) VALUES ($1, 'sandbox', $1, 'paid', '{}', 'orphan')`,
    [orphan],
  );
  const { told, payouts } = listener();
  const notice: typeof payouts.notice = async (payoutId, round, message) => {
    if (payoutId === bad) throw new Error('poisoned');
    await payouts.notice(payoutId, round, message);
  };
  expect(await sweep({ ...payouts, notice })).toEqual({ handed: 1 });
  expect(told.map(({ payoutId }) => payoutId)).toEqual([good]);
  expect(await row('id', badId)).toMatchObject({ state: 'received', handed: 0, in: expect.any(Number) });
  expect(await row('id', orphan)).toMatchObject({ state: 'orphan', in: null });
});
