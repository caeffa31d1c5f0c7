/** What a resolution's workflow asks of the books, each an activity that answers how the resolution stands then. */
import { type ActivityInterfaceFor, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { DecisionActivities } from '../../activities/markets/decisions.ts';
import type { ResolutionActivities } from '../../activities/markets/resolution.ts';
import { DECISIONS_QUEUE, MARKETS_QUEUE } from '../../src/temporal/rules/queues.ts';

/** Tried until the database is back: nobody else resolves the market. */
const UNTIL_DONE = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' } satisfies ActivityOptions['retry'];

/** A call or two each: never behind a market that is being paid. */
const quick = proxyActivities<ActivityInterfaceFor<DecisionActivities>>({
  taskQueue: DECISIONS_QUEUE,
  startToCloseTimeout: '25s', // above the pool's own limits for two calls (10 s each), which give the better error
  retry: UNTIL_DONE,
});

const long = proxyActivities<ActivityInterfaceFor<ResolutionActivities>>({
  taskQueue: MARKETS_QUEUE,
  startToCloseTimeout: '1h', // paying takes turns of seconds; planning, and verifying at the end, read a market of millions whole
  heartbeatTimeout: '10s', // winners wait for it where a worker was killed; one that is only slow is met by the next in the books
  retry: UNTIL_DONE,
});

export const books = {
  look: quick.lookAtResolution,
  endWindow: quick.endDisputeWindow,
  cover: quick.coverPool,
  plan: long.planResolution,
  pay: long.payUsers,
  rollBack: long.rollUsersBack,
} as const;

/** Stored by the server before it is handed out: what the books write, the workflow hears of, whoever dies. */
export const { decideResolution } = quick;
