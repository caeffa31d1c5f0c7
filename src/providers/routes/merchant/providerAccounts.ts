/** Where a provider's payouts go. Every change is kept: a new account is a reason to look at what is asked for soon after. */
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { PrismaClient } from '../../../generated/prisma/client.ts';
import { field } from '../../../http/amounts.ts';
import { merchantOf } from '../../../http/caller.ts';
import type { ApiContext } from '../../../http/context.ts';
import { byId, documented, keyed, noQuery } from '../../../http/documented.ts';
import { plainText } from '../../../http/plainText.ts';
import { merchantAuth } from '../../../http/plugins/auth.ts';
import { once } from '../../../http/plugins/idempotency.ts';
import { invalidRequest } from '../../../http/problem.ts';
import { parseDestination } from '../../../rules/destination.ts';
import { DIRECTORY } from '../../../rules/directory.ts';
import { newId } from '../../../rules/newId.ts';
import { ACCOUNT_TITLE_MAX } from '../../../rules/text.ts';
import { providerSchema } from '../../present/schemas.ts';
import { ownProvider, presentProvider } from './providerReads.ts';

const { write } = documented('providers');

/** The codes and the numbers follow the directory; their rules stand in src/rules/destination.ts. */
const body = z
  .strictObject({
    bankCode: field({ type: 'string', examples: ['044'] }),
    accountNumber: field({ type: 'string', pattern: '^[0-9]{10,16}$', description: 'Nigeria: a NUBAN of 10 digits' }),
    accountName: plainText(1, ACCOUNT_TITLE_MAX),
  })
  .meta({ id: 'ProviderBankAccount' });

export function providerAccountRoutes(context: ApiContext): FastifyPluginAsyncZod {
  const { prisma } = context;
  return async (app) => {
    app.put(
      '/providers/:id/bank-account',
      {
        onRequest: merchantAuth(context, 'providers:write'),
        schema: {
          params: byId,
          querystring: noQuery,
          body,
          ...keyed,
          ...write('Say where a provider’s payouts go from now on; the same account again changes nothing', 200, providerSchema),
        },
      },
      async (request, reply) => {
        const caller = merchantOf(request);
        const { id } = await ownProvider(prisma, caller, request.params.id);
        return await once(context, request, reply, {
          allot: () => newId('req'),
          async execute() {
            await changeAccount(prisma, id, readAccount(request.body));
            return { status: 200, body: presentProvider(await ownProvider(prisma, caller, id)) };
          },
        });
      },
    );
  };
}

interface Account {
  readonly bankCode: string;
  readonly accountNumber: string;
  readonly accountName: string;
}

/** @throws Problem 400 */
function readAccount({ bankCode, accountNumber, accountName }: z.output<typeof body>): Account {
  const parsed = parseDestination({ type: 'bank', bankCode, accountNumber }, null, DIRECTORY, '');
  if (!parsed.ok) throw invalidRequest(parsed.errors);
  const { destination } = parsed;
  if (destination.type !== 'bank') throw new Error('asked for a bank, got a wallet');
  return { bankCode: destination.bankCode, accountNumber: destination.accountNumber, accountName };
}

/** One change at a time: of two at once, the one that comes second is the current account. */
async function changeAccount(prisma: PrismaClient, providerId: string, account: Account): Promise<void> {
  await prisma.$transaction(async (db) => {
    await db.$queryRaw`SELECT 1 FROM providers WHERE id = ${providerId} FOR NO KEY UPDATE`;
    const current = await db.providerBankAccount.findFirst({ where: { providerId }, orderBy: { id: 'desc' } });
    if (current && isSame(current, account)) return;
    await db.providerBankAccount.create({ data: { id: idAfter(current?.id), providerId, ...account } });
  });
}

const isSame = (one: Account, other: Account): boolean =>
  one.bankCode === other.bankCode && one.accountNumber === other.accountNumber && one.accountName === other.accountName;

/** The newest account is the one with the greatest id, also where the last one was entered by a machine whose clock is ahead. */
function idAfter(last: string | undefined): string {
  const id = newId('pba');
  if (last === undefined || id > last) return id;
  const next = BigInt(`0x${last.slice('pba_'.length)}`) + 1n;
  return `pba_${next.toString(16).padStart(32, '0')}`;
}
