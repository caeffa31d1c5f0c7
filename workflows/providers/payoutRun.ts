/**
 * A payout run: walks the approved provider payouts page by page and hands each over to its own workflow, which sends
 * it. Payouts that are approved while it walks wait for the next run.
 */
import { continueAsNew, proxyActivities, uuid4, workflowInfo } from '@temporalio/workflow';
import type { PayoutRunActivities } from '../../activities/providers/payoutRuns.ts';
import { type PayoutRunInput, type PayoutRunResult, type RunProgress, runIdAt } from '../../src/providers/rules/payoutRun.ts';
import { PAYOUT_RUNS_QUEUE } from '../../src/temporal/rules/queues.ts';

/** A workflow's share of a long run: a history of some 300 events, read again in milliseconds by the next worker. */
const PAGES = 50;

/** Tried until the database and the server are back: the next run waits for this one, and would fare no better. */
const { openRun, dispatchPage, closeRun } = proxyActivities<PayoutRunActivities>({
  taskQueue: PAYOUT_RUNS_QUEUE,
  startToCloseTimeout: '5m', // a page is a hundred signals of some milliseconds
  heartbeatTimeout: '30s', // one beat a payout, and a signal has 5 s
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

const BY_THE_CLOCK: PayoutRunInput = { trigger: 'schedule' };

/** @param input absent where the Schedule starts it: what is encrypted for a workflow needs its id, and that has the time in it. */
export async function payoutRun(input: PayoutRunInput = BY_THE_CLOCK): Promise<PayoutRunResult> {
  const { trigger, runId = ownId(), progress } = input;
  if (!progress) await openRun({ runId, trigger });
  let { lap, after }: RunProgress = progress ?? { lap: 'first', after: '' };
  for (let pages = 0; ; pages += 1) {
    if (pages === PAGES) return await continueAsNew<typeof payoutRun>({ trigger, runId, progress: { lap, after } });
    const { last } = await dispatchPage({ runId, lap, after });
    if (last !== null) after = last;
    else if (lap === 'first') [lap, after] = ['rest', ''];
    else break;
  }
  await closeRun({ runId });
  return { runId };
}

const ownId = (): string => runIdAt(workflowInfo().startTime, uuid4());
