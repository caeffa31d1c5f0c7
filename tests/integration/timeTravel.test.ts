/**
 * `?at=` shows what was shown then: random stories are played over the real books, every answer is kept with the time at which it
 * was given, and each is asked for again once the story is over.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EDGES, type PayoutState } from '../../src/payouts/rules/machine.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, FAILURE, type Owner, openBooks } from '../support/books.ts';
import { type Door, type Merchant, openDoor } from '../support/door.ts';
import { type Games, gamesOf } from '../support/games.ts';
import { makeProvider, type TestProvider } from '../support/providers.ts';

let books: Books;
let games: Games;
let door: Door;
let merchant: Merchant;
let provider: TestProvider;
let admin: string;
beforeAll(async () => {
  books = await openBooks();
  games = gamesOf(books);
  door = await openDoor({ db: books.db });
  merchant = await door.merchant();
  admin = (await door.admin('viewer')).key;
  await books.fund(owner(), 1_000_000_000n);
  provider = await makeProvider(door, merchant, { currency: 'PKR' });
  await books.earn({ ...owner(), providerId: provider.id }, 1_000_000n);
  await door.call('POST', '/api/v1/webhook-endpoints', { key: merchant.key, body: { url: 'http://127.0.0.1:9/' } });
});
afterAll(async () => {
  await door.stop();
  await books.stop();
});

const owner = (): Owner => ({ merchantId: merchant.id, mode: 'test' });

/** A time after which nothing of what was done has happened, and before which nothing of what comes: the books' own clock. */
async function momentNow(): Promise<string> {
  const { rows } = await books.db.owner.query<{ at: Date }>(
    `SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond' AS at`,
  );
  const at = rows[0]?.at ?? new Date();
  for (let isPast = false; !isPast; ) {
    const { rows: now } = await books.db.owner.query<{ past: boolean }>(
      `SELECT clock_timestamp() > $1::timestamptz + interval '2 milliseconds' AS past`,
      [at],
    );
    isPast = now[0]?.past === true && Date.now() > at.getTime(); // the API's clock says whether it is in the future
  }
  return at.toISOString();
}

interface Witness {
  readonly path: string;
  readonly key: string;
}

interface Given extends Witness {
  readonly at: string;
  readonly status: number;
  readonly text: string;
}

/** Problems name the request. */
const bare = (text: string): string => text.replace(/"instance":"[^"]*"/, '').replace(/"requestId":"[^"]*"/, '');

async function ask({ path, key }: Witness, query = ''): Promise<{ status: number; text: string }> {
  const { status, text } = await door.call('GET', `${path}${query}`, { key });
  return { status, text: status === 200 ? text : bare(text) };
}

async function witness(all: readonly Witness[]): Promise<Given[]> {
  const answers: Omit<Given, 'at'>[] = [];
  for (const each of all) answers.push({ ...each, ...(await ask(each)) });
  const at = await momentNow();
  return answers.map((answer) => ({ ...answer, at }));
}

async function expectTheSame(given: readonly Given[]): Promise<void> {
  for (const { at, path, key, status, text } of given) {
    expect({ at, path, ...(await ask({ path, key }, `?at=${at}`)) }).toEqual({ at, path, status, text });
  }
}

/** What may happen to a payout as it stands, with all that can be said of it. */
const WHO = {
  adminId: 'adm_1',
  by: 'mer_1',
  reason: 'because',
  note: 'seen',
  evidence: 'a letter',
  runId: 'run_1',
  requestId: 'req_1',
  psp: 'other',
};

async function happen(id: string, choice: number, about: number): Promise<void> {
  const { state, attempt } = (await books.ledger.read(id)) ?? { state: 'FAILED' as PayoutState, attempt: 0 };
  const legal = EDGES.filter(({ from }) => from === state);
  const fact = legal[choice % legal.length]?.fact;
  if (fact === undefined) return;
  const of = fact === 'attempt_started' ? attempt + (about % 2) : Math.max(1, attempt - (about % 2));
  const named = about % 3 === 0 ? {} : { pspRef: `sbt_${id}_${of}` };
  const said = {
    ...WHO,
    attempt: of,
    source: 'look_up',
    outcomeUntil: '2026-12-31T00:00:00.000Z',
    nextAttemptAt: '2026-12-30T00:00:00.000Z',
    failure: FAILURE,
    pspFeeMinor: '7',
    ...named,
  };
  await books.tell(id, fact, { ...said, adminId: about % 2 === 0 ? 'adm_1' : 'adm_2' });
}

/** The attempts as their rows have them: what the detail shows must be that, though it is read from events. */
async function attemptsInBooks(id: string): Promise<unknown[]> {
  const { rows } = await books.db.owner.query(
    `SELECT attempt, psp, state, proof, psp_key AS "pspKey", psp_ref AS "pspReference", sends, started_at AS "startedAt", sent_at AS "sentAt", ended_at AS "endedAt", failure
       FROM payout_attempts WHERE payout_id = $1 ORDER BY attempt`,
    [id],
  );
  return JSON.parse(JSON.stringify(rows));
}

const moves = fc.array(fc.tuple(fc.nat(1_000), fc.nat(5)), { minLength: 3, maxLength: 12 });

test('a payout is shown as it was, to whom it was shown, whatever has happened to it since', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.boolean(), moves, async (isProviders, inReview, story) => {
      const id = newId('po');
      const own = isProviders
        ? { path: `/api/provider/payouts/${id}`, key: provider.key }
        : { path: `/api/v1/payouts/${id}`, key: merchant.key };
      const all = [own, { path: `/api/admin/payouts/${id}`, key: admin }];
      const given = await witness(all); // it is not there yet
      await books.payout(isProviders ? { ...owner(), providerId: provider.id } : owner(), {
        payoutId: id,
        amount: 100n,
        fee: 5n,
        reviewReasons: inReview ? [{ code: 'x', detail: 'x' }] : [],
        dispatch: isProviders ? 'run' : 'now',
      });
      given.push(...(await witness(all)));
      for (const [choice, about] of story) {
        await happen(id, choice, about);
        const now = await witness(all);
        given.push(...now);
        const { attempts } = JSON.parse(now[1]?.text ?? '{}') as { attempts: unknown[] };
        expect(attempts).toMatchObject(await attemptsInBooks(id));
      }
      expect(given.slice(0, 2).map(({ status }) => status)).toEqual([404, 404]);
      await expectTheSame(given);
    }),
    { numRuns: 12 },
  );
});

test('a game is shown as it was: its stakes, who won, and who could not be settled then', async () => {
  const INR = 10_000_000n;
  await books.fund(owner(), INR, newId('ext'), 'INR');
  await games.deposit(owner(), INR / 2n);
  const freeze = (userId: string, frozen: boolean) =>
    books.db.owner.query('UPDATE users SET frozen = $2 WHERE id = $1', [userId, frozen]);
  await fc.assert(
    fc.asyncProperty(fc.nat(3), fc.boolean(), async (bets, isVoided) => {
      const [lucky, stuck] = [await games.player(owner(), 10_000n), await games.player(owner(), 10_000n)];
      const game = await games.open(owner());
      const all = [
        { path: `/api/v1/games/${game.gameId}`, key: merchant.key },
        { path: `/api/admin/games/${game.gameId}`, key: admin },
      ];
      const given = await witness(all);
      const then = async (done: Promise<unknown>) => {
        await done;
        given.push(...(await witness(all)));
      };
      for (let n = 0; n < bets; n += 1)
        await then(games.bet(game, n % 2 === 0 ? lucky : stuck, n % 3 === 0 ? 'andar' : 'bahar', 100n));
      await then(games.bet(game, stuck, 'bahar', 100n));
      await freeze(stuck.userId, true);
      await then(games.complete(game, 'andar'));
      await then(games.settle(game));
      if (isVoided) {
        await then(games.void(game));
        await then(games.settle(game));
      }
      await freeze(stuck.userId, false);
      await games.retry(game);
      await then(games.settle(game));
      expect(given.map(({ text }) => JSON.parse(text).failedCount)).toContain(1);
      await expectTheSame(given);
    }),
    { numRuns: 4 },
  );
});

test('a time before it was there is 404, one that is none is named, and the future is now', async () => {
  const id = await books.payout(owner());
  const game = await games.open(owner());
  const routes = [
    [`/api/v1/payouts/${id}`, merchant.key],
    [`/api/admin/payouts/${id}`, admin],
    [`/api/v1/games/${game.gameId}`, merchant.key],
    [`/api/admin/games/${game.gameId}`, admin],
  ] as const;
  for (const [path, key] of routes) {
    const get = (query: string) => door.call('GET', `${path}?${query}`, { key });
    expect([path, (await get('at=2020-01-01T00:00:00Z')).status]).toEqual([path, 404]);
    const now = await door.call('GET', path, { key });
    expect((await get('at=2999-01-01T00:00:00Z')).text).toBe(now.text);
    for (const at of ['at=soon', 'at=', 'at=2026-11-30', 'at=1e9', 'at=2026-11-30T00:00:00Z&at=2026-11-30T00:00:00Z']) {
      const { status, body } = await get(at);
      expect([path, at, status, body.errors?.[0]?.pointer]).toEqual([path, at, 400, '/at']);
    }
  }
  const both = await door.call('GET', `/api/v1/payouts/${id}?wait=1&at=2026-11-30T00:00:00Z`, { key: merchant.key });
  expect(both).toMatchObject({ status: 400, body: { errors: [{ pointer: '/at' }] } });
});

test('another’s past is as much nobody’s as their present', async () => {
  const other = await door.merchant();
  const [id, game] = [await books.payout(owner()), await games.open(owner())];
  const at = await momentNow();
  for (const path of [`/api/v1/payouts/${id}`, `/api/v1/games/${game.gameId}`]) {
    expect([path, (await door.call('GET', `${path}?at=${at}`, { key: merchant.key })).status]).toEqual([path, 200]);
    for (const key of [other.key, merchant.liveKey])
      expect([path, (await door.call('GET', `${path}?at=${at}`, { key })).status]).toEqual([path, 404]);
  }
  expect((await door.call('GET', `/api/provider/payouts/${id}?at=${at}`, { key: provider.key })).status).toBe(404);
});

test('what was shown while a step waited is shown of that time, though its transaction had begun', async () => {
  const id = await books.payout(owner());
  const all = [
    { path: `/api/v1/payouts/${id}`, key: merchant.key },
    { path: `/api/admin/payouts/${id}`, key: admin },
  ];
  const waits = await books.db.owner.connect();
  try {
    await waits.query('BEGIN');
    await waits.query('SELECT now()');
    await books.tell(id, 'held', { adminId: 'adm_1', reason: 'x' });
    const given = await witness(all);
    await waits.query(`SELECT apply_fact($1, 'waits', 'cancelled', 'admin:adm_1', '{"adminId": "adm_1", "reason": "x"}')`, [id]);
    await waits.query('COMMIT');
    given.push(...(await witness(all)));
    expect(given.map(({ text }) => JSON.parse(text).status)).toEqual(['ON_HOLD', 'ON_HOLD', 'CANCELLED', 'CANCELLED']);
    await expectTheSame(given);
  } finally {
    waits.release();
  }
});
