/** What became of a user's money: every transaction, in the words of either API, and what came of the user's games. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { UserStats } from '../../generated/prisma/client.ts';
import { merchantOf } from '../../http/caller.ts';
import type { ApiContext } from '../../http/context.ts';
import { byId, documented, statusQuery } from '../../http/documented.ts';
import { BIGINT_KEY, listSchema, openPage, pageQuery } from '../../http/paging.ts';
import { merchantAuth } from '../../http/plugins/auth.ts';
import { formatMajor, isCurrency, NO_CURRENCY } from '../../rules/money.ts';
import { legacyTransactionSchema, statsSchema, transactionSchema } from '../present/schemas.ts';
import { presentLegacyTransaction, presentTransaction } from '../present/transaction.ts';
import { listTransactions } from '../reads.ts';
import { entryTypesOf, TRANSACTION_TYPES } from '../rules/transactions.ts';
import { ownUser } from './userReads.ts';

const { read } = documented('users');

const currency = z.string().refine(isCurrency, NO_CURRENCY).optional();

const PRESENT = { enhanced: presentTransaction, legacy: presentLegacyTransaction } as const;

const query = z.strictObject({
  ...pageQuery,
  format: z
    .enum(['enhanced', 'legacy'])
    .default('enhanced')
    .meta({ description: 'The whole record, or the shorter one of before' }),
  type: statusQuery(TRANSACTION_TYPES),
  currency,
});

export function userHistoryRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma, pool } = context;
  const onRequest = merchantAuth(context, 'users:read');

  return async (app) => {
    app.get(
      '/users/:id/transactions',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: query,
          ...read('A user’s transactions, newest first', listSchema(z.union([transactionSchema, legacyTransactionSchema]))),
        },
      },
      async (request) => {
        const caller = merchantOf(request);
        const { format, type, currency } = request.query;
        const page = openPage(request, request.query, BIGINT_KEY);
        const { id: userId } = await ownUser(prisma, caller, request.params.id);
        const filter = { entryTypes: entryTypesOf(type), currency, before: page.after, take: page.take };
        const transactions = await listTransactions(pool, { mode: caller.mode, userId }, filter);
        const present = PRESENT[format];
        return page.answer(
          transactions,
          ({ entryId }) => BigInt(entryId),
          (transaction) => present(transaction, userId),
        );
      },
    );

    app.get(
      '/users/:id/stats',
      {
        onRequest,
        schema: {
          params: byId,
          querystring: z.strictObject({ currency }),
          ...read('What came of a user’s games and markets', statsSchema),
        },
      },
      async (request) => {
        const { id: userId } = await ownUser(prisma, merchantOf(request), request.params.id);
        const rows = await prisma.userStats.findMany({ where: { userId }, orderBy: [{ games: 'desc' }, { currency: 'asc' }] });
        const asked = request.query.currency ?? rows[0]?.currency ?? null;
        const { currency, ...shown } = presentStats(rows.find((row) => row.currency === asked) ?? none(asked));
        return { object: 'user_stats' as const, userId, currency, ...shown, byCurrency: rows.map(presentStats) };
      },
    );
  };
}

type Sum = 'wagered' | 'paid' | 'committed' | 'distributed';
/** A sum as the database has it, or none. */
type Minor = Pick<UserStats[Sum], 'toFixed'>;
type Stats = Omit<UserStats, 'userId' | 'currency' | Sum> & Readonly<Record<Sum, Minor>>;

const none = (currency: string | null): Stats & { currency: string | null } => ({
  currency, games: 0, won: 0, lost: 0, wagered: 0, paid: 0, markets: 0, marketsWon: 0, committed: 0, distributed: 0,
}); // biome-ignore format: one glance

function presentStats<Code extends string | null>(row: Stats & { currency: Code }) {
  const { currency, games, won, lost, wagered, paid, markets, marketsWon, committed, distributed } = row;
  const major = (minor: Minor) => (currency === null ? minor.toFixed(0) : formatMajor(BigInt(minor.toFixed(0)), currency));
  return {
    currency,
    games,
    won,
    lost,
    wagered: major(wagered),
    paid: major(paid),
    markets,
    marketsWon,
    committed: major(committed),
    distributed: major(distributed),
  };
}
