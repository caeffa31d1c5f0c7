/** New money, late payments, returns and releases of the same owners, all at once: what is owed and what is there stay exact. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Books, type Owner, openBooks, type Provider } from '../support/books.ts';

const CALLERS = 16;
/** Each is played by all callers at once; the order in which they meet is another every time. */
const ROUNDS = 12;
const PAYOUTS = 14;

let books: Books;
beforeAll(async () => {
  books = await openBooks({ connections: CALLERS });
  await books.policy({
    minSuccesses: 0,
    maxRecentFailures: 19,
    bankChangeDays: 0,
    velocityMinRequests: 1_000_000,
    amountTimesMean: 1_000_000,
  });
});
afterAll(async () => {
  const by = await books.db.owner.query(
    `SELECT DISTINCT data ->> 'by' AS by FROM events WHERE type = 'payout.debt_repaid' ORDER BY 1`,
  );
  expect(by.rows).toEqual([{ by: 'EARNING' }, { by: 'FUND' }, { by: 'REVERSE' }]); // the races were for something
});
afterAll(async () => {
  const { rows } = await books.db.owner.query('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  expect(rows).toEqual([{ deadlocks: '0' }]);
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

/** Mulberry32: a seed that failed can be played again. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

interface Flow {
  /** What came in less what went out, by every answer that the callers got. */
  due: bigint;
}

/** Taken in together, all failed, and the money that came back spent or not: whichever is paid late meets what is there. */
async function failedPayouts(
  owner: Owner,
  roll: (sides: number) => number,
): Promise<{ id: string; whole: bigint; amount: bigint }[]> {
  const failed = [];
  for (let nth = 0; nth < PAYOUTS; nth += 1) {
    const [amount, fee] = [BigInt(1 + roll(900)), BigInt(roll(20))];
    const id = await books.payout(owner, { amount, fee });
    await books.told(id, 'attempt_started 1', 'failed 1');
    failed.push({ id, amount, whole: amount + fee });
  }
  return failed;
}

async function standing(owner: Owner): Promise<{ net: bigint; available: bigint; debt: bigint }> {
  const { available, reserved } = await books.money(owner);
  const debt = await books.debt(owner);
  return { net: available + reserved - debt, available, debt };
}

test.each(Array.from({ length: ROUNDS }, (_, seed) => [seed]))(
  'seed %i: nobody loses or gains a unit, and nobody who owes can spend what came in',
  async (seed) => {
    const roll = dice(seed + 1);
    const merchant = await books.merchant(1000n);
    const provider: Provider = await books.provider(merchant);
    const purse = await books.merchant(1_000_000n); // of another merchant: what it does must not touch these two
    const sums = new Map<Owner, Flow>([
      [merchant, { due: 1000n }],
      [provider, { due: 0n }],
      [purse, { due: 1_000_000n }],
    ]);
    const add = (owner: Owner, amount: bigint) => {
      const flow = sums.get(owner);
      if (flow) flow.due += amount;
    };
    await books.fund(merchant, 2000n);
    await books.earn(provider, 1500n);
    add(merchant, 500n);
    add(provider, 1500n);

    const acts: (() => Promise<void>)[] = [];
    for (const owner of [merchant, provider]) {
      for (const { id, amount, whole } of await failedPayouts(owner, roll)) {
        // One caller pays late and sends back, while others do the same with other payouts.
        const comesBack = roll(2) === 0;
        acts.push(async () => {
          await books.told(id, 'paid 1');
          add(owner, -whole);
          if (comesBack) {
            await books.told(id, 'returned 1');
            add(owner, amount);
          }
        });
      }
      // Reserved meanwhile, and released: no credit.
      acts.push(async () => {
        const answer = await books.reserve(owner, { amount: 50n });
        if (answer.outcome === 'reserved') await books.told(answer.payout.id, 'attempt_started 1', 'failed 1');
      });
    }
    for (let nth = 0; nth < PAYOUTS; nth += 1) {
      const amount = BigInt(1 + roll(700));
      acts.push(async () => {
        await books.fund(merchant, amount);
        add(merchant, amount);
      });
      acts.push(async () => {
        if ((await books.earn(provider, amount)).outcome !== 'posted') return;
        add(merchant, -amount);
        add(provider, amount);
      });
    }
    for (let at = acts.length - 1; at > 0; at -= 1) {
      const other = roll(at + 1);
      [acts[at], acts[other]] = [acts[other] as () => Promise<void>, acts[at] as () => Promise<void>];
    }
    let stop = false;
    const looks = (async () => {
      while (!stop) await books.expectInOrder(); // at every committed moment
    })();
    await Promise.all(acts.map((act) => act())).finally(() => {
      stop = true;
    });
    await looks;
    await books.expectInOrder();
    for (const [owner, { due }] of sums) expect({ seed, net: (await standing(owner)).net }).toEqual({ seed, net: due });
  },
);
