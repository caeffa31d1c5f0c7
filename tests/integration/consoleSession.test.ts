/** Signing in to the console: what a browser holds opens no more than its key does, only for our own pages, and only for a time. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { keysThatOpen } from '../../src/http/plugins/auth.ts';
import { signedIn } from '../support/consoleSession.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';

let w: DoorWorld;
beforeAll(async () => {
  w = await openDoorWorld();
});
afterAll(() => w.stop());

const QUEUE = '/api/admin/review-queue';
const get = (path: string, headers: Readonly<Record<string, string>>) => w.call('GET', path, { headers: { ...headers } });
const post = (path: string, headers: Readonly<Record<string, string>>, body: unknown = {}) =>
  w.call('POST', path, { headers: { ...headers }, body });
const del = (path: string, headers: Readonly<Record<string, string>>) => w.call('DELETE', path, { headers: { ...headers } });
const sql = (text: string, values: unknown[]) => w.books.db.owner.query(text, values);

describe('signing in', () => {
  test('the cookie is one that scripts, other sites and plain HTTP do not get; neither it nor the answer holds the key', async () => {
    const { key } = w.admins.operator;
    const answer = await post('/console/session', {}, { key });
    expect(answer.status).toBe(201);
    const cookie = String(answer.headers['set-cookie']);
    expect(cookie).toMatch(/^__Host-oncepay=cst_[A-Za-z0-9_-]{43}; Max-Age=43200; Path=\/; Secure; HttpOnly; SameSite=Strict$/);
    expect(cookie + answer.text).not.toContain(key);
    expect(answer.text).not.toContain(/=(cst_[^;]+)/.exec(cookie)?.[1]);
    expect(answer.body.who).toMatchObject({ kind: 'admin', id: w.admins.operator.id, role: 'operator' });
    const { rows } = await sql('SELECT * FROM console_sessions WHERE id = $1', [answer.body.id]);
    expect(JSON.stringify(rows)).not.toContain(/=cst_([^;]+)/.exec(cookie)?.[1]);
  });

  test('a key that opens nothing signs nobody in, and all are refused alike; a provider has no pages here', async () => {
    const refused = [];
    for (const key of ['ak_wrong_wrong_wrong', 'x', `${w.a.key}x`, '<script>']) {
      const { status, headers, body } = await post('/console/session', {}, { key });
      expect(headers['set-cookie']).toBeUndefined();
      refused.push([status, body.code, body.detail]);
    }
    expect(new Set(refused.map(String)).size).toBe(1);
    expect(refused[0]?.[0]).toBe(401);
    for (const body of [{}, { key: '' }, { key: w.a.key, more: 1 }, { key: 7 }]) {
      expect((await post('/console/session', {}, body)).status).toBe(400);
    }
  });

  test('a cookie that somebody planted is not the session: signing in makes a new one, and ends that of the browser', async () => {
    const planted = await signedIn(w, w.a.key);
    const own = await signedIn(w, w.admins.viewer.key, { cookie: planted.cookie });
    expect(own.cookie).not.toBe(planted.cookie);
    expect((await get('/console/session', { cookie: planted.cookie })).status).toBe(401);
    const chosen = `__Host-oncepay=cst_${'a'.repeat(43)}`;
    expect((await signedIn(w, w.admins.viewer.key, { cookie: chosen })).cookie).not.toBe(chosen);
    expect((await get('/console/session', { cookie: chosen })).status).toBe(401);
  });

  test('another site’s page signs nobody in, and learns nobody’s token', async () => {
    const { cookie, csrfToken } = await signedIn(w, w.admins.viewer.key);
    for (const site of ['cross-site', 'same-site']) {
      const forced = await post('/console/session', { 'sec-fetch-site': site }, { key: w.a.key });
      expect([forced.status, forced.headers['set-cookie']]).toEqual([403, undefined]);
      const read = await get('/console/session', { cookie, 'sec-fetch-site': site, origin: 'http://127.0.0.1:8233' });
      expect([read.status, read.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    }
    const own = await get('/console/session', { cookie, 'sec-fetch-site': 'same-origin' });
    expect([own.status, own.body.csrfToken]).toEqual([200, csrfToken]); // after a reload the page is told again
  });
});

describe('what a session opens', () => {
  test('what its key opens, with the token and never without: not by reading, not by acting, not for another page of the site', async () => {
    const admin = await signedIn(w, w.admins.approver.key);
    const merchant = await signedIn(w, w.a.key);
    expect((await get(QUEUE, admin.headers)).status).toBe(200);
    expect((await get('/api/v1/balance', merchant.headers)).status).toBe(200);
    expect((await get('/api/v1/balance', admin.headers)).status).toBe(403);
    expect((await get(QUEUE, merchant.headers)).status).toBe(403);
    const wrong = [
      { cookie: admin.cookie },
      { cookie: admin.cookie, 'x-csrf-token': '' },
      { cookie: admin.cookie, 'x-csrf-token': merchant.csrfToken },
      { cookie: admin.cookie, 'x-csrf-token': `${admin.csrfToken}x` },
      { ...admin.headers, 'sec-fetch-site': 'same-site' },
      { ...admin.headers, 'sec-fetch-site': 'cross-site' },
    ];
    const payout = await w.payoutOf(w.a, { inReview: true });
    for (const headers of wrong) {
      expect((await get(QUEUE, headers)).status).toBe(403);
      expect((await post(`/api/admin/payouts/${payout}/approve`, headers)).status).toBe(403);
    }
    expect((await get(QUEUE, { 'x-csrf-token': admin.csrfToken })).status).toBe(401);
    expect((await get('/console/sessions', { cookie: admin.cookie })).status).toBe(403);
  });

  test('a role is the server’s affair: a viewer’s hand-made request for an approver’s act is refused', async () => {
    const viewer = await signedIn(w, w.admins.viewer.key);
    const payout = await w.payoutOf(w.a, { inReview: true });
    const { status, body } = await post(`/api/admin/payouts/${payout}/approve`, viewer.headers);
    expect([status, body.code]).toEqual([403, 'forbidden']);
  });

  test('whoever shows a key is whom the key says, whatever cookie comes along; one that opens nothing opens nothing', async () => {
    const { headers } = await signedIn(w, w.admins.admin.key);
    const mixed = await w.call('GET', QUEUE, { key: w.a.key, headers: { ...headers } });
    expect(mixed.status).toBe(403);
    expect((await w.call('GET', QUEUE, { key: 'ak_wrong_wrong_wrong', headers: { ...headers } })).status).toBe(401);
  });

  test('what a person does by it is audited as theirs, signing in and out too', async () => {
    const own = await w.admin('operator');
    const session = await signedIn(w, own.key);
    expect((await del('/console/session', session.headers)).status).toBe(204);
    const { body } = await w.call('GET', `/api/admin/audit?admin=${own.id}`, { key: w.admins.admin.key });
    expect(body.data.map(({ action, target }: { action: string; target: string }) => [action, target])).toEqual([
      ['session.end', session.id],
      ['session.begin', session.id],
    ]);
  });
});

describe('its end', () => {
  test('signed out, the cookie opens nothing, and the browser is told to forget it', async () => {
    const session = await signedIn(w, w.a.key);
    const out = await del('/console/session', session.headers);
    expect([out.status, String(out.headers['set-cookie'])]).toEqual([204, expect.stringContaining('__Host-oncepay=; Max-Age=0')]);
    expect((await get('/api/v1/balance', session.headers)).status).toBe(401);
    expect((await del('/console/session', session.headers)).status).toBe(401);
  });

  test('who looks through their sessions sees their own key’s, and ends one of them or all', async () => {
    const own = await w.admin('viewer');
    const [here, there, elsewhere] = [
      await signedIn(w, own.key, { 'user-agent': 'Here/1' }),
      await signedIn(w, own.key, { 'user-agent': 'There/2 \u00e9' }),
      await signedIn(w, own.key),
    ];
    const stranger = await signedIn(w, w.admins.viewer.key);
    const listed = await get('/console/sessions', here.headers);
    expect(listed.body.data.map(({ id, browser, isThis }: Record<string, unknown>) => ({ id, browser, isThis }))).toEqual([
      { id: elsewhere.id, browser: expect.any(String), isThis: false },
      { id: there.id, browser: 'There/2 ?', isThis: false },
      { id: here.id, browser: 'Here/1', isThis: true },
    ]);
    expect((await del(`/console/sessions/${stranger.id}`, here.headers)).status).toBe(404);
    expect((await del(`/console/sessions/${there.id}`, here.headers)).status).toBe(204);
    expect((await get(QUEUE, there.headers)).status).toBe(401);
    expect((await del('/console/sessions', elsewhere.headers)).status).toBe(204);
    expect((await get(QUEUE, here.headers)).status).toBe(401);
    expect((await get(QUEUE, stranger.headers)).status).toBe(200);
  });

  test('a revoked key, a deactivated admin, a closed merchant: signed out at once', async () => {
    const [revoked, deactivated, closed] = [await w.admin('viewer'), await w.admin('viewer'), await w.merchant()];
    const sessions = [
      [QUEUE, (await signedIn(w, revoked.key)).headers],
      [QUEUE, (await signedIn(w, deactivated.key)).headers],
      ['/api/v1/balance', (await signedIn(w, closed.key)).headers],
    ] as const;
    for (const [path, headers] of sessions) expect((await get(path, headers)).status).toBe(200);
    await w.call('DELETE', `/api/admin/api-keys/${revoked.keyId}`, { key: w.admins.admin.key });
    await w.call('DELETE', `/api/admin/admins/${deactivated.id}`, { key: w.admins.admin.key });
    await w.call('PATCH', `/api/admin/merchants/${closed.id}`, { key: w.admins.admin.key, body: { active: false } });
    for (const [path, headers] of sessions) {
      expect((await get(path, headers)).status).toBe(401);
      expect((await get('/console/session', headers)).status).toBe(401);
    }
  });

  test('a live stream that it opened goes on no longer than it lasts', async () => {
    const session = await signedIn(w, w.a.key);
    const open = async () => [...(await keysThatOpen(w.context.pool, [session.id, w.admins.viewer.keyId]))];
    expect((await open()).sort()).toEqual([w.admins.viewer.keyId, session.id].sort());
    await del('/console/session', session.headers);
    expect(await open()).toEqual([w.admins.viewer.keyId]);
  });

  test('after twelve hours, and after half an hour in which nobody did anything: a page that asks by itself is nobody', async () => {
    const session = await signedIn(w, w.admins.viewer.key);
    const set = (column: string, ago: string) =>
      sql(`UPDATE console_sessions SET ${column} = now() - $2::interval WHERE id = $1`, [session.id, ago]);
    const seenAgo = async () => {
      const { rows } = await sql('SELECT extract(epoch FROM now() - seen_at)::int AS ago FROM console_sessions WHERE id = $1', [
        session.id,
      ]);
      return rows[0].ago as number;
    };
    await set('seen_at', '29 minutes');
    expect((await get(QUEUE, { ...session.headers, 'x-console-background': 'true' })).status).toBe(200);
    expect(await seenAgo()).toBeGreaterThan(28 * 60);
    expect((await get(QUEUE, session.headers)).status).toBe(200);
    expect(await seenAgo()).toBeLessThan(60);
    await set('seen_at', '31 minutes');
    expect((await get(QUEUE, session.headers)).status).toBe(401);
    await set('seen_at', '0');
    expect((await get(QUEUE, session.headers)).status).toBe(200);
    await set('expires_at', '1 second');
    expect((await get(QUEUE, session.headers)).status).toBe(401);
  });
});
