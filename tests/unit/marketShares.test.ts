/** What a market pays: all of the pool, to the last unit, nobody a whole unit off the exact share, and nothing for being clever. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { VOID } from '../../src/markets/rules/market.ts';
import { cutOf, type MarketTerms, partOf, planOf, type Stake, shareOf } from '../../src/markets/rules/shares.ts';
import { type Committed, referencePayouts } from '../support/marketReference.ts';

const terms = fc
  .record({ house: fc.integer({ min: 0, max: 10_000 }), creator: fc.integer({ min: 0, max: 10_000 }), feeBase: fc.constantFrom<MarketTerms['feeBase']>('losing_pool', 'gross') })
  .map(({ house, creator, feeBase }): MarketTerms => ({ houseFeeBps: house, creatorFeeBps: Math.min(creator, 10_000 - house), feeBase })); // biome-ignore format: one glance
const amount = fc.oneof(fc.bigInt({ min: 1n, max: 5n }), fc.bigInt({ min: 1n, max: 10n ** 15n }));
const commitments = fc.array(
  fc.record<Committed>({ userId: fc.constantFrom('usr_a', 'usr_b', 'usr_c', 'usr_d', 'usr_e', 'usr_f'), optionId: fc.constantFrom('x', 'y', 'z'), amount }),
  { maxLength: 30 },
); // biome-ignore format: one glance
const outcome = fc.constantFrom('x', 'y', 'z', VOID);

const totals = (placed: readonly Committed[], key: 'userId' | 'optionId', only = (_: Committed) => true): Map<string, bigint> => {
  const sums = new Map<string, bigint>();
  for (const each of placed) if (only(each)) sums.set(each[key], (sums.get(each[key]) ?? 0n) + each.amount);
  return sums;
};
const sum = (all: Iterable<bigint>): bigint => [...all].reduce((total, each) => total + each, 0n);

/** All of it, as the books do it: the plan, the cut, each user by itself. */
function payouts(ofMarket: MarketTerms, placed: readonly Committed[], won: string) {
  const plan = planOf(ofMarket, totals(placed, 'optionId'), won);
  const staked = totals(placed, 'userId', ({ optionId }) => plan.kind === 'refund' || optionId === won);
  const stakes: Stake[] = [...staked].map(([userId, stake]) => ({ userId, stake }));
  const { cut, leftOver } = cutOf(plan, stakes);
  return { plan, stakes, leftOver, shares: new Map(stakes.map((stake) => [stake.userId, shareOf(plan, cut, stake)])) };
}

const check = (law: (ofMarket: MarketTerms, placed: Committed[], won: string) => void) =>
  fc.assert(fc.property(terms, commitments, outcome, law), { numRuns: 400 });

describe('shares', () => {
  test('payouts, the house’s fee and the creator’s are the pool, to the last unit, whatever was staked', () => {
    check((ofMarket, placed, won) => {
      const { plan, shares, leftOver } = payouts(ofMarket, placed, won);
      const paid = sum([...shares.values()].map(({ payout }) => payout));
      expect(paid + plan.houseFee + plan.creatorFee).toBe(sum(placed.map((each) => each.amount)));
      expect([plan.houseFee >= 0n, plan.creatorFee >= 0n]).toEqual([true, true]);
      expect(BigInt([...shares.values()].filter(({ roundedUp }) => roundedUp).length)).toBe(leftOver);
    });
  });

  test('nobody gets a whole unit more or less than the exact share, and a larger stake never gets less', () => {
    check((ofMarket, placed, won) => {
      const { plan, stakes, shares } = payouts(ofMarket, placed, won);
      const paid = stakes.map(({ userId, stake }) => ({ stake, payout: shares.get(userId)?.payout ?? -1n }));
      for (const { stake, payout } of paid) {
        const off = payout * plan.winStake - plan.net * stake;
        expect(off < plan.winStake && -off < plan.winStake).toBe(true);
      }
      for (const a of paid) for (const b of paid) if (a.stake > b.stake) expect(a.payout >= b.payout).toBe(true);
    });
  });

  test('the order of the commitments, and how a stake is split into them, change nothing', () => {
    check((ofMarket, placed, won) => {
      const { shares } = payouts(ofMarket, placed, won);
      const split = placed.flatMap((each) =>
        each.amount === 1n
          ? [each]
          : [
              { ...each, amount: each.amount / 2n },
              { ...each, amount: each.amount - each.amount / 2n },
            ],
      );
      const again = payouts(ofMarket, [...split].reverse(), won).shares;
      expect(new Set(again.keys())).toEqual(new Set(shares.keys()));
      for (const [userId, share] of again) expect(share).toEqual(shares.get(userId));
    });
  });

  test('void, and an outcome that nobody staked on, give each exactly the own stake back, without a fee', () => {
    check((ofMarket, placed, won) => {
      const { plan, stakes, shares } = payouts(ofMarket, placed, won);
      if (won !== VOID && placed.some(({ optionId }) => optionId === won)) return;
      expect([plan.kind, plan.feeTotal]).toEqual(['refund', 0n]);
      for (const { userId, stake } of stakes) expect(shares.get(userId)?.payout).toBe(stake);
    });
  });

  test('the parts of a user’s commitments make up the payout, whichever came first', () => {
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 12 }),
        fc.bigInt({ min: 0n, max: 10n ** 18n }),
        (amounts, payout) => {
          const stake = sum(amounts);
          const parts = amounts.map((each, at) => partOf(payout, stake, sum(amounts.slice(0, at)), each));
          expect(sum(parts)).toBe(payout);
          for (const part of parts) expect(part >= 0n).toBe(true);
        },
      ),
    );
  });

  test('it is what plain long division gives, user by user', () => {
    check((ofMarket, placed, won) => {
      const { plan, shares } = payouts(ofMarket, placed, won);
      const reference = referencePayouts(ofMarket, placed, won);
      expect([plan.houseFee, plan.creatorFee]).toEqual([reference.house, reference.creator]);
      for (const [userId, paid] of reference.payouts) expect(shares.get(userId)?.payout ?? 0n).toBe(paid);
    });
  });

  test('at equal remainders the lower ids get the units: a thousand stakes of one unit, and a pool that is no multiple', () => {
    const placed = Array.from({ length: 1000 }, (_, n) => ({
      userId: `usr_${String(n).padStart(4, '0')}`,
      optionId: 'x',
      amount: 1n,
    }));
    const { shares, leftOver } = payouts(
      { houseFeeBps: 0, creatorFeeBps: 0, feeBase: 'gross' },
      [...placed, { userId: 'usr_z', optionId: 'y', amount: 333n }],
      'x',
    );
    expect(leftOver).toBe(333n);
    expect([...shares].filter(([, { payout }]) => payout === 2n).map(([userId]) => userId)).toEqual(
      placed.slice(0, 333).map(({ userId }) => userId),
    );
  });
});
