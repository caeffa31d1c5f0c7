import { expect, test } from '@jest/globals';
import { awayWaitMs } from '../../src/relay/rules/away.ts';

test('a Temporal that stays away is asked less and less often, and once a minute in the end', () => {
  const seconds = [1, 2, 3, 4, 5, 6, 7, 8, 1_000, 5_000].map((failures) => awayWaitMs(failures) / 1_000);
  expect(seconds).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
});
