/** What is looked at before it is paid: every boundary of the risk table from both sides, over HTTP, and the policy itself. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ACCOUNTS, type ProviderOptions } from '../../harness/newProvider.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Door, type Merchant, openDoor, type Reply } from '../support/door.ts';
import { type Engine, startEngine } from '../support/engine.ts';
import { askToBePaid, makeProvider, type Past, past, type TestProvider } from '../support/providers.ts';

let engine: Engine;
let door: Door;
let merchant: Merchant;
let admin: { id: string; key: string };
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  engine = await startEngine();
  door = await openDoor({ db: engine.db, payouts: engine.payouts, sandboxUrl: engine.sandbox.url });
  merchant = await platform();
  admin = await door.admin('admin');
  stopWorker = await engine.startWorker();
});
afterAll(async () => {
  await stopWorker();
  await door.stop();
  await engine.stop();
});

async function platform(): Promise<Merchant> {
  const made = await door.merchant();
  const body = { amount: '100000000', currency: 'NGN' };
  await door.call('POST', '/api/v1/test/balance/fund', { key: made.key, body });
  return made;
}

/** Three completed, long ago, of this amount each. */
const THREE = (amountMinor = 2_000_000n): Past[] => [40, 41, 42].map((daysAgo) => ({ daysAgo, amountMinor }));

/** A provider about whom no rule of the built-in policy asks, with this past. */
async function trusted(before: readonly Past[] = THREE(), options: ProviderOptions = {}, of = merchant): Promise<TestProvider> {
  const made = await makeProvider(door, of, { earned: ['900000'], ...options });
  for (const each of before) await past(door, made, each);
  return made;
}

const ask = (of: TestProvider, amount = '1.00') => askToBePaid(door, of, { amount });
const codes = ({ status, body }: Reply): string[] => {
  expect(status).toBe(201);
  expect(body.status).toBe(body.review === null ? 'APPROVED' : 'REQUESTED');
  return (body.review?.reasons ?? []).map(({ code }: { code: string }) => code);
};
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** The bank account was another one until so long ago. */
async function changedAccount({ id }: TestProvider, agoMs: number): Promise<void> {
  await door.db.owner.query(
    `INSERT INTO provider_bank_accounts (id, provider_id, bank_code, account_number, account_name, created_at)
     VALUES ($1, $2, '058', '0000000001', 'Ada Obi', now() - $3 * interval '1 millisecond')`,
    [newId('pba'), id, agoMs],
  );
}

/** So many requests, called off at once, some days ago or today. */
async function requested(provider: TestProvider, count: number, daysAgo = 0): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    const { body } = await ask(provider);
    await door.call('POST', `/api/provider/payouts/${body.id}/cancel`, { key: provider.key });
    if (daysAgo > 0)
      await door.db.owner.query(`UPDATE payouts SET created_at = created_at - $2 * interval '1 day' WHERE id = $1`, [
        body.id,
        daysAgo,
      ]);
  }
}

describe('each rule, from both sides', () => {
  test('amount_over_limit: 50,000.00 passes, 50,000.01 is looked at', async () => {
    expect(codes(await ask(await trusted(), '50000.00'))).toEqual([]);
    const over = await ask(await trusted(), '50000.01');
    expect(codes(over)).toEqual(['amount_over_limit']);
    expect(over.body.review.reasons).toEqual([
      { code: 'amount_over_limit', detail: expect.stringContaining('50000.00'), value: '50000.01', limit: '50000.00' },
    ]);
  });

  test('amount_over_limit: another currency has no limit of its own', async () => {
    const pkr = { currency: 'PKR', bankAccount: ACCOUNTS.PKR };
    await door.call('POST', '/api/v1/test/balance/fund', { key: merchant.key, body: { amount: '1000000', currency: 'PKR' } });
    const ada = await trusted(
      [40, 41, 42].map((daysAgo) => ({ daysAgo, amountMinor: 3_000_000n, currency: 'PKR' })),
      pkr,
    );
    expect(codes(await askToBePaid(door, ada, { amount: '60000', currency: 'PKR' }))).toEqual([]);
  });

  test('provider_unverified: looked at until the platform verifies', async () => {
    const ada = await trusted(THREE(), { verified: false });
    expect(codes(await ask(ada))).toEqual(['provider_unverified']);
    await door.call('POST', `/api/v1/providers/${ada.id}/verify`, { key: merchant.key, body: { verified: true } });
    expect(codes(await ask(ada))).toEqual([]);
  });

  test('too_few_successes: two completed are looked at, three pass', async () => {
    const [first, second, third] = THREE() as [Past, Past, Past];
    const ada = await trusted([first, second]);
    const looked = await ask(ada);
    expect(codes(looked)).toEqual(['too_few_successes']);
    expect(looked.body.review.reasons[0]).toMatchObject({ value: 2, limit: 3 });
    await past(door, ada, third);
    expect(codes(await ask(ada))).toEqual([]);
  });

  test('recent_failures: one within 30 days passes, two are looked at, and those before do not count', async () => {
    const failed = (daysAgo: number): Past => ({ daysAgo, outcome: 'FAILED' });
    const ada = await trusted([...THREE(), failed(31), failed(30), failed(29)]);
    expect(codes(await ask(ada))).toEqual([]);
    await past(door, ada, failed(1));
    const looked = await ask(ada);
    expect(codes(looked)).toEqual(['recent_failures']);
    expect(looked.body.review.reasons[0]).toMatchObject({ value: 2, limit: 1 });
  });

  test('bank_details_changed: within seven days it is looked at, from seven days on it passes; the first account is no change', async () => {
    const changed = async (agoMs: number) => {
      const ada = await trusted();
      await changedAccount(ada, agoMs);
      return codes(await ask(ada));
    };
    expect(await changed(0)).toEqual(['bank_details_changed']);
    expect(await changed(7 * DAY_MS - MINUTE_MS)).toEqual(['bank_details_changed']);
    expect(await changed(7 * DAY_MS)).toEqual([]); // by the time it is asked, some milliseconds more
    expect(codes(await ask(await trusted()))).toEqual([]);
  });

  test('bank_details_changed: by the platform, over HTTP; the same details again are no change', async () => {
    const ada = await trusted();
    const put = (accountNumber: string) =>
      door.call('PUT', `/api/v1/providers/${ada.id}/bank-account`, {
        key: merchant.key,
        body: { ...ACCOUNTS.NGN, accountNumber },
      });
    await put(ACCOUNTS.NGN.accountNumber);
    expect(codes(await ask(ada))).toEqual([]);
    await put('0123456789');
    const looked = await ask(ada);
    expect(codes(looked)).toEqual(['bank_details_changed']);
    expect(looked.body.bankAccount.accountLast4).toBe('6789');
  });

  test('an account that is changed while a payout waits for an approver: the approver sees that the payout goes to the one before', async () => {
    const ada = await trusted(THREE(), { verified: false });
    const looked = await ask(ada);
    expect(codes(looked)).toEqual(['provider_unverified']);
    const { key } = await door.admin('approver');
    const sinceIn = async (): Promise<unknown[]> => {
      const { body } = await door.call('GET', '/api/admin/review-queue?limit=100', { key });
      const queued = body.data.find(({ id }: { id: string }) => id === looked.body.id);
      const detail = await door.call('GET', `/api/admin/payouts/${looked.body.id}`, { key });
      return [queued.destination.changedSince, detail.body.destination.changedSince];
    };
    const put = async (accountNumber: string) =>
      (
        await door.call('PUT', `/api/v1/providers/${ada.id}/bank-account`, {
          key: merchant.key,
          body: { ...ACCOUNTS.NGN, accountNumber },
        })
      ).body.bankAccount.since;
    expect(await sinceIn()).toEqual([null, null]);
    const since = await put('0123456789');
    expect(await sinceIn()).toEqual([since, since]);
    await put(ACCOUNTS.NGN.accountNumber);
    expect(await sinceIn()).toEqual([null, null]);
  });

  test('velocity_spike: four requests in 24 hours pass, the fifth is looked at', async () => {
    const ada = await trusted();
    for (let made = 1; made <= 4; made += 1) expect([made, codes(await ask(ada))]).toEqual([made, []]);
    const fifth = await ask(ada);
    expect(codes(fifth)).toEqual(['velocity_spike']);
    expect(fifth.body.review.reasons[0]).toMatchObject({ value: 5, limit: 4 });
  });

  test('velocity_spike: requests of a day ago are not of today', async () => {
    const ada = await trusted();
    await requested(ada, 4, 1);
    expect(codes(await ask(ada))).toEqual([]);
  });

  test('velocity_spike: the fifth passes when it is not more than three times the daily mean of thirty days', async () => {
    // Five of fifty are exactly three times 50/30; five of forty-nine are more.
    const steady = await trusted();
    await requested(steady, 45, 2);
    await requested(steady, 4);
    expect(codes(await ask(steady))).toEqual([]);
    const lively = await trusted();
    await requested(lively, 44, 2);
    await requested(lively, 4);
    expect(codes(await ask(lively))).toEqual(['velocity_spike']);
  });

  test('velocity_spike: five times the mean of the last ten completed passes, a minor unit more is looked at', async () => {
    const ada = await trusted(THREE(100_000n));
    expect(codes(await ask(ada, '5000.00'))).toEqual([]);
    const over = await ask(ada, '5000.01');
    expect(codes(over)).toEqual(['velocity_spike']);
    expect(over.body.review.reasons[0]).toMatchObject({ value: '5000.01', limit: '5000.00' });
  });

  test('velocity_spike: a mean that is no whole number is compared exactly', async () => {
    // 3000.01 of three, five times: 5000.01⅔.
    const ada = await trusted([...THREE(100_000n).slice(1), { daysAgo: 43, amountMinor: 100_001n }]);
    expect(codes(await ask(ada, '5000.01'))).toEqual([]);
    expect(codes(await ask(ada, '5000.02'))).toEqual(['velocity_spike']);
  });

  test('velocity_spike: only the last ten completed make the mean, and before the first there is none', async () => {
    const ten = Array.from({ length: 10 }, (_, index): Past => ({ daysAgo: 40 + index, amountMinor: 1_000n }));
    const ada = await trusted([{ daysAgo: 80, amountMinor: 10_000_000n }, ...ten]);
    expect(codes(await ask(ada, '50.00'))).toEqual([]);
    expect(codes(await ask(ada, '50.01'))).toEqual(['velocity_spike']);
    expect(codes(await ask(await trusted([]), '40000.00'))).toEqual(['too_few_successes']);
  });

  test('all rules are asked, and every reason is shown', async () => {
    const ada = await trusted(
      [
        { daysAgo: 2, outcome: 'FAILED' },
        { daysAgo: 3, outcome: 'FAILED' },
      ],
      { verified: false },
    );
    await changedAccount(ada, DAY_MS);
    await requested(ada, 4);
    expect(codes(await ask(ada, '50000.01'))).toEqual([
      'amount_over_limit',
      'provider_unverified',
      'too_few_successes',
      'recent_failures',
      'bank_details_changed',
      'velocity_spike',
    ]);
  });
});

describe('many at once', () => {
  test('thirty requests do not slip under a limit of requests: four pass, all others are looked at', async () => {
    const ada = await trusted();
    const replies = await Promise.all(Array.from({ length: 30 }, () => ask(ada)));
    const found = replies.map(codes);
    expect(found.filter((each) => each.length === 0)).toHaveLength(4);
    expect(found.filter(([code]) => code === 'velocity_spike')).toHaveLength(26);
    const counted = (await risks(ada))
      .slice(0, 30)
      .map(({ facts }) => facts.requestsLast24h)
      .sort((one, other) => one - other);
    expect(counted).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  });

  test('a limit on requests is not had once for each currency', async () => {
    await door.call('POST', '/api/v1/test/balance/fund', { key: merchant.key, body: { amount: '1000000', currency: 'PKR' } });
    const ada = await trusted();
    await door.call('POST', `/api/v1/providers/${ada.id}/earnings`, {
      key: merchant.key,
      body: { amount: '1000', currency: 'PKR', externalId: `pkr-${ada.id}` },
    });
    await requested(ada, 4);
    await door.call('PUT', `/api/v1/providers/${ada.id}/bank-account`, { key: merchant.key, body: ACCOUNTS.PKR });
    expect(codes(await askToBePaid(door, ada, { amount: '1', currency: 'PKR' }))).toEqual([
      'bank_details_changed',
      'velocity_spike',
    ]);
  });
});

/** What a provider's payouts kept of their assessments, the newest first. */
async function risks({ id }: TestProvider) {
  const { body } = await door.call('GET', `/api/admin/payouts?ownerId=${id}&limit=100`, { key: admin.key });
  return body.data.map(({ risk }: { risk: unknown }) => risk) as {
    policyVersion: number;
    policyMerchantId: string;
    facts: { requestsLast24h: number };
    verdict: { decision: string };
  }[];
}

const policy = (method: string, query = '', body?: unknown, key = admin.key) =>
  door.call(method, `/api/admin/risk-policy${query}`, { key, ...(body !== undefined && { body }) });
const dryRun = (body: Record<string, unknown>, key = admin.key) =>
  door.call('POST', '/api/admin/risk-policy/dry-run', { key, body });

const BUILT_IN = {
  amountLimit: { NGN: '50000.00' },
  minSuccesses: 3,
  maxRecentFailures: 1,
  failureWindowDays: 30,
  bankChangeDays: 7,
  velocityMinRequests: 5,
  velocityTimes: 3,
  amountTimesMean: 5,
};

describe('the policy', () => {
  test('is the built-in one until another is stored; a change makes a version, for whom it is meant', async () => {
    const own = await platform();
    const query = `?merchantId=${own.id}`;
    const builtIn = { object: 'risk_policy', merchantId: null, version: 1, policy: BUILT_IN, createdBy: null, createdAt: null };
    expect((await policy('GET')).body).toEqual(builtIn);
    expect((await policy('GET', query)).body).toEqual(builtIn);

    const changed = await policy('PUT', query, { policy: { amountLimit: { NGN: '100', PKR: '5' }, minSuccesses: 0 } });
    expect(changed).toMatchObject({
      status: 200,
      body: {
        merchantId: own.id,
        version: 2,
        policy: { ...BUILT_IN, amountLimit: { NGN: '100.00', PKR: '5.00' }, minSuccesses: 0 },
        createdBy: admin.id,
        createdAt: expect.any(String),
      },
    });
    const again = await policy('PUT', query, { policy: { amountLimit: { PKR: null } } });
    expect(again.body).toMatchObject({ version: 3, policy: { amountLimit: { NGN: '100.00' }, minSuccesses: 0 } });
    expect((await policy('GET', query)).body).toEqual(again.body);
    expect((await policy('GET')).body).toEqual(builtIn);
    const audit = await door.call('GET', `/api/admin/audit?target=${own.id}`, { key: admin.key });
    expect(audit.body.data.map(({ action }: { action: string }) => action)).toEqual(['risk_policy.change', 'risk_policy.change']);
  });

  test('that changes judges the next payout; those before keep their version and their verdict', async () => {
    const own = await platform();
    const ada = await trusted(THREE(), {}, own);
    const before = await ask(ada, '20000');
    expect(codes(before)).toEqual([]);
    await policy('PUT', `?merchantId=${own.id}`, { policy: { amountLimit: { NGN: '19999.99' } } });
    expect(codes(await ask(ada, '20000'))).toEqual(['amount_over_limit']);
    expect((await door.call('GET', `/api/provider/payouts/${before.body.id}`, { key: ada.key })).body).toEqual(before.body);
    expect(await risks(ada)).toMatchObject([
      { policyVersion: 2, policyMerchantId: own.id, verdict: { decision: 'REVIEW' } },
      { policyVersion: 1, policyMerchantId: '', verdict: { decision: 'APPROVE' } },
      {},
      {},
      {},
    ]);
  });

  test('of changes at once each is a version', async () => {
    const own = await platform();
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, index) => policy('PUT', `?merchantId=${own.id}`, { policy: { minSuccesses: index } })),
    );
    expect(replies.map(({ body }) => body.version).sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('under one key it is changed once, also when the first answer was lost', async () => {
    const own = await platform();
    const put = () =>
      door.call('PUT', `/api/admin/risk-policy?merchantId=${own.id}`, {
        key: admin.key,
        body: { policy: { minSuccesses: 9 } },
        idempotencyKey: 'policy-1',
      });
    const first = await put();
    expect((await put()).text).toBe(first.text);
    await door.db.owner.query(
      `UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, lease_until = now() WHERE key = 'policy-1'`,
    );
    expect((await put()).body).toEqual(first.body);
  });

  test.each([
    ['/policy', { policy: undefined }],
    ['/policy/amountLimit/XYZ', { policy: { amountLimit: { XYZ: '1' } } }],
    ['/policy/amountLimit/NGN', { policy: { amountLimit: { NGN: '-1' } } }],
    ['/policy/minSuccesses', { policy: { minSuccesses: -1 } }],
    ['/policy/minSuccesses', { policy: { minSuccesses: 1.5 } }],
    ['/policy/minSuccesses', { policy: { minSuccesses: '3' } }],
    ['/policy/failureWindowDays', { policy: { failureWindowDays: 91 } }],
    ['/policy/maxRecentFailures', { policy: { maxRecentFailures: 20 } }],
    ['/policy/velocityTimes', { policy: { velocityTimes: 0 } }],
    ['/policy/colour', { policy: { colour: 'red' } }],
    ['/version', { policy: {}, version: 7 }],
  ])('a wrong %s is refused by that name: %j', async (pointer, body) => {
    const reply = await policy('PUT', '', body);
    expect(reply.status).toBe(400);
    expect(reply.body.errors[0].pointer).toBe(pointer);
    expect((await policy('GET')).body.version).toBe(1);
  });

  test('is an admin’s to change and everybody’s to read; of a merchant that is not there it is 404', async () => {
    const approver = await door.admin('approver');
    expect((await policy('GET', '', undefined, approver.key)).status).toBe(200);
    expect((await policy('PUT', '', { policy: {} }, approver.key)).status).toBe(403);
    expect((await policy('GET', '', undefined, merchant.key)).status).toBe(403);
    for (const reply of [
      await policy('GET', '?merchantId=mer_nobody'),
      await policy('PUT', '?merchantId=mer_nobody', { policy: {} }),
      await dryRun({ merchantId: 'mer_nobody' }),
    ])
      expect(reply.status).toBe(404);
  });
});

describe('a dry run', () => {
  test('of the same policy differs in nothing from what really happened', async () => {
    const { body } = await dryRun({ policy: BUILT_IN, last: 1_000, merchantId: merchant.id });
    expect(body.considered).toBeGreaterThan(100);
    expect(body.was.REVIEW).toBeGreaterThan(30);
    expect(body.was.APPROVE).toBeGreaterThan(30);
    expect(body.wouldBe).toEqual(body.was);
    expect(body.differences).toEqual([]);
    expect(body.payouts.filter(({ differs }: { differs: boolean }) => differs)).toEqual([]);
  });

  test('of another policy says of each payout what that policy then really does', async () => {
    const own = await platform();
    const AMOUNTS = ['9999.99', '10000', '10000.01', '60000'];
    const judge = async () => {
      const made: { id: string; decision: string; reasons: string[] }[] = [];
      for (const amount of AMOUNTS) {
        const reply = await ask(await trusted(THREE(), { verified: amount !== '60000' }, own), amount);
        made.push({ id: reply.body.id, decision: reply.body.review ? 'REVIEW' : 'APPROVE', reasons: codes(reply) });
      }
      return made;
    };
    const before = await judge();
    const change = { amountLimit: { NGN: '10000' } };
    const tried = (await dryRun({ policy: change, last: 1_000, merchantId: own.id })).body;
    const of = (id: string) => tried.payouts.find((each: { payoutId: string }) => each.payoutId === id);
    await policy('PUT', `?merchantId=${own.id}`, { policy: change });
    const after = await judge();
    for (const [index, { id, decision }] of before.entries()) {
      expect(of(id)).toMatchObject({ was: decision, wouldBe: after[index]?.decision });
    }
    expect(before.map(({ decision }) => decision)).toEqual(['APPROVE', 'APPROVE', 'APPROVE', 'REVIEW']);
    expect(after.map(({ decision }) => decision)).toEqual(['APPROVE', 'APPROVE', 'REVIEW', 'REVIEW']);
    const [, , third] = before;
    expect(tried.differences.find((each: { payoutId: string }) => each.payoutId === third?.id)).toMatchObject({
      amount: '10000.01',
      currency: 'NGN',
      policyVersion: 1,
      was: { decision: 'APPROVE', reasons: [] },
      wouldBe: { decision: 'REVIEW', reasons: [{ code: 'amount_over_limit', value: '10000.01', limit: '10000.00' }] },
    });
    // The newest of all: the four that were just judged by it.
    const same = (await dryRun({ last: 1, merchantId: own.id })).body;
    expect(same).toMatchObject({ considered: 1, differences: [], payouts: [{ payoutId: after[3]?.id }] });
    expect((await dryRun({ last: 10, merchantId: own.id, mode: 'live' })).body.considered).toBe(0);
  });

  test.each([
    ['/last', { last: 0 }],
    ['/last', { last: 1_001 }],
    ['/last', { last: '5' }],
    ['/policy/velocityTimes', { policy: { velocityTimes: 0 } }],
    ['/mode', { mode: 'all' }],
    ['/since', { since: 'yesterday' }],
  ])('a wrong %s is refused by that name: %j', async (pointer, body) => {
    const reply = await dryRun(body);
    expect([reply.status, reply.body.errors?.[0]?.pointer]).toEqual([400, pointer]);
  });
});
