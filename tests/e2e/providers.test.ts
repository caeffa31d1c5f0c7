/**
 * Guards: a provider asks, an approver agrees, a run sends, Flutterwave pays and calls back, and a mail says so; what is
 * tried in vain ends with an operator; and a run whose worker is killed sends each payout once.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Installation, installation } from '../../harness/installation.ts';
import { type MailServer, startMailServer } from '../support/mailServer.ts';
import { booksAreBalanced, eventually } from '../support/payouts.ts';
import { type Platform, platformOf } from '../support/platform.ts';

/** Longer than Flutterwave's callback takes, so that this is what an end is known by. */
const LOOK_UPS = { FIRST_LOOK_UP: '10s', LOOK_UP_MAX: '10s' };
/** As many as an installation could have; at the default of ten a second two hundred would take most of a minute. */
const RATE = { PAYOUT_WORKER_CONCURRENCY: '10', PAYOUT_WORKER_RATE_LIMIT: '25' };

/** No run but those that are asked for: the default's come on every even hour of UTC, whenever that is during a test. */
const RUNS = { PAYOUT_RUN_INTERVAL: '3650d' };

let here: Installation;
let platform: Platform;
let mail: MailServer;

beforeAll(async () => {
  mail = await startMailServer();
  here = await installation({ SMTP_URL: mail.url, ...LOOK_UPS, ...RATE, ...RUNS });
  platform = platformOf(here);
});

afterAll(async () => {
  await here?.remove();
  await mail?.close();
});

const mailsTo = (address: string) => mail.taken.filter(({ to }) => to.includes(address));

test('REQUESTED, approved, in a run, paid by Flutterwave, confirmed by its callback: COMPLETED, and a mail says so', async () => {
  const ada = await platform.provider('0001', '60000.00');
  const asked = await platform.request('20000.00', ada);
  expect(asked).toMatchObject({ status: 'REQUESTED', review: { reasons: [{ code: 'too_few_successes' }] } });
  const queue = await platform.asAdmin<{ data: { id: string }[] }>('viewer', 'GET', '/review-queue');
  expect(queue.data.map(({ id }) => id)).toContain(asked.id);
  const subject = '[test] A payout of 20000.00 NGN needs a review';
  await eventually(() => expect(mail.taken.map(({ headers }) => headers.get('subject'))).toContain(subject));

  await platform.asAdmin('approver', 'POST', `/payouts/${asked.id}/approve`, {});
  expect(await platform.read(asked.id, ada)).toMatchObject({ status: 'APPROVED', waitingOn: 'run' });
  expect(await platform.book(asked.id)).toEqual([]);
  const runId = await platform.run();
  await platform.untilStatus(asked.id, ada, 'COMPLETED');

  expect(await platform.book(asked.id)).toMatchObject([
    { reference: `${asked.id}:1`, status: 'paid', amount: '20000.00', requests: 1 },
  ]);
  expect((await platform.timeline(asked.id, ada)).at(-1)).toMatchObject({ to: 'COMPLETED', data: { source: 'callback' } });
  expect(await platform.earnings(ada)).toMatchObject({
    availableBalance: '40000.00',
    reservedBalance: '0.00',
    paidOutTotal: '20000.00',
    earnings: [{ status: 'AVAILABLE', paidOut: '20000.00', payoutIds: [asked.id] }],
  });
  const done = { dispatched: 1, completed: 1, failed: 0, amount: { NGN: '20000.00' }, finishedAt: expect.any(String) };
  await eventually(async () => expect(await platform.asAdmin('viewer', 'GET', `/payout-runs/${runId}`)).toMatchObject(done));
  await eventually(() => expect(mailsTo(ada.email)).toHaveLength(1));
  const [told] = mailsTo(ada.email);
  expect(told?.headers.get('subject')).toBe('[test] Your payout of 20000.00 NGN has been paid');
  expect(told?.text).toContain(`Payout: ${asked.id}`);
});

test('the first try and three retries fail: FAILED, its earnings free, operators told; one of them tries again, and it is paid', async () => {
  await platform.asAdmin('admin', 'PUT', '/risk-policy', { policy: { minSuccesses: 0 } });
  const ben = await platform.provider('0004', '100.00'); // Flutterwave keeps it PENDING until its bank speaks
  const { id } = await platform.request('60.00', ben);
  await platform.run();
  const dueAt: number[] = [];
  for (const attempt of [1, 2, 3, 4]) {
    await eventually(async () => expect(await platform.book(id)).toHaveLength(attempt));
    await platform.bankSays(`${id}:${attempt}`, 'failed');
    if (attempt === 4) break;
    await eventually(async () => {
      const { status, retry } = await platform.read(id, ben);
      expect({ status, retry }).toEqual({ status: 'PROCESSING', retry: { attempt, max: 3, nextAt: expect.any(String) } });
      dueAt[attempt - 1] = Date.parse(retry?.nextAt ?? '');
    });
  }
  await platform.untilStatus(id, ben, 'FAILED');
  const sends = (await platform.timeline(id, ben)).filter(
    ({ type, actor }) => type === 'payout.processing' && actor === 'system',
  );
  const lateness = sends.slice(1).map(({ at }, index) => Date.parse(at) - (dueAt[index] ?? 0));
  expect(lateness.map((ms) => ms >= 0 && ms < 3_000)).toEqual([true, true, true]);
  expect(await platform.read(id, ben)).toMatchObject({
    failure: { code: 'temporary_failure' },
    retry: { attempt: 3, max: 3, nextAt: null },
  });
  expect(await platform.earnings(ben)).toMatchObject({
    availableBalance: '100.00',
    earnings: [{ status: 'AVAILABLE', payoutIds: [] }],
  });
  const waiting = await platform.asAdmin<{ data: { id: string }[] }>('viewer', 'GET', '/payouts?needsOperator=true');
  expect(waiting.data.map((each) => each.id)).toContain(id);
  const subject = '[test] A payout of 60.00 NGN failed 4 times and needs an operator';
  await eventually(() => expect(mail.taken.map(({ headers }) => headers.get('subject'))).toContain(subject));
  await eventually(() => expect(mailsTo(ben.email)).toHaveLength(1));
  expect(mailsTo(ben.email)[0]?.text).toContain('What to do: ');

  await platform.asAdmin('operator', 'POST', `/payouts/${id}/retry`, {});
  await eventually(async () => expect(await platform.book(id)).toHaveLength(5));
  await platform.bankSays(`${id}:5`, 'paid');
  await platform.untilStatus(id, ben, 'COMPLETED');
  expect((await platform.book(id)).map(({ status }) => status)).toEqual(['failed', 'failed', 'failed', 'failed', 'paid']);
});

test('a worker is killed twice during a run of 200 payouts: each is sent once, and the run tells of all of them', async () => {
  const never = { velocityMinRequests: 1_000_000, amountTimesMean: 1_000_000 };
  await platform.asAdmin('admin', 'PUT', '/risk-policy', { policy: { minSuccesses: 0, ...never } });
  const cleo = await platform.provider('0001', '200.00');
  const ids = new Set<string>();
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let left = 25; left > 0; left -= 1) ids.add((await platform.request(lane === 0 ? '1.00' : '1', cleo)).id);
    }),
  );
  expect(ids.size).toBe(200);
  const sent = async () => (await platform.book('po_')).filter(({ reference }) => ids.has(reference.split(':')[0] ?? ''));

  const runId = await platform.run();
  for (const soMany of [1, 80]) {
    await eventually(async () => expect((await sent()).length).toBeGreaterThanOrEqual(soMany), 90_000);
    here.kill('worker');
  }
  await eventually(
    async () =>
      expect(await platform.asAdmin('viewer', 'GET', `/payout-runs/${runId}`)).toMatchObject({
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
  expect(await platform.earnings(cleo)).toMatchObject({
    availableBalance: '0.00',
    reservedBalance: '0.00',
    paidOutTotal: '200.00',
  });
  await booksAreBalanced(here);
}, 500_000);
