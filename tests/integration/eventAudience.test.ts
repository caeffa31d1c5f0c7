/** Who may see and hear an event: its subject's owner and its audience, each once, and nobody else. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import { eventsBetween, findEvent, listEvents, type Seer, timelineOf } from '../../src/events/reads.ts';
import { TIMELINE_ONLY } from '../../src/payouts/rules/machine.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
  await books.policy({ minSuccesses: 0 });
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const merchant = ({ merchantId, mode }: Owner): Seer => ({ kind: 'merchant', id: merchantId, mode });
const provider = ({ providerId = '', mode }: Owner): Seer => ({ kind: 'provider', id: providerId, mode });

async function endpoint(owner: Owner): Promise<string> {
  const id = newId('we');
  await books.db.pool.query(
    `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret) VALUES ($1, $2, $3, 'https://m.example/hook', '{*}', 'secret')`,
    [id, owner.merchantId, owner.mode],
  );
  return id;
}

/** Something of another kind than a payout happened, that these may see: the first is whose it is. */
async function happened(...audience: readonly Seer[]): Promise<{ event: string; subject: { kind: string; id: string } }> {
  const subject = { kind: 'raffle', id: newId('raf') };
  const { rows } = await books.db.owner.query<{ event: string }>(
    `SELECT announce('raffle', $1, ARRAY(SELECT (kind, id)::owner_ref FROM unnest($2::text[], $3::text[]) WITH ORDINALITY o (kind, id, nth) ORDER BY nth),
                     'test', 1, 'raffle.won', 'won', 'system', NULL, 'WON', '{}', '{}', NULL, true) AS event`,
    [subject.id, audience.map(({ kind }) => kind), audience.map(({ id }) => id)],
  );
  return { event: rows[0]?.event ?? '', subject };
}

async function seenBy(seer: Seer, more: { type?: string; subject?: { kind: string; id: string } } = {}): Promise<string[]> {
  const filter = { type: more.type, subject: more.subject, before: undefined, take: 100 };
  return (await listEvents(books.db.pool, seer, TIMELINE_ONLY, filter)).map(({ id }) => id);
}

test('what concerns two merchants and a provider is seen once by each of them, heard by the endpoints of both, and hidden from others', async () => {
  const [first, second, other] = [await books.merchant(0n), await books.merchant(0n), await books.merchant(0n)];
  const worker = await books.provider(first);
  const endpoints = [await endpoint(first), await endpoint(second), await endpoint(other)];
  await endpoint({ ...second, mode: 'live' });
  const seers = [merchant(first), merchant(second), provider(worker)];
  const { event, subject } = await happened(...seers, ...seers); // named twice, as where the payer is the payee
  for (const seer of seers) {
    expect(await seenBy(seer, { subject })).toEqual([event]);
    expect((await findEvent(books.db.pool, seer, [], event))?.id).toBe(event);
    expect(await timelineOf(books.db.pool, seer, subject, { after: undefined, take: 10 })).toHaveLength(1);
  }
  for (const seer of [
    merchant(other),
    { ...merchant(first), mode: 'live' } as const,
    { ...merchant(first), kind: 'provider' } as const,
  ]) {
    expect(await seenBy(seer)).toEqual([]);
    expect(await findEvent(books.db.pool, seer, [], event)).toBeUndefined();
    expect(await timelineOf(books.db.pool, seer, subject, { after: undefined, take: 10 })).toEqual([]);
  }
  const { rows } = await books.db.owner.query('SELECT endpoint_id FROM webhook_deliveries WHERE event_id = $1 ORDER BY id', [
    event,
  ]);
  expect(rows.map((row) => row.endpoint_id)).toEqual(endpoints.slice(0, 2));
});

test("a provider's payout is seen by the provider and by its merchant; a merchant's by no provider", async () => {
  const platform = await books.merchant(20_000n);
  const [paid, other] = [await books.provider(platform, 500n), await books.provider(platform, 500n)];
  const id = await books.payout(paid, { amount: 100n });
  const own = await books.payout(platform, { amount: 100n });
  await books.told(id, 'attempt_started 1', 'paid 1');
  const timeline = async (seer: Seer, payout: string) =>
    (await timelineOf(books.db.pool, seer, { kind: 'payout', id: payout }, { after: undefined, take: 10 })).map(
      ({ type }) => type,
    );
  const story = ['payout.created', 'payout.processing', 'payout.succeeded'];
  expect(await timeline(provider(paid), id)).toEqual(story);
  expect(await timeline(merchant(platform), id)).toEqual(story);
  expect(await timeline(provider(other), id)).toEqual([]);
  expect(await timeline(provider(paid), own)).toEqual([]);
  expect(await seenBy(provider(other))).toEqual([]);
  expect(await seenBy(provider(paid))).toEqual(await seenBy(merchant(platform), { subject: { kind: 'payout', id } }));
});

test('a list of events shows each once at any page size, the newest first, whether they are of its reader or only seen by it', async () => {
  const [reader, other] = [await books.merchant(5000n), await books.merchant(0n)];
  for (let n = 0; n < 3; n += 1) {
    await books.told(await books.payout(reader, { amount: 10n }), 'attempt_started 1');
    await happened(merchant(other), merchant(reader));
  }
  const all = await seenBy(merchant(reader));
  expect(all).toHaveLength(9);
  for (const take of [1, 2, 4]) {
    const pages: string[] = [];
    for (let before: string | undefined; ; ) {
      const page = await listEvents(books.db.pool, merchant(reader), TIMELINE_ONLY, {
        type: undefined,
        subject: undefined,
        before,
        take,
      });
      if (page.length === 0) break;
      pages.push(...page.map(({ id }) => id));
      before = page.at(-1)?.place;
    }
    expect(pages).toEqual(all);
  }
  const { rows } = await books.db.owner.query('SELECT id FROM events WHERE id = ANY ($1) ORDER BY position DESC', [all]);
  expect(rows.map((row) => row.id)).toEqual(all);
  expect(await seenBy(merchant(reader), { type: 'raffle.won' })).toHaveLength(3);
});

test('what is for the timeline only is in no list, and in the timeline', async () => {
  const owner = await books.merchant(5000n);
  const id = await books.payout(owner);
  await books.told(id, 'attempt_started 1', 'paid 1');
  await books.tell(id, 'failed', { attempt: 1 });
  const steps = await timelineOf(books.db.pool, merchant(owner), { kind: 'payout', id }, { after: 3, take: 10 });
  expect(steps.map(({ type }) => type)).toEqual(['payout.fact_ignored']);
  expect(await seenBy(merchant(owner))).toHaveLength(3);
});

test('a list, a timeline and one event cost what is shown, not what there is: they are read from indexes', async () => {
  await books.db.owner.query(`
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, to_state, object, epoch)
    SELECT 'evt_' || n, 'raffle', 'raf_' || n / 3, 'merchant', 'mer_' || n / 3 % 10, 'test', n % 3 + 1, 'raffle.won', n % 3, 'system', 'WON', '{}', 1
      FROM generate_series(1, 30000) n;
    INSERT INTO event_audience SELECT 'merchant', 'mer_seer', mode, epoch, xid, position, type FROM events WHERE position % 10 = 0;
    ANALYZE events; ANALYZE event_audience`);
  const plans: string[] = [];
  const explaining = {
    async query(query: string | { text: string; values: unknown[] }, values?: unknown[]) {
      const { text, values: bound } = typeof query === 'string' ? { text: query, values: values ?? [] } : query;
      const { rows } = await books.db.owner.query(`EXPLAIN ${text}`, bound);
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
      return { rows: [] };
    },
  } as unknown as pg.Pool;
  const filter = { type: undefined, subject: undefined, before: '1-99999999-5000', take: 21 };
  for (const id of ['mer_1', 'mer_seer']) {
    const seer = { kind: 'merchant', id, mode: 'test' } as const;
    await listEvents(explaining, seer, TIMELINE_ONLY, filter);
    await listEvents(explaining, seer, TIMELINE_ONLY, {
      ...filter,
      subject: { kind: 'raffle', id: 'raf_40' },
      before: undefined,
    });
    await findEvent(explaining, seer, TIMELINE_ONLY, 'evt_7');
    await timelineOf(explaining, seer, { kind: 'raffle', id: 'raf_40' }, { after: 0, take: 100 });
    const missed = { types: ['raffle.won', 'payout.created'], after: '1-1-100', until: '1-99999999-5000', take: 100 };
    await eventsBetween(explaining, seer, missed);
  }
  expect(plans).toHaveLength(10);
  for (const plan of plans) expect(plan).not.toMatch(/Seq Scan|Hash/);
  for (const plan of [plans[0], plans[5]]) expect(plan).toContain('Merge Append');
  await books.db.owner.query(`BEGIN; SET LOCAL session_replication_role = replica;
    DELETE FROM event_audience WHERE owner_id = 'mer_seer'; COMMIT`);
});
