/** The payouts of a run, each with its own account number, by which the PSP's behaviour is bound to it. */
import type { Behaviour } from './behaviours.ts';
import type { Books } from './books.ts';
import type { Order } from './merchant.ts';
import type { Random } from './random.ts';

/** Eleven digits before the account's last four, which name the scenario; different for every order of an installation. */
let serial = 10_000_000_000;

export function orderFor(behaviour: Behaviour, random: Random, callbackUrl: string): Order {
  serial += 1;
  const accountNumber = `${serial}${behaviour.suffix}`;
  const amount = `${100 + random.below(900)}.${10 + random.below(90)}`;
  const key = `chaos-${process.pid}-${serial}`;
  const destination = { type: 'bank', bankCode: 'HBL', accountNumber, accountTitle: 'Ayesha Khan' };
  return { key, behaviour, accountNumber, amount, body: { amount, currency: 'PKR', reference: key, destination, callbackUrl } };
}

/** Tells the PSP how to behave towards it, before it hears of it. */
export async function prepare(books: Books, { behaviour, accountNumber }: Order, more: Behaviour['faults'] = []): Promise<void> {
  for (const { kind, params = {}, times = 1 } of [...more, ...behaviour.faults])
    await books.fault(kind, params, accountNumber, times);
}
