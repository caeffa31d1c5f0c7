-- Whatever counts up with what the world does is a plain integer: a smallint ends at 32,767, and then its payout could do nothing more.
ALTER TABLE "earning_uses" ALTER COLUMN "round" TYPE INTEGER;
ALTER TABLE "payouts"
  ALTER COLUMN "round" TYPE INTEGER,
  ALTER COLUMN "attempt" TYPE INTEGER,
  ALTER COLUMN "attempts_before" TYPE INTEGER,
  ALTER COLUMN "max_attempts" TYPE INTEGER;
ALTER TABLE "payout_attempts"
  ALTER COLUMN "attempt" TYPE INTEGER,
  ALTER COLUMN "sends" TYPE INTEGER;
ALTER TABLE "approvals" ALTER COLUMN "round" TYPE INTEGER;
ALTER TABLE "psp_messages" ALTER COLUMN "attempt" TYPE INTEGER;
ALTER TABLE "webhook_deliveries" ALTER COLUMN "attempts" TYPE INTEGER;
ALTER TABLE "webhook_attempts" ALTER COLUMN "number" TYPE INTEGER;
ALTER TABLE "notifications" ALTER COLUMN "attempts" TYPE INTEGER;
