-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- moment(): the time of a step, in whole milliseconds: one for all that a statement from outside writes, so that an event, its record
-- and its entries are of one time. It is taken when it is first asked for, and that is once the rows are locked that the step is about:
-- now() is when the transaction began, which may have waited for somebody who began later and is before it in the story.
CREATE FUNCTION moment() RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  v_statement text := extract(epoch FROM statement_timestamp())::text; -- a transaction of several statements has a moment for each
  v_kept text[] := string_to_array(current_setting('oncepay.moment', true), ' ');
  v_now timestamptz;
BEGIN
  IF v_kept[1] = v_statement THEN RETURN to_timestamp(v_kept[2]::bigint / 1000.0); END IF;
  v_now := date_trunc('milliseconds', clock_timestamp());
  PERFORM set_config('oncepay.moment', v_statement || ' ' || (extract(epoch FROM v_now) * 1000)::bigint, true);
  RETURN v_now;
END $$;

-- waited_since(time): the caller has locked one row more, and may have asked for the moment before. Where that took a millisecond, what
-- follows is of a later one.
CREATE FUNCTION waited_since(p_time timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF clock_timestamp() >= p_time + interval '1 millisecond' THEN PERFORM set_config('oncepay.moment', '', true); END IF;
END $$;

-- CreateTable
CREATE TABLE "merchants" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "fee" JSONB NOT NULL DEFAULT '{"bps":0,"fixed":{}}',
    "review_limits" JSONB NOT NULL DEFAULT '{"PKR":"10000000"}',
    "flows" JSONB NOT NULL DEFAULT '{}',
    "instant_policy" JSONB NOT NULL DEFAULT '{}',
    "page_origins" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "webhook_secret" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "merchants_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "admins" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "email" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "admins_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "hash" CHAR(64) NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "mode" TEXT,
    "scopes" TEXT[],
    "prefix" TEXT NOT NULL,
    "last4" TEXT NOT NULL,
    "created_by" TEXT,
    "parent_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "console_sessions" (
    "id" TEXT NOT NULL,
    "hash" CHAR(64) NOT NULL,
    "key_id" TEXT NOT NULL,
    "browser" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "console_sessions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_log" (
    "id" BIGSERIAL NOT NULL,
    "admin_id" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "request_id" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "providers" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "external_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "verified" BOOLEAN NOT NULL DEFAULT false,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "providers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provider_bank_accounts" (
    "id" TEXT NOT NULL,
    "provider_id" TEXT NOT NULL,
    "bank_code" TEXT NOT NULL,
    "account_number" TEXT NOT NULL,
    "account_name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "provider_bank_accounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "users" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "external_id" TEXT NOT NULL,
    "frozen" BOOLEAN NOT NULL DEFAULT false,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "user_stats" (
    "user_id" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "games" INTEGER NOT NULL DEFAULT 0,
    "won" INTEGER NOT NULL DEFAULT 0,
    "lost" INTEGER NOT NULL DEFAULT 0,
    "wagered" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "paid" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "markets" INTEGER NOT NULL DEFAULT 0,
    "markets_won" INTEGER NOT NULL DEFAULT 0,
    "committed" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "distributed" DECIMAL(40,0) NOT NULL DEFAULT 0,

    CONSTRAINT "user_stats_pkey" PRIMARY KEY ("user_id","currency")
);

-- CreateTable
CREATE TABLE "games" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "bank_id" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "held" BIGINT NOT NULL DEFAULT 0,
    "winner" TEXT,
    "void_reason" TEXT,
    "overdue_at" TIMESTAMPTZ(3) NOT NULL,
    "needs_operator" BOOLEAN NOT NULL DEFAULT false,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "completed_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "games_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "game_sides" (
    "game_id" TEXT NOT NULL,
    "side" TEXT NOT NULL,
    "multiplier_bps" INTEGER NOT NULL,
    "stakes" BIGINT NOT NULL DEFAULT 0,
    "liability" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "game_sides_pkey" PRIMARY KEY ("game_id","side")
);

-- CreateTable
CREATE TABLE "game_players" (
    "game_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "balance_id" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'playing',
    "total_bet" BIGINT NOT NULL,
    "stake_won" BIGINT,
    "payout" BIGINT,
    "settlement_key" TEXT,
    "failure" TEXT,
    "settled_at" TIMESTAMPTZ(3),

    CONSTRAINT "game_players_pkey" PRIMARY KEY ("game_id","user_id")
);

-- CreateTable
CREATE TABLE "bets" (
    "id" TEXT NOT NULL,
    "game_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "side" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "prize" BIGINT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'placed',
    "payout_transaction_id" TEXT,
    "balance_after" BIGINT NOT NULL,
    "balance_version" BIGINT NOT NULL,
    "placed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "bets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "game_edges" (
    "from_state" TEXT NOT NULL,
    "fact" TEXT NOT NULL,
    "to_state" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,

    CONSTRAINT "game_edges_pkey" PRIMARY KEY ("from_state","fact")
);

-- CreateTable
CREATE TABLE "markets" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "pool_id" BIGINT NOT NULL,
    "state" TEXT NOT NULL,
    "creator_user_id" TEXT,
    "house_fee_bps" INTEGER NOT NULL,
    "creator_fee_bps" INTEGER NOT NULL,
    "fee_base" TEXT NOT NULL,
    "closes_at" TIMESTAMPTZ(3),
    "dispute_window_ms" BIGINT NOT NULL,
    "commitments" INTEGER NOT NULL DEFAULT 0,
    "participants" INTEGER NOT NULL DEFAULT 0,
    "staked" BIGINT NOT NULL DEFAULT 0,
    "missing" BIGINT NOT NULL DEFAULT 0,
    "run" INTEGER NOT NULL DEFAULT 0,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "markets_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "market_options" (
    "market_id" TEXT NOT NULL,
    "option_id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "nth" INTEGER NOT NULL,
    "staked" BIGINT NOT NULL DEFAULT 0,
    "commitments" INTEGER NOT NULL DEFAULT 0,
    "participants" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "market_options_pkey" PRIMARY KEY ("market_id","option_id")
);

-- CreateTable
CREATE TABLE "market_participants" (
    "market_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "balance_id" BIGINT NOT NULL,
    "staked" BIGINT NOT NULL,
    "joined_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "market_participants_pkey" PRIMARY KEY ("market_id","user_id")
);

-- CreateTable
CREATE TABLE "market_positions" (
    "market_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "option_id" TEXT NOT NULL,
    "staked" BIGINT NOT NULL,
    "commitments" INTEGER NOT NULL,

    CONSTRAINT "market_positions_pkey" PRIMARY KEY ("market_id","user_id","option_id")
);

-- CreateTable
CREATE TABLE "commitments" (
    "id" TEXT NOT NULL,
    "market_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "option_id" TEXT NOT NULL,
    "position" TEXT,
    "amount" BIGINT NOT NULL,
    "staked_before" BIGINT NOT NULL,
    "balance_after" BIGINT NOT NULL,
    "balance_version" BIGINT NOT NULL,
    "import_id" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "commitments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "resolutions" (
    "id" TEXT NOT NULL,
    "market_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "run" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "evidence" TEXT,
    "resolved_by" TEXT NOT NULL,
    "round" INTEGER NOT NULL DEFAULT 1,
    "plan_hash" CHAR(64) NOT NULL,
    "window_until" TIMESTAMPTZ(3),
    "kind" TEXT,
    "pool" BIGINT,
    "fee_total" BIGINT,
    "creator_fee" BIGINT,
    "house_fee" BIGINT,
    "net" BIGINT,
    "win_stake" BIGINT,
    "users" INTEGER,
    "winners" INTEGER,
    "cut_remainder" DECIMAL,
    "cut_user" TEXT,
    "left_over" BIGINT,
    "paid_users" INTEGER NOT NULL DEFAULT 0,
    "paid" BIGINT NOT NULL DEFAULT 0,
    "undone_users" INTEGER NOT NULL DEFAULT 0,
    "undone" BIGINT NOT NULL DEFAULT 0,
    "fees_booked" BOOLEAN NOT NULL DEFAULT false,
    "verification" JSONB,
    "reason" TEXT,
    "rolled_back_by" TEXT,
    "needs_operator" BOOLEAN NOT NULL DEFAULT false,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "resolutions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "distributions" (
    "id" TEXT NOT NULL,
    "resolution_id" TEXT NOT NULL,
    "market_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "stake_won" BIGINT NOT NULL,
    "stake_lost" BIGINT NOT NULL,
    "payout" BIGINT NOT NULL,
    "remainder" DECIMAL NOT NULL,
    "rounded_up" BOOLEAN NOT NULL,
    "state" TEXT NOT NULL,
    "failure" TEXT,
    "dispute_reason" TEXT,
    "processed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "rolled_back_at" TIMESTAMPTZ(3),

    CONSTRAINT "distributions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "resolution_disputes" (
    "resolution_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "reason" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "resolution_disputes_pkey" PRIMARY KEY ("resolution_id","user_id")
);

-- CreateTable
CREATE TABLE "imports" (
    "id" TEXT NOT NULL,
    "market_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "lines" INTEGER NOT NULL DEFAULT 0,
    "accepted" INTEGER NOT NULL DEFAULT 0,
    "rejected" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "imports_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "import_lines" (
    "import_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "nth" INTEGER NOT NULL,
    "line" INTEGER NOT NULL,
    "commitment_id" TEXT,
    "code" TEXT,
    "detail" TEXT,

    CONSTRAINT "import_lines_pkey" PRIMARY KEY ("import_id","key")
);

-- CreateTable
CREATE TABLE "resolution_edges" (
    "from_state" TEXT NOT NULL,
    "fact" TEXT NOT NULL,
    "to_state" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,

    CONSTRAINT "resolution_edges_pkey" PRIMARY KEY ("from_state","fact")
);

-- CreateTable
CREATE TABLE "instant_payouts" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "balance_id" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "reference" TEXT NOT NULL,
    "total" BIGINT NOT NULL,
    "paid" BIGINT NOT NULL DEFAULT 0,
    "held" BIGINT NOT NULL,
    "returned" BIGINT NOT NULL DEFAULT 0,
    "handed" BIGINT NOT NULL DEFAULT 0,
    "payee" JSONB NOT NULL,
    "policy" JSONB NOT NULL,
    "on_unfilled" TEXT NOT NULL,
    "callback_url" TEXT,
    "state" TEXT NOT NULL,
    "closing" TEXT,
    "receipt_id" TEXT,
    "rest_payout_id" TEXT,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "completed_at" TIMESTAMPTZ(3),
    "seen_over" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "instant_payouts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instant_batches" (
    "id" TEXT NOT NULL,
    "instant_payout_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "mode" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "payee_id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "money" TEXT NOT NULL DEFAULT 'held',
    "epoch" INTEGER NOT NULL DEFAULT 0,
    "assignments" INTEGER NOT NULL DEFAULT 0,
    "payin_id" TEXT,
    "payer_id" TEXT,
    "pay_until" TIMESTAMPTZ(3),
    "utr" TEXT,
    "confirm_until" TIMESTAMPTZ(3),
    "review_reasons" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "validator_id" TEXT,
    "validate_until" TIMESTAMPTZ(3),
    "validators_before" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "receipt_id" TEXT,
    "credited_at" TIMESTAMPTZ(3),
    "confirmed_at" TIMESTAMPTZ(3),
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "seen_over" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "instant_batches_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instant_assignments" (
    "batch_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "payin_id" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'open',
    "pay_until" TIMESTAMPTZ(3) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "instant_assignments_pkey" PRIMARY KEY ("batch_id","epoch")
);

-- CreateTable
CREATE TABLE "payins" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "user_id" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "reference" TEXT NOT NULL,
    "callback_url" TEXT,
    "state" TEXT NOT NULL,
    "batch_id" TEXT,
    "pay_until" TIMESTAMPTZ(3),
    "wait_until" TIMESTAMPTZ(3) NOT NULL,
    "utr" TEXT,
    "receipt_id" TEXT,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "payins_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instant_proofs" (
    "batch_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "payin_id" TEXT NOT NULL,
    "payee_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "rail" TEXT NOT NULL,
    "utr" TEXT NOT NULL,
    "image_hash" CHAR(64) NOT NULL,
    "image_look" CHAR(16) NOT NULL,
    "image_quarters" INTEGER[],
    "image_type" TEXT NOT NULL,
    "image_deleted_at" TIMESTAMPTZ(3),
    "late" BOOLEAN NOT NULL,
    "reasons" TEXT[],
    "submitted_by" TEXT NOT NULL,
    "submitted_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "instant_proofs_pkey" PRIMARY KEY ("batch_id","epoch")
);

-- CreateTable
CREATE TABLE "used_utrs" (
    "mode" TEXT NOT NULL,
    "utr" TEXT NOT NULL,
    "rail" TEXT NOT NULL,
    "batch_id" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "used_utrs_pkey" PRIMARY KEY ("mode","utr")
);

-- CreateTable
CREATE TABLE "bank_credits" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "utr" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "credited_at" TIMESTAMPTZ(3) NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'waiting',
    "batch_id" TEXT,
    "other_amount" BIGINT,
    "other_currency" CHAR(3),
    "decided_by" TEXT,
    "note" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "matched_at" TIMESTAMPTZ(3),
    "decided_at" TIMESTAMPTZ(3),

    CONSTRAINT "bank_credits_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "instant_disputes" (
    "batch_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "opened_by" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "decision" TEXT,
    "decided_by" TEXT,
    "note" TEXT,
    "decided_at" TIMESTAMPTZ(3),

    CONSTRAINT "instant_disputes_pkey" PRIMARY KEY ("batch_id")
);

-- CreateTable
CREATE TABLE "late_proofs" (
    "payin_id" TEXT NOT NULL,
    "batch_id" TEXT NOT NULL,
    "was" TEXT,
    "decision" TEXT,
    "validator_id" TEXT,
    "validate_until" TIMESTAMPTZ(3),
    "validators_before" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "decided_by" TEXT,
    "note" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "decided_at" TIMESTAMPTZ(3),

    CONSTRAINT "late_proofs_pkey" PRIMARY KEY ("payin_id")
);

-- CreateTable
CREATE TABLE "instant_payout_edges" (
    "from_state" TEXT NOT NULL,
    "fact" TEXT NOT NULL,
    "to_state" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,

    CONSTRAINT "instant_payout_edges_pkey" PRIMARY KEY ("from_state","fact")
);

-- CreateTable
CREATE TABLE "instant_batch_edges" (
    "from_state" TEXT NOT NULL,
    "fact" TEXT NOT NULL,
    "to_state" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,

    CONSTRAINT "instant_batch_edges_pkey" PRIMARY KEY ("from_state","fact")
);

-- CreateTable
CREATE TABLE "payin_edges" (
    "from_state" TEXT NOT NULL,
    "fact" TEXT NOT NULL,
    "to_state" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,

    CONSTRAINT "payin_edges_pkey" PRIMARY KEY ("from_state","fact")
);

-- CreateTable
CREATE TABLE "risk_policies" (
    "merchant_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "policy" JSONB NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "risk_policies_pkey" PRIMARY KEY ("merchant_id","version")
);

-- CreateTable
CREATE TABLE "accounts" (
    "id" BIGSERIAL NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "balance_id" BIGINT,

    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "balances" (
    "id" BIGSERIAL NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "available_account" BIGINT NOT NULL,
    "reserved_account" BIGINT NOT NULL,
    "debt_account" BIGINT NOT NULL,
    "available" BIGINT NOT NULL DEFAULT 0,
    "reserved" BIGINT NOT NULL DEFAULT 0,
    "debt" BIGINT NOT NULL DEFAULT 0,
    "version" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "balances_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ledger_entries" (
    "id" BIGSERIAL NOT NULL,
    "op_key" TEXT NOT NULL,
    "leg" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "debit_account" BIGINT NOT NULL,
    "credit_account" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "subject_kind" TEXT,
    "subject_id" TEXT,
    "debit_balance" BIGINT,
    "debit_available" BIGINT,
    "debit_reserved" BIGINT,
    "debit_debt" BIGINT,
    "credit_balance" BIGINT,
    "credit_available" BIGINT,
    "credit_reserved" BIGINT,
    "credit_debt" BIGINT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "ledger_entries_pkey" PRIMARY KEY ("op_key","leg")
);

-- CreateTable
CREATE TABLE "debts" (
    "id" BIGSERIAL NOT NULL,
    "balance_id" BIGINT NOT NULL,
    "creditor_id" BIGINT NOT NULL,
    "subject_kind" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,
    "owed" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "debts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "earnings" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "provider_id" TEXT NOT NULL,
    "external_id" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "available" BIGINT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "earnings_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "earning_uses" (
    "payout_id" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "earning_id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "earning_uses_pkey" PRIMARY KEY ("payout_id","round","earning_id","state")
);

-- CreateTable
CREATE TABLE "payouts" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "kind" TEXT NOT NULL DEFAULT 'merchant',
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "balance_id" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "fee" BIGINT NOT NULL,
    "reference" TEXT NOT NULL,
    "description" TEXT,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "callback_url" TEXT,
    "destination" JSONB NOT NULL,
    "psp" TEXT NOT NULL,
    "psp_reference" TEXT,
    "state" TEXT NOT NULL,
    "round" INTEGER NOT NULL DEFAULT 1,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "attempts_before" INTEGER NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL DEFAULT 3,
    "dispatch" TEXT NOT NULL DEFAULT 'now',
    "run_id" TEXT,
    "method" TEXT,
    "risk" JSONB,
    "review_until" TIMESTAMPTZ(3),
    "next_attempt_at" TIMESTAMPTZ(3),
    "outcome_until" TIMESTAMPTZ(3),
    "returns" INTEGER NOT NULL DEFAULT 0,
    "debt" BIGINT NOT NULL DEFAULT 0,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "review" JSONB,
    "hold" JSONB,
    "failure" JSONB,
    "needs_operator" BOOLEAN NOT NULL DEFAULT false,
    "paused_by" TEXT,
    "let_go_at" TIMESTAMPTZ(3),
    "maker_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "payouts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "pauses" (
    "id" TEXT NOT NULL,
    "scope_kind" TEXT NOT NULL,
    "scope_name" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "until" TIMESTAMPTZ(3),
    "resumed_by" TEXT,
    "resumed_at" TIMESTAMPTZ(3),

    CONSTRAINT "pauses_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payout_runs" (
    "id" TEXT NOT NULL,
    "trigger" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "payout_runs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payout_refusals" (
    "payout_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "payout_refusals_pkey" PRIMARY KEY ("payout_id")
);

-- CreateTable
CREATE TABLE "payout_requests" (
    "payout_id" TEXT NOT NULL,
    "record" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payout_requests_pkey" PRIMARY KEY ("payout_id")
);

-- CreateTable
CREATE TABLE "payout_attempts" (
    "payout_id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "psp" TEXT NOT NULL,
    "psp_key" TEXT NOT NULL,
    "psp_ref" TEXT,
    "state" TEXT NOT NULL DEFAULT 'open',
    "proof" TEXT,
    "unknown_at" INTEGER,
    "told_at" INTEGER NOT NULL DEFAULT 0,
    "psp_fee" BIGINT,
    "sends" INTEGER NOT NULL DEFAULT 1,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "sent_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "ended_at" TIMESTAMPTZ(3),
    "failure" JSONB,

    CONSTRAINT "payout_attempts_pkey" PRIMARY KEY ("payout_id","attempt")
);

-- CreateTable
CREATE TABLE "approvals" (
    "subject_kind" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "round" INTEGER NOT NULL,
    "admin_id" TEXT NOT NULL,
    "decision" TEXT NOT NULL,
    "note" TEXT,
    "via" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "approvals_pkey" PRIMARY KEY ("subject_id","round","admin_id")
);

-- CreateTable
CREATE TABLE "psp_messages" (
    "id" TEXT NOT NULL,
    "psp" TEXT NOT NULL,
    "event_key" TEXT NOT NULL,
    "reference" TEXT,
    "payout_id" TEXT,
    "attempt" INTEGER,
    "claim" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'received',
    "detail" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "handled_at" TIMESTAMPTZ(3),
    "handed" INTEGER NOT NULL DEFAULT 0,
    "hand_on_at" TIMESTAMPTZ(3),

    CONSTRAINT "psp_messages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "epochs" (
    "epoch" INTEGER NOT NULL,
    "began_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "epochs_pkey" PRIMARY KEY ("epoch")
);

-- CreateTable
CREATE TABLE "events" (
    "id" TEXT NOT NULL,
    "subject_kind" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "op_key" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "from_state" TEXT,
    "to_state" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "object" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "epoch" INTEGER NOT NULL,
    "xid" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    "position" BIGSERIAL NOT NULL,

    CONSTRAINT "events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event_audience" (
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "epoch" INTEGER NOT NULL,
    "xid" xid8 NOT NULL,
    "position" BIGINT NOT NULL,
    "type" TEXT NOT NULL,

    CONSTRAINT "event_audience_pkey" PRIMARY KEY ("owner_kind","owner_id","mode","type","epoch","xid","position")
);

-- CreateTable
CREATE TABLE "payout_edges" (
    "from_state" TEXT NOT NULL,
    "fact" TEXT NOT NULL,
    "to_state" TEXT NOT NULL,
    "effect" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,

    CONSTRAINT "payout_edges_pkey" PRIMARY KEY ("from_state","fact")
);

-- CreateTable
CREATE TABLE "payout_proofs" (
    "word" TEXT NOT NULL,
    "named" BOOLEAN NOT NULL,
    "uncertain" BOOLEAN NOT NULL,
    "counts" TEXT NOT NULL,
    "proof" TEXT,

    CONSTRAINT "payout_proofs_pkey" PRIMARY KEY ("word","named","uncertain")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "route" TEXT NOT NULL,
    "fingerprint" CHAR(64) NOT NULL,
    "resource_id" TEXT NOT NULL,
    "lease_until" TIMESTAMPTZ(3) NOT NULL,
    "lease_holder" TEXT NOT NULL,
    "status" SMALLINT,
    "headers" JSONB,
    "body" TEXT,
    "pending" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("owner_kind","owner_id","mode","key")
);

-- CreateTable
CREATE TABLE "webhook_endpoints" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "event_types" TEXT[],
    "secret" TEXT NOT NULL,
    "previous_secret" TEXT,
    "previous_until" TIMESTAMPTZ(3),
    "dropped_until" TIMESTAMPTZ(3),
    "rotation_id" TEXT,
    "disabled_at" TIMESTAMPTZ(3),
    "disabled_reason" TEXT,
    "paused_at" TIMESTAMPTZ(3),
    "recovery_id" TEXT,
    "recovery_until" TIMESTAMPTZ(3),
    "deleted_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "receivers" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "endpoint_id" TEXT,
    "lease_holder" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "lease_epoch" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "failed_subject" TEXT,
    "failed_many" BOOLEAN NOT NULL DEFAULT false,
    "failing_since" TIMESTAMPTZ(3),
    "probes" INTEGER NOT NULL DEFAULT 0,
    "probe_at" TIMESTAMPTZ(3),

    CONSTRAINT "receivers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "callback_secrets" (
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "previous_secret" TEXT,
    "previous_until" TIMESTAMPTZ(3),
    "dropped_until" TIMESTAMPTZ(3),
    "rotation_id" TEXT,

    CONSTRAINT "callback_secrets_pkey" PRIMARY KEY ("merchant_id","mode")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "subject_kind" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "receiver_id" TEXT NOT NULL,
    "endpoint_id" TEXT,
    "url" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "tries" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "resend_from" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT moment(),

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_attempts" (
    "id" BIGSERIAL NOT NULL,
    "delivery_id" TEXT NOT NULL,
    "endpoint_id" TEXT,
    "number" INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    "status_code" INTEGER,
    "error" TEXT,
    "duration_ms" INTEGER NOT NULL,
    "response" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "notifications" (
    "id" TEXT NOT NULL,
    "event_key" TEXT NOT NULL,
    "event_id" TEXT,
    "subject_kind" TEXT NOT NULL,
    "subject_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "recipient_kind" TEXT NOT NULL,
    "recipient_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "state" TEXT NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "lease_holder" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),

    CONSTRAINT "notifications_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "push_subscriptions" (
    "id" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "endpoint" TEXT NOT NULL,
    "keys" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "push_subscriptions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "worker_beats" (
    "id" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "stuck" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "worker_beats_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "state_totals" (
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "flow" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "count" BIGINT NOT NULL,
    "amount" DECIMAL(40,0) NOT NULL,

    CONSTRAINT "state_totals_pkey" PRIMARY KEY ("merchant_id","mode","flow","currency","state")
);

-- CreateTable
CREATE TABLE "period_totals" (
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "span" TEXT NOT NULL,
    "began_at" TIMESTAMPTZ(3) NOT NULL,
    "flow" TEXT NOT NULL,
    "currency" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "took" INTEGER NOT NULL,
    "count" BIGINT NOT NULL,
    "amount" DECIMAL(40,0) NOT NULL,

    CONSTRAINT "period_totals_pkey" PRIMARY KEY ("merchant_id","mode","span","began_at","flow","currency","outcome","took")
);

-- CreateTable
CREATE TABLE "psp_totals" (
    "began_at" TIMESTAMPTZ(3) NOT NULL,
    "psp" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "word" TEXT NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "psp_totals_pkey" PRIMARY KEY ("began_at","psp","mode","word")
);

-- CreateTable
CREATE TABLE "folded_events" (
    "id" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "xid" xid8 NOT NULL,
    "position" BIGINT NOT NULL,

    CONSTRAINT "folded_events_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "market_tallies" (
    "market_id" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "commitments" BIGINT NOT NULL DEFAULT 0,
    "staked" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "participants" BIGINT NOT NULL DEFAULT 0,
    "users" BIGINT NOT NULL DEFAULT 0,
    "active_users" BIGINT NOT NULL DEFAULT 0,
    "resolutions" BIGINT NOT NULL DEFAULT 0,
    "rollbacks" BIGINT NOT NULL DEFAULT 0,
    "paid" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "house_fees" DECIMAL(40,0) NOT NULL DEFAULT 0,
    "creator_fees" DECIMAL(40,0) NOT NULL DEFAULT 0,

    CONSTRAINT "market_tallies_pkey" PRIMARY KEY ("market_id","day")
);

-- CreateTable
CREATE TABLE "market_totals" (
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "span" TEXT NOT NULL,
    "day" DATE NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "commitments" BIGINT NOT NULL,
    "staked" DECIMAL(40,0) NOT NULL,
    "participants" BIGINT NOT NULL,
    "users" BIGINT NOT NULL,
    "active_users" BIGINT NOT NULL,
    "resolutions" BIGINT NOT NULL,
    "rollbacks" BIGINT NOT NULL,
    "paid" DECIMAL(40,0) NOT NULL,
    "house_fees" DECIMAL(40,0) NOT NULL,
    "creator_fees" DECIMAL(40,0) NOT NULL,

    CONSTRAINT "market_totals_pkey" PRIMARY KEY ("merchant_id","mode","span","day","currency")
);

-- CreateTable
CREATE TABLE "market_users" (
    "user_id" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "active_on" DATE NOT NULL,

    CONSTRAINT "market_users_pkey" PRIMARY KEY ("user_id","currency")
);

-- CreateTable
CREATE TABLE "circulation" (
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "holders" BIGINT NOT NULL,
    "available" DECIMAL(40,0) NOT NULL,
    "reserved" DECIMAL(40,0) NOT NULL,
    "pools" DECIMAL(40,0) NOT NULL,
    "owed" DECIMAL(40,0) NOT NULL,
    "as_of" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "circulation_pkey" PRIMARY KEY ("merchant_id","mode","currency")
);

-- CreateTable
CREATE TABLE "books_checks" (
    "id" INTEGER NOT NULL,
    "checked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "checked" INTEGER NOT NULL,
    "broken" JSONB NOT NULL,

    CONSTRAINT "books_checks_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "period_totals_span_began_at_idx" ON "period_totals"("span", "began_at");

-- CreateIndex
CREATE UNIQUE INDEX "admins_name_key" ON "admins"("name");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys"("hash");

-- CreateIndex
CREATE INDEX "api_keys_owner_kind_owner_id_id_idx" ON "api_keys"("owner_kind", "owner_id", "id");

-- CreateIndex
CREATE INDEX "api_keys_parent_id_id_idx" ON "api_keys"("parent_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "console_sessions_hash_key" ON "console_sessions"("hash");

-- CreateIndex
CREATE INDEX "console_sessions_key_id_id_idx" ON "console_sessions"("key_id", "id");

-- CreateIndex
CREATE INDEX "audit_log_target_id_idx" ON "audit_log"("target", "id");

-- CreateIndex
CREATE INDEX "audit_log_admin_id_id_idx" ON "audit_log"("admin_id", "id");

-- CreateIndex
CREATE INDEX "providers_merchant_id_mode_id_idx" ON "providers"("merchant_id", "mode", "id");

-- CreateIndex
CREATE UNIQUE INDEX "providers_merchant_id_mode_external_id_key" ON "providers"("merchant_id", "mode", "external_id");

-- CreateIndex
CREATE INDEX "provider_bank_accounts_provider_id_id_idx" ON "provider_bank_accounts"("provider_id", "id");

-- CreateIndex
CREATE INDEX "users_merchant_id_mode_id_idx" ON "users"("merchant_id", "mode", "id");

-- CreateIndex
CREATE UNIQUE INDEX "users_merchant_id_mode_external_id_key" ON "users"("merchant_id", "mode", "external_id");

-- CreateIndex
CREATE INDEX "games_merchant_id_mode_id_idx" ON "games"("merchant_id", "mode", "id");

-- CreateIndex
CREATE UNIQUE INDEX "game_players_settlement_key_key" ON "game_players"("settlement_key");

-- CreateIndex
CREATE INDEX "bets_game_id_id_idx" ON "bets"("game_id", "id");

-- CreateIndex
CREATE INDEX "bets_game_id_user_id_id_idx" ON "bets"("game_id", "user_id", "id");

-- CreateIndex
CREATE INDEX "markets_merchant_id_mode_id_idx" ON "markets"("merchant_id", "mode", "id");

-- CreateIndex
CREATE INDEX "commitments_market_id_id_idx" ON "commitments"("market_id", "id");

-- CreateIndex
CREATE INDEX "commitments_market_id_user_id_id_idx" ON "commitments"("market_id", "user_id", "id");

-- CreateIndex
CREATE INDEX "commitments_user_id_id_idx" ON "commitments"("user_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "resolutions_market_id_run_key" ON "resolutions"("market_id", "run");

-- CreateIndex
CREATE INDEX "resolutions_merchant_id_mode_id_idx" ON "resolutions"("merchant_id", "mode", "id");

-- CreateIndex
CREATE INDEX "resolutions_state_id_idx" ON "resolutions"("state", "id");

-- CreateIndex
CREATE UNIQUE INDEX "distributions_resolution_id_user_id_key" ON "distributions"("resolution_id", "user_id");

-- CreateIndex
CREATE INDEX "distributions_market_id_id_idx" ON "distributions"("market_id", "id");

-- CreateIndex
CREATE INDEX "distributions_user_id_id_idx" ON "distributions"("user_id", "id");

-- CreateIndex
CREATE INDEX "imports_market_id_id_idx" ON "imports"("market_id", "id");
CREATE UNIQUE INDEX "instant_payouts_receipt_id_key" ON "instant_payouts"("receipt_id");

-- CreateIndex
CREATE UNIQUE INDEX "instant_payouts_rest_payout_id_key" ON "instant_payouts"("rest_payout_id");

-- CreateIndex
CREATE UNIQUE INDEX "instant_payouts_merchant_id_mode_reference_key" ON "instant_payouts"("merchant_id","mode","reference");

-- CreateIndex
CREATE INDEX "instant_payouts_merchant_id_mode_id_idx" ON "instant_payouts"("merchant_id","mode","id");

-- CreateIndex
CREATE INDEX "instant_payouts_merchant_id_mode_state_id_idx" ON "instant_payouts"("merchant_id","mode","state","id");

-- CreateIndex
CREATE INDEX "instant_payouts_user_id_id_idx" ON "instant_payouts"("user_id","id");

-- CreateIndex
CREATE INDEX "instant_payouts_state_id_idx" ON "instant_payouts"("state","id");

-- CreateIndex
CREATE INDEX "instant_payouts_reference_idx" ON "instant_payouts"("reference");

-- CreateIndex
CREATE UNIQUE INDEX "instant_batches_receipt_id_key" ON "instant_batches"("receipt_id");

-- CreateIndex
CREATE UNIQUE INDEX "instant_batches_instant_payout_id_number_key" ON "instant_batches"("instant_payout_id","number");

-- CreateIndex
CREATE UNIQUE INDEX "instant_assignments_payin_id_key" ON "instant_assignments"("payin_id");

-- CreateIndex
CREATE UNIQUE INDEX "payins_merchant_id_mode_reference_key" ON "payins"("merchant_id","mode","reference");

-- CreateIndex
CREATE INDEX "payins_merchant_id_mode_id_idx" ON "payins"("merchant_id","mode","id");

-- CreateIndex
CREATE INDEX "payins_user_id_id_idx" ON "payins"("user_id","id");

-- CreateIndex
CREATE INDEX "instant_proofs_payee_id_amount_idx" ON "instant_proofs"("payee_id","amount");

-- CreateIndex
CREATE INDEX "instant_proofs_mode_image_hash_idx" ON "instant_proofs"("mode","image_hash");

-- CreateIndex
CREATE INDEX "instant_proofs_image_quarters_idx" ON "instant_proofs" USING GIN ("image_quarters");

-- CreateIndex
CREATE UNIQUE INDEX "bank_credits_merchant_id_mode_utr_key" ON "bank_credits"("merchant_id","mode","utr");

-- CreateIndex
CREATE INDEX "bank_credits_batch_id_idx" ON "bank_credits"("batch_id");

-- CreateIndex
CREATE INDEX "late_proofs_batch_id_idx" ON "late_proofs"("batch_id");

-- CreateIndex
CREATE UNIQUE INDEX "accounts_mode_owner_kind_owner_id_purpose_currency_key" ON "accounts"("mode", "owner_kind", "owner_id", "purpose", "currency");

-- CreateIndex
CREATE UNIQUE INDEX "balances_mode_owner_kind_owner_id_currency_key" ON "balances"("mode", "owner_kind", "owner_id", "currency");

-- CreateIndex
CREATE UNIQUE INDEX "ledger_entries_id_key" ON "ledger_entries"("id");

-- CreateIndex
CREATE INDEX "ledger_entries_subject_id_idx" ON "ledger_entries"("subject_id");

-- CreateIndex
CREATE UNIQUE INDEX "debts_balance_id_subject_id_key" ON "debts"("balance_id", "subject_id");

-- CreateIndex
CREATE INDEX "earnings_provider_id_id_idx" ON "earnings"("provider_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "earnings_merchant_id_mode_external_id_key" ON "earnings"("merchant_id", "mode", "external_id");

-- CreateIndex
CREATE INDEX "earning_uses_earning_id_idx" ON "earning_uses"("earning_id");

-- CreateIndex
CREATE INDEX "payouts_balance_id_id_idx" ON "payouts"("balance_id", "id");

-- CreateIndex
CREATE INDEX "payouts_balance_id_state_id_idx" ON "payouts"("balance_id", "state", "id");

-- CreateIndex
CREATE INDEX "payouts_state_currency_mode_kind_id_idx" ON "payouts"("state", "currency", "mode", "kind", "id");

-- CreateIndex
CREATE UNIQUE INDEX "payouts_reference_merchant_id_mode_key" ON "payouts"("reference", "merchant_id", "mode");

-- CreateIndex
CREATE UNIQUE INDEX "payout_attempts_psp_key_key" ON "payout_attempts"("psp_key");

-- CreateIndex
CREATE UNIQUE INDEX "payout_attempts_psp_psp_ref_key" ON "payout_attempts"("psp", "psp_ref");

-- CreateIndex
CREATE INDEX "psp_messages_payout_id_idx" ON "psp_messages"("payout_id");

-- CreateIndex
CREATE INDEX "psp_messages_state_id_idx" ON "psp_messages"("state", "id");

-- CreateIndex
CREATE UNIQUE INDEX "psp_messages_psp_event_key_key" ON "psp_messages"("psp", "event_key");

-- CreateIndex
CREATE INDEX "events_owner_kind_owner_id_mode_type_epoch_xid_position_idx" ON "events"("owner_kind", "owner_id", "mode", "type", "epoch", "xid", "position");

-- CreateIndex
CREATE UNIQUE INDEX "events_epoch_xid_position_key" ON "events"("epoch", "xid", "position");

-- CreateIndex
CREATE UNIQUE INDEX "events_subject_id_sequence_key" ON "events"("subject_id", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "events_subject_id_op_key_key" ON "events"("subject_id", "op_key");

-- CreateIndex
CREATE INDEX "event_audience_epoch_xid_position_idx" ON "event_audience"("epoch", "xid", "position");

-- CreateIndex
CREATE INDEX "idempotency_keys_expires_at_idx" ON "idempotency_keys"("expires_at");

-- CreateIndex
CREATE INDEX "idempotency_keys_resource_id_idx" ON "idempotency_keys"("resource_id");

-- CreateIndex
CREATE INDEX "webhook_endpoints_merchant_id_mode_id_idx" ON "webhook_endpoints"("merchant_id", "mode", "id");

-- CreateIndex
CREATE INDEX "webhook_deliveries_subject_id_idx" ON "webhook_deliveries"("subject_id");

-- CreateIndex
CREATE INDEX "webhook_attempts_delivery_id_idx" ON "webhook_attempts"("delivery_id");

-- CreateIndex
CREATE INDEX "webhook_attempts_endpoint_id_id_idx" ON "webhook_attempts"("endpoint_id", "id");

-- CreateIndex
CREATE INDEX "notifications_subject_id_idx" ON "notifications"("subject_id");

-- CreateIndex
CREATE UNIQUE INDEX "notifications_event_key_channel_address_key" ON "notifications"("event_key", "channel", "address");

-- CreateIndex
CREATE UNIQUE INDEX "push_subscriptions_owner_kind_owner_id_endpoint_key" ON "push_subscriptions"("owner_kind", "owner_id", "endpoint");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "api_keys"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provider_bank_accounts" ADD CONSTRAINT "provider_bank_accounts_provider_id_fkey" FOREIGN KEY ("provider_id") REFERENCES "providers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "user_stats" ADD CONSTRAINT "user_stats_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "earnings" ADD CONSTRAINT "earnings_provider_id_fkey" FOREIGN KEY ("provider_id") REFERENCES "providers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "earning_uses" ADD CONSTRAINT "earning_uses_earning_id_fkey" FOREIGN KEY ("earning_id") REFERENCES "earnings"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payout_attempts" ADD CONSTRAINT "payout_attempts_payout_id_fkey" FOREIGN KEY ("payout_id") REFERENCES "payouts"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What schema.prisma cannot say. A test reads pg_catalog to see that all of it is there.

-- The books: no negative money, no entry that moves nothing.
ALTER TABLE balances
  ADD CONSTRAINT balances_available_not_negative CHECK (available >= 0),
  ADD CONSTRAINT balances_reserved_not_negative CHECK (reserved >= 0),
  ADD CONSTRAINT balances_debt_not_negative CHECK (debt >= 0);
ALTER TABLE balances SET (fillfactor = 50); -- the hot row: room for its next version on the same page
ALTER TABLE ledger_entries
  ADD CONSTRAINT ledger_entries_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT ledger_entries_two_sides CHECK (debit_account <> credit_account);
ALTER TABLE debts
  ADD CONSTRAINT debts_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT debts_owed_in_range CHECK (owed >= 0 AND owed <= amount),
  ADD CONSTRAINT debts_two_sides CHECK (balance_id <> creditor_id);
ALTER TABLE earnings
  ADD CONSTRAINT earnings_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT earnings_available_in_range CHECK (available >= 0 AND available <= amount);
ALTER TABLE earning_uses
  ADD CONSTRAINT earning_uses_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT earning_uses_state_known CHECK (state IN ('reserved', 'paid_out', 'released'));

-- Payouts.
ALTER TABLE payouts
  ADD CONSTRAINT payouts_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT payouts_fee_in_range CHECK (fee >= 0 AND fee <= 1000000000000000),
  ADD CONSTRAINT payouts_mode_known CHECK (mode IN ('test', 'live')),
  ADD CONSTRAINT payouts_dispatch_known CHECK (dispatch IN ('now', 'run')),
  ADD CONSTRAINT payouts_max_attempts_positive CHECK (max_attempts > 0),
  -- Whatever has left these states waits for no pause.
  ADD CONSTRAINT payouts_paused_before_a_send CHECK (paused_by IS NULL OR state IN ('QUEUED', 'RETRY_WAIT', 'UNKNOWN')),
  ADD CONSTRAINT payouts_debt_not_negative CHECK (debt >= 0);
ALTER TABLE payouts SET (fillfactor = 80);
ALTER TABLE payout_attempts
  ADD CONSTRAINT payout_attempts_state_known CHECK (state IN ('open', 'succeeded', 'failed', 'returned', 'doubted')),
  ADD CONSTRAINT payout_attempts_proof_known CHECK (proof IN ('refused', 'failed_transfer', 'operator')),
  ADD CONSTRAINT payout_attempts_dead_by_proof CHECK (state <> 'failed' OR proof IS NOT NULL);
-- The last gate against a second payment: one attempt in flight, whatever the code above does.
CREATE UNIQUE INDEX payout_attempts_one_open ON payout_attempts (payout_id) WHERE state = 'open';
ALTER TABLE pauses
  ADD CONSTRAINT pauses_scope_known CHECK (scope_kind IN ('psp', 'merchant', 'flow', 'all')),
  ADD CONSTRAINT pauses_scope_named CHECK ((scope_kind = 'all') = (scope_name = '')),
  ADD CONSTRAINT pauses_resumed_by_somebody CHECK ((resumed_at IS NULL) = (resumed_by IS NULL));
ALTER TABLE payout_runs ADD CONSTRAINT payout_runs_trigger_known CHECK (trigger IN ('schedule', 'admin'));
ALTER TABLE risk_policies ADD CONSTRAINT risk_policies_after_the_first CHECK (version > 1);

-- People and keys.
ALTER TABLE approvals ADD CONSTRAINT approvals_decision_known CHECK (decision IN ('approved', 'rejected'));
ALTER TABLE api_keys
  ADD CONSTRAINT api_keys_owner_known CHECK (owner_kind IN ('merchant', 'provider', 'admin')),
  -- It ends with the merchant's key that made it, and is found by that.
  ADD CONSTRAINT api_keys_of_providers_made CHECK (owner_kind <> 'provider' OR parent_id IS NOT NULL);
ALTER TABLE admins ADD CONSTRAINT admins_role_known CHECK (role IN ('viewer', 'operator', 'approver', 'admin'));
ALTER TABLE providers ADD CONSTRAINT providers_mode_known CHECK (mode IN ('test', 'live'));
ALTER TABLE users ADD CONSTRAINT users_mode_known CHECK (mode IN ('test', 'live'));
ALTER TABLE users SET (fillfactor = 70); -- counts its events: room for the next version on the same page
ALTER TABLE user_stats
  ADD CONSTRAINT user_stats_not_negative CHECK (least(games, won, lost) >= 0 AND least(wagered, paid) >= 0),
  ADD CONSTRAINT user_stats_won_or_lost CHECK (won + lost <= games),
  ADD CONSTRAINT user_stats_of_markets CHECK (markets_won BETWEEN 0 AND markets AND least(committed, distributed) >= 0);

-- Games.
ALTER TABLE games
  ADD CONSTRAINT games_mode_known CHECK (mode IN ('test', 'live')),
  ADD CONSTRAINT games_held_not_negative CHECK (held >= 0);
ALTER TABLE games SET (fillfactor = 50); -- changes with each bet: room for the next version on the same page
ALTER TABLE game_sides
  ADD CONSTRAINT game_sides_not_negative CHECK (least(stakes, liability) >= 0),
  ADD CONSTRAINT game_sides_pay_stakes_back CHECK (multiplier_bps >= 10000); -- so that no bet lowers what the bank may lose
ALTER TABLE game_sides SET (fillfactor = 50);
ALTER TABLE game_players
  ADD CONSTRAINT game_players_state_known CHECK (state IN ('playing', 'settled', 'voided')),
  ADD CONSTRAINT game_players_not_negative CHECK (total_bet > 0 AND stake_won BETWEEN 0 AND total_bet AND payout >= 0),
  ADD CONSTRAINT game_players_paid_for_a_winning_bet CHECK (payout = 0 OR stake_won > 0),
  -- The one name of a user's settlement, which no second one can have.
  ADD CONSTRAINT game_players_settlement_key_natural CHECK (settlement_key = 'game/' || game_id || '/user/' || user_id),
  ADD CONSTRAINT game_players_settled_under_a_key CHECK (state <> 'settled' OR settlement_key IS NOT NULL);
ALTER TABLE game_players SET (fillfactor = 70);
ALTER TABLE bets
  ADD CONSTRAINT bets_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT bets_prize_not_less CHECK (prize >= amount),
  ADD CONSTRAINT bets_state_known CHECK (state IN ('placed', 'won', 'lost', 'refunded')),
  ADD CONSTRAINT bets_settled_under_a_key CHECK (state = 'placed' OR payout_transaction_id IS NOT NULL);
ALTER TABLE bets SET (fillfactor = 80);

-- Markets.
ALTER TABLE markets
  ADD CONSTRAINT markets_mode_known CHECK (mode IN ('test', 'live')),
  ADD CONSTRAINT markets_type_known CHECK (type IN ('binary', 'multi')),
  ADD CONSTRAINT markets_state_known CHECK (state IN ('OPEN', 'RESOLVING', 'UNRESOLVED', 'RESOLVED', 'VOID')),
  ADD CONSTRAINT markets_fees_in_range CHECK (least(house_fee_bps, creator_fee_bps) >= 0 AND house_fee_bps + creator_fee_bps <= 10000),
  ADD CONSTRAINT markets_creator_for_a_fee CHECK (creator_fee_bps = 0 OR creator_user_id IS NOT NULL),
  ADD CONSTRAINT markets_fee_base_known CHECK (fee_base IN ('losing_pool', 'gross')),
  ADD CONSTRAINT markets_not_negative CHECK (least(commitments, participants, run) >= 0 AND least(staked, missing, dispute_window_ms) >= 0);
ALTER TABLE markets SET (fillfactor = 50); -- changes with each commitment: room for the next version on the same page
ALTER TABLE market_options ADD CONSTRAINT market_options_not_negative CHECK (least(commitments, participants, nth) >= 0 AND staked >= 0);
ALTER TABLE market_options SET (fillfactor = 50);
ALTER TABLE market_participants ADD CONSTRAINT market_participants_staked_positive CHECK (staked > 0);
ALTER TABLE market_participants SET (fillfactor = 80);
ALTER TABLE market_positions ADD CONSTRAINT market_positions_positive CHECK (staked > 0 AND commitments > 0);
ALTER TABLE market_positions SET (fillfactor = 80);
ALTER TABLE market_totals ADD CONSTRAINT market_totals_span_known CHECK (span IN ('day', 'ever'));
ALTER TABLE market_tallies SET (fillfactor = 50); -- as of markets
ALTER TABLE market_users SET (fillfactor = 80);
ALTER TABLE commitments
  ADD CONSTRAINT commitments_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT commitments_staked_before_not_negative CHECK (staked_before >= 0),
  ADD CONSTRAINT commitments_position_is_option CHECK (position = option_id);
ALTER TABLE resolutions
  ADD CONSTRAINT resolutions_mode_known CHECK (mode IN ('test', 'live')),
  ADD CONSTRAINT resolutions_kind_known CHECK (kind IN ('shares', 'refund')),
  ADD CONSTRAINT resolutions_positive CHECK (run > 0 AND round > 0),
  ADD CONSTRAINT resolutions_planned_whole CHECK (num_nulls(kind, pool, fee_total, creator_fee, house_fee, net, win_stake, users, winners, left_over) IN (0, 10)),
  ADD CONSTRAINT resolutions_add_up CHECK (net + fee_total = pool AND house_fee + creator_fee = fee_total AND least(net, house_fee, creator_fee, win_stake) >= 0),
  ADD CONSTRAINT resolutions_pay_no_more CHECK (paid BETWEEN 0 AND coalesce(net, 0) AND paid_users BETWEEN 0 AND coalesce(users, 0) AND undone_users BETWEEN 0 AND paid_users AND undone BETWEEN 0 AND paid);
ALTER TABLE resolutions SET (fillfactor = 50);
ALTER TABLE distributions
  ADD CONSTRAINT distributions_state_known CHECK (state IN ('completed', 'disputed', 'failed', 'rolled_back')),
  ADD CONSTRAINT distributions_not_negative CHECK (least(stake_won, stake_lost, payout) >= 0 AND remainder >= 0),
  ADD CONSTRAINT distributions_id_natural CHECK (id = 'dis_' || substr(resolution_id, 5) || '_' || substr(user_id, 5));
ALTER TABLE imports ADD CONSTRAINT imports_add_up CHECK (lines = accepted + rejected AND least(accepted, rejected) >= 0);
ALTER TABLE import_lines ADD CONSTRAINT import_lines_in_or_refused CHECK (num_nulls(commitment_id, code) = 1 AND line > 0 AND nth > 0);
-- Instant payouts.
ALTER TABLE instant_payouts
  ADD CONSTRAINT instant_payouts_amount_in_range CHECK (total > 0 AND total <= 1000000000000000),
  ADD CONSTRAINT instant_payouts_add_up CHECK (least(paid, held, returned, handed) >= 0 AND paid + held + returned + handed = total),
  ADD CONSTRAINT instant_payouts_mode_known CHECK (mode IN ('test', 'live')),
  ADD CONSTRAINT instant_payouts_unfilled_known CHECK (on_unfilled IN ('psp', 'refund')),
  ADD CONSTRAINT instant_payouts_closing_known CHECK (closing IN ('cancelled', 'unfilled')),
  ADD CONSTRAINT instant_payouts_over_holds_nothing CHECK (completed_at IS NULL OR held = 0);
ALTER TABLE instant_payouts SET (fillfactor = 70); -- changes with each slice: room for the next version on the same page
ALTER TABLE instant_batches
  ADD CONSTRAINT instant_batches_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT instant_batches_mode_known CHECK (mode IN ('test', 'live')),
  ADD CONSTRAINT instant_batches_money_known CHECK (money IN ('held', 'credited', 'released', 'reversed', 'handed')),
  ADD CONSTRAINT instant_batches_not_self_paid CHECK (payer_id <> payee_id),
  ADD CONSTRAINT instant_batches_epoch_in_range CHECK (epoch BETWEEN 0 AND assignments),
  ADD CONSTRAINT instant_batches_payer_of_epoch CHECK ((epoch > 0) = (payin_id IS NOT NULL) AND (payin_id IS NULL) = (payer_id IS NULL)),
  ADD CONSTRAINT instant_batches_credited_by_a_proof CHECK (money NOT IN ('credited', 'reversed') OR utr IS NOT NULL AND epoch > 0 AND receipt_id IS NOT NULL);
ALTER TABLE instant_batches SET (fillfactor = 70);
ALTER TABLE instant_assignments
  ADD CONSTRAINT instant_assignments_state_known CHECK (state IN ('open', 'proved', 'settled', 'refused', 'expired', 'taken_back')),
  ADD CONSTRAINT instant_assignments_ended CHECK ((state IN ('open', 'proved')) = (ended_at IS NULL));
ALTER TABLE payins
  ADD CONSTRAINT payins_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT payins_mode_known CHECK (mode IN ('test', 'live'));
ALTER TABLE payins SET (fillfactor = 70);
ALTER TABLE bank_credits
  ADD CONSTRAINT bank_credits_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT bank_credits_state_known CHECK (state IN ('waiting', 'matched', 'differs') AND (state = 'waiting') = (batch_id IS NULL)),
  ADD CONSTRAINT bank_credits_other_is_another CHECK ((other_amount IS NULL) = (other_currency IS NULL) AND (other_amount, other_currency) <> (amount, currency)),
  ADD CONSTRAINT bank_credits_decided_by_somebody CHECK ((decided_by IS NULL) = (decided_at IS NULL));
ALTER TABLE instant_disputes ADD CONSTRAINT instant_disputes_decision_known CHECK (decision IN ('approve', 'reject', 'confirmed') AND (decision IS NULL) = (decided_at IS NULL));
ALTER TABLE late_proofs ADD CONSTRAINT late_proofs_decision_known CHECK (decision IN ('credit', 'refund', 'reject') AND (decision IS NULL) = (decided_at IS NULL) AND was IN ('failed', 'reversed'));
-- The last gates against two who pay one slice, and against one who is shown two payees and pays neither.
CREATE UNIQUE INDEX instant_assignments_one_of_batch ON instant_assignments (batch_id) WHERE state IN ('open', 'proved');
CREATE UNIQUE INDEX instant_assignments_one_of_payer ON instant_assignments (user_id) WHERE state = 'open';
-- What receipts are numbered by (next_receipt_id).
CREATE SEQUENCE receipt_numbers;

ALTER TABLE notifications
  ADD CONSTRAINT notifications_state_known CHECK (state IN ('pending', 'sent', 'failed')),
  ADD CONSTRAINT notifications_channel_known CHECK (channel IN ('email', 'push')),
  ADD CONSTRAINT notifications_recipient_known CHECK (recipient_kind IN ('merchant', 'provider', 'admin'));
ALTER TABLE webhook_deliveries
  ADD CONSTRAINT webhook_deliveries_state_known CHECK (state IN ('pending', 'delivered', 'failed')),
  ADD CONSTRAINT webhook_deliveries_resend_waits CHECK (resend_from IS NULL OR state = 'pending' AND resend_from IN ('pending', 'delivered', 'failed'));
ALTER TABLE webhook_attempts ADD CONSTRAINT webhook_attempts_trigger_known CHECK (trigger IN ('auto', 'probe', 'resend'));
ALTER TABLE receivers SET (fillfactor = 70); -- leased and released with every burst: room for the next version on the same page
ALTER TABLE push_subscriptions ADD CONSTRAINT push_subscriptions_owner_known CHECK (owner_kind IN ('provider', 'admin'));

-- An owner's entries, on either side; an entry between its own accounts has it on the debit side alone.
CREATE INDEX ledger_entries_of_debit ON ledger_entries (debit_balance, id) WHERE debit_balance IS NOT NULL;
CREATE INDEX ledger_entries_of_credit ON ledger_entries (credit_balance, id) WHERE credit_balance IS NOT NULL;
-- A user's transactions, a pile for each type, which says on which side of the entry the user is (src/users/rules/transactions.ts).
CREATE INDEX ledger_entries_of_users ON ledger_entries
  ((CASE type WHEN 'USER_CREDIT' THEN credit_balance WHEN 'USER_DEBIT' THEN debit_balance WHEN 'REPAY' THEN debit_balance WHEN 'BET' THEN debit_balance WHEN 'WIN' THEN credit_balance WHEN 'LOSS' THEN debit_balance WHEN 'REFUND' THEN debit_balance WHEN 'WIN_BACK' THEN debit_balance WHEN 'COMMITMENT' THEN debit_balance WHEN 'DISTRIBUTION' THEN credit_balance WHEN 'STAKE_RETURN' THEN credit_balance WHEN 'DISTRIBUTION_BACK' THEN debit_balance WHEN 'MARKET_FEE' THEN credit_balance WHEN 'MARKET_FEE_BACK' THEN debit_balance WHEN 'REPAID' THEN credit_balance WHEN 'WITHDRAWAL' THEN debit_balance WHEN 'WITHDRAWAL_BACK' THEN debit_balance WHEN 'SLICE' THEN credit_balance WHEN 'SLICE_BACK' THEN debit_balance END), type, id)
  WHERE (CASE type WHEN 'USER_CREDIT' THEN credit_balance WHEN 'USER_DEBIT' THEN debit_balance WHEN 'REPAY' THEN debit_balance WHEN 'BET' THEN debit_balance WHEN 'WIN' THEN credit_balance WHEN 'LOSS' THEN debit_balance WHEN 'REFUND' THEN debit_balance WHEN 'WIN_BACK' THEN debit_balance WHEN 'COMMITMENT' THEN debit_balance WHEN 'DISTRIBUTION' THEN credit_balance WHEN 'STAKE_RETURN' THEN credit_balance WHEN 'DISTRIBUTION_BACK' THEN debit_balance WHEN 'MARKET_FEE' THEN credit_balance WHEN 'MARKET_FEE_BACK' THEN debit_balance WHEN 'REPAID' THEN credit_balance WHEN 'WITHDRAWAL' THEN debit_balance WHEN 'WITHDRAWAL_BACK' THEN debit_balance WHEN 'SLICE' THEN credit_balance WHEN 'SLICE_BACK' THEN debit_balance END) IS NOT NULL;
-- A handful of rows among millions, asked for every few seconds, by every credit, or by the invariants. Partial, so that the
-- rows that need nobody cost nothing.
CREATE INDEX ledger_entries_owing ON ledger_entries (id) WHERE debit_debt > 0 OR credit_debt > 0;
CREATE INDEX ledger_entries_repaying ON ledger_entries (subject_id) WHERE type = 'REPAY' OR type = 'REVERSE' AND leg = 1;
CREATE INDEX debts_owed ON debts (balance_id, id) WHERE owed > 0;
CREATE INDEX balances_that_owe ON balances (id) WHERE debt > 0;
CREATE INDEX payouts_that_owe ON payouts (balance_id, id) WHERE debt > 0;
CREATE INDEX payouts_needing_operator ON payouts (id) WHERE needs_operator;
CREATE INDEX payouts_awaiting_run ON payouts (id) WHERE state = 'QUEUED' AND dispatch = 'run' AND run_id IS NULL;
CREATE INDEX payouts_in_review ON payouts (id) WHERE state IN ('IN_REVIEW', 'REVIEW_ON_HOLD');
CREATE INDEX payouts_not_of_merchants ON payouts (merchant_id, mode, state, id) WHERE kind <> 'merchant'; -- a merchant's own are found by its balances
CREATE INDEX pauses_not_resumed ON pauses (id) WHERE resumed_at IS NULL; -- asked by whatever is about to be sent
CREATE INDEX payouts_paused ON payouts (id) WHERE paused_by IS NOT NULL;
CREATE INDEX payouts_of_run ON payouts (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX games_needing_operator ON games (id) WHERE needs_operator;
CREATE INDEX games_being_settled ON games (id) WHERE state IN ('SETTLING', 'VOIDING');
CREATE INDEX games_open ON games (overdue_at) WHERE state = 'OPEN';
CREATE INDEX game_players_failed ON game_players (game_id, user_id) WHERE failure IS NOT NULL;
-- The largest of an option first. Partial, though all are in it: who looks for one user's position is never sent here, where a whole option would be read.
CREATE INDEX market_positions_largest ON market_positions (market_id, option_id, staked DESC, user_id) WHERE staked > 0;
CREATE UNIQUE INDEX resolutions_one_at_a_time ON resolutions (market_id) WHERE ended_at IS NULL;
CREATE INDEX resolutions_needing_operator ON resolutions (id) WHERE needs_operator;
CREATE INDEX distributions_failed ON distributions (resolution_id, user_id) WHERE failure IS NOT NULL; -- unpaid, or not undone
CREATE INDEX distributions_disputed ON distributions (resolution_id, user_id) WHERE state = 'disputed';
CREATE INDEX import_lines_refused ON import_lines (import_id, nth) WHERE code IS NOT NULL;
-- Slices that anybody may pay, the oldest of an amount first; payins that wait for one; whose proofs no payee has confirmed.
CREATE INDEX instant_batches_free ON instant_batches (mode, currency, amount, id) WHERE state IN ('unassigned', 'reassigned');
CREATE INDEX payins_waiting ON payins (mode, currency, amount, id) WHERE state = 'waiting';
CREATE INDEX instant_batches_unconfirmed ON instant_batches (payer_id) WHERE money = 'credited' AND state IN ('sys_confirmed', 'disputed');
CREATE INDEX instant_assignments_expired ON instant_assignments (user_id, ended_at) WHERE state = 'expired';
-- What persons are to look at.
CREATE INDEX instant_batches_in_review ON instant_batches (id) WHERE review_reasons <> '{}';
CREATE INDEX instant_batches_under_way ON instant_batches (id) WHERE state IN ('assigned', 'proof_submitted', 'sys_confirmed', 'disputed');
CREATE INDEX instant_batches_over_unseen ON instant_batches (id) WHERE state IN ('confirmed', 'admin_approved', 'rejected', 'cancelled', 'late_proof') AND NOT seen_over;
CREATE INDEX instant_batches_of_validator ON instant_batches (validator_id) WHERE validator_id IS NOT NULL;
CREATE INDEX instant_disputes_open ON instant_disputes (batch_id) WHERE decision IS NULL;
CREATE INDEX late_proofs_open ON late_proofs (payin_id) WHERE decision IS NULL;
CREATE INDEX late_proofs_of_validator ON late_proofs (validator_id) WHERE validator_id IS NOT NULL;
CREATE INDEX instant_payouts_looked_after ON instant_payouts (id) WHERE NOT seen_over;
CREATE INDEX bank_credits_open ON bank_credits (id) WHERE decided_at IS NULL AND (state <> 'matched' OR other_amount IS NOT NULL);
CREATE INDEX instant_proofs_images ON instant_proofs (submitted_at) WHERE image_deleted_at IS NULL;
CREATE INDEX earnings_to_use ON earnings (provider_id, currency, id) WHERE available > 0;
CREATE INDEX events_of_debts ON events (subject_id) WHERE type = 'payout.debt_repaid';
CREATE INDEX payout_attempts_doubted ON payout_attempts (payout_id) WHERE state = 'doubted';
CREATE INDEX psp_messages_to_hand_on ON psp_messages (hand_on_at) WHERE hand_on_at IS NOT NULL;
-- What waits for a receiver, by when it is due; and a subject's own, whose first one goes first.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (receiver_id, due_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (receiver_id, subject_id, sequence) WHERE state = 'pending';
CREATE INDEX receivers_failing ON receivers (merchant_id, mode, id) WHERE failing_since IS NOT NULL;
CREATE INDEX notifications_due ON notifications (channel, due_at) WHERE state = 'pending';
CREATE INDEX notifications_failed ON notifications (id) WHERE state = 'failed';
CREATE INDEX notifications_by_push ON notifications (id) WHERE channel = 'push';

-- Ids sort by the time at which they were allotted (its milliseconds are their first twelve digits), so that the payouts
-- created between two moments are a range of ids (src/payouts/newest.ts), but for those that were taken in over a minute
-- later, or by a clock that was as wrong. These few have an index of their own.
CREATE FUNCTION is_payout_apart(id text, created_at timestamptz) RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql
  RETURN id COLLATE "C" NOT BETWEEN 'po_' || lpad(to_hex((extract(epoch FROM created_at - timestamptz '1970-01-01T00:00:00Z') * 1000)::bigint - 60000), 12, '0')
                                AND 'po_' || lpad(to_hex((extract(epoch FROM created_at - timestamptz '1970-01-01T00:00:00Z') * 1000)::bigint + 60000), 12, '0') || 'g';
CREATE INDEX payouts_apart ON payouts (created_at, id) WHERE is_payout_apart(id, created_at);

-- An entry to be written, as `post` takes it.
CREATE TYPE posting AS (
  op_key TEXT, leg INTEGER, type TEXT, debit BIGINT, credit BIGINT, amount BIGINT, subject_kind TEXT, subject_id TEXT
);

-- A line of an import while it is dealt with: its place, what it says, whose balance it is, and why it is refused, if it is.
CREATE TYPE import_stake AS (
  nth BIGINT, key TEXT, line INTEGER, commitment_id TEXT, user_id TEXT, option_id TEXT, position TEXT, amount BIGINT, balance_id BIGINT, code TEXT, detail TEXT
);

-- Whose something is, or who may see it.
CREATE TYPE owner_ref AS (kind TEXT, id TEXT);

-- An event to be written, as `announce_all` takes it.
CREATE TYPE told AS (
  subject_kind TEXT, subject_id TEXT, audience owner_ref[], mode TEXT, sequence INTEGER, type TEXT, op_key TEXT, actor TEXT,
  from_state TEXT, to_state TEXT, data JSONB, object JSONB, callback TEXT, is_sent BOOLEAN
);

-- A step of a user's story, as `announce_users` takes it.
CREATE TYPE user_step AS (user_id TEXT, op_key TEXT, data JSONB, more JSONB);

-- Who may see and hear each event, whether it is of their own subject or they are its audience. An event's first owner stands
-- in its row, so that what has one only (each plain payout's) costs no row more; a reader need not know.
CREATE VIEW event_seen_by AS
  SELECT owner_kind, owner_id, mode, type, epoch, xid, position FROM events
  UNION ALL SELECT owner_kind, owner_id, mode, type, epoch, xid, position FROM event_audience;

-- Up to where the order of events (epoch, xid, position) is settled: what is before, nobody can add to any more. Whoever is
-- still writing has an xid that is no smaller, and what an earlier epoch holds was written before this one began.
CREATE VIEW event_horizon AS
  SELECT (SELECT max(epoch) FROM epochs) AS epoch, pg_snapshot_xmin(pg_current_snapshot()) AS xid;

-- The first history of these books; `begin_epoch` adds the next.
INSERT INTO epochs (epoch) VALUES (1);

-- Nothing is folded into the totals yet.
INSERT INTO folded_events (id, epoch, xid, position) VALUES (1, 0, '0', 0);

-- What a fact does, as `judge_psp_fact` and `judge_our_fact` answer it.
CREATE TYPE judgement AS (
  outcome TEXT,           -- as apply_fact answers it
  edge_fact TEXT,         -- of `applied`: whose edge it takes
  row_state TEXT,         -- what its attempt becomes; null: it stays
  proof TEXT,             -- of a failed one
  is_unknown BOOLEAN,     -- its attempt's outcome is given up as unknown
  needs_operator BOOLEAN  -- of `ignored`
);

-- What is written once and never changed.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'table % is append only', TG_TABLE_NAME;
END $$;
DO $$
DECLARE
  v_table text;
BEGIN
  FOREACH v_table IN ARRAY ARRAY['ledger_entries', 'events', 'event_audience', 'epochs', 'approvals', 'audit_log', 'provider_bank_accounts', 'risk_policies', 'commitments', 'resolution_disputes', 'import_lines', 'used_utrs'] LOOP
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()', v_table);
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', v_table);
  END LOOP;
END $$;

-- The application's role reads everything, moves money only through functions, and writes only the door's own books.
-- Roles belong to the whole server: another database's migration may be making it at this moment.
DO $$
BEGIN
  CREATE ROLE oncepay_app LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT USAGE ON SCHEMA public TO oncepay_app;
REVOKE EXECUTE ON FUNCTION moment(), waited_since(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION moment() TO oncepay_app; -- a column's default
GRANT SELECT ON ALL TABLES IN SCHEMA public TO oncepay_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO oncepay_app;
GRANT INSERT, UPDATE ON books_checks, circulation, merchants, admins, api_keys, psp_messages, webhook_endpoints, callback_secrets, webhook_deliveries, providers, payout_runs TO oncepay_app;
GRANT INSERT ON users, audit_log, webhook_attempts, provider_bank_accounts, risk_policies TO oncepay_app;
-- Written with their event, by its function.
GRANT UPDATE ON notifications TO oncepay_app;
GRANT INSERT, DELETE ON payout_requests TO oncepay_app;
-- What is over is thinned.
GRANT DELETE ON webhook_deliveries, webhook_attempts, notifications TO oncepay_app;
GRANT INSERT, UPDATE, DELETE ON idempotency_keys, worker_beats, push_subscriptions, console_sessions TO oncepay_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO oncepay_app;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
