-- A payout that was answered with 202 and that no worker has taken up: until it is in the books, this is where it stands.
CREATE TABLE "payout_requests" (
    "payout_id" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "record" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payout_requests_pkey" PRIMARY KEY ("payout_id")
);
GRANT INSERT, DELETE ON payout_requests TO oncepay_app;
