-- Contracts, what each capture is worth, periods, statements, payouts, disputes.

-- Fix what a capture is worth, and who funds it, by the contract's edition in force.
CREATE FUNCTION capture_value(
    p_redemption pg_catalog.uuid, p_offer pg_catalog.uuid, p_merchant pg_catalog.uuid, p_programme pg_catalog.text,
    p_points pg_catalog.int8, p_now pg_catalog.timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
END $$;
