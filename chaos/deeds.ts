/** What others do to a payout while it is under way: the bank at its PSP, our admins, the customer who asked for it. */
import { BANK_DEEDS, type BankDeed, type PersonDeed, type Step } from './behaviours.ts';
import { isRefusal } from './insist.ts';
import type { ReadyOrder } from './order.ts';
import type { World } from './world.ts';

interface Request {
  /** Below the payout's own path, the customer's or an admin's. */
  readonly does: string;
  /** Null: whoever asked for the payout. */
  readonly role: string | null;
  readonly body: (payoutId: string) => object;
}

const REASON = { reason: 'a part of the test' };

const PEOPLE: Readonly<Record<PersonDeed, Request>> = {
  approve: { does: 'approve', role: 'approver', body: () => ({}) },
  reject: { does: 'reject', role: 'approver', body: () => REASON },
  hold: { does: 'hold', role: 'operator', body: () => REASON },
  release: { does: 'release', role: 'operator', body: () => ({}) },
  retry: { does: 'retry', role: 'operator', body: () => ({}) },
  resolve_paid: { does: 'resolve', role: 'operator', body: (id) => ({ outcome: 'paid', evidence: statementOf(id) }) },
  resolve_not_paid: { does: 'resolve', role: 'operator', body: (id) => ({ outcome: 'not_paid', evidence: statementOf(id) }) },
  acknowledge: { does: 'acknowledge', role: 'operator', body: () => ({ note: 'a part of the test' }) },
  cancel: { does: 'cancel', role: null, body: () => ({}) },
  reinitiate: { does: 'reinitiate', role: null, body: () => ({}) },
};

/** Of its only attempt: nothing that has an outcome unknown gets a second one. */
const statementOf = (payoutId: string): string => `the PSP's statement, line ${payoutId}:1`;

/** A new round's workflow has it; whether a worker has taken it up does not matter. */
const SUFFICES: Readonly<Partial<Record<PersonDeed, number>>> = { retry: 202, reinitiate: 202 };

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

function requestOf({ here }: World, { id, order }: { readonly id: string; readonly order: ReadyOrder }, deed: PersonDeed) {
  const { does, role, body } = PEOPLE[deed];
  if (role === null) return { path: `${order.path}/${id}/${does}`, key: order.key, body: body(id) };
  const key = here.credentials.admins.find((each) => each.role === role)?.key ?? '';
  return { path: `/api/admin/payouts/${id}/${does}`, key, body: body(id) };
}

const isBankDeed = (does: Step['does']): does is BankDeed => (BANK_DEEDS as readonly string[]).includes(does);
