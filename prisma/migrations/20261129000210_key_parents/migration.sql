-- A provider's key ends with the merchant's key that made it. Of keys made before this, nobody wrote down which one that was.
ALTER TABLE "api_keys" ADD COLUMN "parent_id" TEXT;
CREATE INDEX "api_keys_parent_id_idx" ON "api_keys"("parent_id");
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "api_keys"("id") ON DELETE SET NULL ON UPDATE CASCADE;
