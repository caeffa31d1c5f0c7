/** A merchant's money: what there is, how it came to be, and, with a test key, more of it. */

import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { amountField, currencyField, mustReadAmount } from '../../http/amounts.ts';
import { idempotencyHeaders, KEY_NEEDED, readAnswers, writeAnswers } from '../../http/answers.ts';
import { overBalanceLimit } from '../../http/balanceLimit.ts';
import { balanceSchema, readBalance } from '../../http/balances.ts';
import { merchantOf, ownerOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { noQuery } from '../../http/documented.ts';
import { BIGINT_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { notFound } from '../../http/problem.ts';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { type EntryType, OWNERS_TYPES } from '../../rules/entryKinds.ts';
import { isId, ledgerEntryId } from '../../rules/ids.ts';
import { formatMajor, isCurrency, NO_CURRENCY } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';
import { ownedBy } from '../../rules/owner.ts';
import { fund } from '../useCases/fund.ts';

const entrySchema = z
  .object({
    id: z.string(),
    object: z.literal('ledger_entry'),
    type: z.enum(OWNERS_TYPES),
    amount: moneySchema,
    currency: z.string(),
    debit: z.string(),
    credit: z.string(),
    payoutId: z.string().nullable(),
    availableAfter: moneySchema,
    lockedAfter: moneySchema,
    debtAfter: moneySchema,
    createdAt: timeSchema,
  })
  .meta({ id: 'LedgerEntry' });

const historyQuery = z.strictObject({
  ...pageQuery,
  currency: z.string().refine(isCurrency, NO_CURRENCY).optional(),
  payoutId: z
    .string()
    .refine((text) => isId('po', text), 'Must be the id of a payout.')
    .optional(),
});

export function balanceRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  const onRequest = merchantAuth(context, 'balance:read');
  return async (app) => {
    app.get(
      '/balance',
      {
        onRequest,
        schema: {
          operationId: 'getBalance',
          summary: 'What is available and what is locked, by currency',
          tags: ['balance'],
          security: KEY_NEEDED,
          querystring: noQuery,
          response: readAnswers({ 200: balanceSchema }),
        },
      },
      async (request) => {
        const caller = merchantOf(request);
        return await readBalance(prisma, ownerOf(caller), caller.mode);
      },
    );

    app.get(
      '/balance/history',
      {
        onRequest,
        schema: {
          operationId: 'getBalanceHistory',
          summary: 'Every movement of your money, newest first',
          tags: ['balance'],
          security: KEY_NEEDED,
          querystring: historyQuery,
          response: readAnswers({ 200: listSchema(entrySchema) }),
        },
      },
      async (request) => {
        const caller = merchantOf(request);
        const { currency, payoutId } = request.query;
        const page = openPage(request, request.query, BIGINT_KEY);
        const balances = await prisma.balance.findMany({
          where: { mode: caller.mode, ...ownedBy('merchant', caller.merchantId), ...(currency ? { currency } : {}) },
          select: { id: true },
        });
        const { rows } = await context.pool.query<EntryRow>(HISTORY, [
          balances.map(({ id }) => id),
          page.after ?? null,
          payoutId ?? null,
          page.take,
        ]);
        return page.answer(rows, ({ id }) => BigInt(id), presentEntry);
      },
    );

    app.post(
      '/test/balance/fund',
      {
        onRequest: merchantAuth(context, 'payouts:write'),
        schema: {
          operationId: 'fundTestBalance',
          summary: 'More test money',
          tags: ['balance'],
          security: KEY_NEEDED,
          headers: idempotencyHeaders,
          body: z.strictObject({ amount: amountField, currency: currencyField }),
          response: writeAnswers({ 201: balanceSchema }, 404),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        if (caller.mode !== 'test') throw notFound();
        return await once(context, request, reply, {
          allot: () => newId('fund'),
          execute: async (externalId) => {
            const { minor, currency } = mustReadAmount(request.body);
            const money = { currency, amountMinor: minor.toString(), externalId };
            const { outcome } = await fund(context, { merchantId: caller.merchantId, mode: caller.mode, ...money });
            if (outcome === 'balance_limit') throw overBalanceLimit();
            return { status: 201, body: await readBalance(prisma, ownerOf(caller), caller.mode) };
          },
        });
      },
    );
  };
}

const LAST_ID = 2n ** 63n - 1n;

/**
 * The newest entries of these balances, on either side, with the owner's balance after each: of each balance two walks down
 * two indexes, the only ones that have this order.
 */
const ofSide = (side: 'debit' | 'credit') => `
    SELECT own.* FROM unnest($1::bigint[]) AS b (id) CROSS JOIN LATERAL (
      SELECT id, type, amount, currency, debit_account, credit_account, subject_kind, subject_id, at,
             ${side}_available AS available, ${side}_reserved AS reserved, ${side}_debt AS debt
        FROM ledger_entries x
       WHERE x.${side}_balance >= b.id AND (x.${side}_balance, x.id) < (b.id, coalesce($2::bigint, ${LAST_ID})) AND ($3::text IS NULL OR x.subject_id = $3)
       ORDER BY x.${side}_balance DESC, x.id DESC LIMIT $4) own`;
const HISTORY = `
  SELECT e.id, e.type, e.amount, e.currency, e.available, e.reserved, e.debt, e.at, CASE e.subject_kind WHEN 'payout' THEN e.subject_id END AS "payoutId",
         ${['d', 'c'].map((side) => `CASE WHEN ${side}.owner_kind IN ('platform', 'merchant') THEN '' ELSE ${side}.owner_kind || ':' END || ${side}.purpose`).join(' AS debit, ')} AS credit
    FROM (SELECT * FROM (${ofSide('debit')} UNION ALL ${ofSide('credit')}) u ORDER BY u.id DESC LIMIT $4) e
    JOIN accounts d ON d.id = e.debit_account
    JOIN accounts c ON c.id = e.credit_account
   ORDER BY e.id DESC`;

interface EntryRow {
  readonly id: string;
  readonly type: EntryType;
  readonly amount: string;
  readonly currency: string;
  /** What each account is for: `available`, `reserved`, `clearing`, `fees`, …; another owner's with its kind. */
  readonly debit: string;
  readonly credit: string;
  readonly payoutId: string | null;
  readonly available: string;
  readonly reserved: string;
  readonly debt: string;
  readonly at: Date;
}

function presentEntry({ id, type, currency, debit, credit, payoutId, at, ...amounts }: EntryRow) {
  const major = (minor: string) => formatMajor(BigInt(minor), currency);
  return {
    id: ledgerEntryId(id),
    object: 'ledger_entry' as const,
    type,
    amount: major(amounts.amount),
    currency,
    debit,
    credit,
    payoutId,
    availableAfter: major(amounts.available),
    lockedAfter: major(amounts.reserved),
    debtAfter: major(amounts.debt),
    createdAt: at.toISOString(),
  };
}
