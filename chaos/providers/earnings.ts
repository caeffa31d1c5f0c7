/** What a provider of the harness has earned, and what must have become of it once its payout has ended. */
import { patiently } from '../patience.ts';
import type { PayoutOrder } from '../payouts/orders.ts';
import type { Made } from '../scenario.ts';
import type { Site } from '../site.ts';

/** Beyond what it asks for: a part of its second earning stays. */
const LEFT_OVER = '50.00';

/** The first half, and the second with what is left over: a payout takes one whole and a part of the other. */
export function earnedFor(amount: string): readonly [first: string, second: string] {
  const asked = minor(amount);
  const half = asked >> 1;
  return [major(half), major(asked - half + minor(LEFT_OVER))];
}

interface Earnings {
  readonly availableBalance: string;
  readonly reservedBalance: string;
  readonly paidOutTotal: string;
  readonly earnings: readonly { readonly amount: string; readonly status: string; readonly available: string }[];
}

/** Paid: the first earning whole, and of the second all but what is left over. Not paid, or sent back: all is there again. */
export async function earningProblems({ here }: Site, { order, ends }: Made<PayoutOrder>): Promise<string[]> {
  const { amount, key } = order;
  const [first, second] = earnedFor(amount);
  const isPaid = ends === 'SUCCEEDED';
  const all = major(minor(first) + minor(second));
  const wanted = [
    `${isPaid ? LEFT_OVER : all} available, 0.00 reserved, ${isPaid ? amount : '0.00'} paid out`,
    `${second} AVAILABLE ${isPaid ? LEFT_OVER : second}`,
    `${first} ${isPaid ? 'PAID_OUT 0.00' : `AVAILABLE ${first}`}`,
  ].join('; ');
  const seen = await patiently(async () => {
    const { status, body } = await here.call<Earnings>('GET', '/api/provider/earnings', { key });
    if (status !== 200) throw new Error(`earnings: ${status}`);
    return [
      `${body.availableBalance} available, ${body.reservedBalance} reserved, ${body.paidOutTotal} paid out`,
      ...body.earnings.map((each) => `${each.amount} ${each.status} ${each.available}`),
    ].join('; ');
  });
  return seen === wanted ? [] : [`its earnings are ${seen}, not ${wanted}`];
}

const minor = (amount: string): number => Number.parseInt(amount.replace('.', ''), 10);
const major = (amountMinor: number): string => (amountMinor / 100).toFixed(2);
