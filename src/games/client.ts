/** How the door tells a game's settlement that there is something to do. */
import type { Client } from '@temporalio/client';
import { gameSettlement, look } from '../../workflows/games/gameSettlement.ts';
import { PAYOUTS_QUEUE } from '../temporal/rules/queues.ts';
import { createWorkflowClient } from '../temporal/workflowClient.ts';
import { settlementWorkflowId } from './rules/game.ts';

export interface GamesClient {
  /**
   * What is to be done for a game stands in the books: its settlement looks there, and is started where none runs. One that is
   * just ending looks again.
   */
  settle(gameId: string): Promise<void>;
}

/** @param onFull told of each run that was ended because it could take no more signals. */
export function createGamesClient(client: Client, onFull?: (workflowId: string) => void): GamesClient {
  const temporal = createWorkflowClient(client, onFull);
  return {
    async settle(gameId) {
      const options = {
        workflowId: settlementWorkflowId(gameId),
        taskQueue: PAYOUTS_QUEUE,
        args: [{ gameId }] as [{ gameId: string }],
      };
      await temporal.signalOrStart(gameSettlement, options, look, gameId);
    },
  };
}
