/** The figures that people decide by: rates, medians, how a PSP does. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asItIs, asMerchants, presentOverview, presentPsps } from '../../src/overview/present.ts';
import { healthOf, percentileMs, successRate, tookMsOf } from '../../src/overview/rules/figures.ts';
import type { Totals } from '../../src/overview/rules/totals.ts';

test('a median and a tail are within a tenth of what sorting all of them would say', () => {
  const step = (ms: number) => Math.floor(Math.log(Math.max(ms, 1)) / Math.log(1.1));
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 10, max: 100_000_000 }), { minLength: 1 }),
      fc.constantFrom(0.5, 0.95),
      (all, part) => {
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(sorted.length * part) - 1] ?? 0;
        const kept =
          percentileMs(
            all.map((ms) => ({ took: step(ms), count: 1 })),
            part,
          ) ?? 0;
        expect(Math.abs(kept - exact)).toBeLessThanOrEqual(exact * 0.1 + 1);
      },
    ),
  );
  expect(percentileMs([], 0.5)).toBeNull();
  expect(tookMsOf(0)).toBe(1);
});

test('a rate is of those that came to an end at the PSP, and of none there is none', () => {
  expect(successRate(3, 1)).toBe(0.75);
  expect(successRate(0, 0)).toBeNull();
});

test.each([
  [{ asked: 0, refused: 0, unknown: 0, paid: 0, failed: 0 }, 'idle'],
  [{ asked: 100, refused: 0, unknown: 4, paid: 90, failed: 6 }, 'ok'],
  [{ asked: 100, refused: 0, unknown: 0, paid: 0, failed: 100 }, 'ok'], // it answers
  [{ asked: 100, refused: 5, unknown: 6, paid: 80, failed: 9 }, 'troubled'],
  [{ asked: 10, refused: 8, unknown: 0, paid: 2, failed: 0 }, 'failing'],
  [{ asked: 0, refused: 2, unknown: 0, paid: 0, failed: 0 }, 'failing'],
] as const)('a PSP with %j is %s', (counts, health) => {
  expect(healthOf(counts)).toBe(health);
});

const of = { mode: 'test', flow: 'payouts', currency: 'PKR' } as const;
const totals: Totals = {
  asOf: '2026-11-30T10:00:00.000Z',
  states: [
    { ...of, state: 'QUEUED', count: 1, amountMinor: '100' },
    { ...of, state: 'PSP_QUEUED', count: 2, amountMinor: '250' },
    { ...of, state: 'REVIEW_ON_HOLD', count: 1, amountMinor: '7' },
    { ...of, flow: 'games', state: 'OPEN', count: 4, amountMinor: '0' },
  ],
  outcomes: [
    { ...of, span: 'hour', from: 'a', outcome: 'SUCCEEDED', count: 3, amountMinor: '300' },
    { ...of, span: 'hour', from: 'b', outcome: 'FAILED', count: 1, amountMinor: '100' },
    { ...of, span: 'hour', from: 'b', outcome: 'created', count: 4, amountMinor: '400' },
    { ...of, mode: 'live', span: 'day', from: 'c', outcome: 'FAILED', count: 9, amountMinor: '900' },
  ],
  took: [{ ...of, span: 'hour', took: 80, count: 3 }],
  psps: [{ psp: 'sandbox', mode: 'test', word: 'asked', count: 5 }],
};

test('what a merchant knows by one word is one line, and test and live never stand in one', () => {
  const shown = presentOverview({ totals, oldest: undefined, failing: [] }, asMerchants);
  expect(shown.states).toEqual([
    { livemode: false, flow: 'payouts', currency: 'PKR', state: 'PENDING', count: 3, amount: '3.50' },
    { livemode: false, flow: 'payouts', currency: 'PKR', state: 'ON_HOLD', count: 1, amount: '0.07' },
    { livemode: false, flow: 'games', currency: 'PKR', state: 'OPEN', count: 4, amount: '0.00' },
  ]);
  expect(shown.rates).toMatchObject([
    {
      livemode: false,
      over: 'hours',
      succeeded: 3,
      failed: 1,
      successRate: 0.75,
      timeToPaidMs: { p50: tookMsOf(80), p95: tookMsOf(80) },
    },
    { livemode: true, over: 'days', succeeded: 0, failed: 9, successRate: 0, timeToPaidMs: { p50: null, p95: null } },
  ]);
  expect(shown.review).toEqual({ waiting: 1, oldestSince: null, oldestAgeSeconds: null });
  expect(presentOverview({ totals, oldest: undefined, failing: [] }, asItIs).states.map(({ state }) => state)).toContain(
    'PSP_QUEUED',
  );
});

test('a PSP that is configured is shown, also where nothing was asked of it', () => {
  const both = [
    { name: 'sandbox', mode: 'test' },
    { name: 'flutterwave', mode: 'live' },
  ];
  expect(presentPsps(totals, both)).toMatchObject([
    { name: 'sandbox', livemode: false, health: 'ok', requests: { asked: 5, refused: 0 } },
    { name: 'flutterwave', livemode: true, health: 'idle' },
  ]);
});
