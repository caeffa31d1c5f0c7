-- What a PSP took for a payment, until the payout is settled with it: that may be with the end of another attempt.
ALTER TABLE "payout_attempts" ADD COLUMN "psp_fee" BIGINT;
