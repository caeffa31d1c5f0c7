/**
 * Money that is taken in within one transaction under a natural key: typed callers of the SQL functions that post it.
 * Each call may be repeated: the same key finds its first result. Imported by the use cases of that money alone.
 */
import type { Sql } from '../db/pool.ts';
import type { BetRecord } from '../games/rules/game.ts';
import type { CommitmentRecord, Position } from '../markets/rules/market.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import { askBooks } from './calls.ts';

export interface FundRequest {
  readonly merchantId: string;
  readonly mode: Mode;
  readonly currency: string;
  readonly amountMinor: string;
  readonly externalId: string;
}

export interface FundAnswer {
  readonly outcome: 'funded' | 'already' | 'mismatch' | 'balance_limit';
}

export interface EarningRequest {
  readonly earningId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly providerId: string;
  readonly externalId: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly description: string | null;
}

/** `earningId`: of the first that was posted under this external id. */
export type EarningAnswer =
  | { readonly outcome: 'posted' | 'already'; readonly earningId: string }
  | { readonly outcome: 'mismatch' | 'insufficient_balance' | 'balance_limit' };

export interface UserMoneyRequest {
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  /** To the user, or from the user. */
  readonly type: 'USER_CREDIT' | 'USER_DEBIT';
  readonly externalId: string;
  readonly currency: string;
  readonly amountMinor: string;
}

export interface UserMoneyAnswer {
  readonly outcome: 'moved' | 'already' | 'mismatch' | 'user_frozen' | 'insufficient_balance' | 'balance_limit';
}

export interface BankMoneyRequest {
  readonly merchantId: string;
  readonly mode: Mode;
  /** To the bank, or from it. */
  readonly type: 'BANK_DEPOSIT' | 'BANK_WITHDRAW';
  readonly name: string;
  readonly currency: string;
  readonly amountMinor: string;
}

export interface BankMoneyAnswer {
  readonly outcome: 'moved' | 'already' | 'mismatch' | 'insufficient_balance' | 'balance_limit';
}

export interface BetRequest {
  readonly betId: string;
  readonly gameId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  readonly side: string;
  readonly amountMinor: string;
}

export type BetAnswer =
  | { readonly outcome: 'placed' | 'already'; readonly bet: BetRecord }
  | { readonly outcome: 'game_closed' | 'paused' | 'user_frozen' | 'insufficient_balance' | 'bank_insufficient' };

export interface CompletionRequest {
  readonly gameId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly winner: string;
  /** Null: they follow the multipliers. Each user once. */
  readonly payouts: readonly { readonly userId: string; readonly amountMinor: string }[] | null;
}

export type CompletionAnswer =
  | { readonly outcome: 'recorded' | 'already' | 'voided' | 'bank_insufficient' }
  | { readonly outcome: 'already_completed'; readonly winner: string; readonly paidMinor: string; readonly currency: string }
  | { readonly outcome: 'no_winning_bet'; readonly userIds: readonly string[] };

export interface CommitmentRequest {
  readonly commitmentId: string;
  readonly marketId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly userId: string;
  readonly optionId: string;
  /** Where the stake named it so. */
  readonly position: Position | null;
  readonly amountMinor: string;
}

export type CommitmentAnswer =
  | { readonly outcome: 'committed' | 'already'; readonly commitment: CommitmentRecord }
  | { readonly outcome: 'market_closed' | 'paused' | 'user_frozen' | 'insufficient_balance' | 'balance_limit' };

/** Lines of an import that were read right, in their order: each once by its key. */
export interface ImportRequest {
  readonly importId: string;
  readonly merchantId: string;
  readonly mode: Mode;
  readonly lines: readonly ImportLine[];
}

/** One that was read wrong has a `code` and a `detail`, and is written down as refused. */
export type ImportLine = { readonly key: string; readonly line: number } & (
  | { readonly code: string; readonly detail: string }
  | {
      readonly commitmentId: string;
      readonly userId: string;
      readonly optionId: string;
      readonly position: Position | null;
      readonly amountMinor: string;
    }
);

export interface ImportAnswer {
  readonly outcome: 'taken_in' | 'market_closed' | 'paused';
  readonly accepted: number;
  readonly rejected: number;
}

/** Money that arrived for a merchant. Key: `externalId`. See prisma/functions/ledger/fund_balance.sql for the answers. */
export const fundBalance = (sql: Sql, request: FundRequest): Promise<FundAnswer> => post(sql, 'fund_balance', request);

/**
 * Money that a merchant gives to a provider of its own. Key: `externalId`. See prisma/functions/providers/post_earning.sql
 * for the answers.
 * @throws if the provider is not this merchant's in this mode: whoever calls has looked.
 */
export const postEarning = (sql: Sql, request: EarningRequest): Promise<EarningAnswer> => post(sql, 'post_earning', request);

/**
 * Money between a merchant and a user of its own. Key: `externalId`. See prisma/functions/users/move_user_money.sql for the
 * answers.
 * @throws if the user is not this merchant's in this mode: whoever calls has looked.
 */
export const moveUserMoney = (sql: Sql, request: UserMoneyRequest): Promise<UserMoneyAnswer> =>
  post(sql, 'move_user_money', request);

/** Money between a merchant and its bank. Key: `name`. See prisma/functions/games/move_bank_money.sql for the answers. */
export const moveBankMoney = (sql: Sql, request: BankMoneyRequest): Promise<BankMoneyAnswer> =>
  post(sql, 'move_bank_money', request);

/**
 * A user's stake in an open game. Key: the bet's id. See prisma/functions/games/place_bet.sql for the answers.
 * @throws if the game or the user is not this merchant's in this mode, or has no such side: whoever calls has looked.
 */
export const placeBet = (sql: Sql, request: BetRequest): Promise<BetAnswer> => post(sql, 'place_bet', request);

/**
 * Who won a game, and what they get. Key: the game; the first report counts. See prisma/functions/games/record_completion.sql.
 * @throws if the game is not this merchant's in this mode, or has no such side: whoever calls has looked.
 */
export const recordCompletion = (sql: Sql, request: CompletionRequest): Promise<CompletionAnswer> =>
  post(sql, 'record_completion', request);

/**
 * A user's stake on an option of an open market. Key: the commitment's id. See prisma/functions/markets/commit_stake.sql.
 * @throws if the market or the user is not this merchant's in this mode, or has no such option: whoever calls has looked.
 */
export const commitStake = (sql: Sql, request: CommitmentRequest): Promise<CommitmentAnswer> =>
  post(sql, 'commit_stake', request);

/** Some lines of an import, each taken in or refused. Key: the line's. See prisma/functions/markets/import_stakes.sql. */
export const importStakes = (sql: Sql, request: ImportRequest): Promise<ImportAnswer> => post(sql, 'import_stakes', request);

const post = <Answer>(sql: Sql, name: string, request: object): Promise<Answer> => askBooks(sql, name, [JSON.stringify(request)]);
