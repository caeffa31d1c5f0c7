/** Users of a merchant's, over the real ledger. */
import { moveUserMoney, type UserMoneyAnswer } from '../../src/ledger/postings.ts';
import { newId } from '../../src/rules/newId.ts';
import { freeze } from '../../src/users/useCases/freeze.ts';
import type { Books, Owner } from './books.ts';

export interface TestUser {
  readonly merchantId: string;
  readonly mode: 'test' | 'live';
  readonly userId: string;
}

export interface MoveOptions {
  readonly externalId?: string;
  readonly currency?: string;
}

type Moved = Promise<UserMoneyAnswer['outcome']>;

export interface Users {
  user(merchant: Pick<Owner, 'merchantId' | 'mode'>): Promise<TestUser>;
  /** From the merchant to the user; under a name that is new each time, unless one is given. */
  credit(user: TestUser, amount: bigint, options?: MoveOptions): Moved;
  /** And back. */
  debit(user: TestUser, amount: bigint, options?: MoveOptions): Moved;
  /** Under a key that is new each time, unless one is given. */
  freeze(user: TestUser, frozen: boolean, key?: string): Promise<void>;
  /** What is available, and how many entries have touched it. */
  purse(user: TestUser, currency?: string): Promise<{ available: bigint; version: bigint }>;
  /** `type state` of each event, with what it says of the balance: `available/version`. */
  told(user: TestUser): Promise<string[]>;
}

export function usersOf({ db: { owner: sql, pool } }: Pick<Books, 'db'>): Users {
  const move = async (
    type: 'USER_CREDIT' | 'USER_DEBIT',
    user: TestUser,
    amount: bigint,
    { externalId = newId('ext'), currency = 'PKR' }: MoveOptions = {},
  ) => (await moveUserMoney(pool, { ...user, type, externalId, currency, amountMinor: String(amount) })).outcome;

  return {
    async user({ merchantId, mode }) {
      const userId = newId('usr');
      await sql.query('INSERT INTO users (id, merchant_id, mode, external_id) VALUES ($1, $2, $3, $1)', [
        userId,
        merchantId,
        mode,
      ]);
      return { merchantId, mode, userId };
    },
    credit: (user, amount, options) => move('USER_CREDIT', user, amount, options),
    debit: (user, amount, options) => move('USER_DEBIT', user, amount, options),
    async freeze(user, frozen, key = newId('chg')) {
      if ((await freeze({ pool }, { ...user, frozen, key })) !== 'done') throw new Error(`nobody to freeze: ${user.userId}`);
    },
    async purse({ userId, mode }, currency = 'PKR') {
      const { rows } = await sql.query<{ available: string; version: string }>(
        `SELECT available, version FROM balances WHERE owner_kind = 'user' AND owner_id = $1 AND mode = $2 AND currency = $3`,
        [userId, mode, currency],
      );
      return { available: BigInt(rows[0]?.available ?? 0), version: BigInt(rows[0]?.version ?? 0) };
    },
    async told({ userId }) {
      const { rows } = await sql.query<{ line: string }>(
        `SELECT concat_ws(' ', type, to_state, (object #>> '{balance,availableMinor}') || '/' || (object #>> '{balance,version}')) AS line
           FROM events WHERE subject_kind = 'user' AND subject_id = $1 ORDER BY sequence`,
        [userId],
      );
      return rows.map(({ line }) => line);
    },
  };
}
