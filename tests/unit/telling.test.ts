/** What a PSP's reply made true is told to the books in one way, whoever heard it. */
import { expect, test } from '@jest/globals';
import type { FactOutcome } from '../../src/payouts/rules/contract.ts';
import type { PspFact } from '../../src/payouts/rules/facts.ts';
import { tellInOrder } from '../../src/payouts/rules/telling.ts';

const PAID_THEN_RETURNED: readonly PspFact[] = [
  { type: 'paid', attempt: 1, source: 'reply' },
  { type: 'returned', attempt: 1, source: 'reply' },
];

/** Books that answer so, each applied fact one event further. */
function books(...outcomes: FactOutcome[]) {
  const told: (readonly [type: string, askedAt: number | undefined])[] = [];
  let sequence = 4;
  const tell = async ({ type, askedAt }: PspFact) => {
    told.push([type, askedAt]);
    const outcome = outcomes[told.length - 1] ?? 'unchanged';
    if (outcome === 'applied') sequence += 1;
    return { outcome, payout: { sequence } };
  };
  return { told, tell };
}

test('a return that came with the payment is not taken for older than the payment that we have just written down', async () => {
  const { told, tell } = books('applied', 'applied');
  expect(await tellInOrder(PAID_THEN_RETURNED, 3, tell)).toEqual({ outcome: 'applied', payout: { sequence: 6 } });
  expect(told).toEqual([
    ['paid', 3],
    ['returned', 5],
  ]);
});

test('what the books knew already makes the rest of a reply no newer than it is', async () => {
  const { told, tell } = books('unchanged', 'applied');
  await tellInOrder(PAID_THEN_RETURNED, 3, tell);
  expect(told).toEqual([
    ['paid', 3],
    ['returned', 3],
  ]);
});

test('once other news has overtaken a reply, the rest of it is not told: the PSP is asked again', async () => {
  const { told, tell } = books('stale');
  expect(await tellInOrder(PAID_THEN_RETURNED, 3, tell)).toMatchObject({ outcome: 'stale' });
  expect(told).toHaveLength(1);
});
