/** The figures of markets as they go out, for the OpenAPI document; presentMarkets.ts makes them. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../http/schemas.ts';

const figures = {
  livemode: z.boolean(),
  currency: z.string(),
  commitments: z.int(),
  staked: moneySchema,
  participants: z.int().meta({ description: 'Who staked on a market for the first time, each market by itself' }),
  users: z.int().meta({ description: 'Who staked for the first time on any market in this currency' }),
  activeUsers: z.int().meta({ description: 'How many users staked on this day; of all days together: today' }),
  resolutions: z.int().meta({ description: 'Paid to the end, stakes that went back among them' }),
  rollbacks: z.int().meta({ description: 'Of those, taken back again' }),
  paid: moneySchema.meta({ description: 'To users; what a rollback took back is less on its day, and so are fees' }),
  fees: z.object({ total: moneySchema, house: moneySchema, creator: moneySchema }),
};

const days = z
  .array(z.object({ day: z.string().meta({ description: 'In UTC' }), ...figures }).meta({ id: 'MarketDay' }))
  .meta({ description: 'The last 30; one on which nothing came is not there' });
const ever = z.array(
  z
    .object({ ...figures, pools: moneySchema.meta({ description: 'Staked on markets that have not come to their end' }) })
    .meta({ id: 'MarketTotals' }),
);

const circulation = z
  .array(
    z
      .object({
        livemode: z.boolean(),
        currency: z.string(),
        holders: z.int().meta({ description: 'Users who have something' }),
        total: moneySchema,
        available: moneySchema.meta({ description: 'To users' }),
        reserved: moneySchema.meta({ description: 'Of users: their stakes in games' }),
        pools: moneySchema.meta({ description: 'Of markets' }),
        owed: moneySchema.meta({ description: 'By users; not a part of the total' }),
        asOf: timeSchema,
      })
      .meta({ id: 'Circulation' }),
  )
  .meta({ description: 'Counted with every check of the books, once an hour; none: there was no check yet' });

const states = z.array(z.object({ livemode: z.boolean(), currency: z.string(), state: z.string(), count: z.int() }));

export const dashboardSchema = z
  .object({ object: z.literal('dashboard'), totals: ever, circulation, days })
  .meta({ id: 'Dashboard' });

export const tokensSchema = z.object({ object: z.literal('tokens'), circulation, days }).meta({ id: 'Tokens' });

export const resolutionDashboardSchema = z
  .object({
    object: z.literal('resolution_dashboard'),
    markets: states.meta({ description: 'How many stand in each state' }),
    resolutions: states,
    needsOperator: z.int().meta({ description: 'Resolutions that wait for a person; at most 1,000 are counted' }),
    totals: ever,
    days,
  })
  .meta({ id: 'ResolutionDashboard' });
