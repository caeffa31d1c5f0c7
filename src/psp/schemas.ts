/** What a PSP told us, as admins read it, for the OpenAPI document; present.ts makes it. */
import { z } from 'zod';
import { jsonSchema, timeSchema } from '../http/schemas.ts';

export const messageSchema = z
  .object({
    id: z.string(),
    object: z.literal('psp_message'),
    psp: z.string(),
    eventKey: z.string(),
    reference: z.string().nullable(),
    payoutId: z.string().nullable(),
    attempt: z.int().nullable(),
    claim: z.string(),
    body: jsonSchema.meta({ description: 'What the PSP sent; account numbers cut to four digits' }),
    state: z.string().meta({ enum: ['received', 'applied', 'ignored', 'orphan'] }),
    detail: z.string().nullable(),
    receivedAt: timeSchema,
    handledAt: timeSchema.nullable(),
  })
  .meta({ id: 'PspMessage' });
