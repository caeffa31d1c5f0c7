/** What providers earn and are paid out of: every unit is the merchant's, available, reserved or paid, and only once. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EDGES, type FactType } from '../../src/payouts/rules/machine.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks, type Provider } from '../support/books.ts';

const CALLERS = 30;

let books: Books;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
  await books.policy({ minSuccesses: 0, velocityMinRequests: 1_000_000, maxRecentFailures: 19, amountTimesMean: 1_000_000 });
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
const count = (answers: readonly { outcome: string }[], outcome: string): number =>
  answers.filter((each) => each.outcome === outcome).length;

test('an earning leaves the merchant and reaches the provider once, however often it is posted', async () => {
  const merchant = await books.merchant(5000n);
  const provider = await books.provider(merchant);
  const first = await books.earn(provider, 700n, { externalId: 'order-1' });
  const again = await books.earn(provider, 700n, { externalId: 'order-1' });
  expect([first.outcome, again]).toEqual(['posted', { ...first, outcome: 'already' }]);
  expect(await books.money(merchant)).toEqual({ available: 4300n, reserved: 0n });
  expect(await books.money(provider)).toEqual({ available: 700n, reserved: 0n });
  expect(await books.earnings(provider)).toEqual(['700/700']);
});

test('an earning posted again with other money or for another provider is refused, not booked', async () => {
  const merchant = await books.merchant(5000n);
  await books.fund(merchant, 5000n, 'opening-usd', 'USD');
  const [provider, other] = [await books.provider(merchant), await books.provider(merchant)];
  await books.earn(provider, 700n, { externalId: 'order-1' });
  expect(await books.earn(provider, 701n, { externalId: 'order-1' })).toEqual({ outcome: 'mismatch' });
  expect(await books.earn(provider, 700n, { externalId: 'order-1', currency: 'USD' })).toEqual({ outcome: 'mismatch' });
  expect(await books.earn(other, 700n, { externalId: 'order-1' })).toEqual({ outcome: 'mismatch' });
  expect(await books.money(merchant)).toEqual({ available: 4300n, reserved: 0n });
  expect(await books.money(other)).toEqual({ available: 0n, reserved: 0n });
});

test('another merchant may use the same name for an earning, and test money never becomes live', async () => {
  const provider = await books.provider(await books.merchant(100n));
  const other = await books.provider(await books.merchant(100n));
  expect((await books.earn(provider, 100n, { externalId: 'order-1' })).outcome).toBe('posted');
  expect((await books.earn(other, 100n, { externalId: 'order-1' })).outcome).toBe('posted');
  await expect(books.earn({ ...provider, merchantId: other.merchantId }, 1n)).rejects.toThrow('is not of merchant');
  await expect(books.earn({ ...provider, mode: 'live' }, 1n)).rejects.toThrow('in mode live');
  await expect(books.reserve({ ...provider, merchantId: other.merchantId }, { amount: 1n })).rejects.toThrow(
    'is not of merchant',
  );
  await expect(books.reserve({ ...provider, mode: 'live' }, { amount: 1n })).rejects.toThrow('in mode live');
});

test('a merchant cannot give what it has not; nothing changes, and it may once the money is there', async () => {
  const merchant = await books.merchant(99n);
  const provider = await books.provider(merchant);
  expect(await books.earn(provider, 100n, { externalId: 'order-1' })).toEqual({ outcome: 'insufficient_balance' });
  expect([await books.money(merchant), await books.earnings(provider)]).toEqual([{ available: 99n, reserved: 0n }, []]);
  await books.fund(merchant, 1n);
  expect((await books.earn(provider, 100n, { externalId: 'order-1' })).outcome).toBe('posted');
  expect(await books.money(merchant)).toEqual({ available: 0n, reserved: 0n });
});

test('one earning posted by 20 callers at once is posted once; of 20 for 10 times the money, exactly 10 are', async () => {
  const merchant = await books.merchant(1_300n);
  const [provider, other] = [await books.provider(merchant), await books.provider(merchant)];
  const same = await times(20, (n) => books.earn(n % 2 === 0 ? provider : other, 300n, { externalId: 'order-1' }));
  expect([count(same, 'posted'), count(same, 'already'), count(same, 'mismatch')]).toEqual([1, 9, 10]);
  const many = await times(20, (n) => books.earn(n % 2 === 0 ? provider : other, 100n));
  expect([count(many, 'posted'), count(many, 'insufficient_balance')]).toEqual([10, 10]);
  expect(await books.money(merchant)).toEqual({ available: 0n, reserved: 0n });
});

test('earnings are used oldest first, the last in part, the fee counted in; a repeat takes none again', async () => {
  const provider = await books.provider(await books.merchant(5000n), 300n, 500n, 1000n);
  const first = await books.payout(provider, { amount: 590n, fee: 10n });
  expect(await books.earnings(provider)).toEqual(['0/300', '200/500', '1000/1000']);
  expect(await books.uses(first)).toEqual(['1 reserved 300', '1 reserved 300']);
  const repeat = await books.reserve(provider, { payoutId: first, amount: 590n, fee: 10n });
  expect(repeat.outcome).toBe('already');
  const second = await books.payout(provider, { amount: 201n });
  expect(await books.uses(second)).toEqual(['1 reserved 200', '1 reserved 1']);
  expect(await books.earnings(provider)).toEqual(['0/300', '0/500', '999/1000']);
  expect(await books.money(provider)).toEqual({ available: 999n, reserved: 801n });
});

test('more than the available earnings is refused and changes nothing; the last unit can be paid out', async () => {
  const provider = await books.provider(await books.merchant(5000n), 300n, 500n);
  expect((await books.reserve(provider, { amount: 800n, fee: 1n })).outcome).toBe('insufficient_balance');
  expect((await books.reserve(await books.provider(provider), { amount: 1n })).outcome).toBe('insufficient_balance');
  expect(await books.earnings(provider)).toEqual(['300/300', '500/500']);
  const id = await books.payout(provider, { amount: 799n, fee: 1n });
  expect(await books.uses(id)).toEqual(['1 reserved 300', '1 reserved 500']);
});

test('currencies are apart: earnings in one do not pay in another', async () => {
  const merchant = await books.merchant(1000n);
  await books.fund(merchant, 1000n, 'opening-ngn', 'NGN');
  const provider = await books.provider(merchant, 400n);
  await books.earn(provider, 600n, { currency: 'NGN' });
  expect((await books.reserve(provider, { amount: 401n })).outcome).toBe('insufficient_balance');
  const id = await books.payout(provider, { amount: 500n, currency: 'NGN' });
  expect(await books.uses(id)).toEqual(['1 reserved 500']);
  expect(await books.earnings(provider)).toEqual(['400/400', '100/600']);
});

test('a paid payout pays its earnings out, once; the record names the provider as its owner', async () => {
  const provider = await books.provider(await books.merchant(5000n), 300n, 500n);
  const id = await books.payout(provider, { amount: 390n, fee: 10n });
  await books.told(id, 'attempt_started 1');
  const first = await books.tell(id, 'paid', { attempt: 1, key: 'paid:1' });
  const again = await books.tell(id, 'paid', { attempt: 1, key: 'paid:1' });
  expect([first.outcome, again.outcome, (await books.tell(id, 'paid', { attempt: 1 })).outcome]).toEqual([
    'applied', 'already', 'unchanged',
  ]); // biome-ignore format: one glance
  expect(first.payout.owner).toEqual({ kind: 'provider', id: provider.providerId });
  expect(await books.entries(id)).toEqual(['RESERVE 400', 'SETTLE 390', 'FEE 10']);
  expect(await books.uses(id)).toEqual(['1 paid_out 300', '1 paid_out 100']);
  expect(await books.earnings(provider)).toEqual(['0/300', '400/500']);
});

test.each([
  ['failed', ['attempt_started 1', 'failed 1']],
  ['cancelled', ['cancelled']],
] as const)('a payout that is %s makes its earnings available again, once', async (last, facts) => {
  const provider = await books.provider(await books.merchant(5000n), 300n, 500n);
  const id = await books.payout(provider, { amount: 390n, fee: 10n });
  await books.told(id, ...facts);
  await books.tell(id, last, { attempt: 1 });
  expect(await books.uses(id)).toEqual(['1 released 300', '1 released 100']);
  expect(await books.earnings(provider)).toEqual(['300/300', '500/500']);
  expect(await books.money(provider)).toEqual({ available: 800n, reserved: 0n });
});

test('a payout tried again takes the earnings that are there then', async () => {
  const provider = await books.provider(await books.merchant(5000n), 300n, 500n);
  const id = await books.payout(provider, { amount: 400n });
  await books.told(id, 'attempt_started 1', 'failed 1');
  const between = await books.payout(provider, { amount: 350n });
  await books.told(id, 'reinitiated');
  expect((await books.tell(id, 'reinitiated')).outcome).toBe('wrong_state');
  expect(await books.uses(between)).toEqual(['1 reserved 300', '1 reserved 50']);
  expect(await books.uses(id)).toEqual(['1 released 300', '1 released 100', '2 reserved 400']);
  await books.told(id, 'attempt_started 2', 'failed 2');
  expect(await books.uses(id)).toEqual(['1 released 300', '1 released 100', '2 released 400']);
  expect((await books.reserve(provider, { amount: 451n })).outcome).toBe('insufficient_balance');
  await books.payout(provider, { amount: 450n });
  expect((await books.tell(id, 'reinitiated')).outcome).toBe('insufficient_balance');
});

test('a payment sent back by the bank makes its amount available again, not its fee', async () => {
  const provider = await books.provider(await books.merchant(5000n), 300n, 500n);
  const id = await books.payout(provider, { amount: 390n, fee: 10n });
  await books.told(id, 'attempt_started 1', 'paid 1', 'returned 1');
  expect((await books.tell(id, 'returned', { attempt: 1 })).outcome).toBe('unchanged');
  expect(await books.uses(id)).toEqual(['1 released 300', '1 paid_out 10', '1 released 90']);
  expect(await books.earnings(provider)).toEqual(['300/300', '490/500']);
  expect(await books.money(provider)).toEqual({ available: 790n, reserved: 0n });
});

test("paid after it failed: what is left of the earnings is paid out, the rest is the provider's debt, not the merchant's", async () => {
  const merchant = await books.merchant(5000n);
  const provider = await books.provider(merchant, 300n, 500n);
  const id = await books.payout(provider, { amount: 690n, fee: 10n });
  await books.told(id, 'attempt_started 1', 'failed 1');
  await books.payout(provider, { amount: 400n });
  const late = await books.told(id, 'paid 1');
  expect([late.state, late.needsOperator]).toEqual(['SUCCEEDED', true]);
  expect(await books.uses(id)).toEqual(['1 released 300', '1 paid_out 400', '1 released 400']);
  expect(await books.money(provider)).toEqual({ available: 0n, reserved: 400n });
  expect([await books.debt(provider), await books.debt(merchant)]).toEqual([300n, 0n]);

  await books.told(id, 'returned 1'); // the debt first; the 10 of the fee are not given back
  expect(await books.uses(id)).toEqual(['1 released 300', '1 paid_out 10', '1 released 790']);
  expect(await books.money(provider)).toEqual({ available: 390n, reserved: 400n });
  expect(await books.debt(provider)).toBe(0n);
});

test('paid after it failed with all the earnings still there: no debt, and the fee is paid too', async () => {
  const provider = await books.provider(await books.merchant(5000n), 300n, 500n);
  const id = await books.payout(provider, { amount: 390n, fee: 10n });
  await books.told(id, 'attempt_started 1', 'failed 1', 'paid 1');
  expect(await books.uses(id)).toEqual(['1 paid_out 300', '1 released 300', '1 paid_out 100', '1 released 100']);
  expect(await books.earnings(provider)).toEqual(['0/300', '400/500']);
  expect(await books.debt(provider)).toBe(0n);
});

test('paid after it failed with nothing left: all of it is a debt', async () => {
  const provider = await books.provider(await books.merchant(5000n), 300n);
  const id = await books.payout(provider, { amount: 290n, fee: 10n });
  await books.told(id, 'attempt_started 1', 'failed 1');
  await books.payout(provider, { amount: 300n });
  await books.told(id, 'paid 1');
  expect([await books.uses(id), await books.debt(provider)]).toEqual([['1 released 300'], 300n]);
});

test('30 requests at once for 10 times the earnings: exactly 10 are taken in, and no unit is promised twice', async () => {
  const provider = await books.provider(await books.merchant(10_000n), 1n, 999n, 333n, 333n, 334n);
  const answers = await times(CALLERS, () => books.reserve(provider, { amount: 190n, fee: 10n }));
  expect([count(answers, 'reserved'), count(answers, 'insufficient_balance')]).toEqual([10, 20]);
  expect(await books.money(provider)).toEqual({ available: 0n, reserved: 2000n });
  expect(await books.earnings(provider)).toEqual(['0/1', '0/999', '0/333', '0/333', '0/334']);
});

test('20 identical requests at once make one payout out of its earnings', async () => {
  const provider = await books.provider(await books.merchant(10_000n), 300n, 300n);
  const payoutId = newId('po');
  const answers = await times(20, () => books.reserve(provider, { payoutId, amount: 400n }));
  expect([count(answers, 'reserved'), count(answers, 'already')]).toEqual([1, 19]);
  expect(await books.uses(payoutId)).toEqual(['1 reserved 300', '1 reserved 100']);
});

test('earnings come, payouts go out, fail and come back all at once, and the sums are right at every moment of it', async () => {
  const merchant = await books.merchant(100_000n);
  const [one, other] = [await books.provider(merchant, 3000n), await books.provider(merchant, 3000n)];
  let running = true;
  const watch = (async () => {
    let looks = 0;
    for (; running; looks += 1) expect(await books.broken()).toEqual([]);
    return looks;
  })();
  await times(CALLERS - 2, async (n) => {
    const provider = n % 2 === 0 ? one : other;
    if (n % 4 < 2) return void (await books.earn(provider, BigInt(n) + 1n));
    const answer = await books.reserve(provider, { amount: 210n, fee: 5n });
    if (!('payout' in answer)) return;
    const { id } = answer.payout;
    await books.told(id, 'attempt_started 1', n % 3 === 0 ? 'failed 1' : 'paid 1');
    await books.told(id, n % 3 === 0 ? 'paid 1' : 'returned 1');
  });
  running = false;
  expect(await watch).toBeGreaterThan(0);
});

/** Facts that are legal from QUEUED on, of the newest attempt; the walk takes what comes. */
const facts = fc.constantFrom(...new Set(EDGES.map(({ fact }) => fact))) as fc.Arbitrary<FactType>;
type Act =
  | { readonly type: 'earn'; readonly amount: bigint }
  | { readonly type: 'ask'; readonly amount: bigint; readonly fee: bigint }
  | { readonly type: 'tell'; readonly which: number; readonly facts: readonly FactType[] };
const money = fc.bigInt({ min: 1n, max: 500n });
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    { arbitrary: fc.record({ type: fc.constant('earn' as const), amount: money }), weight: 2 },
    { arbitrary: fc.record({ type: fc.constant('ask' as const), amount: money, fee: fc.bigInt({ min: 0n, max: 20n }) }), weight: 3 },
    { arbitrary: fc.record({ type: fc.constant('tell' as const), which: fc.nat(20), facts: fc.array(facts, { minLength: 1, maxLength: 8 }) }), weight: 5 },
    { arbitrary: fc.record({ type: fc.constant('tell' as const), which: fc.nat(20), facts: fc.constantFrom<FactType[]>(
      ['attempt_started', 'paid'], ['attempt_started', 'failed'], ['failed', 'paid'], ['paid', 'returned'], ['reinitiated', 'attempt_started', 'failed'],
    ) }), weight: 5 },
  ),
  { minLength: 5, maxLength: 25 },
); // biome-ignore format: one line an act

async function perform(provider: Provider, act: Act, payouts: string[]): Promise<void> {
  if (act.type === 'earn') return void (await books.earn(provider, act.amount));
  if (act.type === 'ask') {
    const answer = await books.reserve(provider, act);
    if ('payout' in answer) payouts.push(answer.payout.id);
    return;
  }
  const id = payouts[act.which % Math.max(payouts.length, 1)];
  for (const type of id === undefined ? [] : act.facts) {
    const { attempt, attemptOpen } = (await books.ledger.read(id as string)) ?? { attempt: 0, attemptOpen: false };
    const next = type === 'attempt_started' && !attemptOpen ? attempt + 1 : attempt;
    await books.tell(id as string, type, { attempt: Math.max(next, 1), adminId: 'adm_1', psp: 'other' });
  }
}

test('whatever is earned, asked for and told, in whatever order, earnings and balance are the same money', async () => {
  const merchant = await books.merchant(10_000_000n);
  await fc.assert(
    fc.asyncProperty(acts, async (walk) => {
      const provider = await books.provider(merchant, 500n);
      const payouts: string[] = [];
      for (const act of walk) await perform(provider, act, payouts);
      const { rows } = await books.db.owner.query<{ available: bigint; used: bigint }>(
        `SELECT coalesce(sum(e.available), 0) AS available,
                (SELECT coalesce(sum(u.amount), 0) FROM earning_uses u JOIN earnings x ON x.id = u.earning_id WHERE x.provider_id = $1 AND u.state = 'reserved') AS used
           FROM earnings e WHERE e.provider_id = $1`,
        [provider.providerId],
      );
      const { available, reserved } = await books.money(provider);
      expect([BigInt(rows[0]?.available ?? 0), BigInt(rows[0]?.used ?? 0)]).toEqual([available, reserved]);
    }),
    { numRuns: 100 },
  );
  await books.expectInOrder();
});
