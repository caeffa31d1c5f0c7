/**
 * Guards: a provider asks, an approver agrees, a run sends, Flutterwave pays and calls back, and a mail says so; what is
 * tried in vain ends with an operator; and a run whose worker is killed sends each payout once.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Installation, installation } from '../support/installation.ts';
import { type MailServer, startMailServer } from '../support/mailServer.ts';
import { admin, booksAreBalanced, eventually, type Transfer } from '../support/payouts.ts';

/** Longer than Flutterwave's callback takes, so that this is what an end is known by. */
const LOOK_UPS = { FIRST_LOOK_UP: '10s', LOOK_UP_MAX: '10s' };
/** As many as an installation could have; at the default of ten a second two hundred would take most of a minute. */
const RATE = { PAYOUT_WORKER_CONCURRENCY: '10', PAYOUT_WORKER_RATE_LIMIT: '25' };

interface Payout {
  readonly id: string;
  readonly status: string;
  readonly review: { reasons: { code: string }[] } | null;
  readonly failure: { code: string; retryable: boolean } | null;
  readonly retry: { attempt: number; max: number; nextAt: string | null } | null;
}

interface Entry {
  readonly type: string;
  readonly at: string;
  readonly actor: string;
  readonly data: { readonly attempt?: number };
}

let here: Installation;
let mail: MailServer;
let names = 0;

beforeAll(async () => {
  mail = await startMailServer();
  here = await installation({ SMTP_URL: mail.url, ...LOOK_UPS, ...RATE });
}, 180_000);

afterAll(async () => {
  await here?.remove();
  await mail?.close();
}, 60_000);

async function ask<T>(method: string, path: string, body?: unknown, key?: string): Promise<T> {
  const answer = await here.call<T>(method, path, { ...(body === undefined ? {} : { body }), ...(key && { key }) });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

const asAdmin = <T>(role: string, method: string, path: string, body?: unknown) =>
  ask<T>(method, `/api/admin${path}`, body, admin(here, role).key);

interface TestProvider {
  readonly key: string;
  readonly email: string;
}

/** A verified provider with an account that ends so, who has earned so much. */
async function provider(suffix: string, earned: string): Promise<TestProvider> {
  names += 1;
  const email = `provider-${names}@p.example`;
  const { id } = await ask<{ id: string }>('POST', '/api/v1/providers', { externalId: `p-${names}`, name: 'Ada Obi', email });
  const account = { bankCode: '058', accountNumber: `123456${suffix}`, accountName: 'Ada Obi' };
  await ask('PUT', `/api/v1/providers/${id}/bank-account`, account);
  await ask('POST', `/api/v1/providers/${id}/verify`, { verified: true });
  const earning = { amount: earned, currency: 'NGN', externalId: `work-${names}` };
  await ask('POST', `/api/v1/providers/${id}/earnings`, earning);
  return { email, key: (await ask<{ key: string }>('POST', `/api/v1/providers/${id}/keys`, {})).key };
}

const request = (amount: string, { key }: TestProvider) => ask<Payout>('POST', '/api/provider/payouts', { amount }, key);
const read = (id: string, { key }: TestProvider) => ask<Payout>('GET', `/api/provider/payouts/${id}`, undefined, key);
const earnings = ({ key }: TestProvider) => ask<Record<string, unknown>>('GET', '/api/provider/earnings', undefined, key);
const timeline = async (id: string, { key }: TestProvider) =>
  (await ask<{ data: Entry[] }>('GET', `/api/provider/payouts/${id}/timeline`, undefined, key)).data;
const run = async () => (await asAdmin<{ id: string }>('operator', 'POST', '/payout-runs', {})).id;

const untilStatus = (id: string, by: TestProvider, status: string, withinMs = 60_000) =>
  eventually(async () => expect(await read(id, by)).toMatchObject({ status }), withinMs);

const mailsTo = (address: string) => mail.taken.filter(({ to }) => to.includes(address));

/** Flutterwave's own book of what begins so, as it took it. */
async function book(prefix: string): Promise<Transfer[]> {
  const url = `${here.credentials.flutterwaveUrl}/control/transfers?limit=1000&reference=${prefix}`;
  return ((await (await fetch(url)).json()) as { data: Transfer[] }).data.toReversed();
}

/** What a bank would say of a transfer. */
async function bankSays(reference: string, status: 'paid' | 'failed'): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const url = `${here.credentials.flutterwaveUrl}/control/transfers/${reference}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ status }) });
  if (!answer.ok) throw new Error(await answer.text());
}

test('REQUESTED, approved, in a run, paid by Flutterwave, confirmed by its callback: COMPLETED, and a mail says so', async () => {
  const ada = await provider('0001', '60000.00');
  const asked = await request('20000.00', ada);
  expect(asked).toMatchObject({ status: 'REQUESTED', review: { reasons: [{ code: 'too_few_successes' }] } });
  const queue = await asAdmin<{ data: { id: string }[] }>('viewer', 'GET', '/review-queue');
  expect(queue.data.map(({ id }) => id)).toContain(asked.id);
  const subject = '[test] A payout of 20000.00 NGN needs a review';
  await eventually(() => expect(mail.taken.map(({ headers }) => headers.get('subject'))).toContain(subject));

  await asAdmin('approver', 'POST', `/payouts/${asked.id}/approve`, {});
  expect(await read(asked.id, ada)).toMatchObject({ status: 'APPROVED', waitingOn: 'run' });
  expect(await book(asked.id)).toEqual([]);
  const runId = await run();
  await untilStatus(asked.id, ada, 'COMPLETED');

  expect(await book(asked.id)).toMatchObject([{ reference: `${asked.id}:1`, status: 'paid', amount: '20000.00', requests: 1 }]);
  expect((await timeline(asked.id, ada)).at(-1)).toMatchObject({ to: 'COMPLETED', data: { source: 'callback' } });
  expect(await earnings(ada)).toMatchObject({
    availableBalance: '40000.00',
    reservedBalance: '0.00',
    paidOutTotal: '20000.00',
    earnings: [{ status: 'AVAILABLE', paidOut: '20000.00', payoutIds: [asked.id] }],
  });
  const done = { dispatched: 1, completed: 1, failed: 0, amount: { NGN: '20000.00' }, finishedAt: expect.any(String) };
  await eventually(async () => expect(await asAdmin('viewer', 'GET', `/payout-runs/${runId}`)).toMatchObject(done));
  await eventually(() => expect(mailsTo(ada.email)).toHaveLength(1));
  const [told] = mailsTo(ada.email);
  expect(told?.headers.get('subject')).toBe('[test] Your payout of 20000.00 NGN has been paid');
  expect(told?.text).toContain(`Payout: ${asked.id}`);
}, 180_000);

test('the first try and three retries fail: FAILED, its earnings free, operators told; one of them tries again, and it is paid', async () => {
  await asAdmin('admin', 'PUT', '/risk-policy', { policy: { minSuccesses: 0 } });
  const ben = await provider('0004', '100.00'); // Flutterwave keeps it PENDING until its bank speaks
  const { id } = await request('60.00', ben);
  await run();
  const dueAt: number[] = [];
  for (const attempt of [1, 2, 3, 4]) {
    await eventually(async () => expect(await book(id)).toHaveLength(attempt));
    await bankSays(`${id}:${attempt}`, 'failed');
    if (attempt === 4) break;
    await eventually(async () => {
      const { status, retry } = await read(id, ben);
      expect({ status, retry }).toEqual({ status: 'PROCESSING', retry: { attempt, max: 3, nextAt: expect.any(String) } });
      dueAt[attempt - 1] = Date.parse(retry?.nextAt ?? '');
    });
  }
  await untilStatus(id, ben, 'FAILED');
  const sends = (await timeline(id, ben)).filter(({ type, actor }) => type === 'payout.processing' && actor === 'system');
  const lateness = sends.slice(1).map(({ at }, index) => Date.parse(at) - (dueAt[index] ?? 0));
  expect(lateness.map((ms) => ms >= 0 && ms < 3_000)).toEqual([true, true, true]);
  expect(await read(id, ben)).toMatchObject({
    failure: { code: 'temporary_failure' },
    retry: { attempt: 3, max: 3, nextAt: null },
  });
  expect(await earnings(ben)).toMatchObject({ availableBalance: '100.00', earnings: [{ status: 'AVAILABLE', payoutIds: [] }] });
  const waiting = await asAdmin<{ data: { id: string }[] }>('viewer', 'GET', '/payouts?needsOperator=true');
  expect(waiting.data.map((each) => each.id)).toContain(id);
  const subject = '[test] A payout of 60.00 NGN failed 4 times and needs an operator';
  await eventually(() => expect(mail.taken.map(({ headers }) => headers.get('subject'))).toContain(subject));
  await eventually(() => expect(mailsTo(ben.email)).toHaveLength(1));
  expect(mailsTo(ben.email)[0]?.text).toContain('What to do: ');

  await asAdmin('operator', 'POST', `/payouts/${id}/retry`, {});
  await eventually(async () => expect(await book(id)).toHaveLength(5));
  await bankSays(`${id}:5`, 'paid');
  await untilStatus(id, ben, 'COMPLETED');
  expect((await book(id)).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed', 'failed', 'paid']);
}, 180_000);

test('a worker is killed twice during a run of 200 payouts: each is sent once, and the run tells of all of them', async () => {
  const never = { velocityMinRequests: 1_000_000, amountTimesMean: 1_000_000 };
  await asAdmin('admin', 'PUT', '/risk-policy', { policy: { minSuccesses: 0, ...never } });
  const cleo = await provider('0001', '200.00');
  const ids = new Set<string>();
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let left = 25; left > 0; left -= 1) ids.add((await request(lane === 0 ? '1.00' : '1', cleo)).id);
    }),
  );
  expect(ids.size).toBe(200);
  const sent = async () => (await book('po_')).filter(({ reference }) => ids.has(reference.split(':')[0] ?? ''));

  const runId = await run();
  for (const soMany of [1, 80]) {
    await eventually(async () => expect((await sent()).length).toBeGreaterThanOrEqual(soMany), 90_000);
    here.kill('worker');
  }
  await eventually(
    async () =>
      expect(await asAdmin('viewer', 'GET', `/payout-runs/${runId}`)).toMatchObject({
        dispatched: 200,
        completed: 200,
        failed: 0,
        amount: { NGN: '200.00' },
        finishedAt: expect.any(String),
      }),
    300_000, // a worker that comes back on a busy machine, twice, and look-ups of what was in its hands
  );
  const transfers = await sent();
  expect(transfers.map(({ reference }) => reference).sort()).toEqual([...ids].map((id) => `${id}:1`).sort());
  expect(transfers.filter(({ status, requests }) => status !== 'paid' || requests !== 1)).toEqual([]);
  expect(await earnings(cleo)).toMatchObject({ availableBalance: '0.00', reservedBalance: '0.00', paidOutTotal: '200.00' });
  await booksAreBalanced(here);
}, 500_000);
