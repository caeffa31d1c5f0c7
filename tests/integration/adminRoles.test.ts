/** Every route of the admin side, and who may use it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ROLES, type Role } from '../../src/rules/roles.ts';
import { type DoorWorld, openDoorWorld } from '../support/doorWorld.ts';

let w: DoorWorld;
beforeAll(async () => {
  w = await openDoorWorld();
});
afterAll(() => w.stop());

const ID = 'nobody_0';

/** The keys are the example of RFC 8291. */
const BROWSER = {
  endpoint: 'https://push.example.com/x',
  keys: {
    p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
    auth: 'BTBZMqHH6r4Tts7J_aSIgg',
  },
};

/** Method, path, a body that is well formed, and the lowest role. */
const ROUTES: readonly (readonly [string, string, unknown, Role])[] = [
  ['GET', '/api/admin/review-queue', undefined, 'viewer'],
  ['GET', '/api/admin/payouts', undefined, 'viewer'],
  ['GET', '/api/admin/payouts.csv', undefined, 'viewer'],
  ['GET', `/api/admin/payouts/${ID}`, undefined, 'viewer'],
  ['GET', `/api/admin/payouts/${ID}/explain`, undefined, 'viewer'],
  ['GET', `/api/admin/games/${ID}/explain`, undefined, 'viewer'],
  ['GET', '/api/admin/ipn', undefined, 'viewer'],
  ['GET', '/api/admin/overview', undefined, 'viewer'],
  ['GET', '/api/admin/debts', undefined, 'viewer'],
  ['GET', '/api/admin/invariants', undefined, 'viewer'],
  ['GET', '/api/admin/psps', undefined, 'viewer'],
  ['GET', `/api/admin/psps/${ID}/banks`, undefined, 'viewer'],
  ['POST', `/api/admin/payouts/${ID}/hold`, { reason: 'x' }, 'operator'],
  ['POST', `/api/admin/payouts/${ID}/release`, undefined, 'operator'],
  ['POST', `/api/admin/payouts/${ID}/resolve`, { outcome: 'paid', evidence: 'x' }, 'operator'],
  ['POST', `/api/admin/payouts/${ID}/acknowledge`, { note: 'x' }, 'operator'],
  ['POST', `/api/admin/payouts/${ID}/send-now`, undefined, 'operator'],
  ['POST', `/api/admin/payouts/${ID}/look-up-now`, undefined, 'operator'],
  ['POST', `/api/admin/payouts/${ID}/give-up`, { reason: 'x' }, 'operator'],
  ['POST', `/api/admin/payouts/${ID}/route`, { psp: 'sandbox' }, 'operator'],
  ['GET', '/api/admin/payout-requests', undefined, 'viewer'],
  ['GET', `/api/admin/merchants/${ID}/provider-keys`, undefined, 'admin'],
  ['DELETE', `/api/admin/merchants/${ID}/provider-keys`, undefined, 'admin'],
  ['POST', `/api/admin/payouts/${ID}/approve`, undefined, 'approver'],
  ['POST', `/api/admin/payouts/${ID}/reject`, { reason: 'x' }, 'approver'],
  ['GET', '/api/admin/merchants', undefined, 'admin'],
  ['POST', '/api/admin/merchants', { name: 'New' }, 'admin'],
  ['GET', `/api/admin/merchants/${ID}`, undefined, 'admin'],
  ['PATCH', `/api/admin/merchants/${ID}`, { name: 'Other' }, 'admin'],
  ['GET', `/api/admin/merchants/${ID}/api-keys`, undefined, 'admin'],
  ['POST', `/api/admin/merchants/${ID}/api-keys`, { mode: 'test' }, 'admin'],
  ['DELETE', `/api/admin/api-keys/${ID}`, undefined, 'admin'],
  ['POST', `/api/admin/merchants/${ID}/fund`, { amount: '1', currency: 'PKR', mode: 'test', externalId: 'x' }, 'admin'],
  ['GET', '/api/admin/admins', undefined, 'admin'],
  ['POST', '/api/admin/admins', { name: 'New admin', role: 'viewer' }, 'admin'],
  ['DELETE', `/api/admin/admins/${ID}`, undefined, 'admin'],
  ['GET', '/api/admin/audit', undefined, 'admin'],
  ['POST', `/api/admin/payouts/${ID}/retry`, undefined, 'operator'],
  ['GET', '/api/admin/payout-runs', undefined, 'viewer'],
  ['GET', `/api/admin/payout-runs/${ID}`, undefined, 'viewer'],
  ['POST', '/api/admin/payout-runs', undefined, 'operator'],
  ['POST', '/api/admin/payout-runs/pause', undefined, 'operator'],
  ['POST', '/api/admin/payout-runs/resume', undefined, 'operator'],
  ['GET', '/api/admin/pauses', undefined, 'viewer'],
  ['POST', '/api/admin/pauses', { scope: { kind: 'merchant', name: ID }, reason: 'x' }, 'operator'],
  ['POST', `/api/admin/pauses/${ID}/resume`, undefined, 'operator'],
  ['GET', '/api/admin/games', undefined, 'viewer'],
  ['GET', `/api/admin/games/${ID}`, undefined, 'viewer'],
  ['POST', `/api/admin/games/${ID}/retry`, undefined, 'operator'],
  ['POST', `/api/admin/games/${ID}/void`, { reason: 'x' }, 'approver'],
  ['POST', `/api/admin/games/${ID}/acknowledge`, { note: 'x' }, 'operator'],
  ['GET', '/api/admin/dashboard', undefined, 'viewer'],
  ['GET', '/api/admin/tokens', undefined, 'viewer'],
  ['GET', '/api/admin/resolution', undefined, 'viewer'],
  ['GET', '/api/admin/markets', undefined, 'viewer'],
  ['GET', `/api/admin/markets/${ID}`, undefined, 'viewer'],
  ['GET', `/api/admin/markets/${ID}/verification`, undefined, 'viewer'],
  ['POST', `/api/admin/markets/${ID}/preview`, { outcome: 'yes' }, 'viewer'],
  ['POST', `/api/admin/markets/${ID}/resolve`, { outcome: 'yes' }, 'approver'],
  ['GET', '/api/admin/resolutions', undefined, 'viewer'],
  ['GET', `/api/admin/resolutions/${ID}`, undefined, 'viewer'],
  ['GET', `/api/admin/resolutions/${ID}/explain`, undefined, 'viewer'],
  ['POST', `/api/admin/resolutions/${ID}/approve`, undefined, 'approver'],
  ['POST', `/api/admin/resolutions/${ID}/reject`, { reason: 'x' }, 'approver'],
  ['POST', `/api/admin/resolutions/${ID}/uphold`, undefined, 'approver'],
  ['POST', `/api/admin/resolutions/${ID}/overturn`, { outcome: 'no' }, 'approver'],
  ['POST', `/api/admin/resolutions/${ID}/rollback`, { reason: 'x' }, 'approver'],
  ['POST', `/api/admin/resolutions/${ID}/retry`, undefined, 'operator'],
  ['POST', `/api/admin/resolutions/${ID}/acknowledge`, { note: 'x' }, 'operator'],
  ['GET', '/api/admin/distributions', undefined, 'viewer'],
  ['POST', `/api/admin/distributions/${ID}/uphold`, undefined, 'approver'],
  ['POST', `/api/admin/distributions/${ID}/overturn`, undefined, 'approver'],
  ['POST', `/api/admin/webhook-deliveries/${ID}/resend`, undefined, 'operator'],
  ['GET', '/api/admin/instant-payouts', undefined, 'viewer'],
  ['GET', '/api/admin/instant-payouts/disputes', undefined, 'viewer'],
  ['GET', '/api/admin/instant-payouts/reviews', undefined, 'viewer'],
  ['GET', '/api/admin/instant-payouts/late-proofs', undefined, 'viewer'],
  ['GET', '/api/admin/instant-payouts/bank-credits', undefined, 'viewer'],
  ['GET', `/api/admin/instant-payouts/${ID}`, undefined, 'viewer'],
  ['GET', `/api/admin/instant-payouts/${ID}/explain`, undefined, 'viewer'],
  ['GET', `/api/admin/instant-payouts/batches/${ID}/explain`, undefined, 'viewer'],
  ['GET', `/api/admin/instant-payouts/batches/${ID}/proof`, undefined, 'viewer'],
  ['GET', `/api/admin/payins/${ID}/explain`, undefined, 'viewer'],
  ['POST', `/api/admin/instant-payouts/${ID}/cancel`, { reason: 'x' }, 'operator'],
  ['POST', `/api/admin/instant-payouts/batches/${ID}/approve`, undefined, 'operator'],
  ['POST', `/api/admin/instant-payouts/batches/${ID}/reject`, { reason: 'x' }, 'operator'],
  ['POST', `/api/admin/instant-payouts/batches/${ID}/reassign`, undefined, 'operator'],
  ['POST', `/api/admin/instant-payouts/disputes/${ID}`, { decision: 'reject', note: 'x' }, 'operator'],
  ['POST', `/api/admin/instant-payouts/late-proofs/${ID}`, { decision: 'refund', note: 'x' }, 'operator'],
  ['POST', `/api/admin/instant-payouts/bank-credits/${ID}`, { note: 'x' }, 'operator'],
  ['GET', '/api/admin/notifications', undefined, 'viewer'],
  ['GET', '/api/admin/push-subscriptions', undefined, 'operator'],
  ['POST', '/api/admin/push-subscriptions', BROWSER, 'operator'],
  ['DELETE', '/api/admin/push-subscriptions', { endpoint: BROWSER.endpoint }, 'operator'],
  ['GET', '/api/admin/risk-policy', undefined, 'viewer'],
  ['POST', '/api/admin/risk-policy/dry-run', { last: 1 }, 'viewer'],
  ['PUT', '/api/admin/risk-policy', { policy: {} }, 'admin'],
];

describe('who may do what on the admin side', () => {
  test.each(ROUTES)('%s %s', async (method, url, body, lowest) => {
    // Who may do it may also do it in any higher role (roles.test.ts).
    for (const role of ROLES.slice(0, ROLES.indexOf(lowest) + 1)) {
      const { status, body: answer } = await w.call(method, url, { key: w.admins[role].key, body });
      if (role === lowest)
        expect([400, 401, 403, 500]).not.toContain(status); // with Temporal away some are 503
      else expect([role, status, answer['code']]).toEqual([role, 403, 'forbidden']);
    }
  });

  test('whoever asks by hand for an act that is not theirs is found in the audit log; whoever only looks is not', async () => {
    const { id, key } = await w.admin('viewer');
    const payoutId = `po_${'1'.repeat(32)}`;
    for (const target of [payoutId, 'made%00up', 'a'.repeat(90)]) {
      const { status } = await w.call('POST', `/api/admin/payouts/${target}/reject`, { key, body: { reason: 'x' } });
      expect(status).toBe(403);
    }
    expect((await w.call('GET', '/api/admin/audit', { key })).status).toBe(403);
    const { body } = await w.call('GET', `/api/admin/audit?admin=${id}`, { key: w.admins.admin.key });
    const route = '/api/admin/payouts/:id/reject';
    const data = { method: 'POST', route, role: 'viewer', needs: 'approver' };
    expect(body['data']).toMatchObject([
      { action: 'request.refused', target: route, data },
      { action: 'request.refused', target: route, data },
      { action: 'request.refused', target: payoutId, data },
    ]);
  });

  test.each(ROUTES)('no merchant’s key and no key at all opens %s %s', async (method, url, body) => {
    const merchants = await w.call(method, url, { key: w.a.key, body });
    expect([merchants.status, merchants.body['code']]).toEqual([403, 'forbidden']);
    for (const key of [undefined, 'ak_wrong_wrong_wrong', w.admins.admin.key.slice(0, -1)]) {
      const { status, body: answer } = await w.call(method, url, { ...(key && { key }), body });
      expect([status, answer['code']]).toEqual([401, 'invalid_api_key']);
    }
  });

  test('the table above has every admin route there is, so that none is without its row', async () => {
    const { body } = await w.call<{ paths: Record<string, Record<string, unknown>> }>('GET', '/openapi.json');
    const documented = Object.entries(body.paths).flatMap(([path, methods]) =>
      path.startsWith('/api/admin') ? Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`) : [],
    );
    const listed = ROUTES.map(([method, url]) => `${method} ${url.replace(ID, '{id}')}`);
    expect(documented.sort()).toEqual([...listed].sort());
  });
});
