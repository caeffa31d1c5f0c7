-- forget_image(hash): the image itself was removed; its hash stays, so that it is known when it is shown again. Again is nothing.
CREATE OR REPLACE FUNCTION forget_image(p_hash text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE instant_proofs p SET image_deleted_at = now() WHERE p.image_hash = p_hash AND p.image_deleted_at IS NULL
$$;
REVOKE EXECUTE ON FUNCTION forget_image(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION forget_image(text) TO oncepay_app;
