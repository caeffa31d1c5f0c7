/** A game and its bets, in the words of the API. */
import { formatMajor } from '../../rules/money.ts';
import type { BetRecord, Failed, GameRecord, WholeGame } from '../rules/game.ts';

export interface PublicGame {
  readonly id: string;
  readonly object: 'game';
  readonly type: string;
  readonly currency: string;
  readonly status: string;
  readonly winner: string | null;
  readonly voidReason: string | null;
  readonly needsOperator: boolean;
  readonly livemode: boolean;
  readonly createdAt: string;
  readonly completedAt: string | null;
  readonly endedAt: string | null;
}

/** As events show it. */
export function presentGame(game: GameRecord): PublicGame {
  const { id, type, currency, state, winner, voidReason, needsOperator, mode, createdAt, completedAt, endedAt } = game;
  const times = { createdAt, completedAt, endedAt };
  return {
    id, object: 'game', type, currency, status: state, winner, voidReason, needsOperator, livemode: mode === 'live', ...times,
  }; // biome-ignore format: one glance
}

const SIDE_DECIMALS = 10_000;

export const presentSides = ({ sides, currency }: Pick<WholeGame, 'sides' | 'currency'>) =>
  sides.map(({ side, multiplierBps, stakesMinor }) => ({
    side,
    multiplier: (multiplierBps / SIDE_DECIMALS).toFixed(4).replace(/00$/, ''),
    stakes: formatMajor(BigInt(stakesMinor), currency),
  }));

/** One of a list. */
export const presentListed = (game: WholeGame) => ({ ...presentGame(game), sides: presentSides(game) });

/** One that was asked for. */
export const presentWhole = (game: WholeGame, { failed, failedCount }: { failed: readonly Failed[]; failedCount: number }) => ({
  ...presentListed(game),
  failed,
  failedCount,
});

export function presentBet(bet: BetRecord) {
  const { id, gameId, userId, side, currency, state: status, payoutTransactionId, placedAt, balanceVersion } = bet;
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  const balance = { newBalance: major(bet.balanceAfterMinor), balanceVersion };
  return {
    id, object: 'bet' as const, gameId, userId, side, amount: major(bet.amountMinor), currency, status, payoutTransactionId, placedAt, ...balance,
  }; // biome-ignore format: one glance
}
