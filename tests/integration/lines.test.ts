/** Whoever is held up at one market, one game or one user holds up nobody else: many calls about one thing take but a part of the API's connections. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { eventually } from '../support/payouts.ts';

/** Six times as many as the door has connections. */
const CALLS = 60;

let door: Door;
let busy: Merchant;
let other: Merchant;

beforeAll(async () => {
  door = await openDoor({});
  [busy, other] = [await door.merchant(), await door.merchant()];
  const money = { mode: 'test', currency: 'INR', amountMinor: '100000000', externalId: newId('ext') } as const;
  await fund(door.context, { merchantId: busy.id, ...money });
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
});

const post = (path: string, body: unknown, idempotencyKey = newId('req')): Promise<Reply> =>
  door.call('POST', `/api/v1${path}`, { key: busy.key, body, idempotencyKey });
const created = async (path: string, body: unknown): Promise<string> => (await post(path, body)).body.id;
const user = () => created('/users', { externalId: newId('player') });
const credit = (userId: string, externalId: string, key?: string, amount = '100') =>
  post(`/users/${userId}/credit`, { amount, currency: 'INR', externalId }, key);

const SUBJECTS = {
  market: async () => {
    const id = await created('/markets', { title: 'Will it rain?', type: 'binary', currency: 'INR' });
    const userId = await user();
    await credit(userId, newId('ext'), undefined, '1000');
    const ask = (key: string) => post(`/markets/${id}/commitments`, { userId, amount: '10', position: 'yes' }, key);
    return { lock: `SELECT 1 FROM markets WHERE id = '${id}' FOR UPDATE`, ask };
  },
  game: async () => {
    const id = await created('/games', { type: 'andar_bahar', currency: 'INR' });
    const userId = await user();
    await post('/games/bank/deposit', { amount: '100000', currency: 'INR' });
    await credit(userId, newId('ext'), undefined, '1000');
    const ask = (key: string) => post(`/games/${id}/bets`, { userId, side: 'andar', amount: '10' }, key);
    return { lock: `SELECT 1 FROM games WHERE id = '${id}' FOR UPDATE`, ask };
  },
  user: async () => {
    const id = await user();
    return { lock: `SELECT 1 FROM users WHERE id = '${id}' FOR UPDATE`, ask: (key: string) => credit(id, `credit-${key}`, key) };
  },
};

test.each(Object.keys(SUBJECTS) as (keyof typeof SUBJECTS)[])(
  'while sixty calls wait for one %s, another merchant is answered; afterwards each of them is done once',
  async (subject) => {
    const { lock, ask } = await SUBJECTS[subject]();
    const keys = Array.from({ length: CALLS }, () => newId('req'));
    const holder = await door.db.owner.connect();
    let asked: Promise<Reply>[] = [];
    try {
      await holder.query('BEGIN');
      await holder.query(lock);
      asked = keys.map(ask);
      await eventually(async () => {
        const { rows } = await door.db.owner.query('SELECT count(*)::int AS taken FROM idempotency_keys WHERE key = ANY ($1)', [
          keys,
        ]);
        expect(rows).toEqual([{ taken: CALLS }]);
      });
      expect((await door.call('GET', '/api/v1/markets', { key: other.key })).status).toBe(200);
      expect((await door.call('GET', '/api/v1/users', { key: busy.key })).status).toBe(200);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
    const replies = await Promise.all(asked);
    // Where the machine was so slow that somebody's turn did not come in time, he was told so, and that nothing was done.
    const late = replies.filter(({ status }) => status !== 201);
    for (const { status, headers, body } of late)
      expect([status, body.code, headers['retry-after']]).toEqual([503, 'service_unavailable', '2']);
    const again = await Promise.all(keys.map(ask));
    expect(again.map(({ status }) => status)).toEqual(keys.map(() => 201));
    expect(new Set(again.map(({ body }) => body.id)).size).toBe(CALLS);
  },
);
