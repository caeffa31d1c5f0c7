/** With 100,000 withdrawals in the books each step of one costs what it moves: no step walks through what it is not about. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createLookAfterInstantActivities } from '../../activities/instant/lookAfter.ts';
import { listBankCredits, listDisputes, listLateProofs, listReviews } from '../../src/instant/reads.ts';
import { assignValidator, matchBatch, matchPayin } from '../../src/ledger/instant.ts';
import { newId } from '../../src/rules/newId.ts';
import { type Books, openBooks } from '../support/books.ts';
import { type Instant, instantOf, newUtr } from '../support/instant.ts';
import { faultsOf, hearPlans, type Limits, type PlansHeard, tellPlans } from '../support/plans.ts';

const LIMITS: Limits = {
  // Edges and policies; and whoever has a few pages whole.
  small: new Set([
    'instant_payout_edges',
    'instant_batch_edges',
    'payin_edges',
    'epochs',
    'admins',
    'webhook_endpoints',
    'merchants',
    'balances',
    'accounts',
    'payouts',
    'debts',
    'payout_refusals',
    'pauses', // those of a few operators
  ]),
  rows: 400,
  pages: 3_000, // a step with all that it calls, and what the catalogue is asked for by the first of its kind; the slices alone are as many
};

let books: Books;
let instant: Instant;
let heard: PlansHeard;
beforeAll(async () => {
  books = await openBooks({ connections: 1 });
  await books.db.owner.query(FILL);
  await books.db.owner.query('VACUUM ANALYZE');
  await tellPlans(books.db.owner);
  const { rows } = await books.db.owner.query('SELECT current_database() AS name');
  await books.db.owner.query(`ALTER DATABASE ${rows[0].name} SET auto_explain.log_nested_statements = 'on'`);
  instant = instantOf(books);
  heard = hearPlans(books.db.pool);
});
afterAll(async () => {
  await books.stop();
});

/** 100,000 withdrawals of a slice each, most of them over, of some of 20,000 users, with their payins and proofs; many free slices and waiting payins of one amount. */
const FILL = `
  SET session_replication_role = replica;
  INSERT INTO users (id, merchant_id, mode, external_id) SELECT 'usr_' || n, 'mer_' || n % 50, 'test', n::text FROM generate_series(0, 20000) n;
  INSERT INTO instant_payouts (id, merchant_id, mode, user_id, balance_id, currency, reference, total, held, paid, payee, policy, on_unfilled, state, completed_at, seen_over)
  SELECT 'ip_' || lpad(to_hex(n), 32, '0'), 'mer_' || n % 50, 'test', 'usr_' || n % 500, n % 500 + 1, 'INR', n::text, 10000, CASE WHEN n % 10 = 0 THEN 10000 ELSE 0 END,
         CASE WHEN n % 10 = 0 THEN 0 ELSE 10000 END, '{"type": "upi", "label": "x", "sealed": "x"}',
         '{"creditOn": "proof", "unconfirmedMost": 3, "assignmentMs": 900000, "coolDownMs": 600000, "reassignMost": 5, "confirmMs": 86400000, "validateMs": 900000}',
         'refund', CASE WHEN n % 10 = 0 THEN 'open' ELSE 'completed' END, CASE WHEN n % 10 > 0 THEN now() END, n % 10 > 0 FROM generate_series(1, 100000) n;
  INSERT INTO instant_batches (id, instant_payout_id, number, mode, currency, amount, payee_id, state, money, epoch, assignments, payin_id, payer_id, utr, receipt_id, seen_over)
  SELECT 'ipb_' || lpad(to_hex(n), 32, '0'), 'ip_' || lpad(to_hex(n), 32, '0'), 1, 'test', 'INR', 10000, 'usr_' || n % 500,
         CASE WHEN n % 10 = 0 THEN 'unassigned' ELSE 'confirmed' END, CASE WHEN n % 10 = 0 THEN 'held' ELSE 'credited' END, (n % 10 > 0)::int, (n % 10 > 0)::int,
         CASE WHEN n % 10 > 0 THEN 'pin_' || lpad(to_hex(n), 32, '0') END, CASE WHEN n % 10 > 0 THEN 'payer_' || n % 700 END,
         CASE WHEN n % 10 > 0 THEN (900000000000 + n)::text END, CASE WHEN n % 10 > 0 THEN 'RCP-' || n END, n % 10 > 0
    FROM generate_series(1, 100000) n;
  INSERT INTO payins (id, merchant_id, mode, user_id, currency, amount, reference, state, batch_id, wait_until)
  SELECT b.payin_id, 'mer_x', 'test', b.payer_id, 'INR', b.amount, b.id, 'completed', b.id, now() FROM instant_batches b WHERE b.payin_id IS NOT NULL;
  INSERT INTO payins (id, merchant_id, mode, user_id, currency, amount, reference, state, wait_until)
  SELECT 'pin_w' || lpad(n::text, 31, '0'), 'mer_x', 'test', 'waiting_' || n, 'INR', 30000, 'w' || n, 'waiting', now() + interval '1 hour' FROM generate_series(1, 5000) n;
  INSERT INTO instant_assignments (batch_id, epoch, payin_id, user_id, state, pay_until, ended_at)
  SELECT b.id, 1, b.payin_id, b.payer_id, 'settled', now(), now() FROM instant_batches b WHERE b.payin_id IS NOT NULL;
  INSERT INTO instant_proofs (batch_id, epoch, payin_id, payee_id, mode, amount, rail, utr, image_hash, image_look, image_quarters, image_type, late, reasons, submitted_by)
  SELECT b.id, 1, b.payin_id, b.payee_id, 'test', b.amount, 'upi', b.utr, encode(sha256(b.id::bytea), 'hex'), left(encode(sha256(b.id::bytea), 'hex'), 16),
         quarters_of(left(encode(sha256(b.id::bytea), 'hex'), 16)), 'image/webp', false, '{}', 'x' FROM instant_batches b WHERE b.payin_id IS NOT NULL;
  INSERT INTO used_utrs (mode, utr, rail, batch_id, epoch) SELECT 'test', b.utr, 'upi', b.id, 1 FROM instant_batches b WHERE b.payin_id IS NOT NULL;
  INSERT INTO bank_credits (id, merchant_id, mode, utr, currency, amount, credited_at)
  SELECT 'bcr_' || n, 'mer_' || n % 50, 'test', (700000000000 + n)::text, 'INR', 10000, now() FROM generate_series(1, 20000) n;
  INSERT INTO instant_disputes (batch_id, reason, opened_by, decision, decided_at)
  SELECT b.id, 'x', 'x', 'approve', now() FROM instant_batches b WHERE b.payin_id IS NOT NULL LIMIT 20000;
  INSERT INTO late_proofs (payin_id, batch_id, decision, decided_at)
  SELECT b.payin_id, b.id, 'reject', now() FROM instant_batches b WHERE b.payin_id IS NOT NULL LIMIT 20000;
  SET session_replication_role = DEFAULT;`;

test('a withdrawal from its opening to its end, with a deadline, a doubt, a late proof and the bank, looks at its own rows alone', async () => {
  const payee = await instant.user(90_000n);
  const opened = await instant.open(payee, [30_000n, 20_000n, 10_000n], { onUnfilled: 'psp' });
  const [first, second, third] = opened.batches as [string, string, string];
  const steps: (readonly [string, () => Promise<unknown>])[] = [
    ['match', () => matchBatch(books.db.pool, first)],
    ['payin', () => instant.tryPayin(payers[0] as typeof payee, 10_000n)],
    ['payin of no amount that there is', () => instant.tryPayin(payers[1] as typeof payee, 11_000n, waiting)],
    ['wait', () => matchPayin(books.db.pool, waiting)],
    ['claim', () => instant.tryClaim(payers[2] as typeof payee, second)],
    ['deadline', () => instant.expire(second)],
    ['claim again', () => instant.tryClaim(payers[3] as typeof payee, second, other)],
    ['proof', () => instant.prove(second, other, { utr })],
    ['bank', () => instant.bank(payee, utr, 20_000n)],
    ['claim the third', () => instant.tryClaim(payers[4] as typeof payee, third, last)],
    ['proof of the third', () => instant.prove(third, last)],
    ['dispute', () => instant.dispute(third)],
    ['validator', () => assignValidator(books.db.pool, third)],
    ['decide', () => instant.decide(third, 'approve')],
    ['close', () => instant.close(opened.id, 'unfilled')],
    ['rest', () => instant.rest(opened.id)],
  ];
  const [waiting, other, last, utr] = [newId('pin'), newId('pin'), newId('pin'), newUtr()];
  const payers = await Promise.all([0, 1, 2, 3, 4].map(() => instant.user()));
  heard.take();
  for (const [name, step] of steps) {
    const answer = await step();
    const plans = heard.take();
    expect({ name, answer, faults: plans.flatMap((plan) => faultsOf(plan, LIMITS)) }).toEqual({ name, answer, faults: [] });
    expect(plans.length).toBeGreaterThan(1); // also those within the functions
  }
});

test('slices whose workflow has not seen their end are found among those that are over, and not by walking through these', async () => {
  const told: string[] = [];
  const tell = async (id: string) => {
    told.push(id);
  };
  const instantClient = { lookAtInstantPayout: tell, lookAtBatch: tell, lookAtPayin: tell };
  const { lookAfterInstantPayouts } = createLookAfterInstantActivities({ pool: books.db.pool, instant: instantClient });
  const { id } = await instant.open(await instant.user(1_000n), [1_000n]);
  await instant.close(id);
  const batches = (await instant.batches(id)).map((batch) => batch.id);
  await books.db.owner.query(`UPDATE instant_batches SET updated_at = now() - interval '1 hour' WHERE instant_payout_id = $1`, [
    id,
  ]);
  heard.take();
  await new MockActivityEnvironment().run(lookAfterInstantPayouts);
  expect(told).toEqual(expect.arrayContaining(batches));
  const plans = heard.take().filter(({ sql }) => sql.includes('FROM instant_batches b\n'));
  expect(plans.length).toBeGreaterThan(1);
  expect(plans.flatMap((plan) => faultsOf(plan, LIMITS))).toEqual([]);
});

test('what waits for operators is listed by looking at what is shown, however many withdrawals, proofs and bank credits there are', async () => {
  const page = { after: undefined, take: 21 };
  heard.take();
  for (const list of [listBankCredits, listLateProofs, listDisputes, listReviews]) {
    await list(books.db.pool, page);
    const faults = heard.take().flatMap((plan) => faultsOf(plan, LIMITS));
    expect({ list: list.name, faults }).toEqual({ list: list.name, faults: [] });
  }
});
