-- Units with serial numbers: books, blocks and their movements, and the one function that moves them.

-- none: units without numbers; hold: units come in and go out by number; mint: units come into being here.
ALTER TABLE ledger_kind ADD COLUMN serials text NOT NULL DEFAULT 'none' CHECK (serials IN ('none', 'hold', 'mint'));

-- What units with numbers may do stands apart from `ledger_rule`, so that `ledger_post` refuses it without asking.
CREATE TABLE ledger_serial_rule (
    reason text NOT NULL,
    debit_kind text NOT NULL REFERENCES ledger_kind,
    credit_kind text NOT NULL REFERENCES ledger_kind,
    PRIMARY KEY (reason, debit_kind, credit_kind)
);

-- A line of whole numbers from 1. The second part of the code of an account with serials is its book.
CREATE TABLE serial_book (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text COLLATE "C" NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    unit text NOT NULL CHECK (unit ~ '^[A-Z][A-Z0-9-]{1,30}$'),
    demo boolean NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX serial_book_xid ON serial_book (xid);
CREATE TRIGGER serial_book_kept BEFORE UPDATE OR DELETE ON serial_book
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER serial_book_not_emptied BEFORE TRUNCATE ON serial_book
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

-- Who holds which numbers now: what the movements add up to.
CREATE TABLE serial_block (
    book_id bigint NOT NULL REFERENCES serial_book,
    serials int8range NOT NULL,
    account_id bigint NOT NULL REFERENCES ledger_account,
    CONSTRAINT serial_block_whole CHECK (
        NOT isempty(serials) AND lower_inc(serials) AND NOT upper_inc(serials) AND lower(serials) >= 1
        AND NOT upper_inf(serials)),
    CONSTRAINT serial_block_one_holder EXCLUDE USING gist (int8range(book_id, book_id, '[]') WITH &&, serials WITH &&)
);
CREATE INDEX serial_block_account ON serial_block (account_id, lower(serials));
CREATE INDEX serial_block_top ON serial_block (book_id, upper(serials) DESC);

-- Which numbers each transfer moved; with the transfer's accounts this is every past holder of every number.
CREATE TABLE serial_movement (
    posting_id uuid NOT NULL,
    line integer NOT NULL,
    piece integer NOT NULL,
    book_id bigint NOT NULL REFERENCES serial_book,
    serials int8range NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,  -- of one number, a later movement has a higher one: the accounts are locked
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (posting_id, line, piece),
    FOREIGN KEY (posting_id, line) REFERENCES ledger_transfer (posting_id, line),
    CONSTRAINT serial_movement_sound CHECK (
        piece > 0 AND NOT isempty(serials) AND NOT lower_inf(serials) AND NOT upper_inf(serials))
);
CREATE INDEX serial_movement_number ON serial_movement USING gist (int8range(book_id, book_id, '[]'), serials);
CREATE INDEX serial_movement_xid ON serial_movement (xid);
CREATE TRIGGER serial_movement_kept BEFORE UPDATE OR DELETE ON serial_movement
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER serial_movement_not_emptied BEFORE TRUNCATE ON serial_movement
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();


-- A book by its code, opened where it is new. Another unit or mode for a known code is refused.
CREATE FUNCTION serial_open_book(p_code text, p_unit text, p_demo boolean) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    INSERT INTO serial_book (code, unit, demo)
    SELECT p_code, p_unit, p_demo WHERE NOT EXISTS (SELECT FROM serial_book b WHERE b.code = p_code)
    ON CONFLICT (code) DO NOTHING;
    SELECT b.id INTO found_id FROM serial_book b WHERE b.code = p_code AND b.unit = p_unit AND b.demo = p_demo;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'book cannot be opened as asked' USING ERRCODE = 'PL009',
            DETAIL = json_build_object('book', p_code)::text;
    END IF;
    RETURN found_id;
END $$;


-- Give the numbers [p_low, p_high) of a book to an account. They must all be held by `p_from`, or by nobody where that is
-- NULL. What is left of a block that they are cut out of keeps its holder; blocks of one holder that now touch become one.
-- Not for callers: `ledger_post_serials` holds the accounts' locks.
CREATE FUNCTION serial_give(p_book bigint, p_low bigint, p_high bigint, p_from bigint, p_to bigint) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    wanted int8range := int8range(p_low, p_high);
    cut record;
    held bigint := 0;
    low bigint := p_low;
    high bigint := p_high;
    beside int8range;
BEGIN
    IF p_from IS NOT NULL THEN
        FOR cut IN
            DELETE FROM serial_block b
            WHERE int8range(b.book_id, b.book_id, '[]') && int8range(p_book, p_book, '[]') AND b.serials && wanted
                AND b.account_id = p_from
            RETURNING b.serials
        LOOP
            held := held + upper(cut.serials * wanted) - lower(cut.serials * wanted);
            IF lower(cut.serials) < p_low THEN
                INSERT INTO serial_block VALUES (p_book, int8range(lower(cut.serials), p_low), p_from);
            END IF;
            IF upper(cut.serials) > p_high THEN
                INSERT INTO serial_block VALUES (p_book, int8range(p_high, upper(cut.serials)), p_from);
            END IF;
        END LOOP;
        IF held <> p_high - p_low THEN
            RAISE EXCEPTION 'serials not held' USING ERRCODE = 'PL007',
                DETAIL = (SELECT json_build_object('book', b.code, 'low', p_low, 'high', p_high)::text
                          FROM serial_book b WHERE b.id = p_book);
        END IF;
    ELSIF EXISTS (
        SELECT FROM serial_block b
        WHERE int8range(b.book_id, b.book_id, '[]') && int8range(p_book, p_book, '[]') AND b.serials && wanted) THEN
        RAISE EXCEPTION 'serials taken' USING ERRCODE = 'PL008',
            DETAIL = (SELECT json_build_object('book', b.code, 'low', p_low, 'high', p_high)::text
                      FROM serial_book b WHERE b.id = p_book);
    END IF;
    -- A neighbour that another transaction has just taken away is gone by the time it is deleted, and stays out of it.
    DELETE FROM serial_block b
    WHERE int8range(b.book_id, b.book_id, '[]') && int8range(p_book, p_book, '[]')
        AND b.serials && int8range(p_low - 1, p_low) AND b.account_id = p_to RETURNING b.serials INTO beside;
    IF FOUND THEN
        low := lower(beside);
    END IF;
    DELETE FROM serial_block b
    WHERE int8range(b.book_id, b.book_id, '[]') && int8range(p_book, p_book, '[]')
        AND b.serials && int8range(p_high, p_high + 1) AND b.account_id = p_to RETURNING b.serials INTO beside;
    IF FOUND THEN
        high := upper(beside);
    END IF;
    INSERT INTO serial_block VALUES (p_book, int8range(low, high), p_to);
END $$;


-- Postings in which units with numbers move, beside others that have none: all or none. `p_piece_…` name the numbers of a
-- line; a line of numbered units without any takes the lowest ones that its debited account holds, or, where they come into being
-- there, the next free ones. A posting written before in the same words is answered `repeated` and moves nothing.
CREATE FUNCTION ledger_post_serials(
    p_posting uuid[], p_line integer[], p_debit bigint[], p_credit bigint[], p_amount bigint[], p_reason text[],
    p_happened timestamptz[], p_piece_posting uuid[], p_piece_line integer[], p_piece_low bigint[], p_piece_high bigint[])
RETURNS TABLE (posting_id uuid, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    n integer := cardinality(p_posting);
    bad record;
    fresh uuid[];
    moving record;
    part record;
    wanted bigint;
    number integer;
    top bigint;
BEGIN
    SELECT l.posting, l.line, CASE
            WHEN d.id IS NULL THEN 'debit_unknown' WHEN c.id IS NULL THEN 'credit_unknown'
            WHEN d.id = c.id THEN 'accounts_equal' WHEN d.unit <> c.unit THEN 'units_differ'
            WHEN l.amount IS NULL OR l.amount <= 0 THEN 'amount_not_positive'
            WHEN r.reason IS NULL AND s.reason IS NULL THEN 'reason_not_allowed'
            WHEN s.reason IS NULL THEN 'serials_out_of_place'
            WHEN split_part(d.code, ':', 2) <> split_part(c.code, ':', 2) THEN 'books_differ'
            WHEN b.id IS NULL THEN 'book_unknown'
            WHEN p.whole IS NOT TRUE THEN 'serials_not_whole'
            ELSE 'serials_not_amount' END AS fault INTO bad
    FROM unnest(p_posting, p_line, p_debit, p_credit, p_amount, p_reason)
        AS l(posting, line, debit, credit, amount, reason)
    LEFT JOIN ledger_account d ON d.id = l.debit
    LEFT JOIN ledger_account c ON c.id = l.credit
    LEFT JOIN ledger_rule r ON r.reason = l.reason AND r.debit_kind = d.kind AND r.credit_kind = c.kind
    LEFT JOIN ledger_serial_rule s ON s.reason = l.reason AND s.debit_kind = d.kind AND s.credit_kind = c.kind
    LEFT JOIN serial_book b ON b.code = split_part(d.code, ':', 2)
    LEFT JOIN LATERAL (
        SELECT count(*) AS pieces, sum(u.high - u.low) AS quantity, bool_and(u.low >= 1 AND u.high > u.low) AS whole
        FROM unnest(p_piece_posting, p_piece_line, p_piece_low, p_piece_high) AS u(posting, line, low, high)
        WHERE u.posting = l.posting AND u.line = l.line) p ON true
    WHERE (r.reason IS NULL AND s.reason IS NULL) OR d.unit <> c.unit OR d.id = c.id OR l.amount IS NULL OR l.amount <= 0
        OR (s.reason IS NULL AND p.pieces > 0)
        OR (s.reason IS NOT NULL AND (split_part(d.code, ':', 2) <> split_part(c.code, ':', 2) OR b.id IS NULL
            OR (p.pieces > 0 AND (p.whole IS NOT TRUE OR p.quantity <> l.amount))))
    LIMIT 1;
    IF NOT FOUND THEN
        SELECT u.posting, NULL::integer AS line, 'lines_not_numbered' AS fault INTO bad
        FROM unnest(p_posting, p_line) AS u(posting, line)
        GROUP BY u.posting
        HAVING min(u.line) IS DISTINCT FROM 1 OR max(u.line) <> count(*) OR count(DISTINCT u.line) <> count(*) LIMIT 1;
    END IF;
    IF NOT FOUND THEN
        SELECT u.posting, u.line, 'serials_of_no_line' AS fault INTO bad
        FROM unnest(p_piece_posting, p_piece_line) AS u(posting, line)
        WHERE NOT EXISTS (SELECT FROM unnest(p_posting, p_line) AS l(posting, line)
                          WHERE l.posting = u.posting AND l.line = u.line) LIMIT 1;
    END IF;
    IF FOUND THEN
        RAISE EXCEPTION 'transfer not allowed' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', bad.fault, 'posting_id', bad.posting, 'line', bad.line)::text;
    END IF;

    SELECT array_agg(w.posting_id) INTO fresh FROM ledger_write(
        p_posting, p_line, p_debit, p_credit, p_amount, p_reason, p_happened,
        array_fill(NULL::uuid, ARRAY[n]), array_fill(NULL::uuid, ARRAY[n])) w WHERE w.outcome = 'posted';
    fresh := COALESCE(fresh, '{}');

    -- Numbers that are named must be those that the posting moved the first time; unnamed ones are what they were.
    SELECT u.posting INTO bad
    FROM unnest(p_piece_posting, p_piece_line, p_piece_low, p_piece_high)
        WITH ORDINALITY AS u(posting, line, low, high, n)
    WHERE u.posting <> ALL (fresh) AND NOT EXISTS (
        SELECT FROM serial_movement m
        WHERE m.posting_id = u.posting AND m.line = u.line AND m.serials = int8range(u.low, u.high))
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
            DETAIL = json_build_object('posting_id', bad.posting)::text;
    END IF;

    FOR moving IN
        SELECT l.posting, l.line, l.debit, l.credit, l.amount, k.serials AS sort, b.id AS book_id
        FROM unnest(p_posting, p_line, p_debit, p_credit, p_amount) AS l(posting, line, debit, credit, amount)
        JOIN ledger_account d ON d.id = l.debit
        JOIN ledger_kind k ON k.kind = d.kind AND k.serials <> 'none'
        JOIN serial_book b ON b.code = split_part(d.code, ':', 2)
        WHERE l.posting = ANY (fresh)
        ORDER BY l.posting, l.line
    LOOP
        number := 0;
        FOR part IN
            SELECT u.low, u.high FROM unnest(p_piece_posting, p_piece_line, p_piece_low, p_piece_high)
                WITH ORDINALITY AS u(posting, line, low, high, n)
            WHERE u.posting = moving.posting AND u.line = moving.line ORDER BY u.n
        LOOP
            number := number + 1;
            INSERT INTO serial_movement (posting_id, line, piece, book_id, serials) VALUES (
                moving.posting, moving.line, number, moving.book_id, int8range(part.low, part.high));
            PERFORM serial_give(moving.book_id, part.low, part.high,
                CASE WHEN moving.sort = 'mint' THEN NULL ELSE moving.debit END, moving.credit);
        END LOOP;
        CONTINUE WHEN number > 0;

        IF moving.sort = 'mint' THEN
            -- One after the other, so that nobody is given numbers that another is about to take.
            PERFORM pg_advisory_xact_lock(7318009, hashint8(moving.book_id));
            SELECT COALESCE((SELECT upper(b.serials) FROM serial_block b WHERE b.book_id = moving.book_id
                             ORDER BY upper(b.serials) DESC LIMIT 1), 1) INTO top;
            INSERT INTO serial_movement (posting_id, line, piece, book_id, serials) VALUES (
                moving.posting, moving.line, 1, moving.book_id, int8range(top, top + moving.amount));
            PERFORM serial_give(moving.book_id, top, top + moving.amount, NULL, moving.credit);
            CONTINUE;
        END IF;
        wanted := moving.amount;
        FOR part IN
            SELECT lower(b.serials) AS low, upper(b.serials) AS high FROM serial_block b
            WHERE b.account_id = moving.debit ORDER BY lower(b.serials)
        LOOP
            EXIT WHEN wanted = 0;
            number := number + 1;
            INSERT INTO serial_movement (posting_id, line, piece, book_id, serials) VALUES (
                moving.posting, moving.line, number, moving.book_id,
                int8range(part.low, LEAST(part.high, part.low + wanted)));
            PERFORM serial_give(
                moving.book_id, part.low, LEAST(part.high, part.low + wanted), moving.debit, moving.credit);
            wanted := wanted - (LEAST(part.high, part.low + wanted) - part.low);
        END LOOP;
        IF wanted > 0 THEN
            RAISE EXCEPTION 'serials not held' USING ERRCODE = 'PL007', DETAIL = (
                SELECT json_build_object('book', b.code, 'low', 0, 'high', 0)::text
                FROM serial_book b WHERE b.id = moving.book_id);
        END IF;
    END LOOP;
    RETURN QUERY SELECT i, CASE WHEN i = ANY (fresh) THEN 'posted' ELSE 'repeated' END
        FROM (SELECT DISTINCT unnest(p_posting) AS i) asked;
END $$;


-- Units with numbers are never given back by a mirror image: they move on, and their history stays.
CREATE FUNCTION ledger_serials_stay(p_posting uuid[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    bad uuid;
BEGIN
    SELECT m.posting_id INTO bad FROM serial_movement m WHERE m.posting_id = ANY (p_posting) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'units with serial numbers move on only' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', 'serials_move_on', 'posting_id', bad)::text;
    END IF;
END $$;

ALTER FUNCTION ledger_reverse(uuid[], uuid[], text, timestamptz) RENAME TO ledger_reverse_any;
REVOKE EXECUTE ON FUNCTION ledger_reverse_any FROM puhui_app;
CREATE FUNCTION ledger_reverse(p_posting uuid[], p_reverses uuid[], p_reason text, p_happened timestamptz)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM ledger_serials_stay(p_reverses);
    RETURN ledger_reverse_any(p_posting, p_reverses, p_reason, p_happened);
END $$;

GRANT SELECT ON ledger_serial_rule, serial_book, serial_block, serial_movement TO puhui_app;
REVOKE EXECUTE ON FUNCTION serial_open_book, serial_give, ledger_post_serials, ledger_serials_stay, ledger_reverse
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION serial_open_book, ledger_post_serials, ledger_reverse TO puhui_app;
