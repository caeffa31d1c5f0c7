-- Providers, what they earn, and what a provider payout needs beside a merchant's: a verdict, a run, notifications.

-- AlterTable
ALTER TABLE "admins" ADD COLUMN "email" TEXT;

-- AlterTable
ALTER TABLE "api_keys" ADD COLUMN "provider_id" TEXT;

-- AlterTable
ALTER TABLE "payouts"
    ADD COLUMN "max_attempts" SMALLINT NOT NULL DEFAULT 3,
    ADD COLUMN "dispatch" TEXT NOT NULL DEFAULT 'now',
    ADD COLUMN "run_id" TEXT,
    ADD COLUMN "method" TEXT,
    ADD COLUMN "risk" JSONB;

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
CREATE TABLE "risk_policies" (
    "merchant_id" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "policy" JSONB NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "risk_policies_pkey" PRIMARY KEY ("merchant_id","version")
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
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "earnings_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "earning_uses" (
    "payout_id" TEXT NOT NULL,
    "round" SMALLINT NOT NULL,
    "earning_id" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "amount" BIGINT NOT NULL,

    CONSTRAINT "earning_uses_pkey" PRIMARY KEY ("payout_id","round","earning_id","state")
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
CREATE TABLE "notifications" (
    "id" TEXT NOT NULL,
    "event_key" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "payout_id" TEXT NOT NULL,
    "merchant_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "audience" TEXT NOT NULL,
    "recipient_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "state" TEXT NOT NULL DEFAULT 'pending',
    "attempts" SMALLINT NOT NULL DEFAULT 0,
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

-- CreateIndex
CREATE INDEX "api_keys_provider_id_idx" ON "api_keys"("provider_id");

-- CreateIndex
CREATE INDEX "payouts_balance_id_id_idx" ON "payouts"("balance_id", "id");

-- CreateIndex
CREATE INDEX "providers_merchant_id_mode_id_idx" ON "providers"("merchant_id", "mode", "id");

-- CreateIndex
CREATE UNIQUE INDEX "providers_merchant_id_mode_external_id_key" ON "providers"("merchant_id", "mode", "external_id");

-- CreateIndex
CREATE INDEX "provider_bank_accounts_provider_id_id_idx" ON "provider_bank_accounts"("provider_id", "id");

-- CreateIndex
CREATE INDEX "earnings_provider_id_id_idx" ON "earnings"("provider_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "earnings_merchant_id_mode_external_id_key" ON "earnings"("merchant_id", "mode", "external_id");

-- CreateIndex
CREATE INDEX "earning_uses_earning_id_idx" ON "earning_uses"("earning_id");

-- CreateIndex
CREATE INDEX "notifications_event_id_idx" ON "notifications"("event_id");

-- CreateIndex
CREATE INDEX "notifications_payout_id_idx" ON "notifications"("payout_id");

-- CreateIndex
CREATE UNIQUE INDEX "notifications_event_key_channel_address_key" ON "notifications"("event_key", "channel", "address");

-- CreateIndex
CREATE UNIQUE INDEX "push_subscriptions_owner_kind_owner_id_endpoint_key" ON "push_subscriptions"("owner_kind", "owner_id", "endpoint");

-- AddForeignKey
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_provider_id_fkey" FOREIGN KEY ("provider_id") REFERENCES "providers"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "provider_bank_accounts" ADD CONSTRAINT "provider_bank_accounts_provider_id_fkey" FOREIGN KEY ("provider_id") REFERENCES "providers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "earnings" ADD CONSTRAINT "earnings_provider_id_fkey" FOREIGN KEY ("provider_id") REFERENCES "providers"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "earning_uses" ADD CONSTRAINT "earning_uses_earning_id_fkey" FOREIGN KEY ("earning_id") REFERENCES "earnings"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What schema.prisma cannot say.

ALTER TABLE api_keys
  DROP CONSTRAINT api_keys_one_owner,
  ADD CONSTRAINT api_keys_one_owner CHECK (num_nonnulls(merchant_id, admin_id, provider_id) = 1);
ALTER TABLE payouts
  ADD CONSTRAINT payouts_dispatch_known CHECK (dispatch IN ('now', 'run')),
  ADD CONSTRAINT payouts_max_attempts_positive CHECK (max_attempts > 0);
ALTER TABLE providers ADD CONSTRAINT providers_mode_known CHECK (mode IN ('test', 'live'));
ALTER TABLE earnings
  ADD CONSTRAINT earnings_amount_in_range CHECK (amount > 0 AND amount <= 1000000000000000),
  ADD CONSTRAINT earnings_available_in_range CHECK (available >= 0 AND available <= amount);
ALTER TABLE earning_uses
  ADD CONSTRAINT earning_uses_amount_positive CHECK (amount > 0),
  ADD CONSTRAINT earning_uses_state_known CHECK (state IN ('reserved', 'paid_out', 'released'));
ALTER TABLE risk_policies ADD CONSTRAINT risk_policies_after_the_first CHECK (version > 1);
ALTER TABLE payout_runs ADD CONSTRAINT payout_runs_trigger_known CHECK (trigger IN ('schedule', 'admin'));
ALTER TABLE notifications
  ADD CONSTRAINT notifications_state_known CHECK (state IN ('pending', 'sent', 'failed')),
  ADD CONSTRAINT notifications_channel_known CHECK (channel IN ('email', 'push')),
  ADD CONSTRAINT notifications_audience_known CHECK (audience IN ('provider', 'admin'));
ALTER TABLE push_subscriptions ADD CONSTRAINT push_subscriptions_owner_known CHECK (owner_kind IN ('provider', 'admin'));

-- A handful of rows among millions.
CREATE INDEX payouts_awaiting_run ON payouts (id) WHERE state = 'QUEUED' AND dispatch = 'run' AND run_id IS NULL;
CREATE INDEX payouts_of_providers ON payouts (id) WHERE kind = 'provider';
CREATE INDEX payouts_of_run ON payouts (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX earnings_to_use ON earnings (provider_id, currency, id) WHERE available > 0;
CREATE INDEX notifications_pending ON notifications (id) WHERE state = 'pending';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON provider_bank_accounts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON risk_policies FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON provider_bank_accounts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON risk_policies FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Earnings and their uses are money: only the ledger's functions write them. Notifications are written with their event.
GRANT INSERT, UPDATE ON providers, payout_runs TO oncepay_app;
GRANT INSERT ON provider_bank_accounts, risk_policies TO oncepay_app;
GRANT UPDATE ON notifications TO oncepay_app;
GRANT INSERT, UPDATE, DELETE ON push_subscriptions TO oncepay_app;
