/** What a game came to for one user, in the words of webhooks and live streams. */
import { formatMajor } from '../../rules/money.ts';
import type { GameCompleteRecord } from '../rules/game.ts';
import type { GameResult } from '../rules/payouts.ts';

export interface GameComplete {
  readonly gameId: string;
  readonly userId: string;
  readonly winner: string | null;
  readonly userPayout: {
    readonly amount: string;
    readonly totalBet: string;
    readonly netProfit: string;
    readonly result: GameResult;
  };
  readonly currency: string;
  /** Of the very commit that paid: drop what has a lower version than the last you saw. */
  readonly newBalance: string;
  readonly balanceVersion: number;
}

export function presentGameComplete(record: GameCompleteRecord): GameComplete {
  const { gameId, id: userId, winner, result, balance } = record;
  const { currency, version: balanceVersion } = balance;
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  return {
    gameId,
    userId,
    winner,
    userPayout: {
      amount: major(record.amountMinor),
      totalBet: major(record.totalBetMinor),
      netProfit: major(record.netProfitMinor),
      result,
    },
    currency,
    newBalance: major(balance.availableMinor),
    balanceVersion,
  };
}
