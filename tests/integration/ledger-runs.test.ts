/** Payouts that wait for a run: none is sent before its turn, none twice, and none that was called off meanwhile. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Books, FAILURE, openBooks, type Provider } from '../support/books.ts';

let books: Books;
let provider: Provider;
beforeAll(async () => {
  books = await openBooks();
  await books.policy({ minSuccesses: 0, velocityMinRequests: 1_000_000, maxRecentFailures: 19, amountTimesMean: 1_000_000 });
  provider = await books.provider(await books.merchant(1_000_000n), 1_000_000n);
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const waiting = (): Promise<string> => books.payout(provider, { dispatch: 'run', maxAttempts: 4 });
const dispatch = (id: string, runId = 'run_1', key?: string) =>
  books.tell(id, 'dispatched', { runId, ...(key === undefined ? {} : { key }) });
const start = (id: string, attempt = 1) => books.tell(id, 'attempt_started', { attempt });

test('nothing is sent before a run has come to it', async () => {
  const id = await waiting();
  expect((await start(id)).outcome).toBe('wrong_state');
  expect(await books.attempts(id)).toEqual([]);
  expect(await dispatch(id)).toMatchObject({ outcome: 'applied', payout: { state: 'QUEUED', dispatch: 'run', runId: 'run_1' } });
  expect(await start(id)).toMatchObject({ outcome: 'applied', payout: { state: 'SUBMITTING', maxAttempts: 4 } });
  expect(await books.timeline(id)).toEqual([
    'payout.created →QUEUED',
    'payout.queued QUEUED→QUEUED',
    'payout.processing QUEUED→SUBMITTING',
  ]);
});

test('two runs, or one that died and began again: the payout is on its way once', async () => {
  const id = await waiting();
  const outcomes = [
    await dispatch(id, 'run_1', 'a'),
    await dispatch(id, 'run_1', 'a'),
    await dispatch(id, 'run_2'),
    await dispatch(id),
  ];
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['applied', 'already', 'unchanged', 'unchanged']);
  expect(outcomes.at(-1)?.payout).toMatchObject({ runId: 'run_1', sequence: 2 });
  await start(id);
  expect((await dispatch(id, 'run_2')).outcome).toBe('wrong_state');
});

test('20 runs at once: one of them has it', async () => {
  const id = await waiting();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, run) => dispatch(id, `run_${run}`)));
  const winner = answers.findIndex(({ outcome }) => outcome === 'applied');
  expect(answers.filter(({ outcome }) => outcome === 'unchanged')).toHaveLength(19);
  expect(await books.ledger.read(id)).toMatchObject({ runId: `run_${winner}`, sequence: 2 });
});

test.each(['cancelled', 'held'] as const)('a payout %s between its approval and the run is not sent', async (fact) => {
  const id = await waiting();
  await books.tell(id, fact, { reason: 'look at it' });
  expect((await dispatch(id)).outcome).toBe('wrong_state');
  expect((await start(id)).outcome).toBe('wrong_state');
});

test.each(['cancelled', 'held'] as const)(
  'a payout %s after the run came to it, before the attempt, is not sent',
  async (fact) => {
    const id = await waiting();
    await dispatch(id);
    await books.tell(id, fact, { reason: 'look at it' });
    expect((await start(id)).outcome).toBe('wrong_state');
    expect(await books.attempts(id)).toEqual([]);
  },
);

test('cancelled, held, dispatched and sent at the same moment: never sent and called off at once', async () => {
  for (let round = 0; round < 25; round += 1) {
    const id = await waiting();
    if (round % 2 === 0) await dispatch(id);
    const off = round % 4 < 2 ? 'cancelled' : 'held';
    const [, called, sent] = await Promise.all([dispatch(id, 'run_2'), books.tell(id, off, { reason: 'stop' }), start(id)]);
    expect([called.outcome, sent.outcome].filter((outcome) => outcome === 'applied').length).toBeLessThanOrEqual(1);
    expect((await books.attempts(id)).length).toBe(sent.outcome === 'applied' ? 1 : 0);
  }
});

test('a hold that is lifted puts the payout where it was: before its run it waits, after its run it goes', async () => {
  const [before, after] = [await waiting(), await waiting()];
  await dispatch(after);
  for (const id of [before, after]) {
    await books.tell(id, 'held', { reason: 'look at it' });
    await books.tell(id, 'hold_lifted', { adminId: 'adm_1' });
  }
  expect([(await start(before)).outcome, (await start(after)).outcome]).toEqual(['wrong_state', 'applied']);
  expect((await dispatch(before)).outcome).toBe('applied');
});

test('a review comes first: no run takes what nobody has approved', async () => {
  const id = await books.payout(provider, { dispatch: 'run', reviewReasons: [{ code: 'x', detail: 'look at it' }] });
  expect((await dispatch(id)).outcome).toBe('wrong_state');
  await books.tell(id, 'approved', { adminId: 'adm_1' });
  expect([(await start(id)).outcome, (await dispatch(id)).outcome, (await start(id)).outcome]).toEqual([
    'wrong_state', 'applied', 'applied',
  ]); // biome-ignore format: one glance
});

test('retries, a request that was not taken, and a new round need no second run', async () => {
  const id = await waiting();
  await dispatch(id);
  await books.told(
    id,
    'attempt_started 1',
    'not_taken 1',
    'attempt_started 1',
    'attempt_failed 1',
    'attempt_started 2',
    'failed 2',
  );
  expect((await books.told(id, 'reinitiated')).runId).toBe('run_1');
  expect((await books.told(id, 'attempt_started 3')).state).toBe('SUBMITTING');
});

test('a payout that waits for no run is in none', async () => {
  const id = await books.payout(provider);
  expect((await dispatch(id)).outcome).toBe('wrong_state');
  expect((await start(id)).outcome).toBe('applied');
});

test('an order of no run is a fault, not an answer', async () => {
  await expect(books.tell(await waiting(), 'dispatched')).rejects.toThrow('names no run');
});

test('an attempt that failed because our funds at the PSP were short does not count against the payout, and is not sent again', async () => {
  const id = await books.payout(provider, { maxAttempts: 4 });
  const short = { ...FAILURE, class: 'D', code: 'psp_funds_short' } as const;
  await books.told(id, 'attempt_started 1');
  const first = await books.tell(id, 'attempt_failed', { attempt: 1, failure: short });
  expect(first.payout).toMatchObject({ state: 'RETRY_WAIT', attempt: 1, attemptsBefore: 1, attemptOpen: false });
  await books.told(id, 'attempt_started 2', 'attempt_failed 2');
  await books.told(id, 'attempt_started 3');
  const third = await books.tell(id, 'attempt_failed', { attempt: 3, failure: short });
  expect(third.payout).toMatchObject({ attempt: 3, attemptsBefore: 2 });
  expect((await books.tell(id, 'attempt_failed', { attempt: 3, failure: short })).outcome).toBe('unchanged');
  expect((await books.ledger.read(id))?.attemptsBefore).toBe(2);
  await books.told(id, 'attempt_started 4', 'failed 4', 'reinitiated');
  expect(await books.ledger.read(id)).toMatchObject({ attempt: 4, attemptsBefore: 4, round: 2 });
});

test('the last failure of a provider payout waits for an operator until the next attempt begins', async () => {
  const id = await books.payout(provider);
  await books.told(id, 'attempt_started 1');
  expect(await books.tell(id, 'failed', { attempt: 1, needsOperator: true })).toMatchObject({
    payout: { state: 'FAILED', needsOperator: true },
  });
  expect((await books.told(id, 'reinitiated')).needsOperator).toBe(true);
  expect((await books.told(id, 'attempt_started 2')).needsOperator).toBe(false);
});
