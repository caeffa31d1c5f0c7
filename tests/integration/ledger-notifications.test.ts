/** Who is told of a provider payout: written with the event itself, once, and to nobody whom it does not concern. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Claimed, createOutbox, type Outbox, type Room } from '../../src/notify/outbox.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, FAILURE, openBooks, type Provider } from '../support/books.ts';

let books: Books;
let provider: Provider;
beforeAll(async () => {
  books = await openBooks();
});
beforeEach(async () => {
  await books.db.owner.query('DELETE FROM notifications; DELETE FROM push_subscriptions; UPDATE admins SET active = false');
  provider = await books.provider(await books.merchant(1_000_000n), 100_000n);
  await books.policy(TRUSTING);
});
afterAll(async () => {
  await books.stop();
});

const TRUSTING = { minSuccesses: 0, velocityMinRequests: 1_000_000, amountTimesMean: 1_000_000, maxRecentFailures: 1_000_000 };

const admin = async (
  role: string,
  email: string | null = `${newId('x')}@example.com`,
): Promise<{ id: string; email: string | null }> => {
  const id = newId('adm');
  await books.db.owner.query('INSERT INTO admins (id, name, role, email) VALUES ($1, $1, $2, $3)', [id, role, email]);
  return { id, email };
};

const browser = async (ownerKind: 'provider' | 'admin', ownerId: string): Promise<string> => {
  const id = newId('psb');
  const values = [id, ownerKind, ownerId, `https://push.example.com/${id}`];
  await books.db.pool.query(
    `INSERT INTO push_subscriptions (id, owner_kind, owner_id, endpoint, keys) VALUES ($1, $2, $3, $4, 'unused')`,
    values,
  );
  return id;
};

/** A payout of this provider that is sent at once. */
const sent = async (options: object = {}): Promise<string> => {
  const id = await books.payout(provider, { dispatch: 'now', maxAttempts: 2, ...options });
  await books.told(id, 'attempt_started 1');
  return id;
};

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly channel: string;
  readonly address: string;
  readonly recipient_kind: string;
  readonly event_id: string;
  readonly data: Record<string, unknown>;
}
const rows = async (): Promise<Row[]> =>
  (await books.db.owner.query<Row>('SELECT * FROM notifications ORDER BY created_at, id')).rows;
/** `kind channel address` of each, in any order. */
const told = async (): Promise<string[]> =>
  (await rows()).map(({ kind, channel, address }) => `${kind} ${channel} ${address}`).sort();
const EMAIL = 'ada@p.example';
const SHORT = { class: 'D', code: 'psp_funds_short', message: 'insufficient balance', retryable: true } as const;

test('a paid payout is told to its provider by mail and to each of their browsers, with the facts of the moment', async () => {
  await admin('admin');
  const [phone, laptop] = [await browser('provider', provider.providerId), await browser('provider', provider.providerId)];
  await browser('provider', 'prv_somebody_else');
  const id = await sent({ amount: 1_500n, fee: 10n });
  expect(await told()).toEqual([]);
  const { payout } = await books.tell(id, 'paid', { attempt: 1 });
  expect(await told()).toEqual(
    [`payout_completed email ${EMAIL}`, ...[phone, laptop].map((each) => `payout_completed push ${each}`)].sort(),
  );
  for (const row of await rows()) {
    expect(row).toMatchObject({
      recipient_kind: 'provider',
      event_id: `evt_${id.slice(3)}_${String(payout.sequence).padStart(4, '0')}`,
    });
    expect(row.id).toMatch(/^ntf_[0-9a-f]{32}$/);
    expect(row.data).toMatchObject({
      amountMinor: '1500',
      feeMinor: '10',
      currency: 'PKR',
      accountLast4: '0001',
      recipientName: 'Ada',
    });
    expect(JSON.stringify(row.data)).not.toContain('12345678900001');
  }
});

test("a merchant's own payouts tell nobody, whatever becomes of them", async () => {
  await admin('admin');
  const merchant = await books.merchant(10_000n);
  const reviewed = await books.payout(merchant, { reviewReasons: [{ code: 'amount', detail: 'large' }] });
  await books.tell(reviewed, 'rejected', { adminId: 'adm_1', reason: 'unknown' });
  const failed = await books.payout(merchant);
  await books.told(failed, 'attempt_started 1');
  await books.tell(failed, 'not_taken', { attempt: 1, failure: SHORT });
  await books.told(failed, 'attempt_started 1');
  await books.tell(failed, 'failed', { attempt: 1, needsOperator: true });
  await books.told(await books.payout(merchant), 'attempt_started 1', 'paid 1', 'returned 1');
  expect(await told()).toEqual([]);
});

test('a review is told to those who may decide it, and to nobody else', async () => {
  const [approver, boss, silent] = [await admin('approver'), await admin('admin'), await admin('approver', null)];
  await admin('operator');
  await admin('viewer');
  const gone = await admin('approver');
  await books.db.owner.query('UPDATE admins SET active = false WHERE id = $1', [gone.id]);
  const [ofSilent, ofGone] = [await browser('admin', silent.id), await browser('admin', gone.id)];
  await books.policy({ ...TRUSTING, minSuccesses: 3 });
  const id = await books.payout(provider);
  expect((await books.ledger.read(id))?.state).toBe('IN_REVIEW');
  expect(await told()).toEqual(
    [`review_needed email ${approver.email}`, `review_needed email ${boss.email}`, `review_needed push ${ofSilent}`].sort(),
  );
  expect((await told()).join()).not.toContain(ofGone);
  expect((await rows())[0]?.data['reviewReasons']).toMatchObject([{ code: 'too_few_successes' }]);
});

test('a final failure is told to the provider; one that used up its attempts to operators, too', async () => {
  const operator = await admin('operator');
  const certain = await sent();
  await books.tell(certain, 'failed', { attempt: 1, failure: { ...FAILURE, class: 'E', code: 'no_account' } });
  expect(await told()).toEqual([`payout_failed email ${EMAIL}`]);
  expect((await rows())[0]?.data['failure']).toMatchObject({ class: 'E', code: 'no_account' });

  const used = await sent();
  await books.told(used, 'attempt_failed 1', 'attempt_started 2');
  expect(await told()).toHaveLength(1); // a retry is coming: nothing to tell yet
  await books.tell(used, 'failed', { attempt: 2, needsOperator: true });
  expect(await told()).toEqual([
    `payout_failed email ${EMAIL}`,
    `payout_failed email ${EMAIL}`,
    `retries_exhausted email ${operator.email}`,
  ]);
  expect((await rows()).find(({ kind }) => kind === 'retries_exhausted')?.data['attempts']).toBe(2);
});

test('money that came back, and money that arrived after all, are told as well', async () => {
  const id = await sent();
  await books.told(id, 'failed 1', 'paid 1', 'returned 1');
  expect((await rows()).map(({ kind }) => kind).sort()).toEqual(['payout_completed', 'payout_failed', 'payout_returned']);
});

test('a fact that comes twice is told once', async () => {
  const id = await sent();
  await books.tell(id, 'paid', { key: 'paid:1', attempt: 1 });
  await books.tell(id, 'paid', { key: 'paid:1', attempt: 1 });
  await books.tell(id, 'paid', { attempt: 1 });
  expect(await told()).toEqual([`payout_completed email ${EMAIL}`]);
});

test('somebody who is both, and two admins with one address, read each thing once', async () => {
  await admin('admin', EMAIL);
  await admin('operator', EMAIL);
  await books.tell(await sent({ maxAttempts: 1 }), 'failed', { attempt: 1, needsOperator: true });
  expect(await told()).toEqual([`payout_failed email ${EMAIL}`, `retries_exhausted email ${EMAIL}`]);
});

describe('our funds at a PSP', () => {
  const refused = async (options: object = {}) =>
    await books.tell(await sent(options), 'not_taken', { attempt: 1, failure: SHORT });

  test('that are short are told once an hour for each PSP and currency, however many payouts wait for them', async () => {
    const operator = await admin('operator');
    await Promise.all([refused(), refused(), refused(), refused()]);
    expect(await told()).toEqual([`psp_funds_short email ${operator.email}`]);
    await refused({ psp: 'another' });
    expect(await told()).toHaveLength(2);

    const spent = await sent();
    await books.tell(spent, 'attempt_failed', { attempt: 1, failure: SHORT });
    expect(await told()).toHaveLength(2);
    await books.db.owner.query(`UPDATE notifications SET event_key = event_key || '-earlier'`); // as if an hour had passed
    await refused();
    expect(await told()).toHaveLength(3);
  });

  test('are not what a temporary failure is about', async () => {
    await admin('operator');
    await books.tell(await sent(), 'attempt_failed', { attempt: 1, failure: FAILURE });
    await books.told(await sent(), 'not_taken 1');
    expect(await told()).toEqual([]);
  });
});

test('what is undone tells nobody: the notice is there if and only if the change is', async () => {
  const id = await sent();
  const client = await books.db.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(`SELECT apply_fact($1, 'k', 'paid', 'system', '{"attempt":1}')`, [id]);
    await client.query('ROLLBACK');
  } finally {
    client.release();
  }
  expect(await told()).toEqual([]);
});

describe('a notification', () => {
  const one = async (): Promise<string> => {
    await books.tell(await sent(), 'paid', { attempt: 1 });
    return (await rows()).at(-1)?.id ?? '';
  };
  const stateOf = async (id: string) =>
    (await books.db.owner.query('SELECT state, attempts, last_error FROM notifications WHERE id = $1', [id])).rows[0];
  const expire = (id: string) => books.db.owner.query('UPDATE notifications SET lease_until = now() WHERE id = $1', [id]);

  const ROOM: Room = { channel: 'email', room: 10, perWay: 10, ways: {}, perMerchant: 10, merchants: {} };
  const outboxOf = (holder: string): Outbox => createOutbox(books.db.pool, holder, 60_000);
  const claim = async (holder: string, room: Partial<Room> = {}): Promise<readonly Claimed[]> =>
    (await outboxOf(holder).claim([{ ...ROOM, ...room }], [])).claimed;
  const told = { attempt: 1, error: null, waitMs: 0, gone: false };

  test('is claimed by one of many who try at once, with all that is to be told', async () => {
    const id = await one();
    const claims = await Promise.all(Array.from({ length: 8 }, (_, index) => claim(`relay ${index}`)));
    expect(claims.flat()).toMatchObject([{ id, attempt: 1, way: EMAIL, address: EMAIL, notice: { kind: 'payout_completed' } }]);
    expect(await stateOf(id)).toMatchObject({ state: 'pending', attempts: 1 });
  });

  test('of a relay that died goes to another one, but not before its lease has run out', async () => {
    const id = await one();
    await claim('dead');
    expect(await claim('next')).toEqual([]);
    await expire(id);
    expect(await claim('next')).toMatchObject([{ id, attempt: 2 }]);
    expect(await outboxOf('dead').renew([id])).toEqual([]);
    expect(await outboxOf('next').renew([id])).toEqual([id]);
  });

  test('that was overtaken by another relay cannot be let go or failed by the first', async () => {
    const id = await one();
    await claim('slow');
    await expire(id);
    await claim('quick');
    await outboxOf('slow').record([{ ...told, id, state: 'failed', error: 'late' }]);
    await outboxOf('slow').letGo([id]);
    expect(await outboxOf('quick').renew([id])).toEqual([id]);
    await outboxOf('slow').record([{ ...told, id, state: 'sent' }]); // what is true stays
    await outboxOf('quick').record([{ ...told, id, attempt: 2, state: 'failed', error: 'later' }]);
    expect(await stateOf(id)).toMatchObject({ state: 'sent', last_error: null });
  });

  test('of an earlier claim says nothing of a later one, even by the same relay', async () => {
    const id = await one();
    await claim('a');
    await expire(id);
    await claim('a');
    await outboxOf('a').record([{ ...told, id, attempt: 1, state: 'failed', error: 'late' }]);
    expect(await stateOf(id)).toMatchObject({ state: 'pending', attempts: 2 });
  });

  test('that was sent stays sent, and is claimed by nobody', async () => {
    const id = await one();
    await claim('a');
    await outboxOf('a').record([{ ...told, id, state: 'sent' }]);
    expect(await claim('b')).toEqual([]);
    expect(await stateOf(id)).toMatchObject({ state: 'sent' });
  });

  test('that failed for now shows why, and waits for its time', async () => {
    const id = await one();
    await claim('a');
    const error = 'the server\r\n is\0 away';
    await outboxOf('a').record([{ ...told, id, state: 'pending', error, waitMs: 60_000 }]);
    expect(await stateOf(id)).toMatchObject({ state: 'pending', last_error: 'the server  is away' });
    expect(await claim('b')).toEqual([]);
    await books.db.owner.query('UPDATE notifications SET due_at = now() WHERE id = $1', [id]);
    expect(await claim('b')).toMatchObject([{ id, attempt: 2 }]);
  });

  test('that would wait beyond its day is given up', async () => {
    const id = await one();
    await claim('a');
    await outboxOf('a').record([{ ...told, id, state: 'pending', error: 'away', waitMs: 24 * 3_600_000 + 60_000 }]);
    expect(await stateOf(id)).toMatchObject({ state: 'failed', last_error: 'away' });
  });

  test('for a mailbox that has its share waits, and those for others go first', async () => {
    for (let left = 4; left > 0; left -= 1) await one();
    const others = await books.provider(await books.merchant(1_000_000n), 100_000n);
    await books.db.owner.query(`UPDATE providers SET email = 'other@p.example' WHERE id = $1`, [others.providerId]);
    const id = await books.payout(others, { dispatch: 'now', amount: 1_000n });
    await books.told(id, 'attempt_started 1', 'paid 1');
    const ways = async (room: Partial<Room>) => (await claim(newId('x'), room)).map(({ way }) => way).sort();
    expect(await ways({ room: 2, perWay: 2 })).toEqual([EMAIL, 'other@p.example']); // one of each in turn
    expect(await ways({ ways: { [EMAIL]: 2 }, perWay: 2 })).toEqual([]);
    expect(await ways({ ways: { [EMAIL]: 1 }, perWay: 2 })).toEqual([EMAIL]);
    expect(await ways({ room: 0 })).toEqual([]);
    expect(await ways({ channel: 'push' })).toEqual([]);
  });
});
