/** `?wait=` over HTTP, on a real server: answered by the next status, within limits, and in nobody's way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { Agent, request } from 'undici';
import { hungUp, MOST_WAITERS } from '../../src/http/waiting.ts';
import { newId } from '../../src/rules/newId.ts';
import { openDoor } from '../support/door.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';
import { eventually } from '../support/payouts.ts';
import { makeProvider } from '../support/providers.ts';

let w: DoorWorld;
let base: string;
beforeAll(async () => {
  w = await openDoorWorld();
  base = await w.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => w.stop());

/** The longest wait there is. */
const WAIT = 25;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: { status: string; code?: string };
}

interface How {
  readonly seconds?: number;
  readonly url?: string;
  readonly path?: string;
  readonly dispatcher?: Agent;
}

async function wait(id: string, key: string, options: How = {}): Promise<Answer> {
  const { seconds = WAIT, url = base, path = '/api/v1/payouts', ...how } = options;
  const reply = await request(`${url}${path}/${id}?wait=${seconds}`, { ...how, headers: { 'x-api-key': key } });
  const retryAfter = reply.headers['retry-after'];
  return { status: reply.statusCode, retryAfter: retryAfter?.toString(), body: await reply.body.json() } as Answer;
}

/** One more than may wait with a key. @returns them all, and the one that is refused: once it is, the others wait. */
function crowd(ask: () => Promise<Answer>): { all: Promise<Answer>[]; refused: Promise<Answer> } {
  const all = Array.from({ length: MOST_WAITERS.ofAKey + 1 }, ask);
  return { all, refused: Promise.race(all) };
}

/** Done only once every place but these is free: as many as may can wait, and not one more. */
async function untilAllFree(key: string): Promise<void> {
  const id = await w.payoutOf(w.a);
  const answers = await Promise.all(Array.from({ length: MOST_WAITERS.ofAKey }, () => wait(id, key, { seconds: 1 })));
  expect(answers.map(({ status }) => status)).toEqual(Array(MOST_WAITERS.ofAKey).fill(200));
}

test('a client that waits has the next status before one that waits for nothing is told that its time is over', async () => {
  const [quiet, id, refused] = [await w.payoutOf(w.a), await w.payoutOf(w.a), newId('po')];
  await w.books.db.owner.query(
    `INSERT INTO payout_requests (payout_id, record)
     SELECT $1, object || jsonb_build_object('id', $1::text, 'sequence', 0) FROM events WHERE subject_id = $2 AND sequence = 1`,
    [refused, id],
  );
  const inVain = wait(quiet, w.a.key); // of the same length, and begun before
  const asked = [wait(id, w.a.key), wait(refused, w.a.key)];
  await w.books.told(id, 'cancelled');
  const poor = { merchantId: newId('mer'), mode: 'test' } as const;
  expect((await w.books.reserve(poor, { payoutId: refused })).outcome).toBe('insufficient_balance');
  const first = await Promise.race([inVain.then(() => []), Promise.all(asked)]);
  expect(first.map(({ status, body }) => `${status} ${body.status}`)).toEqual(['200 CANCELLED', '200 REJECTED']);
  await w.books.told(quiet, 'cancelled');
  expect((await inVain).body.status).toBe('CANCELLED');
});

test('a provider that waits for its payout is answered by the next status, in its own words', async () => {
  const ada = await makeProvider(w, w.a, { earned: ['1000.00'], currency: 'PKR' });
  const owner = { merchantId: w.a.id, mode: 'test', providerId: ada.id } as const;
  const [quiet, id] = [await w.books.payout(owner), await w.books.payout(owner)];
  const path = '/api/provider/payouts';
  const [inVain, asked] = [wait(quiet, ada.key, { path }), wait(id, ada.key, { path })];
  await w.books.told(id, 'cancelled');
  expect(await Promise.race([inVain.then(() => 'its time was over'), asked])).toMatchObject({
    status: 200,
    body: { object: 'provider_payout', status: 'CANCELLED' },
  });
  await w.books.told(quiet, 'cancelled');
  await inVain;
});

test('one more than may wait with one key is told so, and when to come again; who does not wait, or has another key, is answered', async () => {
  const id = await w.payoutOf(w.a);
  const key = await w.key(w.a.id);
  const { all, refused: told } = crowd(() => wait(id, key));
  const refused = await told;
  expect(refused).toMatchObject({ status: 429, retryAfter: '1', body: { code: 'too_many_waiters' } });
  expect(await w.call('GET', `/api/v1/payouts/${id}?wait=1`, { key })).toMatchObject({ status: 429 }); // as the document has it
  expect((await w.call('GET', `/api/v1/payouts/${id}`, { key })).status).toBe(200);
  expect((await wait(id, w.a.key, { seconds: 1 })).status).toBe(200);
  await w.books.told(id, 'cancelled');
  const served = (await Promise.all(all)).filter(({ status }) => status === 200);
  expect(served.map(({ body }) => body.status)).toEqual(Array(MOST_WAITERS.ofAKey).fill('CANCELLED'));
});

test('clients that hang up, and requests for what is not there, leave no place taken', async () => {
  const id = await w.payoutOf(w.a);
  const key = await w.key(w.a.id);
  const dispatcher = new Agent();
  const { all, refused } = crowd(() => wait(id, key, { dispatcher }));
  await refused;
  await dispatcher.destroy();
  const left = await Promise.allSettled(all);
  expect(left.filter(({ status }) => status === 'rejected')).toHaveLength(MOST_WAITERS.ofAKey);
  // Sooner than their time would have ended: what was left behind would hold its place until then.
  await eventually(() => untilAllFree(key), (WAIT * 1_000) / 2);
  const nobodys = Array.from({ length: 2 * MOST_WAITERS.ofAKey }, () => `po_${'0'.repeat(32)}`);
  for (const nobody of nobodys) expect((await wait(nobody, key)).status).toBe(404);
  await untilAllFree(key);
});

test('whoever has hung up before the door came to it waits for nothing', () => {
  const raw = { destroyed: true, once: () => undefined };
  expect(hungUp({ raw } as unknown as FastifyReply).aborted).toBe(true);
});

test('a merchant that waits with all the keys it could ever make leaves places to every other', async () => {
  const many = await w.merchant({ funds: 1_000_000n });
  const id = await w.payoutOf(many);
  const { ofAKey, ofAMerchant } = MOST_WAITERS;
  const keys = await Promise.all(Array.from({ length: ofAMerchant / ofAKey + 1 }, () => w.key(many.id)));
  const all = keys.flatMap((key) => Array.from({ length: ofAKey }, () => wait(id, key)));
  let answered = 0;
  for (const each of all) void each.then(() => (answered += 1));
  await eventually(() => expect(answered).toBe(ofAKey)); // the rest is at the door, and waits
  expect(await Promise.race(all)).toMatchObject({
    status: 429,
    retryAfter: '1',
    body: { code: 'too_many_waiters', detail: expect.stringContaining('merchant') },
  });
  const other = await w.payoutOf(w.a);
  expect((await wait(other, w.a.key, { seconds: 1 })).status).toBe(200);
  await w.books.told(id, 'cancelled');
  const served = (await Promise.all(all)).filter(({ status }) => status === 200);
  expect(served).toHaveLength(ofAMerchant);
});

test('ten thousand clients want to wait: as many as may are served, the others are told to come again, and the door stays open', async () => {
  const [{ ofAKey, ofAMerchant, inAll }, MERCHANTS] = [MOST_WAITERS, 5];
  expect(MERCHANTS * ofAMerchant).toBeGreaterThan(inAll);
  const merchants = await Promise.all(Array.from({ length: MERCHANTS }, () => w.merchant({ funds: 1_000_000n })));
  const ids = await Promise.all(merchants.map((each) => w.payoutOf(each)));
  const keys = await Promise.all(
    merchants.flatMap(({ id: merchantId }, nth) =>
      Array.from({ length: ofAMerchant / ofAKey + 1 }, async () => ({ key: await w.key(merchantId), id: ids[nth] ?? '' })),
    ),
  );
  const dispatcher = new Agent();
  const answers: Answer[] = [];
  const asking: Promise<unknown>[] = [];
  while (asking.length < 10_000) {
    const some = keys.map(async ({ id, key }) => answers.push(await wait(id, key, { dispatcher })));
    asking.push(...some);
    // As fast as the machine takes them, which is also the clients': beside those who wait only a few are on their way.
    do await sleep(5);
    while (asking.length - answers.length > inAll + 2 * keys.length || w.context.pool.waitingCount > keys.length);
  }
  await eventually(() => expect(answers.length).toBeGreaterThanOrEqual(9_000), 120_000);
  expect((await w.call('GET', `/api/v1/payouts/${ids[0]}`, { key: merchants[0]?.key ?? '' })).status).toBe(200);
  for (const id of ids) await w.books.told(id, 'cancelled');
  await Promise.all(asking);
  const refused = answers.filter(({ status }) => status === 429);
  const served = answers.filter(({ status }) => status === 200);
  const others = answers.filter(({ status }) => status !== 429 && status !== 200);
  expect([others.length, others[0]]).toEqual([0, undefined]);
  for (const { retryAfter, body } of refused) expect([retryAfter, body.code]).toEqual(['1', 'too_many_waiters']);
  expect(served.length).toBeGreaterThanOrEqual(inAll);
  expect(refused.length).toBeGreaterThan(0);
  await dispatcher.destroy();
});

test('when the process ends, clients that wait are answered, and do not hold it up', async () => {
  const ending = await openDoor({ db: w.db });
  const url = await ending.app.listen({ host: '127.0.0.1', port: 0 });
  const id = await w.payoutOf(w.a);
  const quiet = wait(id, w.a.key); // begun before, on a process that goes on
  const { all, refused } = crowd(() => wait(id, w.a.key, { url }));
  expect((await refused).status).toBe(429);
  const first = await Promise.race([
    quiet.then(() => 'its time was over'),
    Promise.all([...all, ending.stop()]).then(([...answers]) => answers.filter((each) => each && each.status === 200).length),
  ]);
  expect(first).toBe(MOST_WAITERS.ofAKey);
  await w.books.told(id, 'cancelled');
  expect((await quiet).body.status).toBe('CANCELLED');
});
