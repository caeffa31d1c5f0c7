/**
 * What is to be done for a withdrawal, a slice or a payin stands in the books, with the time at which the next of it is due: each has
 * a workflow that looks there, does what is due, and sleeps until the next time, or until somebody says that there is something new.
 */
import { condition, continueAsNew, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Looked } from '../../src/instant/rules/contract.ts';

/** Look into the books: something has happened to this subject. */
export const look = defineSignal<[string]>('look');

export async function keepLooking<Input>(input: Input, lookNow: () => Promise<Looked>): Promise<void> {
  let isAsked = true;
  setHandler(look, () => {
    isAsked = true;
  });
  for (;;) {
    // A word that comes while the books are looked into may be about what that look did not see.
    isAsked = false;
    const { isOver, againInMs } = await lookNow();
    if (isOver && !isAsked) return;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<(input: Input) => Promise<void>>(input);
    if (againInMs === null) await condition(() => isAsked);
    else await condition(() => isAsked, againInMs);
  }
}
