/** An explanation as it goes out, for the OpenAPI document; present.ts makes it. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../http/schemas.ts';

const actor = z.string().meta({ description: 'The lowest role that may, or `merchant`, `provider`, `user`' });
const at = timeSchema.nullable();

const waitsForSchema = z
  .union([
    z.object({ kind: z.literal('person'), who: actor, until: at }),
    z.object({
      kind: z.literal('psp'),
      psp: z.string(),
      nextLookUpAt: at.meta({
        description: 'By the schedule; a message of the PSP makes one at once. Null: its answer is awaited',
      }),
      until: at,
    }),
    z.object({ kind: z.literal('run'), at: at.meta({ description: 'Null: runs are paused, or Temporal does not say' }) }),
    z.object({ kind: z.literal('timer'), until: at }),
    z.object({ kind: z.literal('nobody') }),
  ])
  .meta({ id: 'WaitsFor' });

export const explanationSchema = z
  .object({
    object: z.literal('explanation'),
    id: z.string(),
    state: z.string(),
    since: timeSchema,
    waitsFor: waitsForSchema,
    next: z
      .object({ what: z.string(), at: at.meta({ description: 'Null: as soon as it can' }) })
      .nullable()
      .meta({ description: 'What happens by itself; null: nothing' }),
    actions: z.array(
      z.object({
        action: z.string(),
        by: actor,
        allowed: z.boolean().meta({ description: 'In this state, to whoever has the role' }),
        why: z.string().nullable().meta({ description: 'Why not' }),
        notBy: z.array(z.object({ id: z.string(), why: z.string() })).meta({ description: 'Who may not, though their role may' }),
        mayYou: z.boolean().meta({ description: 'Whether whoever asks may' }),
      }),
    ),
    money: z
      .array(z.object({ account: z.string(), amount: moneySchema, currency: z.string() }))
      .meta({ description: 'Where its money lies; none: where it came from' }),
    failures: z.array(
      z.object({
        at: timeSchema,
        attempt: z.int().nullable(),
        class: z.string().nullable().meta({ description: 'A to K, for operators' }),
        code: z.string(),
        message: z.string(),
        means: z.string(),
      }),
    ),
    text: z.string().meta({ description: 'All of it in words' }),
  })
  .meta({ id: 'Explanation' });
