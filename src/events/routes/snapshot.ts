/**
 * What whoever hears events needs who does not know what they have missed: a merchant, what it has and how its payouts stand;
 * a user, what they have. Numbers only: what is behind them, lists show.
 */
import { z } from 'zod';
import { balanceSchema, readBalance } from '../../http/balances.ts';
import type { ApiContext } from '../../http/context.ts';
import { tookTooLong } from '../../http/plugins/outages.ts';
import { moneySchema } from '../../http/schemas.ts';
import { payoutTotals } from '../../payouts/reads.ts';
import { PUBLIC_STATUS, type PublicStatus } from '../../payouts/rules/machine.ts';
import { formatMajor } from '../../rules/money.ts';
import type { Seer } from '../reads.ts';

const totalSchema = z.object({ status: z.string(), currency: z.string(), count: z.int(), amount: moneySchema });

export const snapshotSchema = z
  .object({
    object: z.literal('snapshot'),
    balances: balanceSchema.shape.balances,
    payouts: z.array(totalSchema).nullable().optional().meta({
      description: "A merchant's own payouts by status and currency; null where there are too many to be counted in time",
    }),
  })
  .meta({ id: 'Snapshot' });

type Total = z.infer<typeof totalSchema>;

export async function snapshotOf(context: ApiContext, { kind, id, mode }: Seer): Promise<z.infer<typeof snapshotSchema>> {
  const { balances } = await readBalance(context.prisma, { kind, id }, mode);
  const snapshot = { object: 'snapshot', balances } as const;
  return kind === 'merchant' ? { ...snapshot, payouts: await totalsOf(context, { merchantId: id, mode }) } : snapshot;
}

async function totalsOf({ pool }: ApiContext, tenant: Parameters<typeof payoutTotals>[1]): Promise<Total[] | null> {
  try {
    const totals = new Map<string, { status: PublicStatus; currency: string; count: number; amountMinor: bigint }>();
    for (const { state, currency, count, amountMinor } of await payoutTotals(pool, tenant)) {
      const status = PUBLIC_STATUS[state];
      const total = totals.get(`${status} ${currency}`) ?? { status, currency, count: 0, amountMinor: 0n };
      total.count += count;
      total.amountMinor += BigInt(amountMinor);
      totals.set(`${status} ${currency}`, total);
    }
    return [...totals.values()].map(({ amountMinor, ...total }) => ({
      ...total,
      amount: formatMajor(amountMinor, total.currency),
    }));
  } catch (error) {
    if (tookTooLong(error)) return null; // it goes on with what it has: without a reset it could never resume
    throw error;
  }
}
