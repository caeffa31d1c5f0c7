/** What others do to a payout while it is under way: the bank at its PSP, our admins, the customer who asked for it. */
import { isRefusal } from '../insist.ts';
import { BANK_DEEDS, type BankDeed, type PspName } from '../psp.ts';
import type { Order, Subject } from '../scenario.ts';
import type { Site } from '../site.ts';

/** What our admins decide, and `cancel` the customer: asked of a workflow that is there. */
export const DECISIONS = ['approve', 'reject', 'hold', 'release', 'cancel'] as const;
/** What people do about a payout that went wrong. An admin's `retry` and a merchant's `reinitiate` open a new round, with a workflow of its own. */
export const REPAIRS = ['retry', 'reinitiate', 'resolve_paid', 'resolve_not_paid', 'acknowledge'] as const;
export type PersonDeed = (typeof DECISIONS)[number] | (typeof REPAIRS)[number];

export interface PayoutDeed {
  readonly does: BankDeed | PersonDeed;
  readonly attempt?: number;
  /** Tells it apart from the same deed of another time; without it the same is asked for once more. */
  readonly nth?: number;
}

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
  site: Site,
  psp: PspName,
  payout: Subject,
  { does, attempt = 1, nth }: PayoutDeed,
): Promise<'done' | 'refused'> {
  const { id } = payout;
  if (isBankDeed(does)) return await site.books.psps[psp].bank(`${id}:${attempt}`, does);
  const { path, key, body } = requestOf(site, payout, does);
  const reply = await site.here.call('POST', path, {
    key,
    body,
    idempotencyKey: [does, id, ...(nth === undefined ? [] : [nth])].join('-'),
  });
  if (reply.status === 200 || reply.status === SUFFICES[does]) return 'done';
  if (isRefusal(reply)) return 'refused';
  throw new Error(`${does} of ${id}: ${reply.status}`);
}

function requestOf(site: Site, { id, order }: { readonly id: string; readonly order: Order }, deed: PersonDeed) {
  const { does, role, body } = PEOPLE[deed];
  if (role === null) return { path: `${order.path}/${id}/${does}`, key: order.key, body: body(id) };
  return { path: `/api/admin/payouts/${id}/${does}`, key: site.adminKey(role), body: body(id) };
}

const isBankDeed = (does: PayoutDeed['does']): does is BankDeed => (BANK_DEEDS as readonly string[]).includes(does);
