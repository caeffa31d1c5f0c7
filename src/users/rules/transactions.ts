/**
 * A user's transactions: views of the entries of the user's balances, never records of their own. What an entry is called
 * there, and what it says besides its money, is one table: a flow that moves users' money adds its entry types.
 */
import { betOn, lostOn, refunded, takenBack, wonOn } from '../../games/rules/descriptions.ts';
import { deposited, depositTakenBack, repaidTo, withdrawn, withdrawnBack } from '../../instant/rules/descriptions.ts';
import { committed, distributed, earned, returned, undone, unearned } from '../../markets/rules/descriptions.ts';
import { distributionId } from '../../markets/rules/ids.ts';
import type { EntryType } from '../../rules/entryKinds.ts';

/** An entry of a user's balance: what the SQL function user_transaction writes. */
export interface UserTransaction {
  /** The entry's number. */
  readonly entryId: string;
  readonly type: string;
  readonly amountMinor: string;
  readonly currency: string;
  /** What was available right after. */
  readonly balanceAfterMinor: string;
  readonly opKey: string;
  readonly subjectKind: string | null;
  readonly subjectId: string | null;
  /** Of a game: what was bet on, won with or lost on. */
  readonly side: string | null;
  readonly at: string;
}

/** What a transaction may name; of what it does not name it has null. */
export interface Related {
  readonly gameId?: string;
  readonly marketId?: string;
  readonly betId?: string;
  readonly commitmentId?: string;
  readonly distributionId?: string;
}

export interface TransactionKind {
  /** What the API calls it. */
  readonly type: string;
  /** On which side of the entry the user's balance is: the index ledger_entries_of_users says the same. */
  readonly side: 'debit' | 'credit';
  describe(transaction: UserTransaction): string;
  related?(transaction: UserTransaction): Related;
  metadata?(transaction: UserTransaction): Readonly<Record<string, string>>;
}

/** The merchant's own name for what it moved: what of the key is after `user_money:<merchant>:<mode>:`. */
const named = ({ opKey }: UserTransaction) => ({ externalId: opKey.split(':').slice(3).join(':') });

const ofGame = ({ subjectId }: UserTransaction): Related => (subjectId === null ? {} : { gameId: subjectId });
/** `bet/<bet>` */
const ofBet = (transaction: UserTransaction): Related => ({
  ...ofGame(transaction),
  betId: transaction.opKey.split('/')[1] ?? '',
});
/** `game/<game>/user/<user>`, and what follows where it is of a part of it: the name of the whole settlement. */
const settledUnder = ({ opKey }: UserTransaction) => ({ payoutTransactionId: opKey.split('/').slice(0, 4).join('/') });

/** `commitment/<commitment>`, of the market that is the subject. */
const ofCommitment = ({ subjectId, opKey }: UserTransaction): Related => ({
  ...(subjectId === null ? {} : { marketId: subjectId }),
  commitmentId: opKey.split('/')[1] ?? '',
});

/** `market/<market>/run/<run>/user/<user>`, and what follows, of the resolution that is the subject. */
function ofDistribution({ subjectId, opKey }: UserTransaction): Related {
  const [, marketId = '', , , , userId] = opKey.split('/');
  return {
    marketId,
    ...(subjectId === null || userId === undefined ? {} : { distributionId: distributionId(subjectId, userId) }),
  };
}

export const TRANSACTION_KINDS = {
  USER_CREDIT: { type: 'credit', side: 'credit', describe: () => 'Credited by the platform', metadata: named },
  USER_DEBIT: { type: 'debit', side: 'debit', describe: () => 'Debited by the platform', metadata: named },
  REPAY: { type: 'repayment', side: 'debit', describe: () => 'Repaid out of new money what was owed' },
  BET: { type: 'bet', side: 'debit', describe: betOn, related: ofBet },
  WIN: { type: 'win', side: 'credit', describe: wonOn, related: ofGame, metadata: settledUnder },
  LOSS: { type: 'loss', side: 'debit', describe: lostOn, related: ofGame, metadata: settledUnder },
  REFUND: { type: 'refund', side: 'debit', describe: refunded, related: ofGame, metadata: settledUnder },
  WIN_BACK: { type: 'win_reversal', side: 'debit', describe: takenBack, related: ofGame, metadata: settledUnder },
  COMMITMENT: { type: 'commitment', side: 'debit', describe: committed, related: ofCommitment },
  DISTRIBUTION: { type: 'win', side: 'credit', describe: distributed, related: ofDistribution },
  STAKE_RETURN: { type: 'refund', side: 'credit', describe: returned, related: ofDistribution },
  DISTRIBUTION_BACK: { type: 'win_reversal', side: 'debit', describe: undone, related: ofDistribution },
  MARKET_FEE: { type: 'creator_fee', side: 'credit', describe: earned, related: ofDistribution },
  MARKET_FEE_BACK: { type: 'creator_fee_reversal', side: 'debit', describe: unearned, related: ofDistribution },
  REPAID: { type: 'debt_received', side: 'credit', describe: repaidTo },
  WITHDRAWAL: { type: 'withdrawal', side: 'debit', describe: withdrawn },
  WITHDRAWAL_BACK: { type: 'withdrawal_return', side: 'debit', describe: withdrawnBack },
  SLICE: { type: 'deposit', side: 'credit', describe: deposited },
  SLICE_BACK: { type: 'deposit_reversal', side: 'debit', describe: depositTakenBack },
} as const satisfies Partial<Record<EntryType, TransactionKind>>;

const KINDS: Readonly<Record<string, TransactionKind>> = TRANSACTION_KINDS;

export type TransactionType = (typeof TRANSACTION_KINDS)[keyof typeof TRANSACTION_KINDS]['type'];
export const TRANSACTION_TYPES = [...new Set(Object.values(KINDS).map(({ type }) => type))] as TransactionType[];

/** @throws on an entry type that is in no list of transactions: a mistake in our code. */
export function kindOf({ type, entryId }: UserTransaction): TransactionKind {
  const kind = KINDS[type];
  if (!kind) throw new Error(`the entry ${entryId} of a user is ${type}, which has no line in TRANSACTION_KINDS`);
  return kind;
}

/** SQL for the balance of an entry `e` whose transaction it is, as the index ledger_entries_of_users has it. */
export const USERS_BALANCE = `CASE e.type ${Object.entries(KINDS)
  .map(([type, { side }]) => `WHEN '${type}' THEN e.${side}_balance`)
  .join(' ')} END`;

/** The entry types that are called so; without any: all that a user sees. */
export const entryTypesOf = (types: readonly TransactionType[] | undefined): string[] =>
  Object.entries(KINDS).flatMap(([entry, { type }]) => (!types || types.some((each) => each === type) ? [entry] : []));
