/** What a merchant does with games over HTTP: its bank, bets, who won; and what operators see and do. No worker runs: the test settles. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createGameSettlementActivities } from '../../activities/games/settlement.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';

let door: Door;
let merchant: Merchant;
let admin: string;
/** What was told to settlements. */
let told: string[] = [];
let isTemporalAway = false;

beforeAll(async () => {
  const settle = async (gameId: string) => {
    if (isTemporalAway) throw new TemporalUnavailable('away');
    told.push(gameId);
  };
  door = await openDoor({ games: { settle } });
  merchant = await door.merchant();
  admin = (await door.admin('approver')).key;
  for (const mode of ['test', 'live'] as const) await fundInr(merchant.id, mode);
  expect((await post('/games/bank/deposit', { amount: '1000000', currency: 'INR' })).status).toBe(201);
});
beforeEach(() => {
  told = [];
  isTemporalAway = false;
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
});

const fundInr = (merchantId: string, mode: 'test' | 'live' = 'test') =>
  fund(door.context, { merchantId, mode, currency: 'INR', amountMinor: '10000000000', externalId: newId('ext') });
const call = (key: string, method: string, path: string, body?: unknown, idempotencyKey?: string) =>
  door.call(method, `/api/v1${path}`, { key, ...(body !== undefined && { body }), ...(idempotencyKey && { idempotencyKey }) });
const get = (path: string) => call(merchant.key, 'GET', path);
const post = (path: string, body: unknown, idempotencyKey?: string) => call(merchant.key, 'POST', path, body, idempotencyKey);
const act = (path: string, body?: unknown, key = admin) =>
  door.call('POST', `/api/admin${path}`, { key, ...(body !== undefined && { body }) });

const player = async (purse = '1000'): Promise<string> => {
  const { id } = (await post('/users', { externalId: newId('player') })).body;
  if (purse !== '0') await post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: newId('ext') });
  return id;
};
const open = async (): Promise<string> => (await post('/games', { type: 'andar_bahar', currency: 'INR' })).body.id;
const bet = (game: string, userId: string, side = 'andar', amount: unknown = '100', key?: string) =>
  post(`/games/${game}/bets`, { userId, side, amount }, key);
const settle = async (gameId: string): Promise<void> => {
  const { settleGame } = createGameSettlementActivities({ pool: door.context.pool, step: 500 });
  await new MockActivityEnvironment().run(settleGame, { gameId });
};
const codes = ({ status, body }: Reply) => [
  status,
  body.code,
  ...(body.errors ?? []).map((each: { pointer: string }) => each.pointer),
];

/** As if the process had been killed between the work and the record of its answer. */
const forget = (key: string) =>
  door.db.owner.query(
    'UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = $1',
    [key],
  );

test('the customer’s scenario, to the last field: three bets, three payouts, one event each with the balance of that commit', async () => {
  const bettors = [
    { purse: '2100000.00', bet: '100000.00', payout: '100000.00', profit: '0.00', before: '2000000.00', after: '2100000.00' },
    { purse: '1550000.00', bet: '50000.00', payout: '50000.00', profit: '0.00', before: '1500000.00', after: '1550000.00' },
    { purse: '1875000.00', bet: '75000.00', payout: '75000.00', profit: '0.00', before: '1800000.00', after: '1875000.00' },
  ];
  const game = await post('/games', { type: 'andar_bahar', currency: 'INR' });
  expect(game).toMatchObject({
    status: 201,
    headers: { location: `/api/v1/games/${game.body.id}` },
    body: {
      id: expect.stringMatching(/^gam_[0-9a-f]{32}$/),
      object: 'game',
      type: 'andar_bahar',
      currency: 'INR',
      status: 'OPEN',
      winner: null,
      sides: [
        { side: 'andar', multiplier: '2.00', stakes: '0.00' },
        { side: 'bahar', multiplier: '2.00', stakes: '0.00' },
      ],
      failed: [],
      failedCount: 0,
    },
  });
  const gameId = game.body.id;
  const users: string[] = [];
  for (const { purse, bet: amount, before } of bettors) {
    const userId = await player(purse);
    users.push(userId);
    expect(await bet(gameId, userId, 'andar', amount)).toMatchObject({
      status: 201,
      body: {
        id: expect.stringMatching(/^bet_/),
        object: 'bet',
        ...{ gameId, userId, side: 'andar', amount, currency: 'INR', status: 'placed', payoutTransactionId: null },
        ...{ newBalance: before, balanceVersion: 2 },
      },
    });
  }
  await post('/webhook-endpoints', { url: 'http://127.0.0.1:9/', eventTypes: ['game_complete'] });
  const payouts = users.map((userId, at) => ({ userId, amount: bettors[at]?.payout }));
  expect(await post(`/games/${gameId}/complete`, { winner: 'andar', payouts })).toMatchObject({
    status: 202,
    body: { id: gameId, status: 'SETTLING', winner: 'andar' },
  });
  expect(told).toEqual([gameId]);
  await settle(gameId);
  expect((await get(`/games/${gameId}`)).body).toMatchObject({ status: 'SETTLED', failed: [] });

  const deliveries = await door.db.owner.query(
    'SELECT subject_id, sequence FROM webhook_deliveries WHERE merchant_id = $1 ORDER BY subject_id',
    [merchant.id],
  );
  expect(deliveries.rows).toEqual([...users].sort().map((subject_id) => ({ subject_id, sequence: 2 }))); // each in an order of its own

  const events = (await get('/events?type=game_complete')).body.data.reverse();
  for (const [at, userId] of users.entries()) {
    const { bet: totalBet, payout: amount, profit, after } = bettors[at] ?? { bet: '', payout: '', profit: '', after: '' };
    expect(events[at]).toMatchObject({
      type: 'game_complete',
      sequence: 2,
      data: {
        object: {
          gameId,
          userId,
          winner: 'andar',
          userPayout: { amount, totalBet, netProfit: profit, result: 'win' },
          currency: 'INR',
          newBalance: after,
          balanceVersion: 4,
        },
      },
    });
    expect(Object.keys(events[at].data.object)).toHaveLength(7);
    expect((await get(`/users/${userId}/balance`)).body.balances).toMatchObject([
      { available: after, locked: '0.00', version: 4 },
    ]);
    const key = `game/${gameId}/user/${userId}`;
    expect((await get(`/games/${gameId}/bets?userId=${userId}`)).body.data).toMatchObject([
      { status: 'won', payoutTransactionId: key },
    ]);
    expect((await get(`/users/${userId}/stats`)).body).toMatchObject({
      games: 1,
      won: 1,
      lost: 0,
      wagered: totalBet,
      paid: amount,
    });
  }
  const [first = ''] = users;
  expect((await get(`/users/${first}/transactions?type=win,bet`)).body.data).toMatchObject([
    {
      type: 'win',
      amount: '100000.00',
      balanceAfter: '2100000.00',
      gameId,
      description: 'Won ₹100,000 on ANDAR',
      metadata: { payoutTransactionId: `game/${gameId}/user/${first}` },
    },
    { type: 'bet', gameId, betId: expect.stringMatching(/^bet_/), description: 'Bet ₹100,000 on ANDAR' },
  ]);
  expect((await get(`/users/${first}/transactions?format=legacy&type=win`)).body.data).toEqual([
    {
      id: expect.stringMatching(/^le_/),
      userId: first,
      type: 'win',
      amount: '100000.00',
      description: 'Won ₹100,000 on ANDAR',
      relatedId: gameId,
      timestamp: expect.any(String),
    },
  ]);
});

test('who loses hears it, and what was lost is a transaction of its own', async () => {
  const [game, userId] = [await open(), await player()];
  await bet(game, userId, 'bahar', '70.50');
  await post(`/games/${game}/complete`, { winner: 'andar' });
  await settle(game);
  expect((await get('/events?type=game_complete&limit=1')).body.data[0].data.object).toMatchObject({
    userId,
    userPayout: { amount: '0.00', totalBet: '70.50', netProfit: '-70.50', result: 'lose' },
    newBalance: '929.50',
  });
  expect((await get(`/users/${userId}/transactions?type=loss`)).body.data).toMatchObject([
    { type: 'loss', amount: '70.50', balanceAfter: '929.50', description: 'Lost ₹70.50 on BAHAR' },
  ]);
});

describe('the bank', () => {
  test('takes a deposit once, under its externalId or the request’s key, and gives back what no game holds', async () => {
    const own = await door.merchant();
    await fundInr(own.id);
    const bank = (path: string, body: unknown, key?: string) => call(own.key, 'POST', `/games/bank/${path}`, body, key);
    const first = await bank('deposit', { amount: '100.50', currency: 'INR' }, 'deposit-1');
    expect(first).toMatchObject({
      status: 201,
      body: { object: 'balance', balances: [{ currency: 'INR', available: '100.50', locked: '0.00', debt: '0.00' }] },
    });
    await forget('deposit-1');
    expect(await bank('deposit', { amount: '100.50', currency: 'INR' }, 'deposit-1')).toMatchObject({
      status: 201,
      text: first.text,
    });
    const named = { amount: '10', currency: 'INR', externalId: 'wire-1' };
    expect([(await bank('deposit', named)).status, (await bank('deposit', named)).body.balances[0].available]).toEqual([
      201,
      '110.50',
    ]);
    expect(codes(await bank('withdraw', named))).toEqual([409, 'external_id_reused']);
    expect(codes(await bank('withdraw', { amount: '110.51', currency: 'INR' }))).toEqual([400, 'bank_insufficient']);
    expect(codes(await bank('deposit', { amount: '99999999999.99', currency: 'INR' }))).toEqual([400, 'insufficient_balance']);
    expect((await bank('withdraw', { amount: '110.50', currency: 'INR' })).body.balances[0].available).toBe('0.00');
    expect((await call(own.key, 'GET', '/games/bank')).body.balances[0].available).toBe('0.00');
    expect((await call(own.liveKey, 'GET', '/games/bank')).body.balances).toEqual([]);
  });

  test('that is a hundredth short refuses the bet, and the stake stays where it was', async () => {
    const own = await door.merchant();
    await fundInr(own.id);
    const ask = (path: string, body: unknown) => call(own.key, 'POST', path, body);
    await ask('/games/bank/deposit', { amount: '99.99', currency: 'INR' });
    const userId = (await ask('/users', { externalId: 'p' })).body.id;
    await ask(`/users/${userId}/credit`, { amount: '100', currency: 'INR', externalId: 'c' });
    const game = (await ask('/games', { type: 'andar_bahar', currency: 'INR' })).body.id;
    const stake = { userId, side: 'andar', amount: '100.00' };
    expect(codes(await ask(`/games/${game}/bets`, stake))).toEqual([400, 'bank_insufficient']);
    expect((await call(own.key, 'GET', `/users/${userId}/balance`)).body.balances).toMatchObject([
      { available: '100.00', version: 1 },
    ]);
    await ask('/games/bank/deposit', { amount: '0.01', currency: 'INR' });
    expect((await ask(`/games/${game}/bets`, stake)).status).toBe(201);
    expect((await call(own.key, 'GET', '/games/bank')).body.balances).toMatchObject([{ available: '0.00', locked: '100.00' }]);
  });
});

describe('a bet', () => {
  test('whose answer was lost is not placed again', async () => {
    const [game, userId] = [await open(), await player()];
    const first = await bet(game, userId, 'andar', 100, 'bet-1');
    await forget('bet-1');
    expect(await bet(game, userId, 'andar', 100, 'bet-1')).toMatchObject({ status: 201, text: first.text });
    expect((await get(`/users/${userId}/balance`)).body.balances).toMatchObject([{ available: '900.00', locked: '100.00' }]);
  });

  test('is refused with a reason: no money, frozen, over, somebody else’s', async () => {
    const [game, userId] = [await open(), await player()];
    expect(codes(await bet(game, userId, 'andar', '1000.01'))).toEqual([400, 'insufficient_balance']);
    await call(merchant.key, 'PATCH', `/users/${userId}`, { frozen: true });
    expect(codes(await bet(game, userId))).toEqual([409, 'user_frozen']);
    const stranger = await door.merchant();
    for (const key of [stranger.key, merchant.liveKey])
      expect(codes(await call(key, 'POST', `/games/${game}/bets`, { userId, side: 'andar', amount: '1' }))).toEqual([
        404,
        'not_found',
      ]);
    const theirs = (await call(stranger.key, 'POST', '/users', { externalId: 'x' })).body.id;
    expect(codes(await bet(game, theirs))).toEqual([404, 'not_found']);
    expect(codes(await bet(game, newId('usr')))).toEqual([404, 'not_found']);
    await post(`/games/${game}/complete`, { winner: 'andar' });
    expect(codes(await bet(game, await player()))).toEqual([409, 'wrong_state']);
  });

  test.each([
    [{ side: 'tie' }, ['/side']],
    [{ side: 5 }, ['/side']],
    [{ side: undefined }, ['/side']],
    [{ amount: '0' }, ['/amount']],
    [{ amount: '-1' }, ['/amount']],
    [{ amount: '1.001' }, ['/amount']],
    [{ amount: '1e3' }, ['/amount']],
    [{ amount: '١٠' }, ['/amount']],
    [{ amount: undefined }, ['/amount']],
    [{ amount: '10000000000000.01' }, ['/amount']],
    [{ userId: '' }, ['/userId']],
    [{ userId: 'usr_\u0000' }, ['/userId']],
    [{ userId: null }, ['/userId']],
    [{ multiplier: '9' }, ['/multiplier']],
  ])('that is no bet is refused before anything happens: %j', async (change, pointers) => {
    const [game, userId] = [await open(), await player()];
    const [status, , ...faults] = codes(await post(`/games/${game}/bets`, { userId, side: 'andar', amount: '10', ...change }));
    expect([status, faults]).toEqual([400, pointers]);
  });
});

describe('a completion', () => {
  test('asked for 20 times at once under keys of its own is one, and each is answered alike', async () => {
    const [game, userId] = [await open(), await player()];
    await bet(game, userId);
    const replies = await Promise.all(Array.from({ length: 20 }, () => post(`/games/${game}/complete`, { winner: 'andar' })));
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.status} ${body.winner}`))).toEqual(
      new Set(['202 SETTLING andar']),
    );
    await settle(game);
    expect((await get(`/users/${userId}/balance`)).body.balances).toMatchObject([{ available: '1100.00' }]);
    expect(await post(`/games/${game}/complete`, { winner: 'andar' })).toMatchObject({
      status: 202,
      body: { status: 'SETTLED' },
    });
  });

  test('that differs from the recorded one is 409 with the recorded result, and a person is to look at it', async () => {
    const [game, userId] = [await open(), await player()];
    await bet(game, userId);
    await post(`/games/${game}/complete`, { winner: 'andar' });
    const other = await post(`/games/${game}/complete`, { winner: 'bahar' });
    expect(codes(other)).toEqual([409, 'already_completed']);
    expect(other.body.recorded).toEqual({ winner: 'andar', paid: '200.00' });
    const more = { winner: 'andar', payouts: [{ userId, amount: '200.01' }] };
    expect(codes(await post(`/games/${game}/complete`, more))).toEqual([409, 'already_completed']);
    await settle(game);
    expect((await get(`/games/${game}`)).body).toMatchObject({ status: 'SETTLED', winner: 'andar', needsOperator: true });
    const listed = (await door.call('GET', '/api/admin/games?needsOperator=true', { key: admin })).body.data;
    expect(listed).toContainEqual(expect.objectContaining({ id: game, merchantId: merchant.id }));
    expect((await get('/events?limit=100')).body.data.map(({ type }: { type: string }) => type)).not.toContain(
      'game.report_refused',
    );
    expect(await act(`/games/${game}/acknowledge`, { note: 'a clerk’s mistake' })).toMatchObject({
      status: 200,
      body: { needsOperator: false },
    });
    expect((await get(`/users/${userId}/balance`)).body.balances).toMatchObject([{ available: '1100.00' }]);
  });

  test('with payouts is refused whole: over the bank, for who has not won, for who is named twice', async () => {
    const [game, winner, loser] = [await open(), await player(), await player()];
    await bet(game, winner, 'andar');
    await bet(game, loser, 'bahar');
    const complete = (...payouts: unknown[]) => post(`/games/${game}/complete`, { winner: 'andar', payouts });
    const pay = (userId: string, amount: unknown = '200') => ({ userId, amount });
    expect(codes(await complete(pay(winner), pay(loser)))).toEqual([422, 'no_winning_bet', '/payouts/1/userId']);
    expect(codes(await complete(pay(newId('usr'))))).toEqual([422, 'no_winning_bet', '/payouts/0/userId']);
    expect(codes(await complete(pay(winner, '10000000')))).toEqual([400, 'bank_insufficient']);
    expect(codes(await complete(pay(winner), pay(winner, 'x')))).toEqual([
      400,
      'invalid_request',
      '/payouts/1/amount',
      '/payouts/1/userId',
    ]);
    expect(codes(await complete({ userId: winner }))).toEqual([400, 'invalid_request', '/payouts/0/amount']);
    expect(codes(await post(`/games/${game}/complete`, { winner: 'tie' }))).toEqual([400, 'invalid_request', '/winner']);
    expect(codes(await post(`/games/${game}/complete`, {}))).toEqual([400, 'invalid_request', '/winner']);
    expect((await get(`/games/${game}`)).body.status).toBe('OPEN');
    expect((await complete(pay(winner, '150'))).status).toBe(202);
    await settle(game);
    expect((await get(`/users/${winner}/balance`)).body.balances).toMatchObject([{ available: '1050.00' }]);
  });

  test('takes amounts as JSON numbers, as everywhere, and as they were written', async () => {
    const [game, winner, other] = [await open(), await player(), await player()];
    for (const each of [winner, other]) await bet(game, each, 'andar');
    const complete = (amount: string) =>
      door.call('POST', `/api/v1/games/${game}/complete`, {
        key: merchant.key,
        body: `{"winner":"andar","payouts":[{"userId":"${winner}","amount":${amount}},{"userId":"${other}","amount":100}]}`,
      });
    expect(codes(await complete('100.001'))).toEqual([400, 'invalid_request', '/payouts/0/amount']);
    expect(codes(await complete('1e2'))).toEqual([400, 'invalid_request', '/payouts/0/amount']);
    expect((await complete('150.10')).status).toBe(202);
    await settle(game);
    expect((await get(`/users/${winner}/balance`)).body.balances).toMatchObject([{ available: '1050.10' }]);
  });

  test('with ten thousand faults names the first of them and how many there are, and is no burden to anybody', async () => {
    const [game, winner] = [await open(), await player()];
    await bet(game, winner, 'andar');
    const many = (amount: string) => Array.from({ length: 10_000 }, (_, n) => ({ userId: `usr_${n}`, amount }));
    const nonsense = Array.from({ length: 10_000 }, () => ({ userId: '', amount: 'x', more: 1 }));
    expect(
      codes(
        await post(`/games/${game}/complete`, {
          winner: 'andar',
          payouts: [{ userId: winner, amount: '1' }, ...nonsense.slice(1)],
        }),
      ),
    ).toEqual([400, 'invalid_request', '/payouts/1/userId', '/payouts/1/more']);
    for (const [amount, status, code] of [
      ['1', 422, 'no_winning_bet'],
      ['x', 400, 'invalid_request'],
    ] as const) {
      const { body, ...answer } = await post(`/games/${game}/complete`, { winner: 'andar', payouts: many(amount) });
      expect([answer.status, body.code, body.errors.length]).toEqual([status, code, 50]);
      expect(body.detail).toContain('(10000 faults in all, see the first in errors)');
    }
    expect((await get(`/games/${game}`)).body.status).toBe('OPEN');
  });

  test('while Temporal is away is written down and answered 503; the same key asks again, and it is told then', async () => {
    const game = await open();
    isTemporalAway = true;
    expect((await post(`/games/${game}/complete`, { winner: 'andar' }, 'complete-away')).status).toBe(503);
    isTemporalAway = false;
    expect(await post(`/games/${game}/complete`, { winner: 'andar' }, 'complete-away')).toMatchObject({ status: 202 });
    expect(told).toEqual([game]);
  });

  test('of another merchant’s game, or in the other mode, finds nothing', async () => {
    const game = await open();
    for (const key of [(await door.merchant()).key, merchant.liveKey])
      expect(codes(await call(key, 'POST', `/games/${game}/complete`, { winner: 'andar' }))).toEqual([404, 'not_found']);
    expect((await call(merchant.liveKey, 'GET', `/games/${game}`)).status).toBe(404);
    expect((await get('/games/gam_%00')).status).toBe(404);
  });
});

describe('operators', () => {
  test('see who could not be paid, and have it tried again; a merchant sees it too', async () => {
    const [game, frozen, other] = [await open(), await player(), await player()];
    await bet(game, frozen);
    await bet(game, other);
    await call(merchant.key, 'PATCH', `/users/${frozen}`, { frozen: true });
    await post(`/games/${game}/complete`, { winner: 'andar' });
    await settle(game);
    const failed = [{ userId: frozen, reason: 'user_frozen' }];
    expect((await get(`/games/${game}`)).body).toMatchObject({ status: 'PARTLY_SETTLED', failed, failedCount: 1 });
    expect((await get(`/users/${other}/balance`)).body.balances).toMatchObject([{ available: '1100.00' }]);
    await call(merchant.key, 'PATCH', `/users/${frozen}`, { frozen: false });
    expect(await act(`/games/${game}/retry`)).toMatchObject({ status: 202, body: { status: 'SETTLING', failed: [] } });
    await settle(game);
    expect((await get(`/games/${game}`)).body.status).toBe('SETTLED');
    expect((await get(`/users/${frozen}/balance`)).body.balances).toMatchObject([{ available: '1100.00' }]);
    expect(codes(await act(`/games/${game}/retry`))).toEqual([409, 'wrong_state']);
    expect(codes(await act(`/games/${newId('gam')}/retry`))).toEqual([404, 'not_found']);
    expect(codes(await act(`/games/${game}/retry`, undefined, (await door.admin('viewer')).key))).toEqual([403, 'forbidden']);
  });

  test('void a game, before or after it was settled, with a reason; who has bet hears of a push', async () => {
    const [game, userId] = [await open(), await player()];
    await bet(game, userId);
    await post(`/games/${game}/complete`, { winner: 'andar' });
    await settle(game);
    expect(codes(await act(`/games/${game}/void`, {}))).toEqual([400, 'invalid_request', '/reason']);
    expect(codes(await act(`/games/${game}/void`, { reason: 'x' }, (await door.admin('operator')).key))).toEqual([
      403,
      'forbidden',
    ]);
    const voided = await act(`/games/${game}/void`, { reason: 'A card was seen' });
    expect(voided).toMatchObject({
      status: 202,
      body: { status: 'VOIDING', voidReason: 'A card was seen', merchantId: merchant.id },
    });
    expect((await act(`/games/${game}/void`, { reason: 'again' })).body.voidReason).toBe('A card was seen');
    await settle(game);
    expect((await get(`/games/${game}`)).body).toMatchObject({ status: 'VOIDED', winner: 'andar' });
    expect((await get('/events?type=game_complete&limit=1')).body.data[0].data.object).toMatchObject({
      ...{ userId, winner: null, newBalance: '1000.00' },
      userPayout: { amount: '100.00', totalBet: '100.00', netProfit: '0.00', result: 'push' },
    });
    expect((await get(`/users/${userId}/transactions?type=refund`)).body.data).toMatchObject([
      { type: 'refund', amount: '100.00', gameId: game, description: 'Refunded ₹100' },
    ]);
    expect(codes(await post(`/games/${game}/complete`, { winner: 'andar' }))).toEqual([409, 'wrong_state']);
    const audit = (await door.call('GET', `/api/admin/audit?target=${game}`, { key: (await door.admin('admin')).key })).body.data;
    expect(audit.map(({ action }: { action: string }) => action)).toEqual(['game.void', 'game.void', 'request.refused']);
  });
});

test('games are listed newest first, page by page', async () => {
  const own = await door.merchant();
  const ids: string[] = [];
  for (let left = 3; left > 0; left -= 1)
    ids.unshift((await call(own.key, 'POST', '/games', { type: 'andar_bahar', currency: 'PKR' })).body.id);
  const first = (await call(own.key, 'GET', '/games?limit=2')).body;
  const rest = (await call(own.key, 'GET', `/games?limit=2&cursor=${first.nextCursor}`)).body;
  expect([...first.data, ...rest.data].map(({ id }: { id: string }) => id)).toEqual(ids);
});

test('a client that waits is answered when the game has been decided', async () => {
  const game = await open();
  const waiting = get(`/games/${game}?wait=10`);
  await post(`/games/${game}/complete`, { winner: 'andar' });
  expect((await waiting).body.status).toBe('SETTLING');
});

test.each([
  [{ type: 'roulette', currency: 'INR' }, '/type'],
  [{ type: 'andar_bahar' }, '/currency'],
  [{ type: 'andar_bahar', currency: 'XXX' }, '/currency'],
  [{ type: 'andar_bahar', currency: 'inr' }, '/currency'],
  [{ type: 'andar_bahar', currency: 'INR', multiplier: 3 }, '/multiplier'],
])('no game is opened by %j', async (body, pointer) => {
  expect(codes(await post('/games', body)).slice(0, 3)).toEqual([400, expect.any(String), pointer]);
});

test('where games are switched off nothing begins, and what runs, finishes', async () => {
  const own = await door.merchant();
  await fundInr(own.id);
  const ask = (path: string, body: unknown) => call(own.key, 'POST', path, body);
  await ask('/games/bank/deposit', { amount: '10', currency: 'INR' });
  const game = (await ask('/games', { type: 'andar_bahar', currency: 'INR' })).body.id;
  await door.call('PATCH', `/api/admin/merchants/${own.id}`, {
    key: (await door.admin('admin')).key,
    body: { flows: { games: false } },
  });
  const off = [403, 'flow_disabled'];
  expect(codes(await ask('/games', { type: 'andar_bahar', currency: 'INR' }))).toEqual(off);
  expect(codes(await ask(`/games/${game}/bets`, { userId: newId('usr'), side: 'andar', amount: '1' }))).toEqual(off);
  expect(codes(await ask('/games/bank/deposit', { amount: '1', currency: 'INR' }))).toEqual(off);
  expect((await ask(`/games/${game}/complete`, { winner: 'andar' })).status).toBe(202);
  expect((await ask('/games/bank/withdraw', { amount: '10', currency: 'INR' })).status).toBe(201);
  await settle(game);
});

test('a key without the scope may not; one that may only read, reads', async () => {
  const game = await open();
  const reader = await door.key(merchant.id, { scopes: ['games:read'] });
  expect((await call(reader, 'GET', `/games/${game}`)).status).toBe(200);
  for (const [path, body] of [
    ['/games', { type: 'andar_bahar', currency: 'INR' }],
    [`/games/${game}/complete`, { winner: 'andar' }],
    ['/games/bank/withdraw', { amount: '1', currency: 'INR' }],
  ] as const)
    expect(codes(await call(reader, 'POST', path, body))).toEqual([403, 'forbidden']);
  const other = await door.key(merchant.id, { scopes: ['users:write'] });
  expect(codes(await call(other, 'GET', `/games/${game}`))).toEqual([403, 'forbidden']);
});
