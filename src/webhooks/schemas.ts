/** Webhook endpoints and tries as they go out, for the OpenAPI document; present.ts makes them. */
import { z } from 'zod';
import { timeSchema } from '../http/schemas.ts';
import { WAITING_MAX } from './rules/health.ts';

const endpointFields = {
  id: z.string(),
  object: z.literal('webhook_endpoint'),
  url: z.string(),
  eventTypes: z.array(z.string()),
  disabled: z.boolean(),
  disabledReason: z.string().nullable(),
  paused: z.boolean().meta({ description: 'What comes waits, and is sent in order after it is resumed' }),
  previousSecretUntil: timeSchema.nullable().meta({ description: 'Until then the secret before the rotation signs too' }),
  livemode: z.boolean(),
  createdAt: timeSchema,
};
const healthSchema = z.object({
  state: z.string().meta({
    enum: ['ok', 'failing', 'disabled'],
    description:
      'failing: it failed five times in a row over at least two subjects. One delivery at a time asks whether it is back; the rest waits without spending tries, and arrives in order when it answers. After five days it is disabled',
  }),
  since: timeSchema.nullable().meta({ description: 'Since when it is failing or disabled' }),
  waiting: z.int().meta({
    description: `Deliveries that are still to be sent: exact below ${WAITING_MAX}, which stands for that many or more`,
  }),
  nextTryAt: timeSchema
    .nullable()
    .meta({ description: 'null where nothing waits, or nothing is sent because it is paused or disabled' }),
});
export const endpointSchema = z.object({ ...endpointFields, health: healthSchema }).meta({ id: 'WebhookEndpoint' });

const secret = z.string().meta({ description: 'Shown here only', examples: ['whsec_…'] });
export const endpointWithSecretSchema = z.object({ ...endpointFields, secret }).meta({ id: 'WebhookEndpointWithSecret' });

const dropped = z.object({ until: timeSchema }).nullable().meta({
  description:
    'Only the secret that was in use signs beside the new one. An older one that would have signed until then signs no more',
});
export const rotatedEndpointSchema = z.object({ ...endpointFields, secret, dropped }).meta({ id: 'RotatedWebhookEndpoint' });
export const rotatedSecretSchema = z
  .object({ secret, previousSecretUntil: endpointFields.previousSecretUntil, dropped })
  .meta({ id: 'RotatedWebhookSecret' });

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
    trigger: z.string().meta({
      enum: ['auto', 'probe', 'resend'],
      description: 'probe: the endpoint was failing, and this asked whether it is back',
    }),
    statusCode: z.int().nullable(),
    error: z.string().nullable(),
    durationMs: z.int(),
    response: z.string().nullable().meta({
      description: 'How the receiver’s answer begins; `(gzip, 312 bytes)` where it is compressed and cannot be read',
    }),
    at: timeSchema,
  })
  .meta({ id: 'WebhookAttempt' });

export const recoverySchema = z
  .object({
    object: z.literal('recovery'),
    endpointId: z.string(),
    since: timeSchema,
    until: timeSchema,
    deliveries: z.int().meta({ description: 'How many are sent again; what waits already is not counted' }),
  })
  .meta({ id: 'WebhookRecovery' });
