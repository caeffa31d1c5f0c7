/** What a game may bring, and what it is called: the bank can pay whatever wins, and nobody gets a fraction that there is not. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { betOn, lostOn, refunded, wonOn } from '../../src/games/rules/descriptions.ts';
import { GAME, GAME_EVENTS, GAME_NOTES, GAME_STATES } from '../../src/games/rules/machine.ts';
import { highestLiability, prizeOf, resultOf, type Staked, sharesOf } from '../../src/games/rules/payouts.ts';
import { GAME_TYPES, type Side } from '../../src/games/rules/types.ts';
import { CURRENCIES } from '../../src/rules/money.ts';
import { spoken } from '../../src/rules/spoken.ts';

const side = (name: string): fc.Arbitrary<Side> =>
  fc.record({ side: fc.constant(name), multiplierBps: fc.integer({ min: 10_000, max: 500_000 }) });
const sides = fc.tuple(side('andar'), side('bahar'), side('tie'));
const bets = fc.array(
  fc.record<Staked>({
    userId: fc.constantFrom('usr_1', 'usr_2', 'usr_3'),
    side: fc.constantFrom('andar', 'bahar', 'tie'),
    amountMinor: fc.bigInt({ min: 1n, max: 10n ** 15n }),
  }),
  { maxLength: 12 },
);
const sum = (all: Iterable<bigint>): bigint => [...all].reduce((total, each) => total + each, 0n);

describe('payouts', () => {
  test('a prize is what the multiplier says, less than a unit short of it and never above, for the largest stake too', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 15n }), fc.integer({ min: 10_000, max: 1_000_000 }), (amount, bps) => {
        const short = amount * BigInt(bps) - prizeOf(amount, bps) * 10_000n;
        expect(short >= 0n && short < 10_000n).toBe(true);
        expect(prizeOf(amount, bps) >= amount).toBe(true);
      }),
    );
  });

  test('whatever wins, what the bank holds pays it beyond the winners’ own stakes, without any of the losers’', () => {
    fc.assert(
      fc.property(bets, sides, (placed, ofGame) => {
        const held = highestLiability(placed, ofGame);
        const costs = ofGame.map(({ side: winner }) =>
          sum(
            [...sharesOf(placed, ofGame, winner).values()].map(({ payoutMinor, stakeWonMinor }) => payoutMinor - stakeWonMinor),
          ),
        );
        for (const cost of costs) expect(cost <= held).toBe(true);
        expect(costs).toContain(held); // and not more than the dearest needs
      }),
    );
  });

  test('a further bet never lowers what is held: the bank never has to find out that it cannot pay', () => {
    fc.assert(
      fc.property(bets, sides, (placed, ofGame) => {
        for (let n = 1; n <= placed.length; n += 1)
          expect(highestLiability(placed.slice(0, n), ofGame) >= highestLiability(placed.slice(0, n - 1), ofGame)).toBe(true);
      }),
    );
  });

  test('every stake is somebody’s, and who has bet on the winner has won, whatever it pays', () => {
    fc.assert(
      fc.property(bets, sides, fc.constantFrom('andar', 'bahar', 'tie'), (placed, ofGame, winner) => {
        const shares = sharesOf(placed, ofGame, winner, new Map([['usr_1', 5n]]));
        expect(sum([...shares.values()].map(({ stakeMinor }) => stakeMinor))).toBe(
          sum(placed.map(({ amountMinor }) => amountMinor)),
        );
        for (const [userId, share] of shares) {
          const hasWon = placed.some((each) => each.userId === userId && each.side === winner);
          expect(resultOf(share)).toBe(hasWon ? 'win' : 'lose');
          expect(share.payoutMinor).toBe(userId === 'usr_1' ? 5n : 0n);
        }
      }),
    );
  });

  test('no type of game has a side that pays less than the stake, or one side alone, or a side twice', () => {
    for (const { sides: all } of Object.values(GAME_TYPES)) {
      expect(all.length).toBeGreaterThan(1);
      expect(new Set(all.map(({ side: name }) => name)).size).toBe(all.length);
      for (const { side: name, multiplierBps } of all) {
        expect(multiplierBps).toBeGreaterThanOrEqual(10_000);
        expect(name).toMatch(/^[a-z_]+$/); // a loss names several, separated by commas
      }
    }
  });
});

describe('descriptions', () => {
  const inr = (amountMinor: string) => ({ amountMinor, currency: 'INR', side: 'andar' });

  test.each([
    [wonOn(inr('10000000')), 'Won ₹100,000 on ANDAR'],
    [wonOn({ ...inr('123456789'), currency: 'USD' }), 'Won $1,234,567.89 on ANDAR'],
    [betOn({ ...inr('1500'), currency: 'JPY' }), 'Bet ¥1,500 on ANDAR'],
    [lostOn({ ...inr('99'), side: 'andar,bahar' }), 'Lost ₹0.99 on ANDAR and BAHAR'],
    [refunded({ ...inr('100050'), side: null }), 'Refunded ₹1,000.50'],
    [betOn({ ...inr('1000'), currency: 'KWD' }), 'Bet KWD 1 on ANDAR'],
  ])('%s', (text, wanted) => {
    expect(text).toBe(wanted);
  });

  test('say the amount and nothing else, in every currency', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.constantFrom(...Object.keys(CURRENCIES)), (minor, currency) => {
        const digits = spoken({ amountMinor: String(minor), currency }).replace(/^[^0-9]*/, '');
        const [whole = '', decimals = ''] = digits.split('.');
        expect(whole).toMatch(/^\d{1,3}(,\d{3})*$/);
        const scale = CURRENCIES[currency as keyof typeof CURRENCIES];
        expect(BigInt(whole.replaceAll(',', '') + decimals.padEnd(scale, '0'))).toBe(minor);
      }),
    );
  });
});

describe('a game’s life', () => {
  test('no edge leads out of a void, and every state that is not its end has one', () => {
    expect(GAME.edges.filter(({ from }) => from === 'VOIDED')).toEqual([]);
    for (const state of GAME_STATES) if (!GAME.isFinal(state)) expect(GAME.edges.some(({ from }) => from === state)).toBe(true);
  });

  test('a result is recorded once: no second report leads anywhere', () => {
    expect(GAME.edges.filter(({ fact }) => fact === 'completed').map(({ from }) => from)).toEqual(['OPEN']);
  });

  test('every edge is told, and what is noted for operators is told to nobody else', () => {
    expect(new Set(['game.opened', ...GAME.edges.map(({ event }) => event)])).toEqual(new Set(GAME_EVENTS));
    for (const note of GAME_NOTES) expect([...GAME_EVENTS]).not.toContain(note);
  });
});
