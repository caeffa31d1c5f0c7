/** Telling all those whose word was lost, page by page: who cannot be told keeps nobody else waiting. */
import { heartbeat, log } from '@temporalio/activity';

/** One that cannot be told is its own trouble (somebody else has its workflow's name); so many in a row are Temporal's. */
const FAILURES_MAX = 3;

export interface Untold {
  /** For the log: what cannot be told. */
  readonly what: string;
  /** The next page by id. */
  after(id: string): Promise<readonly string[]>;
  tell(id: string): Promise<void>;
}

/** @returns how many were told. @throws where Temporal is away. */
export async function tellAll({ what, after, tell }: Untold): Promise<number> {
  let [told, inARow] = [0, 0];
  for (let ids = await after(''); ids.length > 0; ids = await after(ids.at(-1) ?? '')) {
    for (const id of ids) {
      heartbeat(id);
      try {
        await tell(id);
        [told, inARow] = [told + 1, 0];
      } catch (error) {
        inARow += 1;
        if (inARow >= FAILURES_MAX) throw error;
        log.error(`a ${what} that waits for its workflow could not be told`, { id, error: String(error) });
      }
    }
  }
  return told;
}
