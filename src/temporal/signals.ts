/** Signals that are heard, though a stranger may have sent all that a run may take. */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { refusalIn } from './client.ts';

/** What is logged of a run that was ended so. */
export const FULL = 'a run was ended that had been sent as many signals as it may take: who reaches Temporal?';

const INVALID_ARGUMENT = 3;

/**
 * A run takes only so many signals, and whoever reaches Temporal can send them: then it hears of nothing any more. It is
 * ended, and its payout is one that has lost its workflow: what the run knew, the books know, and its successor goes by them.
 * @param onFull told of each run that was ended so: an operator should ask who sent the signals.
 */
export function createSignals(workflow: Client['workflow'], onFull: (workflowId: string) => void) {
  /**
   * @param tell sends it to that run
   * @param tellOrStart sends it to the workflow, whichever run there is
   * @throws WorkflowNotFoundError, where a full run was ended and nothing starts another
   */
  return async function signalHeard(
    workflowId: string,
    tell: (run: WorkflowHandle) => Promise<unknown>,
    tellOrStart: () => Promise<unknown> = () => tell(workflow.getHandle(workflowId)),
  ): Promise<void> {
    if (await isTaken(tellOrStart)) return;
    const { runId } = await workflow.getHandle(workflowId).describe();
    const run = workflow.getHandle(workflowId, runId);
    if (await isTaken(() => tell(run))) return; // somebody else has ended the full one, and this is its successor
    await run.terminate('it was sent as many signals as a run may take, and hears of nothing any more');
    onFull(workflowId);
    await tellOrStart();
  };
}

/** False: that run is full. */
async function isTaken(send: () => Promise<unknown>): Promise<boolean> {
  try {
    await send();
    return true;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}

/** The server has no code of its own for it. */
function isFull(error: unknown): boolean {
  const { code, details = '' } = refusalIn(error) ?? {};
  return code === INVALID_ARGUMENT && details.includes('limit for signal');
}
