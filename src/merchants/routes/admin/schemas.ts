/** Merchants, their keys and their money as admins read them, for the OpenAPI document. */
import { z } from 'zod';
import { moneySchema, timeSchema } from '../../../http/schemas.ts';
import { instantPolicySchema } from '../../instantPolicy.ts';
import { pageOriginsSchema } from '../../pageOrigins.ts';

const merchantFields = {
  id: z.string(),
  object: z.literal('merchant'),
  name: z.string(),
  email: z.string().nullable().meta({ description: 'Where it is told that an endpoint was switched off; null: nowhere' }),
  active: z.boolean(),
  fee: z.object({ bps: z.int(), fixed: z.record(z.string(), moneySchema) }),
  reviewLimits: z
    .record(z.string(), moneySchema.nullable())
    .meta({ description: 'From this amount on an approver must decide; null or absent: never' }),
  flows: z
    .object({ games: z.boolean(), markets: z.boolean(), instant: z.boolean() })
    .meta({ description: 'Which it may begin: of one that is off it is answered 403 `flow_disabled`; what runs, finishes' }),
  instantPolicy: instantPolicySchema,
  pageOrigins: pageOriginsSchema,
  createdAt: timeSchema,
};
export const merchantSchema = z.object(merchantFields).meta({ id: 'Merchant' });
export const debtSchema = z
  .object({
    object: z.literal('debt'),
    merchantId: z.string(),
    mode: z.string(),
    owner: z.object({ kind: z.string(), id: z.string() }),
    currency: z.string(),
    debt: moneySchema.meta({ description: 'Repaid out of all new money of the owner, before anything else' }),
  })
  .meta({ id: 'Debt' });
export const merchantDetailSchema = z
  .object({ ...merchantFields, debts: z.array(debtSchema).meta({ description: 'Its own, and its providers’ and users’' }) })
  .meta({ id: 'MerchantDetail' });
export const newMerchantSchema = z
  .object({
    ...merchantFields,
    webhookSecret: z
      .string()
      .meta({ description: 'Shown here only; signs what goes to callbackUrls, in each mode until it is rotated there' }),
  })
  .meta({ id: 'NewMerchant' });

const keyFields = {
  id: z.string(),
  object: z.literal('api_key'),
  merchantId: z.string().nullable(),
  mode: z.string().nullable(),
  scopes: z.array(z.string()),
  prefix: z.string(),
  last4: z.string(),
  createdBy: z.string().nullable().meta({ description: 'May not approve what the key makes' }),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  revokedAt: timeSchema.nullable(),
};
export const keySchema = z.object(keyFields).meta({ id: 'ApiKey' });
export const newKeySchema = z
  .object({ ...keyFields, key: z.string().meta({ description: 'Shown here only' }) })
  .meta({ id: 'NewApiKey' });

export const fundingSchema = z
  .object({
    id: z.string(),
    object: z.literal('funding'),
    merchantId: z.string(),
    mode: z.string(),
    externalId: z.string(),
    amount: moneySchema,
    currency: z.string(),
    availableAfter: moneySchema,
    lockedAfter: moneySchema,
    createdAt: timeSchema,
  })
  .meta({ id: 'Funding' });
