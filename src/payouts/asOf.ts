/** A payout as it was at an earlier time, read from the event that shows it. */
import type { Pool } from 'pg';
import { type StoryOwner, storyOf } from '../events/story.ts';
import { isId } from '../rules/ids.ts';
import { findPending } from './reads.ts';
import type { PayoutRecord } from './rules/contract.ts';

/**
 * As its owner was shown it then. Undefined: there is none, it is another's, or it was not there yet. One that had been answered
 * with 202 was there until a worker took it up: that is known for as long as its request is kept (an hour or so).
 */
export async function payoutAsOf(pool: Pool, owner: StoryOwner, id: string, at: string): Promise<PayoutRecord | undefined> {
  if (!isId('po', id)) return undefined;
  const story = await storyOf<PayoutRecord>(pool, { kind: 'payout', id }, owner, at);
  return story?.record ?? (await findPending(pool, owner, id, at));
}
