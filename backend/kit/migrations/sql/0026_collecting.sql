-- Points that ripen and are collected, and friends who collect some.

-- The same as `ledger_draw` from several prefixes, one after the other, lowest code first within each. Accounts that were
-- due before `p_on` are left alone.
CREATE FUNCTION ledger_draw_in_turn(
    p_posting uuid, p_prefix text[], p_on date, p_credit bigint, p_amount bigint, p_reason text, p_happened timestamptz,
    p_rest_debit bigint, p_rest_credit bigint, p_rest_reason text)
RETURNS TABLE (outcome text, drawn bigint, rest bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ids bigint[];
    turns integer[];
    sources bigint[];
    amounts bigint[];
    total bigint;
    n integer;
BEGIN
    IF p_amount IS NULL OR p_amount <= 0 THEN
        RAISE EXCEPTION 'amount not positive' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', 'amount_not_positive', 'posting_id', p_posting)::text;
    END IF;
    IF p_rest_debit IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(7318013, hashint8(p_credit));
    END IF;
    SELECT COALESCE(array_agg(a.id), '{}'), COALESCE(array_agg(p.turn::integer), '{}') INTO ids, turns
    FROM unnest(p_prefix) WITH ORDINALITY AS p(prefix, turn)
    JOIN ledger_account a ON a.code >= p.prefix COLLATE "C" AND a.guard = 'floor' AND (a.due IS NULL OR a.due >= p_on)
        AND a.code < (left(p.prefix, -1) || chr(ascii(right(p.prefix, 1)) + 1)) COLLATE "C";
    PERFORM FROM ledger_account
    WHERE id = ANY (ids || ARRAY[p_credit, p_rest_debit, p_rest_credit]) AND guard <> 'none'
    ORDER BY id FOR NO KEY UPDATE;

    SELECT sum(t.amount) FILTER (WHERE t.debit_id IS DISTINCT FROM p_rest_debit),
           sum(t.amount) FILTER (WHERE t.debit_id = p_rest_debit), count(*)
    INTO drawn, rest, n FROM ledger_transfer t WHERE t.posting_id = p_posting;
    IF n > 0 THEN  -- `p_on` may have moved on since, so it is no part of what makes the request the same
        IF COALESCE(drawn, 0) + COALESCE(rest, 0) <> p_amount OR EXISTS (
            SELECT FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_id WHERE t.posting_id = p_posting
                AND (t.reverses IS NOT NULL OR t.captures IS NOT NULL
                    OR NOT ((t.credit_id = p_credit AND t.reason = p_reason
                             AND EXISTS (SELECT FROM unnest(p_prefix) AS p(prefix) WHERE starts_with(a.code, p.prefix)))
                        OR (t.debit_id = p_rest_debit AND t.credit_id = p_rest_credit AND t.reason = p_rest_reason)
                            IS TRUE)))
        THEN
            RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
                DETAIL = json_build_object('posting_id', p_posting)::text;
        END IF;
        RETURN QUERY SELECT 'repeated', COALESCE(drawn, 0), COALESCE(rest, 0);
        RETURN;
    END IF;

    SELECT array_agg(s.id ORDER BY s.turn, s.code), array_agg(s.share ORDER BY s.turn, s.code), sum(s.share)
    INTO sources, amounts, total
    FROM (
        SELECT id, turn, code, LEAST(balance, p_amount - before) AS share
        FROM (
            SELECT a.id, u.turn, a.code, a.balance, COALESCE(sum(a.balance) OVER (
                ORDER BY u.turn, a.code ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS before
            FROM unnest(ids, turns) AS u(id, turn) JOIN ledger_account a ON a.id = u.id WHERE a.balance > 0
        ) o
        WHERE before < p_amount
    ) s;
    total := COALESCE(total, 0);
    n := COALESCE(cardinality(sources), 0);
    rest := p_amount - total;
    IF rest > 0 AND p_rest_debit IS NULL THEN
        RAISE EXCEPTION 'balance would pass its guard' USING ERRCODE = 'PL001',
            DETAIL = json_build_object('account', p_prefix[1], 'short_by', rest)::text;
    END IF;

    PERFORM ledger_post(
        array_fill(p_posting, ARRAY[n + (rest > 0)::int]),
        ARRAY(SELECT generate_series(1, n + (rest > 0)::int)),
        COALESCE(sources, '{}') || CASE WHEN rest > 0 THEN ARRAY[p_rest_debit] ELSE '{}' END,
        COALESCE(array_fill(p_credit, ARRAY[n]), '{}') || CASE WHEN rest > 0 THEN ARRAY[p_rest_credit] ELSE '{}' END,
        COALESCE(amounts, '{}') || CASE WHEN rest > 0 THEN ARRAY[rest] ELSE '{}' END,
        COALESCE(array_fill(p_reason, ARRAY[n]), '{}') || CASE WHEN rest > 0 THEN ARRAY[p_rest_reason] ELSE '{}' END,
        array_fill(p_happened, ARRAY[n + (rest > 0)::int]));
    RETURN QUERY SELECT 'posted', total, rest;
END $$;


-- Move at most `p_most` (NULL: all there is) from each of the accounts `p_source`: first to the account with the ceiling named
-- by `p_first` (a code; NULL or unknown: nothing to fill), the rest to `p_credit`. Of what is owed the accounts before take
-- their part first. Draws that may leave a rest in favour of one of `p_kept_out` are kept out to the end of the
-- transaction, as by `ledger_fill`. An account that holds nothing moves nothing.
CREATE FUNCTION ledger_gather(
    p_posting uuid[], p_source bigint[], p_most bigint[], p_first text[], p_credit bigint[], p_kept_out bigint[],
    p_first_reason text, p_reason text, p_happened timestamptz)
RETURNS TABLE (posting_id uuid, source bigint, moved bigint, filled bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    firsts bigint[];
    known uuid[];
    bad uuid;
    key integer;
    a_posting uuid[];
    a_line integer[];
    a_debit bigint[];
    a_credit bigint[];
    a_amount bigint[];
    a_reason text[];
BEGIN
    FOR key IN SELECT DISTINCT hashint8(k) FROM unnest(p_kept_out) k ORDER BY 1 LOOP
        PERFORM pg_advisory_xact_lock_shared(7318013, key);
    END LOOP;
    firsts := ARRAY(
        SELECT a.id FROM unnest(p_first) WITH ORDINALITY AS u(code, n)
        LEFT JOIN ledger_account a ON a.code = u.code AND a.guard = 'ceiling' ORDER BY u.n);
    PERFORM FROM ledger_account WHERE id = ANY (p_source || firsts || p_credit) AND guard <> 'none'
    ORDER BY id FOR NO KEY UPDATE;

    known := ARRAY(
        SELECT DISTINCT i FROM unnest(p_posting) i WHERE EXISTS (SELECT FROM ledger_transfer t WHERE t.posting_id = i));
    SELECT t.posting_id INTO bad FROM ledger_transfer t
    WHERE t.posting_id = ANY (known) AND NOT EXISTS (
        SELECT FROM unnest(p_posting, p_source, firsts, p_credit) AS u(posting, source, first, credit)
        WHERE u.posting = t.posting_id AND u.source = t.debit_id AND t.reverses IS NULL
            AND (t.credit_id = u.credit AND t.reason = p_reason OR t.credit_id = u.first AND t.reason = p_first_reason))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
            DETAIL = json_build_object('posting_id', bad)::text;
    END IF;

    SELECT array_agg(x.posting ORDER BY x.n, x.k), array_agg(x.line ORDER BY x.n, x.k), array_agg(x.source ORDER BY x.n, x.k),
           array_agg(x.credit ORDER BY x.n, x.k), array_agg(x.amount ORDER BY x.n, x.k), array_agg(x.reason ORDER BY x.n, x.k)
    INTO a_posting, a_line, a_debit, a_credit, a_amount, a_reason
    FROM (
        SELECT s.n, s.posting, s.source, m.*,
               row_number() OVER (PARTITION BY s.posting ORDER BY s.n, m.k)::integer AS line
        FROM (
            SELECT w.*, CASE WHEN w.first IS NULL THEN 0 ELSE GREATEST(0, LEAST(w.amount, -d.balance - COALESCE(
                sum(w.amount) OVER (PARTITION BY w.first ORDER BY w.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                ))::bigint END AS share
            FROM (
                SELECT u.*, LEAST(a.balance, COALESCE(u.most, a.balance)) AS amount
                FROM unnest(p_posting, p_source, p_most, firsts, p_credit) WITH ORDINALITY
                    AS u(posting, source, most, first, credit, n)
                JOIN ledger_account a ON a.id = u.source AND a.guard = 'floor'
                WHERE u.posting <> ALL (known)
            ) w
            LEFT JOIN ledger_account d ON d.id = w.first
        ) s
        CROSS JOIN LATERAL (VALUES
            (1, s.first, s.share, p_first_reason), (2, s.credit, s.amount - s.share, p_reason)) AS m(k, credit, amount, reason)
        WHERE m.amount > 0
    ) x;
    IF a_posting IS NOT NULL THEN
        PERFORM ledger_post(
            a_posting, a_line, a_debit, a_credit, a_amount, a_reason, array_fill(p_happened, ARRAY[cardinality(a_posting)]));
    END IF;
    RETURN QUERY
        SELECT u.posting, u.source, COALESCE(sum(t.amount), 0)::bigint,
               COALESCE(sum(t.amount) FILTER (WHERE t.reason = p_first_reason), 0)::bigint
        FROM unnest(p_posting, p_source) AS u(posting, source)
        LEFT JOIN ledger_transfer t ON t.posting_id = u.posting AND t.debit_id = u.source
        GROUP BY u.posting, u.source;
END $$;

REVOKE EXECUTE ON FUNCTION ledger_draw_in_turn, ledger_gather FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_draw_in_turn, ledger_gather TO puhui_app;


-- What a friend collected of somebody's lot. `ripened` is what had been put into the lot less what had been taken back from it, of which
-- the programme's share is; `taken_before` what friends had taken of the lot by then, so that no two take the same part.
CREATE TABLE collecting_taken (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    owner_id uuid NOT NULL REFERENCES participant,
    taker_id uuid NOT NULL REFERENCES participant,
    lot text COLLATE "C" NOT NULL,
    ripe_on date NOT NULL,
    posting_id uuid NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    ripened bigint NOT NULL CHECK (ripened > 0),
    taken_before bigint NOT NULL CHECK (taken_before >= 0),
    taken_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (lot, taken_before),
    UNIQUE (posting_id, lot),
    CONSTRAINT collecting_taken_from_another CHECK (owner_id <> taker_id),
    CONSTRAINT collecting_taken_within CHECK (taken_before + points <= ripened)
);
CREATE INDEX collecting_taken_xid ON collecting_taken (xid);
CREATE INDEX collecting_taken_owner ON collecting_taken (owner_id, programme_id, taken_at);
CREATE INDEX collecting_taken_taker ON collecting_taken (taker_id, programme_id, taken_at);
CREATE TRIGGER collecting_taken_kept BEFORE UPDATE OR DELETE ON collecting_taken
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER collecting_taken_not_emptied BEFORE TRUNCATE ON collecting_taken
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON collecting_taken TO puhui_app;
