-- A stored message of a PSP is handed to its payout, and again until it is dealt with: when next, and how often so far.
ALTER TABLE "psp_messages" ADD COLUMN "handed" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "psp_messages" ADD COLUMN "hand_on_at" TIMESTAMPTZ(3);
UPDATE "psp_messages" SET "hand_on_at" = now() WHERE "state" = 'received' AND "payout_id" IS NOT NULL;

-- Partial: of millions of messages that are dealt with none is looked at.
CREATE INDEX psp_messages_to_hand_on ON psp_messages (hand_on_at) WHERE hand_on_at IS NOT NULL;
