/** A merchant's money: what there is, how it came to be, and, with a test key, more of it. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { PrismaClient } from '../../generated/prisma/client.ts';
import { amountField, currencyField, mustReadAmount } from '../../http/amounts.ts';
import { idempotencyHeaders, KEY_NEEDED, readAnswers, writeAnswers } from '../../http/answers.ts';
import { overBalanceLimit } from '../../http/balanceLimit.ts';
import { type MerchantCaller, merchantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { BIGINT_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { once } from '../../http/plugins/idempotency.ts';
import { notFound } from '../../http/problem.ts';
import { moneySchema, timeSchema } from '../../http/schemas.ts';
import { ENTRY_TYPES, type EntryType, NOT_OWNERS } from '../../rules/entryKinds.ts';
import { isId } from '../../rules/ids.ts';
import { formatMajor, isCurrency } from '../../rules/money.ts';
import { newId } from '../../rules/newId.ts';

const balanceSchema = z
  .object({
    object: z.literal('balance'),
    balances: z.array(
      z.object({
        currency: z.string(),
        available: moneySchema,
        locked: moneySchema,
        total: moneySchema,
        debt: moneySchema.meta({
          description: 'What you owe for payouts that were paid when their money was gone; new money repays it first',
        }),
        version: z.int(),
      }),
    ),
  })
  .meta({ id: 'Balance' });

const entrySchema = z
  .object({
    id: z.string(),
    object: z.literal('ledger_entry'),
    type: z.enum(ENTRY_TYPES.filter((type) => type !== NOT_OWNERS)),
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
  currency: z.string().refine(isCurrency, 'Must be one of our currencies.').optional(),
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
          querystring: z.strictObject({}),
          response: readAnswers({ 200: balanceSchema }),
        },
      },
      async (request) => await readBalance(prisma, merchantOf(request)),
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
        const { currency, payoutId } = request.query;
        const page = openPage(request, request.query, BIGINT_KEY);
        const balances = await prisma.balance.findMany({
          where: { ...owned(merchantOf(request)), ...(currency ? { currency } : {}) },
          select: { id: true },
        });
        const entries = await prisma.ledgerEntry.findMany({
          where: {
            balanceId: { in: balances.map(({ id }) => id) },
            type: { not: NOT_OWNERS },
            ...(payoutId ? { payoutId } : {}),
            ...(page.after !== undefined && { id: { lt: page.after } }),
          },
          orderBy: { id: 'desc' },
          take: page.take,
        });
        const purposes = await purposesOf(prisma, entries);
        return page.answer(
          entries,
          ({ id }) => id,
          (entry) => presentEntry(entry, purposes),
        );
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
            await fund(context, caller, mustReadAmount(request.body), externalId);
            return { status: 201, body: await readBalance(prisma, caller) };
          },
        });
      },
    );
  };
}

type Tenant = Pick<MerchantCaller, 'merchantId' | 'mode'>;

const owned = ({ merchantId, mode }: Tenant) => ({ mode, ownerKind: 'merchant', ownerId: merchantId, merchantId });

async function readBalance(prisma: PrismaClient, tenant: Tenant) {
  const balances = await prisma.balance.findMany({ where: owned(tenant), orderBy: { currency: 'asc' } });
  return {
    object: 'balance',
    balances: balances.map(({ currency, available, reserved, debt, version }) => ({
      currency,
      available: formatMajor(available, currency),
      locked: formatMajor(reserved, currency),
      total: formatMajor(available + reserved, currency),
      debt: formatMajor(debt, currency),
      version: Number.parseInt(version.toString(), 10), // a count, not money
    })),
  };
}

interface EntryRow {
  readonly id: bigint;
  readonly type: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly debitAccount: bigint;
  readonly creditAccount: bigint;
  readonly payoutId: string | null;
  readonly availableAfter: bigint;
  readonly reservedAfter: bigint;
  readonly debtAfter: bigint;
  readonly at: Date;
}

/** The accounts of a page's entries, each by what it is for: `available`, `reserved`, `clearing`, `fees`, … */
async function purposesOf(prisma: PrismaClient, entries: readonly EntryRow[]): Promise<ReadonlyMap<bigint, string>> {
  const ids = [...new Set(entries.flatMap(({ debitAccount, creditAccount }) => [debitAccount, creditAccount]))];
  const accounts = await prisma.account.findMany({ where: { id: { in: ids } }, select: { id: true, purpose: true } });
  return new Map(accounts.map(({ id, purpose }) => [id, purpose]));
}

function presentEntry(entry: EntryRow, purposes: ReadonlyMap<bigint, string>) {
  const { id, type, amount, currency, debitAccount, creditAccount, payoutId, availableAfter, reservedAfter, debtAfter, at } =
    entry;
  return {
    id: `le_${id.toString().padStart(19, '0')}`, // as long as the longest, so that ids sort by time
    object: 'ledger_entry',
    type: type as EntryType,
    amount: formatMajor(amount, currency),
    currency,
    debit: purposes.get(debitAccount),
    credit: purposes.get(creditAccount),
    payoutId,
    availableAfter: formatMajor(availableAfter, currency),
    lockedAfter: formatMajor(reservedAfter, currency),
    debtAfter: formatMajor(debtAfter, currency),
    createdAt: at.toISOString(),
  };
}

async function fund(
  { ledger }: ApiContext,
  { merchantId, mode }: Tenant,
  amount: { minor: bigint; currency: string },
  externalId: string,
) {
  const { minor, currency } = amount;
  const { outcome } = await ledger.fund({ merchantId, mode, currency, amountMinor: minor.toString(), externalId });
  if (outcome === 'balance_limit') throw overBalanceLimit();
}
