/**
 * The model of instant payouts explores pure twins of the ledger's functions. Here random walks tell the real functions and the twins
 * the same, in whatever order: answers, withdrawal, slices, payins and people must be equal, or the proof would be about something else.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newWithdrawal, type InstantBooks as Twin } from '../../model/instant/books.ts';
import { randomOf } from '../../model/walk.ts';
import { type Books, openBooks } from '../support/books.ts';
import { instantOf } from '../support/instant.ts';
import { beginningOfWalk, drawInstantDeed, type InstantDeed, PURSES, type WalkedWithdrawal } from '../support/instantWalk.ts';

const COUNT = 25;
const DEEDS = 40;
/** Other amounts in each walk: a slice goes to whoever waits for one of its amount, whosever it is. */
const slicesOf = (seed: number): readonly bigint[] => [100n, 100n, 101n].map((each) => each + 10n * BigInt(seed));

let books: Books;
beforeAll(async () => {
  books = await openBooks();
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

async function begin(seed: number): Promise<WalkedWithdrawal> {
  const instant = instantOf(books);
  const agreed = {
    creditOn: (['proof', 'payee_confirmed', 'bank_matched'] as const)[seed % 3] ?? 'proof',
    unconfirmedMost: 1,
    reassignMost: 2,
    onUnfilled: seed % 2 === 0 ? ('psp' as const) : ('refund' as const),
  };
  const amounts = slicesOf(seed);
  const total = amounts.reduce((sum, each) => sum + each, 0n);
  const [payee, ...payers] = await Promise.all(PURSES.map((purse, nth) => instant.user(nth === 0 ? purse + total : purse)));
  if (!payee) throw new Error('nobody is there');
  const { onUnfilled, ...policy } = agreed;
  const { id } = await instant.open(payee, amounts, { onUnfilled, policy: { ...policy, coolDownMs: 0 } });
  const { rows } = await books.db.owner.query<{ id: string; amount: string }>(
    'SELECT id, amount::text FROM instant_batches WHERE instant_payout_id = $1 ORDER BY id', // as free_batch takes them
    [id],
  );
  return {
    books,
    instant,
    id,
    people: [payee, ...payers],
    slices: rows.map((each) => each.id),
    payins: [],
    twin: newWithdrawal({ agreed, slices: rows.map(({ amount }) => BigInt(amount)), purses: PURSES }),
  };
}

async function read({ instant, id, people, slices, payins }: WalkedWithdrawal): Promise<unknown> {
  const of = async (sql: string, ...values: unknown[]) => (await books.db.owner.query(sql, values)).rows;
  const [withdrawal] = await of(
    'SELECT state, paid::text, held::text, returned::text, handed::text, closing FROM instant_payouts WHERE id = $1',
    id,
  );
  const assignments = await of(
    `SELECT a.batch_id, a.epoch, a.payin_id, a.state FROM instant_assignments a WHERE a.batch_id = ANY ($1) ORDER BY a.epoch`,
    slices,
  );
  const rows = await of(
    `SELECT id, state, money, epoch, utr, review_reasons AS doubts FROM instant_batches WHERE instant_payout_id = $1 ORDER BY id`,
    id,
  );
  const its = await of('SELECT id, state, batch_id, utr FROM payins WHERE id = ANY ($1)', payins);
  return {
    withdrawal,
    slices: rows.map(({ id: of, ...slice }) => ({
      ...slice,
      assignments: assignments
        .filter((each) => each.batch_id === of)
        .map((each) => `${payins.indexOf(each.payin_id)} ${each.state}`),
    })),
    payins: payins.map((payin) => {
      const { state, batch_id, utr } = its.find((each) => each.id === payin);
      return { state, slice: batch_id === null ? null : slices.indexOf(batch_id), utr };
    }),
    people: await Promise.all(
      people.map(async (each) => {
        const { available, reserved, debt } = await instant.purse(each);
        return `${available} ${reserved} ${debt}`;
      }),
    ),
  };
}

const shown = ({ withdrawal, slices, payins, people, debts }: Twin): unknown => ({
  withdrawal: {
    state: withdrawal.state,
    paid: String(withdrawal.paid),
    held: String(withdrawal.held),
    returned: String(withdrawal.returned),
    handed: String(withdrawal.handed),
    closing: withdrawal.closing,
  },
  slices: slices.map(({ state, money, epoch, utr, doubts, assignments }) => ({
    state,
    money,
    epoch,
    utr,
    doubts,
    assignments: assignments.map((each) => `${each.payin} ${each.state}`),
  })),
  payins: payins.map(({ state, slice, utr }) => ({ state, slice, utr })),
  people: people.map(({ available, reserved }, nth) => {
    const debt = debts.reduce((sum, { debtor, owed }) => sum + (debtor === nth ? owed : 0n), 0n);
    return `${available} ${reserved} ${debt}`;
  }),
});

/** Else the walks would say little. */
const MUST_REACH = [
  'assigned', 'reassigned', 'sys_confirmed', 'disputed', 'confirmed', 'admin_approved', 'rejected', 'cancelled', 'late_proof', 'completed', 'partially_completed',
  'utr_used', 'proof_exists', 'already', 'late', 'in_review', 'verified', 'credited', 'matched', 'differs', 'waiting', 'duplicate', 'payer_busy', 'batch_taken', 'own_batch',
  'payee_frozen', 'bank_matched', 'stale', 'unfilled', 'decided', 'handing_over', 'hand_over', 'reserved', 'closed', 'over',
]; // biome-ignore format: a list

test(`${COUNT} random walks drive the real functions of instant payouts, and they answer as the model does`, async () => {
  const reached = new Set<string>();
  for (let seed = 1; seed <= COUNT; seed += 1) {
    const random = randomOf(seed);
    const world = await begin(seed);
    const story: string[] = [];
    const does = async ({ name, really, twin }: InstantDeed): Promise<void> => {
      const told = twin(world.twin);
      const outcome = await really();
      world.twin = told.books;
      story.push(`${name}: ${outcome}`);
      for (const { state } of [...told.books.slices, ...told.books.payins, told.books.withdrawal]) reached.add(state);
      reached.add(outcome);
      const now = await read(world);
      expect({ seed, story, outcome, now }).toEqual({ seed, story, outcome: told.outcome, now: shown(world.twin) });
    };
    for (const deed of beginningOfWalk(seed)) await does(deed(world));
    for (let count = 0; count < DEEDS; count += 1) await does(drawInstantDeed(world, random));
    expect({ seed, story, broken: await books.broken() }).toEqual({ seed, story, broken: [] });
  }
  expect(MUST_REACH.filter((each) => !reached.has(each))).toEqual([]);
}, 300_000); // a loaded machine takes its time
