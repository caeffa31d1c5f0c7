/** What a merchant does with its users: enters and freezes them, gives and takes money, reads their balances and transactions. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';

let door: Door;
let merchant: Merchant;
let other: Merchant;
beforeAll(async () => {
  door = await openDoor();
  merchant = await door.merchant({ funds: 10_000_000n });
  other = await door.merchant({ funds: 10_000_000n });
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
});

const call = (key: string, method: string, path: string, body?: unknown, idempotencyKey?: string) =>
  door.call(method, `/api/v1${path}`, { key, ...(body !== undefined && { body }), ...(idempotencyKey && { idempotencyKey }) });
const get = (path: string) => call(merchant.key, 'GET', path);
const post = (path: string, body: unknown, idempotencyKey?: string) => call(merchant.key, 'POST', path, body, idempotencyKey);
const patch = (path: string, body: unknown, idempotencyKey?: string) => call(merchant.key, 'PATCH', path, body, idempotencyKey);
const enter = async (key = merchant.key): Promise<string> =>
  (await call(key, 'POST', '/users', { externalId: newId('player') })).body.id;
const money = (change: Record<string, unknown> = {}) => ({
  amount: '100.00',
  currency: 'PKR',
  externalId: newId('ext'),
  ...change,
});
const available = async (path: string): Promise<string> =>
  (await get(path)).body.balances.find(({ currency }: { currency: string }) => currency === 'PKR').available;

/** As if the process had been killed between the work and the record of its answer. */
const forget = (key: string) =>
  door.db.owner.query(
    'UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = $1',
    [key],
  );

describe('users', () => {
  test('one is entered, found and frozen', async () => {
    const made = await post('/users', { externalId: 'player-1' });
    expect(made.status).toBe(201);
    expect(made.headers['location']).toBe(`/api/v1/users/${made.body.id}`);
    expect(made.body).toEqual({
      id: expect.stringMatching(/^usr_[0-9a-f]{32}$/),
      object: 'user',
      externalId: 'player-1',
      frozen: false,
      livemode: false,
      createdAt: expect.stringMatching(/Z$/),
    });
    const { id } = made.body;
    expect((await get(`/users/${id}`)).body).toEqual(made.body);
    expect((await get('/users?externalId=player-1')).body).toMatchObject({ data: [made.body], hasMore: false });
    expect(await patch(`/users/${id}`, { frozen: true })).toMatchObject({ status: 200, body: { ...made.body, frozen: true } });
    expect((await get(`/users/${id}`)).body.frozen).toBe(true);
    expect((await patch(`/users/${id}`, { frozen: false })).body).toEqual(made.body);
  });

  test('are listed newest first, page by page, and a cursor is nobody else’s', async () => {
    const own = await door.merchant();
    const ids = [await enter(own.key), await enter(own.key), await enter(own.key)].reverse();
    const first = (await call(own.key, 'GET', '/users?limit=2')).body;
    const rest = (await call(own.key, 'GET', `/users?limit=2&cursor=${first.nextCursor}`)).body;
    expect([...first.data, ...rest.data].map(({ id }: { id: string }) => id)).toEqual(ids);
    expect((await get(`/users?cursor=${first.nextCursor}`)).status).toBe(400);
  });

  test('an externalId is given once; the repeat of a request gets the same user, also when the first answer was lost', async () => {
    const body = { externalId: 'player-once' };
    const first = await post('/users', body, 'enter-1');
    expect((await post('/users', body, 'enter-1')).text).toBe(first.text);
    await forget('enter-1');
    expect(await post('/users', body, 'enter-1')).toMatchObject({ status: 201, text: first.text });
    expect(await post('/users', body)).toMatchObject({ status: 409, body: { code: 'duplicate_external_id' } });
    for (const key of [other.key, merchant.liveKey]) expect((await call(key, 'POST', '/users', body)).status).toBe(201);
  });

  test('a freeze whose answer was lost is not done again over a later change', async () => {
    const id = await enter();
    await patch(`/users/${id}`, { frozen: true }, 'freeze-1');
    await patch(`/users/${id}`, { frozen: false });
    await forget('freeze-1');
    expect(await patch(`/users/${id}`, { frozen: true }, 'freeze-1')).toMatchObject({ status: 200, body: { frozen: false } });
  });
});

describe('money', () => {
  test('goes from the merchant to the user and back, once for each externalId, whatever key it is asked under', async () => {
    const id = await enter();
    const before = await available('/balance');
    const credit = money({ externalId: 'deposit-1', amount: 250.5 });
    const first = await post(`/users/${id}/credit`, credit);
    expect(first).toMatchObject({ status: 201 });
    expect(first.body).toEqual({
      id: expect.stringMatching(/^le_[0-9]{19}$/),
      object: 'user_transaction',
      userId: id,
      type: 'credit',
      amount: '250.50',
      currency: 'PKR',
      balanceAfter: '250.50',
      gameId: null,
      marketId: null,
      betId: null,
      commitmentId: null,
      distributionId: null,
      description: 'Credited by the platform',
      at: expect.stringMatching(/Z$/),
      metadata: { externalId: 'deposit-1' },
    });
    const debit = money({ externalId: 'withdrawal:1', amount: '50' });
    const taken = await post(`/users/${id}/debit`, debit);
    expect(taken).toMatchObject({
      status: 201,
      body: { type: 'debit', balanceAfter: '200.50', metadata: { externalId: 'withdrawal:1' } },
    });
    expect(await post(`/users/${id}/credit`, credit)).toMatchObject({ status: 201, body: first.body });
    expect(await post(`/users/${id}/debit`, debit)).toMatchObject({ status: 201, body: taken.body });
    expect((await get(`/users/${id}/balance`)).body).toEqual({
      object: 'balance',
      balances: [{ currency: 'PKR', available: '200.50', locked: '0.00', total: '200.50', debt: '0.00', version: 2 }],
    });
    expect(Number(before) - Number(await available('/balance'))).toBeCloseTo(200.5);
    const entries = (await get('/balance/history?limit=2')).body.data;
    expect(entries).toMatchObject([
      { id: taken.body.id, type: 'USER_DEBIT', debit: 'user:available', credit: 'available', payoutId: null },
      { id: first.body.id, type: 'USER_CREDIT', debit: 'available', credit: 'user:available', payoutId: null },
    ]);
  });

  test('twenty times the same credit at once, under keys of their own, is one', async () => {
    const id = await enter();
    const body = money({ externalId: 'at-once' });
    const replies = await Promise.all(Array.from({ length: 20 }, () => post(`/users/${id}/credit`, body)));
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(await available(`/users/${id}/balance`)).toBe('100.00');
  });

  test('a credit whose answer was lost is found again under its key, also once the user is frozen', async () => {
    const id = await enter();
    const body = money();
    const first = await post(`/users/${id}/credit`, body, 'credit-lost');
    await forget('credit-lost');
    await patch(`/users/${id}`, { frozen: true });
    expect(await post(`/users/${id}/credit`, body, 'credit-lost')).toMatchObject({ status: 201, text: first.text });
    expect(await available(`/users/${id}/balance`)).toBe('100.00');
  });

  test('is refused, and stays where it was: too much, other money under a used name, a frozen user', async () => {
    const [id, second] = [await enter(), await enter()];
    const used = money();
    await post(`/users/${id}/credit`, used);
    const before = await available('/balance');
    const refused = async (path: string, body: unknown) => {
      const reply: Reply = await post(path, body);
      return `${reply.status} ${reply.body.code}`;
    };
    expect(await refused(`/users/${id}/credit`, money({ amount: '1000000.00' }))).toBe('400 insufficient_balance');
    expect(await refused(`/users/${id}/debit`, money({ amount: '100.01' }))).toBe('400 insufficient_balance');
    for (const [path, body] of [
      [`/users/${id}/credit`, { ...used, amount: '100.01' }],
      [`/users/${id}/credit`, { ...used, currency: 'USD' }],
      [`/users/${second}/credit`, used],
      [`/users/${id}/debit`, used],
    ] as const) {
      expect(await refused(path, body)).toBe('409 external_id_reused');
    }
    await patch(`/users/${id}`, { frozen: true });
    expect(await refused(`/users/${id}/credit`, money())).toBe('409 user_frozen');
    expect(await refused(`/users/${id}/debit`, money())).toBe('409 user_frozen');
    expect([await available('/balance'), await available(`/users/${id}/balance`)]).toEqual([before, '100.00']);
  });

  test.each<[Record<string, unknown>, string, string]>([
    [{ amount: '0' }, '/amount', 'amount_zero'],
    [{ amount: '-1' }, '/amount', 'invalid_amount'],
    [{ amount: '1.001' }, '/amount', 'too_many_decimals'],
    [{ amount: undefined }, '/amount', 'missing'],
    [{ currency: 'pkr' }, '/currency', 'unknown_currency'],
    [{ externalId: '' }, '/externalId', 'too_short'],
    [{ externalId: 'x'.repeat(65) }, '/externalId', 'too_long'],
    [{ externalId: undefined }, '/externalId', 'missing'],
    [{ description: 'gift' }, '/description', 'unknown_field'],
    [{ userId: 'usr_x' }, '/userId', 'unknown_field'],
  ])('what is wrong in %j is said where it stands', async (change, pointer, code) => {
    const id = await enter();
    for (const move of ['credit', 'debit']) {
      const reply = await post(`/users/${id}/${move}`, money(change));
      expect(reply).toMatchObject({ status: 400, body: { errors: [{ pointer, code }] } });
    }
  });

  test('what is wrong with a user is said where it stands', async () => {
    const id = await enter();
    for (const [reply, pointer] of [
      [await post('/users', {}), '/externalId'],
      [await post('/users', { externalId: 7 }), '/externalId'],
      [await post('/users', { externalId: 'a', frozen: true }), '/frozen'],
      [await patch(`/users/${id}`, { frozen: 'yes' }), '/frozen'],
      [await patch(`/users/${id}`, {}), '/frozen'],
      [await patch(`/users/${id}`, { frozen: true, externalId: 'b' }), '/externalId'],
      [await get('/users?frozen=true'), '/frozen'],
      [await get(`/users/${id}/transactions?format=xml`), '/format'],
      [await get(`/users/${id}/transactions?type=bribe`), '/type'],
      [await get(`/users/${id}/transactions?currency=pkr`), '/currency'],
      [await get(`/users/${id}/stats?currency=DEM`), '/currency'],
    ] as const) {
      expect(reply).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
    }
    expect(
      (await door.call('POST', '/api/v1/users', { key: merchant.key, body: { externalId: 'c' }, idempotencyKey: '' })).status,
    ).toBe(400);
  });
});

describe('transactions', () => {
  test('are one list of the same movements, in the whole shape and in the one of before', async () => {
    const id = await enter();
    const made = [
      (await post(`/users/${id}/credit`, money({ amount: '100' }))).body,
      (await post(`/users/${id}/debit`, money({ amount: '30' }))).body,
      (await post(`/users/${id}/credit`, money({ amount: '5' }))).body,
    ].reverse();
    expect((await get(`/users/${id}/transactions`)).body.data).toEqual(made);
    expect(made.map(({ balanceAfter }) => balanceAfter)).toEqual(['75.00', '70.00', '100.00']);
    const legacy = (await get(`/users/${id}/transactions?format=legacy`)).body;
    expect(legacy.data).toEqual(
      made.map(({ id: entry, type, amount, description, at }) => ({
        id: entry, userId: id, type, amount, description, relatedId: null, timestamp: at,
      })), // biome-ignore format: one glance
    );
  });

  test('are filtered by type and currency, and paged without a gap or a repetition while more come', async () => {
    const own = await door.merchant({ funds: 1_000_000n });
    await door.db.owner.query(`SELECT fund_balance($1)`, [
      JSON.stringify({ merchantId: own.id, mode: 'test', currency: 'USD', amountMinor: '100000', externalId: 'usd' }),
    ]);
    const id = await enter(own.key);
    const moved: string[] = [];
    const move = async (kind: string, currency = 'PKR') => {
      const { body } = await call(own.key, 'POST', `/users/${id}/${kind}`, money({ amount: '10', currency }));
      moved.unshift(body.id);
    };
    for (let n = 0; n < 4; n += 1) await move('credit', n % 2 === 0 ? 'PKR' : 'USD');
    await move('debit');
    const list = async (query: string) => (await call(own.key, 'GET', `/users/${id}/transactions${query}`)).body;
    const ids = ({ data }: { data: { id: string }[] }) => data.map((each) => each.id);
    expect(ids(await list(''))).toEqual(moved);
    expect(ids(await list('?type=debit'))).toEqual(moved.slice(0, 1));
    expect(ids(await list('?type=credit,debit&currency=PKR'))).toEqual([moved[0], moved[2], moved[4]]);
    expect(ids(await list('?currency=EUR'))).toEqual([]);
    const first = await list('?limit=2');
    const expected = [...moved];
    await move('credit'); // comes before what was read
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    const third = await list(`?limit=2&cursor=${second.nextCursor}`);
    expect([...ids(first), ...ids(second), ...ids(third)]).toEqual(expected);
    expect([second.hasMore, third.hasMore, third.nextCursor]).toEqual([true, false, null]);
  });
});

test('statistics of somebody who never played are zero, and in the currency that is asked for', async () => {
  const id = await enter();
  const none = { games: 0, won: 0, lost: 0 };
  expect((await get(`/users/${id}/stats`)).body).toEqual({
    object: 'user_stats', userId: id, currency: null, ...none, wagered: '0', paid: '0',
    markets: 0, marketsWon: 0, committed: '0', distributed: '0', byCurrency: [],
  }); // biome-ignore format: one glance
  expect((await get(`/users/${id}/stats?currency=PKR`)).body).toMatchObject({ currency: 'PKR', wagered: '0.00', paid: '0.00' });
  await door.db.owner.query(`INSERT INTO user_stats VALUES ($1, 'USD', 1, 0, 1, 500, 0), ($1, 'INR', 3, 2, 1, 30000, 40000)`, [
    id,
  ]);
  const never = { markets: 0, marketsWon: 0, committed: '0.00', distributed: '0.00' };
  const most = { ...never, currency: 'INR', games: 3, won: 2, lost: 1, wagered: '300.00', paid: '400.00' };
  const other = { ...never, currency: 'USD', games: 1, won: 0, lost: 1, wagered: '5.00', paid: '0.00' };
  expect((await get(`/users/${id}/stats`)).body).toEqual({
    object: 'user_stats',
    userId: id,
    ...most,
    byCurrency: [most, other],
  });
  expect((await get(`/users/${id}/stats?currency=USD`)).body).toMatchObject(other);
});

describe('who may', () => {
  test('nothing of a user is seen, moved or frozen by another merchant, in the other world, or under an id that nobody has', async () => {
    const id = await enter();
    await post(`/users/${id}/credit`, money());
    const paths = ['', '/balance', '/transactions', '/stats'];
    const asked = async (key: string, whose: string) => [
      ...(await Promise.all(paths.map((path) => call(key, 'GET', `/users/${whose}${path}`)))),
      await call(key, 'PATCH', `/users/${whose}`, { frozen: true }),
      await call(key, 'POST', `/users/${whose}/credit`, money()),
      await call(key, 'POST', `/users/${whose}/debit`, money()),
    ];
    for (const [key, whose] of [
      [other.key, id],
      [merchant.liveKey, id],
      [merchant.key, newId('usr')],
      [merchant.key, 'usr_%00'],
      [merchant.key, "x'"],
    ] as const) {
      expect((await asked(key, whose)).map(({ status, body }) => `${status} ${body.code}`)).toEqual(
        Array(7).fill('404 not_found'),
      );
    }
    expect((await get(`/users/${id}`)).body.frozen).toBe(false);
    expect(await available(`/users/${id}/balance`)).toBe('100.00');
    expect((await call(other.key, 'GET', '/users')).body.data.some((user: { id: string }) => user.id === id)).toBe(false);
  });

  test('a key reads or writes users only with the scope for it', async () => {
    const id = await enter();
    const reader = await door.key(merchant.id, { scopes: ['users:read'] });
    const writer = await door.key(merchant.id, { scopes: ['users:write'] });
    const stranger = await door.key(merchant.id, { scopes: ['providers:write', 'balance:read'] });
    const statuses = async (key: string) => [
      (await call(key, 'GET', `/users/${id}`)).status,
      (await call(key, 'GET', `/users/${id}/balance`)).status,
      (await call(key, 'GET', `/users/${id}/transactions`)).status,
      (await call(key, 'POST', '/users', { externalId: newId('player') })).status,
      (await call(key, 'PATCH', `/users/${id}`, { frozen: false })).status,
      (await call(key, 'POST', `/users/${id}/credit`, money({ amount: '1' }))).status,
      (await call(key, 'POST', `/users/${id}/debit`, money({ amount: '1' }))).status,
    ];
    expect(await statuses(reader)).toEqual([200, 200, 200, 403, 403, 403, 403]);
    expect(await statuses(writer)).toEqual([403, 403, 403, 201, 200, 201, 201]);
    expect(await statuses(stranger)).toEqual(Array(7).fill(403));
  });
});

test('what happened to a user is told with the balance of that very commit, to the merchant that asks for it', async () => {
  const own = await door.merchant({ funds: 1_000_000n });
  const made = await call(own.key, 'POST', '/webhook-endpoints', { url: 'http://127.0.0.1:9/hook', eventTypes: ['user.*'] });
  expect(made.status).toBe(201);
  const id = await enter(own.key);
  const credit = (await call(own.key, 'POST', `/users/${id}/credit`, money())).body;
  const debit = (await call(own.key, 'POST', `/users/${id}/debit`, money({ amount: '40' }))).body;
  const frozen = (await call(own.key, 'PATCH', `/users/${id}`, { frozen: true })).body;
  const { data } = (await call(own.key, 'GET', '/events')).body;
  expect(
    data.map(({ type, sequence, data: { object } }: { type: string; sequence: number; data: { object: unknown } }) => [
      type,
      sequence,
      object,
    ]),
  ).toEqual([
    ['user.frozen', 3, frozen],
    ['user.debited', 2, { ...debit, newBalance: '60.00', balanceVersion: 2 }],
    ['user.credited', 1, { ...credit, newBalance: '100.00', balanceVersion: 1 }],
  ]);
  expect((await call(own.key, 'GET', '/events?type=user.debited')).body.data).toEqual([data[1]]);
  expect((await call(other.key, 'GET', `/events/${data[0].id}`)).status).toBe(404);
  const { rows } = await door.db.owner.query(
    'SELECT count(*)::int AS n FROM webhook_deliveries WHERE subject_kind = $1 AND subject_id = $2',
    ['user', id],
  );
  expect(rows).toEqual([{ n: 3 }]);
});

test("each flow is on for a new merchant, and an admin's switch is kept, shown and written down", async () => {
  const admin = await door.admin('admin');
  const asAdmin = (method: string, path: string, body?: unknown) =>
    door.call(method, `/api/admin${path}`, { key: admin.key, ...(body !== undefined && { body }) });
  const on = { games: true, markets: true, instant: true };
  const { id, flows } = (await asAdmin('POST', '/merchants', { name: 'Casino' })).body;
  expect(flows).toEqual(on);
  expect(await asAdmin('PATCH', `/merchants/${id}`, { flows: { games: false } })).toMatchObject({
    status: 200,
    body: { flows: { ...on, games: false } },
  });
  expect((await asAdmin('PATCH', `/merchants/${id}`, { flows: { instant: false } })).body.flows).toEqual({
    ...on,
    games: false,
    instant: false,
  });
  expect((await asAdmin('PATCH', `/merchants/${id}`, { name: 'Casino Royale' })).body.flows).toEqual({
    ...on,
    games: false,
    instant: false,
  });
  expect((await asAdmin('PATCH', `/merchants/${id}`, { flows: { games: true } })).body.flows).toEqual({ ...on, instant: false });
  expect((await asAdmin('GET', `/merchants/${id}`)).body.flows).toEqual({ ...on, instant: false });
  expect((await asAdmin('POST', '/merchants', { name: 'Bank', flows: { games: false } })).body.flows).toEqual({
    ...on,
    games: false,
  });
  for (const [flows, pointer] of [
    [{ payouts: false }, '/flows/payouts'],
    [{ games: 'no' }, '/flows/games'],
    [null, '/flows'],
  ] as const) {
    expect(await asAdmin('PATCH', `/merchants/${id}`, { flows })).toMatchObject({ status: 400, body: { errors: [{ pointer }] } });
  }
  const audit = (await asAdmin('GET', '/audit')).body.data.filter(({ target }: { target: string }) => target === id);
  expect(audit[0]).toMatchObject({
    action: 'merchant.change',
    data: { before: { flows: { ...on, games: false, instant: false } }, after: { flows: { ...on, instant: false } } },
  });
});
