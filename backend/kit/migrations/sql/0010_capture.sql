-- Capturing a hold by the shortest way. As with `ledger_post`, the commonest case is written here: a hold on one account,
-- not resolved, in favour of an account that is not locked. Where there is anything to say, nothing was written, and
-- `ledger_capture_any`, the function so far, finds the words.

ALTER FUNCTION ledger_capture(uuid, uuid, bigint, text, timestamptz) RENAME TO ledger_capture_any;
REVOKE EXECUTE ON FUNCTION ledger_capture_any FROM puhui_app;

-- Tables and types are named with their schema instead of pinning search_path, as in `ledger_post`.
CREATE FUNCTION ledger_capture(
    p_posting pg_catalog.uuid, p_hold pg_catalog.uuid, p_credit pg_catalog.int8, p_reason pg_catalog.text,
    p_happened pg_catalog.timestamptz)
RETURNS pg_catalog.text
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    holder pg_catalog.int8;
    held pg_catalog.int8;
    the_unit pg_catalog.text;
BEGIN
    SELECT min(t.credit_id), sum(t.amount) INTO holder, held
    FROM public.ledger_transfer t WHERE t.posting_id = p_hold
    HAVING min(t.credit_id) = max(t.credit_id) AND bool_and(t.reverses IS NULL AND t.captures IS NULL);
    IF FOUND THEN
        -- Whoever releases or captures this hold locks its account first, so what is seen below is final.
        SELECT d.unit INTO the_unit
        FROM public.ledger_account d, public.ledger_account c, public.ledger_rule r
        WHERE d.id = holder AND d.guard = 'floor' AND c.id = p_credit AND c.guard = 'none' AND c.unit = d.unit
            AND r.reason = p_reason AND r.debit_kind = d.kind AND r.credit_kind = c.kind
        FOR NO KEY UPDATE OF d;
        IF FOUND AND NOT EXISTS (SELECT FROM public.ledger_resolution l WHERE l.posting_id = p_hold) THEN
            INSERT INTO public.ledger_transfer
                (posting_id, line, debit_id, credit_id, unit, amount, reason, happened_at, captures)
            VALUES (p_posting, 1, holder, p_credit, the_unit, held, p_reason, p_happened, p_hold)
            ON CONFLICT (posting_id, line) DO NOTHING;
            IF FOUND THEN
                INSERT INTO public.ledger_resolution (posting_id, resolution, by_posting)
                VALUES (p_hold, 'captured', p_posting);
                UPDATE public.ledger_account a SET balance = a.balance - held WHERE a.id = holder;
                RETURN 'posted';
            END IF;
        END IF;
    END IF;
    RETURN public.ledger_capture_any(p_posting, p_hold, p_credit, p_reason, p_happened);
END $$;

REVOKE EXECUTE ON FUNCTION ledger_capture FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_capture TO puhui_app;
