/** Who says what of a slice that somebody claims to have paid, payee, bank, operator, a payer who comes late: and where the money is then. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listLateProofs } from '../../src/instant/reads.ts';
import { assignValidator, matchBatch, restOfInstantPayout } from '../../src/ledger/instant.ts';
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

/** A withdrawal of one slice that one payer has. */
async function claimed(options: OpenOptions = {}, payee?: TestUser) {
  const [of, payer] = [payee ?? (await instant.user(100n)), await instant.user()];
  const { id, batches } = await instant.open(of, [100n], options);
  const batchId = batches[0] as string;
  return { id, batchId, payee: of, payer, payinId: await instant.claim(payer, batchId) };
}

const onConfirmation = { policy: { creditOn: 'payee_confirmed' } } as const;

test('where the payee’s word credits, a proof alone does not: the payer has the money with the confirmation, once', async () => {
  const { id, batchId, payer, payinId } = await claimed(onConfirmation);
  expect(await instant.prove(batchId, payinId)).toMatchObject({
    outcome: 'verified',
    batch: { state: 'sys_confirmed', money: 'held' },
  });
  expect(await instant.purse(payer)).toMatchObject({ available: 0n });
  expect(await Promise.all([1, 2, 3].map(() => instant.confirm(batchId)))).toEqual(
    expect.arrayContaining(['confirmed', 'already', 'already']),
  );
  expect(await instant.purse(payer)).toMatchObject({ available: 100n });
  expect((await instant.payin(payinId)).state).toBe('completed');
  expect((await instant.withdrawal(id)).state).toBe('completed');
});

test('a payer has three proofs credited that nobody has confirmed; the fourth is credited by its confirmation', async () => {
  const payee = await instant.user(400n);
  const { batches } = await instant.open(payee, [100n, 100n, 100n, 100n]);
  const payer = await instant.user();
  const proofs: string[] = [];
  for (const batchId of batches) proofs.push((await instant.prove(batchId, await instant.claim(payer, batchId))).outcome);
  expect(proofs).toEqual(['credited', 'credited', 'credited', 'verified']);
  expect(await instant.purse(payer)).toMatchObject({ available: 300n });
  expect(await instant.confirm(batches[3] as string)).toBe('confirmed');
  expect(await instant.purse(payer)).toMatchObject({ available: 400n });
});

test('a credited payer who has not paid gives back what is there and owes the payee the rest, who has it with the payer’s next money', async () => {
  const { id, batchId, payee, payer, payinId } = await claimed();
  await instant.prove(batchId, payinId);
  expect(await instant.users.debit(payer, 70n, { currency: 'INR' })).toBe('moved'); // spent
  expect([await instant.dispute(batchId), await instant.dispute(batchId)]).toEqual(['disputed', 'already']);
  expect((await instant.withdrawal(id)).state).toBe('disputed');
  expect([
    await instant.decide(batchId, 'reject'),
    await instant.decide(batchId, 'reject'),
    await instant.decide(batchId, 'approve'),
  ]).toEqual(['rejected', 'already', 'wrong_state']);
  expect([await instant.purse(payer), await instant.purse(payee)]).toEqual([
    { available: 0n, reserved: 0n, debt: 70n },
    { available: 30n, reserved: 0n, debt: 0n },
  ]);
  expect((await instant.payin(payinId)).state).toBe('reversed');
  expect(await instant.withdrawal(id)).toMatchObject({ state: 'cancelled', paidMinor: '0', returnedMinor: '100' });
  await instant.users.credit(payer, 50n, { currency: 'INR' }); // what the merchant got by the debit
  expect([await instant.purse(payer), await instant.purse(payee)]).toMatchObject([
    { available: 0n, debt: 20n },
    { available: 80n },
  ]);
});

test('a payee who says "not received" of what was paid gets nothing for it, before the credit or after; who has confirmed cannot say so', async () => {
  const before = await claimed(onConfirmation);
  const after = await claimed();
  for (const { batchId, payinId, payer, payee } of [before, after]) {
    await instant.prove(batchId, payinId);
    expect(await instant.dispute(batchId)).toBe('disputed');
    expect(await instant.decide(batchId, 'approve')).toBe('approved');
    expect([await instant.purse(payer), await instant.purse(payee)]).toMatchObject([
      { available: 100n },
      { available: 0n, reserved: 0n },
    ]);
  }
  const confirmed = await claimed();
  await instant.prove(confirmed.batchId, confirmed.payinId);
  await instant.confirm(confirmed.batchId);
  expect(await instant.dispute(confirmed.batchId)).toBe('wrong_state');
  expect(await instant.decide(confirmed.batchId, 'reject')).toBe('wrong_state');
  const again = await claimed();
  await instant.prove(again.batchId, again.payinId);
  await instant.dispute(again.batchId);
  expect(await instant.confirm(again.batchId)).toBe('confirmed'); // the payee has found it after all
});

test('a proof that an operator rejects before anybody was credited moves nothing to the payer, and the payee has the money again', async () => {
  const { id, batchId, payee, payer, payinId } = await claimed(onConfirmation);
  await instant.prove(batchId, payinId);
  expect(await instant.decide(batchId, 'reject')).toBe('rejected');
  expect([await instant.purse(payer), await instant.purse(payee)]).toMatchObject([
    { available: 0n, debt: 0n },
    { available: 100n, reserved: 0n },
  ]);
  expect([(await instant.payin(payinId)).state, (await instant.withdrawal(id)).state]).toEqual(['failed', 'cancelled']);
  expect((await instant.tryClaim(payer, batchId)).outcome).toBe('batch_taken');
});

test('what the payee’s bank tells confirms by itself, before the proof or after it, at once or not, and is told once', async () => {
  const [utr, early] = [newUtr(), newUtr()];
  const later = await claimed({ policy: { creditOn: 'bank_matched' } });
  expect((await instant.prove(later.batchId, later.payinId, { utr })).outcome).toBe('verified');
  const told = await Promise.all(Array.from({ length: 5 }, () => instant.bank(later.payee, utr, 100n)));
  expect(told.sort()).toEqual(['duplicate', 'duplicate', 'duplicate', 'duplicate', 'matched']);
  const before = await claimed({ policy: { creditOn: 'bank_matched' } });
  expect([await instant.bank(before.payee, early, 100n), await instant.bank(before.payee, early, 1n)]).toEqual([
    'waiting',
    'duplicate',
  ]);
  expect((await instant.prove(before.batchId, before.payinId, { utr: early })).outcome).toBe('confirmed');
  for (let round = 0; round < 8; round += 1) {
    const { batchId, payinId, payee, payer, id } = await claimed({ policy: { creditOn: 'bank_matched' } });
    const both = newUtr();
    await Promise.all([instant.prove(batchId, payinId, { utr: both }), instant.bank(payee, both, 100n)]);
    expect((await instant.withdrawal(id)).state).toBe('completed');
    expect(await instant.purse(payer)).toMatchObject({ available: 100n });
  }
  for (const { payer, id } of [later, before]) {
    expect(await instant.purse(payer)).toMatchObject({ available: 100n });
    expect((await instant.withdrawal(id)).state).toBe('completed');
  }
});

test('a bank that saw another amount: a proof is looked at, one that counted is disputed, and nobody is credited by it', async () => {
  const [one, two, three] = [newUtr(), newUtr(), newUtr()];
  const before = await claimed();
  await instant.bank(before.payee, one, 99n);
  expect(await instant.prove(before.batchId, before.payinId, { utr: one })).toMatchObject({
    outcome: 'in_review',
    batch: { review: { reasons: ['amount_differs'] } },
  });
  const counted = await claimed();
  await instant.prove(counted.batchId, counted.payinId, { utr: two });
  expect(await instant.bank(counted.payee, two, 99n)).toBe('differs');
  expect(await instant.batch(counted.batchId)).toMatchObject({ state: 'disputed', money: 'credited' });
  const confirmed = await claimed();
  await instant.prove(confirmed.batchId, confirmed.payinId, { utr: three });
  await instant.confirm(confirmed.batchId);
  expect(await instant.bank(confirmed.payee, three, 1n)).toBe('differs'); // kept, for whoever looks
  expect((await instant.batch(confirmed.batchId)).state).toBe('confirmed');
  expect(await instant.bank(await instant.user(), three, 100n)).toBe('waiting'); // another merchant's bank: none of its payees'
});

test('the same image, one that looks like it, and a UTR within one digit are looked at by a person before anything moves', async () => {
  const payee = await instant.user(400n);
  const { batches } = await instant.open(payee, [100n, 100n, 100n, 100n]);
  const utr = newUtr();
  const near = `${utr.slice(0, 11)}${(Number(utr.slice(11)) + 1) % 10}`;
  const [image, look] = [newId('img'), '00ff13579bdf2468'];
  const shown = [
    { utr, image, look },
    { image, look },
    { look: '00ff13579bdf246b' }, // two bits of 64
    { utr: near },
  ];
  const answers = [];
  for (const [at, each] of shown.entries())
    answers.push(
      await instant.prove(batches[at] as string, await instant.claim(await instant.user(), batches[at] as string), each),
    );
  expect(answers).toMatchObject([
    { outcome: 'credited', batch: { review: null } },
    { outcome: 'in_review', batch: { state: 'proof_submitted', review: { reasons: ['same_image'] } } },
    { outcome: 'in_review', batch: { review: { reasons: ['similar_image'] } } },
    { outcome: 'in_review', batch: { review: { reasons: ['near_utr'] } } },
  ]);
  expect((await instant.purse(payee)).reserved).toBe(300n);
  expect(await instant.decide(batches[1] as string, 'approve')).toBe('approved');
  expect((await instant.purse(payee)).reserved).toBe(200n);
});

test('money of a frozen payee stays where it is: the proof is kept, and the same decision is booked once the payee is free', async () => {
  const slice = await claimed();
  await instant.users.freeze(slice.payee, true);
  expect(await instant.prove(slice.batchId, slice.payinId)).toMatchObject({
    outcome: 'in_review',
    batch: { review: { reasons: ['payee_frozen'] } },
  });
  expect([await instant.confirm(slice.batchId), await instant.decide(slice.batchId, 'approve')]).toEqual([
    'payee_frozen',
    'payee_frozen',
  ]);
  await instant.users.freeze(slice.payee, false);
  expect(await instant.decide(slice.batchId, 'approve')).toBe('approved');
  expect(await instant.purse(slice.payer)).toMatchObject({ available: 100n });
});

test('a payee who has the cash is not held by the payer’s freeze: the withdrawal ends, and the payer has the credit, frozen', async () => {
  const utr = newUtr();
  const says = {
    'the payee': ({ batchId }: { batchId: string }) => instant.confirm(batchId),
    'an operator': ({ batchId }: { batchId: string }) => instant.decide(batchId, 'approve'),
    'the bank': ({ payee }: { payee: TestUser }) => instant.bank(payee, utr, 100n),
  };
  for (const [who, say] of Object.entries(says)) {
    const slice = await claimed();
    await instant.users.freeze(slice.payer, true);
    expect(await instant.prove(slice.batchId, slice.payinId, who === 'the bank' ? { utr } : {})).toMatchObject({
      outcome: 'in_review', // by a proof alone nobody who is frozen is credited
      batch: { money: 'held', review: { reasons: ['payer_frozen'] } },
    });
    await say(slice);
    expect([
      (await instant.withdrawal(slice.id)).state,
      await instant.purse(slice.payer),
      await instant.purse(slice.payee),
    ]).toEqual(['completed', { available: 100n, reserved: 0n, debt: 0n }, { available: 0n, reserved: 0n, debt: 0n }]);
    expect(await instant.users.debit(slice.payer, 100n, { currency: 'INR' })).toBe('user_frozen');
  }
});

test('a slice that comes free goes to whoever has waited longest and may have it: who cools down keeps nobody waiting', async () => {
  const [cooling, patient] = [await instant.user(), await instant.user()];
  const opens = async (payer: TestUser): Promise<string> => {
    const answer = await instant.tryPayin(payer, 777n); // nobody else's amount here
    if (answer.outcome !== 'opened') throw new Error(answer.outcome);
    return answer.payin.id;
  };
  const [first, second] = [await opens(cooling), await opens(patient)];
  const [other = ''] = (await instant.open(await instant.user(100n), [100n])).batches;
  await instant.claim(cooling, other);
  await instant.expire(other);
  const { batches } = await instant.open(await instant.user(2n * 777n), [777n, 777n]);
  const [one = '', two = ''] = batches;
  expect(await matchBatch(books.db.pool, one)).toMatchObject({ outcome: 'matched', payinId: second });
  expect(await matchBatch(books.db.pool, two)).toMatchObject({ outcome: 'free' }); // nor is it given to whoever cools down
  expect((await instant.payin(first)).state).toBe('waiting');
});

test('a fraud who was frozen keeps no credit that an operator rejects; nor does a frozen payee lose what comes back', async () => {
  for (const who of ['payer', 'payee'] as const) {
    const slice = await claimed();
    await instant.prove(slice.batchId, slice.payinId);
    await instant.dispute(slice.batchId);
    await instant.users.freeze(slice[who], true);
    expect(await instant.decide(slice.batchId, 'reject')).toBe('rejected');
    expect([await instant.purse(slice.payer), await instant.purse(slice.payee)]).toMatchObject([
      { available: 0n, debt: 0n },
      { available: 100n },
    ]);
  }
});

test('the rest of a payee who is frozen after its payout got an id, and before it is in the books, waits until the payee is free', async () => {
  const payee = await instant.user(100n);
  const { id } = await instant.open(payee, [100n], { onUnfilled: 'psp' });
  await instant.close(id, 'unfilled');
  const allotted = await restOfInstantPayout(books.db.pool, id, newId('po'));
  expect(allotted.outcome).toBe('hand_over');
  await instant.users.freeze(payee, true);
  expect(await instant.rest(id)).toBe('user_frozen');
  await instant.users.freeze(payee, false);
  expect(await instant.rest(id)).toBe('handed reserved');
});

test('the rest of a withdrawal that failed at the PSP is not sent again while its user is frozen, and is once the user is free', async () => {
  const payee = await instant.user(100n);
  const { id } = await instant.open(payee, [100n], { onUnfilled: 'psp' });
  await instant.close(id, 'unfilled');
  await instant.rest(id);
  const payoutId = (await instant.withdrawal(id)).restPayoutId ?? '';
  await books.told(payoutId, 'attempt_started 1', 'failed 1');
  const again = async (requestId: string): Promise<string> => {
    const { rows } = await books.db.pool.query<{ answer: { outcome: string } }>(
      `SELECT apply_fact($1, $2, 'reinitiated', 'merchant:m', jsonb_build_object('requestId', $2::text)) AS answer`,
      [payoutId, requestId],
    );
    return rows[0]?.answer.outcome ?? '';
  };
  await instant.users.freeze(payee, true);
  expect([await again('req_1'), await again('req_1')]).toEqual(['user_frozen', 'user_frozen']);
  expect(await instant.purse(payee)).toMatchObject({ available: 100n, reserved: 0n });
  await instant.users.freeze(payee, false);
  expect([await again('req_1'), await again('req_2')]).toEqual(['user_frozen', 'applied']); // what was answered of a request stands
  expect(await instant.purse(payee)).toMatchObject({ available: 0n, reserved: 100n });
});

test('a late proof of a slice that is still free is honoured, as if it had come in time', async () => {
  const { id, batchId, payer, payinId } = await claimed();
  await instant.expire(batchId);
  expect((await instant.payin(payinId)).state).toBe('expired');
  expect(await instant.prove(batchId, payinId)).toMatchObject({
    outcome: 'credited',
    batch: { epoch: 1 },
    payin: { state: 'completed' },
  });
  expect(await instant.purse(payer)).toMatchObject({ available: 100n });
  expect(await instant.confirm(batchId)).toBe('confirmed');
  expect((await instant.withdrawal(id)).state).toBe('completed');
});

test('a late payer whose slice another has paid is credited by the payee, who has the cash twice, and who owes what is not there', async () => {
  const { id, batchId, payee, payer, payinId } = await claimed();
  await instant.expire(batchId);
  const other = await instant.user();
  await instant.prove(batchId, await instant.claim(other, batchId));
  expect(await instant.prove(batchId, payinId)).toMatchObject({
    outcome: 'late',
    batch: { state: 'sys_confirmed' },
    payin: { state: 'late_proof' },
  });
  const { rows } = await books.db.owner.query<{ owner_id: string }>(
    `SELECT DISTINCT s.owner_id FROM events e JOIN event_seen_by s ON (s.epoch, s.xid, s.position) = (e.epoch, e.xid, e.position)
      WHERE e.subject_id = $1 AND e.type = 'instant-payout-batch-late-proof'`,
    [batchId],
  );
  expect(rows.map(({ owner_id }) => owner_id).sort()).toEqual([payee.merchantId, payee.userId].sort()); // no payer sees another's UTR
  await instant.confirm(batchId);
  expect((await instant.withdrawal(id)).state).toBe('completed'); // it does not wait for that
  await books.fund(payee, 1_000n, newId('ext'), 'INR');
  await instant.users.credit(payee, 40n, { currency: 'INR' });
  expect([
    await instant.decideLate(payinId, 'credit'),
    await instant.decideLate(payinId, 'credit'),
    await instant.decideLate(payinId, 'refund'),
  ]).toEqual(['decided', 'already', 'wrong_state']);
  expect([await instant.purse(payer), await instant.purse(other), await instant.purse(payee)]).toMatchObject([
    { available: 40n },
    { available: 100n },
    { available: 0n, debt: 60n },
  ]);
  await instant.users.credit(payee, 90n, { currency: 'INR' });
  expect([await instant.purse(payer), await instant.purse(payee)]).toMatchObject([
    { available: 100n },
    { available: 30n, debt: 0n },
  ]);
  expect(await instant.payin(payinId)).toMatchObject({ state: 'completed', receiptId: expect.any(String) });
});

test('a late proof of a slice that is closed is decided by a person: refunded or never paid, nothing moves', async () => {
  for (const decision of ['refund', 'reject', 'credit'] as const) {
    const { id, batchId, payee, payinId, payer } = await claimed();
    await instant.close(id);
    expect(await instant.expire(batchId)).toBe('unfilled');
    expect(await instant.prove(batchId, payinId)).toMatchObject({ outcome: 'late', batch: { state: 'late_proof' } });
    expect(await instant.decideLate(payinId, decision)).toBe('decided');
    const credited = decision === 'credit';
    expect([await instant.purse(payer), await instant.purse(payee)]).toMatchObject([
      { available: credited ? 100n : 0n },
      { available: credited ? 0n : 100n },
    ]);
    expect((await instant.payin(payinId)).state).toBe(credited ? 'completed' : 'failed');
    expect((await instant.batch(batchId)).state).toBe('cancelled');
  }
  expect(await instant.decideLate(newId('pin'), 'credit')).toBe('not_found');
});

test('a payee who never answers: what the bank has is confirmed, the rest goes to a person, and neither before its time', async () => {
  const { batchId, payinId } = await claimed();
  await instant.prove(batchId, payinId);
  expect([await instant.tire(batchId), await instant.tire(batchId)]).toEqual(['in_review', 'in_review']);
  expect(await instant.batch(batchId)).toMatchObject({ state: 'sys_confirmed', review: { reasons: ['not_confirmed'] } });
  expect(await instant.decide(batchId, 'approve')).toBe('approved');
  expect(await instant.tire(batchId)).toBe('stale');
});

test('the operator with the fewest looks at a proof; when the time is over another one does, and each once before any twice', async () => {
  await books.db.owner.query(
    `INSERT INTO admins (id, name, role, active) VALUES ('adm_1', 'a', 'operator', true), ('adm_2', 'b', 'approver', true), ('adm_3', 'c', 'viewer', true), ('adm_4', 'd', 'admin', false)`,
  );
  const slices = [await claimed(), await claimed()];
  const validators: string[] = [];
  const ask = async (batchId: string) => {
    const answer = await assignValidator(books.db.pool, batchId);
    return answer.outcome === 'assigned' ? answer.validatorId : answer.outcome;
  };
  expect(await ask(slices[0]?.batchId ?? '')).toBe('not_needed');
  for (const { batchId, payinId } of slices) {
    await instant.prove(batchId, payinId);
    await instant.dispute(batchId);
    validators.push(await ask(batchId), await ask(batchId));
  }
  expect(validators).toEqual(['adm_1', 'adm_1', 'adm_2', 'adm_2']);
  const { batchId } = slices[0] as { batchId: string };
  const later: string[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    await books.db.owner.query(`UPDATE instant_batches SET validate_until = now() - interval '1 second' WHERE id = $1`, [
      batchId,
    ]);
    later.push(await ask(batchId));
  }
  expect(later).toEqual(['adm_2', 'adm_1', 'adm_2']);
});

test('nobody is credited for what nobody has shown: an operator can approve or reject no slice without a proof', async () => {
  const { batchId, payer, payee } = await claimed();
  expect([
    await instant.decide(batchId, 'approve'),
    await instant.decide(batchId, 'reject'),
    await instant.confirm(batchId),
  ]).toEqual(['wrong_state', 'wrong_state', 'wrong_state']);
  expect([await instant.purse(payer), await instant.purse(payee)]).toMatchObject([{ available: 0n }, { reserved: 100n }]);
});

test('a late proof has its validator, too, beside that of the slice; and none who is of the payee’s or the payer’s merchant', async () => {
  const { batchId, payinId, payee, payer } = await claimed();
  await instant.expire(batchId);
  const other = await instant.user();
  await instant.prove(batchId, await instant.claim(other, batchId));
  await instant.prove(batchId, payinId);
  const sql = books.db.owner;
  await sql.query(
    `INSERT INTO merchants (id, name, email, webhook_secret) VALUES ($1, 'a', 'House@payee.example', ''), ($2, 'b', 'house@payer.example', ''), ($3, 'c', 'house@other.example', '')`,
    [payee.merchantId, payer.merchantId, other.merchantId],
  );
  await sql.query(
    `INSERT INTO admins (id, name, role, active) VALUES ('adm_1', 'a', 'operator', true), ('adm_2', 'b', 'approver', true) ON CONFLICT DO NOTHING`,
  );
  await sql.query(`UPDATE admins SET email = CASE id WHEN 'adm_1' THEN 'house@payee.example' ELSE 'house@payer.example' END`);
  const lateOne = async (): Promise<{ validatorId: string | null; validateUntil: Date | null } | undefined> =>
    (await listLateProofs(books.db.pool, { after: undefined, take: 100 })).find(({ payin }) => payin.id === payinId);
  expect(await assignValidator(books.db.pool, batchId)).toEqual({ outcome: 'none' });
  await sql.query(
    `INSERT INTO admins (id, name, role, active, email) VALUES ('adm_5', 'e', 'operator', true, 'house@other.example')`,
  );
  expect(await assignValidator(books.db.pool, batchId)).toMatchObject({ outcome: 'assigned', validatorId: 'adm_5' });
  expect(await lateOne()).toMatchObject({ validatorId: 'adm_5', validateUntil: expect.any(Date) });
  await sql.query(`UPDATE admins SET email = NULL`);

  // Another one, once the time is over; two who ask at once ask for the same; then the slice needs one beside it.
  await sql.query(`UPDATE late_proofs SET validate_until = now() - interval '1 second' WHERE payin_id = $1`, [payinId]);
  const [one, same] = await Promise.all([assignValidator(books.db.pool, batchId), assignValidator(books.db.pool, batchId)]);
  expect(one).toEqual(same);
  const second = (await lateOne())?.validatorId;
  expect(['adm_1', 'adm_2']).toContain(second);
  await instant.dispute(batchId);
  await assignValidator(books.db.pool, batchId);
  expect(await validatorOf(batchId)).not.toBe(second); // who has the fewest
  await instant.decideLate(payinId, 'refund');
  await instant.decide(batchId, 'approve');
  expect(await assignValidator(books.db.pool, batchId)).toEqual({ outcome: 'not_needed' });
});

async function validatorOf(batchId: string): Promise<string | null> {
  const { rows } = await books.db.owner.query<{ id: string | null }>(
    'SELECT validator_id AS id FROM instant_batches WHERE id = $1',
    [batchId],
  );
  return rows[0]?.id ?? null;
}
