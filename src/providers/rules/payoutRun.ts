/** What starts a payout run and what it leaves behind: shared by its workflow, the API and the worker's Schedule. */

/** The Schedule's id, and the beginning of its workflows' ids. */
export const PAYOUT_RUN_SCHEDULE = 'payout-run';

export type RunTrigger = 'schedule' | 'admin';

export interface PayoutRunInput {
  readonly trigger: RunTrigger;
  /** Given by an admin's door, or by the workflow that this one goes on from; a run that the clock starts makes its own. */
  readonly runId?: string;
  /** Where the workflow before this one stopped. */
  readonly progress?: RunProgress;
}

/** First a few payouts of each platform, so that nobody's single one waits behind another's thousands; then the rest. */
export type Lap = 'first' | 'rest';

export interface RunProgress {
  readonly lap: Lap;
  /** The last payout of this lap that was handed over; '' before the first. */
  readonly after: string;
}

export interface PayoutRunResult {
  readonly runId: string;
}

/**
 * An id as newId makes them, from what a workflow comes to again in every replay: its start and Temporal's own random.
 * @param uuid a UUIDv4: random but for its version, which is left out, and its variant, which is the same.
 */
export function runIdAt(startedAt: Date, uuid: string): string {
  const time = startedAt.getTime().toString(16).padStart(12, '0');
  return `run_${time}7${uuid.replaceAll('-', '').slice(13)}`;
}
