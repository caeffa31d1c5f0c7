/** Webhook endpoints, tries and events as they go out, for the OpenAPI document; src/present makes them. */
import { z } from 'zod';
import { payoutSchema, timeSchema } from '../../payouts/routes/payoutSchemas.ts';
import { EVENT_TYPES } from '../../payouts/rules/machine.ts';
import { providerPayoutSchema } from '../../providers/routes/providerSchemas.ts';

const endpointFields = {
  id: z.string(),
  object: z.literal('webhook_endpoint'),
  url: z.string(),
  eventTypes: z.array(z.string()),
  disabled: z.boolean(),
  disabledReason: z.string().nullable(),
  previousSecretUntil: timeSchema.nullable().meta({ description: 'Until then the secret before the rotation signs too' }),
  livemode: z.boolean(),
  createdAt: timeSchema,
};
export const endpointSchema = z.object(endpointFields).meta({ id: 'WebhookEndpoint' });

export const endpointWithSecretSchema = z
  .object({ ...endpointFields, secret: z.string().meta({ description: 'Shown here only', examples: ['whsec_…'] }) })
  .meta({ id: 'WebhookEndpointWithSecret' });

export const deliverySchema = z
  .object({
    id: z.string(),
    object: z.literal('webhook_delivery'),
    eventId: z.string(),
    endpointId: z.string().nullable().meta({ description: 'null: the payout’s own callbackUrl' }),
    url: z.string(),
    state: z.string().meta({ enum: ['pending', 'delivered', 'failed'] }),
    attempts: z.int(),
  })
  .meta({ id: 'WebhookDelivery' });

export const webhookAttemptSchema = z
  .object({
    id: z.string(),
    object: z.literal('webhook_attempt'),
    deliveryId: z.string(),
    number: z.int(),
    trigger: z.string().meta({ enum: ['auto', 'resend'] }),
    statusCode: z.int().nullable(),
    error: z.string().nullable(),
    durationMs: z.int(),
    response: z.string().nullable().meta({ description: 'How the receiver’s answer begins' }),
    at: timeSchema,
  })
  .meta({ id: 'WebhookAttempt' });

export const eventSchema = z
  .object({
    id: z.string(),
    type: z.enum(EVENT_TYPES),
    timestamp: timeSchema,
    livemode: z.boolean(),
    sequence: z.int().meta({ description: 'Counts up per payout: drop lower numbers than the last you saw' }),
    data: z.object({ object: z.union([payoutSchema, providerPayoutSchema]) }),
  })
  .meta({ id: 'Event' });
