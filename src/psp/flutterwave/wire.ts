/**
 * Flutterwave's v3 transfers on the wire, as its documentation states them (developer.flutterwave.com, Transfers) and as
 * they were seen to be. Shared by the simulator, which validates what it is sent, and the connector, which validates what
 * it gets.
 *
 * | call | takes | answers |
 * |---|---|---|
 * | `POST /transfers` | `TransferRequest` | 200 `Transfer`, nearly always `NEW`; a known reference is a 400 |
 * | `GET /transfers/:id` | | `Transfer` |
 * | `GET /transfers?reference=` (`status`, `from`, `to`, `page`) | | a list of `Transfer`, `meta.page_info` |
 * | `POST /transfers/:id/retries` | nothing | a new `Transfer` under the reference and `_RETRY_n` |
 * | `GET /transfers/:id/retries` | | a list of `Transfer` |
 * | `GET /transfers/fee?amount&currency` | | a list of `Fee` |
 * | `GET /banks/:country` | | a list of `Bank` |
 * | `POST /accounts/resolve` | `ResolveRequest` | `ResolvedAccount` |
 * | `GET /balances/:currency` | | `Balance` |
 * | callback, `POST` to the customer's URL | | `Callback`, with the secret hash itself in `verif-hash` |
 *
 * Every call carries `Authorization: Bearer <secret key>`. Every answer is an `Envelope`, refusals too; amounts are
 * numbers in major units, flags are 0 or 1, reasons are free text.
 */
import { z } from 'zod';
import { text } from '../simulator/transfer.ts';

/**
 * - `NEW`: queued; with `requires_approval` it waits for a person in the customer's dashboard
 * - `PENDING`: with the bank
 * - `SUCCESSFUL`, `FAILED`: conclusive; what a bank sends back after it was paid turns from one into the other
 */
export const STATUSES = ['NEW', 'PENDING', 'SUCCESSFUL', 'FAILED'] as const;
export type Status = (typeof STATUSES)[number];

const decimal = z
  .union([z.number(), z.string()])
  .transform(String)
  .pipe(z.string().regex(/^(0|[1-9]\d{0,14})(\.\d{1,3})?$/))
  .refine((digits) => /[1-9]/.test(digits));

/** A bank's statement shows no more of it. */
export const NARRATION_MAX = 100;

export const transferRequest = z.object({
  account_bank: z.string().regex(/^[A-Za-z0-9_-]{2,20}$/),
  account_number: z.string().regex(/^[A-Za-z0-9]{4,34}$/),
  amount: decimal,
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default('NGN'),
  /** Undocumented, but banks refuse more than printable ASCII, and say so late. */
  narration: z
    .string()
    .max(NARRATION_MAX)
    .regex(/^[\x20-\x7E]*$/)
    .nullish(),
  /** The customer's; absent: Flutterwave makes one. */
  reference: z
    .string()
    .regex(/^[\x21-\x7e]{1,100}$/)
    .nullish(),
  beneficiary_name: text(200).nullish(),
});

export const listQuery = z.object({
  page: z.coerce.number<string>().int().min(1).max(1_000_000).default(1),
  status: z.enum(STATUSES).optional(),
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  reference: text(100).optional(),
});
export const feeQuery = z.object({ amount: decimal, currency: z.string().default('NGN') });
export const resolveRequest = z.object({ account_number: text(34).min(4), account_bank: text(20).min(2) });

const amount = z.union([z.number(), z.string()]);
const flag = z.union([z.literal(0), z.literal(1), z.boolean()]).transform(Boolean);
const id = z.union([z.int().positive(), z.string().regex(/^[1-9]\d{0,18}$/)]).transform(String);

export const envelope = z.object({
  status: z.enum(['success', 'error']),
  message: z.string().catch(''),
  data: z.unknown(),
  /** Of a list. */
  meta: z
    .object({ page_info: z.object({ total_pages: z.number().catch(1) }).optional() })
    .optional()
    .catch(undefined),
});

export const transfer = z.object({
  id,
  account_number: z.string(),
  bank_code: z.string(),
  currency: z.string(),
  debit_currency: z.string().nullish(),
  amount,
  fee: amount.nullish(),
  status: z.enum(STATUSES),
  reference: z.string(),
  complete_message: z.string().nullish(),
  requires_approval: flag.catch(false),
  is_approved: flag.catch(false),
});
export type Transfer = z.output<typeof transfer>;

export const transfers = z.array(transfer);

/** The name is `full_name` in replies and `fullname` in callbacks, and nothing of ours depends on it. */
export const callback = z.object({
  event: z.string().max(100).nullish(),
  data: z.object({ id: id.nullish(), reference: z.string().max(200), status: z.string().max(50).nullish() }),
});

export const resolvedAccount = z.object({ account_number: z.string(), account_name: z.string() });
export const banks = z.array(z.object({ code: z.string(), name: z.string() }));
export const fees = z.array(z.object({ currency: z.string(), fee: amount })).min(1);
export const balance = z.object({ currency: z.string(), available_balance: amount, ledger_balance: amount });

export const HASH_HEADER = 'verif-hash';
