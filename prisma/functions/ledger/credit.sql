-- New money for an owner: what arrived (FUND), what was earned (EARNING), what a merchant gave its user or took back (USER_CREDIT,
-- USER_DEBIT), what a bank sent back (REVERSE); and what comes back of a user's withdrawal (WITHDRAWAL_BACK). It all comes through here,
-- because it pays what the owner owes before anybody can spend it. What is no new money is in one list with its reasons: OWN_AGAIN.

-- credit(key, leg, type, balance, from, amount, kind, subject): one entry (of no subject: nulls)  from → available, then, while
--   the owner owes,  least(amount, debt)  available → debt (REPAY, legs from 2): for its payouts, the oldest first, then to other
--   owners (repay_debts).
-- Each of these payouts tells it by an event, for its timeline; of a provider's earnings that much is paid out for it.
-- Keys: the credit's own. The balance and all that owes are locked by lock_for_credit. Returns the balance after.
CREATE OR REPLACE FUNCTION credit(p_key text, p_leg int, p_type text, p_balance balances, p_from bigint, p_amount bigint, p_kind text, p_subject text)
RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  b balances;
  v_left bigint;
  v_part bigint;
  v_leg int := 2; -- 0 and 1 are the credit's own
  p payouts;
BEGIN
  PERFORM post(ARRAY[(p_key, p_leg, p_type, p_from, p_balance.available_account, p_amount, p_kind, p_subject)::posting]);
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p_balance.id;
  v_left := least(p_amount, b.debt);
  IF v_left = 0 THEN RETURN b; END IF;
  FOR p IN SELECT * FROM payouts x WHERE x.balance_id = b.id AND x.debt > 0 ORDER BY x.id LOOP
    v_part := least(v_left, p.debt);
    b := move(p_key, v_leg, 'REPAY', b, b.available_account, b.debt_account, v_part, p.id);
    PERFORM take_earnings(b, p.id, p.round, v_part, 'paid_out');
    PERFORM tell_repaid(p, p_key, p_type, v_part);
    v_leg := v_leg + 1;
    v_left := v_left - v_part;
    EXIT WHEN v_left = 0;
  END LOOP;
  IF v_left = 0 THEN RETURN b; END IF;
  RETURN repay_debts(b, p_key, v_leg, v_left);
END $$;

-- repay_debts(balance, key, leg, amount): so much of what an owner owes to others, the oldest debt first:
--   part  available → debt (REPAY)  and  owed → the creditor's available (REPAID), two legs a debt
CREATE OR REPLACE FUNCTION repay_debts(p_balance balances, p_key text, p_leg int, p_amount bigint) RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  b balances := p_balance;
  c balances; -- the creditor's
  d debts;
  v_leg int := p_leg;
  v_left bigint := p_amount;
  v_part bigint;
BEGIN
  FOR d IN SELECT * FROM debts x WHERE x.balance_id = b.id AND x.owed > 0 ORDER BY x.id LOOP
    v_part := least(v_left, d.owed);
    SELECT * INTO STRICT c FROM balances x WHERE x.id = d.creditor_id;
    PERFORM post(ARRAY[
      (p_key, v_leg, 'REPAY', b.available_account, b.debt_account, v_part, d.subject_kind, d.subject_id)::posting,
      (p_key, v_leg + 1, 'REPAID', owed_account(c), c.available_account, v_part, d.subject_kind, d.subject_id)::posting]);
    UPDATE debts x SET owed = x.owed - v_part WHERE x.id = d.id;
    v_leg := v_leg + 2;
    v_left := v_left - v_part;
    EXIT WHEN v_left = 0;
  END LOOP;
  IF v_left > 0 THEN RAISE EXCEPTION 'balance % owes % more than its payouts and debts', b.id, v_left; END IF;
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p_balance.id;
  RETURN b;
END $$;

-- tell_repaid: so much less is owed for this payout.
CREATE OR REPLACE FUNCTION tell_repaid(p payouts, p_key text, p_by text, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v payouts;
BEGIN
  UPDATE payouts x SET debt = x.debt - p_amount, sequence = x.sequence + 1, updated_at = moment() WHERE x.id = p.id RETURNING * INTO STRICT v;
  PERFORM announce_payout(v, 'payout.debt_repaid', 'debt_repaid:' || p_key, 'system', v.state,
                   jsonb_build_object('repaidMinor', p_amount::text, 'debtMinor', v.debt::text, 'currency', v.currency, 'by', p_by));
END $$;

-- lock_for_credits(balances, others, payout): the locks that credits of these balances need, in the order of all functions, so that
-- nobody waits for each other: the payouts that owe (and `payout`) by id, then the balances by id, those of creditors among them.
-- Only who holds a balance makes or repays a debt of it. If a payout has come to owe between the two, or a creditor, all is let go
-- and begun again: waiting for its row now could be waiting for somebody who waits for these balances.
CREATE OR REPLACE FUNCTION lock_for_credits(p_balances bigint[], p_others bigint[] DEFAULT '{}', p_payout text DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_locked text[];
  v_creditors bigint[];
  v_asked timestamptz := clock_timestamp();
BEGIN
  LOOP
    BEGIN
      SELECT array_agg(x.id) INTO v_locked
        FROM (SELECT y.id FROM payouts y WHERE y.balance_id = ANY (p_balances) AND y.debt > 0
               UNION SELECT p_payout WHERE p_payout IS NOT NULL ORDER BY 1) wanted
        CROSS JOIN LATERAL (SELECT y.id FROM payouts y WHERE y.id = wanted.id FOR NO KEY UPDATE) x;
      SELECT array_agg(x.creditor_id) INTO v_creditors FROM debts x WHERE x.balance_id = ANY (p_balances) AND x.owed > 0;
      PERFORM 1 FROM balances x WHERE x.id = ANY (p_balances || p_others || v_creditors) ORDER BY x.id FOR NO KEY UPDATE;
      IF NOT EXISTS (SELECT 1 FROM payouts x WHERE x.balance_id = ANY (p_balances) AND x.debt > 0 AND x.id <> ALL (coalesce(v_locked, '{}')))
         AND NOT EXISTS (SELECT 1 FROM debts x WHERE x.balance_id = ANY (p_balances) AND x.owed > 0 AND x.creditor_id <> ALL (coalesce(v_creditors, '{}'))) THEN
        PERFORM waited_since(v_asked);
        RETURN;
      END IF;
      RAISE EXCEPTION USING ERRCODE = 'serialization_failure';
    EXCEPTION WHEN serialization_failure THEN NULL; -- what it had locked is free again
    END;
  END LOOP;
END $$;

-- lock_for_credit(balance, others, payout): the same for one. Returns the balance.
CREATE OR REPLACE FUNCTION lock_for_credit(p_balance bigint, p_others bigint[] DEFAULT '{}', p_payout text DEFAULT NULL) RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  b balances;
BEGIN
  PERFORM lock_for_credits(ARRAY[p_balance], p_others, p_payout);
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p_balance;
  RETURN b;
END $$;

-- lock_for_payout_credit(payout): the same before a payout is told what credits its owner, as that it was sent back: a lock on this
-- payout alone, taken first, would be out of order. No such payout: nothing is locked.
CREATE OR REPLACE FUNCTION lock_for_payout_credit(p_payout text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_balance bigint;
BEGIN
  SELECT x.balance_id INTO v_balance FROM payouts x WHERE x.id = p_payout;
  IF FOUND THEN PERFORM lock_for_credit(v_balance, '{}', p_payout); END IF;
END $$;

-- over_limit(balance, amount): would new money lift the balance over 10^18? It is refused then, and the column has room for
-- nine times as much: what a release or a return adds was part of the balance before, so that only as much again, paid
-- out whole and sent back whole eight times over, could meet its end.
CREATE OR REPLACE FUNCTION over_limit(b balances, p_amount bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT p_amount - least(p_amount, b.debt) > 1000000000000000000 - b.available - b.reserved
$$;
