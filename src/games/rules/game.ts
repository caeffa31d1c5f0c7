/** A game and its bets, as the books have them, and what happened to a user in one, as events carry it. */
import type { Mode } from '../../payouts/rules/contract.ts';
import type { BalanceRecord, UserRecord } from '../../users/rules/user.ts';
import type { GameState } from './machine.ts';
import type { GameResult } from './payouts.ts';

/** What the SQL function game_record writes. */
export interface GameRecord {
  readonly id: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly type: string;
  readonly currency: string;
  readonly state: GameState;
  readonly winner: string | null;
  /** Of the bank's money. */
  readonly heldMinor: string;
  readonly voidReason: string | null;
  readonly needsOperator: boolean;
  readonly sequence: number;
  readonly createdAt: string;
  readonly completedAt: string | null;
  readonly endedAt: string | null;
}

/** What the SQL function bet_record writes. */
export interface BetRecord {
  readonly id: string;
  readonly gameId: string;
  readonly userId: string;
  readonly side: string;
  readonly amountMinor: string;
  readonly currency: string;
  readonly state: 'placed' | 'won' | 'lost' | 'refunded';
  readonly payoutTransactionId: string | null;
  readonly balanceAfterMinor: string;
  readonly balanceVersion: number;
  readonly placedAt: string;
}

/** What the SQL function player_step writes: what a game came to for one user, with the balance of that very commit. */
export interface GameCompleteRecord extends UserRecord {
  readonly gameId: string;
  /** Null: the game is void. */
  readonly winner: string | null;
  readonly amountMinor: string;
  readonly totalBetMinor: string;
  readonly netProfitMinor: string;
  readonly result: GameResult;
  readonly balance: BalanceRecord;
}

/** Of users, told by games. */
export const PLAYER_EVENTS = ['game_complete'] as const;

/** Why a player could not be settled, or voided. */
export const FAILURES = ['user_frozen', 'balance_limit', 'bank_insufficient', 'internal_error'] as const;
export type PlayerFailure = (typeof FAILURES)[number];

/** What may be bet on in a game, and what was. */
export interface SideRecord {
  readonly side: string;
  readonly multiplierBps: number;
  readonly stakesMinor: string;
}

/** A game as it is read. */
export interface WholeGame extends GameRecord {
  readonly sides: readonly SideRecord[];
}

/** A player of whom something could not be done. */
export interface Failed {
  readonly userId: string;
  readonly reason: PlayerFailure;
}

/** The settlement of a game: one at a time, found again by the game. */
export const settlementWorkflowId = (gameId: string): string => `game-settlement/${gameId}`;
