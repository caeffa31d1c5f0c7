/** Whatever is said of a withdrawal in whatever order, by however many at once, its books are right at every moment. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CREDIT_ON, ON_UNFILLED } from '../../src/instant/rules/policy.ts';
import { matchBatch } from '../../src/ledger/instant.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type Instant, instantOf } from '../support/instant.ts';
import type { TestUser } from '../support/users.ts';

let books: Books;
let instant: Instant;
beforeAll(async () => {
  books = await openBooks({ connections: 20 });
  instant = instantOf(books);
});
afterAll(async () => {
  await books.expectInOrder();
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const ACTS = ['claim', 'payin', 'prove', 'expire', 'confirm', 'dispute', 'approve', 'reject', 'late', 'spend', 'tire', 'match', 'close', 'unfill', 'rest', 'bank', 'freeze'] as const; // biome-ignore format: a list
type Act = (typeof ACTS)[number];
/** What ends much is rarer, so that much happens before. */
const RARE: readonly Act[] = ['close', 'unfill', 'freeze'];
const acts = fc.array(
  fc.record({
    act: fc.oneof(
      { weight: 16, arbitrary: fc.constantFrom(...ACTS.filter((act) => !RARE.includes(act))) },
      { weight: 10, arbitrary: fc.constantFrom('claim' as const, 'prove' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...RARE) },
    ),
    at: fc.nat(2),
    who: fc.nat(3),
  }),
  { minLength: 20, maxLength: 45 },
);

const LATE = ['reject', 'credit', 'refund'] as const;

interface Play {
  readonly id: string;
  readonly payee: TestUser;
  readonly batches: readonly string[];
  readonly payers: readonly TestUser[];
}

async function play({ id, payee, batches, payers }: Play, act: Act, at: number, who: number): Promise<unknown> {
  const [batchId, payer] = [batches[at] as string, payers[who] as TestUser];
  const { rows } = await books.db.owner.query<{ id: string; batch_id: string; utr: string | null }>(
    `SELECT id, batch_id, utr FROM payins WHERE user_id = $1 AND batch_id IS NOT NULL ORDER BY id DESC LIMIT 3`,
    [payer.userId],
  );
  const payin = rows[at % Math.max(rows.length, 1)]; // maybe one whose time is over
  switch (act) {
    case 'claim':
      return await instant.tryClaim(payer, batchId);
    case 'payin':
      return await instant.tryPayin(payer, BigInt(100 + at));
    case 'prove':
      return payin && (await instant.prove(payin.batch_id, payin.id));
    case 'expire':
      return await instant.expire(batchId);
    case 'confirm':
      return await instant.confirm(batchId);
    case 'dispute':
      return await instant.dispute(batchId);
    case 'approve':
    case 'reject':
      return await instant.decide(batchId, act, who % 2 === 0);
    case 'late':
      return payin && (await instant.decideLate(payin.id, LATE[who % LATE.length] ?? 'credit', at === 0));
    case 'spend':
      return await instant.users.debit(payer, 60n, { currency: 'INR' });
    case 'tire':
      return await instant.tire(batchId);
    case 'match':
      return await matchBatch(books.db.pool, batchId);
    case 'close':
      return await instant.close(id);
    case 'unfill':
      return await instant.close(id, 'unfilled');
    case 'rest':
      return await instant.rest(id);
    case 'bank':
      return payin?.utr ? await instant.bank(payee, payin.utr, BigInt(100 + at)) : undefined;
    case 'freeze':
      return await instant.users.freeze(who === 0 ? payee : payer, at === 0);
  }
}

const policies = fc.record({
  creditOn: fc.constantFrom(...CREDIT_ON),
  onUnfilled: fc.constantFrom(...ON_UNFILLED),
  unconfirmedMost: fc.nat(2),
  reassignMost: fc.nat(2),
});

const said = (...lines: readonly (readonly [Act, at: number, who: number])[]) =>
  lines.map(([act, at, who]) => ({ act, at, who }));
const TWO_PAID = [['claim', 0, 0], ['prove', 0, 0], ['claim', 1, 1], ['prove', 0, 1], ['confirm', 0, 0]] as const; // biome-ignore format: a list
const PROOF = { creditOn: 'proof', onUnfilled: 'refund', unconfirmedMost: 2, reassignMost: 2 } as const;
/** So that it has been where it matters, whatever the dice say. */
const EXAMPLES = [
  said(...TWO_PAID),
  said(...TWO_PAID, ['spend', 0, 1], ['dispute', 1, 0]),
  said(...TWO_PAID, ['spend', 0, 1], ['dispute', 1, 0], ['reject', 1, 0], ['close', 0, 0]),
  said(...TWO_PAID, ['spend', 0, 1], ['dispute', 1, 0], ['reject', 1, 0], ['bank', 1, 1], ['late', 0, 1]), // the bank has it after all
].map((lines): [typeof lines, typeof PROOF, boolean] => [lines, PROOF, false]);

test('any order of claims, proofs, deadlines, decisions and ends leaves every unit with one owner, and each slice credited at most once', async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(acts, policies, fc.boolean(), async (lines, { onUnfilled, ...policy }, isAtOnce) => {
      const payee = await instant.user(303n);
      const payers = await Promise.all([0, 1, 2, 3].map(() => instant.user()));
      const { id, batches } = await instant.open(payee, [100n, 101n, 102n], { onUnfilled, policy: { ...policy, coolDownMs: 0 } });
      const one = { id, payee, batches, payers };
      const step = isAtOnce ? 6 : 1;
      for (let from = 0; from < lines.length; from += step)
        await Promise.all(lines.slice(from, from + step).map(({ act, at, who }) => play(one, act, at, who)));
      const whole = [
        ...(await instant.batches(id)).map(({ state, money }) => `${state} ${money}`),
        (await instant.withdrawal(id)).state,
      ];
      for (const each of whole) reached.add(each);
      expect(await books.broken()).toEqual([]);
    }),
    { numRuns: 40, examples: EXAMPLES },
  );
  for (const state of ['confirmed credited', 'rejected reversed', 'partially_paid', 'partially_completed', 'disputed'])
    expect([...reached]).toContain(state);
  const { rows } = await books.db.owner.query(
    `SELECT count(*) > 0 AS some FROM late_proofs WHERE was = 'reversed' AND decision = 'credit'`,
  );
  expect(rows).toEqual([{ some: true }]); // a bank has found it, and it was credited again
});

test('four withdrawals whose payees and payers are the same people go on side by side without a deadlock', async () => {
  const people = await Promise.all([0, 1, 2, 3].map(() => instant.user(1_000n)));
  const all = await Promise.all(
    people.map((payee) => instant.open(payee, [100n, 101n, 102n], { policy: { coolDownMs: 0 }, onUnfilled: 'psp' })),
  );
  const [drawn] = fc.sample(
    fc.array(fc.tuple(fc.nat(3), fc.constantFrom(...ACTS.filter((act) => act !== 'freeze')), fc.nat(2), fc.nat(3)), {
      minLength: 240,
      maxLength: 240,
    }),
    1,
  );
  for (let from = 0; from < 240; from += 12)
    await Promise.all(
      (drawn ?? []).slice(from, from + 12).map(([of, act, at, who]) => {
        const { id, batches, payee } = all[of] as (typeof all)[number];
        return play({ id, batches, payee, payers: people }, act, at, who);
      }),
    );
  await books.expectInOrder();
});
