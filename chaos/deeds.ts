/** What others do to a payout while it is under way: the bank at its PSP, our admins, the provider who asked for it. */
import { BANK_DEEDS, type BankDeed, type PersonDeed, type Step } from './behaviours.ts';
import { isRefusal } from './insist.ts';
import type { ReadyOrder } from './orders.ts';
import type { World } from './world.ts';

const PEOPLE: Readonly<Record<Exclude<PersonDeed, 'cancel'>, { readonly role: string; readonly body: object }>> = {
  approve: { role: 'approver', body: {} },
  reject: { role: 'approver', body: { reason: 'a part of the test' } },
  hold: { role: 'operator', body: { reason: 'a part of the test' } },
  release: { role: 'operator', body: {} },
  retry: { role: 'operator', body: {} },
};

/** A new round's workflow has it; whether a worker has taken it up does not matter. */
const SUFFICES: Readonly<Partial<Record<PersonDeed, number>>> = { retry: 202 };

/** @throws where it is not clear whether it was done: then do it again. */
export async function act(
  world: World,
  payout: { readonly id: string; readonly order: ReadyOrder },
  { does, attempt = 1 }: Step,
): Promise<'done' | 'refused'> {
  const { id, order } = payout;
  if (isBankDeed(does)) return await world.books.psps[order.behaviour.flow].bank(`${id}:${attempt}`, does);
  const { path, key, body } = requestOf(world, payout, does);
  const reply = await world.here.call('POST', path, { key, body, idempotencyKey: `${does}-${id}` });
  if (reply.status === 200 || reply.status === SUFFICES[does]) return 'done';
  if (isRefusal(reply)) return 'refused';
  throw new Error(`${does} of ${id}: ${reply.status}`);
}

function requestOf({ here }: World, { id, order }: { readonly id: string; readonly order: ReadyOrder }, does: PersonDeed) {
  if (does === 'cancel') return { path: `/api/provider/payouts/${id}/cancel`, key: order.key, body: {} };
  const { role, body } = PEOPLE[does];
  const key = here.credentials.admins.find((each) => each.role === role)?.key ?? '';
  return { path: `/api/admin/payouts/${id}/${does}`, key, body };
}

const isBankDeed = (does: Step['does']): does is BankDeed => (BANK_DEEDS as readonly string[]).includes(does);
