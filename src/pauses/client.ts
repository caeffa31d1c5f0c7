/** How the door has those told who wait for a pause that has ended. A hint: a schedule looks every minute. */
import type { Client } from '@temporalio/client';
import { letGoPaused } from '../../workflows/maintenance.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import { createWorkflowClient } from '../temporal/workflowClient.ts';

export interface PausesClient {
  /** Looks now whether somebody waits for no pause any more; does nothing where such a look is under way. */
  letGo(): Promise<void>;
}

export function createPausesClient(client: Client): PausesClient {
  const temporal = createWorkflowClient(client);
  return {
    async letGo() {
      await temporal.start(letGoPaused, { workflowId: 'let-go-paused/asked', taskQueue: PAYOUTS_QUEUE, args: [] });
    },
  };
}
