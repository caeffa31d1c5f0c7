/** The risk table, each limit from both sides: what must be looked at is, what need not be is not. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assess, type RiskCode, type RiskFacts, type RiskReason } from '../../src/risk/rules/assess.ts';
import { BUILT_IN_POLICY, POLICY_BOUNDS, type RiskPolicy } from '../../src/risk/rules/policy.ts';

const { rules } = BUILT_IN_POLICY;
const AT = '2026-11-24T12:00:00.000Z';
const HOUR_MS = 3_600_000;
const before = (ms: number): string => new Date(Date.parse(AT) - ms).toISOString();
const days = (count: number, moreMs = 0): string => before(count * 24 * HOUR_MS + moreMs);

/** A provider that nothing speaks against. */
const trusted: RiskFacts = {
  at: AT,
  amountMinor: '100000',
  currency: 'NGN',
  verified: true,
  completedPayouts: 3,
  failedAt: [],
  bankChangedAt: null,
  requestsLast24h: 1,
  requestsLast30d: 10,
  lastCompleted: { count: 3, sumMinor: '300000' },
};
const codes = (change: Partial<RiskFacts>, policy: RiskPolicy = rules): RiskCode[] =>
  assess({ ...trusted, ...change }, policy).reasons.map(({ code }) => code);

test('a provider that nothing speaks against is paid without anybody looking', () => {
  expect(assess(trusted, rules)).toEqual({ decision: 'APPROVE', reasons: [] });
});

describe('passes on the left, is looked at on the right', () => {
  const completed = { count: 10, sumMinor: '1000005' };
  test.each<[RiskCode, string, passes: Partial<RiskFacts>, looked: Partial<RiskFacts>]>([
    [
      'amount_over_limit',
      '50,000.00 NGN itself passes',
      { amountMinor: '5000000', lastCompleted: { count: 1, sumMinor: '5000000' } },
      { amountMinor: '5000001', lastCompleted: { count: 1, sumMinor: '5000000' } },
    ],
    ['provider_unverified', 'verified or not', { verified: true }, { verified: false }],
    ['too_few_successes', 'the third success is enough', { completedPayouts: 3 }, { completedPayouts: 2 }],
    ['recent_failures', 'the second failure is one too many', { failedAt: [days(1)] }, { failedAt: [days(1), days(2)] }],
    [
      'recent_failures',
      'a failure 30 days ago to the millisecond is over',
      { failedAt: [days(1), days(30)] },
      { failedAt: [days(1), days(30, -1)] },
    ],
    ['bank_details_changed', 'the first bank details are no change', { bankChangedAt: null }, { bankChangedAt: AT }],
    [
      'bank_details_changed',
      'a change 7 days ago to the millisecond is over',
      { bankChangedAt: days(7) },
      { bankChangedAt: days(7, -1) },
    ],
    [
      'velocity_spike',
      'four requests in a day are few, however rare they are otherwise',
      { requestsLast24h: 4, requestsLast30d: 4 },
      { requestsLast24h: 5, requestsLast30d: 5 },
    ],
    [
      'velocity_spike',
      'three times the daily mean passes',
      { requestsLast24h: 6, requestsLast30d: 60 },
      { requestsLast24h: 6, requestsLast30d: 59 },
    ],
    [
      'velocity_spike',
      'five times the mean amount passes, to the minor unit',
      { amountMinor: '500002', lastCompleted: completed },
      { amountMinor: '500003', lastCompleted: completed },
    ],
    [
      'velocity_spike',
      'before the first completed payout no amount is unusual',
      { amountMinor: '5000000', lastCompleted: { count: 0, sumMinor: '0' } },
      { amountMinor: '5000000', lastCompleted: { count: 1, sumMinor: '1' } },
    ],
  ])('%s: %s', (code, _, passes, looked) => {
    expect(codes(passes)).toEqual([]);
    expect(codes(looked)).toEqual([code]);
  });
});

test('every reason is told, in the words and numbers that an approver needs', () => {
  const worst: RiskFacts = {
    ...trusted,
    amountMinor: '5000001',
    verified: false,
    completedPayouts: 1,
    failedAt: [days(1), days(2)],
    bankChangedAt: days(2, HOUR_MS),
    requestsLast24h: 6,
    requestsLast30d: 40,
    lastCompleted: { count: 1, sumMinor: '100' },
  };
  const { decision, reasons } = assess(worst, rules);
  expect(decision).toBe('REVIEW');
  expect(reasons.map(({ code, value, limit }) => [code, value, limit])).toEqual([
    ['amount_over_limit', '50000.01', '50000.00'],
    ['provider_unverified', false, true],
    ['too_few_successes', 1, 3],
    ['recent_failures', 2, 1],
    ['bank_details_changed', 2, 7],
    ['velocity_spike', 6, 4],
    ['velocity_spike', '50000.01', '5.00'],
  ]);
  for (const { detail } of reasons) expect(detail).toMatch(/^[a-z0-9].{10,}[^.]$/);
});

test('a currency without a limit has no rule for its amounts; its decimals are its own', () => {
  const dinar = { currency: 'BHD', lastCompleted: { count: 0, sumMinor: '0' } };
  expect(codes({ ...dinar, amountMinor: '999999999999999' })).toEqual([]);
  const strict = { ...rules, amountLimitMinor: { BHD: '1000' } };
  expect(assess({ ...trusted, ...dinar, amountMinor: '1001' }, strict).reasons).toMatchObject([
    { value: '1.001', limit: '1.000' },
  ]);
  expect(codes({ amountMinor: '5000001', lastCompleted: { count: 0, sumMinor: '0' } }, strict)).toEqual([]); // NGN has none now
});

const anyFacts: fc.Arbitrary<RiskFacts> = fc
  .record({
    amount: fc.bigInt({ min: 1n, max: 10n ** 15n }),
    verified: fc.boolean(),
    completedPayouts: fc.nat(2_000),
    failedDaysAgo: fc.array(fc.integer({ min: 0, max: 90 * 24 }), { maxLength: 20 }),
    bankChangedHoursAgo: fc.option(fc.nat(400 * 24)),
    requestsLast24h: fc.integer({ min: 1, max: 1_000_000 }),
    more: fc.nat(1_000_000),
    completed: fc.record({ count: fc.integer({ min: 1, max: 10 }), mean: fc.bigInt({ min: 1n, max: 10n ** 15n }) }),
  })
  .map(({ amount, verified, completedPayouts, failedDaysAgo, bankChangedHoursAgo, requestsLast24h, more, completed }) => ({
    at: AT,
    amountMinor: String(amount),
    currency: 'NGN',
    verified,
    completedPayouts,
    failedAt: failedDaysAgo.map((hours) => before(hours * HOUR_MS)),
    bankChangedAt: bankChangedHoursAgo === null ? null : before(bankChangedHoursAgo * HOUR_MS),
    requestsLast24h,
    requestsLast30d: requestsLast24h + more,
    lastCompleted: { count: completed.count, sumMinor: String(completed.mean * BigInt(completed.count)) },
  }));

const bound = (name: keyof typeof POLICY_BOUNDS) => fc.integer(POLICY_BOUNDS[name]);
const anyPolicy: fc.Arbitrary<RiskPolicy> = fc.record({
  amountLimitMinor: fc
    .option(fc.bigInt({ min: 0n, max: 10n ** 15n }))
    .map((limit): Record<string, string> => (limit === null ? {} : { NGN: String(limit) })),
  minSuccesses: bound('minSuccesses'),
  maxRecentFailures: bound('maxRecentFailures'),
  failureWindowDays: bound('failureWindowDays'),
  bankChangeDays: bound('bankChangeDays'),
  velocityMinRequests: bound('velocityMinRequests'),
  velocityTimes: bound('velocityTimes'),
  amountTimesMean: bound('amountTimesMean'),
});

test('the same facts and policy are decided the same, and what they say survives being stored', () => {
  fc.assert(
    fc.property(anyFacts, anyPolicy, (facts, policy) => {
      const verdict = assess(facts, policy);
      expect(assess(JSON.parse(JSON.stringify(facts)), JSON.parse(JSON.stringify(policy)))).toEqual(verdict);
      expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
      expect(verdict.decision).toBe(verdict.reasons.length === 0 ? 'APPROVE' : 'REVIEW');
    }),
  );
});

test('a smaller amount never has a reason that a larger one has not', () => {
  fc.assert(
    fc.property(anyFacts, anyPolicy, fc.bigInt({ min: 0n, max: 10n ** 15n }), (facts, policy, less) => {
      const amount = BigInt(facts.amountMinor);
      const smaller = { ...facts, amountMinor: String(less < amount ? amount - less : 1n) };
      const found = codes(facts, policy);
      for (const code of codes(smaller, policy)) expect(found).toContain(code);
    }),
  );
});

/** The same facts, with the value that a reason calls the limit. */
function atLimit(facts: RiskFacts, { code, limit }: RiskReason): RiskFacts {
  if (typeof limit === 'string') return { ...facts, amountMinor: limit.replace('.', '') };
  const count = Number(limit);
  const change: Record<Exclude<RiskCode, 'amount_over_limit'>, Partial<RiskFacts>> = {
    provider_unverified: { verified: limit === true },
    too_few_successes: { completedPayouts: count },
    recent_failures: { failedAt: facts.failedAt.slice(0, count) },
    bank_details_changed: { bankChangedAt: days(count) },
    velocity_spike: { requestsLast24h: count },
  };
  return { ...facts, ...change[code as keyof typeof change] };
}

test('the limit that an approver reads is the last value that would have passed', () => {
  fc.assert(
    fc.property(anyFacts, anyPolicy, (facts, policy) => {
      for (const reason of assess(facts, policy).reasons) {
        const isThis = (each: RiskReason) => each.code === reason.code && typeof each.limit === typeof reason.limit;
        expect(assess(atLimit(facts, reason), policy).reasons.filter(isThis)).toEqual([]);
      }
    }),
  );
});
