/**
 * An installation that has been at work for a month, made in seconds: 50,000 payouts and what belongs to them, over 400,000
 * rows. One merchant has most of it; the rest is spread over 300 others. Whatever a list can be filtered by has values that
 * nearly every row has, values that only the oldest rows of the large merchant have, and values that only others have: a list
 * that looks for those by walking past all the rest is found out.
 */
import type pg from 'pg';
import type { RiskRecord } from '../../src/risk/rules/assess.ts';

export interface LargeOwners {
  readonly merchantId: string;
  /** An endpoint of the merchant's: it gets the webhook of every payout. */
  readonly endpointId: string;
  /** Of the merchant: has a tenth of all payouts. */
  readonly providerId: string;
  /** The merchant's key that made the providers' keys. */
  readonly keyId: string;
}

const PAYOUTS = 50_000;

const ASSESSED = JSON.stringify({
  policyVersion: 1,
  policyMerchantId: '',
  facts: {
    ...{ at: '2026-01-01T00:00:00.000Z', amountMinor: '1000', currency: 'PKR', verified: true, completedPayouts: 9 },
    ...{ failedAt: [], bankChangedAt: null, requestsLast24h: 1, requestsLast30d: 1, lastCompleted: { count: 0, sumMinor: '0' } },
  },
  verdict: { decision: 'APPROVE', reasons: [] },
} satisfies RiskRecord);

/**
 * Each row that can be new once in a while keeps the order of time in its id, as ids do. Payout `n` is the merchant's own
 * for six in ten, another merchant's for two, the large provider's for one and another provider's for one.
 */
const STATEMENTS: readonly ((owners: LargeOwners) => string)[] = [
  () => `
    CREATE FUNCTION pg_temp.at_of(n bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql
      RETURN timestamptz '2026-01-01T00:00:00Z' + n * interval '1 minute';
    CREATE FUNCTION pg_temp.id_of(prefix text, n bigint) RETURNS text IMMUTABLE LANGUAGE sql
      RETURN prefix || lpad(to_hex((extract(epoch FROM pg_temp.at_of(n)) * 1000)::bigint), 12, '0') || '7' || left(md5(prefix || n), 19)`,
  () => `
    INSERT INTO merchants (id, name, webhook_secret) SELECT pg_temp.id_of('mer_', n), 'Merchant ' || n, '' FROM generate_series(1, 300) n`,
  ({ merchantId }) => `
    INSERT INTO providers (id, merchant_id, mode, external_id, name, email)
    SELECT pg_temp.id_of('prv_', n), '${merchantId}', 'test', 'courier-' || n, 'Ada', 'ada@example.com' FROM generate_series(1, 2000) n`,
  () => `
    INSERT INTO provider_bank_accounts (id, provider_id, bank_code, account_number, account_name)
    SELECT pg_temp.id_of('ba_', n), pg_temp.id_of('prv_', n % 2000 + 1), 'HBL', '12345678900001', 'Ada Obi' FROM generate_series(1, 8000) n`,
  ({ keyId }) => `
    INSERT INTO api_keys (id, hash, owner_kind, owner_id, mode, scopes, prefix, last4, parent_id)
    SELECT pg_temp.id_of('key_', n), md5('a' || n) || md5('b' || n), 'provider', pg_temp.id_of('prv_', n % 2000 + 1), 'test', '{}', 'vk_test_', '0000', '${keyId}'
      FROM generate_series(1, 6000) n`,
  ({ keyId, merchantId }) => `
    INSERT INTO api_keys (id, hash, owner_kind, owner_id, mode, scopes, prefix, last4)
    SELECT pg_temp.id_of('key_', n), md5('c' || n) || md5('d' || n), 'merchant', pg_temp.id_of('mer_', n % 300 + 1), 'live', '{}', 'pk_live_', '0000'
      FROM generate_series(10001, 14000) n
     WHERE '${keyId}' <> '' AND '${merchantId}' <> ''`,
  ({ merchantId }) => `
    INSERT INTO users (id, merchant_id, mode, external_id) SELECT pg_temp.id_of('usr_', n), '${merchantId}', 'test', 'player-' || n FROM generate_series(1, 5000) n`,
  () => `
    INSERT INTO user_stats (user_id, currency, games, wagered) SELECT id, 'PKR', 1, 1000 FROM users`,
  // Balance 1 and 2 are the merchant's, in two currencies; 10 the large provider's; 20 the large user's; then those of the others.
  ({ merchantId, providerId }) => `
    INSERT INTO balances (id, merchant_id, mode, owner_kind, owner_id, currency, available_account, reserved_account, debt_account, debt)
    SELECT b.id, b.merchant, b.mode, b.kind, b.owner, b.currency, b.id * 3, b.id * 3 + 1, b.id * 3 + 2, b.debt FROM (
      SELECT 1001 AS id, '${merchantId}' AS merchant, 'test' AS mode, 'merchant' AS kind, '${merchantId}' AS owner, 'PKR' AS currency, 0 AS debt
      UNION ALL SELECT 1002, '${merchantId}', 'test', 'merchant', '${merchantId}', 'USD', 0
      UNION ALL SELECT 1010, '${merchantId}', 'test', 'provider', '${providerId}', 'PKR', 0
      UNION ALL SELECT 1020, '${merchantId}', 'test', 'user', pg_temp.id_of('usr_', 1), 'PKR', 0
      UNION ALL SELECT 10000 + n, '${merchantId}', 'test', 'user', pg_temp.id_of('usr_', n), 'PKR', 0 FROM generate_series(2, 5000) n
      UNION ALL SELECT 2000 + n, pg_temp.id_of('mer_', n), CASE WHEN n <= 150 THEN 'live' ELSE 'test' END, 'merchant', pg_temp.id_of('mer_', n), 'PKR', CASE WHEN n < 40 THEN 5 ELSE 0 END
        FROM generate_series(1, 300) n
      UNION ALL SELECT 3000 + n, '${merchantId}', 'test', 'provider', pg_temp.id_of('prv_', n), 'PKR', 0 FROM generate_series(1, 2000) n) b`,
  () => `
    INSERT INTO accounts (id, merchant_id, mode, owner_kind, owner_id, purpose, currency)
    SELECT b.id * 3 + p.n, b.merchant_id, b.mode, b.owner_kind, b.owner_id, p.purpose, b.currency
      FROM balances b, (VALUES (0, 'available'), (1, 'reserved'), (2, 'debt')) p (n, purpose)
    UNION ALL SELECT 1 + n, '', m.mode, 'platform', '', 'clearing', 'PKR' FROM (VALUES (0, 'test'), (1, 'live')) m (n, mode)`,
  () => `
    INSERT INTO payout_runs (id, trigger, started_at, finished_at)
    SELECT pg_temp.id_of('run_', n * 20), 'schedule', pg_temp.at_of(n * 20), pg_temp.at_of(n * 20 + 1) FROM generate_series(1, 2500) n`,
  // The oldest of the merchant's are the only ones that were returned or in another currency; only others' were cancelled.
  // The last hundred are open, in review or with the PSP.
  ({ merchantId }) => `
    INSERT INTO payouts (id, merchant_id, mode, kind, owner_kind, owner_id, balance_id, currency, amount, fee, reference, destination, psp, state,
                         attempt, sequence, dispatch, run_id, debt, needs_operator, review, risk, created_at, updated_at, completed_at)
    SELECT pg_temp.id_of('po_', n), b.merchant_id, b.mode, b.owner_kind, b.owner_kind, b.owner_id, b.id, b.currency, 1000, 0,
           CASE WHEN b.merchant_id = '${merchantId}' THEN 'ref-' || n ELSE 'INV-' || n / 300 END,
           '{"type": "bank", "bankCode": "HBL", "accountNumber": "12345678900001", "iban": null, "accountTitle": "Ayesha Khan"}', 'sandbox', s.state,
           1, 3, CASE WHEN b.owner_kind = 'provider' THEN 'run' ELSE 'now' END,
           CASE WHEN b.owner_kind = 'provider' THEN pg_temp.id_of('run_', n / 20 * 20 + 20) END, 0, n % 5000 = 7,
           CASE WHEN s.state = 'IN_REVIEW' THEN '{"reasons": []}'::jsonb END, CASE WHEN b.owner_kind = 'provider' THEN '${ASSESSED}'::jsonb END,
           pg_temp.at_of(n) + CASE WHEN n % 1000 = 500 THEN interval '3 days' WHEN n % 1000 = 501 THEN interval '-2 hours' ELSE '0' END,
           pg_temp.at_of(n), pg_temp.at_of(n)
      FROM generate_series(1, ${PAYOUTS}) n
      JOIN balances b ON b.id = CASE WHEN n % 10 < 6 THEN CASE WHEN n < 20 THEN 1002 ELSE 1001 END
                                     WHEN n % 10 < 8 THEN 2001 + n % 300 WHEN n % 10 = 8 THEN 1010 ELSE 3001 + n / 10 % 2000 END,
           LATERAL (SELECT CASE WHEN n > ${PAYOUTS} - 100 THEN (ARRAY['IN_REVIEW', 'PROCESSING', 'QUEUED'])[n % 3 + 1]
                                WHEN n < 40 THEN 'RETURNED' WHEN n % 10 IN (6, 7) AND n % 3 = 0 THEN 'CANCELLED'
                                WHEN n % 97 = 0 THEN 'FAILED' ELSE 'SUCCEEDED' END AS state) s`,
  () => `
    INSERT INTO payout_attempts (payout_id, attempt, psp, psp_key, psp_ref, state)
    SELECT id, 1, 'sandbox', id || ':1', 'ref:' || id, 'succeeded' FROM payouts`,
  // As they looked once: one record for each kind will do.
  () => `
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, to_state, object, at, epoch, xid)
    SELECT 'evt_' || substr(p.id, 4) || '_000' || s, 'payout', p.id, p.owner_kind, p.owner_id, p.mode, s,
           CASE s WHEN 1 THEN 'payout.created' WHEN 2 THEN 'payout.processing' ELSE 'payout.' || lower(p.state) END,
           p.id || ':' || s, 'system', p.state, o.object, p.created_at, 1, (row_number() OVER (ORDER BY p.id, s) + 2)::text::xid8
      FROM payouts p
      JOIN (SELECT DISTINCT ON (kind) kind, payout_record(x) AS object FROM payouts x WHERE x.id < pg_temp.id_of('po_', 100)) o ON o.kind = p.kind,
           generate_series(1, 3) s`,
  ({ merchantId }) => `
    INSERT INTO event_audience SELECT 'merchant', '${merchantId}', mode, epoch, xid, position, type FROM events WHERE owner_kind = 'provider'`,
  () => `
    INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount, subject_kind, subject_id,
                                debit_balance, debit_available, debit_reserved, debit_debt, at)
    SELECT p.id || ':' || s, 0, CASE s WHEN 1 THEN 'RESERVE' ELSE 'SETTLE' END, p.balance_id * 3 + s - 1,
           CASE s WHEN 1 THEN p.balance_id * 3 + 1 WHEN 2 THEN 1 END, p.currency, p.amount, 'payout', p.id, p.balance_id, 0, 0, 0, p.created_at
      FROM generate_series(1, 2) s, payouts p ORDER BY p.id, s`,
  () => `
    INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount,
                                credit_balance, credit_available, credit_reserved, credit_debt)
    SELECT 'fund:' || n, 0, 'FUND', 1, 1001 * 3, 'PKR', 1000, 1001, 0, 0, 0 FROM generate_series(1, 5000) n`,
  // Only its oldest money came back from the large user.
  () => `
    INSERT INTO ledger_entries (op_key, leg, type, debit_account, credit_account, currency, amount, subject_kind, subject_id,
                                debit_balance, debit_available, debit_reserved, debit_debt, credit_balance, credit_available, credit_reserved, credit_debt)
    SELECT 'user_money:' || n, 0, 'USER_' || s.type, s.debit * 3, s.credit * 3, 'PKR', 1, 'user', u.owner_id, s.debit, 0, 0, 0, s.credit, 0, 0, 0
      FROM generate_series(1, 30000) n
      JOIN balances u ON u.id = CASE WHEN n % 3 > 0 THEN 1020 ELSE 10002 + n % 4000 END,
           LATERAL (SELECT CASE WHEN n < 20 THEN 'DEBIT' ELSE 'CREDIT' END AS type, CASE WHEN n < 20 THEN u.id ELSE 1001 END AS debit,
                           CASE WHEN n < 20 THEN 1001 ELSE u.id END AS credit) s`,
  // The merchant has nearly all games, and the largest; only its oldest two need somebody.
  ({ merchantId }) => `
    INSERT INTO games (id, merchant_id, mode, type, currency, bank_id, state, overdue_at, needs_operator)
    SELECT pg_temp.id_of('gam_', n), CASE WHEN n % 20 = 0 THEN pg_temp.id_of('mer_', n % 300 + 1) ELSE '${merchantId}' END, 'test', 'andar_bahar', 'PKR', 1001,
           'SETTLED', pg_temp.at_of(n), n < 3 FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, to_state, object, epoch, xid)
    SELECT 'evt_' || substr(g.id, 5) || '_0001', 'game', g.id, 'merchant', g.merchant_id, g.mode, 1, 'game.opened', 'opened', 'system', g.state, game_record(g), 1, '2'::xid8
      FROM games g`,
  () => `
    INSERT INTO game_sides (game_id, side, multiplier_bps) SELECT g.id, s, 20000 FROM games g, unnest(ARRAY['andar', 'bahar']) s`,
  () => `
    INSERT INTO bets (id, game_id, user_id, side, amount, prize, balance_after, balance_version)
    SELECT pg_temp.id_of('bet_', n), pg_temp.id_of('gam_', 7), pg_temp.id_of('usr_', CASE WHEN n < 30 THEN 1 ELSE n % 4999 + 2 END), 'andar', 1, 2, 0, 1
      FROM generate_series(1, 30000) n`,
  () => `
    INSERT INTO game_players (game_id, user_id, balance_id, total_bet)
    SELECT DISTINCT game_id, user_id, 1020, 1 FROM bets`,
  // The merchant has nearly all markets, and the largest; only its oldest two are disputed.
  ({ merchantId }) => `
    INSERT INTO markets (id, merchant_id, mode, type, title, currency, pool_id, state, house_fee_bps, creator_fee_bps, fee_base, dispute_window_ms, run)
    SELECT pg_temp.id_of('mkt_', n), CASE WHEN n % 20 = 0 THEN pg_temp.id_of('mer_', n % 300 + 1) ELSE '${merchantId}' END, 'test', 'binary', 'Will it?', 'PKR', 1001,
           'RESOLVED', 0, 0, 'gross', 0, 1 FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO market_options (market_id, option_id, title, nth)
    SELECT m.id, o.id, o.id, o.nth FROM markets m, (VALUES ('yes', 0), ('no', 1)) o (id, nth)`,
  () => `
    INSERT INTO resolutions (id, market_id, merchant_id, mode, currency, run, state, outcome, resolved_by, plan_hash, needs_operator, ended_at)
    SELECT pg_temp.id_of('res_', n), m.id, m.merchant_id, m.mode, m.currency, 1, CASE WHEN n < 3 THEN 'DISPUTED' ELSE 'COMPLETED' END, 'yes', 'adm_1', repeat('0', 64), n < 3,
           CASE WHEN n < 3 THEN NULL ELSE now() END FROM generate_series(1, 20000) n JOIN markets m ON m.id = pg_temp.id_of('mkt_', n)`,
  () => `
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, to_state, object, epoch, xid)
    SELECT 'evt_' || substr(r.id, 5) || '_0001', 'resolution', r.id, 'merchant', r.merchant_id, r.mode, 1, 'resolution.completed', 'completed', 'system', r.state, resolution_record(r), 1, '2'::xid8
      FROM resolutions r`,
  () => `
    INSERT INTO commitments (id, market_id, user_id, option_id, amount, staked_before, balance_after, balance_version, import_id)
    SELECT pg_temp.id_of('com_', n), pg_temp.id_of('mkt_', 7), pg_temp.id_of('usr_', CASE WHEN n < 30 THEN 1 ELSE n % 4999 + 2 END), 'yes', 1, 0, 0, 1, NULL
      FROM generate_series(1, 30000) n`,
  () => `
    INSERT INTO market_participants (market_id, user_id, balance_id, staked) SELECT market_id, user_id, 1020, count(*) FROM commitments GROUP BY 1, 2`,
  () => `
    INSERT INTO market_positions (market_id, user_id, option_id, staked, commitments)
    SELECT market_id, user_id, option_id, count(*), count(*) FROM commitments GROUP BY 1, 2, 3`,
  // Of the large market each user's, and of one user those of many markets; the oldest two are disputed.
  () => `
    INSERT INTO distributions (id, resolution_id, market_id, user_id, stake_won, stake_lost, payout, remainder, rounded_up, state)
    SELECT 'dis_' || substr(r.id, 5) || '_' || substr(d.user_id, 5), r.id, r.market_id, d.user_id, 1, 0, 1, 0, false, CASE WHEN d.n < 3 THEN 'disputed' ELSE 'completed' END
      FROM (SELECT n, 7 AS market, pg_temp.id_of('usr_', n) AS user_id FROM generate_series(1, 5000) n
             UNION ALL SELECT n, n, (SELECT owner_id FROM balances WHERE id = 1020) FROM generate_series(10, 8000) n) d
      JOIN resolutions r ON r.id = pg_temp.id_of('res_', d.market)
    ON CONFLICT DO NOTHING`,
  ({ merchantId }) => `
    INSERT INTO imports (id, market_id, merchant_id, mode) SELECT pg_temp.id_of('imp_', n), pg_temp.id_of('mkt_', 7), '${merchantId}', 'test' FROM generate_series(1, 3000) n`,
  () => `
    INSERT INTO import_lines (import_id, key, nth, line, commitment_id, code, detail)
    SELECT pg_temp.id_of('imp_', 7), 'line-' || n, n, n, CASE WHEN n < 30 THEN NULL ELSE pg_temp.id_of('com_', n) END, CASE WHEN n < 30 THEN 'unknown_user' END,
           CASE WHEN n < 30 THEN 'There is none.' END FROM generate_series(1, 30000) n`,
  () => `
    INSERT INTO resolution_disputes (resolution_id, user_id, round, reason)
    SELECT pg_temp.id_of('res_', 7), pg_temp.id_of('usr_', n), 1, 'it did not' FROM generate_series(1, 5000) n`,
  // The merchant has nearly all withdrawals and payins; only its oldest wait for an operator, only its newest are open.
  ({ merchantId }) => `
    INSERT INTO instant_payouts (id, merchant_id, mode, user_id, balance_id, currency, reference, total, held, returned, payee, policy, on_unfilled, state, completed_at)
    SELECT pg_temp.id_of('ip_', n), CASE WHEN n % 20 = 0 THEN pg_temp.id_of('mer_', n % 300 + 1) ELSE '${merchantId}' END, 'test', pg_temp.id_of('usr_', 1), 1020, 'PKR',
           'w-' || n, 10000, CASE WHEN s.is_open THEN 10000 ELSE 0 END, CASE WHEN s.is_open THEN 0 ELSE 10000 END, '{"type": "upi", "label": "x", "sealed": "x"}', '{}', 'refund',
           CASE WHEN n < 40 THEN 'disputed' WHEN s.is_open THEN 'open' WHEN n < 80 THEN 'partially_completed' ELSE 'cancelled' END, CASE WHEN NOT s.is_open THEN pg_temp.at_of(n) END
      FROM generate_series(1, 20000) n, LATERAL (SELECT n < 40 OR n > 19900 AS is_open) s`,
  ({ merchantId }) => `
    INSERT INTO payins (id, merchant_id, mode, user_id, currency, amount, reference, state, wait_until)
    SELECT pg_temp.id_of('pin_', n), CASE WHEN n % 20 = 0 THEN pg_temp.id_of('mer_', n % 300 + 1) ELSE '${merchantId}' END, 'test', pg_temp.id_of('usr_', 2), 'PKR', 10000,
           'p-' || n, 'expired', pg_temp.at_of(n) FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO instant_batches (id, instant_payout_id, number, mode, currency, amount, payee_id, state, money, epoch, assignments, payin_id, payer_id, review_reasons)
    SELECT pg_temp.id_of('ipb_', n), pg_temp.id_of('ip_', n), 1, 'test', 'PKR', 10000, pg_temp.id_of('usr_', 1),
           CASE WHEN n < 20 THEN 'disputed' WHEN n < 40 THEN 'proof_submitted' WHEN n > 19900 THEN 'unassigned' ELSE 'cancelled' END,
           CASE WHEN n < 40 OR n > 19900 THEN 'held' ELSE 'released' END, (n < 40)::int, (n < 40)::int, CASE WHEN n < 40 THEN pg_temp.id_of('pin_', n) END,
           CASE WHEN n < 40 THEN pg_temp.id_of('usr_', 2) END, CASE WHEN n BETWEEN 20 AND 39 THEN '{near_utr}'::text[] ELSE '{}' END FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO instant_assignments (batch_id, epoch, payin_id, user_id, state, pay_until, ended_at)
    SELECT pg_temp.id_of('ipb_', n), 1, pg_temp.id_of('pin_', n), pg_temp.id_of('usr_', 2), 'expired', pg_temp.at_of(n), pg_temp.at_of(n) FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO instant_proofs (batch_id, epoch, payin_id, payee_id, mode, amount, rail, utr, image_hash, image_look, image_quarters, image_type, late, reasons, submitted_by)
    SELECT a.batch_id, 1, a.payin_id, 'usr_1', 'test', 10000, 'upi', a.payin_id, md5(a.payin_id) || md5(a.batch_id), left(md5(a.payin_id), 16), quarters_of(left(md5(a.payin_id), 16)),
           'image/jpeg', true, '{}', 'x' FROM instant_assignments a`,
  () => `
    INSERT INTO used_utrs (mode, utr, rail, batch_id, epoch) SELECT p.mode, p.utr, p.rail, p.batch_id, p.epoch FROM instant_proofs p`,
  ({ merchantId }) => `
    INSERT INTO bank_credits (id, merchant_id, mode, utr, currency, amount, credited_at)
    SELECT pg_temp.id_of('bcr_', n), '${merchantId}', 'test', n::text, 'PKR', 10000, pg_temp.at_of(n) FROM generate_series(1, 10000) n`,
  () => `
    INSERT INTO instant_disputes (batch_id, reason, opened_by, decision, decided_at)
    SELECT pg_temp.id_of('ipb_', n), 'x', 'x', CASE WHEN n >= 20 THEN 'approve' END, CASE WHEN n >= 20 THEN pg_temp.at_of(n) END FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO late_proofs (payin_id, batch_id, decision, decided_at)
    SELECT pg_temp.id_of('pin_', n), pg_temp.id_of('ipb_', n), CASE WHEN n >= 20 THEN 'reject' END, CASE WHEN n >= 20 THEN pg_temp.at_of(n) END FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO events (id, subject_kind, subject_id, owner_kind, owner_id, mode, sequence, type, op_key, actor, to_state, object, epoch, xid)
    SELECT 'evt_' || substr(x.id, strpos(x.id, '_') + 1) || '_0001', x.kind, x.id, 'merchant', x.merchant, 'test', 1, x.type, 'opened', 'system', x.state, x.object, 1, '2'::xid8
      FROM (SELECT 'instant_payout' AS kind, w.id, w.merchant_id AS merchant, 'instant-payout-status-update' AS type, w.state, instant_payout_record(w) AS object FROM instant_payouts w
            UNION ALL SELECT 'instant_batch', b.id, w.merchant_id, 'instant-payout-batch-status-update', b.state, instant_batch_record(b) FROM instant_batches b JOIN instant_payouts w ON w.id = b.instant_payout_id
            UNION ALL SELECT 'payin', p.id, p.merchant_id, 'payin-status-update', p.state, payin_record(p) FROM payins p) x`,
  () => `
    INSERT INTO market_users (user_id, currency, active_on) SELECT id, 'PKR', '2026-01-01' FROM users`,
  // A year of days of all and of the large merchant, and some of everybody else.
  ({ merchantId }) => `
    INSERT INTO market_totals (merchant_id, mode, span, day, currency, commitments, staked, participants, users, active_users, resolutions, rollbacks, paid, house_fees, creator_fees)
    SELECT o.id, m.mode, p.span, p.day, c.currency, 1, 100, 1, 1, 1, 1, 0, 50, 1, 0
      FROM (SELECT '' AS id UNION ALL SELECT '${merchantId}' UNION ALL SELECT pg_temp.id_of('mer_', n) FROM generate_series(1, 300) n) o, (VALUES ('test'), ('live')) m (mode),
           (SELECT 'day' AS span, current_date - n AS day, n FROM generate_series(0, 364) n UNION ALL SELECT 'ever', '0001-01-01', 0) p, (VALUES ('PKR'), ('USD')) c (currency)
     WHERE p.n < 3 OR o.id IN ('', '${merchantId}')`,
  () => `
    INSERT INTO circulation (merchant_id, mode, currency, holders, available, reserved, pools, owed, as_of)
    SELECT pg_temp.id_of('mer_', n), 'test', c, 1, 1, 0, 0, 0, now() FROM generate_series(1, 3000) n, unnest(ARRAY['PKR', 'USD']) c`,
  () => `
    INSERT INTO debts (balance_id, creditor_id, subject_kind, subject_id, amount, owed)
    SELECT 10002 + n % 4000, 1001, 'game', 'gam_' || n, 1, 0 FROM generate_series(1, 5000) n`,
  () => `
    INSERT INTO webhook_endpoints (id, merchant_id, mode, url, event_types, secret)
    SELECT pg_temp.id_of('we_', n), pg_temp.id_of('mer_', n % 300 + 1), 'test', 'https://example.com', '{payout.*}', '' FROM generate_series(1, 2000) n`,
  () => `
    INSERT INTO receivers (id, merchant_id, mode, endpoint_id) SELECT id, merchant_id, mode, id FROM webhook_endpoints`,
  () => `
    INSERT INTO callback_secrets (merchant_id, mode, secret)
    SELECT pg_temp.id_of('mer_', n), mode, repeat('s', 200) FROM generate_series(1, 2000) n, unnest(ARRAY['test', 'live']) mode`,
  ({ merchantId, endpointId }) => `
    INSERT INTO webhook_deliveries (id, event_id, subject_kind, subject_id, sequence, merchant_id, mode, receiver_id, endpoint_id, url, state, attempts)
    SELECT 'whd_' || substr(p.id, 4) || '_0003', 'evt_' || substr(p.id, 4) || '_0003', 'payout', p.id, 3, p.merchant_id, p.mode, e.id, e.id, 'https://example.com', 'delivered', 1
      FROM payouts p CROSS JOIN LATERAL (SELECT CASE p.merchant_id WHEN '${merchantId}' THEN '${endpointId}' ELSE pg_temp.id_of('we_', 1) END AS id) e`,
  () => `
    INSERT INTO webhook_attempts (delivery_id, endpoint_id, number, trigger, status_code, duration_ms)
    SELECT id, endpoint_id, 1, 'auto', 200, 20 FROM webhook_deliveries ORDER BY id`,
  // Every provider is told by e-mail, and every mail went out.
  () => `
    INSERT INTO notifications (id, event_key, event_id, subject_kind, subject_id, merchant_id, mode, recipient_kind, recipient_id, channel, kind, address, state, attempts)
    SELECT 'ntf_' || substr(p.id, 4), p.id, 'evt_' || substr(p.id, 4) || '_0003', 'payout', p.id, p.merchant_id, p.mode, 'provider', p.owner_id,
           'email', 'payout_paid', 'ada@example.com', 'sent', 1
      FROM payouts p WHERE p.owner_kind = 'provider'`,
  ({ merchantId }) => `
    INSERT INTO audit_log (admin_id, action, target, request_id)
    SELECT 'adm_' || n % 5, 'merchant.fund', CASE WHEN n % 2 = 0 THEN '${merchantId}' ELSE 'mer_' || n END, 'r' FROM generate_series(1, 8000) n`,
  () => `
    INSERT INTO psp_messages (id, psp, event_key, reference, payout_id, attempt, claim, body, state)
    SELECT 'ipn_' || substr(id, 4), 'sandbox', id, id || ':1', id, 1, 'paid', '{}', 'applied' FROM payouts WHERE owner_kind = 'provider'`,
  ({ merchantId, providerId }) => `
    INSERT INTO earnings (id, merchant_id, mode, provider_id, external_id, currency, amount, available)
    SELECT pg_temp.id_of('ern_', n), '${merchantId}', 'test', CASE WHEN n % 200 = 0 THEN '${providerId}' ELSE pg_temp.id_of('prv_', n % 2000 + 1) END,
           'earning-' || n, 'PKR', 1000, 0 FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO earning_uses (payout_id, round, earning_id, state, amount)
    SELECT pg_temp.id_of('po_', n), 1, pg_temp.id_of('ern_', n), 'paid_out', 1000 FROM generate_series(1, 20000) n`,
  () => `
    INSERT INTO approvals (subject_kind, subject_id, round, admin_id, decision, via)
    SELECT 'payout', id, 1, 'adm_1', 'approved', 'api' FROM payouts WHERE kind = 'provider'`,
  () => `
    INSERT INTO payout_refusals (payout_id, merchant_id, mode, code)
    SELECT pg_temp.id_of('po_', n + ${PAYOUTS}), pg_temp.id_of('mer_', n % 300 + 1), 'live', 'insufficient_balance' FROM generate_series(1, 5000) n`,
  () => `
    INSERT INTO idempotency_keys (owner_kind, owner_id, mode, key, route, fingerprint, resource_id, lease_until, lease_holder, expires_at)
    SELECT 'merchant', merchant_id, mode, reference, 'POST /api/v1/payouts', md5(id) || md5(id), id, created_at, '', created_at + interval '1 day'
      FROM payouts WHERE id > pg_temp.id_of('po_', ${PAYOUTS} - 5000)`,
  // The figures are kept up to the newest event.
  () => `
    INSERT INTO state_totals (merchant_id, mode, flow, currency, state, count, amount)
    SELECT o.id, p.mode, CASE p.kind WHEN 'merchant' THEN 'payouts' ELSE 'provider-payouts' END, c, p.state, count(*), sum(p.amount)
      FROM payouts p, LATERAL (VALUES (''), (p.merchant_id)) o (id), unnest(CASE o.id WHEN '' THEN '{PKR}'::text[] ELSE '{PKR,NGN,USD,EUR,GBP,KES,GHS,ZAR}' END) c GROUP BY 1, 2, 3, 4, 5`,
  () => `
    INSERT INTO state_totals (merchant_id, mode, flow, currency, state, count, amount)
    SELECT pg_temp.id_of('mer_', n), 'live', 'payouts', 'PKR', 'SUCCEEDED', 1, 1000 FROM generate_series(301, 4000) n`,
  () => `
    INSERT INTO period_totals (merchant_id, mode, span, began_at, flow, currency, outcome, took, count, amount)
    SELECT o.id, p.mode, s.span, date_trunc(s.span, p.created_at, 'UTC'), CASE p.kind WHEN 'merchant' THEN 'payouts' ELSE 'provider-payouts' END, p.currency, p.state, 80, count(*), sum(p.amount)
      FROM payouts p, LATERAL (VALUES (''), (p.merchant_id)) o (id), (VALUES ('hour'), ('day')) s (span) GROUP BY 1, 2, 3, 4, 5, 6, 7`,
  () => `
    UPDATE folded_events f SET epoch = e.epoch, xid = e.xid, position = e.position
      FROM (SELECT * FROM events ORDER BY epoch DESC, xid DESC, position DESC LIMIT 1) e`,
  // Answered with 202; a worker took up all but the newest.
  () => `
    INSERT INTO payout_requests (payout_id, record)
    SELECT p.id, payout_record(p) FROM payouts p WHERE p.id > pg_temp.id_of('po_', ${PAYOUTS} - 20)`,
];

/** @param owner who may write the books past their functions. */
export async function fillMonth(owner: pg.Pool, owners: LargeOwners): Promise<void> {
  const client = await owner.connect();
  try {
    await client.query('SET synchronous_commit = off; SET client_min_messages = warning; SET auto_explain.log_min_duration = -1');
    for (const statement of STATEMENTS) await client.query(statement(owners));
    await client.query('RESET client_min_messages');
  } finally {
    client.release(true); // its settings and functions end with it
  }
  await owner.query('VACUUM (ANALYZE)'); // as autovacuum has done where rows came over a month
}
