/** The rules of instant payouts: slices make the total to the unit, one payment has one UTR, a mistyped receipt is none. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BATCH, BATCH_EVENTS, BATCH_STATES, type BatchState } from '../../src/instant/rules/batchMachine.ts';
import { PAYIN, PAYIN_STATES, type PayinState } from '../../src/instant/rules/payinMachine.ts';
import { INSTANT_PAYOUT, INSTANT_PAYOUT_STATES, type InstantPayoutState } from '../../src/instant/rules/payoutMachine.ts';
import { BATCH_LIMITS, BUILT_IN_POLICY, readPolicy } from '../../src/instant/rules/policy.ts';
import { CROCKFORD, checkOf, isReceiptId, receiptIdOf } from '../../src/instant/rules/receiptId.ts';
import { BATCHES_MAX, split } from '../../src/instant/rules/split.ts';
import { areNear, normalizeUtr, readUtr } from '../../src/instant/rules/utr.ts';

const sum = (all: readonly bigint[]): bigint => all.reduce((total, each) => total + each, 0n);
const amount = (max: bigint) => fc.bigInt({ min: 1n, max });

describe('a split', () => {
  test('makes the total to the unit, within the limits, in as few slices as there can be, and those differ by no more than a major unit', () => {
    fc.assert(
      fc.property(amount(10n ** 9n), amount(10n ** 8n), amount(10n ** 8n), (totalMinor, one, other) => {
        const [minMinor, maxMinor] = one < other ? [one, other] : [other, one];
        const cut = split({ totalMinor, minMinor, maxMinor });
        const fewest = (totalMinor + maxMinor - 1n) / maxMinor;
        if (!cut.ok) {
          // No other number of slices would have done: fewer would be over the most, and more under the least.
          expect(fewest > BATCHES_MAX || fewest * minMinor > totalMinor).toBe(true);
          return;
        }
        expect(sum(cut.amountsMinor)).toBe(totalMinor);
        for (const each of cut.amountsMinor) expect(each >= minMinor && each <= maxMinor).toBe(true);
        expect(BigInt(cut.amountsMinor.length)).toBe(fewest);
        const sorted = [...cut.amountsMinor].sort((a, b) => Number(a - b));
        expect((sorted.at(-1) ?? 0n) - (sorted[0] ?? 0n)).toBeLessThan(200n);
      }),
      { numRuns: 2_000 },
    );
  });

  test('is in whole rupees where that can be: people type them', () => {
    expect(split({ totalMinor: 1_000_000n, minMinor: 10_000n, maxMinor: 300_000n })).toEqual({
      ok: true,
      amountsMinor: [250_000n, 250_000n, 250_000n, 250_000n],
    });
    expect(split({ totalMinor: 100_050n, minMinor: 10_000n, maxMinor: 40_000n })).toEqual({
      ok: true,
      amountsMinor: [33_400n, 33_300n, 33_350n],
    });
    expect(split({ totalMinor: 101n, minMinor: 1n, maxMinor: 50n })).toEqual({ ok: true, amountsMinor: [34n, 34n, 33n] });
  });

  test('takes what the caller names as it is, or says what is wrong with it', () => {
    const limits = { totalMinor: 100n, minMinor: 10n, maxMinor: 60n };
    expect(split({ ...limits, wanted: [60n, 40n] })).toEqual({ ok: true, amountsMinor: [60n, 40n] });
    expect(split({ ...limits, wanted: [] })).toEqual({ ok: false, fault: 'no_batches' });
    expect(split({ ...limits, wanted: [50n, 40n] })).toEqual({ ok: false, fault: 'wrong_sum' });
    expect(split({ ...limits, wanted: [61n, 39n] })).toEqual({ ok: false, fault: 'outside_limits' });
    expect(split({ ...limits, wanted: [-10n, 110n] })).toEqual({ ok: false, fault: 'outside_limits' });
    expect(split({ ...limits, minMinor: 61n })).toEqual({ ok: false, fault: 'limits_crossed' });
    expect(split({ ...limits, totalMinor: 9n })).toEqual({ ok: false, fault: 'impossible' });
    expect(split({ totalMinor: 65n, minMinor: 40n, maxMinor: 60n })).toEqual({ ok: false, fault: 'impossible' });
    expect(split({ totalMinor: 10_000n, minMinor: 1n, maxMinor: 1n })).toEqual({ ok: false, fault: 'too_many_batches' });
    expect(split({ totalMinor: 51n, minMinor: 1n, maxMinor: 1n, wanted: Array.from({ length: 51 }, () => 1n) })).toEqual({
      ok: false,
      fault: 'too_many_batches',
    });
  });
});

describe('a UTR', () => {
  test('is one, however it is printed, and of the rail that its payee and its form say', () => {
    expect(readUtr('upi', ' 4312-3456 7890 ')).toEqual({ utr: '431234567890', rail: 'upi' });
    expect(readUtr('upi', '４３１２３４５６７８９０')).toEqual({ utr: '431234567890', rail: 'upi' });
    expect(readUtr('bank', '431234567890')).toEqual({ utr: '431234567890', rail: 'imps' });
    expect(readUtr('bank', 'sbin 2233 4455 6677')).toEqual({ utr: 'SBIN223344556677', rail: 'neft' });
    expect(readUtr('bank', 'HDFCR52026113012345678')).toEqual({ utr: 'HDFCR52026113012345678', rail: 'rtgs' });
  });

  test.each([
    '',
    '43123456789',
    '4312345678901',
    '43123456789O',
    '000000000000',
    '1'.repeat(12),
    'SBIN223344556677',
    `${'1'.repeat(100)}`,
    '٤٣١٢٣٤٥٦٧٨٩٠',
  ])('of a UPI payment is not: %j', (text) => {
    expect(readUtr('upi', text)).toBeUndefined();
  });

  test('that was normalised stays as it is', () => {
    fc.assert(fc.property(fc.string(), (text) => normalizeUtr(normalizeUtr(text)) === normalizeUtr(text)));
  });

  test('is near another where one place differs: not none, and not two', () => {
    expect(areNear('431234567890', '431234567891')).toBe(true);
    expect(areNear('431234567890', '931234567890')).toBe(true);
    expect(areNear('431234567890', '431234567890')).toBe(false);
    expect(areNear('431234567890', '431234567980')).toBe(false);
    expect(areNear('431234567890', '43123456789')).toBe(false);
  });
});

describe('a receipt id', () => {
  test('is no other number’s, and one whose every character counts: mistyped in one, it is none', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.nat(7), fc.nat(31), (number, at, other) => {
        const id = receiptIdOf(number, '20261130');
        expect(isReceiptId(id)).toBe(true);
        const place = id.length - 8 + at;
        const wrong = id.slice(0, place) + CROCKFORD.charAt(other) + id.slice(place + 1);
        expect(isReceiptId(wrong)).toBe(wrong === id);
      }),
    );
    const many = new Set(Array.from({ length: 5_000 }, (_, n) => receiptIdOf(BigInt(n), '20261130')));
    expect(many.size).toBe(5_000);
  });

  test.each(['', 'RCP-20261130-1234567', 'rcp-20261130-00000000', 'RCP-20261130-0000000I', 'RCP-2026113-00000000', undefined, 7])(
    'is not %j',
    (text) => {
      expect(isReceiptId(text)).toBe(false);
    },
  );

  test('of seven zeros has the check zero', () => {
    expect([checkOf('0000000'), isReceiptId('RCP-20261130-00000000')]).toEqual(['0', true]);
  });
});

describe('the machines', () => {
  test('of a slice, a payin and a withdrawal leave no state that nothing leads out of, or that is over and goes on by itself', () => {
    const leaves = (from: string, edges: readonly { from: string }[]) => edges.some((edge) => edge.from === from);
    for (const state of Object.keys(BATCH_STATES) as BatchState[])
      expect([state, leaves(state, BATCH.edges)]).toEqual([
        state,
        !BATCH.isFinal(state) || ['cancelled', 'late_proof'].includes(state),
      ]);
    for (const state of Object.keys(PAYIN_STATES) as PayinState[])
      expect([state, leaves(state, PAYIN.edges)]).toEqual([
        state,
        !PAYIN.isFinal(state) || ['expired', 'completed', 'failed', 'reversed'].includes(state),
      ]);
    for (const state of Object.keys(INSTANT_PAYOUT_STATES) as InstantPayoutState[])
      expect(leaves(state, INSTANT_PAYOUT.edges)).toBe(!INSTANT_PAYOUT.isFinal(state));
  });

  test('credit a slice on the way to being paid alone, and tell a payin’s merchant no end twice', () => {
    for (const { to, effect } of BATCH.edges)
      if (effect === 'credit') expect(['sys_confirmed', 'confirmed', 'admin_approved']).toContain(to);
    const told = PAYIN.edges.filter(({ effect }) => effect === 'tell');
    expect(new Set(told.map(({ to }) => to))).toEqual(new Set(PAYIN.statesWhere(({ final }) => final)));
    for (const { from, to } of told) expect(from).not.toBe(to);
    expect(PAYIN.edges.filter(({ to, from }) => to === 'expired' && PAYIN.isFinal(from))).toEqual([]); // an end that is left is not come back to
    expect(INSTANT_PAYOUT.edges.filter(({ effect, to }) => (effect === 'unlock') !== INSTANT_PAYOUT.isFinal(to))).toEqual([]);
    expect(new Set(BATCH.edges.map(({ event }) => event))).toEqual(new Set(BATCH_EVENTS));
  });
});

test('a merchant’s policy is what it names, where that can be, and as built in else', () => {
  expect(readPolicy(null)).toEqual(BUILT_IN_POLICY);
  expect(readPolicy({ creditOn: 'bank_matched', unconfirmedMost: 0, coolDownMs: -1, confirmMs: '5', toString: 1 })).toEqual({
    ...BUILT_IN_POLICY,
    creditOn: 'bank_matched',
    unconfirmedMost: 0,
  });
  expect(readPolicy({ creditOn: 'never' }).creditOn).toBe('proof');
  expect(BATCH_LIMITS.minMinor).toBeLessThan(BATCH_LIMITS.maxMinor);
});
