/** The oracle's questions that only a provider's payout has an answer to: what became of its earnings, and who was told. */
import type { EventRow, NoticeRow } from './books.ts';
import type { Made } from './crowd.ts';
import { earnedFor, LEFT_OVER } from './orders.ts';
import { patiently } from './patience.ts';
import type { World } from './world.ts';

interface Earnings {
  readonly availableBalance: string;
  readonly reservedBalance: string;
  readonly paidOutTotal: string;
  readonly earnings: readonly { readonly amount: string; readonly status: string; readonly available: string }[];
}

/** Paid: the first earning whole, and of the second all but what is left over. Not paid, or sent back: all is there again. */
export async function earningProblems({ here }: World, { order, ends }: Made): Promise<string[]> {
  const { amount, key } = order;
  const [first, second] = earnedFor(amount);
  const isPaid = ends === 'SUCCEEDED';
  const all = ((minor(first) + minor(second)) / 100).toFixed(2);
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

const TOLD_TO_PROVIDERS = /^payout\.(succeeded|failed|returned)$/;

/** Who asked for it was told once of each end, and all that was to be told was sent. */
export function noticeProblems(events: readonly EventRow[], notices: readonly NoticeRow[], mails: ReadonlySet<string>): string[] {
  const ends = events.filter(({ type }) => TOLD_TO_PROVIDERS.test(type));
  const toProvider = notices.filter(({ audience }) => audience === 'provider').map(({ event_id }) => event_id);
  return [
    ...ends.flatMap(({ id, type }) => {
      const times = toProvider.filter((event) => event === id).length;
      return times === 1 ? [] : [`there are ${times} notices of ${type}`];
    }),
    ...(toProvider.length === ends.length ? [] : [`there are ${toProvider.length} notices of ${ends.length} ends`]),
    ...notices.flatMap(({ id, state }) => (state === 'sent' ? [] : [`notice ${id} is ${state}`])),
    ...notices.flatMap(({ id }) => (mails.has(id) ? [] : [`there is no mail of notice ${id}`])),
  ];
}

/** No mail tells of what is not to be told. */
export async function mailProblems({ books }: World): Promise<string[]> {
  const known = await books.noticeIds();
  return [...books.mails()].flatMap((id) => (known.has(id) ? [] : [`mail ${id} tells of nothing`]));
}
