/**
 * The settlement of a game: everybody whom the books have not settled, or not given the stakes of a void game back, until there
 * is nobody. What is to be done stands in the books alone, so that this may die anywhere and begin again.
 */
import { defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import type { GameSettlementActivities } from '../../activities/games/settlement.ts';
import { GAMES_QUEUE } from '../../src/temporal/rules/queues.ts';

/** Look into the books: something more is to be done for this game. */
export const look = defineSignal<[string]>('look');

/** Tried until the database is back: nobody else settles the game. */
const { settleGame } = proxyActivities<GameSettlementActivities>({
  taskQueue: GAMES_QUEUE,
  startToCloseTimeout: '1h', // a hundred thousand players are some minutes
  heartbeatTimeout: '10s', // players wait for it where a worker was killed; one that is only slow is met by the next in the books
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
});

export async function gameSettlement({ gameId }: { readonly gameId: string }): Promise<{ gameId: string }> {
  let isAsked = true;
  setHandler(look, () => {
    isAsked = true;
  });
  // A word that comes while the books are looked into may be about what that look did not see.
  while (isAsked) {
    isAsked = false;
    await settleGame({ gameId });
  }
  return { gameId };
}
