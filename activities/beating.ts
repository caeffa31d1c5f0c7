/** Heartbeats: how the server tells a slow activity from a dead worker. */
import { heartbeat } from '@temporalio/activity';

/** @param everyMs several of these in the workflow's heartbeat timeout: one that is late is no death. */
export async function whileBeating<T>(everyMs: number, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(heartbeat, everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
