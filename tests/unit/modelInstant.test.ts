/** The instant payouts of `npm run model`, in short: whatever is said, in any order and whoever dies, a slice is credited once, and a withdrawal is whole. */
import { describe, expect, test } from '@jest/globals';
import { INSTANT_BREAKS } from '../../model/instant/breaks.ts';
import { exploreInstant } from '../../model/instant/explore.ts';
import { INSTANT_SHORT, INSTANT_TODAY } from '../../model/instant/rules.ts';
import { BATCH } from '../../src/instant/rules/batchMachine.ts';
import { PAYIN } from '../../src/instant/rules/payinMachine.ts';
import { INSTANT_PAYOUT } from '../../src/instant/rules/payoutMachine.ts';

/** A loaded machine takes its time: what matters is that the bounds are exhausted. */
const TIMEOUT_MS = 120_000;

/** In the very transaction in which the proof is written down: nobody sees it between. */
const IN_PASSING = ['slice proof_submitted sys_confirmed'];

const reached = new Set<string>();

describe('whatever payers, payees, operators, banks and deaths do within these bounds, a slice is credited once, a UTR counts once, and nobody who was told something keeps it to themselves', () => {
  test.each(INSTANT_SHORT)(
    '$name',
    (bounds) => {
      const { finding, resting, reached: there } = exploreInstant(bounds, INSTANT_TODAY);
      expect(finding).toBeUndefined();
      expect(resting).toBeGreaterThan(0);
      for (const each of there) reached.add(each);
    },
    TIMEOUT_MS,
  );

  test('every way from one state to another is gone, of a slice, of a payin and of a withdrawal', () => {
    const edges = [
      ...BATCH.edges.map(({ from, to }) => ({ what: 'slice', from, to })),
      ...PAYIN.edges.map(({ from, to }) => ({ what: 'payin', from, to })),
      ...INSTANT_PAYOUT.edges.map(({ from, to }) => ({ what: 'withdrawal', from, to })),
    ];
    const ways = edges.filter(({ from, to }) => from !== to).map(({ what, from, to }) => `${what} ${from} ${to}`);
    expect(ways.filter((each) => !reached.has(each) && !IN_PASSING.includes(each))).toEqual([]);
  });
});

describe('the model of instant payouts is not blind: it finds what is broken on purpose', () => {
  test.each(INSTANT_BREAKS)(
    '$name',
    ({ bounds, rules }) => {
      const { finding } = exploreInstant(bounds, rules);
      expect(finding?.at(-1)).toMatch(/^✗ /);
      expect(exploreInstant(bounds, INSTANT_TODAY).finding).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
