-- What proves that a request is dead, and deadlines as instants.
ALTER TABLE "payout_attempts" ADD COLUMN "proof" TEXT, ADD COLUMN "unknown_at" INTEGER, ADD COLUMN "told_at" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "payout_attempts" DROP CONSTRAINT "payout_attempts_state_known";
ALTER TABLE "payout_attempts"
  ADD CONSTRAINT "payout_attempts_state_known" CHECK ("state" IN ('open', 'succeeded', 'failed', 'returned', 'doubted')),
  ADD CONSTRAINT "payout_attempts_proof_known" CHECK ("proof" IN ('refused', 'failed_transfer', 'operator')),
  ADD CONSTRAINT "payout_attempts_dead_by_proof" CHECK ("state" <> 'failed' OR "proof" IS NOT NULL);

ALTER TABLE "payouts" ADD COLUMN "review_until" TIMESTAMPTZ(3), ADD COLUMN "outcome_until" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "payout_proofs" (
    "word" TEXT NOT NULL,
    "named" BOOLEAN NOT NULL,
    "uncertain" BOOLEAN NOT NULL,
    "counts" TEXT NOT NULL,
    "proof" TEXT,

    CONSTRAINT "payout_proofs_pkey" PRIMARY KEY ("word","named","uncertain")
);
GRANT SELECT ON "payout_proofs" TO oncepay_app;

-- What a fact does, as `judge_psp_fact` and `judge_our_fact` answer it.
CREATE TYPE judgement AS (
    outcome TEXT,           -- as apply_fact answers it
    edge_fact TEXT,         -- of `applied`: whose edge it takes
    row_state TEXT,         -- what its attempt becomes; null: it stays
    proof TEXT,             -- of a failed one
    is_unknown BOOLEAN,     -- its attempt's outcome is given up as unknown
    needs_operator BOOLEAN  -- of `ignored`
);
