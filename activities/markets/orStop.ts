/** What the books refuse for good: tried again it would be the same for ever, with nobody told. */
import { activityInfo, log } from '@temporalio/activity';
import type { Sql } from '../../src/db/pool.ts';
import { stopResolution } from '../../src/ledger/distributions.ts';
import { isTheirs } from '../walk.ts';

/** What a function refuses, it may have refused because of a race; a third time it is no race, and an operator is told. */
const TRIES = 3;

/**
 * Tries again what may yet be done; what the books refuse for good stops the resolution, with all that was done intact.
 * @returns whether it was stopped.
 */
export async function orStop(sql: Sql, resolutionId: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return false;
  } catch (error) {
    if (!isTheirs(error) || activityInfo().attempt < TRIES) throw error;
    const { outcome } = await stopResolution(sql, resolutionId, error instanceof Error ? error.message : String(error));
    if (outcome === 'elsewhere') throw error; // somebody has moved it on meanwhile: asked again, it is as they left it
    log.error('a resolution cannot go on', { resolutionId, error: String(error) });
    return true;
  }
}
