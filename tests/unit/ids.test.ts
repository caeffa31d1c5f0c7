import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  attemptOf,
  eventId,
  firstIdAt,
  followUpWorkflowId,
  isId,
  parseEventId,
  payoutIdOf,
  payoutWorkflowId,
  pspReference,
} from '../../src/rules/ids.ts';
import { newId } from '../../src/rules/newId.ts';

const anyPayoutId = fc.stringMatching(/^[0-9a-f]{32}$/).map((hex) => `po_${hex}`);
const PAYOUT = 'po_019a0b1c2d3e7f40815263748596a7b8';

test('ids made one after the other sort in that order: lists show the newest first', () => {
  const made = Array.from({ length: 20_000 }, () => newId('po'));
  expect(made.toSorted()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
});

test('a range of times is a range of ids: whoever asks for the payouts of a day misses none of its first or last millisecond', () => {
  const before = Date.now();
  const id = newId('po');
  const after = Date.now();
  expect(firstIdAt('po', before) <= id && id < firstIdAt('po', after + 1)).toBe(true);
  expect(isId('po', firstIdAt('po', 0))).toBe(true);
  expect(firstIdAt('po', -1)).toBe(firstIdAt('po', 0));
  expect(isId('po', firstIdAt('po', Date.UTC(9999, 11, 31)))).toBe(true);
});

test('an id carries a UUIDv7, so that it sorts among those of other processes too', () => {
  const before = Date.now();
  const id = newId('po');
  const after = Date.now();
  expect(id).toMatch(/^po_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  const madeAt = Number.parseInt(id.slice(3, 15), 16);
  expect(madeAt).toBeGreaterThanOrEqual(before);
  expect(madeAt).toBeLessThanOrEqual(after + 1_000); // the counter may have run ahead of the clock
});

test('what is not an id of its kind is not looked up', () => {
  expect(isId('po', PAYOUT)).toBe(true);
  expect(isId('evt', PAYOUT)).toBe(false);
  for (const bad of [
    '',
    'po_',
    PAYOUT.toUpperCase(),
    `${PAYOUT}\n`,
    `${PAYOUT}0`,
    PAYOUT.slice(0, -1),
    PAYOUT.replace('a', 'g'),
    5,
    null,
    undefined,
    [PAYOUT],
  ]) {
    expect(isId('po', bad)).toBe(false);
  }
});

test("a PSP's word about a payout finds the payout and the attempt it speaks of", () => {
  fc.assert(
    fc.property(anyPayoutId, fc.integer({ min: 1, max: 999_999_999 }), (payoutId, attempt) => {
      const reference = pspReference(payoutId, attempt);
      expect(payoutIdOf(reference)).toBe(payoutId);
      expect(attemptOf(reference)).toBe(attempt);
    }),
  );
});

test('a reference that is not ours finds no payout', () => {
  for (const bad of [
    '',
    PAYOUT,
    `${PAYOUT}:`,
    `${PAYOUT}:0`,
    `${PAYOUT}:01`,
    `${PAYOUT}:-1`,
    `${PAYOUT}:1.5`,
    `${PAYOUT}:1e1`,
    `${PAYOUT}:1:2`,
    `${PAYOUT}:9999999999`,
    ` ${PAYOUT}:1`,
    `${PAYOUT}:1\n`,
    'po_1:1',
    `${PAYOUT}:١`,
  ]) {
    expect([bad, payoutIdOf(bad), attemptOf(bad)]).toEqual([bad, undefined, undefined]);
  }
  for (const attempt of [0, -1, 1.5, Number.NaN]) expect(() => pspReference(PAYOUT, attempt)).toThrow(RangeError);
});

test('an event has one id for ever, whoever computes it', () => {
  expect(eventId(PAYOUT, 3)).toBe(`evt_${PAYOUT.slice(3)}_0003`);
  fc.assert(
    fc.property(anyPayoutId, fc.integer({ min: 0, max: 999_999_999 }), (payoutId, sequence) => {
      expect(parseEventId(eventId(payoutId, sequence))).toEqual({ payoutId, sequence });
    }),
  );
  for (const bad of [
    '',
    'evt_',
    `evt_${PAYOUT.slice(3)}`,
    `evt_${PAYOUT.slice(3)}_3`,
    `evt_${PAYOUT.slice(3)}_00003`,
    `${eventId(PAYOUT, 3)}\n`,
  ]) {
    expect(parseEventId(bad)).toBeUndefined();
  }
  expect(eventId(PAYOUT, 10_000)).toBe(`evt_${PAYOUT.slice(3)}_10000`);
  expect(() => eventId(PAYOUT, -1)).toThrow(RangeError);
  expect(() => eventId('po_1', 1)).toThrow(RangeError);
});

test('each round of a payout is one workflow, found under the payout: an operator searches by its id', () => {
  expect(payoutWorkflowId(PAYOUT, 1)).toBe(`payout/${PAYOUT}`);
  expect(payoutWorkflowId(PAYOUT, 2)).toBe(`payout/${PAYOUT}/2`);
  expect(followUpWorkflowId(PAYOUT)).toBe(`payout-return/${PAYOUT}`);
  expect(() => payoutWorkflowId(PAYOUT, 0)).toThrow(RangeError);
});
