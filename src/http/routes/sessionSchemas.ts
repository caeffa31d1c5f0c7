/** Sessions of the console, for the OpenAPI document. */
import { z } from 'zod';
import { ROLES } from '../../rules/roles.ts';
import { timeSchema } from '../schemas.ts';

export const sessionSchema = z
  .object({
    id: z.string(),
    object: z.literal('session'),
    csrfToken: z.string().meta({ description: 'To be sent as `X-CSRF-Token` with every request of the session' }),
    who: z.object({
      kind: z.enum(['admin', 'merchant']),
      id: z.string(),
      name: z.string(),
      role: z.enum(ROLES).nullable().meta({ description: 'Of an admin' }),
      mode: z.enum(['test', 'live']).nullable().meta({ description: 'Of a merchant’s key' }),
      scopes: z.array(z.string()).meta({ description: 'What a merchant’s key is limited to; none: to nothing' }),
      keyId: z.string(),
    }),
    temporalUi: z.object({ url: z.string(), codecEndpoint: z.string() }).nullable().meta({ description: 'For admins' }),
    createdAt: timeSchema,
    expiresAt: timeSchema,
  })
  .meta({ id: 'Session' });

export const sessionRowSchema = z
  .object({
    id: z.string(),
    object: z.literal('session'),
    browser: z.string().meta({ description: 'What it calls itself' }),
    isThis: z.boolean(),
    createdAt: timeSchema,
    seenAt: timeSchema.meta({ description: 'When a person last did something there, to a minute' }),
    expiresAt: timeSchema,
  })
  .meta({ id: 'SessionRow' });
