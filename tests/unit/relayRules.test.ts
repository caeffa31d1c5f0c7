/** Guards: a receiver that is down is left alone and found again, one that refuses one event is not taken for down, and nobody takes all there is. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSlots, inTurn } from '../../src/relay/fair.ts';
import { afterTry, HEALTHY, type Health, isGivenUp, type Tried } from '../../src/relay/rules/health.ts';
import { outcomeOf } from '../../src/relay/rules/outcome.ts';
import { WINDOW_MAX, windowAfter } from '../../src/relay/rules/window.ts';

const tried = (ok: boolean, subject: string, isProbe = false): Tried => ({ ok, subject, isProbe });
const after = (...tries: Tried[]): Health => tries.reduce((health, each) => afterTry(health, each, 0), HEALTHY);
const failed = (...subjects: string[]) => subjects.map((subject) => tried(false, subject));

test('five failures in a row over two subjects make a receiver failing; four, or five of one subject, do not', () => {
  expect(after(...failed('a', 'a', 'b', 'a')).failing).toBeNull();
  expect(after(...failed('a', 'a', 'a', 'a', 'a', 'a', 'a')).failing).toBeNull();
  expect(after(...failed('a', 'a', 'a', 'a', 'a', 'b')).failing).toEqual({ sinceMs: 0, probes: 0, probeAtMs: 5_000 });
  expect(after(...failed('a', 'b'), tried(true, 'c'), ...failed('a', 'b', 'c', 'd')).failing).toBeNull();
});

test('a failing receiver is probed after 5 s, 30 s, 2 min and then every 5 min, and one answer makes it healthy', () => {
  let health = after(...failed('a', 'b', 'c', 'd', 'e'));
  const waits: number[] = [];
  for (let nowMs = 0, left = 5; left > 0; left -= 1) {
    waits.push((health.failing?.probeAtMs ?? 0) - nowMs);
    nowMs = health.failing?.probeAtMs ?? 0;
    health = afterTry(health, tried(false, 'a', true), nowMs);
  }
  expect(waits).toEqual([5_000, 30_000, 120_000, 300_000, 300_000]);
  expect(afterTry(health, tried(true, 'a', true), 0)).toBe(HEALTHY);
});

test('a failure of what was sent before is no probe', () => {
  const health = after(...failed('a', 'b', 'c', 'd', 'e'));
  expect(afterTry(health, tried(false, 'f'), 1_000).failing).toEqual(health.failing);
});

test('it is given up after five days of failing, not after five days of rare failures', () => {
  const health = after(...failed('a', 'b', 'c', 'd', 'e'));
  const fiveDays = 5 * 24 * 3_600_000;
  expect(isGivenUp(health, fiveDays - 1)).toBe(false);
  expect(isGivenUp(health, fiveDays)).toBe(true);
  expect(isGivenUp(after(...failed('a', 'a')), fiveDays)).toBe(false);
});

test('whatever a receiver says, its window stays between one and what api.md allows', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.constantFrom(null, 500))), (answers) => {
      let window = 2;
      for (const [ok, status] of answers) {
        window = windowAfter(window, ok, ok ? 200 : status);
        expect(window).toBeGreaterThanOrEqual(1);
        expect(window).toBeLessThanOrEqual(WINDOW_MAX);
      }
    }),
  );
});

test('a probe spends no try, and neither does what a person asks for', () => {
  const refused = { outcome: 'failed', statusCode: 500, retryAfterMs: null } as const;
  expect(outcomeOf(refused, 'auto', 0)).toMatchObject({ state: 'pending', spends: true, waitMs: 5_000 });
  expect(outcomeOf(refused, 'probe', 9)).toMatchObject({ state: 'pending', spends: false, waitMs: null });
  expect(outcomeOf(refused, 'resend', 1)).toMatchObject({ state: 'pending', spends: false, waitMs: 5_000 });
  expect(outcomeOf(refused, 'auto', 9)).toMatchObject({ state: 'failed', spends: true });
});

test('a URL that we do not send to is no failure of the receiver', () => {
  expect(outcomeOf({ outcome: 'refused' }, 'auto', 0)).toMatchObject({ state: 'failed', answered: null });
});

test('slots keep their limits however they are taken and left, and all come back', () => {
  const place = fc.record({
    merchant: fc.constantFrom('a', 'b', 'c'),
    origin: fc.constantFrom('x', 'y'),
    isDoubtful: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(place, fc.boolean()), { maxLength: 60 }), (steps) => {
      const slots = createSlots({ all: 6, perMerchant: 3, perOrigin: 4, doubtful: 3, doubtfulPerMerchant: 2 });
      const held: { merchant: string; origin: string; isDoubtful: boolean }[] = [];
      for (const [each, leaves] of steps) {
        const first = leaves ? held.shift() : undefined;
        if (first) slots.leave(first);
        else if (slots.take(each)) held.push(each);
        expect(held.length).toBeLessThanOrEqual(6);
        const doubtful = held.filter((one) => one.isDoubtful);
        expect(doubtful.length).toBeLessThanOrEqual(3);
        for (const merchant of 'abc') expect(doubtful.filter((one) => one.merchant === merchant).length).toBeLessThanOrEqual(2);
        for (const merchant of 'abc') expect(held.filter((one) => one.merchant === merchant).length).toBeLessThanOrEqual(3);
        for (const origin of 'xy') expect(held.filter((one) => one.origin === origin).length).toBeLessThanOrEqual(4);
      }
      for (const each of held) slots.leave(each);
      for (const merchant of ['a', 'b'])
        for (let left = 3; left > 0; left -= 1) expect(slots.take({ merchant, origin: merchant, isDoubtful: false })).toBe(true);
    }),
  );
});

test('a merchant with a hundred waiting takes no more turns than one with two', () => {
  const items = [...Array.from({ length: 100 }, (_, index) => `a${index}`), 'b0', 'b1', 'c0'];
  const begun: string[] = [];
  const left = new Set(items);
  const begin = (item: string) => begun.length < 5 && left.delete(item) && begun.push(item) > 0;
  const served = inTurn(items, (item) => item[0] ?? '', begin, 'a');
  expect(begun.map(([merchant]) => merchant)).toEqual(['b', 'c', 'a', 'b', 'a']);
  expect(served).toBe('a');
});
