/** What people decide on payouts, put to real workflows: done once, by the right person, and written down. */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { PayoutRequest } from '../../src/payouts/rules/contract.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, openDoor, type TestAdmin } from '../support/door.ts';
import { type Admins, everyRole } from '../support/doorWorld.ts';
import { type Engine, startEngine } from '../support/engine.ts';

let engine: Engine;
let door: Door;
let admins: Admins;
let second: TestAdmin;
let stopWorker: () => Promise<void>;
beforeAll(async () => {
  engine = await startEngine();
  door = await openDoor({ db: engine.db, payouts: engine.payouts });
  admins = await everyRole(door);
  second = await door.admin('approver');
  stopWorker = await engine.startWorker();
});
afterAll(async () => {
  await stopWorker();
  await door.stop();
  await engine.stop();
});

interface Deciding {
  readonly by?: TestAdmin;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

const ask = (payoutId: string, action: string, { by = admins.approver, body, headers }: Deciding = {}) =>
  door.call('POST', `/api/admin/payouts/${payoutId}/${action}`, {
    key: by.key,
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });

/** As a client should: under a key, and again for as long as no worker has answered (on a busy machine that is no fault). */
async function decide(payoutId: string, action: string, options: Deciding = {}): ReturnType<typeof ask> {
  const headers = { 'x-idempotency-key': newId('try'), ...options.headers };
  for (;;) {
    const answer = await ask(payoutId, action, { ...options, headers });
    if (answer.status !== 202) return answer;
  }
}

/** A payout that has come to this state, whether or not its first answer came in time. */
async function payoutIn(state: string, suffix: string, change: Partial<PayoutRequest>): Promise<string> {
  const payoutId = newId('po');
  await engine.pay(suffix, { payoutId, ...change }).catch(() => undefined);
  return (await engine.until(payoutId, state)).id;
}
const UNDER_REVIEW = { feeBps: 0, feeFixedMinor: '0', reviewFromMinor: '1' };
const inReview = (change: Partial<PayoutRequest> = {}) => payoutIn('IN_REVIEW', '0004', { terms: UNDER_REVIEW, ...change });
const audited = async (payoutId: string): Promise<string[]> => {
  const { body } = await door.call<{ data: { adminId: string; action: string; data: { outcome: string } }[] }>(
    'GET',
    `/api/admin/audit?target=${payoutId}`,
    { key: admins.admin.key },
  );
  const outcomes = body.data.map(({ action, data }) => `${action} ${data.outcome}`).reverse();
  return outcomes.filter((line) => !line.endsWith(' pending'));
};
const refused = ({ status, body }: { status: number; body: Record<string, unknown> }) => [status, body['code']];

describe('deciding', () => {
  test('an approved payout goes on its way, and nobody decides it a second time', async () => {
    const id = await inReview();
    const approved = await decide(id, 'approve', { body: { note: 'known customer' } });
    expect(approved.status).toBe(200);
    expect(approved.body).toMatchObject({
      id,
      object: 'payout',
      review: { approvals: [{ adminId: admins.approver.id, decision: 'approved' }] },
    });
    await engine.until(id, 'PSP_QUEUED');
    expect(refused(await decide(id, 'approve'))).toEqual([409, 'already_decided']);
    const over = await decide(id, 'approve', { by: second });
    expect(refused(over)).toEqual([409, 'wrong_state']);
    expect(over.body.detail).toMatch(/^The payout is [A-Z]+: then/); // in the words of the API, not of the books
    expect(await audited(id)).toEqual(['payout.approve done', 'payout.approve already_decided', 'payout.approve wrong_state']);
  });

  test('a rejected payout gives its money back, and its end changes nothing of who decided', async () => {
    const id = await inReview();
    const rejected = await decide(id, 'reject', { body: { reason: 'not an invoice' } });
    expect(rejected.body).toMatchObject({ status: 'REJECTED', failure: { message: expect.stringContaining('not an invoice') } });
    await engine.client.workflow.getHandle(`payout/${id}`).result();
    expect(refused(await decide(id, 'reject', { body: { reason: 'again' } }))).toEqual([409, 'already_decided']);
    expect(refused(await decide(id, 'approve', { by: second }))).toEqual([409, 'wrong_state']);
    expect(refused(await decide(id, 'hold', { by: admins.operator, body: { reason: 'late' } }))).toEqual([409, 'wrong_state']);
  });

  test('whoever issued the key that made a payout does not approve it, whatever their role', async () => {
    const id = await inReview({ makerId: admins.admin.id });
    expect(refused(await decide(id, 'approve', { by: admins.admin }))).toEqual([403, 'self_approval']);
    expect((await engine.ledger.read(id))?.state).toBe('IN_REVIEW');
    expect((await decide(id, 'approve')).status).toBe(200);
    expect(await audited(id)).toEqual(['payout.approve self_approval', 'payout.approve done']);
  });

  test('of two approvers at the same moment one decides', async () => {
    const id = await inReview();
    const answers = await Promise.all([decide(id, 'approve'), decide(id, 'reject', { by: second, body: { reason: 'no' } })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('a held payout waits until it is released', async () => {
    const id = await inReview();
    const by = admins.operator;
    const held = await decide(id, 'hold', { by, body: { reason: 'ask the bank' } });
    expect(held.body).toMatchObject({ status: 'ON_HOLD', hold: { reason: 'ask the bank', source: 'operator' } });
    expect(refused(await decide(id, 'approve'))).toEqual([409, 'wrong_state']);
    const released = await decide(id, 'release', { by });
    expect(released.body).toMatchObject({ status: 'IN_REVIEW', hold: null });
    expect(refused(await decide(id, 'release', { by }))).toEqual([409, 'wrong_state']);
    // Held, released and held again is three different things, even for a client that sends one request id for all.
    const headers = { 'x-request-id': 'always-the-same' };
    for (const [action, state] of [
      ['hold', 'REVIEW_ON_HOLD'],
      ['release', 'IN_REVIEW'],
      ['hold', 'REVIEW_ON_HOLD'],
    ] as const) {
      await ask(id, action, { by, headers, ...(action === 'hold' && { body: { reason: 'again' } }) });
      await engine.until(id, state);
    }
  });

  test('only an outcome that stayed unknown can be resolved, with evidence, and it settles the money', async () => {
    const waiting = await inReview();
    const by = admins.operator;
    const body = { outcome: 'paid', evidence: 'bank statement of 21 November, line 7' };
    const early = await decide(waiting, 'resolve', { by, body });
    expect(refused(early)).toEqual([409, 'wrong_state']);
    expect(early.body['detail']).toContain('IN_REVIEW');
    await engine.fault({ kind: 'wrong_amount', times: 1 });
    const id = await payoutIn('UNRESOLVED', '0001', {});
    expect((await decide(id, 'resolve', { by, body: { outcome: 'paid' } })).status).toBe(400);
    const resolved = await decide(id, 'resolve', { by, body });
    expect(resolved.status).toBe(200);
    expect(resolved.body).toMatchObject({ status: 'SUCCESS' });
    expect(await audited(id)).toEqual(['payout.resolve done']);
  });

  test('what needs an operator is dealt with once it is acknowledged with a note, also when the payout is long over', async () => {
    const id = await payoutIn('FAILED', '0003', {});
    const by = admins.operator;
    await engine.db.owner.query('UPDATE payouts SET needs_operator = true WHERE id = $1', [id]);
    expect((await decide(id, 'acknowledge', { by, body: {} })).status).toBe(400);
    const body = { note: 'called the bank, nothing to do' };
    expect((await decide(id, 'acknowledge', { by, body })).status).toBe(200);
    expect((await engine.ledger.read(id))?.needsOperator).toBe(false);
    expect(await audited(id)).toEqual(['payout.acknowledge done']);
  });

  test('an outcome that nobody knows is not acknowledged away: it is resolved', async () => {
    await engine.fault({ kind: 'wrong_amount', times: 1 });
    const id = await payoutIn('UNRESOLVED', '0001', {});
    const options = { by: admins.operator, body: { note: 'seen' } };
    expect(refused(await decide(id, 'acknowledge', options))).toEqual([409, 'wrong_state']);
  });

  test('an unknown payout is 404, and what is wrong in a request is named', async () => {
    expect((await decide(`po_${'0'.repeat(32)}`, 'approve')).status).toBe(404);
    const id = await inReview();
    for (const [action, body, pointer] of [
      ['reject', {}, '/reason'],
      ['reject', { reason: '' }, '/reason'],
      ['reject', { reason: 'x'.repeat(501) }, '/reason'],
      ['approve', { comment: 'x' }, '/comment'],
      ['resolve', { outcome: 'maybe', evidence: 'x' }, '/outcome'],
    ] as const) {
      const answer = await decide(id, action, { by: admins.admin, body });
      expect([action, answer.status, (answer.body['errors'] as { pointer: string }[])[0]?.pointer]).toEqual([
        action,
        400,
        pointer,
      ]);
    }
  });
});

describe('repeats and outages', () => {
  test('a repeat under the same key gets the first answer and decides nothing more', async () => {
    const id = await inReview();
    const headers = { 'x-idempotency-key': 'approve-1' };
    const first = await decide(id, 'approve', { headers });
    const again = await decide(id, 'approve', { headers });
    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(await audited(id)).toEqual(['payout.approve done']);
    // The call that decided died before it could answer: the workflow gives its answer again.
    await engine.db.owner.query(
      `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = 'approve-1'`,
    );
    const late = await decide(id, 'approve', { headers });
    expect([late.status, late.body['id']]).toEqual([200, id]);
  });

  test('a decision that ended its payout is answered again as it was, although its first answer was lost', async () => {
    const id = await inReview();
    const rejection = { body: { reason: 'no' }, headers: { 'x-idempotency-key': 'reject-1' } };
    const first = await decide(id, 'reject', rejection);
    await engine.client.workflow.getHandle(`payout/${id}`).result();
    await engine.db.owner.query(
      `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = 'reject-1'`,
    );
    const again = await decide(id, 'reject', rejection);
    expect([again.status, again.body]).toEqual([200, first.body]);
  });

  test('a decision on an open payout whose workflow cannot be found, nor a new one, is 202 and counts when it is asked again', async () => {
    const id = await inReview();
    const headers = { 'x-idempotency-key': 'approve-lost' };
    const lost = { command: async () => ({ outcome: 'gone' as const }), resume: async () => undefined };
    const beside = await openDoor({ db: engine.db, databaseUrl: engine.db.appUrl, payouts: { ...engine.payouts, ...lost } });
    try {
      const path = `/api/admin/payouts/${id}/approve`;
      const unheard = await beside.call('POST', path, { key: admins.approver.key, headers });
      expect([unheard.status, unheard.body['status']]).toEqual([202, 'IN_REVIEW']); // was: 409, and for as long as the key is kept
    } finally {
      await beside.stop();
    }
    expect((await decide(id, 'approve', { headers })).status).toBe(200);
  });

  test('an approval without a worker is 202, and it counts as soon as one is back', async () => {
    const id = await inReview();
    await stopWorker();
    const headers = { 'x-idempotency-key': 'approve-2' };
    const pending = await ask(id, 'approve', { headers });
    expect([pending.status, pending.body['status']]).toEqual([202, 'IN_REVIEW']);
    stopWorker = await engine.startWorker();
    await engine.until(id, 'PSP_QUEUED');
    const repeated = await decide(id, 'approve', { headers });
    expect(repeated.status).toBe(200);
  });

  test('a payout whose workflow was terminated can still be decided', async () => {
    const id = await inReview();
    await engine.client.workflow.getHandle(`payout/${id}`).terminate('by mistake');
    const approved = await decide(id, 'approve');
    expect(approved.status).toBe(200);
    await engine.until(id, 'PSP_QUEUED');
  });
});

test('with Temporal away a decision is 503 and nothing of it happens, not even in the log', async () => {
  const id = await inReview();
  const cut = await openDoor({ db: engine.db });
  try {
    const { key } = admins.approver;
    const { status, body, headers } = await cut.call('POST', `/api/admin/payouts/${id}/approve`, { key });
    expect([status, body['code']]).toEqual([503, 'service_unavailable']);
    expect(headers['retry-after']).toBeDefined();
    expect(await audited(id)).toEqual([]);
  } finally {
    await cut.stop();
  }
});
