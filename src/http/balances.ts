/** What an owner has: the same answer for a merchant and for its users. */
import { z } from 'zod';
import type { PrismaClient } from '../generated/prisma/client.ts';
import type { Mode } from '../payouts/rules/contract.ts';
import { formatMajor } from '../rules/money.ts';
import { type Owner, ownedBy } from '../rules/owner.ts';
import { moneySchema } from './schemas.ts';

export const balanceSchema = z
  .object({
    object: z.literal('balance'),
    balances: z.array(
      z.object({
        currency: z.string(),
        available: moneySchema,
        locked: moneySchema,
        total: moneySchema,
        debt: moneySchema.meta({
          description: 'What is owed, because money was paid when it was gone already; new money repays it first',
        }),
        version: z.int().meta({ description: 'Counts up with every movement' }),
      }),
    ),
  })
  .meta({ id: 'Balance' });

export async function readBalance(prisma: PrismaClient, { kind, id }: Owner, mode: Mode): Promise<z.infer<typeof balanceSchema>> {
  const balances = await prisma.balance.findMany({ where: { mode, ...ownedBy(kind, id) }, orderBy: { currency: 'asc' } });
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
