/** What schema.prisma cannot say, and what the tables' own gates refuse, whoever asks. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Books, openBooks } from '../support/books.ts';
import { drift } from '../support/schemaEngine.ts';

let books: Books;
let payoutId: string;
beforeAll(async () => {
  books = await openBooks();
  const owner = await books.merchant(5000n);
  payoutId = await books.payout(owner, { reviewReasons: [{ code: 'amount', detail: 'large' }], makerId: 'adm_maker' });
  await books.tell(payoutId, 'approved', { adminId: 'adm_1' });
  await books.told(payoutId, 'attempt_started 1');
  await books.policy({ minSuccesses: 0 });
  await books.payout(await books.provider(owner, 1000n), { amount: 100n });
  await books.db.owner.query(
    `INSERT INTO audit_log (admin_id, action, target, request_id) VALUES ('adm_1', 'approve', $1, 'r')`,
    [payoutId],
  );
});
afterAll(async () => {
  await books.expectInOrder();
});
afterAll(async () => {
  await books.stop(); // also when the books are not in order
});

const asOwner = (sql: string, values: unknown[] = []) => books.db.owner.query(sql, values);
const asApp = (sql: string, values: unknown[] = []) => books.db.pool.query(sql, values);
const column = async (sql: string): Promise<unknown[]> => (await asOwner(sql)).rows.map((row) => Object.values(row)[0]);

test('the migrations make the database that schema.prisma describes', async () => {
  expect(await drift(books.db.ownerUrl, 'prisma/schema.prisma')).toBe('');
  await asOwner('ALTER TABLE payouts ADD COLUMN stray text');
  expect(await drift(books.db.ownerUrl, 'prisma/schema.prisma')).toContain('DROP COLUMN "stray"');
  await asOwner('ALTER TABLE payouts DROP COLUMN stray');
});

test("Prisma's own table says that every migration was applied, with its checksum", async () => {
  const { rows } = await asOwner(
    'SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL ORDER BY 1',
  );
  const names = rows.map((row) => row.migration_name);
  expect(names).toContain('20261129000000_baseline');
  for (const row of rows) {
    const file = readFileSync(`prisma/migrations/${row.migration_name}/migration.sql`);
    expect(row.checksum).toBe(createHash('sha256').update(file).digest('hex'));
  }
});

test('the checks on money, states and roles are there', async () => {
  const checks = await column(
    `SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace ORDER BY 1`,
  );
  expect(checks).toEqual(
    expect.arrayContaining([
      'admins_role_known',
      'api_keys_of_providers_made',
      'api_keys_owner_known',
      'approvals_decision_known',
      'balances_available_not_negative',
      'balances_debt_not_negative',
      'balances_reserved_not_negative',
      'debts_amount_positive',
      'debts_owed_in_range',
      'debts_two_sides',
      'bets_amount_in_range',
      'bets_prize_not_less',
      'bets_settled_under_a_key',
      'bets_state_known',
      'game_players_not_negative',
      'game_players_paid_for_a_winning_bet',
      'game_players_settled_under_a_key',
      'game_players_settlement_key_natural',
      'game_players_state_known',
      'game_sides_not_negative',
      'game_sides_pay_stakes_back',
      'games_held_not_negative',
      'games_mode_known',
      'earning_uses_amount_positive',
      'earning_uses_state_known',
      'earnings_amount_in_range',
      'earnings_available_in_range',
      'ledger_entries_amount_positive',
      'ledger_entries_two_sides',
      'instant_payouts_add_up',
      'instant_payouts_over_holds_nothing',
      'instant_payouts_closing_known',
      'instant_payouts_unfilled_known',
      'instant_batches_money_known',
      'instant_batches_not_self_paid',
      'instant_batches_epoch_in_range',
      'instant_batches_payer_of_epoch',
      'instant_batches_credited_by_a_proof',
      'instant_assignments_state_known',
      'instant_assignments_ended',
      'bank_credits_state_known',
      'bank_credits_other_is_another',
      'bank_credits_decided_by_somebody',
      'instant_disputes_decision_known',
      'late_proofs_decision_known',
      'payins_mode_known',
      'notifications_state_known',
      'payout_attempts_state_known',
      'payouts_amount_in_range',
      'payouts_debt_not_negative',
      'payouts_dispatch_known',
      'payouts_fee_in_range',
      'payouts_mode_known',
      'risk_policies_after_the_first',
      'user_stats_not_negative',
      'user_stats_won_or_lost',
      'users_mode_known',
    ]),
  );
});

test('no foreign key points at or from the hot balance row', async () => {
  const keys = `SELECT conname FROM pg_constraint WHERE contype = 'f' AND ('balances'::regclass IN (conrelid, confrelid) OR conrelid = 'ledger_entries'::regclass)`;
  expect(await column(keys)).toEqual([]);
  expect(await column(`SELECT reloptions[1] FROM pg_class WHERE relname = 'balances'`)).toEqual(['fillfactor=50']);
});

test('functions that act with the rights of the owner look up names nowhere else', async () => {
  const settings = `SELECT DISTINCT proconfig[1] FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace`;
  expect(await column(settings)).toEqual(['search_path=public, pg_temp']);
});

test('the application may call the doors to the money and to the relay, and none of what is behind them', async () => {
  const callable = `SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND prorettype <> 'trigger'::regtype AND has_function_privilege('oncepay_app', oid, 'EXECUTE') ORDER BY 1`;
  expect(await column(callable)).toEqual([
    'acknowledge_game',
    'apply_fact',
    'assign_validator',
    'begin_epoch',
    'begin_pause',
    'bet_record',
    'callback_receiver',
    'close_instant_payout',
    'commit_stake',
    'commitment_of',
    'commitment_part',
    'commitment_record',
    'confirm_batch',
    'cover_market',
    'decide_bank_credit',
    'decide_batch',
    'decide_distribution',
    'decide_late_proof',
    'decide_resolution',
    'dispute_batch',
    'dispute_distribution',
    'dispute_resolution',
    'distribution_key',
    'distribution_record',
    'drop_old_hours',
    'end_game',
    'end_pause',
    'end_paying',
    'end_rollback',
    'end_window',
    'fail_distribution',
    'fail_player',
    'find_cut',
    'flag_overdue_games',
    'fold_events',
    'fold_tallies',
    'forget_failing',
    'forget_image',
    'freeze_user',
    'fund_balance',
    'game_record',
    'give_back_rest',
    'import_record',
    'import_stakes',
    'instant_batch_record',
    'instant_payout_record',
    'instant_slice_record',
    'is_payout_apart',
    'lapse_assignment',
    'lapse_confirmation',
    'lapse_payin',
    'let_go_paused',
    'market_cut',
    'market_figures',
    'market_plan',
    'market_record',
    'match_batch',
    'match_payin',
    'moment',
    'move_bank_money',
    'move_user_money',
    'open_game',
    'open_import',
    'open_instant_payout',
    'open_market',
    'open_payin',
    'open_resolution',
    'overview_totals',
    'pause_over',
    'pay_users',
    'payin_record',
    'payout_record',
    'place_bet',
    'plan_resolution',
    'post_earning',
    'reassign_batch',
    'record_bank_credit',
    'record_completion',
    'recover_from',
    'recover_step',
    'relay_record',
    'relay_take',
    'resend_delivery',
    'reserve_payout',
    'resolution_record',
    'rest_of_instant_payout',
    'retry_game',
    'revoke_callback_leases',
    'revoke_lease',
    'see_batch_over',
    'see_instant_payout_over',
    'settle_users',
    'stop_resolution',
    'submit_proof',
    'unpay_users',
    'user_transaction',
    'users_left',
    'void_game',
    'void_users',
  ]);
});

test('the application may write the bookkeeping of the door, and nothing that holds money or history', async () => {
  const { rows } = await asOwner(
    `SELECT relname AS name, string_agg(p, ' ' ORDER BY p) AS may
       FROM pg_class, unnest('{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) p
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND has_table_privilege('oncepay_app', oid, p) GROUP BY relname`,
  );
  expect(Object.fromEntries(rows.map((row) => [row.name, row.may]))).toEqual({
    admins: 'INSERT UPDATE',
    api_keys: 'INSERT UPDATE',
    audit_log: 'INSERT',
    books_checks: 'INSERT UPDATE',
    callback_secrets: 'INSERT UPDATE',
    circulation: 'INSERT UPDATE',
    console_sessions: 'DELETE INSERT UPDATE',
    idempotency_keys: 'DELETE INSERT UPDATE',
    merchants: 'INSERT UPDATE',
    notifications: 'DELETE UPDATE',
    payout_requests: 'DELETE INSERT',
    payout_runs: 'INSERT UPDATE',
    provider_bank_accounts: 'INSERT',
    providers: 'INSERT UPDATE',
    psp_messages: 'INSERT UPDATE',
    push_subscriptions: 'DELETE INSERT UPDATE',
    risk_policies: 'INSERT',
    users: 'INSERT',
    webhook_attempts: 'DELETE INSERT',
    webhook_deliveries: 'DELETE INSERT UPDATE',
    webhook_endpoints: 'INSERT UPDATE',
    worker_beats: 'DELETE INSERT UPDATE',
  });
});

test.each([
  `UPDATE ledger_entries SET amount = amount + 1`,
  `DELETE FROM ledger_entries`,
  `TRUNCATE ledger_entries`,
  `INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount) VALUES ('x', 0, 'FUND', 1, 2, 'PKR', 1)`,
  `UPDATE balances SET available = available + 1`,
  `UPDATE payouts SET state = 'SUCCEEDED'`,
  `DELETE FROM payouts`,
  `UPDATE payout_attempts SET state = 'failed'`,
  `UPDATE events SET type = 'payout.succeeded'`,
  `DELETE FROM events`,
  `TRUNCATE events`,
  `INSERT INTO event_audience SELECT 'merchant', 'mer_other', mode, epoch, xid, position, type FROM events`,
  `DELETE FROM event_audience`,
  `INSERT INTO epochs (epoch) VALUES (9)`,
  `INSERT INTO approvals (subject_kind, subject_id, round, admin_id, decision, via) SELECT 'payout', id, 1, 'adm_2', 'approved', 'api' FROM payouts`,
  `DELETE FROM audit_log`,
  `DELETE FROM payout_refusals`,
  `UPDATE payout_edges SET to_state = 'SUCCEEDED'`,
  `UPDATE earnings SET available = amount`,
  `INSERT INTO earnings (id, merchant_id, mode, provider_id, external_id, currency, amount, available) SELECT 'ern_x', merchant_id, mode, id, 'x', 'PKR', 1, 1 FROM providers`,
  `UPDATE earning_uses SET state = 'released'`,
  `DELETE FROM earning_uses`,
  `UPDATE provider_bank_accounts SET account_number = '1'`,
  `UPDATE risk_policies SET policy = '{}'`,
  `INSERT INTO notifications (id, event_key, event_id, subject_kind, subject_id, merchant_id, mode, recipient_kind, recipient_id, channel, kind, address) VALUES ('ntf_x', 'x', 'x', 'payout', 'x', 'x', 'test', 'admin', 'x', 'email', 'x', 'x@x.example')`,
  `INSERT INTO pauses (id, scope_kind, scope_name, reason, created_by) VALUES ('pau_x', 'all', '', 'x', 'x')`,
  `UPDATE pauses SET resumed_at = now(), resumed_by = 'x'`,
  `UPDATE instant_payouts SET paid = total`,
  `UPDATE instant_batches SET money = 'credited'`,
  `UPDATE payins SET state = 'completed'`,
  `DELETE FROM used_utrs`,
  `INSERT INTO used_utrs (mode, utr, rail, batch_id, epoch) VALUES ('test', 'x', 'upi', 'x', 1)`,
  `UPDATE instant_batch_edges SET effect = 'credit'`,
  `SELECT credit_slice(id) FROM instant_batches`,
  `SELECT take_back_slice(id) FROM instant_batches`,
  `SELECT release_slice(id) FROM instant_batches`,
  `SELECT confirm_slice(id, 'confirmed', 'x', 'x', '{}') FROM instant_batches`,
  `SELECT hand_over_rest('ip_x', p) FROM payouts p`,
  `SELECT move('x', 0, 'FUND', b, b.reserved_account, b.available_account, 1, NULL) FROM balances b`,
  `SELECT settle_payout(p, false) FROM payouts p`,
  `SELECT book_psp_fee(p, 1) FROM payouts p`,
  `SELECT release_payout(p) FROM payouts p`,
  `SELECT reverse_payout(p) FROM payouts p`,
  `SELECT reserve_again(p) FROM payouts p`,
  `SELECT take_earnings(b, 'po_x', 1, 1, 'paid_out') FROM balances b`,
  `SELECT pay_out_earnings(b, 'po_x', 1, 1) FROM balances b`,
  `SELECT free_earnings(b, 'po_x', 1, 'reserved', 1) FROM balances b`,
  `SELECT risk_facts('prv_x', 'test', 'PKR', 1, now())`,
  `SELECT announce_payout(p, 'payout.succeeded', 'x', 'x', NULL, '{}') FROM payouts p`,
  `SELECT announce('payout', id, ARRAY[('merchant', merchant_id)::owner_ref], mode, 9, 'payout.succeeded', 'x', 'x', NULL, 'SUCCEEDED', '{}', '{}', NULL, true) FROM payouts`,
  `SELECT announce_all(ARRAY[('payout', id, ARRAY[('merchant', merchant_id)::owner_ref], mode, 9, 'payout.succeeded', 'x', 'x', NULL, 'SUCCEEDED', '{}', '{}', NULL, true)::told]) FROM payouts`,
  `SELECT announce_users('user.credited', 'x', 'ACTIVE', ARRAY[('usr_x', 'x', '{}', '{}')::user_step])`,
  `SELECT post(ARRAY[('x', 0, 'FUND', reserved_account, available_account, 1, NULL, NULL)::posting]) FROM balances`,
  `SET session_replication_role = replica`,
  `CREATE TABLE mine ()`,
  `CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''2000-01-01''::timestamptz'`,
])('the application is refused: %s', async (sql) => {
  await expect(asApp(sql)).rejects.toMatchObject({ code: '42501' }); // insufficient_privilege
});

test.each([
  `UPDATE ledger_entries SET amount = amount + 1`,
  `DELETE FROM ledger_entries`,
  `TRUNCATE ledger_entries`,
  `UPDATE events SET type = 'payout.succeeded'`,
  `DELETE FROM events`,
  `TRUNCATE events`,
  `UPDATE event_audience SET owner_id = 'prv_x'`,
  `DELETE FROM event_audience`,
  `TRUNCATE event_audience`,
  `UPDATE epochs SET epoch = 9`,
  `DELETE FROM epochs`,
  `TRUNCATE epochs`,
  `UPDATE approvals SET admin_id = 'adm_2'`,
  `DELETE FROM approvals`,
  `TRUNCATE approvals`,
  `UPDATE audit_log SET admin_id = 'adm_2'`,
  `DELETE FROM audit_log`,
  `TRUNCATE audit_log`,
  `UPDATE provider_bank_accounts SET account_number = '1'`,
  `DELETE FROM provider_bank_accounts`,
  `TRUNCATE provider_bank_accounts`,
  `UPDATE risk_policies SET policy = '{}'`,
  `DELETE FROM risk_policies`,
  `TRUNCATE risk_policies`,
])('even the owner is refused: %s', async (sql) => {
  await expect(asOwner(sql)).rejects.toThrow(/append only/);
});

test.each([
  ['a negative balance', `UPDATE balances SET available = -1`, 'balances_available_not_negative'],
  ['a negative reserve', `UPDATE balances SET reserved = -1`, 'balances_reserved_not_negative'],
  ['an entry that moves nothing', entry({ amount: 0 }), 'ledger_entries_amount_positive'],
  ['an entry from an account to itself', entry({ credit: 1 }), 'ledger_entries_two_sides'],
  ['a payout of nothing', `UPDATE payouts SET amount = 0`, 'payouts_amount_in_range'],
  ['a payout beyond the limit', `UPDATE payouts SET amount = 1000000000000001`, 'payouts_amount_in_range'],
  ['a negative fee', `UPDATE payouts SET fee = -1`, 'payouts_fee_in_range'],
  [
    'a second open attempt',
    `INSERT INTO payout_attempts (payout_id, attempt, psp, psp_key) SELECT payout_id, 2, psp, 'k2' FROM payout_attempts WHERE state = 'open'`,
    'payout_attempts_one_open',
  ],
  [
    'a second attempt under a used key',
    `INSERT INTO payout_attempts (payout_id, attempt, psp, psp_key, state, proof) SELECT payout_id, 2, psp, psp_key, 'failed', 'refused' FROM payout_attempts`,
    'payout_attempts_psp_key_key',
  ],
  ['more available of an earning than it is', `UPDATE earnings SET available = amount + 1`, 'earnings_available_in_range'],
  ['less than nothing available of an earning', `UPDATE earnings SET available = -1`, 'earnings_available_in_range'],
  ['a use of nothing', `UPDATE earning_uses SET amount = 0`, 'earning_uses_amount_positive'],
  [
    'an earning posted twice',
    `INSERT INTO earnings (id, merchant_id, mode, provider_id, external_id, currency, amount, available) SELECT 'ern_x', merchant_id, mode, provider_id, external_id, currency, 1, 1 FROM earnings`,
    'earnings_merchant_id_mode_external_id_key',
  ],
  [
    'a policy in place of the one that is built in',
    `INSERT INTO risk_policies (merchant_id, version, policy, created_by) VALUES ('', 1, '{}', 'adm_1')`,
    'risk_policies_after_the_first',
  ],
  [
    'a provider’s key that no merchant’s key could end',
    `INSERT INTO api_keys (id, hash, prefix, last4, owner_kind, owner_id) VALUES ('k', 'h', 'p', 'l', 'provider', 'prv_x')`,
    'api_keys_of_providers_made',
  ],
  [
    'a key of nobody we know',
    `INSERT INTO api_keys (id, hash, prefix, last4, owner_kind, owner_id) VALUES ('k', 'h', 'p', 'l', 'guest', 'x')`,
    'api_keys_owner_known',
  ],
])('the tables refuse %s, whatever the code above does', async (_, sql, constraint) => {
  await expect(asOwner(sql)).rejects.toMatchObject({ constraint });
});

function entry({ amount = 1, credit = 2 }: { amount?: number; credit?: number }): string {
  return `INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount)
          VALUES ('x', 0, 'FUND', 1, ${credit}, 'PKR', ${amount})`;
}

test('the same step of the books cannot be written twice', async () => {
  const again = `INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount, subject_kind, subject_id)
                 SELECT op_key, leg, type, debit_account, credit_account, currency, amount, subject_kind, subject_id FROM ledger_entries WHERE subject_id = $1`;
  await expect(asOwner(again, [payoutId])).rejects.toMatchObject({ constraint: 'ledger_entries_pkey' });
});
