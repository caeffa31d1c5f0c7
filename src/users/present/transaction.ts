/** A user's transaction, in the words of the API: the record, and the shorter one that older clients read. */
import { ledgerEntryId } from '../../rules/ids.ts';
import { formatMajor } from '../../rules/money.ts';
import { kindOf, type UserTransaction } from '../rules/transactions.ts';

export interface PublicTransaction {
  readonly id: string;
  readonly object: 'user_transaction';
  readonly userId: string;
  readonly type: string;
  readonly amount: string;
  readonly currency: string;
  readonly balanceAfter: string;
  readonly gameId: string | null;
  readonly marketId: string | null;
  readonly betId: string | null;
  readonly commitmentId: string | null;
  readonly distributionId: string | null;
  readonly description: string;
  readonly at: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface LegacyTransaction {
  readonly id: string;
  readonly userId: string;
  readonly type: string;
  readonly amount: string;
  readonly description: string;
  /** The market or the game. */
  readonly relatedId: string | null;
  readonly timestamp: string;
}

export function presentTransaction(transaction: UserTransaction, userId: string): PublicTransaction {
  const { entryId, currency, at } = transaction;
  const kind = kindOf(transaction);
  const {
    gameId = null,
    marketId = null,
    betId = null,
    commitmentId = null,
    distributionId = null,
  } = kind.related?.(transaction) ?? {};
  return {
    id: ledgerEntryId(entryId),
    object: 'user_transaction',
    userId,
    type: kind.type,
    amount: formatMajor(BigInt(transaction.amountMinor), currency),
    currency,
    balanceAfter: formatMajor(BigInt(transaction.balanceAfterMinor), currency),
    gameId,
    marketId,
    betId,
    commitmentId,
    distributionId,
    description: kind.describe(transaction),
    at,
    metadata: kind.metadata?.(transaction) ?? {},
  };
}

export function presentLegacyTransaction(transaction: UserTransaction, userId: string): LegacyTransaction {
  const { id, type, amount, description, gameId, marketId, at } = presentTransaction(transaction, userId);
  return { id, userId, type, amount, description, relatedId: marketId ?? gameId, timestamp: at };
}
