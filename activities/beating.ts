/** Heartbeats: how the server tells a slow activity from a dead worker. */
import { heartbeat } from '@temporalio/activity';

/**
 * @param everyMs several of these in the workflow's heartbeat timeout: one that is late is no death.
 * @param progress how far it is, as an operator may read it in the Temporal UI.
 */
export async function whileBeating<T>(everyMs: number, work: () => Promise<T>, progress?: () => unknown): Promise<T> {
  const timer = setInterval(() => heartbeat(progress?.()), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
