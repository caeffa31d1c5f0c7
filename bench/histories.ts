/** How many events Temporal has written for workflows: what a delivery must not add to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';

/** A closed workflow is listed a moment after its end. */
const SETTLES_MS = 1_000;
/** Where something goes on without end, as failing deliveries did once, what is there now must do. */
const SETTLED_WITHIN_MS = 15_000;

/** In all histories, but for those of schedules, which run by the clock whatever is paid. Waits until the list stands still. */
export async function temporalEvents(address: string): Promise<number> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    const deadline = performance.now() + SETTLED_WITHIN_MS;
    for (let before = -1; ; await sleep(SETTLES_MS)) {
      const found = await countOnce(client);
      if (found === before || performance.now() > deadline) return found;
      before = found;
    }
  } finally {
    await connection.close();
  }
}

async function countOnce({ workflow }: Client): Promise<number> {
  let events = 0;
  for await (const each of workflow.list({ query: 'TemporalScheduledById IS NULL' })) {
    const isOpen = each.status.name === 'RUNNING'; // the list knows the length of what has ended only
    const { historyLength } = isOpen ? await workflow.getHandle(each.workflowId, each.runId).describe() : each;
    events += historyLength;
  }
  return events;
}
