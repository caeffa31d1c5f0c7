/** The one activity that asks a PSP for money: what it leaves in the books, whoever dies or goes away around it. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createPspActivities } from '../../activities/payouts/psp.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import type { PspReply } from '../../src/payouts/rules/reply.ts';
import type { PspConnector } from '../../src/psp/port.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  expect(await books.broken()).toEqual([]);
  await books.stop();
});

const PAID: PspReply = { kind: 'paid', pspRef: 'psp-1' };

/** The activity as a worker has it, but for the PSP, which says this and counts how often it is asked. */
function submitting(reply: PspReply, ledger: Ledger = createLedger(books.db.pool)) {
  const asked: string[] = [];
  const psp = {
    name: 'sandbox',
    async submit({ reference }: { reference: string }) {
      asked.push(reference);
      return { ...reply, ...('pspRef' in reply ? { pspRef: `${reply.pspRef}-${reference}` } : {}) } as PspReply;
    },
  } as Partial<PspConnector> as PspConnector;
  const activities = createPspActivities({ ledger, pool: books.db.pool, connector: () => psp });
  const environment = new MockActivityEnvironment();
  const submit = (payoutId: string, sequence = 1) =>
    environment.run(activities.submit, {
      payoutId,
      attempt: 1,
      sequence,
      round: 1,
      outcomeUntil: '2026-11-30T00:00:00.000Z',
    });
  return { submit, asked, cancel: () => environment.cancel() };
}

/** The ledger of a worker to which this happens right after it has written down that it begins. */
function asleep(whatHappens: () => Promise<unknown>): Ledger {
  const ledger = createLedger(books.db.pool);
  return {
    ...ledger,
    async applyFact(payoutId, key, fact, actor) {
      const answer = await ledger.applyFact(payoutId, key, fact, actor);
      if (fact.type === 'attempt_started') await whatHappens();
      return answer;
    },
  };
}

async function queued(): Promise<string> {
  const owner = await books.merchant(5000n);
  return await books.payout(owner, { amount: 1000n });
}

test('a payment is in the books when the PSP has confirmed it, though Temporal never hears of it', async () => {
  const id = await queued();
  const { submit } = submitting(PAID);
  await submit(id); // nobody takes its answer
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
});

test('an activity that is run twice asks the PSP once, and what it found out the first time stands', async () => {
  const id = await queued();
  const { submit, asked } = submitting(PAID);
  await submit(id);
  expect(await submit(id)).toMatchObject({ did: 'recorded', view: { outcome: 'unchanged', payout: { state: 'SUCCEEDED' } } });
  expect(asked).toHaveLength(1);
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
});

test('a payout that was cancelled just before is not sent', async () => {
  const id = await queued();
  await books.told(id, 'cancelled');
  const { submit, asked } = submitting(PAID);
  expect(await submit(id)).toMatchObject({ did: 'not_begun' });
  expect(asked).toEqual([]);
});

test('where the books cannot be reached after the PSP has answered, its answer is not lost: the workflow gets it', async () => {
  const id = await queued();
  const ledger = createLedger(books.db.pool);
  const away: Ledger = {
    ...ledger,
    async applyFact(payoutId, key, fact, actor) {
      if (fact.type === 'paid') throw new Error('the database is away');
      return await ledger.applyFact(payoutId, key, fact, actor);
    },
  };
  const answer = await submitting(PAID, away).submit(id);
  expect(answer).toMatchObject({ did: 'asked', reply: { kind: 'paid' }, view: { payout: { state: 'SUBMITTING' } } });
  expect(await books.entries(id)).toEqual(['RESERVE 1000']);
});

test('a certain refusal releases the money at once', async () => {
  const id = await queued();
  const failure = { class: 'E', code: 'no_account', message: 'no such account' } as const;
  await submitting({ kind: 'failed', failure, pspRef: null }).submit(id);
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'RELEASE 1000']);
});

test('a failure that another attempt follows is left to the workflow, which says when that one comes', async () => {
  const id = await queued();
  const failure = { class: 'B', code: 'temporary', message: 'the bank is away' } as const;
  const answer = await submitting({ kind: 'failed', failure, pspRef: 'psp-1' }).submit(id);
  expect(answer).toMatchObject({ did: 'asked', reply: { kind: 'failed' }, view: { payout: { state: 'SUBMITTING' } } });
  await books.told(id, 'attempt_failed 1');
});

test('an answer that never came leaves the money reserved', async () => {
  const id = await queued();
  const answer = await submitting({ kind: 'unknown', reason: 'timeout' }).submit(id);
  expect(answer).toMatchObject({ did: 'recorded', view: { payout: { state: 'UNKNOWN' } } });
  expect(await books.entries(id)).toEqual(['RESERVE 1000']);
});

test('a payout that nobody took in is not sent', async () => {
  const { submit, asked } = submitting(PAID);
  await expect(submit(newId('po'))).rejects.toThrow('unknown payout');
  expect(asked).toEqual([]);
});

test.each<[string, (id: string) => Promise<unknown>]>([
  ['its outcome was given up as unknown', (id) => books.told(id, 'outcome_unknown 1')],
  ['it was closed', (id) => books.told(id, 'failed 1')],
])('a worker that slept after it began sends nothing: %s meanwhile', async (_what, happens) => {
  const id = await queued();
  const { submit, asked } = submitting(
    PAID,
    asleep(() => happens(id)),
  );
  expect(await submit(id)).toMatchObject({ did: 'recorded', view: { outcome: 'stale' } });
  expect(asked).toEqual([]); // was: asked for, under a key that counted as dead
});

test('a worker that slept for longer than a send may wait sends nothing, though nobody has noticed yet', async () => {
  const id = await queued();
  const slept = asleep(() =>
    books.db.owner.query(`UPDATE payout_attempts SET sent_at = now() - interval '21 s' WHERE payout_id = $1`, [id]),
  );
  const { submit, asked } = submitting(PAID, slept);
  expect(await submit(id)).toMatchObject({
    did: 'recorded',
    view: { outcome: 'applied', payout: { state: 'QUEUED', attemptOpen: true } },
  });
  expect(asked).toEqual([]);
  await submitting(PAID).submit(id, 3);
  expect(await books.entries(id)).toEqual(['RESERVE 1000', 'SETTLE 1000']);
});

test('a worker whose own clock says that it slept sends nothing', async () => {
  const id = await queued();
  const now = jest.spyOn(performance, 'now');
  const slept = asleep(async () => now.mockReturnValue(performance.now() + 21_000));
  const { submit, asked } = submitting(PAID, slept);
  await submit(id).finally(() => now.mockRestore());
  expect(asked).toEqual([]);
});

test('a worker that the server has given up sends nothing any more', async () => {
  const id = await queued();
  const { submit, asked, cancel } = submitting(
    PAID,
    asleep(async () => cancel()),
  );
  expect(await submit(id)).toMatchObject({ did: 'recorded', view: { payout: { state: 'QUEUED' } } });
  expect(asked).toEqual([]);
});
