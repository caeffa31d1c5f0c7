/** Guards: whatever is rotated, repeated or rotated again, the secret that a receiver holds signs for a day more, or it is told. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type KeptSecrets, neverRotated, rotated } from '../../src/webhooks/rules/rotation.ts';

const DAY = 24 * 3_600_000;
const at = (ms: number): Date => new Date(Date.UTC(2026, 0, 1) + ms);
const rotation = (id: string, ms: number) => ({ id, secret: `secret of ${id}`, at: at(ms) });

/** One after the other; a repeat changes nothing. */
const after = (...rotations: readonly (readonly [id: string, ms: number])[]): KeptSecrets =>
  rotations.reduce((kept, [id, ms]) => rotated(kept, rotation(id, ms)) ?? kept, neverRotated('first'));

test('the secret before signs for a day, and nothing is dropped', () => {
  expect(after(['a', 0])).toEqual({
    secret: 'secret of a',
    previousSecret: 'first',
    previousUntil: at(DAY),
    droppedUntil: null,
    rotationId: 'a',
  });
});

test('a second rotation within the day keeps the secret in use, and says until when the one it drops would have signed', () => {
  expect(after(['a', 0], ['b', 5])).toMatchObject({
    secret: 'secret of b',
    previousSecret: 'secret of a',
    previousUntil: at(DAY + 5),
    droppedUntil: at(DAY),
  });
  expect(after(['a', 0], ['b', DAY - 1])).toMatchObject({ droppedUntil: at(DAY) });
});

test('a day later nothing is dropped: that secret signs no more anyway', () => {
  expect(after(['a', 0], ['b', DAY])).toMatchObject({ previousSecret: 'secret of a', droppedUntil: null });
});

test('a repeat whose first answer was lost finds what it made, and pushes nothing out', () => {
  expect(rotated(after(['a', 0]), rotation('a', 5))).toBeUndefined();
  expect(after(['a', 0], ['b', 5], ['b', 9])).toEqual(after(['a', 0], ['b', 5]));
});

test('a repeat whose first call died before it rotated still rotates, and the secret in use becomes the one before', () => {
  // Rotated by `a` long ago. `b` was taken in and died: its repeat is the first to get here.
  expect(after(['a', 0], ['b', 2 * DAY])).toMatchObject({ secret: 'secret of b', previousSecret: 'secret of a' });
});

test('the secret that signed until a rotation signs after it too, beside the new one', () => {
  const anyRotations = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: DAY })), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(anyRotations, (steps) => {
      let kept = neverRotated('first');
      let now = 0;
      for (const [id, passed] of steps) {
        now += passed;
        const next = rotated(kept, rotation(id, now));
        if (!next) continue;
        expect([next.secret, next.previousSecret]).toEqual([`secret of ${id}`, kept.secret]);
        const wouldHaveSigned = kept.previousUntil !== null && kept.previousUntil > at(now);
        expect(next.droppedUntil).toEqual(wouldHaveSigned ? kept.previousUntil : null);
        kept = next;
      }
    }),
  );
});
