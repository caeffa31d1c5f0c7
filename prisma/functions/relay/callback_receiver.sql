-- callback_receiver(merchant, mode, url): who gets what is sent to a callbackUrl: one receiver for each merchant, mode and
-- origin, whatever the path: it is one server that answers or does not.
CREATE OR REPLACE FUNCTION callback_receiver(p_merchant text, p_mode text, p_url text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'cb_' || md5(concat_ws(' ', p_merchant, p_mode, lower(substring(p_url FROM '^[A-Za-z]+://[^/?#]*'))))
$$;
GRANT EXECUTE ON FUNCTION callback_receiver(text, text, text) TO oncepay_app;
