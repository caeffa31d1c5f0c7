/** Live streams over HTTP, on a real server and the real PostgreSQL: each event once and in order, whatever breaks, to those alone who may see it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { newId } from '../../src/rules/newId.ts';
import type { Merchant } from '../support/door.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { eventually } from '../support/payouts.ts';
import { makeProvider } from '../support/providers.ts';
import { type Client, type Listening, sse, webSocket } from '../support/streamClients.ts';
import { type TestUser, usersOf } from '../support/users.ts';

const CLIENTS: readonly (readonly [string, Client])[] = [
  ['server-sent events', sse],
  ['WebSocket', webSocket],
];

let w: DoorWorld;
let base: string;
let writers: pg.Pool;
beforeAll(async () => {
  w = await openDoorWorld();
  base = await w.app.listen({ host: '127.0.0.1', port: 0 });
  writers = new pg.Pool({ connectionString: w.db.ownerUrl, max: 4 });
});
afterAll(async () => {
  await writers.end();
  await w.stop();
});

const idsOf = ({ messages }: Listening): string[] => messages.map(({ data }) => data.id);

/** An event of this merchant about a payout of its own: as one that it had says, but for whose it is. */
async function write(client: pg.Pool | pg.PoolClient, merchantId: string, like: string, note = ''): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `SELECT announce('payout', $1, ARRAY[('merchant', $2)::owner_ref], 'test', 1, 'payout.processing', 'k', 'system', NULL, 'PROCESSING', '{}',
                     object || jsonb_build_object('id', $1::text, 'description', $4::text), NULL, false) AS id
       FROM events WHERE subject_id = $3 AND sequence = 1`,
    [newId('po'), merchantId, like, note],
  );
  return rows[0]?.id ?? '';
}

/** All of a merchant's events, in the order in which everybody is told. */
async function inOrder(merchantId: string): Promise<string[]> {
  const { rows } = await w.db.owner.query<{ id: string }>(
    `SELECT id FROM events WHERE owner_kind = 'merchant' AND owner_id = $1 AND mode = 'test' ORDER BY epoch, xid, position`,
    [merchantId],
  );
  return rows.map(({ id }) => id);
}

/** The same numbers every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

async function open(client: Client, listen: Parameters<Client>[1]): Promise<Listening> {
  const listening = client(base, listen);
  await Promise.race([listening.begun, listening.closed]);
  return listening;
}

async function tokenFor(merchant: Merchant, userId?: string, key = merchant.key): Promise<string> {
  const { status, body } = await w.call('POST', '/api/v1/stream-tokens', { key, body: { userId } });
  expect(status).toBe(201);
  return body.token;
}

async function aMerchant(): Promise<Merchant & { readonly like: string }> {
  const merchant = await w.merchant({ funds: 10_000_000n });
  return { ...merchant, like: await w.payoutOf(merchant) };
}

describe.each(CLIENTS)('%s', (_name, client) => {
  test('a client cut off two hundred times during two thousand events has every one of them, once and in order', async () => {
    const EVENTS = 2_000;
    const AHEAD = 12; // so that no connection has much more than that, however fast one reads
    const { id, key, like } = await aMerchant();
    const next = numbers(client.length + EVENTS);
    const before = await inOrder(id);
    const write4 = async (nth: number): Promise<void> => {
      const pause = numbers(nth);
      const writer = await writers.connect();
      for (let n = 0; n < EVENTS / 4; n += 1) {
        while (written >= told() + AHEAD) await sleep(2);
        written += 1;
        await writer.query('BEGIN');
        await write(writer, id, like);
        if (pause(10) === 0) await sleep(pause(30)); // others commit meanwhile what has later numbers
        await writer.query('COMMIT');
      }
      writer.release();
    };
    const got: string[] = [];
    let written = 0;
    let listening = await open(client, { key, cutAfterBytes: 2_000 });
    const told = (): number => got.length + listening.messages.length;
    const writing = Promise.all([1, 2, 3, 4].map(write4));
    let cuts = 0;
    for (; ; cuts += 1) {
      let isOpen = true;
      const { closed } = listening;
      void closed.then(() => {
        isOpen = false;
      });
      while (isOpen && told() < EVENTS) await sleep(2);
      listening.hangUp();
      await closed;
      if (told() >= EVENTS) break;
      got.push(...idsOf(listening));
      listening = client(base, { key, from: listening.lastId(), cutAfterBytes: 200 + next(9_000) });
    }
    await writing;
    got.push(...idsOf(listening));
    expect(got).toEqual((await inOrder(id)).slice(before.length));
    expect(cuts).toBeGreaterThanOrEqual(150);
  });

  test('of two open transactions the later commits first: nothing is told before its turn, and nothing is skipped', async () => {
    const { id, key, like } = await aMerchant();
    const listening = await open(client, { key });
    const [early, late] = [await writers.connect(), await writers.connect()];
    await early.query('BEGIN');
    const first = await write(early, id, like);
    await late.query('BEGIN');
    const second = await write(late, id, like);
    await late.query('COMMIT');
    await sleep(500); // time enough for several looks: none may pass the open one by
    expect(listening.messages).toEqual([]);
    await early.query('COMMIT');
    early.release();
    late.release();
    await eventually(() => expect(idsOf(listening)).toEqual([first, second]));
    listening.hangUp();
  });

  test("nobody hears what is another tenant's, another mode's or another user's, and a user hears only of themselves", async () => {
    const [a, b] = [await aMerchant(), await aMerchant()];
    const users = usersOf(w);
    const tenant = { merchantId: a.id, mode: 'test' } as const;
    const [ann, ben, stranger] = [
      await users.user(tenant),
      await users.user(tenant),
      await users.user({ ...tenant, merchantId: b.id }),
    ];
    const ada = await makeProvider(w, a, { earned: ['1000.00'], currency: 'PKR' });
    await w.books.fund({ merchantId: a.id, mode: 'live' }, 10_000_000n);
    const streams = {
      a: await open(client, { key: a.key }),
      live: await open(client, { key: a.liveKey }),
      b: await open(client, { token: await tokenFor(b) }),
      ann: await open(client, { token: await tokenFor(a, ann.userId) }),
      ben: await open(client, { token: await tokenFor(a, ben.userId) }),
      stranger: await open(client, { token: await tokenFor(b, stranger.userId) }),
    };
    const tell = async (): Promise<void> => {
      await w.payoutOf(a);
      await w.payoutOf(a, { mode: 'live' });
      await w.books.payout({ ...tenant, providerId: ada.id });
      for (const user of [ann, ben, stranger]) await users.credit(user, 100n);
      await w.payoutOf(b);
    };
    await tell();
    await tell();
    const once = {
      a: ['payout.created', 'payout.created', 'payout.in_review', 'user.credited', 'user.credited'], // and its provider's

      live: ['payout.created'],
      b: ['user.credited', 'payout.created'],
      ann: ['user.credited'],
      ben: ['user.credited'],
      stranger: ['user.credited'],
    };
    for (const [name, listening] of Object.entries(streams)) {
      const types = once[name as keyof typeof once];
      await eventually(() => expect(listening.messages.map(({ event }) => event)).toEqual([...types, ...types]));
    }
    const userIn = ({ messages }: Listening): unknown[] => [...new Set(messages.map(({ data }) => data.data.object.userId))];
    expect([userIn(streams.ann), userIn(streams.ben), userIn(streams.stranger)]).toEqual(
      [ann, ben, stranger].map(({ userId }: TestUser) => [userId]),
    );
    for (const listening of Object.values(streams)) {
      for (const { id, event, data } of listening.messages) {
        expect(data).toMatchObject({ type: event, livemode: listening === streams.live, sequence: expect.any(Number) });
        expect(id).toMatch(/^\d+-\d+-\d+$/);
      }
      listening.hangUp();
    }
    // As a list shows it, so it is told.
    const { body } = await w.call('GET', '/api/v1/events?limit=4', { key: a.key });
    expect(streams.a.messages.slice(-4).map(({ data }) => data)).toEqual([...body.data].reverse());
  });

  test('only what was asked for is told, and what nobody can be asked for is refused', async () => {
    const a = await aMerchant();
    const listening = await open(client, { key: a.key, types: 'payout.cancelled,payout.succeeded' });
    const all = await open(client, { key: a.key, types: 'payout.*' });
    const paid = await w.payoutOf(a);
    await w.books.told(paid, 'attempt_started 1', 'paid 1');
    await w.books.told(await w.payoutOf(a), 'cancelled');
    await eventually(() =>
      expect(listening.messages.map(({ event }) => event)).toEqual(['payout.succeeded', 'payout.cancelled']),
    );
    expect(all.messages).toHaveLength(5);
    for (const each of [listening, all]) each.hangUp();
    const refused = client(base, { key: a.key, types: 'payout.unheard_of' });
    expect(await refused.status).toBe(400);
  });

  test.each([
    ['no place at all', async () => 'garbage'],
    ['a place in another history of the books', async () => '999-1-1'],
    ['a place where no event is, or none any more', async () => '1-1-1'],
  ])('%s is answered by a reset that shows how things stand, and what comes after it is told', async (_what, place) => {
    const a = await aMerchant();
    await w.books.told(a.like, 'attempt_started 1', 'paid 1');
    await w.payoutOf(a);
    const listening = await open(client, { key: a.key, from: await place() });
    await eventually(() => expect(listening.messages).toHaveLength(1));
    const [reset] = listening.messages;
    expect(reset).toMatchObject({
      event: 'reset',
      data: {
        type: 'reset',
        livemode: false,
        data: {
          object: {
            object: 'snapshot',
            balances: [{ currency: 'PKR', available: '99980.00', locked: '10.00', total: '99990.00', debt: '0.00' }],
            payouts: [
              { status: 'PENDING', currency: 'PKR', count: 1, amount: '10.00' },
              { status: 'SUCCESS', currency: 'PKR', count: 1, amount: '10.00' },
            ],
          },
        },
      },
    });
    await w.books.told(await w.payoutOf(a), 'cancelled');
    await eventually(() =>
      expect(listening.messages.slice(1).map(({ event }) => event)).toEqual(['payout.created', 'payout.cancelled']),
    );
    listening.hangUp();
    const again = await open(client, { key: a.key, from: reset?.id });
    await eventually(() => expect(again.messages).toHaveLength(2)); // and from there it resumes
    again.hangUp();
  });

  test('a user who is lost is shown what they have', async () => {
    const a = await aMerchant();
    const users = usersOf(w);
    const user = await users.user({ merchantId: a.id, mode: 'test' });
    await users.credit(user, 700n);
    const listening = await open(client, { token: await tokenFor(a, user.userId), from: '1-1-1' });
    await eventually(() => expect(listening.messages).toHaveLength(1));
    expect(listening.messages[0]?.data.data.object).toEqual({
      object: 'snapshot',
      balances: [{ currency: 'PKR', available: '7.00', locked: '0.00', total: '7.00', debt: '0.00', version: 1 }],
    });
    listening.hangUp();
  });
});
