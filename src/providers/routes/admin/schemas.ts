/** Runs as admins read them, for the OpenAPI document. */
import { z } from 'zod';
import { listSchema } from '../../../http/paging.ts';
import { moneySchema, timeSchema } from '../../../http/schemas.ts';

export const payoutRunSchema = z
  .object({
    id: z.string(),
    object: z.literal('payout_run'),
    trigger: z.string().meta({ enum: ['schedule', 'admin'] }),
    startedAt: timeSchema,
    finishedAt: timeSchema.nullable().meta({ description: 'When the last of its payouts was handed over' }),
    dispatched: z.int().meta({ description: 'Payouts that it sent on their way; completed and failed are as they are now' }),
    completed: z.int(),
    failed: z.int(),
    amount: z.record(z.string(), moneySchema).meta({ description: 'By currency' }),
  })
  .meta({ id: 'PayoutRun' });

const scheduleFields = {
  paused: z.boolean(),
  nextRunAt: timeSchema.nullable().meta({ description: 'null while paused' }),
};
export const runsScheduleSchema = z
  .object({ object: z.literal('payout_run_schedule'), ...scheduleFields })
  .meta({ id: 'PayoutRunSchedule' });

export const payoutRunsSchema = listSchema(payoutRunSchema).extend(scheduleFields);
