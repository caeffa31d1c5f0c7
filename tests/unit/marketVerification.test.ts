/** A verification finds what is wrong with how a market was paid, whatever it is, and finds nothing where nothing is. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  conclude,
  EMPTY_TALLY,
  type Fault,
  tallyUser,
  type UserLines,
  type Verification,
  type Verified,
} from '../../src/markets/rules/verification.ts';

interface Staked {
  readonly won: bigint;
  readonly lost: bigint;
}

interface Paid {
  readonly verified: Verified;
  readonly users: UserLines[];
  readonly poolMinor: bigint;
}

const idOf = (at: number): string => `usr_${String(at).padStart(6, '0')}`;

/** The plain reference: pays these by largest remainder, as a person would with pencil and paper. */
function paid(stakes: readonly Staked[], terms: Partial<Verified> = {}): Paid {
  const won = stakes.reduce((sum, each) => sum + each.won, 0n);
  const lost = stakes.reduce((sum, each) => sum + each.lost, 0n);
  const bps = { houseFeeBps: 200, creatorFeeBps: 100, feeBase: 'losing_pool' as const, ...terms };
  const kind = won === 0n ? ('refund' as const) : ('shares' as const);
  const base = bps.feeBase === 'losing_pool' ? lost : won + lost;
  const total = kind === 'refund' ? 0n : (base * BigInt(bps.houseFeeBps + bps.creatorFeeBps)) / 10_000n;
  const creatorFeeMinor = kind === 'refund' ? 0n : (base * BigInt(bps.creatorFeeBps)) / 10_000n;
  const netMinor = won + lost - total;
  const shares = stakes.map((each, at) => ({
    at,
    floor: kind === 'refund' ? each.won + each.lost : (netMinor * each.won) / won,
    remainder: kind === 'refund' ? 0n : (netMinor * each.won) % won,
  }));
  const left = netMinor - shares.reduce((sum, { floor }) => sum + floor, 0n);
  const ranked = [...shares].sort((a, b) => (a.remainder === b.remainder ? a.at - b.at : a.remainder > b.remainder ? -1 : 1));
  const up = new Set(ranked.slice(0, Number(left)).map(({ at }) => at));
  return {
    verified: {
      ...bps,
      kind,
      outcome: 'yes',
      poolMinor: won + lost,
      winStakeMinor: won,
      netMinor,
      houseFeeMinor: total - creatorFeeMinor,
      creatorFeeMinor,
    },
    poolMinor: total,
    users: stakes.map((each, at) => {
      const payoutMinor = (shares[at]?.floor ?? 0n) + (up.has(at) ? 1n : 0n);
      const [stakeWonMinor, stakeLostMinor] = kind === 'refund' ? [each.won + each.lost, 0n] : [each.won, each.lost];
      return {
        userId: idOf(at),
        commitments: 1,
        wonMinor: each.won,
        lostMinor: each.lost,
        isChained: true,
        distribution: { payoutMinor, stakeWonMinor, stakeLostMinor, roundedUp: up.has(at) },
        bookedMinor: payoutMinor,
      };
    }),
  };
}

function verify({ verified, users, poolMinor }: Paid): Verification {
  return conclude(
    users.reduce((tally, user) => tallyUser(tally, user, verified), EMPTY_TALLY),
    verified,
    poolMinor,
  );
}

const stake = fc.oneof(fc.bigInt(0n, 30n), fc.bigInt(0n, 10n ** 15n));
const stakes = fc.array(
  fc.record({ won: stake, lost: stake }).filter(({ won, lost }) => won + lost > 0n),
  {
    minLength: 1,
    maxLength: 40,
  },
);
const terms = fc.record({
  houseFeeBps: fc.integer({ min: 0, max: 5_000 }),
  creatorFeeBps: fc.integer({ min: 0, max: 5_000 }),
  feeBase: fc.constantFrom('losing_pool' as const, 'gross' as const),
});

test('whatever was staked, and whatever the fees: what was paid right is found right, in whatever order it is looked at', () => {
  fc.assert(
    fc.property(stakes, terms, fc.boolean(), (staked, bps, backwards) => {
      const world = paid(staked, bps);
      const found = verify(backwards ? { ...world, users: [...world.users].reverse() } : world);
      expect(found).toMatchObject({ ok: true, faults: [], users: staked.length });
      expect(BigInt(found.paidMinor) + BigInt(found.feesMinor)).toBe(BigInt(found.stakedMinor));
    }),
  );
});

/** Three with a third each of 100: one of them gets 34. Fees of 3 % of the 100 that lost are 3. */
const thirds = () =>
  paid([
    { won: 1n, lost: 0n },
    { won: 1n, lost: 0n },
    { won: 1n, lost: 100n },
  ]);

const changed =
  (at: number, change: (user: UserLines) => Partial<UserLines>) =>
  (world: Paid): Paid => ({ ...world, users: world.users.map((user, n) => (n === at ? { ...user, ...change(user) } : user)) });

const given =
  (at: number, change: Partial<NonNullable<UserLines['distribution']>>) =>
  (world: Paid): Paid =>
    changed(at, ({ distribution }) => ({ distribution: distribution && { ...distribution, ...change } }))(world);

const ofPlan =
  (change: Partial<Verified>) =>
  (world: Paid): Paid => ({ ...world, verified: { ...world.verified, ...change } });

test.each<[string, (world: Paid) => Paid, Fault[]]>([
  [
    'somebody who staked has no distribution',
    changed(0, () => ({ distribution: null, bookedMinor: 0n })),
    ['lost_commitments', 'wrong_rounding', 'wrong_sum'],
  ],
  [
    'somebody is paid who staked nothing',
    (world) => ({
      ...world,
      users: [
        ...world.users,
        {
          userId: 'usr_x',
          commitments: 0,
          wonMinor: 0n,
          lostMinor: 0n,
          isChained: true,
          distribution: { payoutMinor: 1n, stakeWonMinor: 1n, stakeLostMinor: 0n, roundedUp: false },
          bookedMinor: 1n,
        },
      ],
    }),
    ['unknown_distribution', 'wrong_sum'],
  ],
  ['a distribution is of other stakes', given(1, { stakeWonMinor: 2n }), ['wrong_stakes']],
  ['two commitments stand in one place', changed(1, () => ({ isChained: false })), ['broken_lines']],
  ['the distribution says one unit less', given(2, { payoutMinor: 0n }), ['wrong_payout', 'wrong_entry', 'wrong_sum']],
  [
    'it was booked twice over',
    changed(2, ({ bookedMinor }) => ({ bookedMinor: bookedMinor * 2n })),
    ['wrong_entry', 'wrong_sum'],
  ],
  ['it was not booked', changed(2, () => ({ bookedMinor: 0n })), ['wrong_entry', 'wrong_sum']],
  ['the plan knows of other stakes', ofPlan({ poolMinor: 104n }), ['wrong_totals']],
  ['the house took one unit more', ofPlan({ houseFeeMinor: 3n }), ['wrong_fees']],
  ['the creator took one unit more', ofPlan({ creatorFeeMinor: 2n }), ['wrong_fees']],
  ['a unit stays in the pool', (world) => ({ ...world, poolMinor: world.poolMinor + 1n }), ['wrong_pool']],
])('%s: found', (_, spoil, faults) => {
  expect(verify(thirds())).toMatchObject({ ok: true });
  const found = verify(spoil(thirds()));
  expect(found.ok).toBe(false);
  expect(found.faults.map(({ fault }) => fault)).toEqual(faults);
});

test('the unit that was left over went to the one with the larger id, or to one with a smaller remainder: found', () => {
  const world = thirds();
  const up = world.users.find(({ distribution }) => distribution?.roundedUp);
  const at = world.users.indexOf(up as UserLines);
  const share = up?.distribution?.payoutMinor ?? 0n;
  const moved = [
    changed(at, ({ distribution }) => ({
      distribution: distribution && { ...distribution, payoutMinor: share - 1n, roundedUp: false },
      bookedMinor: share - 1n,
    })),
    changed(2, ({ distribution }) => ({
      distribution: distribution && { ...distribution, payoutMinor: share, roundedUp: true },
      bookedMinor: share,
    })),
  ].reduce((sofar, change) => change(sofar), world);
  expect(verify(moved).faults.map(({ fault }) => fault)).toEqual(['wrong_rounding']);
});

test('of a fault that a million have, ten are shown and all are counted', () => {
  const many = paid(Array.from({ length: 50 }, () => ({ won: 10n, lost: 0n })));
  const found = verify({ ...many, users: many.users.map((user) => ({ ...user, isChained: false })) });
  expect(found.faults).toMatchObject([{ fault: 'broken_lines', count: 50, userIds: { length: 10 } }]);
});
