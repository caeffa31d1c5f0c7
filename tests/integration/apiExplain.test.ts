/** Why does it stand as it does? Over HTTP, as an operator, a merchant and a provider ask it, of payouts and games in the books. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/rules/newId.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { type Admins, everyRole } from '../support/doorWorld.ts';
import { type Games, gamesOf } from '../support/games.ts';
import { makeProvider } from '../support/providers.ts';

const NEXT_RUN = '2026-12-24T10:00:00.000Z';

let books: Books;
let games: Games;
let door: Door;
let a: Merchant;
let b: Merchant;
let admins: Admins;
beforeAll(async () => {
  books = await openBooks();
  games = gamesOf(books);
  door = await openDoor({
    db: books.db,
    payoutRuns: { schedule: async () => ({ paused: false, nextRunAt: NEXT_RUN }) } as never,
  });
  [a, b] = [await door.merchant(), await door.merchant()];
  admins = await everyRole(door);
  await books.fund(ownerOf(a), 10_000_000n);
});
afterAll(async () => {
  await door.stop();
  await books.stop();
});

const ownerOf = ({ id: merchantId }: Merchant): Owner => ({ merchantId, mode: 'test' });
const asAdmin = (path: string, role: keyof Admins = 'viewer') => door.call('GET', `/api/admin${path}`, { key: admins[role].key });
const asMerchant = (path: string, key = a.key) => door.call('GET', `/api/v1${path}`, { key });
const mayOf = ({ body }: Reply) =>
  body.actions.filter((each: { mayYou: boolean }) => each.mayYou).map((each: { action: string }) => each.action);

describe('a payout', () => {
  test('in review waits for an approver, until when, and each role is told what it may do', async () => {
    const id = await books.payout(ownerOf(a), {
      reviewReasons: [{ code: 'amount_over_limit', detail: 'it is large' }],
      makerId: admins.approver.id,
    });
    const { status, body } = await asAdmin(`/payouts/${id}/explain`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'explanation',
      id,
      state: 'IN_REVIEW',
      waitsFor: { kind: 'person', who: 'approver', until: '2026-12-31T00:00:00.000Z' },
      next: { at: '2026-12-31T00:00:00.000Z' },
      money: [{ account: `merchant:${a.id}:reserved`, amount: '10.00', currency: 'PKR' }],
      failures: [],
    });
    expect(body.text).toMatch(/an approver must decide .*: it is large, since .* it waits for an approver, until/i);
    const may = async (role: keyof Admins) => mayOf(await asAdmin(`/payouts/${id}/explain`, role));
    expect(await may('viewer')).toEqual([]);
    expect(await may('operator')).toEqual(['hold', 'acknowledge', 'route']);
    expect(await may('approver')).toEqual(['hold', 'acknowledge', 'route']); // it was this one's key that made it
    expect(await may('admin')).toEqual(['approve', 'reject', 'hold', 'acknowledge', 'route']);
    const retry = body.actions.find((each: { action: string }) => each.action === 'retry');
    expect(retry).toMatchObject({ allowed: false, why: 'Only once it has failed.' });
  });

  test('is explained to its merchant in the merchant’s words, with what the merchant may do and nothing of ours', async () => {
    const id = await books.payout(ownerOf(a), { makerId: admins.approver.id });
    await books.told(id, 'attempt_started 1', 'outcome_unknown 1');
    const answer = await asMerchant(`/payouts/${id}/explain`);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        state: 'PROCESSING',
        waitsFor: { kind: 'psp', psp: 'sandbox' },
        failures: [{ code: 'outcome_unknown', class: null }],
      },
    });
    expect(answer.body.actions.map((each: { action: string }) => each.action)).toEqual(['reinitiate', 'cancel']);
    expect(mayOf(answer)).toEqual([]);
    await books.tell(id, 'paid', { attempt: 1, pspRef: 'sbt_x1' });
    const paid = await asMerchant(`/payouts/${id}/explain`);
    expect(paid.body).toMatchObject({ state: 'SUCCESS', waitsFor: { kind: 'nobody' }, next: null, money: [] });
    expect(`${answer.text}${paid.text}`).not.toMatch(/adm_|platform|clearing/);
    expect((await asAdmin(`/payouts/${id}/explain`)).body.money).toEqual([
      { account: 'platform:sandbox:clearing', amount: '10.00', currency: 'PKR' },
    ]);
  });

  test('that nobody has taken up yet is explained, too, and not as one that is in the books', async () => {
    const id = newId('po');
    const taken = await books.payout(ownerOf(a));
    await books.db.owner.query(
      `INSERT INTO payout_requests (payout_id, record) SELECT $1, payout_record(p) || jsonb_build_object('id', $1::text, 'sequence', 0) FROM payouts p WHERE id = $2`,
      [id, taken],
    );
    const { body } = await asMerchant(`/payouts/${id}/explain`);
    expect(body).toMatchObject({ state: 'PENDING', money: [], next: { what: expect.stringContaining('a worker reserves') } });
    expect((await asAdmin(`/payouts/${id}/explain`)).body.text).toContain('no worker has taken it up');
    expect((await asMerchant(`/payouts/${id}/explain`, b.key)).status).toBe(404);
  });

  test('of a provider says when the next run comes, to the provider in the provider’s words', async () => {
    const provider = await makeProvider(door, a, { currency: 'PKR' });
    const owner = { ...ownerOf(a), providerId: provider.id };
    await books.earn(owner, 5000n);
    const id = await books.payout(owner, { dispatch: 'run' });
    if ((await asAdmin(`/payouts/${id}/explain`)).body.state === 'IN_REVIEW') {
      await books.tell(id, 'approved', { adminId: admins.approver.id });
    }
    const waitsFor = { kind: 'run', at: NEXT_RUN };
    expect((await asAdmin(`/payouts/${id}/explain`)).body).toMatchObject({ state: 'QUEUED', waitsFor });
    const own = await door.call('GET', `/api/provider/payouts/${id}/explain`, { key: provider.key });
    expect(own).toMatchObject({
      status: 200,
      body: { state: 'APPROVED', waitsFor, actions: [{ action: 'cancel', mayYou: true }] },
    });
    expect((await asMerchant(`/payouts/${id}/explain`)).status).toBe(404); // as it reads no provider's payout there
  });

  test('as of an earlier time is explained as it stood: what it waited for, and what it was allowed', async () => {
    const id = await books.payout(ownerOf(a), { reviewReasons: [{ code: 'x', detail: 'x' }] });
    const { rows } = await books.db.owner.query<{ at: Date }>('SELECT at FROM events WHERE subject_id = $1 AND sequence = 2', [
      id,
    ]);
    const at = rows[0]?.at.toISOString() ?? '';
    await books.tell(id, 'rejected', { adminId: admins.approver.id, reason: 'no' });
    expect((await asAdmin(`/payouts/${id}/explain`)).body).toMatchObject({ state: 'REJECTED', money: [] });
    const then = await asAdmin(`/payouts/${id}/explain?at=${at}`, 'admin');
    expect(then.body).toMatchObject({ state: 'IN_REVIEW', since: at, money: [{ amount: '10.00' }] });
    expect(mayOf(then)).toContain('approve');
    expect((await asAdmin(`/payouts/${id}/explain?at=2020-01-01T00:00:00Z`)).status).toBe(404);
  });
});

describe('a game', () => {
  test('waits for its merchant, then for nobody, and says who could not be settled', async () => {
    const merchant = await door.merchant();
    const { key } = merchant;
    const house = ownerOf(merchant);
    await books.fund(house, 100_000n, 'inr', 'INR');
    await games.deposit(house, 100_000n);
    const [lucky, frozen] = [await games.player(house, 1000n), await games.player(house, 1000n)];
    const game = await games.open(house);
    await games.bet(game, lucky, 'andar', 500n);
    await games.bet(game, frozen, 'andar', 300n);
    const open = (await asMerchant(`/games/${game.gameId}/explain`, key)).body;
    expect(open).toMatchObject({ state: 'OPEN', waitsFor: { kind: 'person', who: 'merchant', until: null } });
    expect(open.money).toEqual(
      expect.arrayContaining([
        { account: 'user:reserved', amount: '8.00', currency: 'INR' },
        { account: `bank:${house.merchantId}:reserved`, amount: '8.00', currency: 'INR' },
      ]),
    );
    await books.db.owner.query('UPDATE users SET frozen = true WHERE id = $1', [frozen.userId]);
    await games.complete(game, 'andar');
    expect((await asAdmin(`/games/${game.gameId}/explain`)).body).toMatchObject({
      state: 'SETTLING',
      waitsFor: { kind: 'nobody' },
    });
    await games.settle(game);
    const partly = await asAdmin(`/games/${game.gameId}/explain`, 'operator');
    expect(partly.body).toMatchObject({
      state: 'PARTLY_SETTLED',
      waitsFor: { kind: 'person', who: 'operator' },
      failures: [{ code: 'user_frozen', message: '1 player: user_frozen' }],
    });
    expect(mayOf(partly)).toEqual(['retry', 'acknowledge']);
    expect((await asMerchant(`/games/${game.gameId}/explain`)).status).toBe(404);
  });
});

describe('who may ask', () => {
  test('nobody of what is not theirs, in either world, and an odd id is nobody’s', async () => {
    const id = await books.payout(ownerOf(a));
    const bare = ({ status, body }: Reply) => ({ status, ...body, instance: '', requestId: '' });
    const none = await asMerchant(`/payouts/po_${'0'.repeat(32)}/explain`, b.key);
    expect(none.status).toBe(404);
    expect(bare(await asMerchant(`/payouts/${id}/explain`, b.key))).toEqual(bare(none));
    expect((await asMerchant(`/payouts/${id}/explain`, a.liveKey)).status).toBe(404);
    for (const odd of ['x', '%00', 'gam_1']) {
      expect([odd, (await asMerchant(`/payouts/${odd}/explain`)).status]).toEqual([odd, 404]);
      expect([odd, (await asAdmin(`/payouts/${odd}/explain`)).status]).toEqual([odd, 404]);
    }
    expect((await asMerchant(`/payouts/${id}/explain`, await door.key(a.id, { scopes: ['games:read'] }))).status).toBe(403);
    expect((await asMerchant(`/payouts/${id}/explain`, admins.admin.key)).status).toBe(403);
  });

  test('a time that is none, and a field that there is not, are named', async () => {
    const id = await books.payout(ownerOf(a));
    for (const at of ['yesterday', '2026-13-01T00:00:00Z', '2026-11-30', '', '1700000000']) {
      const { status, body } = await asMerchant(`/payouts/${id}/explain?at=${at}`);
      expect([at, status, body.errors?.[0]?.pointer]).toEqual([at, 400, '/at']);
    }
    expect((await asAdmin(`/payouts/${id}/explain?when=now`)).body).toMatchObject({
      errors: [{ pointer: '/when', code: 'unknown_field' }],
    });
    expect((await asMerchant(`/payouts/${id}/explain?at=2999-01-01T00:00:00Z`)).status).toBe(200);
  });
});
