/**
 * The sandbox PSP's wire format, as its documentation would state it: what it takes, what it answers, what it calls
 * back with. Shared by the simulator, which validates what it is sent, and the connector, which validates what it gets.
 *
 * | call | takes | answers |
 * |---|---|---|
 * | `POST /transfers` | `TransferRequest` | 201 `Transfer`; 200 with the same transfer for the same reference and body |
 * | `GET /transfers/by-reference/:reference` | | 200 `Transfer`, 404 `not_found` |
 * | `GET /transfers/:id` | | 200 `Transfer`, 404 `not_found` |
 * | `POST /accounts/verify` | `VerifyRequest` | 200 `VerifyReply` |
 * | callback, `POST` to the customer's URL | | `Callback`, signed in `X-Signature` |
 *
 * Every call carries `Authorization: Bearer <api key>`. Every refusal is an `ErrorReply`.
 */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { TRANSFER_STATUSES, text } from '../simulator/transfer.ts';

/** Money in major units as a decimal string, never a JSON number. */
const amount = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,17})(\.[0-9]{1,8})?$/, 'a decimal string in major units, such as "1500.00"')
  .refine((text) => /[1-9]/.test(text), 'more than zero');

const name = (max: number) => text(max).min(1);
const accountNumber = z.string().regex(/^[A-Z0-9]{4,34}$/, '4 to 34 digits or capital letters');
/** A phone number, or a UPI id. */
const walletNumber = z.string().regex(/^[A-Za-z0-9._@-]{4,100}$/, '4 to 100 of A-Z a-z 0-9 . _ @ -');
const accountTitle = text(200).nullable();

const destination = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bank'), bankCode: name(20), accountNumber, accountTitle }),
  z.strictObject({ type: z.literal('wallet'), walletCode: name(20), accountNumber: walletNumber, accountTitle }),
]);
export type WireDestination = z.infer<typeof destination>;

/** The remittance line of ISO 20022. */
export const NARRATION_MAX = 140;

export const transferRequest = z.strictObject({
  /** The customer's key: the same reference is the same transfer, for ever. */
  reference: z.string().regex(/^[A-Za-z0-9_:.-]{1,100}$/, '1 to 100 of A-Z a-z 0-9 _ : . -'),
  amount,
  currency: z.string().regex(/^[A-Z]{3}$/, 'three capital letters'),
  destination,
  narration: z
    .string()
    .max(NARRATION_MAX)
    .regex(/^[\x20-\x7E]*$/, 'printable ASCII')
    .nullable(),
});
export type TransferRequest = z.infer<typeof transferRequest>;

export const transfer = z.object({
  id: z.string(),
  reference: z.string(),
  status: z.enum(TRANSFER_STATUSES),
  /** Why it is held, failed or returned: one word of the PSP. */
  reason: z.string().nullable(),
  amount: z.string(),
  currency: z.string(),
  destination,
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Transfer = z.infer<typeof transfer>;

export const verifyRequest = z.strictObject({ destination });
export const verifyReply = z.object({
  valid: z.boolean(),
  accountTitle: z.string().nullable(),
  reason: z.string().nullable(),
});
export type VerifyRequest = z.infer<typeof verifyRequest>;
export type VerifyReply = z.infer<typeof verifyReply>;

/** Refusals. `reference_reused` (409): this reference was used for another transfer, so something *was* accepted under it. */
export const ERROR_CODES = [
  'invalid_request', 'unauthorized', 'not_found', 'reference_reused', 'rate_limited', 'internal_error',
] as const; // biome-ignore format: a list
export type ErrorCode = (typeof ERROR_CODES)[number];
export const errorReply = z.object({ error: z.object({ code: z.enum(ERROR_CODES), message: z.string() }) });
export type ErrorReply = z.infer<typeof errorReply>;

export const callback = z.object({
  /** The same on every delivery of the same event. */
  id: z.string().min(1).max(100),
  type: z.string().max(100),
  createdAt: z.string(),
  data: z.object({
    id: z.string(),
    reference: z.string().max(200),
    status: z.enum(TRANSFER_STATUSES),
    amount: z.string(),
    currency: z.string(),
    reason: z.string().nullable(),
  }),
});
export type Callback = z.infer<typeof callback>;

export const SIGNATURE_HEADER = 'x-signature';

/** `sha256=<hex HMAC-SHA256 of the raw body>`. */
export function signature(rawBody: string | Buffer, secret: string): string {
  return `sha256=${createHmac('sha256', secret).update(rawBody).digest('hex')}`;
}
