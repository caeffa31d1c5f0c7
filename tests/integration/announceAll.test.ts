/** Events of many subjects at once: the same that are told one after the other, and what they cost depends on them alone. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { faultsOf, hearPlans, PLAN_SETTINGS } from '../support/plans.ts';
import { type TestUser, usersOf } from '../support/users.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const sql = async <Row>(text: string, values: unknown[] = []) => (await books.db.owner.query(text, values)).rows as Row[];

interface Told {
  readonly sequence: number;
  /** By their place among those there are; the first is whose it is. */
  readonly audience: readonly number[];
  readonly type: string;
  readonly callback: string | null;
  readonly isSent: boolean;
}

const TOLD = `(t.kind, t.subject, ARRAY(SELECT (o ->> 'kind', o ->> 'id')::owner_ref FROM jsonb_array_elements(t.audience) o), 'test', t.sequence, t.type,
               'key:' || t.sequence, 'system', NULL, 'WON', '{}', jsonb_build_object('sequence', t.sequence), t.callback, t.sent)::told`;
const GIVEN = `jsonb_to_recordset($1) AS t (nth int, kind text, subject text, audience jsonb, sequence int, type text, callback text, sent boolean)`;

interface World {
  readonly merchants: readonly Owner[];
  readonly seers: readonly { readonly kind: string; readonly id: string }[];
  readonly endpoints: readonly string[];
  readonly subjects: readonly string[];
}

/** Two merchants, of whom the first has endpoints for one type, for all and for none of it, the second one for all. */
async function world(): Promise<World> {
  const merchants = [await books.merchant(0n), await books.merchant(0n)];
  const endpoints: string[] = [];
  for (const [nth, types] of [
    [0, '{raffle.won}'],
    [0, '{*}'],
    [0, '{payout.*}'],
    [1, '{*}'],
  ] as const) {
    const id = newId('we');
    endpoints.push(id);
    await sql(
      `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret) VALUES ($1, $2, 'test', 'https://m.example/hook', $3, 'secret')`,
      [id, merchants[nth]?.merchantId, types],
    );
  }
  const seers = [...merchants.map(({ merchantId: id }) => ({ kind: 'merchant', id })), { kind: 'user', id: newId('usr') }];
  return { merchants, seers, endpoints, subjects: [newId('raf'), newId('raf')] };
}

const asJson = ({ seers, subjects }: World, told: readonly (Told & { subject: number })[]): string =>
  JSON.stringify(
    told.map(({ audience, subject, isSent, ...rest }, nth) => ({
      ...rest,
      nth,
      kind: 'raffle',
      subject: subjects[subject],
      audience: audience.map((seer) => seers[seer]),
      sent: isSent,
    })),
  );

/** What was written of a world, with the names of its own in the order of their making. */
async function written({ seers, endpoints, subjects }: World): Promise<string> {
  const rows = await sql<{ line: unknown }>(
    `SELECT jsonb_build_array(e.id, e.subject_id, e.owner_kind, e.owner_id, e.sequence, e.type, e.op_key, e.to_state, e.object,
              (SELECT jsonb_agg(jsonb_build_array(a.owner_kind, a.owner_id, a.mode, a.type) ORDER BY a.owner_kind, a.owner_id)
                 FROM event_audience a WHERE (a.epoch, a.xid, a.position) = (e.epoch, e.xid, e.position)),
              (SELECT jsonb_agg(jsonb_build_array(d.id, d.subject_id, d.sequence, d.merchant_id, d.mode, d.endpoint_id, d.url) ORDER BY d.id)
                 FROM webhook_deliveries d WHERE d.event_id = e.id)) AS line
       FROM events e WHERE e.subject_id = ANY ($1) ORDER BY e.epoch, e.xid, e.position`,
    [subjects],
  );
  const receivers = await sql<{ line: string }>(
    `SELECT receiver_id = coalesce(endpoint_id, callback_receiver(merchant_id, mode, url)) AS line FROM webhook_deliveries WHERE subject_id = ANY ($1)`,
    [subjects],
  );
  const names = [...seers.map(({ id }) => id), ...endpoints, ...subjects].map((id) => id.slice(id.indexOf('_') + 1));
  const text = names.reduce((all, name, nth) => all.replaceAll(name, `<${nth}>`), JSON.stringify(rows));
  return `${text} ${JSON.stringify(receivers)}`;
}

const oneTold: fc.Arbitrary<Omit<Told, 'sequence'> & { subject: number }> = fc.record({
  subject: fc.nat(1),
  audience: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
  type: fc.constantFrom('raffle.won', 'raffle.lost'),
  callback: fc.constantFrom(null, 'https://m.example/callback'),
  isSent: fc.boolean(),
});

test('events told at once are seen, heard and sent as the same told one after the other, each by whoever may and by nobody else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(oneTold, { minLength: 1, maxLength: 12 }), async (given) => {
      const counts = [0, 0];
      const told = given.map((each) => {
        const sequence = (counts[each.subject] ?? 0) + 1;
        counts[each.subject] = sequence;
        return { ...each, sequence };
      });
      const [together, single] = [await world(), await world()];
      const [ids] = await sql<{ ids: string[] }>(`SELECT announce_all(array_agg(${TOLD} ORDER BY t.nth)) AS ids FROM ${GIVEN}`, [
        asJson(together, told),
      ]);
      const inOrder = await sql<{ id: string }>(
        'SELECT id FROM events WHERE subject_id = ANY ($1) ORDER BY epoch, xid, position',
        [together.subjects],
      );
      expect(ids?.ids).toEqual(inOrder.map(({ id }) => id));
      for (const each of told) {
        await sql(
          `SELECT announce(t.kind, t.subject, ARRAY(SELECT (o ->> 'kind', o ->> 'id')::owner_ref FROM jsonb_array_elements(t.audience) o), 'test',
                           t.sequence, t.type, 'key:' || t.sequence, 'system', NULL, 'WON', '{}', jsonb_build_object('sequence', t.sequence), t.callback, t.sent)
             FROM ${GIVEN}`,
          [asJson(single, [each])],
        );
      }
      expect(await written(together)).toBe(await written(single));
    }),
    { numRuns: 25 },
  );
});

const tell = (users: readonly string[]) =>
  sql(
    `SELECT announce_users('user.raffled', 'system', 'ACTIVE', array_agg((id, 'k:' || nth, '{}', jsonb_build_object('nth', nth))::user_step ORDER BY nth))
       FROM unnest($1::text[]) WITH ORDINALITY u (id, nth)`,
    [users],
  );

test('users told at once each have their next event, in the order given, and hear it together with their merchant', async () => {
  const [house, users] = [await books.merchant(0n), usersOf(books)];
  const players: TestUser[] = [await users.user(house), await users.user(house), await users.user(house)];
  await users.freeze(players[1] as TestUser, true); // and has an event already
  const ids = players.map(({ userId }) => userId).reverse();
  await tell(ids);
  const events = await sql<{
    subject_id: string;
    sequence: number;
    owner_id: string;
    to_state: string;
    nth: number;
    told: number;
    seer: string;
  }>(
    `SELECT e.subject_id, e.sequence, e.owner_id, e.to_state, (e.object ->> 'nth')::int AS nth, (e.object ->> 'sequence')::int AS told,
            (SELECT a.owner_kind || ' ' || a.owner_id FROM event_audience a WHERE (a.epoch, a.xid, a.position) = (e.epoch, e.xid, e.position)) AS seer
       FROM events e WHERE e.subject_id = ANY ($1) AND e.type = 'user.raffled' ORDER BY e.position`,
    [ids],
  );
  expect(events).toEqual(
    ids.map((subject_id, nth) => ({
      subject_id,
      sequence: nth === 1 ? 2 : 1,
      owner_id: house.merchantId,
      to_state: nth === 1 ? 'FROZEN' : 'ACTIVE',
      nth: nth + 1,
      told: nth === 1 ? 2 : 1,
      seer: `user ${subject_id}`,
    })),
  );
});

test('of steps that cannot all be told, none is: one of nobody, or a second one of somebody, would go unheard', async () => {
  const house = await books.merchant(0n);
  const { userId } = await usersOf(books).user(house);
  await expect(tell([userId, newId('usr')])).rejects.toThrow('only 1 of 2 steps');
  await expect(tell([userId, userId])).rejects.toThrow('only 1 of 2 steps');
  await tell([]);
  expect(await sql('SELECT id FROM events WHERE subject_id = $1', [userId])).toEqual([]);
});

test('telling users costs what they are, not what there is: endpoints and users are found by their index, whatever is known of the tables', async () => {
  const [house, other] = [await books.merchant(0n), await books.merchant(0n)];
  const plans = hearPlans(books.db.owner);
  const client = await books.db.owner.connect();
  const tellFirst = (most: number, key: string) =>
    client.query(
      `SELECT announce_users('user.raffled', 'system', 'ACTIVE', array_agg((id, $3::text, '{}', '{}')::user_step))
         FROM (SELECT id FROM users WHERE merchant_id = $2 ORDER BY id LIMIT $1) u`,
      [most, house.merchantId, key],
    );
  try {
    await usersOf(books).user(house);
    await client.query('ANALYZE users; ANALYZE webhook_endpoints');
    for (let n = 0; n < 10; n += 1) await tellFirst(1, `first:${n}`); // planned while there is next to nothing
    await client.query(
      `INSERT INTO users (id, merchant_id, mode, external_id) SELECT 'usr_many' || n, $1, 'test', 'many' || n FROM generate_series(1, 20000) n`,
      [house.merchantId],
    );
    await client.query(
      `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret)
       SELECT 'we_many' || n, $1 || n, 'test', 'https://m.example/hook', '{*}', 'secret' FROM generate_series(1, 20000) n`,
      [other.merchantId],
    );
    await client.query(`LOAD 'auto_explain'`);
    for (const [setting, value] of Object.entries({ ...PLAN_SETTINGS, 'auto_explain.log_nested_statements': 'on' })) {
      if (setting.startsWith('auto_explain.')) await client.query(`SET ${setting} = '${value}'`);
    }
    await tellFirst(3000, 'then');
  } finally {
    client.release(true);
  }
  const nested = plans.take().filter(({ sql: text }) => /UPDATE users|INSERT INTO events/.test(text));
  expect(nested).toHaveLength(2);
  // Two who may see each of 3,000 events; the pages are those of what is written.
  const limits = { small: new Set<string>(), rows: 6_000, pages: 300_000 };
  expect(nested.flatMap((plan) => faultsOf(plan, limits))).toEqual([]);
});
