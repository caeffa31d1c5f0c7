/** Guards: a webhook is tried as api.md promises, and a receiver that says "not now, but then" is asked then. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TRIES_MAX, waitAfter } from '../../src/webhooks/rules/schedule.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const NOT_NOW = [429, 503] as const;

const spent = fc.integer({ min: 0, max: TRIES_MAX + 2 });
const seconds = fc.integer({ min: 0, max: 10 * 24 * 3_600 });
const status = fc.oneof(fc.constantFrom(...NOT_NOW), fc.integer({ min: 100, max: 599 }), fc.constant(null));

test('a webhook is tried ten times over more than three days, at the times that were promised', () => {
  const promised = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((each) => each * SECOND);
  expect(Array.from({ length: TRIES_MAX }, (_, tries) => waitAfter(tries))).toEqual(promised);
});

test('after the last try there is none, whatever the receiver asks for', () => {
  for (const tries of [10, 11, -1, 1.5, Number.NaN]) {
    expect([tries, waitAfter(tries), waitAfter(tries, { statusCode: 429, retryAfterMs: 9_000 })]).toEqual([
      tries,
      undefined,
      undefined,
    ]);
  }
});

test.each(NOT_NOW)('a first try that is answered %i with Retry-After: 9 is followed by the second at 9 s', (statusCode) => {
  expect(waitAfter(1, { statusCode, retryAfterMs: 9_000 })).toBe(9_000);
});

test.each(NOT_NOW)('an hour that a receiver asks for with %i is kept, and more counts as an hour', (statusCode) => {
  for (const tries of [1, 2, 3]) {
    expect(waitAfter(tries, { statusCode, retryAfterMs: HOUR })).toBe(HOUR);
    expect(waitAfter(tries, { statusCode, retryAfterMs: 48 * HOUR })).toBe(HOUR);
    expect(waitAfter(tries, { statusCode, retryAfterMs: Number.POSITIVE_INFINITY })).toBe(HOUR);
  }
  expect(waitAfter(4, { statusCode, retryAfterMs: 48 * HOUR })).toBe(2 * HOUR); // the schedule's own
});

test.each([200, 301, 400, 404, 500, 502, 504, null])('Retry-After beside %s changes nothing', (statusCode) => {
  for (let tries = 1; tries < TRIES_MAX; tries += 1)
    expect(waitAfter(tries, { statusCode, retryAfterMs: 3_000_000 })).toBe(waitAfter(tries));
});

test('a receiver never brings a try forward, nor puts it off beyond the schedule or an hour', () => {
  fc.assert(
    fc.property(spent, status, seconds, (tries, statusCode, asked) => {
      const scheduled = waitAfter(tries);
      const waited = waitAfter(tries, { statusCode, retryAfterMs: asked * SECOND });
      if (scheduled === undefined || waited === undefined) return expect(waited).toBe(scheduled);
      expect(waited).toBeGreaterThanOrEqual(scheduled);
      expect(waited).toBeLessThanOrEqual(Math.max(scheduled, HOUR));
    }),
  );
});

test('what is asked for within the hour is never cut short', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: TRIES_MAX - 1 }),
      fc.constantFrom(...NOT_NOW),
      fc.integer({ min: 0, max: HOUR }),
      (tries, statusCode, retryAfterMs) =>
        expect(waitAfter(tries, { statusCode, retryAfterMs })).toBeGreaterThanOrEqual(retryAfterMs),
    ),
  );
});

test('asking for longer never means being asked sooner', () => {
  fc.assert(
    fc.property(spent, status, seconds, seconds, (tries, statusCode, one, other) => {
      const [short, long] = [Math.min(one, other), Math.max(one, other)].map((each) =>
        waitAfter(tries, { statusCode, retryAfterMs: each * SECOND }),
      );
      expect(long ?? 0).toBeGreaterThanOrEqual(short ?? 0);
    }),
  );
});
