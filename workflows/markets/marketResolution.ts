/**
 * One resolution of a market, from who won to the last winner paid, or back. What is to be done stands in the books alone, so that
 * this may die anywhere and begin again: it does what `next` (src/markets/rules/next.ts) says of how the resolution stands, and
 * sees how it stands then.
 */
import { allHandlersFinished, CancellationScope, condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import { lookSignal, type ResolutionInput, type ResolutionStanding } from '../../src/markets/rules/contract.ts';
import { type Act, next } from '../../src/markets/rules/next.ts';
import { books } from './resolutionBooks.ts';
import { takeDecisions } from './resolutionDecisions.ts';
import { openView } from './resolutionView.ts';

/** Not to be cancelled from the Temporal UI: half of the winners would be paid, with nobody in charge of the others. */
export async function marketResolution(input: ResolutionInput): Promise<{ endedAs: string }> {
  return await CancellationScope.nonCancellable(() => run(input));
}

async function run(input: ResolutionInput): Promise<{ endedAs: string }> {
  const { resolutionId, marketId, settings } = input;
  const view = openView();
  let isTold = false;
  const tell = (): void => {
    isTold = true;
  };
  setHandler(lookSignal, tell, { description: 'sent by the API when something has changed' });
  takeDecisions({ resolutionId, marketId, allowSignalDecisions: settings.allowSignalDecisions, view, tell });

  /** A word that comes meanwhile may be about what this does not see. */
  async function perform(act: Act): Promise<ResolutionStanding> {
    isTold = false;
    return view.see(await books[act]({ resolutionId, marketId }));
  }

  const isSettled = (): boolean => !isTold && allHandlersFinished();

  let seen = await perform('look');
  for (;;) {
    const act = next(seen, settings.fundsEveryMs);
    if (act.do !== 'end') {
      if (act.afterMs === null) await condition(() => isTold);
      else if (act.afterMs > 0) await condition(() => isTold, act.afterMs, { summary: act.why });
      seen = await perform(act.do);
    } else {
      if (isSettled()) return { endedAs: seen.state };
      await condition(() => isTold || allHandlersFinished());
      if (isTold) seen = await perform('look');
    }
    // A market of millions, or one that waits for money for weeks, would fill any history.
    if (workflowInfo().continueAsNewSuggested && isSettled()) await continueAsNew<typeof marketResolution>(input);
  }
}
