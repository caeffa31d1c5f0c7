/** The figures as they go out, for the OpenAPI document; present.ts makes them. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../http/schemas.ts';
import { PSP_HEALTHS, PSP_WORDS } from './rules/figures.ts';

const of = {
  livemode: z.boolean(),
  flow: z.string().meta({ examples: ['payouts', 'provider-payouts', 'games', 'markets', 'resolutions'] }),
  currency: z.string(),
};
const sums = { count: z.int(), amount: moneySchema.meta({ description: 'Without fees; of games, markets and resolutions 0' }) };

const outcomeSchema = z
  .object({
    from: timeSchema.meta({ description: 'When the hour or day began, in UTC; one in which nothing came is not there' }),
    ...of,
    outcome: z.string().meta({ description: '`created`, or the final state it came to' }),
    ...sums,
  })
  .meta({ id: 'OutcomeTotal' });

const shared = {
  object: z.literal('overview'),
  asOf: timeSchema.meta({ description: 'What happened later is not counted yet: now, unless totals are behind' }),
  states: z.array(z.object({ ...of, state: z.string(), ...sums })).meta({ description: 'How many stand in each state now' }),
  rates: z
    .array(
      z.object({
        ...of,
        over: z.enum(['hours', 'days']).meta({ description: 'Over all that `hours`, or `days`, show' }),
        succeeded: z.int(),
        failed: z.int(),
        successRate: z.number().nullable().meta({ description: 'succeeded ÷ (succeeded + failed); null: neither' }),
        timeToPaidMs: z
          .object({ p50: z.int().nullable(), p95: z.int().nullable() })
          .meta({ description: 'From taken in to paid, to within a twentieth' }),
      }),
    )
    .meta({ description: 'Of payouts' }),
  review: z.object({
    waiting: z.int().meta({ description: 'For an approver, or held there' }),
    oldestSince: timeSchema.nullable(),
    oldestAgeSeconds: z.int().nullable(),
  }),
  receivers: z.object({
    failing: z.int(),
    data: z.array(
      z.object({
        id: z.string(),
        merchantId: z.string(),
        endpointId: z.string().nullable(),
        livemode: z.boolean(),
        since: timeSchema,
      }),
    ),
  }),
  hours: z.array(outcomeSchema).meta({ description: 'The last 24' }),
  days: z.array(outcomeSchema).meta({ description: 'The last 30' }),
};

export const merchantOverviewSchema = z.object(shared).meta({ id: 'Overview' });

const words = Object.fromEntries(PSP_WORDS.map((word) => [word, z.int()]));

export const adminOverviewSchema = z
  .object({
    ...shared,
    psps: z
      .array(
        z.object({
          name: z.string(),
          livemode: z.boolean(),
          health: z
            .enum(PSP_HEALTHS)
            .meta({ description: 'By what it did not take, or said nothing of, since the hour before this one began' }),
          requests: z.object(words),
        }),
      )
      .meta({ description: 'Each that is configured' }),
    nextRun: z
      .object({ paused: z.boolean(), nextRunAt: timeSchema.nullable() })
      .nullable()
      .meta({ description: 'Of provider payouts; null: Temporal does not say' }),
    workers: z.object({ running: z.int(), stuck: z.int() }),
    books: z
      .object({ checkedAt: timeSchema, checked: z.int(), broken: z.array(z.object({ name: z.string(), violations: z.int() })) })
      .nullable()
      .meta({ description: 'The last hourly check; null: there was none yet' }),
  })
  .meta({ id: 'AdminOverview' });
