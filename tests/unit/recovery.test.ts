/** Guards: what cannot be recovered is refused with the field that says so, and nothing else is. */
import { describe, expect, test } from '@jest/globals';
import { RECOVER_DAYS, windowFaults } from '../../src/webhooks/rules/recovery.ts';

const now = new Date('2026-11-29T12:00:00.000Z');
const ago = (ms: number) => new Date(now.getTime() - ms);
const LONGEST_MS = RECOVER_DAYS * 24 * 3_600_000;

describe('the window of a recovery', () => {
  test.each([
    ['now', { since: now, until: undefined }],
    ['a month', { since: ago(LONGEST_MS), until: undefined }],
    ['one moment', { since: ago(5), until: ago(5) }],
    ['an end to come', { since: ago(5), until: ago(-5) }],
  ])('%s is taken', (_, window) => {
    expect(windowFaults(window, now)).toEqual([]);
  });

  test.each([
    ['a beginning to come', { since: ago(-1), until: undefined }, [['/since', 'since_in_future']]],
    ['more than a month', { since: ago(LONGEST_MS + 1), until: undefined }, [['/since', 'since_too_old']]],
    ['an end before the beginning', { since: ago(5), until: ago(6) }, [['/until', 'until_before_since']]],
    [
      'both',
      { since: ago(-5), until: ago(6) },
      [
        ['/since', 'since_in_future'],
        ['/until', 'until_before_since'],
      ],
    ],
  ])('%s is refused', (_, window, faults) => {
    expect(windowFaults(window, now).map(({ pointer, code }) => [pointer, code])).toEqual(faults);
  });
});
