/** The games of `npm run model`, in short: whatever is said, in any order and whoever dies, each player is settled once, by the first report. */
import { describe, expect, test } from '@jest/globals';
import { GAME_BREAKS } from '../../model/games/breaks.ts';
import { exploreGame } from '../../model/games/explore.ts';
import { GAMES_SHORT, GAMES_TODAY } from '../../model/games/rules.ts';
import { GAME_STATES } from '../../src/games/rules/machine.ts';

/** A loaded machine takes its time: what matters is that the bounds are exhausted. */
const TIMEOUT_MS = 120_000;

const reached = new Set<string>();

describe('whatever merchants, admins and deaths do within these bounds, each player is paid once or has the stake back, and no game is left alone', () => {
  test.each(GAMES_SHORT)(
    '$name',
    (bounds) => {
      const { finding, resting, reached: there } = exploreGame(bounds, GAMES_TODAY);
      expect(finding).toBeUndefined();
      expect(resting).toBeGreaterThan(0);
      for (const each of there) reached.add(each);
    },
    TIMEOUT_MS,
  );

  test('every state of a game is reached, and every answer to a report', () => {
    expect(GAME_STATES.filter((state) => !reached.has(state))).toEqual([]);
    const answers = [...reached].flatMap((deed) => /has won.*: (\w+)$/.exec(deed)?.[1] ?? []);
    expect([...new Set(answers)].sort()).toEqual([
      'already',
      'already_completed',
      'bank_insufficient',
      'no_winning_bet',
      'recorded',
      'voided',
    ]);
  });
});

describe('the model of games is not blind: it finds what is broken on purpose', () => {
  test.each(GAME_BREAKS)(
    '$name',
    ({ bounds, rules }) => {
      const { finding } = exploreGame(bounds, rules);
      expect(finding?.at(-1)).toMatch(/^✗ /);
      expect(exploreGame(bounds, GAMES_TODAY).finding).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
