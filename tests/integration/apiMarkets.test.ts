/** What a merchant does with markets over HTTP: opened, staked on, imported into, read. How they are resolved: apiResolutions.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';

let door: Door;
let merchant: Merchant;

beforeAll(async () => {
  door = await openDoor({});
  merchant = await door.merchant();
  for (const mode of ['test', 'live'] as const) {
    await fund(door.context, {
      merchantId: merchant.id,
      mode,
      currency: 'INR',
      amountMinor: '100000000',
      externalId: newId('ext'),
    });
  }
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
  await door.stop();
});

const call = (key: string, method: string, path: string, body?: unknown, idempotencyKey?: string) =>
  door.call(method, `/api/v1${path}`, { key, ...(body !== undefined && { body }), ...(idempotencyKey && { idempotencyKey }) });
const get = (path: string) => call(merchant.key, 'GET', path);
const post = (path: string, body: unknown, idempotencyKey?: string) => call(merchant.key, 'POST', path, body, idempotencyKey);

const player = async (purse = '1000'): Promise<string> => {
  const { id } = (await post('/users', { externalId: newId('player') })).body;
  if (purse !== '0') await post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: newId('ext') });
  return id;
};
const BINARY = { title: 'Will it rain?', type: 'binary', currency: 'INR' };
const MULTI = {
  ...BINARY,
  type: 'multi',
  options: [
    { id: 'red', title: 'Red' },
    { id: 'blue', title: 'Blue' },
  ],
};
const open = async (more: object = {}): Promise<string> => (await post('/markets', { ...BINARY, ...more })).body.id;
const stake = (market: string, userId: string, body: object = { position: 'yes' }, amount: unknown = '100', key?: string) =>
  post(`/markets/${market}/commitments`, { userId, amount, ...body }, key);
const codes = ({ status, body }: Reply) => [
  status,
  body.code,
  ...(body.errors ?? []).map((each: { pointer: string }) => each.pointer),
];

describe('a market', () => {
  test('is opened with its rules, told by an event, and read with what was staked on each option', async () => {
    const creatorUserId = await player('0');
    const closesAt = new Date(Date.now() + 3_600_000).toISOString();
    const opened = await post('/markets', { ...MULTI, creatorUserId, houseFeeBps: 200, creatorFeeBps: 100, feeBase: 'gross', closesAt, disputeWindowSeconds: 60 }); // biome-ignore format: one glance
    const expected = {
      id: expect.stringMatching(/^mkt_[0-9a-f]{32}$/), object: 'market', title: 'Will it rain?', type: 'multi', status: 'open', currency: 'INR',
      options: [
        { id: 'red', title: 'Red', staked: '0.00', commitments: 0, participants: 0 },
        { id: 'blue', title: 'Blue', staked: '0.00', commitments: 0, participants: 0 },
      ],
      totals: { staked: '0.00', commitments: 0, participants: 0 },
      creatorUserId, houseFeeBps: 200, creatorFeeBps: 100, feeBase: 'gross', closesAt, disputeWindowSeconds: 60, livemode: false,
      createdAt: expect.any(String), resolutionId: null, outcome: null,
    }; // biome-ignore format: a record
    expect(opened).toMatchObject({ status: 201, headers: { location: `/api/v1/markets/${opened.body.id}` } });
    expect(opened.body).toEqual(expected);
    expect((await get('/events?type=market.created&limit=1')).body.data[0].data.object).toMatchObject({
      id: opened.body.id,
      status: 'open',
    });

    const userId = await player();
    await stake(opened.body.id, userId, { optionId: 'red' }, '10');
    await stake(opened.body.id, userId, { optionId: 'blue' }, '5.50');
    await stake(opened.body.id, userId, { optionId: 'blue' }, 1);
    expect((await get(`/markets/${opened.body.id}`)).body).toMatchObject({
      options: [
        { id: 'red', staked: '10.00', commitments: 1, participants: 1 },
        { id: 'blue', staked: '6.50', commitments: 2, participants: 1 },
      ],
      totals: { staked: '16.50', commitments: 3, participants: 1 },
    });
    expect((await get('/markets?limit=1')).body.data[0].id).toBe(opened.body.id);
  });

  test('that cannot be is refused, with the fields that are wrong, and nothing is opened', async () => {
    const refused = async (body: object) => codes(await post('/markets', body));
    expect(await refused({ ...BINARY, houseFeeBps: 9_999, creatorFeeBps: 2, creatorUserId: await player('0') })).toEqual([400, 'invalid_request', '/creatorFeeBps']); // biome-ignore format: one glance
    expect(await refused({ ...BINARY, houseFeeBps: 10_001 })).toEqual([400, 'invalid_request', '/houseFeeBps']);
    expect(await refused({ ...BINARY, houseFeeBps: -1 })).toEqual([400, 'invalid_request', '/houseFeeBps']);
    expect(await refused({ ...BINARY, creatorFeeBps: 1 })).toEqual([400, 'invalid_request', '/creatorUserId']);
    expect(await refused({ ...BINARY, creatorUserId: newId('usr') })).toEqual([422, 'unknown_user', '/creatorUserId']);
    expect(await refused({ ...MULTI, options: undefined })).toEqual([400, 'invalid_request', '/options']);
    expect(await refused({ ...MULTI, options: MULTI.options.slice(1) })).toEqual([400, 'invalid_request', '/options']);
    expect(await refused({ ...MULTI, type: 'binary' })).toEqual([400, 'invalid_request', '/options']);
    expect(await refused({ ...MULTI, options: [...MULTI.options, { id: 'red', title: 'x' }] })).toEqual([
      400,
      'invalid_request',
      '/options/2/id',
    ]);
    expect(await refused({ ...MULTI, options: [...MULTI.options, { id: 'void', title: 'x' }] })).toEqual([
      400,
      'invalid_request',
      '/options/2/id',
    ]);
    expect(await refused({ ...BINARY, currency: 'XXX' })).toEqual([400, 'invalid_request', '/currency']);
    expect(await refused({ ...BINARY, title: 'a\u0000b' })).toEqual([400, 'invalid_request', '/title']);
    expect(await refused({ ...BINARY, closesAt: '2020-01-01T00:00:00Z' })).toEqual([400, 'invalid_request', '/closesAt']);
    expect(await refused({ ...BINARY, disputeWindowSeconds: 1.5 })).toEqual([400, 'invalid_request', '/disputeWindowSeconds']);
    expect(await refused({ ...BINARY, state: 'OPEN' })).toEqual([400, 'invalid_request', '/state']);
  });

  test('of another merchant, or of the other mode, is not there', async () => {
    const market = await open();
    const userId = await player();
    const other = await door.merchant();
    const live = merchant.liveKey;
    for (const key of [other.key, live]) {
      for (const path of ['', '/commitments', '/distributions'])
        expect(codes(await call(key, 'GET', `/markets/${market}${path}`))).toEqual([404, 'not_found']);
      expect(codes(await call(key, 'POST', `/markets/${market}/commitments`, { userId, position: 'yes', amount: '1' }))).toEqual([
        404,
        'not_found',
      ]);
      expect(codes(await call(key, 'GET', `/users/${userId}/commitments`))).toEqual([404, 'not_found']);
      expect(codes(await call(key, 'GET', `/users/${userId}/distributions`))).toEqual([404, 'not_found']);
      expect(codes(await call(key, 'POST', `/markets/${market}/imports`))).toEqual([404, 'not_found']);
    }
    const theirs = (await call(other.key, 'POST', '/users', { externalId: 'u' })).body.id;
    expect(codes(await stake(market, theirs))).toEqual([404, 'not_found']);
  });
});

describe('a commitment', () => {
  test('takes the stake into the pool at once, once for its key, by position and by option alike', async () => {
    const [market, userId] = [await open(), await player()];
    const first = await stake(market, userId, { position: 'yes' }, '100', 'the-key-of-one');
    expect(first).toMatchObject({
      status: 201,
      body: {
        id: expect.stringMatching(/^com_/), object: 'commitment', marketId: market, userId, optionId: 'yes', position: 'yes', amount: '100.00',
        currency: 'INR', status: 'placed', payoutAmount: null, newBalance: '900.00',
      },
    }); // biome-ignore format: a record
    expect((await stake(market, userId, { position: 'yes' }, '100', 'the-key-of-one')).body).toEqual(first.body);
    expect((await stake(market, userId, { optionId: 'no' }, '50')).body).toMatchObject({
      optionId: 'no',
      position: null,
      newBalance: '850.00',
    });
    expect((await get(`/users/${userId}/balance`)).body.balances).toMatchObject([{ available: '850.00', locked: '0.00' }]);
    expect((await get(`/markets/${market}/commitments?userId=${userId}`)).body.data).toHaveLength(2);
    expect((await get(`/users/${userId}/commitments`)).body.data).toMatchObject([{ optionId: 'no' }, { optionId: 'yes' }]);
    expect((await get(`/users/${userId}/transactions?type=commitment`)).body.data).toMatchObject([
      {
        type: 'commitment',
        amount: '50.00',
        marketId: market,
        commitmentId: expect.stringMatching(/^com_/),
        description: 'Staked ₹50 in a market',
      },
      { amount: '100.00', balanceAfter: '900.00' },
    ]);
    expect((await get(`/users/${userId}/transactions?format=legacy&limit=1`)).body.data).toMatchObject([
      { type: 'commitment', relatedId: market },
    ]);
  });

  test('that cannot be is refused, and the stake stays where it was', async () => {
    const [market, multi, userId] = [await open(), await open(MULTI), await player('10')];
    expect(codes(await stake(market, userId, {}))).toEqual([400, 'invalid_request', '/optionId']);
    expect(codes(await stake(market, userId, { position: 'yes', optionId: 'yes' }))).toEqual([
      400,
      'invalid_request',
      '/optionId',
    ]);
    expect(codes(await stake(market, userId, { position: 'maybe' }))).toEqual([400, 'invalid_request', '/position']);
    expect(codes(await stake(market, userId, { optionId: 'red' }, '0'))).toEqual([
      400,
      'invalid_request',
      '/optionId',
      '/amount',
    ]);
    expect(codes(await stake(multi, userId, { position: 'yes' }))).toEqual([400, 'invalid_request', '/position']);
    expect(codes(await stake(multi, userId, { optionId: 'red' }, '1000000000000000000'))).toEqual([
      400,
      'invalid_request',
      '/amount',
    ]);
    expect(codes(await stake(market, userId, { position: 'no' }, '10.01'))).toEqual([400, 'insufficient_balance']);
    await call(merchant.key, 'PATCH', `/users/${userId}`, { frozen: true });
    expect(codes(await stake(market, userId, { position: 'no' }, '1'))).toEqual([409, 'user_frozen']);
    expect((await get(`/users/${userId}/balance`)).body.balances).toMatchObject([{ available: '10.00' }]);
  });

  test('after the market has closed is refused, by the database’s clock', async () => {
    const [market, userId] = [await open({ closesAt: new Date(Date.now() + 60_000).toISOString() }), await player()];
    await door.db.owner.query(`UPDATE markets SET closes_at = now() WHERE id = $1`, [market]);
    expect(codes(await stake(market, userId))).toEqual([409, 'market_closed']);
    expect((await get(`/markets/${market}`)).body).toMatchObject({ status: 'closed', totals: { commitments: 0 } });
  });
});

describe('an import', () => {
  const send = (id: string, lines: string, type = 'application/x-ndjson') =>
    door.call('PUT', `/api/v1/imports/${id}/lines`, {
      key: merchant.key,
      idempotencyKey: null,
      body: lines,
      headers: { 'content-type': type },
    });
  const begin = async (market: string): Promise<string> => {
    const begun = await post(`/markets/${market}/imports`, {});
    expect(begun).toMatchObject({
      status: 201,
      body: { object: 'import', marketId: market, lines: 0, accepted: 0, rejected: 0, errors: [] },
    });
    return begun.body.id;
  };

  test('takes in each line once, says what is wrong with which, and goes on where it broke off', async () => {
    const [market, rich, poor] = [await open(), await player('1000'), await player('5')];
    const id = await begin(market);
    const lines = [
      { key: 'a', userId: rich, amount: '10', position: 'yes' },
      { key: 'b', userId: poor, amount: '4', optionId: 'no' },
      { key: 'c', userId: poor, amount: '2', optionId: 'no' },
      { key: 'd', userId: newId('usr'), amount: '1', position: 'yes' },
      { key: 'e', userId: rich, amount: '1', optionId: 'maybe' },
    ].map((line) => JSON.stringify(line));
    const sent = `${lines.join('\n')}\n{\n`;
    const done = await send(id, sent);
    expect(done).toMatchObject({
      status: 200,
      body: {
        lines: 6, accepted: 2, rejected: 4,
        errors: [
          { line: 3, key: 'c', code: 'insufficient_balance' },
          { line: 4, key: 'd', code: 'unknown_user' },
          { line: 5, key: 'e', code: 'unknown_option' },
          { line: 6, key: 'line 6', code: 'malformed_json' },
        ],
      },
    }); // biome-ignore format: a record
    expect((await send(id, sent)).body).toMatchObject({ lines: 6, accepted: 2, rejected: 4 });
    expect((await send(id, JSON.stringify({ key: 'f', userId: rich, amount: '1', position: 'no' }))).body).toMatchObject({
      lines: 7,
      accepted: 3,
    });
    expect((await get(`/imports/${id}`)).body).toMatchObject({ lines: 7, accepted: 3, rejected: 4 });
    const page = (await get(`/imports/${id}/errors?limit=3`)).body;
    expect(page.data.map(({ key }: { key: string }) => key)).toEqual(['c', 'd', 'e']);
    expect((await get(`/imports/${id}/errors?limit=3&cursor=${page.nextCursor}`)).body).toMatchObject({
      data: [{ key: 'line 6' }],
      hasMore: false,
    });
    expect((await get(`/markets/${market}`)).body.totals).toEqual({ staked: '15.00', commitments: 3, participants: 2 });
    expect((await get(`/users/${rich}/balance`)).body.balances).toMatchObject([{ available: '989.00' }]);
  });

  test('shows what each of two streams had wrong at the same place, and the same stream sent again adds nothing', async () => {
    const id = await begin(await open());
    const wrong = ['{', '{{', '{"amount":"1"}', '{"amount":"2"}', 'x'.repeat(5_000), 'x'.repeat(5_001)];
    for (const text of [...wrong, ...wrong]) await send(id, text);
    const { rejected, errors } = (await get(`/imports/${id}`)).body;
    expect([rejected, errors.map(({ key, code }: Record<string, string>) => `${key}: ${code}`)]).toEqual([
      6,
      ['malformed_json', 'malformed_json', 'missing', 'missing', 'line_too_long', 'line_too_long'].map(
        (code) => `line 1: ${code}`,
      ),
    ]);
  });

  test('lists every line that was refused, however many streams had one at the same place, and takes nothing from an empty one', async () => {
    const [market, userId] = [await open(), await player()];
    const id = await begin(market);
    const said = (key: string): string => JSON.stringify({ key, userId, amount: '-1', position: 'yes' });
    for (const key of ['b', 'a', 'c']) await send(id, said(key));
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const page = (await get(`/imports/${id}/errors?limit=1${cursor}`)).body;
      seen.push(...page.data.map(({ key, line }: { key: string; line: number }) => `${line} ${key}`));
      if (!page.hasMore) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(['1 b', '1 a', '1 c']);
    expect(await send(id, '')).toMatchObject({ status: 200, body: { lines: 3, rejected: 3 } });
  });

  test('is refused in another type, of another merchant, and of a market that is closed', async () => {
    const market = await open();
    const id = await begin(market);
    expect(codes(await send(id, '{}', 'application/json'))).toEqual([415, 'unsupported_media_type']);
    expect(codes(await send(newId('imp'), '{}'))).toEqual([404, 'not_found']);
    const other = await door.merchant();
    expect(codes(await call(other.key, 'GET', `/imports/${id}`))).toEqual([404, 'not_found']);
    await door.db.owner.query(`UPDATE markets SET closes_at = now() WHERE id = $1`, [market]);
    const line = JSON.stringify({ key: 'a', userId: await player(), amount: '1', position: 'yes' });
    expect(codes(await send(id, line))).toEqual([409, 'market_closed']);
    expect(codes(await post(`/markets/${market}/imports`, {}))).toEqual([409, 'market_closed']);
    expect((await get(`/imports/${id}`)).body).toMatchObject({ lines: 0 });
  });
});
