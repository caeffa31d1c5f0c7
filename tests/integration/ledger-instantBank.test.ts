/** Every disagreement between what a payee's bank says and what the books say ends in agreement, or before an operator: never in silence. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listBankCredits, listDisputes, listLateProofs, type OpenBankCredit } from '../../src/instant/reads.ts';
import { decideBankCredit } from '../../src/ledger/instant.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type Instant, instantOf, newUtr, type OpenOptions } from '../support/instant.ts';
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

const onConfirmation = { policy: { creditOn: 'payee_confirmed' } } as const;

interface Slice {
  readonly id: string;
  readonly batchId: string;
  readonly payinId: string;
  readonly payee: TestUser;
  readonly payer: TestUser;
  readonly utr: string;
}

/** A withdrawal of one slice that one payer has. */
async function claimed(options: OpenOptions = {}): Promise<Slice> {
  const [payee, payer] = [await instant.user(100n), await instant.user()];
  const { id, batches } = await instant.open(payee, [100n], options);
  const batchId = batches[0] as string;
  return { id, batchId, payee, payer, payinId: await instant.claim(payer, batchId), utr: newUtr() };
}

/** Its proof was rejected before anybody was credited. */
async function rejected(): Promise<Slice> {
  const slice = await claimed(onConfirmation);
  await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr });
  await instant.decide(slice.batchId, 'reject');
  return slice;
}

/** The payer was credited, has spent so much, and an operator has taken the credit back. */
async function reversed(spent = 0n): Promise<Slice> {
  const slice = await claimed();
  await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr });
  if (spent > 0n) await instant.users.debit(slice.payer, spent, { currency: 'INR' });
  await instant.dispute(slice.batchId);
  await instant.decide(slice.batchId, 'reject');
  return slice;
}

/** Shown when nobody was to pay it any more. */
async function late(): Promise<Slice> {
  const slice = await claimed();
  await instant.close(slice.id);
  await instant.expire(slice.batchId);
  await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr });
  return slice;
}

const stands = async ({ payinId }: Slice): Promise<string> => (await instant.payin(payinId)).state;
const both = async ({ payer, payee }: Slice) => [await instant.purse(payer), await instant.purse(payee)];

/** Which payins wait for an operator. */
const waiting = async (): Promise<string[]> =>
  (await listLateProofs(books.db.pool, { after: undefined, take: 1_000 })).map(({ payin }) => payin.id);

test('money that the bank has is no failed deposit: after a rejection an operator decides again, and the payer is credited', async () => {
  const slice = await rejected();
  expect(await stands(slice)).toBe('failed');
  expect(await instant.bank(slice.payee, slice.utr, 100n)).toBe('matched');
  expect(await stands(slice)).toBe('late_proof');
  expect(await waiting()).toContain(slice.payinId);
  expect([await instant.decideLate(slice.payinId, 'credit'), await instant.decideLate(slice.payinId, 'credit')]).toEqual([
    'decided',
    'already',
  ]);
  expect(await stands(slice)).toBe('completed');
  expect(await both(slice)).toMatchObject([{ available: 100n }, { available: 0n, debt: 0n }]);
});

test('a late proof that was rejected comes back before an operator when the bank tells of it, and its slice with it', async () => {
  const slice = await late();
  await instant.decideLate(slice.payinId, 'reject');
  expect([await stands(slice), (await instant.batch(slice.batchId)).state]).toEqual(['failed', 'cancelled']);
  expect(await instant.bank(slice.payee, slice.utr, 100n)).toBe('matched');
  expect([await stands(slice), (await instant.batch(slice.batchId)).state]).toEqual(['late_proof', 'late_proof']);
  expect(await instant.decideLate(slice.payinId, 'credit')).toBe('decided');
  expect([await stands(slice), (await instant.batch(slice.batchId)).state]).toEqual(['completed', 'cancelled']);
  expect(await both(slice)).toMatchObject([{ available: 100n }, { available: 0n }]);
});

test('what a bank told before a late proof belongs to that proof, and does not wait for ever', async () => {
  const slice = await claimed();
  await instant.close(slice.id);
  await instant.expire(slice.batchId);
  await instant.bank(slice.payee, slice.utr, 100n);
  await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr });
  const { rows } = await books.db.owner.query('SELECT state, batch_id FROM bank_credits WHERE utr = $1', [slice.utr]);
  expect(rows).toEqual([{ state: 'matched', batch_id: slice.batchId }]);
});

test('a credit that was taken back of what was paid: the payer owes nothing of it any more, and has what the payee was given', async () => {
  const slice = await reversed(70n);
  expect(await both(slice)).toMatchObject([{ available: 0n, debt: 70n }, { available: 30n }]);
  await instant.bank(slice.payee, slice.utr, 100n);
  expect(await stands(slice)).toBe('late_proof');
  expect(await instant.decideLate(slice.payinId, 'credit')).toBe('decided');
  expect(await both(slice)).toEqual([
    { available: 30n, reserved: 0n, debt: 0n },
    { available: 0n, reserved: 0n, debt: 0n },
  ]);
});

test('part of such a debt was repaid before: the payee gives back what was had, or owes it, to the unit', async () => {
  const slice = await reversed(70n);
  await books.fund(slice.payer, 1_000n, newId('ext'), 'INR');
  await instant.users.credit(slice.payer, 50n, { currency: 'INR' }); // repaid: 20 are owed
  await instant.users.debit(slice.payee, 60n, { currency: 'INR' }); // spent: 20 are left
  await instant.bank(slice.payee, slice.utr, 100n);
  await instant.decideLate(slice.payinId, 'credit');
  expect(await both(slice)).toEqual([
    { available: 20n, reserved: 0n, debt: 0n },
    { available: 0n, reserved: 0n, debt: 60n },
  ]);
  await instant.users.credit(slice.payee, 60n, { currency: 'INR' });
  expect(await both(slice)).toMatchObject([{ available: 80n }, { available: 0n, debt: 0n }]);
});

test('refunded in cash, or rejected against the bank’s word, it stands as before: and its merchant hears no end twice', async () => {
  for (const make of [rejected, reversed, late] as const)
    for (const decision of ['refund', 'reject'] as const) {
      const slice = await make();
      if (make === late) await instant.decideLate(slice.payinId, 'reject');
      const before = await stands(slice);
      const purses = await both(slice);
      await instant.bank(slice.payee, slice.utr, 100n);
      if (decision === 'reject') expect(await instant.decideLate(slice.payinId, decision)).toBe('bank_matched');
      expect(await instant.decideLate(slice.payinId, decision, true)).toBe('decided');
      expect([await stands(slice), await both(slice)]).toEqual([before, purses]);
      expect(await instant.bank(slice.payee, slice.utr, 100n)).toBe('duplicate');
      expect(await stands(slice)).toBe(before);
    }
});

test('nobody rejects, without saying so, what the bank has: an operator who looked before the bank’s word came is told', async () => {
  const slice = await claimed({ policy: { creditOn: 'bank_matched' } });
  await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr });
  await instant.dispute(slice.batchId);
  expect(await instant.bank(slice.payee, slice.utr, 100n)).toBe('matched');
  expect(await instant.decide(slice.batchId, 'reject')).toBe('bank_matched');
  expect((await instant.batch(slice.batchId)).state).toBe('disputed');
  expect(await instant.decide(slice.batchId, 'reject', true)).toBe('rejected');
  expect(await stands(slice)).toBe('failed');
});

test('a slice that a late payer or the bank proves paid before its payout has begun: the payer has the money, and the payout takes the rest alone', async () => {
  const onRest = { ...onConfirmation, onUnfilled: 'psp' } as const;
  for (const make of ['rejected', 'late'] as const) {
    const [payee, payer, other] = [await instant.user(300n), await instant.user(), await instant.user()];
    const { id, batches } = await instant.open(payee, [100n, 200n], onRest);
    const [batchId = '', still = ''] = batches;
    const payinId = await instant.claim(payer, batchId);
    await instant.claim(other, still);
    const utr = newUtr();
    if (make === 'rejected') {
      await instant.prove(batchId, payinId, { utr });
      await instant.decide(batchId, 'reject');
    } else {
      await instant.close(id, 'unfilled');
      await instant.expire(batchId);
      await instant.prove(batchId, payinId, { utr });
    }
    await instant.bank(payee, utr, 100n);
    expect((await instant.withdrawal(id)).state).toBe('open'); // the other slice has its payer
    expect(await instant.decideLate(payinId, 'credit')).toBe('decided');
    expect([await instant.purse(payer), await instant.purse(payee)]).toEqual([
      { available: 100n, reserved: 0n, debt: 0n },
      { available: 0n, reserved: 200n, debt: 0n },
    ]);
    if (make === 'rejected') await instant.close(id, 'unfilled');
    await instant.expire(still);
    expect(await instant.rest(id)).toBe('handed reserved');
    expect(await instant.withdrawal(id)).toMatchObject({ state: 'partially_completed' });
  }
});

test('no payout of the rest begins while the bank has a late payment that nobody has decided of: once somebody has, it takes what is left', async () => {
  for (const decision of ['credit', 'refund'] as const) {
    const [payee, payer] = [await instant.user(100n), await instant.user()];
    const { id, batches } = await instant.open(payee, [100n], { onUnfilled: 'psp' });
    const [batchId = ''] = batches;
    const payinId = await instant.claim(payer, batchId);
    await instant.close(id, 'unfilled');
    await instant.expire(batchId);
    const utr = newUtr();
    await instant.prove(batchId, payinId, { utr });
    await instant.bank(payee, utr, 100n);
    expect(await instant.rest(id)).toBe('waiting');
    expect(await instant.decideLate(payinId, decision)).toBe('decided');
    const credited = decision === 'credit';
    expect([await instant.rest(id), (await instant.purse(payer)).available, (await instant.purse(payee)).debt]).toEqual(
      credited ? ['over', 100n, 0n] : ['handed reserved', 0n, 0n],
    );
  }
});

test('a slice whose late payer was credited while another had it is in no payout: what it holds repays what the payee came to owe', async () => {
  const [payee, payer, other] = [await instant.user(100n), await instant.user(), await instant.user()];
  const { id, batches } = await instant.open(payee, [100n], { ...onConfirmation, onUnfilled: 'psp' });
  const [batchId = ''] = batches;
  const payinId = await instant.claim(payer, batchId);
  await instant.expire(batchId);
  await instant.claim(other, batchId);
  await instant.prove(batchId, payinId);
  expect(await instant.decideLate(payinId, 'credit')).toBe('decided');
  expect(await instant.purse(payee)).toEqual({ available: 0n, reserved: 100n, debt: 100n });
  await instant.close(id, 'unfilled');
  expect(await instant.expire(batchId)).toBe('unfilled');
  expect([await instant.rest(id), await instant.purse(payer), await instant.purse(payee)]).toEqual([
    'over',
    { available: 100n, reserved: 0n, debt: 0n },
    { available: 0n, reserved: 0n, debt: 0n },
  ]);
});

test('what was paid back in cash, credited already, or confirmed is what the bank says: nobody is asked', async () => {
  const refunded = await late();
  await instant.decideLate(refunded.payinId, 'refund');
  const credited = await late();
  await instant.decideLate(credited.payinId, 'credit');
  for (const slice of [refunded, credited]) {
    const before = await stands(slice);
    expect(await instant.bank(slice.payee, slice.utr, 100n)).toBe('matched');
    expect(await stands(slice)).toBe(before);
    expect(await waiting()).not.toContain(slice.payinId);
  }
});

test('told five times while an operator rejects and decides, a payin is before an operator once, or stands as decided: never both', async () => {
  for (let round = 0; round < 6; round += 1) {
    const slice = await claimed(onConfirmation);
    await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr });
    await instant.dispute(slice.batchId);
    await Promise.all([
      instant.decide(slice.batchId, 'reject'),
      ...Array.from({ length: 5 }, () => instant.bank(slice.payee, slice.utr, 100n)),
    ]);
    const state = await stands(slice);
    expect(['late_proof', 'proof_submitted']).toContain(state); // whichever was first, an operator has it
    if (state === 'proof_submitted') expect((await instant.batch(slice.batchId)).state).toBe('disputed');
    await Promise.all([1, 2, 3].map(() => instant.decideLate(slice.payinId, 'credit')));
    await instant.decide(slice.batchId, 'approve');
    expect(await both(slice)).toMatchObject([{ available: 100n }, { available: 0n }]);
  }
});

test('whoever dies while telling or deciding has done nothing, and the repeat does it once', async () => {
  const slice = await rejected();
  const dying = await books.db.owner.connect();
  const dyingAt = async (text: string, request: object): Promise<void> => {
    await dying.query('BEGIN');
    await dying.query(text, [JSON.stringify(request)]);
    await dying.query('ROLLBACK');
  };
  try {
    await dyingAt('SELECT record_bank_credit($1)', {
      ...slice.payee,
      bankCreditId: newId('bcr'),
      utr: slice.utr,
      currency: 'INR',
      amountMinor: '100',
      creditedAt: '2026-11-29T22:00:00.000Z',
    });
    expect(await stands(slice)).toBe('failed');
    expect(await instant.bank(slice.payee, slice.utr, 100n)).toBe('matched');
    await dyingAt('SELECT decide_late_proof($1)', { payinId: slice.payinId, decision: 'credit', actor: 'admin:adm_1' });
    expect([await stands(slice), (await instant.purse(slice.payer)).available]).toEqual(['late_proof', 0n]);
    expect(await instant.decideLate(slice.payinId, 'credit')).toBe('decided');
    expect((await instant.purse(slice.payer)).available).toBe(100n);
  } finally {
    dying.release();
  }
});

/** What operators see of this UTR among what fits nothing. */
const listed = async (utr: string): Promise<OpenBankCredit | undefined> =>
  (await listBankCredits(books.db.pool, { after: undefined, take: 1_000 })).find((each) => each.utr === utr);

const lookAt = async (bankCreditId: string): Promise<string> =>
  (await decideBankCredit(books.db.pool, { bankCreditId, note: 'a gift', actor: 'admin:adm_1' })).outcome;

test('money that arrived and that nobody has shown is before an operator until one has looked, or until a proof fits it', async () => {
  const [payee, gift] = [await instant.user(), newUtr()];
  expect(await instant.bank(payee, gift, 100n)).toBe('waiting');
  const { id = '', ...shown } = (await listed(gift)) ?? {};
  expect(shown).toMatchObject({ status: 'waiting', amountMinor: '100', batchId: null, other: null });
  expect([await lookAt(id), await lookAt(id), await lookAt(newId('bcr'))]).toEqual(['decided', 'already', 'not_found']);
  expect(await listed(gift)).toBeUndefined();

  const slice = await claimed(onConfirmation);
  await instant.bank(slice.payee, slice.utr, 100n);
  const early = (await listed(slice.utr))?.id ?? '';
  expect((await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr })).outcome).toBe('confirmed');
  expect(await listed(slice.utr)).toBeUndefined();
  expect(await lookAt(early)).toBe('wrong_state');
});

test('a bank that has another amount than was confirmed, or than is shown later, is not only written down: an operator sees it', async () => {
  const confirmed = await claimed();
  await instant.prove(confirmed.batchId, confirmed.payinId, { utr: confirmed.utr });
  await instant.confirm(confirmed.batchId);
  expect(await instant.bank(confirmed.payee, confirmed.utr, 99n)).toBe('differs');
  expect(await listed(confirmed.utr)).toMatchObject({ status: 'differs', batchId: confirmed.batchId });

  const before = await claimed();
  await instant.bank(before.payee, before.utr, 99n);
  await lookAt((await listed(before.utr))?.id ?? '');
  await instant.prove(before.batchId, before.payinId, { utr: before.utr });
  expect(await listed(before.utr)).toMatchObject({ status: 'differs', batchId: before.batchId }); // whoever looked did not know of the slice
});

test('a bank that tells two amounts under one UTR is before an operator: the first counts, and the same again is no news', async () => {
  const slice = await claimed();
  await instant.prove(slice.batchId, slice.payinId, { utr: slice.utr });
  expect([await instant.bank(slice.payee, slice.utr, 100n), await listed(slice.utr)]).toEqual(['matched', undefined]);
  await Promise.all([1, 2, 3].map(() => instant.bank(slice.payee, slice.utr, 90n)));
  const { id = '', ...shown } = (await listed(slice.utr)) ?? {};
  expect(shown).toMatchObject({ status: 'matched', amountMinor: '100', other: { amountMinor: '90', currency: 'INR' } });
  expect(await lookAt(id)).toBe('decided');
  await instant.bank(slice.payee, slice.utr, 90n);
  await instant.bank(slice.payee, slice.utr, 100n);
  expect(await listed(slice.utr)).toBeUndefined();
  await instant.bank(slice.payee, slice.utr, 80n);
  expect(await listed(slice.utr)).toMatchObject({ other: { amountMinor: '80' } });
});

test('whoever decides of a dispute, a doubt or a late proof sees what the bank says of it', async () => {
  const disputed = await claimed();
  await instant.prove(disputed.batchId, disputed.payinId, { utr: disputed.utr });
  await instant.dispute(disputed.batchId);
  const tooLate = await late();
  for (const { payee, utr } of [disputed, tooLate]) await instant.bank(payee, utr, 100n);
  const page = { after: undefined, take: 1_000 };
  const [disputes, cases] = [await listDisputes(books.db.pool, page), await listLateProofs(books.db.pool, page)];
  expect(disputes.find(({ batch }) => batch.id === disputed.batchId)?.bankCredit).toBe('matched');
  expect(cases.find(({ payin }) => payin.id === tooLate.payinId)).toMatchObject({ bankCredit: 'matched', was: null });
});
