-- account_for(…): the id of an account, opened when it is first needed. Two openers meet at the unique key.
CREATE OR REPLACE FUNCTION account_for(p_mode text, p_owner_kind text, p_owner text, p_purpose text, p_currency text, p_merchant text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_id bigint;
BEGIN
  LOOP
    SELECT a.id INTO v_id FROM accounts a
     WHERE a.mode = p_mode AND a.owner_kind = p_owner_kind AND a.owner_id = p_owner AND a.purpose = p_purpose AND a.currency = p_currency;
    IF FOUND THEN RETURN v_id; END IF;
    INSERT INTO accounts (merchant_id, mode, owner_kind, owner_id, purpose, currency)
    VALUES (p_merchant, p_mode, p_owner_kind, p_owner, p_purpose, p_currency) ON CONFLICT DO NOTHING;
  END LOOP;
END $$;

-- platform_account(…): ours: `clearing` at a PSP (what it owes us or we it), `fees` (what we earned), `funding` (what came in).
CREATE OR REPLACE FUNCTION platform_account(p_mode text, p_purpose text, p_owner text, p_currency text)
RETURNS bigint LANGUAGE sql AS $$
  SELECT account_for(p_mode, 'platform', p_owner, p_purpose, p_currency, '')
$$;

-- open_balance(…): the owner's balance row, opened with its three accounts when it is first needed.
CREATE OR REPLACE FUNCTION open_balance(p_merchant text, p_mode text, p_owner_kind text, p_owner text, p_currency text)
RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  v_balance balances;
BEGIN
  LOOP
    SELECT * INTO v_balance FROM balances b
     WHERE b.mode = p_mode AND b.owner_kind = p_owner_kind AND b.owner_id = p_owner AND b.currency = p_currency;
    IF FOUND THEN RETURN v_balance; END IF;
    INSERT INTO balances (merchant_id, mode, owner_kind, owner_id, currency, available_account, reserved_account, debt_account)
    VALUES (p_merchant, p_mode, p_owner_kind, p_owner, p_currency,
            account_for(p_mode, p_owner_kind, p_owner, 'available', p_currency, p_merchant),
            account_for(p_mode, p_owner_kind, p_owner, 'reserved', p_currency, p_merchant),
            account_for(p_mode, p_owner_kind, p_owner, 'debt', p_currency, p_merchant))
    ON CONFLICT DO NOTHING RETURNING * INTO v_balance;
    UPDATE accounts a SET balance_id = v_balance.id -- nothing, where somebody else was first
     WHERE a.id IN (v_balance.available_account, v_balance.reserved_account, v_balance.debt_account);
  END LOOP;
END $$;

-- lock_balance(balance): a step that holds its payout's row needs this one, too. Many want a large owner's: who has waited is of a later moment().
CREATE OR REPLACE FUNCTION lock_balance(p_balance bigint) RETURNS balances LANGUAGE plpgsql AS $$
DECLARE
  b balances;
  v_asked timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO STRICT b FROM balances x WHERE x.id = p_balance FOR NO KEY UPDATE;
  PERFORM waited_since(v_asked);
  RETURN b;
END $$;
