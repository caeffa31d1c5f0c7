/** How markets are resolved over HTTP: seen beforehand, disputed, paid, verified, rolled back. The engine runs; nothing is played. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { createMarketsClient } from '../../src/markets/client.ts';
import { fund } from '../../src/merchants/useCases/fund.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor, type Reply, type TestAdmin } from '../support/door.ts';
import { everyRole } from '../support/doorWorld.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { eventually } from '../support/payouts.ts';

Runtime.install({ logger: new DefaultLogger('ERROR') });

let engine: Engine;
let door: Door;
let merchant: Merchant;
let resolver: TestAdmin;
let approver: TestAdmin;
let operator: TestAdmin;
let viewer: TestAdmin;
const closings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  engine = await startEngine();
  closings.push(() => engine.stop());
  closings.push(await engine.startWorker(), await engine.startMarkets());
  const markets = createMarketsClient(engine.client, { allowSignalDecisions: true, fundsEveryMs: 200 });
  door = await openDoor({ db: engine.db, markets });
  closings.push(() => door.stop());
  merchant = await door.merchant();
  ({ approver, operator, viewer } = await everyRole(door));
  resolver = await door.admin('approver');
  await fund(door.context, {
    merchantId: merchant.id,
    mode: 'test',
    currency: 'INR',
    amountMinor: '100000000',
    externalId: 'start',
  });
});
afterAll(async () => {
  expect((await checkInvariants(door.context.pool)).filter(({ violations }) => violations > 0)).toEqual([]);
});
afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

const call = (key: string, method: string, path: string, body?: unknown) =>
  door.call(method, path, { key, ...(body !== undefined && { body }) });
const get = (path: string) => call(merchant.key, 'GET', `/api/v1${path}`);
const post = (path: string, body: unknown) => call(merchant.key, 'POST', `/api/v1${path}`, body);
const see = (path: string, admin = viewer) => call(admin.key, 'GET', `/api/admin${path}`);
const act = (path: string, body?: unknown, admin = approver) => call(admin.key, 'POST', `/api/admin${path}`, body);
const codes = ({ status, body }: Reply) => [status, body.code];

async function player(purse: string): Promise<string> {
  const { id } = (await post('/users', { externalId: newId('player') })).body;
  await post(`/users/${id}/credit`, { amount: purse, currency: 'INR', externalId: newId('ext') });
  return id;
}

interface World {
  readonly id: string;
  /** 10.00 and 20.00 on yes, 40.00 on no. */
  readonly users: [string, string, string];
}

async function staked(more: object = {}): Promise<World> {
  const terms = { title: 'Will it rain?', type: 'binary', currency: 'INR', houseFeeBps: 200, disputeWindowSeconds: 0, ...more };
  const { id } = (await post('/markets', terms)).body;
  const users = [await player('10'), await player('20'), await player('40')] as [string, string, string];
  for (const [at, amount] of ['10', '20', '40'].entries()) {
    await post(`/markets/${id}/commitments`, { userId: users[at], amount, position: at < 2 ? 'yes' : 'no' });
  }
  return { id, users };
}

const resolve = async (id: string, outcome = 'yes', more: object = {}): Promise<string> => {
  const answer = await act(`/markets/${id}/resolve`, { outcome, ...more }, resolver);
  expect(answer.status).toBe(202);
  return answer.body.id;
};
const until = (resolution: string, status: string) =>
  eventually(async () => expect((await get(`/resolutions/${resolution}?wait=2`)).body.status).toBe(status));
const inr = ({ body }: Reply) => body.balances.find((each: { currency: string }) => each.currency === 'INR').available;
const purse = async (user: string): Promise<string> => inr(await get(`/users/${user}/balance`));

/** 70.00, less 2 % of the 40.00 that lost: 69.20, of which a third and two thirds. */
const PAID = ['23.07', '46.13', '0.00'];

test('a market is seen before it is resolved, paid as it was seen, verified, and taken back to the last unit', async () => {
  const { id, users } = await staked();
  const preview = await act(`/markets/${id}/preview`, { outcome: 'yes' }, viewer);
  expect(preview.body).toMatchObject({
    marketId: id,
    outcome: 'yes',
    kind: 'shares',
    pool: '70.00',
    fees: { total: '0.80', house: '0.80', creator: '0.00' },
    net: '69.20',
    users: 3,
    winners: 2,
    losers: 1,
    rounding: { method: 'largest_remainder', leftOver: '0.01' },
    largestPayouts: [
      { userId: users[1], staked: '20.00', payout: '46.13', roundedUp: false },
      { userId: users[0], staked: '10.00', payout: '23.07', roundedUp: true },
    ],
  });
  expect((await see(`/markets/${id}/verification`)).body).toMatchObject({
    ok: null,
    resolutionId: null,
    balances: { pool: '70.00', agree: true },
  });

  const resolution = await resolve(id, 'yes', { planHash: preview.body.planHash, evidence: 'the weather service says so' });
  await until(resolution, 'completed');
  const read = await get(`/resolutions/${resolution}`);
  expect(read.body).toMatchObject({
    id: resolution,
    marketId: id,
    run: 1,
    progress: { paidUsers: 3, users: 3, amount: '69.20' },
  });
  expect(read.body).not.toHaveProperty('missing');
  expect((await get(`/resolutions?marketId=${id}`)).body.data).toEqual([read.body]);
  expect(await Promise.all(users.map(purse))).toEqual(PAID);
  expect((await get(`/markets/${id}`)).body).toMatchObject({ status: 'resolved', outcome: 'yes', resolutionId: resolution });
  expect((await see(`/markets/${id}/verification`)).body).toMatchObject({
    ok: true,
    resolutionId: resolution,
    status: 'completed',
    recomputed: { users: 3, winners: 2, commitments: 3, staked: '70.00', paid: '69.20', fees: '0.80', roundedUp: 1 },
    faults: [],
    balances: { pool: '0.00', expected: '0.00', agree: true },
  });

  expect(codes(await act(`/resolutions/${resolution}/rollback`, { reason: 'it was snow' }, resolver))).toEqual([
    403,
    'self_approval',
  ]);
  expect(codes(await act(`/resolutions/${resolution}/rollback`, { reason: 'it was snow' }, operator))).toEqual([
    403,
    'forbidden',
  ]);
  expect((await act(`/resolutions/${resolution}/rollback`, { reason: 'it was snow' })).status).toBe(202);
  await until(resolution, 'rolled_back');
  expect(await Promise.all(users.map(purse))).toEqual(['0.00', '0.00', '0.00']);
  expect(codes(await act(`/resolutions/${resolution}/rollback`, { reason: 'again' }))).toEqual([409, 'already_rolled_back']);
  expect((await see(`/markets/${id}/verification`)).body).toMatchObject({
    balances: { pool: '70.00', missing: '0.00', agree: true },
  });
  const audit = await engine.db.owner.query(
    `SELECT action, data ->> 'outcome' AS outcome FROM audit_log WHERE target = $1 ORDER BY id`,
    [resolution],
  );
  expect(audit.rows.map(({ action, outcome }) => [action, outcome])).toEqual([
    ['resolution.rollback', 'self_approval'],
    ['request.refused', null],
    ['resolution.rollback', 'done'],
    ['resolution.rollback', 'already_rolled_back'],
  ]);
});

describe('what is no longer true, or was never allowed, changes nothing:', () => {
  test('a plan hash of before the last stake, an option that there is not, a second resolve', async () => {
    const { id } = await staked({ disputeWindowSeconds: 60 });
    const { planHash } = (await act(`/markets/${id}/preview`, { outcome: 'yes' }, viewer)).body;
    await post(`/markets/${id}/commitments`, { userId: await player('1'), amount: '1', position: 'no' });
    const late = await act(`/markets/${id}/resolve`, { outcome: 'yes', planHash }, resolver);
    expect(codes(late)).toEqual([409, 'plan_changed']);
    expect(late.body.recorded.planHash).toBe((await act(`/markets/${id}/preview`, { outcome: 'yes' }, viewer)).body.planHash);
    expect((await act(`/markets/${id}/preview`, { outcome: 'maybe' }, viewer)).body.errors[0]).toMatchObject({
      pointer: '/outcome',
      code: 'unknown_option',
    });
    expect((await act(`/markets/${id}/resolve`, { outcome: 'maybe' })).body.errors[0]).toMatchObject({
      pointer: '/outcome',
      code: 'unknown_option',
    });
    expect(codes(await act(`/markets/${id}/resolve`, { outcome: 'yes' }, operator))).toEqual([403, 'forbidden']);
    expect((await act(`/markets/${id}/resolve`, { outcome: 'yes', planHash: 'yesterday' })).status).toBe(400);
    await resolve(id, 'yes', { planHash: late.body.recorded.planHash });
    expect(codes(await act(`/markets/${id}/resolve`, { outcome: 'no' }))).toEqual([409, 'wrong_state']);
    expect(codes(await act(`/markets/mkt_${'0'.repeat(32)}/resolve`, { outcome: 'no' }))).toEqual([404, 'not_found']);
    expect((await get(`/markets/${id}`)).body.status).toBe('resolving');
  });

  test('the same resolve under its idempotency key is the same resolution', async () => {
    const { id } = await staked({ disputeWindowSeconds: 60 });
    const once = () =>
      door.call('POST', `/api/admin/markets/${id}/resolve`, {
        key: resolver.key,
        body: { outcome: 'yes' },
        idempotencyKey: `resolve-${id}`,
      });
    const [first, second] = [await once(), await once()];
    expect([first.status, second.body]).toEqual([202, first.body]);
  });

  test('another merchant sees no resolution, and disputes none', async () => {
    const { id, users } = await staked({ disputeWindowSeconds: 60 });
    const resolution = await resolve(id);
    const stranger = await door.merchant();
    expect(codes(await call(stranger.key, 'GET', `/api/v1/resolutions/${resolution}`))).toEqual([404, 'not_found']);
    expect((await call(stranger.key, 'GET', `/api/v1/resolutions?marketId=${id}`)).body.data).toEqual([]);
    expect((await call(stranger.key, 'GET', '/api/v1/resolutions')).body.data).toEqual([]);
    const dispute = { userId: users[0], reason: 'mine' };
    expect(codes(await call(stranger.key, 'POST', `/api/v1/markets/${id}/dispute`, dispute))).toEqual([404, 'not_found']);
  });
});

test('a participant disputes an outcome once, its decision is somebody else’s, and the other outcome is paid', async () => {
  const { id, users } = await staked({ disputeWindowSeconds: 1 });
  const resolution = await resolve(id, 'no');
  expect(codes(await post(`/markets/${id}/dispute`, { userId: await player('1'), reason: 'I watched' }))).toEqual([
    403,
    'not_participant',
  ]);
  const disputed = await post(`/markets/${id}/dispute`, { userId: users[0], reason: 'it rained' });
  expect([disputed.status, disputed.body.status]).toEqual([200, 'disputed']);
  expect(codes(await post(`/markets/${id}/dispute`, { userId: users[0], reason: 'it did rain' }))).toEqual([
    409,
    'already_disputed',
  ]);
  expect(
    (await see('/resolutions?needsOperator=true&state=disputed')).body.data.map((each: { id: string }) => each.id),
  ).toContain(resolution);
  expect((await see('/resolutions?state=completed,paying')).body.data.map((each: { id: string }) => each.id)).not.toContain(
    resolution,
  );
  expect(codes(await act(`/resolutions/${resolution}/overturn`, { outcome: 'yes' }, resolver))).toEqual([403, 'self_approval']);
  expect(codes(await act(`/resolutions/${resolution}/overturn`, { outcome: 'yes' }, operator))).toEqual([403, 'forbidden']);
  expect((await act(`/resolutions/${resolution}/overturn`, { outcome: 'maybe' })).status).toBe(400);
  expect((await act(`/resolutions/${resolution}/overturn`, { outcome: 'yes' })).body).toMatchObject({
    status: 'dispute_window',
    outcome: 'yes',
    resolvedBy: approver.id,
  });
  await until(resolution, 'completed');
  expect(await Promise.all(users.map(purse))).toEqual(PAID);
  expect(codes(await act(`/resolutions/${resolution}/uphold`))).toEqual([409, 'wrong_state']);
  expect(codes(await post(`/markets/${id}/dispute`, { userId: users[1], reason: 'late' }))).toEqual([409, 'wrong_state']);
});

test('what a user was paid is disputed and upheld; disputed again of another and overturned, all of it is taken back', async () => {
  const { id, users } = await staked();
  const resolution = await resolve(id);
  await until(resolution, 'completed');
  const of = async (user: string) => (await get(`/users/${user}/distributions`)).body.data[0];
  const [first, second] = [await of(users[0]), await of(users[1])];
  expect((await post(`/distributions/${first.id}/dispute`, { reason: 'too little' })).body).toMatchObject({
    id: first.id,
    status: 'disputed',
  });
  expect(codes(await post(`/distributions/${first.id}/dispute`, { reason: 'far too little' }))).toEqual([
    409,
    'already_disputed',
  ]);
  expect((await see('/distributions')).body.data).toMatchObject([
    { id: first.id, userId: users[0], disputeReason: 'too little', resolvedBy: resolver.id },
  ]);
  expect(codes(await act(`/distributions/${first.id}/uphold`, undefined, resolver))).toEqual([403, 'self_approval']);
  expect((await act(`/distributions/${first.id}/uphold`)).body).toMatchObject({ id: first.id, status: 'completed' });
  expect(codes(await act(`/distributions/${first.id}/uphold`))).toEqual([409, 'wrong_state']);
  expect((await see('/distributions')).body.data).toEqual([]);

  await post(`/distributions/${second.id}/dispute`, { reason: 'too little' });
  expect((await act(`/distributions/${second.id}/overturn`)).status).toBe(200);
  await until(resolution, 'rolled_back');
  expect((await of(users[1])).status).toBe('rolled_back');
  expect(await Promise.all(users.map(purse))).toEqual(['0.00', '0.00', '0.00']);
});

test('money that winners have spent is missing, to the last unit, until the merchant covers it', async () => {
  const { id, users } = await staked();
  const resolution = await resolve(id);
  await until(resolution, 'completed');
  const other = await staked({ disputeWindowSeconds: 60 });
  for (const [user, amount] of [
    [users[0], PAID[0]],
    [users[1], PAID[1]],
  ] as const) {
    expect((await post(`/markets/${other.id}/commitments`, { userId: user, amount, position: 'no' })).status).toBe(201);
  }
  // The merchant has none of it either: its money is a user's.
  const rest = inr(await get('/balance'));
  const rich = (await post('/users', { externalId: newId('rich') })).body.id;
  await post(`/users/${rich}/credit`, { amount: rest, currency: 'INR', externalId: newId('ext') });
  await act(`/resolutions/${resolution}/rollback`, { reason: 'it was snow' });
  await until(resolution, 'rolled_back');
  const again = await resolve(id, 'no');
  await until(again, 'waiting_for_funds');
  const waiting = (await get(`/resolutions/${again}`)).body;
  expect(waiting).toMatchObject({ run: 2, missing: '70.00', progress: { paidUsers: 0, amount: '0.00' } });
  await post(`/users/${rich}/debit`, { amount: '70.00', currency: 'INR', externalId: newId('ext') });
  await until(again, 'completed');
  expect(await purse(users[2])).toBe('69.40'); // all of the pool less 2 % of the 30.00 that lost
});
