/** Who was told what, for the OpenAPI document. */
import { z } from 'zod';
import { timeSchema } from '../http/schemas.ts';

export const notificationSchema = z
  .object({
    id: z.string(),
    object: z.literal('notification'),
    kind: z.string().meta({ examples: ['payout_completed', 'review_needed', 'endpoint_disabled'] }),
    eventId: z
      .string()
      .nullable()
      .meta({ description: 'null: of something that is no event, such as an endpoint that was switched off' }),
    subjectKind: z.string().meta({ enum: ['payout', 'webhook_endpoint'] }),
    subjectId: z.string(),
    payoutId: z.string().nullable().meta({ description: 'The subject, where it is a payout' }),
    merchantId: z.string(),
    livemode: z.boolean(),
    audience: z.string().meta({ enum: ['merchant', 'provider', 'admin'], description: 'Who is told' }),
    recipientId: z.string(),
    channel: z.string().meta({ enum: ['email', 'push'] }),
    address: z.string().meta({ description: 'An e-mail address, or the id of a push subscription' }),
    state: z.string().meta({ enum: ['pending', 'sent', 'failed'] }),
    attempts: z.int(),
    lastError: z.string().nullable(),
    createdAt: timeSchema,
    sentAt: timeSchema.nullable(),
  })
  .meta({ id: 'Notification' });
