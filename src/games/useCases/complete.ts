/**
 * A merchant says who won. What counts is written down first, once for ever; then the settlement is told. Should this end
 * between the two, the next one who asks tells it, or whoever looks for games that wait.
 */
import type { Sql } from '../../db/pool.ts';
import { failpoint } from '../../failpoints.ts';
import { type CompletionAnswer, type CompletionRequest, recordCompletion } from '../../ledger/postings.ts';
import type { GamesClient } from '../client.ts';

interface Ports {
  readonly pool: Sql;
  readonly games: GamesClient;
}

/** Whose game it is and which sides it has, the caller has looked. */
export async function complete({ pool, games }: Ports, request: CompletionRequest): Promise<CompletionAnswer> {
  const answer = await recordCompletion(pool, request);
  if (answer.outcome === 'recorded' || answer.outcome === 'already') {
    await failpoint('completion.recorded', request.gameId);
    await games.settle(request.gameId);
  }
  return answer;
}
