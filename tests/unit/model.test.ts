/** The short form of `npm run model`: small bounds explored to their end, and proof that the model can see. */
import { describe, expect, test } from '@jest/globals';
import { FOUND, MADE_BY_HAND, OLD_RULES } from '../../model/breaks.ts';
import { explore } from '../../model/explore.ts';
import { SHORT } from '../../model/plans.ts';
import { TODAY } from '../../model/rules.ts';
import { storyOf } from '../../model/story.ts';

/** A loaded machine takes its time: what matters is that the bounds are exhausted. */
const TIMEOUT_MS = 120_000;

describe('whatever a PSP, a death or a person does within these bounds, a payout is paid once and nobody is left alone', () => {
  test.each(SHORT)(
    '$name',
    (bounds) => {
      const { finding, isExhausted } = explore(bounds, TODAY);
      expect(finding === undefined ? undefined : storyOf(finding)).toBeUndefined();
      expect(isExhausted).toBe(true);
    },
    TIMEOUT_MS,
  );
});

const BREAKS = [...OLD_RULES, ...MADE_BY_HAND, ...FOUND];

describe('the model is not blind: it finds what was broken until commit 500d0be, what is broken on purpose, and what it found first', () => {
  test.each(BREAKS)(
    '$name',
    ({ bounds, rules }) => {
      const { finding } = explore(bounds, rules);
      expect(finding).toBeDefined();
      expect(finding && storyOf(finding)).toMatch(/^ {2}1\. .+\n[\s\S]* {2}✗ .+$/);
    },
    TIMEOUT_MS,
  );

  test.each(BREAKS)(
    'with the rules of today the same bounds have no such story: $name',
    ({ bounds }) => {
      const { finding } = explore({ ...bounds, insists: false }, TODAY, { statesMax: 2_000 });
      expect(finding).toBeUndefined();
    },
    TIMEOUT_MS,
  );
});
