-- The earnings that a provider's available balance is made of, and what each payout took of them. Called by the functions
-- that move the payout's money, in the same transaction, with the balance's row locked: nothing else writes these tables.
-- A merchant's balance has no parts: for it nothing happens. They raise where the parts do not make up the sum: a bug.

-- take_earnings(balance, payout, round, amount, state): the oldest first, the last of them in part.
CREATE OR REPLACE FUNCTION take_earnings(b balances, p_payout text, p_round int, p_amount bigint, p_state text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_taken bigint;
BEGIN
  IF b.owner_kind <> 'provider' THEN RETURN; END IF;
  WITH offered AS (
    SELECT e.id, least(e.available, p_amount - (sum(e.available) OVER (ORDER BY e.id) - e.available))::bigint AS part
      FROM earnings e WHERE e.provider_id = b.owner_id AND e.currency = b.currency AND e.available > 0),
  taken AS (
    UPDATE earnings e SET available = e.available - o.part FROM offered o WHERE e.id = o.id AND o.part > 0 RETURNING e.id, o.part),
  used AS (
    INSERT INTO earning_uses (payout_id, round, earning_id, state, amount)
    SELECT p_payout, p_round, t.id, p_state, t.part FROM taken t
    -- Paid in part, and a debt or another payment after a return takes more of the same earning.
    ON CONFLICT (payout_id, round, earning_id, state) DO UPDATE SET amount = earning_uses.amount + excluded.amount)
  SELECT coalesce(sum(t.part), 0) INTO v_taken FROM taken t;
  IF v_taken <> p_amount THEN RAISE EXCEPTION 'earnings of % make % of the % that payout % takes', b.owner_id, v_taken, p_amount, p_payout; END IF;
END $$;

-- pay_out_earnings(balance, payout, round, amount): what the payout reserved is paid.
CREATE OR REPLACE FUNCTION pay_out_earnings(b balances, p_payout text, p_round int, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_paid bigint;
BEGIN
  IF b.owner_kind <> 'provider' THEN RETURN; END IF;
  WITH paid AS (
    UPDATE earning_uses u SET state = 'paid_out' WHERE u.payout_id = p_payout AND u.round = p_round AND u.state = 'reserved' RETURNING u.amount)
  SELECT coalesce(sum(paid.amount), 0) INTO v_paid FROM paid;
  IF v_paid <> p_amount THEN RAISE EXCEPTION 'payout % reserved % of earnings, not %', p_payout, v_paid, p_amount; END IF;
END $$;

-- free_earnings(balance, payout, round, state, amount): of what the payout took, so much is available again, the oldest first.
-- A use that goes back in part stays as it was by the rest.
CREATE OR REPLACE FUNCTION free_earnings(b balances, p_payout text, p_round int, p_state text, p_amount bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_freed bigint;
BEGIN
  IF b.owner_kind <> 'provider' THEN RETURN; END IF;
  WITH held AS (
    SELECT u.earning_id, u.amount, least(u.amount, p_amount - (sum(u.amount) OVER (ORDER BY u.earning_id) - u.amount))::bigint AS part
      FROM earning_uses u WHERE u.payout_id = p_payout AND u.round = p_round AND u.state = p_state),
  whole AS (
    DELETE FROM earning_uses u USING held h
     WHERE (u.payout_id, u.round, u.earning_id, u.state) = (p_payout, p_round, h.earning_id, p_state) AND h.part = h.amount),
  split AS (
    UPDATE earning_uses u SET amount = h.amount - h.part FROM held h
     WHERE (u.payout_id, u.round, u.earning_id, u.state) = (p_payout, p_round, h.earning_id, p_state) AND h.part > 0 AND h.part < h.amount),
  released AS (
    -- Paid late and then sent back, an earning is released for the second time.
    INSERT INTO earning_uses (payout_id, round, earning_id, state, amount)
    SELECT p_payout, p_round, h.earning_id, 'released', h.part FROM held h WHERE h.part > 0
    ON CONFLICT (payout_id, round, earning_id, state) DO UPDATE SET amount = earning_uses.amount + excluded.amount),
  freed AS (
    UPDATE earnings e SET available = e.available + h.part FROM held h WHERE e.id = h.earning_id AND h.part > 0 RETURNING h.part)
  SELECT coalesce(sum(f.part), 0) INTO v_freed FROM freed f;
  IF v_freed <> p_amount THEN RAISE EXCEPTION 'payout % has % of earnings to give back, not %', p_payout, v_freed, p_amount; END IF;
END $$;
