/** The markets of `npm run model`, in short: whatever is said, in any order and whoever dies, a pool is paid once, to the unit, or comes back whole. */
import { describe, expect, test } from '@jest/globals';
import { MARKET_BREAKS } from '../../model/markets/breaks.ts';
import { exploreMarket } from '../../model/markets/explore.ts';
import { MARKETS_SHORT, MARKETS_TODAY } from '../../model/markets/rules.ts';
import { MARKET_STATES, RESOLUTION } from '../../src/markets/rules/machine.ts';

const reached = new Set<string>();

describe('whatever admins, users and deaths do within these bounds, everybody has the share once or exactly what was staked, and no market is left alone', () => {
  test.each(MARKETS_SHORT)('$name', (bounds) => {
    const { finding, resting, reached: there } = exploreMarket(bounds, MARKETS_TODAY);
    expect(finding).toBeUndefined();
    expect(resting).toBeGreaterThan(0);
    for (const each of there) reached.add(each);
  });

  test('every edge of a resolution is taken, every state of a market is reached, and every answer to a decision', () => {
    const edges = RESOLUTION.edges.map(({ from, to }) => `${from} ${to}`);
    expect([...edges, ...MARKET_STATES].filter((each) => !reached.has(each))).toEqual([]);
    const answers = [...reached].flatMap((deed) => /(?: says | once more).*: (\w+)$/.exec(deed)?.[1] ?? []);
    expect([...new Set(answers)].sort()).toEqual([
      'already',
      'already_decided',
      'already_disputed',
      'already_rolled_back',
      'done',
      'self_approval',
      'wrong_state',
    ]);
  });
});

describe('the model of markets is not blind: it finds what is broken on purpose', () => {
  test.each(MARKET_BREAKS)('$name', ({ bounds, rules }) => {
    const { finding } = exploreMarket(bounds, rules);
    expect(finding?.at(-1)).toMatch(/^✗ /);
    expect(exploreMarket(bounds, MARKETS_TODAY).finding).toBeUndefined();
  });
});
