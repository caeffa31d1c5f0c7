/** The payouts of a run, each with its own account number, by which the PSP's behaviour is bound to it. */
import { newProvider } from '../harness/newProvider.ts';
import type { Behaviour } from './behaviours.ts';
import { insist } from './insist.ts';
import type { Order, ReadyOrder } from './order.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** Different for every order of an installation. */
let serial = 10_000_000_000;

export function orderFor(behaviour: Behaviour, random: Random): Order {
  serial += 1;
  const number = behaviour.flow === 'merchant' ? String(serial) : String(serial).slice(-6); // Nigerian ones have ten digits
  return {
    idempotencyKey: `chaos-${process.pid}-${serial}`,
    behaviour,
    accountNumber: `${number}${behaviour.suffix}`,
    amount: `${100 + random.below(900)}.${10 + random.below(90)}`,
  };
}

/** What a provider of the harness has earned beyond what it asks for: a part of its second earning stays. */
export const LEFT_OVER = '50.00';

/** The first half, and the second with what is left over: a payout takes one whole and a part of the other. */
export function earnedFor(amount: string): readonly [first: string, second: string] {
  const minor = Number.parseInt(amount.replace('.', ''), 10);
  const half = minor >> 1;
  return [major(half), major(minor - half + Number.parseInt(LEFT_OVER.replace('.', ''), 10))];
}

const major = (minor: number): string => (minor / 100).toFixed(2);

/** Tells the PSP how to behave towards it, before it hears of it; and makes the provider who asks for it. */
export async function prepare(world: World, order: Order, more: Behaviour['faults'] = []): Promise<ReadyOrder> {
  const { behaviour, accountNumber, amount, idempotencyKey } = order;
  const psp = world.books.psps[behaviour.flow];
  for (const { kind, params = {}, times = 1 } of [...more, ...behaviour.faults])
    await psp.fault(kind, params, accountNumber, times);
  if (behaviour.flow === 'provider') {
    const key = await makeProvider(world, order);
    return { ...order, key, path: '/api/provider/payouts', body: { amount, currency: 'NGN' } };
  }
  const destination = { type: 'bank', bankCode: 'HBL', accountNumber, accountTitle: 'Ayesha Khan' };
  const body = { amount, currency: 'PKR', reference: idempotencyKey, destination, callbackUrl: world.server.url };
  return { ...order, key: world.merchantKey, path: '/api/v1/payouts', body };
}

let providers = 0;

/** Of one platform after the other. @returns the provider's key. */
async function makeProvider(world: World, order: Order): Promise<string> {
  const { behaviour, accountNumber, amount, idempotencyKey } = order;
  let calls = 0;
  const call = (method: string, path: string, { key, body }: { key: string; body: unknown }) => {
    calls += 1;
    const asked = { method, path, key, body, idempotencyKey: `${idempotencyKey}-${calls}` };
    return insist(world.here, asked, { isOver: () => world.isOver });
  };
  providers += 1;
  const platformKey = world.platformKeys[providers % world.platformKeys.length] ?? '';
  const { key } = await newProvider(call, platformKey, {
    verified: behaviour.verified,
    earned: earnedFor(amount),
    bankAccount: { bankCode: '044', accountNumber, accountName: 'Ada Obi' },
  });
  return key;
}
