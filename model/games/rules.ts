/** The rules under exploration, today's; and within which bounds. What is broken on purpose (breaks.ts) is a change of them. */
import { type Beginning, complete, endGame, settleUsers, voidGame, voidUsers } from './books.ts';

export interface GameRules {
  readonly complete: typeof complete;
  readonly settle: typeof settleUsers;
  readonly void: typeof voidUsers;
  readonly end: typeof endGame;
  readonly voidGame: typeof voidGame;
  /** Somebody looks for games that nobody settles. */
  readonly looksAfter: boolean;
}

export const GAMES_TODAY: GameRules = {
  complete,
  settle: settleUsers,
  void: voidUsers,
  end: endGame,
  voidGame,
  looksAfter: true,
};

/** What may happen, and how often. */
export interface GameLeft {
  readonly bets: number;
  readonly reports: number;
  readonly voids: number;
  readonly retries: number;
  readonly freezes: number;
  readonly spends: number;
  readonly credits: number;
  readonly withdrawals: number;
  readonly deposits: number;
  readonly deaths: number;
}

export interface GameBounds {
  readonly name: string;
  readonly beginning: Beginning;
  /** That were placed before: the side of each. */
  readonly placed: readonly (readonly [player: number, side: string])[];
  /** Of each bet. */
  readonly stake: bigint;
  /** Players a step. */
  readonly step: number;
  readonly left: GameLeft;
}

const NONE: GameLeft = {
  bets: 0, reports: 0, voids: 0, retries: 0, freezes: 0, spends: 0, credits: 0, withdrawals: 0, deposits: 0, deaths: 0,
}; // biome-ignore format: a list

const TWO = [{ available: 10n }, { available: 10n }] as const;

export const gameBounds = (name: string, left: Partial<GameLeft>, more: Partial<GameBounds> = {}): GameBounds => ({
  name,
  beginning: { bank: 20n, players: TWO },
  placed: [],
  stake: 5n,
  step: 1,
  ...more,
  left: { ...NONE, ...left },
});

const ONE_EACH = [[0, 'andar'], [1, 'bahar']] as const; // biome-ignore format: a list
const BOTH_ON_ANDAR = [[0, 'andar'], [1, 'andar'], [1, 'bahar']] as const; // biome-ignore format: a list

const WHO_OWE: Partial<GameBounds> = {
  step: 2,
  beginning: { bank: 20n, players: [{ available: 10n, debt: 7n }, { available: 10n }, { available: 10n, debt: 3n }] },
  placed: [[0, 'andar'], [1, 'bahar'], [2, 'andar']], // biome-ignore format: a list
};

/** In `npm test`: a quarter of a minute together. */
export const GAMES_SHORT: readonly GameBounds[] = [
  gameBounds('bets and reports in any order', { bets: 2, reports: 2 }, { placed: [[0, 'andar']] }),
  gameBounds('reports that contradict each other, and workers that die', { reports: 2, deaths: 2 }, { placed: ONE_EACH }),
  gameBounds('a void at any moment, and workers that die', { reports: 1, voids: 1, deaths: 1 }, { placed: ONE_EACH }),
  gameBounds(
    'players who are frozen and freed, and tried again',
    { reports: 1, freezes: 2, retries: 1, deaths: 1 },
    { placed: BOTH_ON_ANDAR },
  ),
  gameBounds(
    'a void that finds a frozen player, and is tried again',
    { reports: 1, voids: 1, freezes: 2, retries: 1 },
    { placed: ONE_EACH },
  ),
  gameBounds(
    'a win that is spent, and a bank that is emptied, before the game is void',
    { reports: 1, voids: 1, spends: 1, withdrawals: 1, deposits: 1, retries: 1 },
    { placed: ONE_EACH },
  ),
  gameBounds('players who owe, settled beside others', { reports: 1, deaths: 1, credits: 1 }, WHO_OWE),
  gameBounds('a bank that can hardly pay', { bets: 2, reports: 2, withdrawals: 1 }, { beginning: { bank: 6n, players: TWO } }),
];

/** In `npm run model`. */
export const GAMES_WHOLE: readonly GameBounds[] = [
  gameBounds('games: bets and reports in any order', { bets: 3, reports: 2 }),
  gameBounds('games: reports that contradict each other, and workers that die', { reports: 3, deaths: 2 }, { placed: ONE_EACH }),
  gameBounds('games: a void at any moment, and workers that die', { reports: 1, voids: 2, deaths: 2 }, { placed: ONE_EACH }),
  gameBounds(
    'games: players who are frozen and freed, and tried again',
    { reports: 1, freezes: 2, retries: 2, deaths: 1 },
    { placed: BOTH_ON_ANDAR },
  ),
  gameBounds(
    'games: a void that finds a frozen player, and is tried again',
    { reports: 1, voids: 1, freezes: 2, retries: 1, deaths: 1 },
    { placed: ONE_EACH },
  ),
  gameBounds(
    'games: a win that is spent, and a bank that is emptied, before the game is void',
    { reports: 1, voids: 1, spends: 1, withdrawals: 1, deposits: 1, retries: 1, credits: 1 },
    { placed: ONE_EACH },
  ),
  gameBounds('games: players who owe, settled beside others', { reports: 1, voids: 1, credits: 1, deaths: 1 }, WHO_OWE),
  gameBounds(
    'games: a bank that can hardly pay',
    { bets: 2, reports: 2, withdrawals: 1 },
    { beginning: { bank: 6n, players: TWO } },
  ),
];
