/** Money between a merchant and its users: every unit is the one's or the other's, moved once under each name, and never a frozen user's. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { listEvents, type Seer } from '../../src/events/reads.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type TestUser, type Users, usersOf } from '../support/users.ts';

const CALLERS = 30;

let books: Books;
let users: Users;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
  users = usersOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));
const count = (outcomes: readonly string[], outcome: string): number => outcomes.filter((each) => each === outcome).length;

test('a credit leaves the merchant and reaches the user once, however often it is asked for; a debit brings it back once', async () => {
  const merchant = await books.merchant(5000n);
  const user = await users.user(merchant);
  const credit = () => users.credit(user, 700n, { externalId: 'in-1' });
  expect([await credit(), await credit()]).toEqual(['moved', 'already']);
  expect([await books.money(merchant), await users.purse(user)]).toEqual([
    { available: 4300n, reserved: 0n },
    { available: 700n, version: 1n },
  ]);
  const debit = () => users.debit(user, 200n, { externalId: 'out-1' });
  expect([await debit(), await debit(), await credit()]).toEqual(['moved', 'already', 'already']);
  expect([await books.money(merchant), await users.purse(user)]).toEqual([
    { available: 4500n, reserved: 0n },
    { available: 500n, version: 2n },
  ]);
});

test('other money under a name that was used is refused, not moved: another amount, currency, user or direction', async () => {
  const merchant = await books.merchant(5000n);
  await books.fund(merchant, 5000n, 'opening-usd', 'USD');
  const [user, other] = [await users.user(merchant), await users.user(merchant)];
  const externalId = 'in-1';
  await users.credit(other, 700n);
  expect(await users.credit(user, 700n, { externalId })).toBe('moved');
  expect(await users.credit(user, 701n, { externalId })).toBe('mismatch');
  expect(await users.credit(user, 700n, { externalId, currency: 'USD' })).toBe('mismatch');
  expect(await users.credit(other, 700n, { externalId })).toBe('mismatch');
  expect(await users.debit(user, 700n, { externalId })).toBe('mismatch');
  expect([(await users.purse(user)).available, (await users.purse(other)).available]).toEqual([700n, 700n]);
});

test('another merchant may use the same name, and neither its users nor live money can be reached with it', async () => {
  const [merchant, stranger] = [await books.merchant(100n), await books.merchant(100n)];
  const [user, other] = [await users.user(merchant), await users.user(stranger)];
  expect(await users.credit(user, 100n, { externalId: 'in-1' })).toBe('moved');
  expect(await users.credit(other, 100n, { externalId: 'in-1' })).toBe('moved');
  await expect(users.credit({ ...user, merchantId: stranger.merchantId }, 1n)).rejects.toThrow('is not of merchant');
  await expect(users.debit({ ...user, mode: 'live' }, 1n)).rejects.toThrow('in mode live');
  await expect(users.debit({ ...user, userId: newId('usr') }, 1n)).rejects.toThrow('is not of merchant');
});

test('nobody gives what they have not; nothing is opened or moved, and it is once the money is there', async () => {
  const merchant = await books.merchant(99n);
  const user = await users.user(merchant);
  expect(await users.credit(user, 100n, { externalId: 'in-1' })).toBe('insufficient_balance');
  expect(await users.debit(user, 1n)).toBe('insufficient_balance');
  expect(await users.credit(user, 1n, { currency: 'USD' })).toBe('insufficient_balance');
  const { rows } = await books.db.owner.query('SELECT FROM accounts WHERE owner_id = $1', [user.userId]);
  expect([rows, await users.told(user)]).toEqual([[], []]);
  await books.fund(merchant, 1n);
  expect(await users.credit(user, 100n, { externalId: 'in-1' })).toBe('moved');
  expect(await users.debit(user, 101n)).toBe('insufficient_balance');
  expect(await users.debit(user, 100n)).toBe('moved');
});

test('a frozen user neither gets money nor loses it; what was moved before is still answered, and afterwards it goes on', async () => {
  const user = await users.user(await books.merchant(1000n));
  expect(await users.credit(user, 300n, { externalId: 'in-1' })).toBe('moved');
  await users.freeze(user, true);
  expect([await users.credit(user, 1n, { externalId: 'in-2' }), await users.debit(user, 1n)]).toEqual([
    'user_frozen',
    'user_frozen',
  ]);
  expect(await users.credit(user, 300n, { externalId: 'in-1' })).toBe('already');
  expect((await users.purse(user)).available).toBe(300n);
  await users.freeze(user, false);
  expect(await users.credit(user, 1n, { externalId: 'in-2' })).toBe('moved');
  expect(await users.told(user)).toEqual([
    'user.credited ACTIVE 300/1',
    'user.frozen FROZEN',
    'user.unfrozen ACTIVE',
    'user.credited ACTIVE 301/2',
  ]);
});

test('a freeze that is asked for again after it was lifted changes nothing: its answer was lost, not its effect', async () => {
  const user = await users.user(await books.merchant(0n));
  await users.freeze(user, true, 'chg_1');
  await users.freeze(user, true, 'chg_1');
  await users.freeze(user, false, 'chg_2');
  await users.freeze(user, true, 'chg_1');
  expect(await users.told(user)).toEqual(['user.frozen FROZEN', 'user.unfrozen ACTIVE']);
});

test('a user hears what happened to them, as their merchant does, and nothing of anybody else', async () => {
  const merchant = await books.merchant(1000n);
  const [user, other] = [await users.user(merchant), await users.user(merchant)];
  await users.credit(user, 10n);
  await users.freeze(other, true);
  const heard = async (seer: Seer) => {
    const filter = { type: undefined, subject: undefined, before: undefined, take: 10 };
    return (await listEvents(books.db.pool, seer, [], filter)).map(({ type, subjectId }) => `${type} ${subjectId}`);
  };
  const [credited, frozen] = [`user.credited ${user.userId}`, `user.frozen ${other.userId}`];
  expect(await heard({ kind: 'user', id: user.userId, mode: 'test' })).toEqual([credited]);
  expect(await heard({ kind: 'user', id: other.userId, mode: 'test' })).toEqual([frozen]);
  expect(await heard({ kind: 'user', id: user.userId, mode: 'live' })).toEqual([]);
  expect(await heard({ kind: 'merchant', id: merchant.merchantId, mode: 'test' })).toEqual([frozen, credited]);
});

/** Resolves once somebody waits for what this connection holds. */
async function untilSomebodyWaitsFor(pid: number): Promise<void> {
  for (;;) {
    const { rows } = await books.db.owner.query('SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))', [pid]);
    if (rows.length > 0) return;
  }
}

test('whoever holds a user keeps a freeze waiting, and is kept waiting by one: no money moves on a look that is out of date', async () => {
  const user = await users.user(await books.merchant(1000n));
  const settlement = await books.db.owner.connect(); // stands for any function that locks its users first
  try {
    const { rows } = await settlement.query('SELECT pg_backend_pid() AS pid');
    await settlement.query('BEGIN');
    const held = await settlement.query('SELECT frozen FROM lock_users($1)', [[user.userId]]);
    expect(held.rows).toEqual([{ frozen: false }]);
    const frozen = users.freeze(user, true);
    await untilSomebodyWaitsFor(rows[0].pid);
    const credited = users.credit(user, 1n); // behind the freeze
    await settlement.query('COMMIT');
    await frozen;
    expect(await credited).toBe('user_frozen');
    const after = await settlement.query('SELECT frozen FROM lock_users($1)', [[user.userId]]);
    expect(after.rows).toEqual([{ frozen: true }]);
  } finally {
    settlement.release();
  }
});

test('users are locked in one order, whatever order they are named in: two settlements never wait for each other', async () => {
  const merchant = await books.merchant(0n);
  const all = await times(20, () => users.user(merchant));
  const ids = all.map(({ userId }) => userId);
  const { rows } = await books.db.owner.query('SELECT id FROM lock_users($1)', [[...ids].reverse()]);
  expect(rows.map(({ id }) => id)).toEqual([...ids].sort());
});

test('one credit asked for by 20 callers at once is moved once, whichever of two users they name', async () => {
  const merchant = await books.merchant(1000n);
  const [user, other] = [await users.user(merchant), await users.user(merchant)];
  const outcomes = await times(20, (n) => users.credit(n % 2 === 0 ? user : other, 300n, { externalId: 'in-1' }));
  expect([count(outcomes, 'moved'), count(outcomes, 'already'), count(outcomes, 'mismatch')]).toEqual([1, 9, 10]);
  expect(await books.money(merchant)).toEqual({ available: 700n, reserved: 0n });
});

test('of 30 debits at once of 10 times the money exactly 10 are moved, and each tells the balance of its own commit', async () => {
  const user = await users.user(await books.merchant(1000n));
  await users.credit(user, 1000n);
  const outcomes = await times(CALLERS, () => users.debit(user, 100n));
  expect([count(outcomes, 'moved'), count(outcomes, 'insufficient_balance')]).toEqual([10, 20]);
  const debits = Array.from({ length: 10 }, (_, n) => `user.debited ACTIVE ${900 - n * 100}/${n + 2}`);
  expect(await users.told(user)).toEqual(['user.credited ACTIVE 1000/1', ...debits]);
});

test('credits and debits of many users at once never deadlock, and the books are right at every moment of it', async () => {
  const merchant = await books.merchant(2000n);
  const all = await times(3, () => users.user(merchant));
  let running = true;
  const watch = (async () => {
    let looks = 0;
    for (; running; looks += 1) expect(await books.broken()).toEqual([]);
    return looks;
  })();
  await times(CALLERS - 2, async (n) => {
    const user = all[n % all.length] as TestUser;
    for (let round = 0; round < 5; round += 1) {
      await users.credit(user, BigInt(n) + 1n);
      await users.debit(user, BigInt(round) * 10n + 5n);
    }
  });
  running = false;
  expect(await watch).toBeGreaterThan(0);
  const purses = await Promise.all(all.map((user) => users.purse(user)));
  const { available } = await books.money(merchant);
  expect(purses.reduce((sum, each) => sum + each.available, available)).toBe(2000n);
});

test('what comes back from a user repays what the merchant owes, before anything else', async () => {
  const merchant = await books.merchant(1000n);
  const user = await users.user(merchant);
  const id = await books.payout(merchant, { amount: 600n });
  await books.told(id, 'attempt_started 1', 'failed 1');
  await users.credit(user, 900n);
  await books.told(id, 'paid 1'); // late: 100 are left, 500 are owed
  expect(await books.debt(merchant)).toBe(500n);
  expect(await users.debit(user, 200n)).toBe('moved');
  expect([await books.debt(merchant), await books.money(merchant)]).toEqual([300n, { available: 0n, reserved: 0n }]);
  expect(await users.debit(user, 700n)).toBe('moved');
  expect([await books.debt(merchant), await books.money(merchant)]).toEqual([0n, { available: 400n, reserved: 0n }]);
});

const LIMIT = 10n ** 18n;

test('with more than a balance may hold nothing is moved, and the name is free for a later try', async () => {
  const merchant = await books.merchant(LIMIT);
  const user = await users.user(merchant);
  expect(await users.credit(user, LIMIT)).toBe('moved');
  await books.fund(merchant, LIMIT);
  expect(await users.credit(user, 1n, { externalId: 'in-1' })).toBe('balance_limit');
  expect(await users.debit(user, 1n)).toBe('balance_limit');
  const other = await users.user(merchant);
  expect(await users.credit(other, 1n)).toBe('moved');
  expect(await users.debit(user, 1n)).toBe('moved');
  expect(await users.credit(user, 1n, { externalId: 'in-1' })).toBe('moved');
});

interface Act {
  readonly type: 'credit' | 'debit' | 'freeze' | 'free';
  readonly amount: bigint;
  readonly name: number;
}
const acts = fc.array(
  fc.record<Act>({
    type: fc.constantFrom('credit', 'credit', 'debit', 'debit', 'freeze', 'free'),
    amount: fc.bigInt({ min: 1n, max: 100n }),
    name: fc.nat(12), // some are used again
  }),
  { minLength: 5, maxLength: 30 },
);

test('whatever is moved, repeated and frozen, in whatever order, a user has what was given less what was taken, once each', async () => {
  const merchant = await books.merchant(1_000_000n);
  await fc.assert(
    fc.asyncProperty(acts, async (walk) => {
      const user = await users.user(merchant);
      const run = newId('ext'); // names of an earlier walk are taken
      const moved = new Map<number, string>();
      let [available, isFrozen] = [0n, false];
      for (const { type, amount, name } of walk) {
        if (type === 'freeze' || type === 'free') {
          isFrozen = type === 'freeze';
          await users.freeze(user, isFrozen);
          continue;
        }
        const what = `${type} ${amount}`;
        const before = moved.get(name);
        const outcome = await users[type](user, amount, { externalId: `${run}:${name}` });
        if (before !== undefined) expect(outcome).toBe(before === what ? 'already' : 'mismatch');
        else if (isFrozen) expect(outcome).toBe('user_frozen');
        else if (type === 'debit' && amount > available) expect(outcome).toBe('insufficient_balance');
        else {
          expect(outcome).toBe('moved');
          moved.set(name, what);
          available += type === 'credit' ? amount : -amount;
        }
      }
      expect(await users.purse(user)).toEqual({ available, version: BigInt(moved.size) });
    }),
    { numRuns: 60 },
  );
  await books.expectInOrder();
});
