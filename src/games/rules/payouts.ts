/**
 * What a game brings, in whole minor units. The database does the same arithmetic when it books (place_bet.sql,
 * record_completion.sql); a test compares the two. Here it is for the door, the model and whoever wants to know beforehand.
 */
import type { Side } from './types.ts';

export interface Staked {
  readonly userId: string;
  readonly side: string;
  readonly amountMinor: bigint;
}

const WHOLE_BPS = 10_000n;

/** What a winning bet brings, its stake included: never a fraction more than the multiplier says. */
export const prizeOf = (amountMinor: bigint, multiplierBps: number): bigint => (amountMinor * BigInt(multiplierBps)) / WHOLE_BPS;

/**
 * The most that the bank may lose by these bets: over all sides, the prizes of the bets on it less their stakes. What the
 * others lose is not counted on: a frozen user's stake may stay where it is.
 */
export function highestLiability(bets: readonly Staked[], sides: readonly Side[]): bigint {
  const ofSide = ({ side, multiplierBps }: Side): bigint =>
    bets
      .filter((bet) => bet.side === side)
      .reduce((sum, { amountMinor }) => sum + prizeOf(amountMinor, multiplierBps) - amountMinor, 0n);
  return sides.map(ofSide).reduce((most, each) => most + (each > most ? each - most : 0n), 0n);
}

export interface Share {
  readonly stakeMinor: bigint;
  /** Of it on the winner. */
  readonly stakeWonMinor: bigint;
  readonly payoutMinor: bigint;
}

/**
 * What each player gets.
 * @param said what a report says that winners get; without it, the prizes of the winning bets.
 */
export function sharesOf(
  bets: readonly Staked[],
  sides: readonly Side[],
  winner: string,
  said?: ReadonlyMap<string, bigint>,
): ReadonlyMap<string, Share> {
  const multiplierBps = sides.find(({ side }) => side === winner)?.multiplierBps ?? 0;
  const shares = new Map<string, Share>();
  for (const { userId, side, amountMinor } of bets) {
    const { stakeMinor, stakeWonMinor, payoutMinor } = shares.get(userId) ?? {
      stakeMinor: 0n,
      stakeWonMinor: 0n,
      payoutMinor: said?.get(userId) ?? 0n,
    };
    const hasWon = side === winner;
    shares.set(userId, {
      stakeMinor: stakeMinor + amountMinor,
      stakeWonMinor: stakeWonMinor + (hasWon ? amountMinor : 0n),
      payoutMinor: payoutMinor + (hasWon && !said ? prizeOf(amountMinor, multiplierBps) : 0n),
    });
  }
  return shares;
}

/** `result` follows the winning bet, not the profit: who gets back what was bet has won. A void game is nobody's. */
export type GameResult = 'win' | 'lose' | 'push';

export const resultOf = ({ stakeWonMinor }: Pick<Share, 'stakeWonMinor'>): GameResult => (stakeWonMinor > 0n ? 'win' : 'lose');
