/** A question that the server threw away is asked again; an outage is said to be one. */
import { expect, test } from '@jest/globals';
import { type Client, ServiceError } from '@temporalio/client';
import { createPayoutsClient, type PayoutsClient } from '../../src/payouts/client.ts';
import { TemporalUnavailable } from '../../src/temporal/client.ts';

const FAILED_PRECONDITION = 9;
const ABORTED = 10;
const UNAVAILABLE = 14;

/** As the SDK throws it: the gRPC error within. */
function refused(code: number): ServiceError {
  const grpc = Object.assign(new Error('thrown away'), { code, details: '', metadata: {} });
  return new ServiceError('Workflow Update failed', { cause: grpc });
}

const DONE = { outcome: 'done', payout: {} };

/** A server that answers so, one after the other. */
function client(answers: readonly unknown[]): { readonly payouts: PayoutsClient; readonly asked: () => readonly string[] } {
  const asked: string[] = [];
  const left = [...answers];
  const executeUpdate = async (_update: unknown, { updateId }: { updateId: string }) => {
    asked.push(updateId);
    const answer = left.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const fake = { withDeadline: (_: number, ask: () => unknown) => ask(), workflow: { getHandle: () => ({ executeUpdate }) } };
  const times = {} as Parameters<typeof createPayoutsClient>[1]['times'];
  const payouts = createPayoutsClient(fake as unknown as Client, { times, allowSignalDecisions: false });
  return { payouts, asked: () => asked };
}

const cancel = (payouts: PayoutsClient) =>
  payouts.command({ id: 'po_1', round: 1, sequence: 1 }, { type: 'cancelled', by: 'mer_1' }, 'upd_1');

test.each([FAILED_PRECONDITION, ABORTED])('a signal that came in between costs nobody a 503: code %i', async (code) => {
  const { payouts, asked } = client([refused(code), refused(code), DONE]);
  expect(await cancel(payouts)).toEqual(DONE);
  expect(asked()).toEqual(['upd_1', 'upd_1', 'upd_1']); // the same question: done once
});

test('a worker that can never do the task is unavailable after three tries', async () => {
  const { payouts, asked } = client(Array(9).fill(refused(FAILED_PRECONDITION)));
  await expect(cancel(payouts)).rejects.toBeInstanceOf(TemporalUnavailable);
  expect(asked()).toHaveLength(3);
});

test('a server that is away is not asked again here: the SDK has done so', async () => {
  const { payouts, asked } = client([refused(UNAVAILABLE)]);
  await expect(cancel(payouts)).rejects.toBeInstanceOf(TemporalUnavailable);
  expect(asked()).toHaveLength(1);
});
