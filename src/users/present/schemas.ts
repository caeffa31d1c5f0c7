/** What merchants read of their users, for the OpenAPI document; user.ts, transaction.ts and userEvent.ts make it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { TRANSACTION_TYPES } from '../rules/transactions.ts';

export const userSchema = z
  .object({
    id: z.string(),
    object: z.literal('user'),
    externalId: z.string(),
    frozen: z.boolean().meta({ description: 'Nothing moves a frozen user’s money' }),
    livemode: z.boolean(),
    createdAt: timeSchema,
  })
  .meta({ id: 'User' });

const transactionFields = {
  id: z.string(),
  object: z.literal('user_transaction'),
  userId: z.string(),
  type: z.enum(TRANSACTION_TYPES),
  amount: moneySchema,
  currency: z.string(),
  balanceAfter: moneySchema.meta({ description: 'What was available right after' }),
  gameId: z.string().nullable(),
  marketId: z.string().nullable(),
  betId: z.string().nullable(),
  commitmentId: z.string().nullable(),
  distributionId: z.string().nullable(),
  description: z.string(),
  at: timeSchema,
  metadata: z.record(z.string(), z.string()),
};

export const transactionSchema = z.object(transactionFields).meta({ id: 'UserTransaction' });

export const legacyTransactionSchema = z
  .object({
    id: z.string(),
    userId: z.string(),
    type: z.enum(TRANSACTION_TYPES),
    amount: moneySchema,
    description: z.string(),
    relatedId: z.string().nullable().meta({ description: 'The market or the game' }),
    timestamp: timeSchema,
  })
  .meta({ id: 'LegacyUserTransaction' });

/** `data.object` of `user.credited` and `user.debited`. */
export const movedMoneySchema = z
  .object({
    ...transactionFields,
    newBalance: moneySchema.meta({ description: 'What was available at the commit that moved it' }),
    balanceVersion: z.int().meta({ description: 'Drop what has a lower one than the last you saw of this user and currency' }),
  })
  .meta({ id: 'MovedMoney' });

const statsFields = {
  games: z.int().meta({ description: 'That were settled and not voided' }),
  won: z.int(),
  lost: z.int(),
  wagered: moneySchema.meta({ description: 'All stakes' }),
  paid: moneySchema.meta({ description: 'All winnings' }),
  markets: z.int().meta({ description: 'That were resolved and not rolled back' }),
  marketsWon: z.int(),
  committed: moneySchema.meta({ description: 'All stakes in these markets' }),
  distributed: moneySchema.meta({ description: 'All that these markets paid, stakes included' }),
};

export const statsSchema = z
  .object({
    object: z.literal('user_stats'),
    userId: z.string(),
    currency: z.string().nullable().meta({
      description: 'The one that was asked for, or else the one that the user has played in most; null: in none',
    }),
    ...statsFields,
    byCurrency: z.array(z.object({ currency: z.string(), ...statsFields })),
  })
  .meta({ id: 'UserStats' });
