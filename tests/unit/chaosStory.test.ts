/** A counterexample of the model, on its way to a real installation (chaos/story.ts). */
import { describe, expect, test } from '@jest/globals';
import { answeredLate, arrivalsBefore, begunBefore, type Part, partsOf } from '../../chaos/storyParts.ts';
import { MADE_BY_HAND, OLD_RULES } from '../../model/breaks.ts';
import { DEEDS, type Deed, type DeedName } from '../../model/deeds.ts';
import { explore } from '../../model/explore.ts';

const storyOf = (breaks: typeof OLD_RULES, name: RegExp): readonly Deed[] => {
  const found = breaks.find((each) => name.test(each.name));
  return (found && explore(found.bounds, found.rules).finding?.deeds) ?? [];
};
const parts = (deeds: readonly Deed[]): readonly Part[] => partsOf(deeds).map(({ part }) => part);
const faults = (deeds: readonly Deed[]) => parts(deeds).flatMap((part) => (part.is === 'fault' ? [part.fault.kind] : []));

describe('a counterexample is played as it was found', () => {
  test('a refusal of a resend taken for proof: the simulator hides what it took, cuts the line, and refuses the resend', () => {
    const deeds = storyOf(OLD_RULES, /^1\.1/);
    expect(begunBefore(deeds)).toBeUndefined();
    expect(faults(deeds)).toEqual(['lagging_look_up', 'cut_after', 'refuse_resend']);
    expect(parts(deeds)).not.toContainEqual({ is: 'none' });
  });

  test('a payment that was sent back and went out again: the bank does so', () => {
    const banks = parts(storyOf(OLD_RULES, /^1\.2/)).filter((part) => part.is === 'bank');
    expect(banks).toEqual(['pay', 'return', 'pay'].map((deed) => ({ is: 'bank', deed, isUnseen: false })));
  });

  test('a cancel while the request is on the wire: the merchant asks for it', () => {
    const deeds = storyOf(MADE_BY_HAND, /cancelled/);
    expect(parts(deeds)).toContainEqual({ is: 'person', deed: 'cancel' });
    expect(answeredLate(partsOf(deeds))).toEqual([1]); // or the PSP's answer would be there before the merchant
    expect(answeredLate(partsOf(storyOf(OLD_RULES, /^1\.1/)))).toEqual([]);
  });
});

test('a story that begins in the middle of a life is not taken for one that went well', () => {
  expect(begunBefore(storyOf(OLD_RULES, /^1\.3/))).toBe(1);
});

test('every deed of the model is played, is done by the engine itself, or is said to have no counterpart', () => {
  const of = (is: Part['is']) =>
    (Object.keys(DEEDS) as DeedName[]).filter((does) => parts([{ does, attempt: 1 }]).every((part) => part.is === is));
  expect(of('none')).toEqual(
    expect.arrayContaining([
      'turns_odd',
      'forgets',
      'is_given_up',
      'is_lost',
      'cannot',
      'dispatches',
      'pauses',
      'resumes',
      'routes',
    ]),
  );
  const people = (Object.keys(DEEDS) as DeedName[]).filter((does) => DEEDS[does].who === 'person' && does !== 'dispatches');
  expect(of('person')).toEqual(people);
  expect(of('itself').filter((does) => !DEEDS[does].due)).toEqual([]); // what need not happen must be made to happen
});

test('what fails is to be tried again where the story goes on to another attempt, and not where it ends', () => {
  const fails: Deed = { does: 'fails', attempt: 1 };
  expect(parts([fails, { does: 'records', state: 'RETRY_WAIT' }])[0]).toMatchObject({ deed: 'fail_for_now' });
  expect(parts([fails, { does: 'records', state: 'FAILED' }])[0]).toMatchObject({ deed: 'fail' });
});

test('a worker dies at its own request, not at the one before', () => {
  const begun: Deed = { does: 'begins', attempt: 1 };
  expect(arrivalsBefore([begun], 'psp_call.before')).toBe(0);
  expect(arrivalsBefore([begun, begun], 'psp_call.after')).toBe(1);
  expect(arrivalsBefore([], 'attempt.before')).toBe(0);
  expect(arrivalsBefore([begun], 'attempt.before')).toBe(1);
});
