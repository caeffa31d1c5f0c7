/** What merchants read of their games, for the OpenAPI document; game.ts and gameEvent.ts make it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { FAILURES } from '../rules/game.ts';
import { GAME_STATES } from '../rules/machine.ts';

const gameFields = {
  id: z.string(),
  object: z.literal('game'),
  type: z.string(),
  currency: z.string(),
  status: z.enum(GAME_STATES as [string, ...string[]]),
  winner: z.string().nullable(),
  voidReason: z.string().nullable(),
  needsOperator: z.boolean().meta({ description: 'A person is to look at it' }),
  livemode: z.boolean(),
  createdAt: timeSchema,
  completedAt: timeSchema.nullable().meta({ description: 'When it was said who won' }),
  endedAt: timeSchema.nullable().meta({ description: 'When everybody was settled who could be' }),
};

/** `data.object` of the events of a game. */
export const toldGameSchema = z.object(gameFields).meta({ id: 'ToldGame' });

const listedFields = {
  ...gameFields,
  sides: z.array(
    z.object({
      side: z.string(),
      multiplier: z.string().meta({ description: 'What a winning bet brings, for each unit of the stake, which is part of it' }),
      stakes: moneySchema,
    }),
  ),
};

export const gameSchema = z.object(listedFields).meta({ id: 'Game' });

export const wholeGameSchema = z
  .object({
    ...listedFields,
    failed: z
      .array(z.object({ userId: z.string(), reason: z.enum(FAILURES) }))
      .meta({ description: 'Players who could not be settled, or get their stakes back: the first thousand' }),
    failedCount: z.int(),
  })
  .meta({ id: 'WholeGame' });

export const betSchema = z
  .object({
    id: z.string(),
    object: z.literal('bet'),
    gameId: z.string(),
    userId: z.string(),
    side: z.string(),
    amount: moneySchema,
    currency: z.string(),
    status: z.enum(['placed', 'won', 'lost', 'refunded']),
    payoutTransactionId: z
      .string()
      .nullable()
      .meta({ description: 'Of the settlement, the same for all bets of a user in a game' }),
    placedAt: timeSchema,
    newBalance: moneySchema.meta({ description: 'What the user had available right after the stake was taken' }),
    balanceVersion: z.int().meta({ description: 'Drop what has a lower one than the last you saw of this user and currency' }),
  })
  .meta({ id: 'Bet' });

/** `data.object` of `game_complete`. */
export const gameCompleteSchema = z
  .object({
    gameId: z.string(),
    userId: z.string(),
    winner: z.string().nullable().meta({ description: 'Null: the game is void' }),
    userPayout: z.object({
      amount: moneySchema,
      totalBet: moneySchema,
      netProfit: z.string().meta({ description: 'amount − totalBet: may be less than zero' }),
      result: z
        .enum(['win', 'lose', 'push'])
        .meta({ description: 'By the bet, not by the profit; `push`: the stakes of a void game' }),
    }),
    currency: z.string(),
    newBalance: moneySchema.meta({ description: 'What was available at the very commit that settled it' }),
    balanceVersion: z.int(),
  })
  .meta({ id: 'GameComplete' });
