-- When a payout that waits for its next attempt will be tried again, as its workflow said when it began to wait.
ALTER TABLE "payouts" ADD COLUMN "next_attempt_at" TIMESTAMPTZ(3);
