/** Postings between owners of any kinds: one at a time or very many at once, the same books. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkInvariants } from '../../src/ledger/invariants.ts';
import { type Books, openBooks } from '../support/books.ts';

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.stop();
});

const KINDS = ['merchant', 'provider', 'user', 'platform'] as const;
const sql = async <Row>(text: string, values: unknown[] = []) => (await books.db.owner.query(text, values)).rows as Row[];

let worlds = 0;

/** So many owners of each kind, in a merchant and currency of their own; each has a million. @returns their accounts. */
async function owners(each: number): Promise<{ funding: string; accounts: string[] }> {
  worlds += 1;
  const name = `mer_post_${worlds}`;
  await sql(`INSERT INTO merchants (id, name, webhook_secret) VALUES ($1, $1, 'x')`, [name]);
  const [row] = await sql<{ id: string }>(`SELECT platform_account('test', 'funding', $1, 'PKR') AS id`, [name]);
  const funding = row?.id ?? '';
  const accounts = await sql<{ id: string }>(
    `SELECT CASE kind WHEN 'platform' THEN platform_account('test', 'fees', $1 || n, 'PKR')
                      ELSE (open_balance($1, 'test', kind, $1 || kind || n, 'PKR')).available_account END AS id
       FROM unnest($2::text[]) kind, generate_series(1, $3) n ORDER BY kind, n`,
    [name, KINDS, each],
  );
  const ids = accounts.map(({ id }) => id);
  await sql(
    `SELECT post(array_agg(('${name}:start', nth, 'FUND', $1::bigint, account, 1000000, NULL, NULL)::posting))
       FROM unnest($2::bigint[]) WITH ORDINALITY AS a (account, nth)`,
    [funding, ids],
  );
  return { funding, accounts: ids };
}

interface Posting {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
}

const posted = (key: string, accounts: readonly string[], postings: readonly Posting[]) =>
  sql(
    `SELECT post(array_agg(($1, nth, 'FUND', f, t, a, 'game', 'gam_1')::posting ORDER BY nth))
       FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS p (f, t, a, nth)`,
    [
      key,
      postings.map(({ from }) => accounts[from]),
      postings.map(({ to }) => accounts[to]),
      postings.map(({ amount }) => amount),
    ],
  );

/** What each side was after each entry, and what each balance is now; accounts by their place. */
async function told(key: string, accounts: readonly string[]): Promise<unknown> {
  const entries = await sql<Record<string, string>>(
    `SELECT debit_account, credit_account, amount, debit_available, credit_available FROM ledger_entries WHERE op_key = $1 ORDER BY leg`,
    [key],
  );
  const at = (id: string | undefined) => accounts.indexOf(id ?? '');
  const balances = await sql(
    `SELECT available, version FROM balances b JOIN unnest($1::bigint[]) WITH ORDINALITY AS a (id, nth) ON a.id = b.available_account ORDER BY nth`,
    [accounts],
  );
  return {
    entries: entries.map((each) => ({
      ...each,
      debit_account: at(each['debit_account']),
      credit_account: at(each['credit_account']),
    })),
    balances,
  };
}

/** Those that speak of entries and balances: owners that are no flow's yet have no others. */
const OF_ENTRIES = ['history_adds_up', 'balances_equal_entries', 'accounts_net_to_zero', 'entries_within_one_currency_and_mode'];
const broken = async () =>
  (await checkInvariants(books.db.pool)).filter(({ name, violations }) => OF_ENTRIES.includes(name) && violations > 0);

test('money moves between any two kinds of owner, in one entry that both can read', async () => {
  const { accounts } = await owners(2);
  const pairs = accounts.flatMap((_, from) => accounts.map((__, to) => ({ from, to, amount: 1 + from + to })));
  const postings = pairs.filter(({ from, to }) => from !== to);
  for (const [nth, posting] of postings.entries()) await posted(`pair:${nth}`, accounts, [posting]);
  expect(await broken()).toEqual([]);
});

test('many at once leave what one after the other leaves, entry by entry', async () => {
  const posting = fc.record({ from: fc.nat(7), to: fc.nat(7), amount: fc.integer({ min: 1, max: 1_000 }) });
  const several = fc.array(
    posting.filter(({ from, to }) => from !== to),
    { minLength: 1, maxLength: 40 },
  );
  await fc.assert(
    fc.asyncProperty(several, async (postings) => {
      const [together, single] = [await owners(2), await owners(2)];
      const key = `many:${worlds}`;
      await posted(key, together.accounts, postings);
      for (const [nth, each] of postings.entries()) {
        const { from, to, amount } = each;
        await sql(`SELECT post(ARRAY[($1, $2, 'FUND', $3, $4, $5, 'game', 'gam_1')::posting])`, [
          `${key}:single`,
          nth + 1,
          single.accounts[from],
          single.accounts[to],
          amount,
        ]);
      }
      expect(await told(key, together.accounts)).toEqual(await told(`${key}:single`, single.accounts));
    }),
    { numRuns: 15 },
  );
  expect(await broken()).toEqual([]);
});

test('a quarter of a million in one call, and the books are right', async () => {
  const { accounts } = await owners(250);
  await sql(
    `SELECT post(array_agg(('bulk', n, 'FUND', a[1 + n % 1000], a[1 + (n * 7 + 1) % 1000], 1 + n % 5, 'market', 'mkt_1')::posting ORDER BY n))
       FROM (SELECT $1::bigint[] AS a) accounts, generate_series(1, 250000) n WHERE a[1 + n % 1000] <> a[1 + (n * 7 + 1) % 1000]`,
    [accounts],
  );
  expect(await broken()).toEqual([]);
});

test('of postings that cannot all be, none is', async () => {
  const { accounts } = await owners(1);
  const before = await told('none', accounts);
  const all = [
    { from: 0, to: 2, amount: 10 },
    { from: 2, to: 3, amount: 2_000_000 },
  ];
  await expect(posted('none', accounts, all)).rejects.toMatchObject({ constraint: 'balances_available_not_negative' });
  await expect(posted('none', [...accounts, '999999999'], [{ from: 0, to: accounts.length, amount: 1 }])).rejects.toThrow(
    'only 0 of 1 entries',
  );
  expect(await told('none', accounts)).toEqual(before);
});

test('two that post the same accounts in other orders do not wait for each other for ever', async () => {
  const { accounts } = await owners(4);
  const there = accounts.slice(1).map((_, nth) => ({ from: nth, to: nth + 1, amount: 1 }));
  const back = there.map(({ from, to, amount }) => ({ from: to, to: from, amount })).reverse();
  const rounds = Array.from({ length: 20 }, (_, nth) => [
    posted(`there:${nth}`, accounts, there),
    posted(`back:${nth}`, accounts, back),
  ]);
  await Promise.all(rounds.flat());
  expect(await broken()).toEqual([]);
});
