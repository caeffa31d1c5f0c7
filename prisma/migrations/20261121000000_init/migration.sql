-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "merchants" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "fee" JSONB NOT NULL DEFAULT '{"bps":0,"fixed":{}}',
    "review_limits" JSONB NOT NULL DEFAULT '{"PKR":"10000000"}',
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
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "admins_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "hash" CHAR(64) NOT NULL,
    "merchant_id" TEXT,
    "admin_id" TEXT,
    "mode" TEXT,
    "scopes" TEXT[],
    "prefix" TEXT NOT NULL,
    "last4" TEXT NOT NULL,
    "created_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
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
CREATE TABLE "accounts" (
    "id" BIGSERIAL NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,

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
    "available" BIGINT NOT NULL DEFAULT 0,
    "reserved" BIGINT NOT NULL DEFAULT 0,
    "version" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "balances_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ledger_entries" (
    "id" BIGSERIAL NOT NULL,
    "op_key" TEXT NOT NULL,
    "leg" SMALLINT NOT NULL,
    "type" TEXT NOT NULL,
    "debit_account" BIGINT NOT NULL,
    "credit_account" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "amount" BIGINT NOT NULL,
    "payout_id" TEXT,
    "balance_id" BIGINT NOT NULL,
    "available_after" BIGINT NOT NULL,
    "reserved_after" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "ledger_entries_pkey" PRIMARY KEY ("op_key","leg")
);

-- CreateTable
CREATE TABLE "payouts" (
    "id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "kind" TEXT NOT NULL DEFAULT 'merchant',
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
    "round" SMALLINT NOT NULL DEFAULT 1,
    "attempt" SMALLINT NOT NULL DEFAULT 0,
    "attempts_before" SMALLINT NOT NULL DEFAULT 0,
    "sequence" INTEGER NOT NULL DEFAULT 0,
    "review" JSONB,
    "hold" JSONB,
    "failure" JSONB,
    "needs_operator" BOOLEAN NOT NULL DEFAULT false,
    "maker_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "completed_at" TIMESTAMPTZ(3),

    CONSTRAINT "payouts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payout_refusals" (
    "payout_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payout_refusals_pkey" PRIMARY KEY ("payout_id")
);

-- CreateTable
CREATE TABLE "payout_attempts" (
    "payout_id" TEXT NOT NULL,
    "attempt" SMALLINT NOT NULL,
    "psp" TEXT NOT NULL,
    "psp_key" TEXT NOT NULL,
    "psp_ref" TEXT,
    "state" TEXT NOT NULL DEFAULT 'open',
    "sends" SMALLINT NOT NULL DEFAULT 1,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ended_at" TIMESTAMPTZ(3),
    "failure" JSONB,

    CONSTRAINT "payout_attempts_pkey" PRIMARY KEY ("payout_id","attempt")
);

-- CreateTable
CREATE TABLE "approvals" (
    "payout_id" TEXT NOT NULL,
    "round" SMALLINT NOT NULL,
    "admin_id" TEXT NOT NULL,
    "decision" TEXT NOT NULL,
    "note" TEXT,
    "via" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "approvals_pkey" PRIMARY KEY ("payout_id","round","admin_id")
);

-- CreateTable
CREATE TABLE "psp_messages" (
    "id" TEXT NOT NULL,
    "psp" TEXT NOT NULL,
    "event_key" TEXT NOT NULL,
    "reference" TEXT,
    "payout_id" TEXT,
    "attempt" SMALLINT,
    "claim" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'received',
    "detail" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "handled_at" TIMESTAMPTZ(3),

    CONSTRAINT "psp_messages_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "events" (
    "position" BIGSERIAL NOT NULL,
    "id" TEXT NOT NULL,
    "payout_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "sequence" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "op_key" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "from_state" TEXT,
    "to_state" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "object" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "events_pkey" PRIMARY KEY ("position")
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
CREATE TABLE "idempotency_keys" (
    "merchant_id" TEXT NOT NULL,
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

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("merchant_id","mode","key")
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
    "disabled_at" TIMESTAMPTZ(3),
    "disabled_reason" TEXT,
    "deleted_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "payout_id" TEXT NOT NULL,
    "endpoint_id" TEXT,
    "url" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'pending',
    "attempts" SMALLINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_attempts" (
    "id" BIGSERIAL NOT NULL,
    "delivery_id" TEXT NOT NULL,
    "number" SMALLINT NOT NULL,
    "trigger" TEXT NOT NULL,
    "status_code" INTEGER,
    "error" TEXT,
    "duration_ms" INTEGER NOT NULL,
    "response" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_attempts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "worker_beats" (
    "id" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "worker_beats_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "bank_directory" (
    "code" TEXT NOT NULL,
    "country" CHAR(2) NOT NULL,
    "name" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "iban_code" TEXT,
    "bic" TEXT,

    CONSTRAINT "bank_directory_pkey" PRIMARY KEY ("country","code")
);

-- CreateTable
CREATE TABLE "wallet_directory" (
    "code" TEXT NOT NULL,
    "country" CHAR(2) NOT NULL,
    "name" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,

    CONSTRAINT "wallet_directory_pkey" PRIMARY KEY ("country","code")
);

-- CreateIndex
CREATE UNIQUE INDEX "admins_name_key" ON "admins"("name");

-- CreateIndex
CREATE UNIQUE INDEX "api_keys_hash_key" ON "api_keys"("hash");

-- CreateIndex
CREATE INDEX "api_keys_merchant_id_idx" ON "api_keys"("merchant_id");

-- CreateIndex
CREATE INDEX "api_keys_admin_id_idx" ON "api_keys"("admin_id");

-- CreateIndex
CREATE INDEX "audit_log_target_idx" ON "audit_log"("target");

-- CreateIndex
CREATE UNIQUE INDEX "accounts_mode_owner_kind_owner_id_purpose_currency_key" ON "accounts"("mode", "owner_kind", "owner_id", "purpose", "currency");

-- CreateIndex
CREATE UNIQUE INDEX "balances_mode_owner_kind_owner_id_currency_key" ON "balances"("mode", "owner_kind", "owner_id", "currency");

-- CreateIndex
CREATE UNIQUE INDEX "ledger_entries_id_key" ON "ledger_entries"("id");

-- CreateIndex
CREATE INDEX "ledger_entries_balance_id_id_idx" ON "ledger_entries"("balance_id", "id");

-- CreateIndex
CREATE INDEX "ledger_entries_payout_id_idx" ON "ledger_entries"("payout_id");

-- CreateIndex
CREATE INDEX "payouts_merchant_id_mode_id_idx" ON "payouts"("merchant_id", "mode", "id");

-- CreateIndex
CREATE INDEX "payouts_state_id_idx" ON "payouts"("state", "id");

-- CreateIndex
CREATE UNIQUE INDEX "payouts_merchant_id_mode_reference_key" ON "payouts"("merchant_id", "mode", "reference");

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
CREATE UNIQUE INDEX "events_id_key" ON "events"("id");

-- CreateIndex
CREATE INDEX "events_merchant_id_mode_position_idx" ON "events"("merchant_id", "mode", "position");

-- CreateIndex
CREATE UNIQUE INDEX "events_payout_id_sequence_key" ON "events"("payout_id", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "events_payout_id_op_key_key" ON "events"("payout_id", "op_key");

-- CreateIndex
CREATE INDEX "idempotency_keys_expires_at_idx" ON "idempotency_keys"("expires_at");

-- CreateIndex
CREATE INDEX "idempotency_keys_resource_id_idx" ON "idempotency_keys"("resource_id");

-- CreateIndex
CREATE INDEX "webhook_endpoints_merchant_id_mode_id_idx" ON "webhook_endpoints"("merchant_id", "mode", "id");

-- CreateIndex
CREATE INDEX "webhook_deliveries_payout_id_state_idx" ON "webhook_deliveries"("payout_id", "state");

-- CreateIndex
CREATE INDEX "webhook_deliveries_endpoint_id_idx" ON "webhook_deliveries"("endpoint_id");

-- CreateIndex
CREATE INDEX "webhook_attempts_delivery_id_idx" ON "webhook_attempts"("delivery_id");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_merchant_id_fkey" FOREIGN KEY ("merchant_id") REFERENCES "merchants"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_admin_id_fkey" FOREIGN KEY ("admin_id") REFERENCES "admins"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payout_attempts" ADD CONSTRAINT "payout_attempts_payout_id_fkey" FOREIGN KEY ("payout_id") REFERENCES "payouts"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "approvals" ADD CONSTRAINT "approvals_payout_id_fkey" FOREIGN KEY ("payout_id") REFERENCES "payouts"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What schema.prisma cannot say. A test reads pg_catalog to see that all of it is there.

-- The books: no negative money, no entry that moves nothing.
ALTER TABLE balances
  ADD CONSTRAINT balances_available_not_negative CHECK (available >= 0),
  ADD CONSTRAINT balances_reserved_not_negative CHECK (reserved >= 0);
ALTER TABLE balances SET (fillfactor = 50); -- the hot row: room for its next version on the same page
ALTER TABLE ledger_entries
  ADD CONSTRAINT ledger_entries_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT ledger_entries_two_sides CHECK (debit_account <> credit_account);
ALTER TABLE payouts
  ADD CONSTRAINT payouts_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT payouts_fee_in_range CHECK (fee >= 0 AND fee <= 1000000000000000),
  ADD CONSTRAINT payouts_mode_known CHECK (mode IN ('test', 'live'));
ALTER TABLE payouts SET (fillfactor = 80);
ALTER TABLE payout_attempts ADD CONSTRAINT payout_attempts_state_known CHECK (state IN ('open', 'succeeded', 'failed'));
ALTER TABLE approvals ADD CONSTRAINT approvals_decision_known CHECK (decision IN ('approved', 'rejected'));
ALTER TABLE api_keys ADD CONSTRAINT api_keys_one_owner CHECK ((merchant_id IS NULL) <> (admin_id IS NULL));
ALTER TABLE admins ADD CONSTRAINT admins_role_known CHECK (role IN ('viewer', 'operator', 'approver', 'admin'));

-- The last gate against a second payment: one attempt in flight, whatever the code above does.
CREATE UNIQUE INDEX payout_attempts_one_open ON payout_attempts (payout_id) WHERE state = 'open';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'table % is append only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON approvals FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON approvals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The application's role reads everything, moves money only through functions, and writes only the door's own books.
-- Roles belong to the whole server: another database's migration may be making it at this moment.
DO $$
BEGIN
  CREATE ROLE oncepay_app LOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
GRANT USAGE ON SCHEMA public TO oncepay_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO oncepay_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO oncepay_app;
GRANT INSERT, UPDATE ON merchants, admins, api_keys, psp_messages, webhook_endpoints, webhook_deliveries TO oncepay_app;
GRANT INSERT ON audit_log, webhook_attempts TO oncepay_app;
GRANT INSERT, UPDATE, DELETE ON idempotency_keys, worker_beats TO oncepay_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO oncepay_app;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
