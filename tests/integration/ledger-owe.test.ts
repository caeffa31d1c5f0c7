/** What an owner owes to another: repaid by its first new money, and not the creditor's before, so that nobody is paid from nothing. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { entryInvariants } from '../../src/ledger/entryInvariants.ts';
import type { FlowChecks } from '../../src/ledger/invariant.ts';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { payoutChecks } from '../../src/payouts/invariants.ts';
import { providerChecks } from '../../src/providers/invariants.ts';
import { newId } from '../../src/rules/newId.ts';
import { userChecks } from '../../src/users/invariants.ts';
import { type Books, type Owner, openBooks } from '../support/books.ts';
import { type TestUser, type Users, usersOf } from '../support/users.ts';

const CALLERS = 20;

/** A flow that takes back what it gave: what there is at once, the rest is owed to the merchant's bank. */
const TAKE_BACK = `
  CREATE FUNCTION take_back(p_user text, p_amount bigint, p_subject text) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    u users;
    b balances;
    bank balances;
  BEGIN
    SELECT * INTO STRICT u FROM lock_users(ARRAY[p_user]);
    bank := open_balance(u.merchant_id, u.mode, 'bank', u.merchant_id, 'PKR');
    b := open_balance(u.merchant_id, u.mode, 'user', u.id, 'PKR');
    PERFORM 1 FROM balances x WHERE x.id IN (b.id, bank.id) ORDER BY x.id FOR NO KEY UPDATE;
    SELECT * INTO STRICT b FROM balances x WHERE x.id = b.id;
    SELECT * INTO STRICT bank FROM balances x WHERE x.id = bank.id;
    IF b.available > 0 THEN
      PERFORM post(ARRAY[('void:' || p_subject, 0, 'USER_DEBIT', b.available_account, bank.available_account, least(b.available, p_amount), 'game', p_subject)::posting]);
    END IF;
    IF b.available < p_amount THEN PERFORM owe('void:' || p_subject, 1, b, bank, p_amount - b.available, 'game', p_subject); END IF;
  END $$`;

const games: FlowChecks = {
  invariants: [],
  entryKeys: [
    { subjectKind: 'game', keys: { USER_DEBIT: `op_key = 'void:' || subject_id`, DEBT: `op_key = 'void:' || subject_id` } },
  ],
};

let books: Books;
let users: Users;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
  users = usersOf(books);
  await books.db.owner.query(TAKE_BACK);
});
afterAll(async () => {
  const checks = entryInvariants([payoutChecks, providerChecks, userChecks, games]);
  expect((await checkInvariants(books.db.pool, checks)).filter(({ violations }) => violations > 0)).toEqual([]);
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const takeBack = (user: TestUser, amount: bigint, subject = newId('gam')) =>
  books.db.owner.query('SELECT take_back($1, $2, $3)', [user.userId, String(amount), subject]);

async function standing({ userId, merchantId }: TestUser): Promise<{ available: bigint; debt: bigint; bank: bigint }> {
  const { rows } = await books.db.owner.query<{ owner_kind: string; available: string; debt: string }>(
    `SELECT owner_kind, available, debt FROM balances WHERE owner_id IN ($1, $2) AND owner_kind IN ('user', 'bank')`,
    [userId, merchantId],
  );
  const of = (kind: string) => rows.find(({ owner_kind }) => owner_kind === kind);
  return {
    available: BigInt(of('user')?.available ?? 0),
    debt: BigInt(of('user')?.debt ?? 0),
    bank: BigInt(of('bank')?.available ?? 0),
  };
}

async function poorUser(merchant: Owner, available: bigint): Promise<TestUser> {
  const user = await users.user(merchant);
  if (available > 0n) await users.credit(user, available);
  return user;
}

test('who has spent what is taken back owes the rest; the bank has it only once new money has repaid it', async () => {
  const user = await poorUser(await books.merchant(10_000n), 30n);
  await takeBack(user, 100n);
  expect(await standing(user)).toEqual({ available: 0n, debt: 70n, bank: 30n });
  expect(await users.credit(user, 50n)).toBe('moved');
  expect(await standing(user)).toEqual({ available: 0n, debt: 20n, bank: 80n });
  expect(await users.debit(user, 1n)).toBe('insufficient_balance');
  expect(await users.credit(user, 50n)).toBe('moved');
  expect(await standing(user)).toEqual({ available: 30n, debt: 0n, bank: 100n });
  expect((await users.told(user)).slice(-2)).toEqual(['user.credited ACTIVE 0/5', 'user.credited ACTIVE 30/7']);
});

test('several debts are repaid the oldest first, each by entries that name its subject', async () => {
  const user = await poorUser(await books.merchant(10_000n), 0n);
  const [first, second] = [newId('gam'), newId('gam')];
  await takeBack(user, 40n, first);
  await takeBack(user, 60n, second);
  await users.credit(user, 70n, { externalId: 'in-1' });
  const { rows } = await books.db.owner.query(
    `SELECT leg, type, amount::int, subject_id FROM ledger_entries WHERE op_key = $1 AND leg > 0 ORDER BY leg`,
    [`user_money:${user.merchantId}:test:in-1`],
  );
  expect(rows).toEqual([
    { leg: 2, type: 'REPAY', amount: 40, subject_id: first },
    { leg: 3, type: 'REPAID', amount: 40, subject_id: first },
    { leg: 4, type: 'REPAY', amount: 30, subject_id: second },
    { leg: 5, type: 'REPAID', amount: 30, subject_id: second },
  ]);
  expect(await standing(user)).toEqual({ available: 0n, debt: 30n, bank: 70n });
});

test('money comes, goes and is taken back all at once, and every unit is somewhere', async () => {
  const merchant = await books.merchant(5_000n);
  const all = await Promise.all([1, 2, 3].map(() => poorUser(merchant, 100n)));
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, n) => {
      const user = all[n % all.length] as TestUser;
      for (let round = 1; round <= 4; round += 1) {
        await users.credit(user, BigInt(n * round) + 1n);
        if (n % 2 === 0) await takeBack(user, 90n);
        else await users.debit(user, 20n);
      }
    }),
  );
  const now = await Promise.all(all.map(standing));
  const { available } = await books.money(merchant);
  expect(now.reduce((sum, each) => sum + each.available, available + (now[0]?.bank ?? 0n))).toBe(5_000n);
});

test('a provider, whose balance is made of earnings, neither owes nor is owed in this way', async () => {
  const merchant = await books.merchant(1_000n);
  const provider = await books.provider(merchant, 10n);
  const user = await poorUser(merchant, 1n);
  await expect(owe(provider.providerId, user.userId, 1n)).rejects.toThrow('cannot owe');
  await expect(owe(user.userId, provider.providerId, 1n)).rejects.toThrow('cannot owe');
});

test('a merchant that owes can be owed, and what it is repaid is its own: it repays nothing of what the merchant owes', async () => {
  const merchant = await books.merchant(100n);
  const paidLate = await books.payout(merchant, { amount: 100n });
  await books.told(paidLate, 'attempt_started 1', 'failed 1');
  const user = await poorUser(merchant, 100n);
  await books.told(paidLate, 'paid 1'); // its money is gone: the merchant owes 100
  await users.debit(user, 70n); // a credit of the merchant's, which repays 70 of them
  await books.db.owner.query(
    `SELECT owe('void:gam_owed', 0, d, c, 50, 'game', 'gam_owed') FROM balances d, balances c WHERE d.owner_id = $1 AND c.owner_id = $2`,
    [user.userId, merchant.merchantId],
  );
  await books.db.owner.query(
    `SELECT credit('fund:to_user', 0, 'FUND', lock_for_credit(id), platform_account('test', 'funding', '', 'PKR'), 20, NULL, NULL)
       FROM balances WHERE owner_id = $1`,
    [user.userId],
  );
  expect(await books.money(merchant)).toEqual({ available: 20n, reserved: 0n });
  expect([await books.debt(merchant), (await standing(user)).debt]).toEqual([30n, 30n]);
});

test('two users of two merchants may owe each other: each is repaid by the other’s new money, and by no money twice', async () => {
  const [one, other] = [await poorUser(await books.merchant(1_000n), 1n), await poorUser(await books.merchant(1_000n), 1n)];
  await owe(one.userId, other.userId, 30n);
  await owe(other.userId, one.userId, 50n);
  expect([await standing(one), await standing(other)]).toMatchObject([
    { available: 1n, debt: 30n },
    { available: 1n, debt: 50n },
  ]);
  expect(await users.credit(one, 40n)).toBe('moved'); // 30 of it to the other, whose own it was: it repays nothing there
  expect([await standing(one), await standing(other)]).toMatchObject([
    { available: 11n, debt: 0n },
    { available: 31n, debt: 50n },
  ]);
  expect(await users.credit(other, 60n)).toBe('moved');
  expect([await standing(one), await standing(other)]).toMatchObject([
    { available: 61n, debt: 0n },
    { available: 41n, debt: 0n },
  ]);
});

let owings = 0;
async function owe(debtor: string, creditor: string, amount: bigint): Promise<void> {
  owings += 1;
  const subject = `gam_${owings}`;
  await books.db.owner.query(
    `SELECT owe('void:' || $4::text, 1, d, c, $3, 'game', $4) FROM balances d, balances c WHERE d.owner_id = $1 AND c.owner_id = $2`,
    [debtor, creditor, amount, subject],
  );
}
