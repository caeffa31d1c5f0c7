/**
 * The kinds of games there are, as data. A game keeps the sides and multipliers that it was opened with: a change here is one of
 * games to come.
 */

export interface Side {
  readonly side: string;
  /** What a winning bet brings for each unit of its stake, which is part of it: 20000 is 2.00. At least 10000. */
  readonly multiplierBps: number;
}

export interface GameType {
  readonly sides: readonly Side[];
  /** A round of cards takes minutes: after an hour without a word of who won, a person should ask. */
  readonly overdueAfterMs: number;
}

const HOUR_MS = 3_600_000;

export const GAME_TYPES = {
  andar_bahar: {
    sides: [
      { side: 'andar', multiplierBps: 20_000 },
      { side: 'bahar', multiplierBps: 20_000 },
    ],
    overdueAfterMs: HOUR_MS,
  },
} as const satisfies Record<string, GameType>;

export type GameTypeName = keyof typeof GAME_TYPES;
export const GAME_TYPE_NAMES = Object.keys(GAME_TYPES) as [GameTypeName, ...GameTypeName[]];
