/** An event as it goes out, for the OpenAPI document; presentEvent.ts makes it. */
import { z } from 'zod';
import { gameCompleteSchema, toldGameSchema } from '../games/present/schemas.ts';
import { timeSchema } from '../http/schemas.ts';
import { batchSchema, instantPayoutSchema, payinSchema } from '../instant/present/schemas.ts';
import { resolutionSchema, toldDistributionSchema, toldMarketSchema } from '../markets/present/schemas.ts';
import { payoutSchema } from '../payouts/present/schemas.ts';
import { providerPayoutSchema } from '../providers/present/schemas.ts';
import { movedMoneySchema, userSchema } from '../users/present/schemas.ts';
import { EVENT_TYPES } from './rules/eventTypes.ts';

export const eventSchema = z
  .object({
    id: z.string(),
    type: z.enum(EVENT_TYPES),
    timestamp: timeSchema,
    livemode: z.boolean(),
    sequence: z.int().meta({ description: 'Counts up per payout, per user, …: drop lower numbers than the last you saw' }),
    data: z.object({
      object: z.union([
        payoutSchema,
        providerPayoutSchema,
        movedMoneySchema,
        userSchema,
        gameCompleteSchema,
        toldGameSchema,
        toldMarketSchema,
        resolutionSchema,
        toldDistributionSchema,
        instantPayoutSchema,
        batchSchema,
        payinSchema,
      ]),
    }),
  })
  .meta({ id: 'Event' });
