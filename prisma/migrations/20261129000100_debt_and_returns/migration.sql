-- How often a payout was sent back after it was paid, and what its owner still owes for it: paid late, when the money was gone.
ALTER TABLE "payouts" ADD COLUMN "returns" INTEGER NOT NULL DEFAULT 0, ADD COLUMN "debt" BIGINT NOT NULL DEFAULT 0;
UPDATE payouts SET returns = 1 WHERE state = 'RETURNED';
UPDATE payouts p SET debt = o.debt
  FROM (SELECT e.payout_id, sum(CASE e.type WHEN 'DEBT' THEN e.amount ELSE -e.amount END) AS debt
          FROM ledger_entries e JOIN accounts a ON a.id IN (e.debit_account, e.credit_account) AND a.purpose = 'debt' GROUP BY e.payout_id) o
 WHERE p.id = o.payout_id;
ALTER TABLE payouts ADD CONSTRAINT payouts_debt_not_negative CHECK (debt >= 0);
-- Every credit asks for them; they are few.
CREATE INDEX payouts_that_owe ON payouts (balance_id, id) WHERE debt > 0;

-- What an owner owes stands beside what it has.
ALTER TABLE "balances" ADD COLUMN "debt_account" BIGINT, ADD COLUMN "debt" BIGINT NOT NULL DEFAULT 0;
INSERT INTO accounts (merchant_id, mode, owner_kind, owner_id, purpose, currency)
SELECT merchant_id, mode, owner_kind, owner_id, 'debt', currency FROM balances ON CONFLICT DO NOTHING;
UPDATE balances b
   SET debt_account = a.id,
       debt = (SELECT coalesce(sum(p.debt), 0) FROM payouts p WHERE p.balance_id = b.id AND p.debt > 0)
  FROM accounts a
 WHERE a.mode = b.mode AND a.owner_kind = b.owner_kind AND a.owner_id = b.owner_id AND a.currency = b.currency AND a.purpose = 'debt';
ALTER TABLE "balances" ALTER COLUMN "debt_account" SET NOT NULL;
ALTER TABLE balances ADD CONSTRAINT balances_debt_not_negative CHECK (debt >= 0);
CREATE INDEX balances_that_owe ON balances (id) WHERE debt > 0;

-- One entry for each payout that a credit repays: there may be more of them than a SMALLINT counts.
ALTER TABLE "ledger_entries" ALTER COLUMN "leg" SET DATA TYPE INTEGER, ADD COLUMN "debt_after" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE ledger_entries DISABLE TRIGGER append_only;
UPDATE ledger_entries e SET debt_after = h.debt_after
  FROM (SELECT e.id, sum(CASE b.debt_account WHEN e.debit_account THEN e.amount WHEN e.credit_account THEN -e.amount ELSE 0 END)
                       OVER (PARTITION BY e.balance_id ORDER BY e.id) AS debt_after
          FROM ledger_entries e JOIN balances b ON b.id = e.balance_id
         WHERE e.balance_id IN (SELECT balance_id FROM ledger_entries WHERE type = 'DEBT')) h
 WHERE e.id = h.id AND h.debt_after <> 0;
ALTER TABLE ledger_entries ENABLE TRIGGER append_only;
-- For the invariant that a credit repays first: it looks at the entries of those who owed.
CREATE INDEX ledger_entries_owing ON ledger_entries (id) WHERE debt_after > 0;
