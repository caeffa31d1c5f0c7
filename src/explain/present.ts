/** An explanation in the words of the API. */
import type { z } from 'zod';
import { type ActionNow, accountOf, type Explanation } from '../rules/explain.ts';
import { formatMajor } from '../rules/money.ts';
import type { explanationSchema } from './schemas.ts';

/** @param mayYou whether whoever asks may do what may be done. */
export function presentExplanation(
  id: string,
  { state, since, waitsFor, next, actions, money, failures, text }: Explanation,
  mayYou: (action: ActionNow) => boolean,
): z.infer<typeof explanationSchema> {
  return {
    object: 'explanation',
    id,
    state,
    since,
    waitsFor,
    next,
    actions: actions.map((action) => ({ ...action, notBy: [...action.notBy], mayYou: action.allowed && mayYou(action) })),
    money: money.map((each) => ({
      account: accountOf(each),
      amount: formatMajor(BigInt(each.amountMinor), each.currency),
      currency: each.currency,
    })),
    failures: [...failures],
    text,
  };
}
