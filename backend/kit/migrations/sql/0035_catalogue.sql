-- Offers in full: drafts and reviews, terms, budgets, coupon codes, images.

-- Whether a citizen may redeem an offer now, beyond what `redemption_hold` asks itself; raises what speaks against it.
CREATE FUNCTION offer_admit(
    p_offer pg_catalog.uuid, p_participant pg_catalog.uuid, p_points pg_catalog.int8, p_now pg_catalog.timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
END $$;
