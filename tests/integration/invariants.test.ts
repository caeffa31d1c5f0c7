/** An invariant that never fires proves nothing: every one is shown the damage it is there to find. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { gameChecks } from '../../src/games/invariants.ts';
import { instantChecks } from '../../src/instant/invariants.ts';
import { entryInvariants } from '../../src/ledger/entryInvariants.ts';
import type { FlowChecks } from '../../src/ledger/invariant.ts';
import { checkInvariants, checkInvariantsWithin, INVARIANTS, presentInvariants } from '../../src/ledger/invariants.ts';
import { importStakes } from '../../src/ledger/postings.ts';
import { marketChecks } from '../../src/markets/invariants.ts';
import { payoutChecks } from '../../src/payouts/invariants.ts';
import { providerChecks } from '../../src/providers/invariants.ts';
import { newId } from '../../src/rules/newId.ts';
import { userChecks } from '../../src/users/invariants.ts';
import { type Books, openBooks } from '../support/books.ts';
import { gamesOf } from '../support/games.ts';
import { instantOf } from '../support/instant.ts';
import { marketBooksOf } from '../support/marketBooks.ts';
import { usersOf } from '../support/users.ts';

/** A payout in each of the places that the damages below need. */
interface World {
  readonly paid: string; // by its second attempt, with a fee
  readonly late: string; // paid after it failed, with a debt, of which some is repaid
  readonly returned: string;
  readonly sent: string; // approved, its attempt open
  readonly rejected: string;
  readonly again: string; // failed in its second round
  readonly waiting: string; // queued, with deliveries
  readonly refused: string;
  readonly earned: string; // a provider's, paid out of two earnings, with a fee
  readonly owed: string; // a provider's, paid late with a debt, then returned
  readonly awaited: string; // a provider's, in review, that waits for a run
  readonly dispatched: string; // a provider's, that a run has come to
  readonly costly: string; // paid, for which the PSP took a fee
}

let books: Books;
let world: World;
beforeAll(async () => {
  books = await openBooks();
  const owner = await books.merchant(10_000n);
  const poor = await books.merchant(1025n);
  const live = { ...owner, mode: 'live' } as const;
  await books.fund(live, 5000n);
  const { owner: sql } = books.db;
  await sql.query(
    `INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret) VALUES ('we_1', $1, 'test', 'https://m.example/h', '{payout.*}', 's')`,
    [owner.merchantId],
  );
  const inReview = { reviewReasons: [{ code: 'amount', detail: 'large' }], makerId: 'adm_maker' };
  const options = { amount: 1000n, fee: 25n };

  const paid = await books.payout(owner, options);
  await books.told(paid, 'attempt_started 1', 'attempt_failed 1', 'attempt_started 2', 'paid 2');
  await books.tell(paid, 'psp_queued', { attempt: 2 });
  const late = await books.payout(poor, options);
  await books.told(late, 'attempt_started 1', 'failed 1');
  await books.payout(poor, { amount: 600n });
  await books.told(late, 'paid 1');
  await books.fund(poor, 100n); // all of it repays
  const returned = await books.payout(owner, options);
  await books.told(returned, 'attempt_started 1', 'paid 1', 'returned 1');
  const sent = await books.payout(owner, { ...options, ...inReview });
  await books.tell(sent, 'approved', { adminId: 'adm_1' });
  await books.told(sent, 'attempt_started 1', 'psp_processing 1');
  const rejected = await books.payout(owner, { ...options, ...inReview });
  await books.tell(rejected, 'rejected', { adminId: 'adm_1', reason: 'no' });
  const again = await books.payout(owner, options);
  await books.told(again, 'attempt_started 1', 'failed 1', 'reinitiated', 'attempt_started 2', 'failed 2');
  const waiting = await books.payout(owner, { ...options, callbackUrl: 'https://m.example/callback' });
  await books.payout(live, options);
  const refused = newId('po');
  await books.reserve(owner, { payoutId: refused, amount: 1_000_000n });
  const costly = await books.payout(owner, options);
  await books.told(costly, 'attempt_started 1');
  await books.tell(costly, 'paid', { attempt: 1, pspFeeMinor: '27' });
  const users = usersOf(books);
  const player = await users.user(owner);
  await users.credit(player, 30n);
  await users.debit(player, 10n);
  await playedGames();
  await resolvedMarkets();
  await paidPersonToPerson();
  world = { paid, late, returned, sent, rejected, again, waiting, refused, costly, ...(await providers()) };
});
afterAll(async () => {
  await books.stop();
});

/** A game that is open, one that is settled but for a frozen winner, one that was voided when a win was spent. */
async function playedGames(): Promise<void> {
  const games = gamesOf(books);
  const house = await games.house(10_000n);
  const [open, partly, voided] = [await games.open(house), await games.open(house), await games.open(house)];
  const [winner, loser, frozen] = [
    await games.player(house, 500n),
    await games.player(house, 500n),
    await games.player(house, 500n),
  ];
  await games.bet(open, winner, 'andar', 10n);
  await games.bet(open, loser, 'bahar', 20n);
  for (const user of [winner, frozen]) await games.bet(partly, user, 'andar', 100n);
  await games.bet(partly, loser, 'bahar', 70n);
  await games.bet(voided, loser, 'bahar', 400n);
  await games.users.freeze(frozen, true);
  await games.complete(partly, 'andar', [
    [winner, 60n],
    [frozen, 150n],
  ]);
  await games.settle(partly);
  await games.complete(voided, 'bahar');
  await games.settle(voided);
  await games.users.debit(loser, 700n, { currency: 'INR' });
  await games.void(voided);
  await games.settle(voided);
}

/**
 * A market that is open, with an import; one that is paid, with fees and a unit that was left over; one that was rolled back when a win was
 * spent and the merchant had nothing; one that a frozen winner has stopped; one that is void; one that is disputed.
 */
async function resolvedMarkets(): Promise<void> {
  const markets = marketBooksOf(books);
  const merchant = await books.merchant(0n);
  const [creator, winner, loser, frozen] = [
    await markets.users.user(merchant),
    await markets.player(merchant, 1000n),
    await markets.player(merchant, 1000n),
    await markets.player(merchant, 1000n),
  ];
  const fees = { houseFeeBps: 300, creatorFeeBps: 100, creator };
  const [open, paid, back, stopped, voided, disputed] = [
    await markets.open(merchant),
    await markets.open(merchant, fees),
    await markets.open(merchant, fees),
    await markets.open(merchant),
    await markets.open(merchant),
    await markets.open(merchant, { windowMs: 3_600_000 }),
  ];
  await markets.commit(open, winner, 'yes', 11n);
  await markets.commit(open, winner, 'yes', 12n);
  const importId = newId('imp');
  await books.db.pool.query('SELECT open_import($1)', [JSON.stringify({ importId, ...open })]);
  const line = { commitmentId: newId('com'), optionId: 'no', position: null, amountMinor: '13' };
  await importStakes(books.db.pool, { importId, ...merchant, lines: [
    { key: 'a', line: 1, userId: loser.userId, ...line },
    { key: 'b', line: 2, userId: 'usr_none', ...line },
  ] }); // biome-ignore format: two lines
  for (const market of [paid, back, stopped, voided, disputed]) {
    await markets.commit(market, winner, 'yes', 110n);
    await markets.commit(market, frozen, 'yes', 70n);
    await markets.commit(market, loser, 'no', 51n);
  }
  await markets.pay(paid, 'yes');
  const backId = await markets.pay(back, 'yes');
  const void_ = await markets.pay(voided, 'void');
  expect(await markets.state(void_)).toBe('COMPLETED');
  await markets.resolved(disputed, 'yes');
  await markets.dispute(disputed, loser);
  await markets.users.freeze(frozen, true);
  const stoppedId = await markets.resolved(stopped, 'yes');
  await markets.plan(stoppedId);
  expect(await markets.walk(stoppedId)).toBe('stopped');
  await markets.users.freeze(frozen, false);
  const purse = await markets.purse(winner);
  await markets.users.debit(winner, purse, { currency: 'INR' });
  await markets.users.credit(creator, (await markets.merchantHas(merchant)) - 20n, { currency: 'INR' });
  expect(await markets.rollback(backId)).toBe('rolled_back');
  expect((await markets.market(back)).missing > 0n).toBe(true);
}

/**
 * Withdrawals of 1 000: one paid, of which the bank has told; one under way; one of which a slice was taken back and is owed; one that
 * was paid twice; one whose rest went to a payout; two that an operator said were not paid, and the bank has: one credited then, one not;
 * one whose payer had the credit in a withdrawal of their own when it was taken back.
 */
async function paidPersonToPerson(): Promise<void> {
  const instant = instantOf(books);
  const open = async (onUnfilled: 'psp' | 'refund' = 'refund') => {
    const payee = await instant.user(1_000n);
    return await instant.open(payee, [600n, 400n], { onUnfilled });
  };
  const pay = async (batchId: string, utr?: string) => {
    const payer = await instant.user();
    const payinId = await instant.claim(payer, batchId);
    await instant.prove(batchId, payinId, utr === undefined ? {} : { utr });
    return { payer, payinId };
  };
  const [paid, under, back, twice, rest] = [await open(), await open(), await open(), await open(), await open('psp')];
  await pay(paid.batches[0] as string, '777700001111');
  await instant.bank(paid.payee, '777700001111', 600n);
  await pay(paid.batches[1] as string);
  await instant.confirm(paid.batches[1] as string);
  await instant.claim(await instant.user(), under.batches[0] as string);
  await instant.expire(under.batches[0] as string);
  await instant.claim(await instant.user(), under.batches[0] as string);
  const { payer } = await pay(back.batches[0] as string);
  await instant.users.debit(payer, 500n, { currency: 'INR' });
  await instant.dispute(back.batches[0] as string);
  await instant.decide(back.batches[0] as string, 'reject');
  const late = await instant.claim(await instant.user(), twice.batches[0] as string);
  await instant.expire(twice.batches[0] as string);
  await pay(twice.batches[0] as string);
  await instant.prove(twice.batches[0] as string, late);
  await instant.decideLate(late, 'credit');
  await pay(rest.batches[0] as string);
  await instant.confirm(rest.batches[0] as string);
  await instant.close(rest.id, 'unfilled');
  await instant.rest(rest.id);
  for (const [utr, decision] of [
    ['777700002222', 'credit'],
    ['777700003333', 'reject'],
  ] as const) {
    const { batches, payee } = await open();
    const found = await pay(batches[0] as string, utr);
    await instant.users.debit(found.payer, 500n, { currency: 'INR' });
    await instant.dispute(batches[0] as string);
    await instant.decide(batches[0] as string, 'reject');
    await instant.bank(payee, utr, 600n);
    await instant.decideLate(found.payinId, decision, true);
  }
  const hidden = await open();
  const hiding = (await pay(hidden.batches[0] as string)).payer;
  const own = await instant.open(hiding, [600n]);
  await instant.dispute(hidden.batches[0] as string);
  await instant.decide(hidden.batches[0] as string, 'reject');
  await instant.close(own.id);
}

async function providers(): Promise<Pick<World, 'earned' | 'owed' | 'awaited' | 'dispatched'>> {
  const platform = await books.merchant(20_000n);
  const provider = await books.provider(platform, 500n, 600n, 5000n);
  const poor = await books.provider(platform, 1000n);
  const awaited = await books.payout(provider, { amount: 100n, dispatch: 'run' }); // by the built-in policy
  await books.policy({ minSuccesses: 0 });
  const earned = await books.payout(provider, { amount: 690n, fee: 10n });
  await books.told(earned, 'attempt_started 1', 'paid 1');
  const owed = await books.payout(poor, { amount: 1000n });
  await books.told(owed, 'attempt_started 1', 'failed 1');
  await books.payout(poor, { amount: 300n });
  await books.told(owed, 'paid 1', 'returned 1');
  const dispatched = await books.payout(provider, { amount: 100n, dispatch: 'run' });
  await books.tell(dispatched, 'dispatched', { runId: 'run_1' });
  await books.told(dispatched, 'attempt_started 1');
  return { earned, owed, awaited, dispatched };
}

test('books that only the ledger has written are in order', async () => {
  const results = await checkInvariants(books.db.pool);
  expect(results.filter((each) => each.violations > 0)).toEqual([]);
  expect(results.map((each) => each.name)).toEqual(INVARIANTS.map((each) => each.name));
  expect(presentInvariants(results)[0]).toEqual({
    name: INVARIANTS[0]?.name,
    description: INVARIANTS[0]?.description,
    violations: 0,
  });
});

const entry = (payout: keyof World, type: string): string => `subject_id = '${world[payout]}' AND type = '${type}'`;
const uses = (payout: keyof World): string => `payout_id = '${world[payout]}'`;
const balanceOf = (payout: keyof World): string => `id = (SELECT balance_id FROM payouts WHERE id = '${world[payout]}')`;
const account = (purpose: string, more = ''): string =>
  `(SELECT id FROM accounts WHERE purpose = '${purpose}' ${more} ORDER BY id LIMIT 1)`;

type Damage = readonly [invariant: string, damage: string, sql: () => string];

const DAMAGES: readonly Damage[] = [
  ['balances_equal_entries', 'available money out of nothing', () => `UPDATE balances SET available = available + 1 WHERE ${balanceOf('paid')}`],
  ['balances_equal_entries', 'reserved money out of nothing', () => `UPDATE balances SET reserved = reserved + 1 WHERE ${balanceOf('paid')}`],
  ['balances_equal_entries', 'a version that counts an entry too many', () => `UPDATE balances SET version = version + 1 WHERE ${balanceOf('paid')}`],
  ['balances_equal_entries', 'a lost entry', () => `DELETE FROM ledger_entries WHERE ${entry('paid', 'FEE')}`],
  [
    'balances_equal_entries',
    'a negative balance',
    () => `ALTER TABLE balances DROP CONSTRAINT balances_available_not_negative; UPDATE balances SET available = -1 WHERE ${balanceOf('late')}`,
  ],
  ['balances_equal_entries', 'a debt that was let go', () => `UPDATE balances SET debt = debt - 1 WHERE ${balanceOf('late')}`],
  ['reserved_equals_open_holds', 'an open payout of another amount', () => `UPDATE payouts SET amount = amount + 1 WHERE id = '${world.waiting}'`],
  ['reserved_equals_open_holds', 'an open payout that is gone', () => `DELETE FROM payouts WHERE id = '${world.waiting}'`],
  ['reserved_equals_open_holds', 'an open payout without a balance', () => `UPDATE payouts SET balance_id = 0 WHERE id = '${world.waiting}'`],
  ['accounts_net_to_zero', 'an account that changed its currency', () => `UPDATE accounts SET currency = 'USD' WHERE id = ${account('clearing')}`],
  ['accounts_net_to_zero', 'an account that changed its mode', () => `UPDATE accounts SET mode = 'live' WHERE id = ${account('clearing', `AND mode = 'test'`)}`],
  ['accounts_net_to_zero', 'more taken back from the PSP than it got', () => `UPDATE ledger_entries SET amount = 1000000 WHERE ${entry('returned', 'REVERSE')}`],
  ['accounts_net_to_zero', 'a debt repaid that nobody owed', () => `UPDATE ledger_entries SET credit_account = ${account('debt')}, amount = 9999 WHERE ${entry('returned', 'REVERSE')}`],
  ['entries_within_one_currency_and_mode', 'an entry to an unknown account', () => `UPDATE ledger_entries SET credit_account = 999999 WHERE ${entry('paid', 'SETTLE')}`],
  ['entries_within_one_currency_and_mode', 'an entry from an unknown account', () => `UPDATE ledger_entries SET debit_account = 999999 WHERE ${entry('paid', 'SETTLE')}`],
  ['entries_within_one_currency_and_mode', 'an entry of an unknown balance', () => `UPDATE ledger_entries SET debit_balance = 999999 WHERE ${entry('paid', 'SETTLE')}`],
  ['entries_within_one_currency_and_mode', 'an entry in another currency', () => `UPDATE ledger_entries SET currency = 'USD' WHERE ${entry('paid', 'SETTLE')}`],
  [
    'entries_within_one_currency_and_mode',
    "an entry that takes another merchant's money",
    () => `UPDATE ledger_entries SET debit_account = (SELECT reserved_account FROM balances WHERE ${balanceOf('late')}) WHERE ${entry('paid', 'SETTLE')}`,
  ],
  [
    'entries_within_one_currency_and_mode',
    'test money that pays a live payout',
    () => `UPDATE ledger_entries SET debit_account = ${account('reserved', `AND mode = 'live'`)} WHERE ${entry('paid', 'SETTLE')}`,
  ],
  ['entries_do_what_their_type_says', 'a settlement that went to our fees', () => `UPDATE ledger_entries SET credit_account = ${account('fees')} WHERE ${entry('paid', 'SETTLE')}`],
  ['entries_do_what_their_type_says', 'an unknown type', () => `UPDATE ledger_entries SET type = 'GIFT' WHERE ${entry('paid', 'FEE')}`],
  ['entries_do_what_their_type_says', 'a second settlement under another key', () => `UPDATE ledger_entries SET op_key = op_key || ':again' WHERE ${entry('paid', 'SETTLE')}`],
  ['entries_do_what_their_type_says', 'an entry of no payout', () => `UPDATE ledger_entries SET subject_id = NULL WHERE ${entry('paid', 'FEE')}`],
  ['entries_do_what_their_type_says', 'a debt for a fee booked as one for the amount', () => `UPDATE ledger_entries SET leg = 2 WHERE ${entry('late', 'DEBT')} AND leg = 3`],
  ['entries_do_what_their_type_says', "a repayment under a payout's own key", () => `UPDATE ledger_entries SET op_key = subject_id || ':settle' WHERE ${entry('late', 'REPAY')}`],
  ['credits_repay_first', 'money that arrived and could be spent by one who owes', () => `UPDATE ledger_entries SET amount = amount - 1 WHERE ${entry('late', 'REPAY')}`],
  ['credits_repay_first', 'a repayment that is gone', () => `DELETE FROM ledger_entries WHERE ${entry('late', 'REPAY')}`],
  ['debts_of_their_subjects', 'a debt that no payout has', () => `UPDATE payouts SET debt = 0 WHERE id = '${world.late}'`],
  ['debts_of_their_subjects', 'a debt to another that the balance does not have', () => `INSERT INTO debts (balance_id, creditor_id, subject_kind, subject_id, amount, owed) VALUES (1, 2, 'game', 'gam_x', 5, 5)`],
  ['debts_to_others_as_booked', 'a debt that was never booked', () => `INSERT INTO debts (balance_id, creditor_id, subject_kind, subject_id, amount, owed) VALUES (1, 2, 'game', 'gam_x', 5, 0)`],
  ['debts_to_others_as_booked', 'money due to one whom nobody owes it', () => `UPDATE accounts SET purpose = 'owed' WHERE id = ${account('clearing')}`],
  ['debts_of_their_subjects', 'a payout that nobody owes for', () => `UPDATE balances SET debt = 0 WHERE ${balanceOf('late')}`],
  ['repayments_are_told', 'a repayment that is not told', () => `DELETE FROM events WHERE subject_id = '${world.late}' AND type = 'payout.debt_repaid'`],
  ['repayments_are_told', 'a repayment told with another amount', () => `UPDATE events SET data = data || '{"repaidMinor": "1"}' WHERE subject_id = '${world.late}' AND type = 'payout.debt_repaid'`],
  ['payouts_booked_as_their_state_says', 'a debt that its payout forgot', () => `UPDATE payouts SET debt = debt - 1 WHERE id = '${world.late}'`],
  ['payouts_booked_as_their_state_says', 'a return that is not counted', () => `UPDATE payouts SET returns = 0 WHERE id = '${world.returned}'`],
  ['payouts_booked_as_their_state_says', 'a return counted that never was', () => `UPDATE payouts SET returns = 1 WHERE id = '${world.paid}'`],
  ['history_adds_up', 'a debt in the history that was changed', () => `UPDATE ledger_entries SET debit_debt = debit_debt + 1 WHERE ${entry('late', 'REPAY')}`],
  ['history_adds_up', 'a line of the history that was changed', () => `UPDATE ledger_entries SET debit_available = debit_available + 1 WHERE ${entry('returned', 'RESERVE')}`],
  ['history_adds_up', 'a line of the history that is gone', () => `DELETE FROM ledger_entries WHERE ${entry('returned', 'REVERSE')}`],
  ['history_adds_up', 'a reserved sum that was changed', () => `UPDATE ledger_entries SET debit_reserved = debit_reserved + 1 WHERE ${entry('paid', 'FEE')}`],
  ['payouts_booked_as_their_state_says', 'a payout shown as paid that was not', () => `UPDATE payouts SET state = 'SUCCEEDED' WHERE id = '${world.again}'`],
  ['payouts_booked_as_their_state_says', 'a payout shown as failed that was paid', () => `UPDATE payouts SET state = 'FAILED' WHERE id = '${world.paid}'`],
  ['payouts_booked_as_their_state_says', 'a return that was not booked', () => `DELETE FROM ledger_entries WHERE ${entry('returned', 'REVERSE')}`],
  ['payouts_booked_as_their_state_says', 'a reversal of a payout that stays paid', () => `UPDATE payouts SET state = 'SUCCEEDED' WHERE id = '${world.returned}'`],
  ['payouts_booked_as_their_state_says', 'a fee that was settled short', () => `UPDATE ledger_entries SET amount = 24 WHERE ${entry('paid', 'FEE')}`],
  ['payouts_booked_as_their_state_says', 'a fee and an amount mixed up', () => `UPDATE ledger_entries SET amount = 1025 - amount WHERE subject_id = '${world.paid}' AND type IN ('FEE', 'SETTLE')`],
  ['payouts_booked_as_their_state_says', 'a round that was not reserved', () => `UPDATE payouts SET round = 3 WHERE id = '${world.again}'`],
  ['payouts_booked_as_their_state_says', 'a release of less than was reserved', () => `UPDATE ledger_entries SET amount = 1024 WHERE ${entry('rejected', 'RELEASE')}`],
  ['payouts_booked_as_their_state_says', 'a released payout that is sent all the same', () => `UPDATE payouts SET state = 'PROCESSING' WHERE id = '${world.rejected}'`],
  ['payouts_booked_as_their_state_says', 'entries of a payout that does not exist', () => `DELETE FROM payouts WHERE id = '${world.rejected}'`],
  ['payouts_booked_as_their_state_says', 'a payout that nobody reserved for', () => `DELETE FROM ledger_entries WHERE subject_id = '${world.rejected}'`],
  ['payouts_paid_by_one_attempt', 'a payout paid by two attempts', () => `UPDATE payout_attempts SET state = 'succeeded' WHERE payout_id = '${world.paid}'`],
  ['payouts_paid_by_one_attempt', 'a paid payout that no attempt paid', () => `UPDATE payout_attempts SET state = 'failed' WHERE payout_id = '${world.returned}'`],
  ['payouts_paid_by_one_attempt', 'a released payout that an attempt paid', () => `UPDATE payout_attempts SET state = 'succeeded' WHERE payout_id = '${world.again}' AND attempt = 1`],
  ['attempts_one_after_the_other', 'an attempt left open behind a newer one', () => `UPDATE payout_attempts SET state = 'open' WHERE payout_id = '${world.again}' AND attempt = 1`],
  ['attempts_one_after_the_other', 'a missing attempt', () => `DELETE FROM payout_attempts WHERE payout_id = '${world.again}' AND attempt = 1`],
  ['attempts_one_after_the_other', 'an attempt that the payout does not know', () => `UPDATE payouts SET attempt = 0 WHERE id = '${world.sent}'`],
  ['attempts_one_after_the_other', 'a payout in flight with no open attempt', () => `UPDATE payout_attempts SET state = 'failed' WHERE payout_id = '${world.sent}'`],
  ['attempts_one_after_the_other', 'an attempt still open after the end', () => `UPDATE payout_attempts SET state = 'open' WHERE payout_id = '${world.again}' AND attempt = 2`],
  ['attempts_one_after_the_other', "a key at the PSP that is not the attempt's own", () => `UPDATE payout_attempts SET psp_key = 'x' WHERE payout_id = '${world.sent}'`],
  ['attempts_dead_by_proof', 'a new key while the attempt before has no proof', () => `UPDATE payout_attempts SET proof = NULL WHERE payout_id = '${world.again}' AND attempt = 1`],
  ['attempts_dead_by_proof', 'a release by the refusal of a repeat', () => `UPDATE payout_attempts SET proof = 'refused', unknown_at = 3 WHERE payout_id = '${world.again}' AND attempt = 1`],
  ['attempts_dead_by_proof', 'the same, though the row hides it', () => `UPDATE payout_attempts SET proof = 'refused' WHERE payout_id = '${world.again}' AND attempt = 1; UPDATE events SET type = 'payout.outcome_unknown', to_state = 'UNKNOWN', data = '{"attempt":1}' WHERE subject_id = '${world.again}' AND sequence = 3`],
  ['attempts_dead_by_proof', 'a failed transfer that the PSP never named', () => `UPDATE payout_attempts SET proof = 'failed_transfer', psp_ref = NULL WHERE payout_id = '${world.again}' AND attempt = 1`],
  ['attempts_dead_by_proof', 'a resolution by nobody', () => `UPDATE payout_attempts SET proof = 'operator' WHERE payout_id = '${world.again}' AND attempt = 1`],
  ['attempts_dead_by_proof', 'an attempt in doubt of which nobody is told', () => `UPDATE payout_attempts SET state = 'doubted' WHERE payout_id = '${world.sent}'`],
  ['events_without_a_gap', 'an event that is gone', () => `DELETE FROM events WHERE subject_id = '${world.paid}' AND sequence = 3`],
  ['events_without_a_gap', 'the last event gone', () => `DELETE FROM events WHERE subject_id = '${world.sent}' AND sequence = 5`],
  ['events_follow_legal_edges', 'a change of state without an event', () => `UPDATE payouts SET state = 'UNKNOWN' WHERE id = '${world.sent}'`],
  ['events_without_a_gap', 'a payout without events', () => `DELETE FROM events WHERE subject_id = '${world.paid}'`],
  ['events_without_a_gap', 'events of no payout', () => `UPDATE events SET subject_id = 'po_x' WHERE subject_id = '${world.paid}'`],
  ['events_follow_legal_edges', 'a step that is not legal', () => `UPDATE events SET from_state = 'QUEUED', to_state = 'RETURNED' WHERE subject_id = '${world.returned}' AND sequence = 4`],
  ['events_follow_legal_edges', 'a step from a state it was not in', () => `UPDATE events SET from_state = 'UNKNOWN' WHERE subject_id = '${world.returned}' AND sequence = 3`],
  ['events_follow_legal_edges', 'an ignored fact that changed the state', () => `UPDATE events SET to_state = 'FAILED' WHERE subject_id = '${world.paid}' AND type = 'payout.fact_ignored'`],
  ['events_follow_legal_edges', 'a payout that began in the middle', () => `UPDATE events SET to_state = 'PROCESSING' WHERE subject_id = '${world.waiting}' AND sequence = 1`],
  ['events_follow_legal_edges', 'an event under a wrong name', () => `UPDATE events SET type = 'payout.failed' WHERE subject_id = '${world.paid}' AND type = 'payout.succeeded'`],
  ['approved_by_another', 'a maker who approved', () => `UPDATE approvals SET admin_id = 'adm_maker' WHERE subject_id = '${world.sent}'`],
  ['approved_by_another', 'an approval that is gone', () => `DELETE FROM approvals WHERE subject_id = '${world.sent}'`],
  ['approved_by_another', 'an approval that the timeline does not know', () => `UPDATE approvals SET decision = 'approved' WHERE subject_id = '${world.rejected}'`],
  [
    'approved_by_another',
    'a reviewed payout that was sent without an approval',
    () => `UPDATE payouts SET review = '{"reasons":[]}' WHERE id = '${world.paid}'`,
  ],
  ['deliveries_belong_to_their_event', 'a delivery of no event', () => `DELETE FROM events WHERE subject_id = '${world.waiting}'`],
  ['deliveries_belong_to_their_event', "a delivery of another payout's event", () => `UPDATE webhook_deliveries SET subject_id = '${world.late}' WHERE subject_id = '${world.waiting}'`],
  ['deliveries_belong_to_their_event', "an event that went to another merchant's endpoint", () => `UPDATE webhook_endpoints SET merchant_id = 'mer_other'`],
  ['deliveries_belong_to_their_event', 'a test event that went to a live endpoint', () => `UPDATE webhook_endpoints SET mode = 'live'`],
  ['deliveries_belong_to_their_event', 'a delivery out of its place', () => `UPDATE webhook_deliveries SET sequence = sequence + 1 WHERE subject_id = '${world.waiting}'`],
  ['deliveries_belong_to_their_event', 'a delivery that waits where no relay looks', () => `UPDATE webhook_deliveries SET receiver_id = 'we_nobody' WHERE subject_id = '${world.waiting}'`],
  ['payouts_told_where_they_may_be', 'a webhook of what is for the timeline only', () => `UPDATE events SET type = 'payout.parked' WHERE subject_id = '${world.waiting}'`],
  ['events_in_their_epoch', 'an event of a transaction that this server has not begun', () => `UPDATE events SET xid = '99999999' WHERE subject_id = '${world.paid}'`],
  ['events_in_their_epoch', 'an event of a history that has not begun', () => `UPDATE events SET epoch = 2 WHERE subject_id = '${world.paid}'`],
  ['events_in_their_order', 'an event of a time before that of the one before it', () => `UPDATE events SET at = at - interval '1 hour' WHERE subject_id = '${world.paid}' AND sequence = 2`],
  ['audience_of_events', 'an event that its owner would see twice', () => `UPDATE event_audience SET owner_kind = 'merchant', owner_id = e.owner_id FROM events e WHERE e.position = event_audience.position AND e.subject_kind = 'user'`],
  ['audience_of_events', 'an event shown in the other world', () => `UPDATE event_audience SET mode = 'live'`],
  ['audience_of_events', 'an event that is listed as one of another type', () => `UPDATE event_audience SET type = 'payout.retrying'`],
  ['audience_of_events', 'somebody who sees what there is not', () => `UPDATE event_audience SET position = position + 1000`],
  ['payouts_told_where_they_may_be', 'a callback to an address that nobody gave', () => `UPDATE webhook_deliveries SET url = 'https://evil.example' WHERE endpoint_id IS NULL`],
  ['tenants_apart', "a payout on another merchant's balance", () => `UPDATE payouts SET balance_id = (SELECT balance_id FROM payouts WHERE id = '${world.late}') WHERE id = '${world.paid}'`],
  ['tenants_apart', 'a payout that changed hands', () => `UPDATE payouts SET merchant_id = 'mer_other' WHERE id = '${world.paid}'`],
  ['tenants_apart', 'a payout that changed worlds', () => `UPDATE payouts SET mode = 'live' WHERE id = '${world.paid}'`],
  ['tenants_apart', 'an event shown to another merchant', () => `UPDATE events SET owner_id = 'mer_other' WHERE subject_id = '${world.paid}' AND sequence = 2`],
  ['tenants_apart', "an event shown to another than the payout's merchant", () => `UPDATE events SET owner_kind = 'provider' WHERE subject_id = '${world.paid}' AND sequence = 2`],
  ['tenants_apart', "a merchant's payout shown to a provider", () => `INSERT INTO event_audience SELECT 'provider', 'prv_x', mode, epoch, xid, position, type FROM events WHERE subject_id = '${world.paid}'`],
  ['tenants_apart', "a provider's payout shown to another provider", () => `UPDATE event_audience SET owner_id = 'prv_x' WHERE owner_kind = 'provider'`],
  ['tenants_apart', 'a payout that its provider does not see', () => `DELETE FROM event_audience`],
  ['tenants_apart', "a balance over another merchant's account", () => `UPDATE accounts SET merchant_id = 'mer_other' WHERE id = (SELECT reserved_account FROM balances WHERE ${balanceOf('late')})`],
  ['tenants_apart', "an entry in another balance's history", () => `UPDATE ledger_entries SET debit_balance = (SELECT balance_id FROM payouts WHERE id = '${world.late}') WHERE ${entry('paid', 'FEE')}`],
  ['refused_without_a_trace', 'a refused payout that came back', () => `UPDATE payout_refusals SET payout_id = '${world.waiting}' WHERE payout_id = '${world.refused}'`],
  ['refused_without_a_trace', 'an entry for a refused payout', () => `UPDATE ledger_entries SET subject_id = '${world.refused}' WHERE ${entry('paid', 'FEE')}`],
  ['entries_do_what_their_type_says', 'an earning that went the other way', () => `UPDATE ledger_entries SET leg = leg + 2 WHERE type = 'EARNING'`],
  ['entries_do_what_their_type_says', 'an earning booked under a funding', () => `UPDATE ledger_entries SET op_key = 'fund:' || op_key WHERE type = 'EARNING'`],
  ['accounts_net_to_zero', "a PSP's fee that we earned instead of paying", () => `UPDATE ledger_entries SET debit_account = credit_account, credit_account = debit_account WHERE ${entry('costly', 'PSP_FEE')}`],
  ['entries_do_what_their_type_says', "a PSP's second fee for one payout", () => `UPDATE ledger_entries SET op_key = op_key || ':again' WHERE ${entry('costly', 'PSP_FEE')}`],
  ['entries_do_what_their_type_says', "a PSP's fee that the merchant paid", () => `UPDATE ledger_entries SET debit_account = ${account('available')} WHERE ${entry('costly', 'PSP_FEE')}`],
  ['payouts_booked_as_their_state_says', "a PSP's fee for what it did not pay", () => `UPDATE ledger_entries SET subject_id = '${world.again}', op_key = '${world.again}:psp_fee' WHERE ${entry('costly', 'PSP_FEE')}`],
  ['earnings_make_up_balances', 'an earning that the balance does not have', () => `UPDATE earnings SET available = available - 1 WHERE available > 0`],
  ['earnings_make_up_balances', 'a balance that no earning made', () => `UPDATE balances SET owner_id = 'prv_x' WHERE ${balanceOf('earned')}`],
  ['earnings_make_up_balances', 'a reservation that no earning stands for', () => `UPDATE earning_uses SET state = 'paid_out' WHERE ${uses('awaited')}`],
  ['earnings_used_no_further_than_they_go', 'an earning used twice', () => `UPDATE earning_uses SET amount = amount + 1 WHERE ${uses('earned')}`],
  ['earnings_used_no_further_than_they_go', 'an earning given back that was used', () => `UPDATE earnings SET available = amount WHERE available = 0`],
  ['earnings_used_no_further_than_they_go', 'an earning that is gone', () => `DELETE FROM earnings WHERE available = 0`],
  ['earnings_used_as_payouts_say', 'a payout that nobody earned', () => `DELETE FROM earning_uses WHERE ${uses('earned')}`],
  ['earnings_used_as_payouts_say', 'a paid payout whose earnings are only reserved', () => `UPDATE earning_uses SET state = 'reserved' WHERE ${uses('earned')}`],
  ['earnings_used_as_payouts_say', 'a returned payout whose earnings stay paid out', () => `UPDATE earning_uses SET state = 'paid_out' WHERE ${uses('owed')}`],
  ['earnings_used_as_payouts_say', 'a reservation of another round', () => `UPDATE earning_uses SET round = 2 WHERE ${uses('awaited')}`],
  ['earnings_used_as_payouts_say', "a payout from another provider's earnings", () => `UPDATE earnings SET provider_id = 'prv_x' WHERE id IN (SELECT earning_id FROM earning_uses WHERE ${uses('earned')})`],
  ['earnings_used_as_payouts_say', 'earnings used by no payout of a provider', () => `UPDATE earning_uses SET payout_id = '${world.paid}' WHERE ${uses('earned')}`],
  ['earnings_posted_once', 'an earning that no merchant paid for', () => `UPDATE ledger_entries SET op_key = op_key || 'x' WHERE type = 'EARNING'`],
  ['earnings_posted_once', 'an earning that was posted short', () => `UPDATE ledger_entries SET amount = amount - 1 WHERE type = 'EARNING'`],
  ['earnings_posted_once', 'an earning that left its merchant and reached nobody', () => `UPDATE ledger_entries SET credit_balance = NULL WHERE type = 'EARNING'`],
  ['earnings_posted_once', 'an earning that reached another', () => `UPDATE ledger_entries SET credit_balance = (SELECT balance_id FROM payouts WHERE id = '${world.owed}') WHERE type = 'EARNING'`],
  ['earnings_posted_once', "an earning at another merchant's cost", () => `UPDATE ledger_entries SET debit_balance = (SELECT balance_id FROM payouts WHERE id = '${world.paid}') WHERE type = 'EARNING'`],
  ['providers_within_their_merchant', "a provider's payout from its merchant's money", () => `UPDATE payouts SET kind = 'merchant' WHERE id = '${world.earned}'`],
  ['providers_within_their_merchant', "a payout that is shown to another than who paid for it", () => `UPDATE payouts SET owner_id = 'prv_x' WHERE id = '${world.earned}'`],
  ['providers_within_their_merchant', 'a balance of a provider that nobody knows', () => `UPDATE balances SET owner_id = 'prv_x' WHERE ${balanceOf('earned')}`],
  ['providers_within_their_merchant', "an earning from another platform's merchant", () => `UPDATE earnings SET merchant_id = 'mer_other'`],
  ['providers_within_their_merchant', 'a provider that changed worlds', () => `UPDATE providers SET mode = 'live'`],
  ['provider_payouts_assessed', 'a payout that nobody assessed', () => `UPDATE payouts SET risk = NULL WHERE id = '${world.earned}'`],
  ['provider_payouts_assessed', 'a verdict on another amount', () => `UPDATE payouts SET risk = jsonb_set(risk, '{facts,amountMinor}', '"1"') WHERE id = '${world.earned}'`],
  ['provider_payouts_assessed', 'a review that nobody was asked for', () => `UPDATE payouts SET review = NULL WHERE id = '${world.awaited}'`],
  ['provider_payouts_assessed', 'an approval with reasons against it', () => `UPDATE payouts SET risk = jsonb_set(risk, '{verdict,decision}', '"APPROVE"') WHERE id = '${world.awaited}'`],
  ['provider_payouts_assessed', 'a verdict by a policy that there never was', () => `UPDATE payouts SET risk = jsonb_set(risk, '{policyVersion}', '7') WHERE id = '${world.earned}'`],
  ['sent_after_one_run', 'a payout that was sent though no run came to it', () => `UPDATE payouts SET run_id = NULL WHERE id = '${world.dispatched}'`],
  ['sent_after_one_run', 'a payout that two runs came to', () => `UPDATE events SET type = 'payout.queued', data = '{"runId":"run_2"}' WHERE subject_id = '${world.dispatched}' AND sequence = 1`],
  ['sent_after_one_run', 'a run that its timeline does not know', () => `UPDATE payouts SET run_id = 'run_2' WHERE id = '${world.dispatched}'`],
  ['sent_after_one_run', 'a run that came to a payout which waited for none', () => `UPDATE payouts SET dispatch = 'now' WHERE id = '${world.dispatched}'`],
  ['users_within_their_merchant', 'a balance of a user that nobody knows', () => `UPDATE balances SET owner_id = 'usr_x' WHERE owner_kind = 'user' AND currency = 'PKR'`],
  ['users_within_their_merchant', 'a user that changed worlds', () => `UPDATE users SET mode = 'live'`],
  ['users_within_their_merchant', 'a user that went to another merchant', () => `UPDATE users SET merchant_id = 'mer_other'`],
  ['user_money_between_merchant_and_user', 'a credit that reached another user', () => `UPDATE ledger_entries SET subject_id = 'usr_x' WHERE type = 'USER_CREDIT'`],
  ['user_money_between_merchant_and_user', 'a credit out of what was a debit', () => `UPDATE ledger_entries SET type = 'USER_CREDIT' WHERE type = 'USER_DEBIT'`],
  ['user_money_between_merchant_and_user', "a credit under another merchant's name for it", () => `UPDATE ledger_entries SET op_key = 'user_money:mer_other:test:1' WHERE type = 'USER_CREDIT' AND amount = 30`],
  ['user_money_is_told', 'a credit that nobody heard of', () => `DELETE FROM events WHERE type = 'user.credited'`],
  ['user_money_is_told', 'a credit that never was', () => `DELETE FROM ledger_entries WHERE type = 'USER_CREDIT'`],
  ['user_money_is_told', 'a debit told as a credit', () => `UPDATE events SET type = 'user.credited' WHERE type = 'user.debited'`],
  ['user_money_is_told', 'a transaction of another amount', () => `UPDATE events SET object = jsonb_set(object, '{transaction,amountMinor}', '"31"') WHERE type = 'user.credited'`],
  ['user_money_is_told', 'a balance that was not the one after it', () => `UPDATE events SET object = jsonb_set(object, '{balance,availableMinor}', '"2000"') WHERE type = 'user.debited'`],
  ['events_of_users', 'an event that is missing', () => `DELETE FROM events WHERE subject_kind = 'user' AND sequence = 1`],
  ['events_of_users', 'an event that its user does not hear', () => `UPDATE event_audience a SET owner_id = 'usr_x' FROM events e WHERE e.position = a.position AND e.subject_kind = 'user'`],
  ['events_of_users', "a user's event that another merchant hears", () => `UPDATE events SET owner_id = 'mer_other' WHERE subject_kind = 'user'`],
  ['events_of_users', 'a balance that looks older than the one before', () => `UPDATE events SET object = jsonb_set(object, '{balance,version}', '1') WHERE type = 'user.debited'`],
  ['games_hold_what_they_may_pay', 'an open game that holds too little', () => `UPDATE games SET held = held - 1 WHERE state = 'OPEN'`],
  ['games_hold_what_they_may_pay', 'a winner that nothing is held for', () => `UPDATE games SET held = 0 WHERE state = 'PARTLY_SETTLED'`],
  ['games_hold_what_they_may_pay', 'a void game that still holds something', () => `UPDATE games SET held = 1 WHERE state = 'VOIDED'`],
  ['stakes_of_games_add_up', 'a bet that is gone', () => `DELETE FROM bets WHERE amount = 10`],
  ['stakes_of_games_add_up', 'a side that nobody bet so much on', () => `UPDATE game_sides SET stakes = stakes + 1 WHERE stakes = 20`],
  ['stakes_of_games_add_up', 'a stake that was never taken', () => `DELETE FROM ledger_entries WHERE type = 'BET' AND amount = 20`],
  ['stakes_of_games_add_up', 'a player who bet on the other side', () => `UPDATE game_players SET stake_won = 1 WHERE total_bet = 70`],
  ['bets_stand_as_their_players', 'a lost bet that looks won', () => `UPDATE bets SET state = 'won' WHERE state = 'lost'`],
  ['bets_stand_as_their_players', 'a bet paid under another key', () => `UPDATE bets SET payout_transaction_id = 'game/x/user/y' WHERE state = 'won'`],
  ['players_settled_once', 'a win that nobody got', () => `DELETE FROM ledger_entries WHERE type = 'WIN' AND amount = 60`],
  ['players_settled_once', 'a win of another amount', () => `UPDATE ledger_entries SET amount = 61 WHERE type = 'WIN' AND amount = 60`],
  ['players_settled_once', 'a win that nobody heard of', () => `DELETE FROM events WHERE type = 'game_complete' AND object ->> 'amountMinor' = '60'`],
  ['players_settled_once', 'a win told as another', () => `UPDATE events SET object = object || '{"amountMinor": "61"}' WHERE type = 'game_complete' AND object ->> 'amountMinor' = '60'`],
  ['players_settled_once', 'a stake that a void did not give back', () => `DELETE FROM ledger_entries WHERE type = 'REFUND'`],
  ['players_settled_once', 'a win that a void left', () => `DELETE FROM ledger_entries WHERE type = 'WIN_BACK'`],
  ['players_settled_once', 'a win of somebody who did not play', () => `DELETE FROM game_players WHERE state = 'settled'`],
  ['games_as_told', 'an event that is missing', () => `DELETE FROM events WHERE type = 'game.completed'`],
  ['games_as_told', 'a state that nobody told', () => `UPDATE games SET state = 'SETTLED' WHERE state = 'OPEN'`],
  ['pools_of_markets_add_up', 'a stake that left its pool', () => `UPDATE balances SET available = available - 1 WHERE owner_kind = 'market' AND available = 36`],
  ['pools_of_markets_add_up', 'a lack that was forgotten', () => `UPDATE markets SET missing = 0 WHERE missing > 0`],
  ['pools_of_markets_add_up', 'a pool of no market', () => `UPDATE balances SET owner_id = 'mkt_x' WHERE owner_kind = 'market' AND available = 36`],
  ['stakes_of_markets_add_up', 'a commitment that is gone', () => `DELETE FROM commitments WHERE amount = 11`],
  ['stakes_of_markets_add_up', 'a market that counts too many users', () => `UPDATE markets SET participants = participants + 1 WHERE state = 'OPEN'`],
  ['stakes_of_markets_add_up', 'an option that nobody staked so much on', () => `UPDATE market_options SET staked = staked + 1 WHERE staked = 13`],
  ['stakes_of_markets_add_up', 'a participant who staked more', () => `UPDATE market_participants SET staked = staked + 1 WHERE staked = 23`],
  ['stakes_of_markets_add_up', 'a position of another option', () => `UPDATE market_positions SET option_id = 'no' WHERE staked = 23`],
  ['stakes_of_markets_add_up', 'a commitment out of its order', () => `UPDATE commitments SET staked_before = 10 WHERE amount = 12`],
  ['stakes_of_markets_add_up', 'a stake that was never taken', () => `DELETE FROM ledger_entries WHERE type = 'COMMITMENT' AND amount = 12`],
  ['stakes_of_markets_add_up', 'a stake taken into another pool', () => `UPDATE ledger_entries SET credit_balance = debit_balance WHERE type = 'COMMITMENT' AND amount = 12`],
  ['distributions_paid_once', 'a payout that nobody got', () => `DELETE FROM ledger_entries WHERE type = 'DISTRIBUTION'`],
  ['distributions_paid_once', 'a payout of another amount', () => `UPDATE ledger_entries SET amount = amount + 1 WHERE type = 'DISTRIBUTION'`],
  ['distributions_paid_once', 'a payout under another run’s key', () => `UPDATE ledger_entries SET op_key = replace(op_key, '/run/1/', '/run/2/') WHERE type = 'DISTRIBUTION'`],
  ['distributions_paid_once', 'a payout of nobody who took part', () => `DELETE FROM distributions WHERE payout > 0 AND state = 'completed'`],
  ['distributions_paid_once', 'a stake returned as a win', () => `UPDATE ledger_entries SET type = 'DISTRIBUTION' WHERE type = 'STAKE_RETURN'`],
  ['distributions_paid_once', 'a payout that nobody heard of', () => `DELETE FROM events WHERE type = 'distribution.completed'`],
  ['distributions_paid_once', 'a payout told as another', () => `UPDATE events SET object = jsonb_set(object, '{distribution,payoutMinor}', '"1"') WHERE type = 'distribution.completed'`],
  ['distributions_paid_once', 'a payout taken back that stays paid', () => `UPDATE distributions SET state = 'completed' WHERE state = 'rolled_back'`],
  ['distributions_paid_once', 'a payout that a rollback left', () => `DELETE FROM ledger_entries WHERE type = 'DISTRIBUTION_BACK'`],
  ['distributions_paid_once', 'a debt that a rollback forgot', () => `DELETE FROM ledger_entries WHERE type = 'DEBT' AND subject_kind = 'resolution'`],
  ['distributions_paid_once', 'a rollback that nobody heard of', () => `DELETE FROM events WHERE type = 'distribution.rolled_back'`],
  ['distributions_by_their_share', 'a share of more than the stake', () => `UPDATE distributions SET payout = payout + 1 WHERE state = 'completed' AND payout > 0`],
  ['distributions_by_their_share', 'a loser who looks like a winner', () => `UPDATE distributions SET stake_won = stake_lost, stake_lost = 0 WHERE stake_lost = 51`],
  ['distributions_by_their_share', 'a unit that somebody else should have', () => `UPDATE distributions SET rounded_up = NOT rounded_up, payout = payout + CASE WHEN rounded_up THEN -1 ELSE 1 END WHERE stake_won > 0 AND payout > 0`],
  ['distributions_by_their_share', 'a cut that moved', () => `UPDATE resolutions SET cut_remainder = cut_remainder + 1 WHERE cut_user IS NOT NULL`],
  ['resolutions_pay_their_plan', 'a plan with a smaller fee', () => `UPDATE resolutions SET fee_total = fee_total - 1, house_fee = house_fee - 1, net = net + 1 WHERE state = 'COMPLETED' AND house_fee > 0`],
  ['resolutions_pay_their_plan', 'a fee that went from the house to the creator', () => `UPDATE resolutions SET house_fee = house_fee - 1, creator_fee = creator_fee + 1 WHERE house_fee > 0`],
  ['resolutions_pay_their_plan', 'users who were paid and not counted', () => `UPDATE resolutions SET paid_users = paid_users - 1 WHERE state = 'PAYING_STOPPED'`],
  ['resolutions_pay_their_plan', 'a resolution that looks complete', () => `UPDATE resolutions SET state = 'COMPLETED' WHERE state = 'PAYING_STOPPED'`],
  ['resolutions_pay_their_plan', 'a rollback that looks complete', () => `UPDATE resolutions SET undone_users = undone_users - 1 WHERE state = 'ROLLED_BACK'`],
  ['resolutions_pay_their_plan', 'a rollback that took back less than it says', () => `UPDATE resolutions SET undone = undone - 1 WHERE state = 'ROLLED_BACK' AND undone > 0`],
  ['resolutions_pay_their_plan', 'a plan before its time', () => `UPDATE resolutions SET state = 'PLANNING' WHERE state = 'PAYING_STOPPED'`],
  ['fees_of_markets_booked_once', 'a fee that nobody got', () => `DELETE FROM ledger_entries WHERE type = 'MARKET_FEE'`],
  ['fees_of_markets_booked_once', 'a creator’s fee of another amount', () => `UPDATE ledger_entries SET amount = amount + 1 WHERE type = 'MARKET_FEE' AND op_key LIKE '%/creator'`],
  ['fees_of_markets_booked_once', 'a fee that the merchant got for the creator', () => `UPDATE ledger_entries e SET credit_balance = o.credit_balance FROM ledger_entries o WHERE e.type = 'MARKET_FEE' AND o.type = 'MARKET_FEE' AND e.op_key LIKE '%/creator' AND o.op_key LIKE '%/house'`],
  ['fees_of_markets_booked_once', 'fees that were never booked', () => `UPDATE resolutions SET fees_booked = false WHERE state = 'COMPLETED'`],
  ['fees_of_markets_booked_once', 'a creator’s fee that a rollback left', () => `DELETE FROM ledger_entries WHERE op_key LIKE '%/fee/creator/back'`],
  ['markets_as_told', 'an event of a market that is missing', () => `DELETE FROM events WHERE type = 'market.resolving'`],
  ['markets_as_told', 'a state of a market that nobody told', () => `UPDATE markets SET state = 'VOID' WHERE state = 'RESOLVED'`],
  ['markets_as_told', 'a market that looks free while it is resolved', () => `UPDATE markets SET state = 'UNRESOLVED' WHERE state = 'RESOLVING'`],
  ['markets_as_told', 'a resolution that is gone', () => `DELETE FROM resolutions WHERE state = 'ROLLED_BACK'`],
  ['markets_as_told', 'a rollback by the resolver', () => `UPDATE resolutions SET rolled_back_by = resolved_by WHERE state = 'ROLLED_BACK'`],
  ['markets_as_told', 'a dispute of nobody', () => `DELETE FROM resolution_disputes`],
  ['markets_as_told', 'a resolution that is over and looks open', () => `UPDATE resolutions SET ended_at = NULL WHERE state = 'ROLLED_BACK'`],
  ['figures_of_markets_add_up', 'a stake that nobody counted', () => `DELETE FROM market_tallies WHERE commitments > 0`],
  ['figures_of_markets_add_up', 'a user who counts twice', () => `UPDATE market_tallies SET users = users + 1`],
  ['figures_of_markets_add_up', 'a fee that counts twice', () => `UPDATE market_tallies SET house_fees = 2 * house_fees WHERE house_fees > 0`],
  ['imports_line_by_line', 'a line that is gone', () => `DELETE FROM import_lines WHERE key = 'b'`],
  ['imports_line_by_line', 'a line in another’s place', () => `UPDATE import_lines SET nth = 99 WHERE key = 'b'`],
  ['imports_line_by_line', 'a line that staked nothing', () => `UPDATE import_lines SET commitment_id = 'com_x' WHERE key = 'a'`],
  ['imports_line_by_line', 'a stake of no line', () => `UPDATE commitments SET import_id = 'imp_x' WHERE amount = 11`],
  ['entries_do_what_their_type_says', 'a distribution under a fee’s key', () => `UPDATE ledger_entries SET op_key = replace(op_key, '/user/', '/fee/') WHERE type = 'DISTRIBUTION'`],
  ['withdrawals_add_up', 'a slice that is gone', () => `DELETE FROM instant_batches WHERE amount = 400 AND money = 'held'`],
  ['withdrawals_add_up', 'a slice that is smaller than it was', () => `UPDATE instant_batches SET amount = 399 WHERE amount = 400 AND money = 'credited'`],
  ['withdrawals_add_up', 'a withdrawal that says more was paid', () => `UPDATE instant_payouts SET paid = paid + 1, held = held - 1 WHERE state = 'open' AND held > 600`],
  ['withdrawals_add_up', 'one that is over while a slice is not', () => `UPDATE instant_batches SET state = 'sys_confirmed' WHERE state = 'confirmed' AND amount = 400`],
  ['withdrawals_add_up', 'one that is over and does not say so', () => `UPDATE instant_payouts SET completed_at = NULL WHERE state = 'completed'`],
  ['slices_booked_once', 'a withdrawal that was never reserved', () => `DELETE FROM ledger_entries WHERE type = 'WITHDRAWAL' AND subject_kind = 'instant_payout'`],
  ['slices_booked_once', 'a credit that nobody got', () => `DELETE FROM ledger_entries WHERE type = 'SLICE' AND amount = 400`],
  ['slices_booked_once', 'a credit of another amount', () => `UPDATE ledger_entries SET amount = 401 WHERE type = 'SLICE' AND amount = 400`],
  ['slices_booked_once', 'a slice taken back of which too little is owed', () => `UPDATE ledger_entries SET amount = amount - 1 WHERE type = 'DEBT' AND subject_kind = 'instant_batch'`],
  ['slices_booked_once', 'a rest that was handed over and not booked', () => `DELETE FROM ledger_entries WHERE type = 'RELEASE' AND subject_kind = 'instant_payout'`],
  ['slices_booked_once', 'a late payer who was not credited', () => `DELETE FROM ledger_entries WHERE subject_kind = 'payin' AND type IN ('SLICE', 'DEBT')`],
  ['slices_booked_once', 'a credit for a slice that there is not', () => `UPDATE ledger_entries SET subject_id = 'ipb_x' WHERE type = 'SLICE' AND amount = 400`],
  ['slices_between_their_people', 'a slice that somebody else was credited for', () => `UPDATE ledger_entries SET credit_balance = 1 WHERE type = 'SLICE' AND amount = 400`],
  ['slices_between_their_people', 'a payer who is the payee', () => `UPDATE payins p SET user_id = b.payee_id FROM instant_batches b WHERE b.payin_id = p.id AND b.money = 'credited'`],
  ['slices_stand_as_their_assignments', 'a slice that somebody has and whose money went back', () => `UPDATE instant_batches SET money = 'released' WHERE state = 'assigned'`],
  ['slices_stand_as_their_assignments', 'an assignment that runs for a slice that is over', () => `UPDATE instant_assignments SET state = 'open', ended_at = NULL WHERE state = 'settled'`],
  ['slices_stand_as_their_assignments', 'a payin that is completed and was not credited', () => `UPDATE payins SET state = 'completed' WHERE state = 'assigned'`],
  ['slices_stand_as_their_assignments', 'a payin of another amount than its slice', () => `UPDATE payins SET amount = amount + 1 WHERE state = 'completed'`],
  ['slices_stand_as_their_assignments', 'an assignment that is gone', () => `DELETE FROM instant_assignments WHERE state = 'expired'`],
  ['utrs_prove_once', 'a UTR that may be used again', () => `DELETE FROM used_utrs WHERE utr = '777700001111'`],
  ['utrs_prove_once', 'a credit without its proof', () => `DELETE FROM instant_proofs WHERE utr = '777700001111'`],
  ['utrs_prove_once', 'a bank credit that matches another amount', () => `UPDATE bank_credits SET amount = amount - 1`],
  ['credits_repay_first', 'a withdrawal that came back past whom its payee owes', () => `DELETE FROM ledger_entries WHERE type = 'REPAY' AND op_key LIKE 'slice/%/release'`],
  ['slices_booked_once', 'a debt of what was paid that was forgiven of another', () => `UPDATE ledger_entries SET op_key = 'late/pin_x/unowed' WHERE type = 'DEBT_BACK'`],
  ['debts_to_others_as_booked', 'a debt of what was paid that is owed still', () => `DELETE FROM ledger_entries WHERE type = 'DEBT_BACK'`],
  ['slices_stand_as_their_assignments', 'a payin that an operator is to decide again, and that says it is over', () => `UPDATE late_proofs SET decision = NULL, decided_at = NULL WHERE was = 'reversed' AND decision = 'reject'`],
  ['slices_stand_as_their_assignments', 'a payin that was never rejected and was found by the bank', () => `UPDATE late_proofs SET was = 'failed' WHERE was = 'reversed'`],
  ['banks_are_heard', 'a payment that the bank has, and the books have not, and nobody knows', () => `UPDATE bank_credits SET decided_by = NULL, decided_at = NULL WHERE utr = '777700003333'`],
  ['banks_are_heard', 'a bank that waits for a proof that was shown', () => `UPDATE bank_credits SET state = 'waiting', batch_id = NULL WHERE utr = '777700001111'`],
  ['rests_handed_over_once', 'a payout of more than the rest', () => `UPDATE payouts SET amount = amount + 1 WHERE kind = 'user'`],
  ['rests_handed_over_once', 'a rest without its payout', () => `UPDATE instant_payouts SET rest_payout_id = 'po_x' WHERE handed > 0`],
  ['rests_handed_over_once', "a user's payout of no withdrawal", () => `UPDATE payouts SET kind = 'user' WHERE id = '${world.waiting}'`],
  ['instant_payouts_as_told', 'an event of a slice that is missing', () => `DELETE FROM events WHERE type = 'instant-payout-batch-completed'`],
  ['instant_payouts_as_told', 'a payin whose state nobody told', () => `UPDATE payins SET state = 'reversed' WHERE state = 'completed'`],
  ['instant_payouts_as_told', 'a withdrawal that went where no edge leads', () => `UPDATE events SET from_state = 'cancelled' WHERE subject_kind = 'instant_payout' AND to_state = 'completed'`],
  ['instant_payouts_as_told', 'a payin that a stranger hears of', () => `UPDATE event_audience SET owner_id = 'usr_x' WHERE type = 'payin-status-update' AND owner_kind = 'user'`],
  ['entries_do_what_their_type_says', 'a win under another key', () => `UPDATE ledger_entries SET op_key = 'win' WHERE type = 'WIN' AND amount = 60`],
  ['entries_do_what_their_type_says', "a user's money booked as a funding", () => `UPDATE ledger_entries SET op_key = 'fund:' || op_key WHERE type = 'USER_CREDIT'`],
  ['refused_without_a_trace', 'an event of a refused payout', () => `UPDATE events SET subject_id = '${world.refused}' WHERE subject_id = '${world.paid}' AND sequence = 2`],
]; // biome-ignore format: a table

test.each(DAMAGES)('%s finds %s', async (invariant, _, damage) => {
  const client = await books.db.owner.connect();
  try {
    await client.query(`BEGIN; SET LOCAL session_replication_role = replica; DROP INDEX payout_attempts_one_open;
                        ALTER TABLE payout_attempts DROP CONSTRAINT payout_attempts_dead_by_proof`);
    await client.query(damage());
    const results = await checkInvariantsWithin(client);
    expect(results.filter(({ violations }) => violations > 0).map(({ name }) => name)).toContain(invariant);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

test('every invariant is among those shown', () => {
  expect(new Set(DAMAGES.map(([invariant]) => invariant))).toEqual(new Set(INVARIANTS.map((each) => each.name)));
});

test('the check says how many rows are wrong and which', async () => {
  const { owner: sql } = books.db;
  await sql.query(`UPDATE balances SET available = available + 7 WHERE ${balanceOf('paid')}`);
  const broken = (await checkInvariants(books.db.pool)).filter((each) => each.violations > 0);
  await sql.query(`UPDATE balances SET available = available - 7 WHERE ${balanceOf('paid')}`);
  expect(broken).toMatchObject([{ name: 'balances_equal_entries', violations: 1, sample: [{ available: expect.any(Number) }] }]);
  await books.expectInOrder();
});

test('a check that fails leaves no connection in the middle of something', async () => {
  await expect(checkInvariants(books.db.pool, [{ name: 'x', description: 'x', sql: 'SELECT 1 FROM nowhere' }])).rejects.toThrow(
    'nowhere',
  );
  await books.expectInOrder();
});

test('two connections check the books as they are at one moment', async () => {
  const sql = `SELECT pg_backend_pid() AS pid, pg_current_snapshot()::text AS moment FROM pg_sleep(0.2)`;
  const writing = setInterval(() => void books.db.owner.query('SELECT pg_current_xact_id()'), 10);
  const results = await checkInvariants(
    books.db.pool,
    [1, 2].map((n) => ({ name: `x${n}`, description: 'x', sql })),
  );
  clearInterval(writing);
  const seen = results.flatMap(({ sample }) => sample as { pid: number; moment: string }[]);
  expect(new Set(seen.map(({ pid }) => pid)).size).toBe(2);
  expect(new Set(seen.map(({ moment }) => moment)).size).toBe(1);
});

test('what a flow holds or books and does not say is found, and what it says is counted with the others', async () => {
  const broken = async (flows: readonly FlowChecks[]) =>
    (await checkInvariants(books.db.pool, entryInvariants(flows)))
      .filter(({ violations }) => violations > 0)
      .map(({ name }) => name);
  const holding = (sql: string): FlowChecks => ({ invariants: [], openHolds: sql });
  expect(await broken([payoutChecks, providerChecks, userChecks, gameChecks, marketChecks, instantChecks])).toEqual([]);
  expect(
    await broken([
      payoutChecks,
      providerChecks,
      userChecks,
      gameChecks,
      marketChecks,
      instantChecks,
      holding('SELECT id, 0 FROM balances'),
    ]),
  ).toEqual([]);
  expect(
    await broken([
      payoutChecks,
      providerChecks,
      userChecks,
      gameChecks,
      marketChecks,
      instantChecks,
      holding('SELECT id, 1 FROM balances'),
    ]),
  ).toEqual(['reserved_equals_open_holds']);
  expect(
    await broken([providerChecks, userChecks, gameChecks, marketChecks, instantChecks, holding('SELECT 0, 0 WHERE false')]),
  ).toEqual(['entries_do_what_their_type_says', 'debts_of_their_subjects', 'reserved_equals_open_holds']);
  expect(await broken([payoutChecks, userChecks, gameChecks, marketChecks, instantChecks])).toEqual([
    'entries_do_what_their_type_says',
  ]); // an earning
  expect(await broken([payoutChecks, providerChecks, gameChecks, marketChecks, instantChecks])).toEqual([
    'entries_do_what_their_type_says',
  ]); // a user's credit
});

test('a check of large books is not ended like a write that lasts too long', async () => {
  const limit = `SELECT current_setting('transaction_timeout') AS limit`;
  const [checked] = await checkInvariants(books.db.pool, [{ name: 'x', description: 'x', sql: limit }]);
  expect(checked?.sample).toEqual([{ limit: '0' }]);
  expect((await books.db.pool.query(limit)).rows).toEqual([{ limit: '10s' }]);
});

test('a connection that is done early does not idle in its transaction, where the server would end it', async () => {
  const pool = new pg.Pool({ connectionString: books.db.appUrl, max: 2, idle_in_transaction_session_timeout: 200 });
  const results = await checkInvariants(pool, [
    { name: 'long', description: 'x', sql: 'SELECT 1 AS one WHERE pg_sleep(1) IS NULL' },
    { name: 'short', description: 'x', sql: 'SELECT 1 AS one WHERE false' },
  ]);
  await pool.end();
  expect(results.map(({ violations }) => violations)).toEqual([0, 0]);
});
