/** The API over the books: two merchants with money, an admin of each role, and payouts put into the books as workflows would. */
import type { Mode } from '../../src/payouts/rules/contract.ts';
import { ROLES, type Role } from '../../src/rules/roles.ts';
import { type Books, openBooks } from './books.ts';
import { type Door, type Merchant, openDoor, type TestAdmin } from './door.ts';

export type Admins = Readonly<Record<Role, TestAdmin>>;

export async function everyRole(door: Door): Promise<Admins> {
  const admins = await Promise.all(ROLES.map(async (role) => [role, await door.admin(role)] as const));
  return Object.fromEntries(admins) as Record<Role, TestAdmin>;
}

export interface DoorWorld extends Door {
  readonly books: Books;
  readonly admins: Admins;
  readonly a: Merchant;
  readonly b: Merchant;
  /** A payout of this merchant, in review if `inReview`. */
  payoutOf(merchant: Merchant, options?: { mode?: Mode; inReview?: boolean; makerId?: string | null }): Promise<string>;
}

export async function openDoorWorld(env: Record<string, string> = {}): Promise<DoorWorld> {
  const books = await openBooks();
  const door = await openDoor({ db: books.db, env });
  const [a, b] = [await door.merchant(), await door.merchant()];
  for (const { id: merchantId } of [a, b]) {
    for (const mode of ['test', 'live'] as const) await books.fund({ merchantId, mode }, 10_000_000n);
  }
  return {
    ...door,
    books,
    admins: await everyRole(door),
    a,
    b,
    payoutOf: ({ id: merchantId }, { mode = 'test', inReview = false, makerId = null } = {}) =>
      books.payout(
        { merchantId, mode },
        { makerId, reviewReasons: inReview ? [{ code: 'amount_over_limit', detail: 'over the limit' }] : [] },
      ),
    async stop() {
      await door.stop();
      await books.stop();
    },
  };
}
