/** Guards: what runs by the clock is not taken for a stranger's start. */
import { expect, test } from '@jest/globals';
import { STARTED_WITHOUT_ARGUMENTS } from '../../src/temporal/rules/scheduled.ts';
import { schedulesOf } from '../../src/worker/schedules.ts';

test('every scheduled workflow may be started without a word, and no other', () => {
  const scheduled = schedulesOf({ payoutRunIntervalMs: 60_000 }).map(({ workflow }) => workflow.name);
  expect(new Set(scheduled)).toEqual(STARTED_WITHOUT_ARGUMENTS);
});
