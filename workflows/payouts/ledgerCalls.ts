/**
 * The ledger as workflows call it: short, idempotent database calls. The first tries are local and quick. While the
 * database is away the rest waits in the server, as an activity: a local one would keep its workflow task, and with it one
 * of the worker's few slots, until the database is back.
 */
import {
  ActivityFailure,
  type ActivityInterfaceFor,
  ApplicationFailure,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { LedgerActivities } from '../../activities/payouts/ledger.ts';
import { LEDGER_REFUSED } from '../../src/payouts/rules/contract.ts';
import { heard, heardIn, type StepAnswer } from '../../src/payouts/rules/standing.ts';
import { DECISIONS_QUEUE } from '../../src/temporal/rules/queues.ts';

const quick = proxyLocalActivities<LedgerActivities>({
  startToCloseTimeout: '15s', // above the pool's own limits (10 s), which give the better error
  retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumAttempts: 3 }, // one hiccup of the database, no outage
});

const stored = proxyActivities<ActivityInterfaceFor<LedgerActivities>>({
  taskQueue: DECISIONS_QUEUE, // never behind PSP calls
  startToCloseTimeout: '15s', // as above
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' }, // giving up would leave money with nobody in charge
});

type Args<Name extends keyof LedgerActivities> = Parameters<LedgerActivities[Name]>;

export const ledger = {
  async reserve(...args: Args<'reserve'>) {
    const answer = await durably(quick.reserve(...args), () => stored.reserve(...args));
    return 'payout' in answer ? heardIn(answer) : answer;
  },
  readPayout: async (...args: Args<'readPayout'>) =>
    heard(await durably(quick.readPayout(...args), () => stored.readPayout(...args))),
  async applyFact(...args: Args<'applyFact'>): Promise<StepAnswer> {
    const options = { summary: args[2].type };
    const local = quick.applyFact.executeWithOptions(options, args);
    return heardIn(await durably(local, () => stored.applyFact.executeWithOptions(options, args)));
  },
} as const;

async function durably<T>(local: Promise<T>, later: () => Promise<T>): Promise<T> {
  try {
    return await local;
  } catch (error) {
    if (refusedForGood(error) !== undefined) throw error;
    return await later();
  }
}

/** Why the ledger can never do what it was asked, or undefined where it may yet (activities/payouts/ledger.ts decides). */
export function refusedForGood(error: unknown): string | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure && cause.type === LEDGER_REFUSED ? cause.message : undefined;
}
