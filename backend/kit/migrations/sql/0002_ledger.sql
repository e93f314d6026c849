-- The ledger: its chart, its accounts, its transfers, and the functions that are the only way to write them.

CREATE TABLE ledger_kind (
    kind text PRIMARY KEY,
    unit text NOT NULL,
    guard text NOT NULL CHECK (guard IN ('none', 'floor', 'ceiling'))
);

CREATE TABLE ledger_rule (
    reason text NOT NULL,
    debit_kind text NOT NULL REFERENCES ledger_kind,
    credit_kind text NOT NULL REFERENCES ledger_kind,
    PRIMARY KEY (reason, debit_kind, credit_kind)
);

CREATE TABLE ledger_account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text COLLATE "C" NOT NULL UNIQUE,
    kind text NOT NULL REFERENCES ledger_kind,
    unit text NOT NULL,
    guard text NOT NULL,
    due date,
    balance bigint,
    opened_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- One check and not one per guard: PostgreSQL reads each anew for every statement that moves a balance.
    CONSTRAINT ledger_account_within_guard CHECK (
        CASE guard WHEN 'floor' THEN balance >= 0 WHEN 'ceiling' THEN balance <= 0 ELSE balance IS NULL END IS TRUE)
) WITH (fillfactor = 85);
CREATE INDEX ledger_account_due ON ledger_account (due, id) WHERE due IS NOT NULL;
CREATE INDEX ledger_account_xid ON ledger_account (xid);

-- No foreign key leads from a transfer to its accounts: its check would share-lock the row of a hot issuer on every
-- posting. The writing function joins the accounts instead, and the audit looks for orphans.
CREATE TABLE ledger_transfer (
    posting_id uuid NOT NULL,
    line integer NOT NULL,
    debit_id bigint NOT NULL,
    credit_id bigint NOT NULL,
    unit text NOT NULL,
    amount bigint NOT NULL,
    reason text NOT NULL,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    reverses uuid,
    captures uuid,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (posting_id, line),
    CONSTRAINT ledger_transfer_sound CHECK (line > 0 AND amount > 0 AND debit_id <> credit_id)
);
CREATE INDEX ledger_transfer_debit ON ledger_transfer (debit_id, xid) INCLUDE (amount);
CREATE INDEX ledger_transfer_credit ON ledger_transfer (credit_id, xid) INCLUDE (amount);
CREATE INDEX ledger_transfer_xid ON ledger_transfer (xid);

-- What became of a posting, at most once each. A table of its own and not two partial indexes on the transfers, whose
-- predicates every posting would pay for.
CREATE TABLE ledger_resolution (
    posting_id uuid NOT NULL,
    resolution text NOT NULL CHECK (resolution IN ('reversed', 'captured')),
    by_posting uuid NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT ledger_resolution_once PRIMARY KEY (posting_id, resolution)
);
CREATE INDEX ledger_resolution_xid ON ledger_resolution (xid);
CREATE TRIGGER ledger_resolution_kept BEFORE UPDATE OR DELETE ON ledger_resolution
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER ledger_resolution_not_emptied BEFORE TRUNCATE ON ledger_resolution
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();

-- What an unguarded account held when every transaction below `horizon` was finished.
CREATE TABLE ledger_checkpoint (
    account_id bigint PRIMARY KEY REFERENCES ledger_account,
    horizon xid8 NOT NULL,
    balance numeric NOT NULL
);

CREATE TRIGGER ledger_transfer_kept BEFORE UPDATE OR DELETE ON ledger_transfer
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER ledger_transfer_not_emptied BEFORE TRUNCATE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER ledger_account_not_removed BEFORE DELETE ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER ledger_account_not_emptied BEFORE TRUNCATE ON ledger_account
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
-- Of an account only the balance moves.
CREATE TRIGGER ledger_account_kept
    BEFORE UPDATE OF id, code, kind, unit, guard, due, opened_at, xid ON ledger_account
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();


-- Accounts by code, opened where they are new. Another kind or due date for a known code is refused.
CREATE FUNCTION ledger_open(p_code text[], p_kind text[], p_due date[])
RETURNS TABLE (code text, id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    bad record;
BEGIN
    INSERT INTO ledger_account (code, kind, unit, guard, due, balance)
    SELECT w.code, k.kind, k.unit, k.guard, w.due, CASE WHEN k.guard = 'none' THEN NULL ELSE 0 END
    FROM (SELECT DISTINCT u.code, u.kind, u.due FROM unnest(p_code, p_kind, p_due) AS u(code, kind, due)) w
    JOIN ledger_kind k ON k.kind = w.kind
    WHERE starts_with(w.code, w.kind || ':') AND NOT EXISTS (SELECT FROM ledger_account a WHERE a.code = w.code)
    ORDER BY w.code
    ON CONFLICT (code) DO NOTHING;

    SELECT u.code, u.kind INTO bad
    FROM unnest(p_code, p_kind, p_due) AS u(code, kind, due)
    LEFT JOIN ledger_account a ON a.code = u.code
    WHERE a.id IS NULL OR a.kind <> u.kind OR a.due IS DISTINCT FROM u.due
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'account cannot be opened as asked' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', 'account_kind', 'account', bad.code, 'kind', bad.kind)::text;
    END IF;

    RETURN QUERY SELECT a.code, a.id FROM unnest(p_code) AS u(code) JOIN ledger_account a ON a.code = u.code;
END $$;


-- The one place where many transfers are written. Not for callers: `ledger_post` and its sisters check what it trusts:
-- the lines of a posting are numbered from 1 without a gap, so whoever holds line 1 of a posting id holds the id.
CREATE FUNCTION ledger_write(
    p_posting uuid[], p_line integer[], p_debit bigint[], p_credit bigint[], p_amount bigint[], p_reason text[],
    p_happened timestamptz[], p_reverses uuid[], p_captures uuid[])
RETURNS TABLE (posting_id uuid, outcome text)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    fresh uuid[];
    written bigint;
    clash uuid;
    short record;
BEGIN
    -- Written first and asked afterwards: where another transaction is writing the same id, this waits for its end.
    WITH put AS (
        INSERT INTO ledger_transfer
            (posting_id, line, debit_id, credit_id, unit, amount, reason, happened_at, reverses, captures)
        SELECT l.posting, l.line, l.debit, l.credit, a.unit, l.amount, l.reason, l.happened, l.reverses, l.captures
        FROM unnest(p_posting, p_line, p_debit, p_credit, p_amount, p_reason, p_happened, p_reverses, p_captures)
            AS l(posting, line, debit, credit, amount, reason, happened, reverses, captures)
        JOIN ledger_account a ON a.id = l.debit
        ORDER BY l.posting, l.line
        ON CONFLICT (posting_id, line) DO NOTHING
        RETURNING posting_id, line
    )
    SELECT array_agg(posting_id) FILTER (WHERE line = 1), count(*) INTO fresh, written FROM put;
    fresh := COALESCE(fresh, '{}');

    IF written < cardinality(p_posting) THEN
        SELECT COALESCE(l.posting, t.posting_id) INTO clash
        FROM (SELECT * FROM unnest(p_posting, p_line, p_debit, p_credit, p_amount, p_reason, p_reverses, p_captures)
                  AS u(posting, line, debit, credit, amount, reason, reverses, captures) WHERE posting <> ALL (fresh)) l
        FULL JOIN (SELECT * FROM ledger_transfer
                   WHERE posting_id = ANY (p_posting) AND posting_id <> ALL (fresh)) t
            ON t.posting_id = l.posting AND t.line = l.line
        WHERE (l.debit, l.credit, l.amount, l.reason, l.reverses, l.captures)
            IS DISTINCT FROM (t.debit_id, t.credit_id, t.amount, t.reason, t.reverses, t.captures)
        LIMIT 1;
        IF NOT FOUND THEN  -- a further line that now stands behind a known id
            SELECT u.posting INTO clash FROM unnest(p_posting) AS u(posting)
            WHERE u.posting <> ALL (fresh)
                AND written <> (SELECT count(*) FROM unnest(p_posting) AS f(posting) WHERE f.posting = ANY (fresh)) LIMIT 1;
        END IF;
        IF FOUND THEN
            RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
                DETAIL = json_build_object('posting_id', clash)::text;
        END IF;
    END IF;

    IF written > 0 THEN
        INSERT INTO ledger_resolution (posting_id, resolution, by_posting)
        SELECT DISTINCT u.undone, 'reversed', u.posting FROM unnest(p_posting, p_reverses) AS u(posting, undone)
        WHERE u.undone IS NOT NULL AND u.posting = ANY (fresh)
        UNION ALL
        SELECT DISTINCT u.hold, 'captured', u.posting FROM unnest(p_posting, p_captures) AS u(posting, hold)
        WHERE u.hold IS NOT NULL AND u.posting = ANY (fresh);

        WITH delta AS (
            SELECT id, sum(amount)::bigint AS amount
            FROM (
                SELECT debit AS id, -amount AS amount FROM unnest(p_posting, p_debit, p_amount) AS d(posting, debit, amount)
                WHERE posting = ANY (fresh)
                UNION ALL
                SELECT credit, amount FROM unnest(p_posting, p_credit, p_amount) AS c(posting, credit, amount)
                WHERE posting = ANY (fresh)
            ) moves
            GROUP BY id
        ), locked AS MATERIALIZED (
            SELECT a.id, a.code, a.guard, a.balance, d.amount
            FROM ledger_account a JOIN delta d ON d.id = a.id
            WHERE a.guard <> 'none'
            ORDER BY a.id
            FOR NO KEY UPDATE OF a
        ), refused AS MATERIALIZED (
            SELECT l.code, abs(l.balance + l.amount) AS short_by FROM locked l
            WHERE (l.guard = 'floor' AND l.balance + l.amount < 0) OR (l.guard = 'ceiling' AND l.balance + l.amount > 0)
            ORDER BY l.id LIMIT 1
        ), moved AS (
            UPDATE ledger_account a SET balance = a.balance + l.amount
            FROM locked l
            WHERE a.id = l.id AND l.amount <> 0 AND NOT EXISTS (SELECT FROM refused)
        )
        SELECT r.code, r.short_by INTO short FROM refused r;
        IF FOUND THEN
            RAISE EXCEPTION 'balance would pass its guard' USING ERRCODE = 'PL001',
                DETAIL = json_build_object('account', short.code, 'short_by', short.short_by)::text;
        END IF;
    END IF;

    RETURN QUERY SELECT i, CASE WHEN i = ANY (fresh) THEN 'posted' ELSE 'repeated' END
        FROM (SELECT DISTINCT unnest(p_posting) AS i) asked;
END $$;


-- Transfers as the chart allows them, all or none; a posting written before is answered `repeated`. Callers come by
-- `ledger_post`.
CREATE FUNCTION ledger_post_many(
    p_posting uuid[], p_line integer[], p_debit bigint[], p_credit bigint[], p_amount bigint[], p_reason text[],
    p_happened timestamptz[])
RETURNS TABLE (posting_id uuid, outcome text)
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    n integer := cardinality(p_posting);
    bad record;
BEGIN
    SELECT l.posting, l.line, CASE
            WHEN d.id IS NULL THEN 'debit_unknown' WHEN c.id IS NULL THEN 'credit_unknown'
            WHEN d.id = c.id THEN 'accounts_equal' WHEN d.unit <> c.unit THEN 'units_differ'
            WHEN l.amount IS NULL OR l.amount <= 0 THEN 'amount_not_positive'
            ELSE 'reason_not_allowed' END AS fault INTO bad
    FROM unnest(p_posting, p_line, p_debit, p_credit, p_amount, p_reason)
        AS l(posting, line, debit, credit, amount, reason)
    LEFT JOIN ledger_account d ON d.id = l.debit
    LEFT JOIN ledger_account c ON c.id = l.credit
    LEFT JOIN ledger_rule r ON r.reason = l.reason AND r.debit_kind = d.kind AND r.credit_kind = c.kind
    WHERE r.reason IS NULL OR d.unit <> c.unit OR d.id = c.id OR l.amount IS NULL OR l.amount <= 0
    LIMIT 1;
    IF NOT FOUND THEN
        SELECT u.posting, NULL::integer AS line, 'lines_not_numbered' AS fault INTO bad
        FROM unnest(p_posting, p_line) AS u(posting, line)
        GROUP BY u.posting
        HAVING min(u.line) IS DISTINCT FROM 1 OR max(u.line) <> count(*) OR count(DISTINCT u.line) <> count(*) LIMIT 1;
    END IF;
    IF FOUND THEN
        RAISE EXCEPTION 'transfer not allowed' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', bad.fault, 'posting_id', bad.posting, 'line', bad.line)::text;
    END IF;
    RETURN QUERY SELECT * FROM ledger_write(
        p_posting, p_line, p_debit, p_credit, p_amount, p_reason, p_happened,
        array_fill(NULL::uuid, ARRAY[n]), array_fill(NULL::uuid, ARRAY[n]));
END $$;


-- The way in for every caller. The commonest posting, one new transfer, is written here by the shortest way; where there
-- is anything to say about it, nothing was written and `ledger_post_many` finds the words.
--
-- Every table and type is named with its schema instead of pinning search_path, which took a fifth of this function's
-- time: a caller's temporary table can shadow tables and types, and here it shadows none. Operators and functions are
-- never looked for among temporary objects, and the application's role can create no others.
CREATE FUNCTION ledger_post(
    p_posting pg_catalog.uuid[], p_line pg_catalog.int4[], p_debit pg_catalog.int8[], p_credit pg_catalog.int8[],
    p_amount pg_catalog.int8[], p_reason pg_catalog.text[], p_happened pg_catalog.timestamptz[])
RETURNS TABLE (posting_id pg_catalog.uuid, outcome pg_catalog.text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    one pg_catalog.uuid := p_posting[1];
    debit pg_catalog.int8 := p_debit[1];
    credit pg_catalog.int8 := p_credit[1];
    moved pg_catalog.int8 := p_amount[1];
    debit_guard pg_catalog.text;
    credit_guard pg_catalog.text;
    the_unit pg_catalog.text;
BEGIN
    IF cardinality(p_posting) = 1 AND p_line[1] = 1 AND moved > 0 THEN
        SELECT d.guard, c.guard, d.unit INTO debit_guard, credit_guard, the_unit
        FROM public.ledger_account d, public.ledger_account c, public.ledger_rule r
        WHERE d.id = debit AND c.id = credit AND c.id <> d.id AND c.unit = d.unit
            AND r.reason = p_reason[1] AND r.debit_kind = d.kind AND r.credit_kind = c.kind;
        IF FOUND THEN
            INSERT INTO public.ledger_transfer (posting_id, line, debit_id, credit_id, unit, amount, reason, happened_at)
            VALUES (one, 1, debit, credit, the_unit, moved, p_reason[1], p_happened[1])
            ON CONFLICT (posting_id, line) DO NOTHING;
            IF FOUND THEN
                FOR turn IN 1..2 LOOP  -- in id order, like everywhere
                    IF (turn = 1) = (debit < credit) THEN
                        CONTINUE WHEN debit_guard = 'none';
                        UPDATE public.ledger_account a SET balance = a.balance - moved
                        WHERE a.id = debit AND (a.guard = 'ceiling' OR a.balance >= moved);
                    ELSE
                        CONTINUE WHEN credit_guard = 'none';
                        UPDATE public.ledger_account a SET balance = a.balance + moved
                        WHERE a.id = credit AND (a.guard = 'floor' OR a.balance + moved <= 0);
                    END IF;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'balance would pass its guard' USING ERRCODE = 'PL001', DETAIL = (
                            SELECT json_build_object('account', a.code, 'short_by', abs(
                                a.balance + CASE WHEN a.id = debit THEN -moved ELSE moved END))
                            FROM public.ledger_account a
                            WHERE a.id = CASE WHEN (turn = 1) = (debit < credit) THEN debit ELSE credit END);
                    END IF;
                END LOOP;
                posting_id := one;
                outcome := 'posted';
                RETURN NEXT;
                RETURN;
            END IF;
        END IF;
    END IF;
    RETURN QUERY SELECT m.posting_id, m.outcome
        FROM public.ledger_post_many(p_posting, p_line, p_debit, p_credit, p_amount, p_reason, p_happened) m;
END $$;


-- Take `p_amount` (NULL: all there is) from the accounts whose code begins with `p_prefix` and is not below `p_from`,
-- lowest code first. What they cannot give is refused, or debited to `p_rest_debit` in favour of `p_rest_credit` where
-- those are named; such a draw keeps every `ledger_fill` from `p_credit` out until it is committed (see there).
CREATE FUNCTION ledger_draw(
    p_posting uuid, p_prefix text, p_from text, p_credit bigint, p_amount bigint, p_reason text, p_happened timestamptz,
    p_rest_debit bigint, p_rest_credit bigint, p_rest_reason text)
RETURNS TABLE (outcome text, drawn bigint, rest bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    beyond text := left(p_prefix, -1) || chr(ascii(right(p_prefix, 1)) + 1);
    ids bigint[];
    sources bigint[];
    amounts bigint[];
    total bigint;
    n integer;
BEGIN
    IF p_amount IS NOT NULL AND p_amount <= 0 THEN
        RAISE EXCEPTION 'amount not positive' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', 'amount_not_positive', 'posting_id', p_posting)::text;
    END IF;
    IF p_rest_debit IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(7318013, hashint8(p_credit));
    END IF;
    ids := ARRAY(
        SELECT id FROM ledger_account
        WHERE code >= GREATEST(p_from COLLATE "C", p_prefix COLLATE "C") AND code < beyond COLLATE "C" AND guard = 'floor');
    PERFORM FROM ledger_account
    WHERE id = ANY (ids || ARRAY[p_credit, p_rest_debit, p_rest_credit]) AND guard <> 'none'
    ORDER BY id FOR NO KEY UPDATE;

    SELECT sum(t.amount) FILTER (WHERE t.debit_id IS DISTINCT FROM p_rest_debit),
           sum(t.amount) FILTER (WHERE t.debit_id = p_rest_debit), count(*)
    INTO drawn, rest, n FROM ledger_transfer t WHERE t.posting_id = p_posting;
    IF n > 0 THEN  -- `p_from` may have moved on since (a lot lapsed), so it is no part of what makes the request the same
        IF p_amount IS NOT NULL AND COALESCE(drawn, 0) + COALESCE(rest, 0) <> p_amount OR EXISTS (
            SELECT FROM ledger_transfer t JOIN ledger_account a ON a.id = t.debit_id WHERE t.posting_id = p_posting
                AND (t.reverses IS NOT NULL OR t.captures IS NOT NULL
                    OR NOT ((t.credit_id = p_credit AND t.reason = p_reason AND starts_with(a.code, p_prefix))
                        OR (t.debit_id = p_rest_debit AND t.credit_id = p_rest_credit AND t.reason = p_rest_reason)
                            IS TRUE)))
        THEN
            RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
                DETAIL = json_build_object('posting_id', p_posting)::text;
        END IF;
        RETURN QUERY SELECT 'repeated', COALESCE(drawn, 0), COALESCE(rest, 0);
        RETURN;
    END IF;

    SELECT array_agg(s.id ORDER BY s.code), array_agg(s.share ORDER BY s.code), sum(s.share)
    INTO sources, amounts, total
    FROM (
        SELECT id, code, LEAST(balance, COALESCE(p_amount, balance + before) - before) AS share
        FROM (
            SELECT id, code, balance, COALESCE(sum(balance) OVER (
                ORDER BY code ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS before
            FROM ledger_account WHERE id = ANY (ids) AND balance > 0
        ) o
        WHERE p_amount IS NULL OR before < p_amount
    ) s;
    total := COALESCE(total, 0);
    n := COALESCE(cardinality(sources), 0);
    rest := COALESCE(p_amount, total) - total;
    IF rest > 0 AND p_rest_debit IS NULL THEN
        RAISE EXCEPTION 'balance would pass its guard' USING ERRCODE = 'PL001',
            DETAIL = json_build_object('account', p_prefix, 'short_by', rest)::text;
    END IF;
    IF total + rest = 0 THEN
        RETURN QUERY SELECT 'nothing', 0::bigint, 0::bigint;
        RETURN;
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


-- Keep every `ledger_draw` that may leave a rest in favour of this account out until the end of the transaction. Whoever
-- fills by a statement of its own calls this before it looks at what is owed.
CREATE FUNCTION ledger_share_source(p_source bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT pg_advisory_xact_lock_shared(7318013, hashint8(p_source))
$$;


-- Bring new value from `p_debit`: each amount first fills the account with the ceiling named by `p_first` (a code; NULL or
-- unknown: nothing to fill), the rest goes to `p_credit`. Amounts that fill the same account do so in the given order.
--
-- Who is to be filled is looked up after the lock below. `ledger_draw` with a rest takes the same lock alone, so no account
-- is drawn below its ceiling between our look and our commit. Rows cannot do this: the account may not exist yet. The
-- lock is shared among fills, and the source account itself is locked by nobody.
CREATE FUNCTION ledger_fill(
    p_posting uuid[], p_debit bigint, p_first text[], p_credit bigint[], p_amount bigint[], p_first_reason text,
    p_reason text, p_happened timestamptz[])
RETURNS TABLE (posting_id uuid, outcome text, filled bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    firsts bigint[];
    known uuid[];
    bad uuid;
    a_posting uuid[];
    a_line integer[];
    a_credit bigint[];
    a_amount bigint[];
    a_reason text[];
    a_happened timestamptz[];
BEGIN
    IF EXISTS (SELECT FROM unnest(p_amount) AS u(amount) WHERE amount IS NULL OR amount <= 0) THEN
        RAISE EXCEPTION 'amount not positive' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', 'amount_not_positive')::text;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7318013, hashint8(p_debit));
    firsts := ARRAY(
        SELECT a.id FROM unnest(p_first) WITH ORDINALITY AS u(code, n)
        LEFT JOIN ledger_account a ON a.code = u.code AND a.guard = 'ceiling' ORDER BY u.n);
    PERFORM FROM ledger_account WHERE id = ANY (firsts || p_credit) AND guard <> 'none' ORDER BY id FOR NO KEY UPDATE;

    known := ARRAY(
        SELECT i FROM unnest(p_posting) i WHERE EXISTS (SELECT FROM ledger_transfer t WHERE t.posting_id = i));
    IF cardinality(known) > 0 THEN
        SELECT u.posting INTO bad
        FROM unnest(p_posting, firsts, p_credit, p_amount) AS u(posting, first, credit, amount)
        CROSS JOIN LATERAL (
            SELECT sum(t.amount) AS amount, bool_and(
                (t.debit_id = p_debit AND t.reverses IS NULL AND (
                    (t.credit_id = u.credit AND t.reason = p_reason)
                    OR (t.credit_id = u.first AND t.reason = p_first_reason))) IS TRUE) AS same
            FROM ledger_transfer t WHERE t.posting_id = u.posting) t
        WHERE u.posting = ANY (known) AND (t.amount <> u.amount OR NOT t.same)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
                DETAIL = json_build_object('posting_id', bad)::text;
        END IF;
    END IF;

    SELECT array_agg(x.posting ORDER BY x.n, x.line), array_agg(x.line ORDER BY x.n, x.line),
           array_agg(x.credit ORDER BY x.n, x.line), array_agg(x.amount ORDER BY x.n, x.line),
           array_agg(x.reason ORDER BY x.n, x.line), array_agg(x.happened ORDER BY x.n, x.line)
    INTO a_posting, a_line, a_credit, a_amount, a_reason, a_happened
    FROM (
        SELECT s.n, s.posting, s.happened, m.* FROM (
            SELECT u.*, CASE WHEN u.first IS NULL THEN 0 ELSE GREATEST(0, LEAST(u.amount, -a.balance - COALESCE(
                sum(u.amount) OVER (PARTITION BY u.first ORDER BY u.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)
                ))::bigint END AS share
            FROM unnest(p_posting, firsts, p_credit, p_amount, p_happened) WITH ORDINALITY
                AS u(posting, first, credit, amount, happened, n)
            LEFT JOIN ledger_account a ON a.id = u.first
            WHERE u.posting <> ALL (known)
        ) s
        CROSS JOIN LATERAL (VALUES
            (1, s.first, s.share, p_first_reason),
            (1 + (s.share > 0)::int, s.credit, s.amount - s.share, p_reason)) AS m(line, credit, amount, reason)
        WHERE m.amount > 0
    ) x;
    IF a_posting IS NOT NULL THEN
        PERFORM ledger_post(
            a_posting, a_line, array_fill(p_debit, ARRAY[cardinality(a_posting)]), a_credit, a_amount, a_reason, a_happened);
    END IF;
    RETURN QUERY
        SELECT u.posting, CASE WHEN u.posting = ANY (known) THEN 'repeated' ELSE 'posted' END, COALESCE((
            SELECT sum(t.amount) FROM ledger_transfer t
            WHERE t.posting_id = u.posting AND t.credit_id = u.first), 0)::bigint
        FROM unnest(p_posting, firsts) AS u(posting, first);
END $$;


-- Move what is left on each of the accounts to the one beside it in `p_credit`, in one posting. Answers the sum moved.
CREATE FUNCTION ledger_sweep(
    p_posting uuid, p_accounts bigint[], p_credit bigint[], p_reason text, p_happened timestamptz)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    sources bigint[];
    credits bigint[];
    amounts bigint[];
    moved bigint;
    n integer;
BEGIN
    PERFORM FROM ledger_account WHERE id = ANY (p_accounts || p_credit) AND guard <> 'none' ORDER BY id FOR NO KEY UPDATE;
    SELECT sum(t.amount) INTO moved FROM ledger_transfer t WHERE t.posting_id = p_posting;
    IF moved IS NOT NULL THEN
        IF EXISTS (
            SELECT FROM ledger_transfer t LEFT JOIN unnest(p_accounts, p_credit) AS u(debit, credit) ON u.debit = t.debit_id
            WHERE t.posting_id = p_posting AND (t.reason <> p_reason OR t.credit_id IS DISTINCT FROM u.credit)) THEN
            RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
                DETAIL = json_build_object('posting_id', p_posting)::text;
        END IF;
        RETURN moved;
    END IF;
    SELECT array_agg(a.id ORDER BY a.id), array_agg(u.credit ORDER BY a.id), array_agg(a.balance ORDER BY a.id),
           sum(a.balance), count(*)
    INTO sources, credits, amounts, moved, n
    FROM unnest(p_accounts, p_credit) AS u(debit, credit) JOIN ledger_account a ON a.id = u.debit
    WHERE a.balance > 0 AND a.guard = 'floor';
    IF n = 0 THEN
        RETURN 0;
    END IF;
    PERFORM ledger_post(
        array_fill(p_posting, ARRAY[n]), ARRAY(SELECT generate_series(1, n)), sources, credits, amounts,
        array_fill(p_reason, ARRAY[n]), array_fill(p_happened, ARRAY[n]));
    RETURN moved;
END $$;


-- Turn what a posting put on hold into a debt to `p_credit`, whole and once.
CREATE FUNCTION ledger_capture(
    p_posting uuid, p_hold uuid, p_credit bigint, p_reason text, p_happened timestamptz)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    holders bigint[];
    held bigint;
    before record;
    allowed boolean;
BEGIN
    SELECT array_agg(DISTINCT t.credit_id), sum(t.amount) INTO holders, held
    FROM ledger_transfer t WHERE t.posting_id = p_hold AND t.reverses IS NULL AND t.captures IS NULL;
    IF holders IS NULL OR cardinality(holders) <> 1 THEN
        RAISE EXCEPTION 'no such hold' USING ERRCODE = 'PL006', DETAIL = json_build_object('posting_id', p_hold)::text;
    END IF;
    PERFORM FROM ledger_account WHERE id = ANY (holders || p_credit) AND guard <> 'none' ORDER BY id FOR NO KEY UPDATE;

    SELECT t.captures, t.credit_id, t.reason INTO before FROM ledger_transfer t WHERE t.posting_id = p_posting LIMIT 1;
    IF FOUND THEN
        IF before.captures IS DISTINCT FROM p_hold OR before.credit_id <> p_credit OR before.reason <> p_reason THEN
            RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
                DETAIL = json_build_object('posting_id', p_posting)::text;
        END IF;
        RETURN 'repeated';
    END IF;
    IF EXISTS (SELECT FROM ledger_resolution t WHERE t.posting_id = p_hold AND t.resolution = 'reversed') THEN
        RAISE EXCEPTION 'hold already released' USING ERRCODE = 'PL005',
            DETAIL = json_build_object('posting_id', p_hold, 'resolution', 'reversed')::text;
    END IF;
    IF EXISTS (SELECT FROM ledger_resolution t WHERE t.posting_id = p_hold AND t.resolution = 'captured') THEN
        RAISE EXCEPTION 'hold already captured' USING ERRCODE = 'PL005',
            DETAIL = json_build_object('posting_id', p_hold, 'resolution', 'captured')::text;
    END IF;
    SELECT EXISTS (
        SELECT FROM ledger_rule r JOIN ledger_account d ON d.kind = r.debit_kind JOIN ledger_account c ON c.kind = r.credit_kind
        WHERE r.reason = p_reason AND d.id = holders[1] AND c.id = p_credit AND d.unit = c.unit) INTO allowed;
    IF NOT allowed THEN
        RAISE EXCEPTION 'transfer not allowed' USING ERRCODE = 'PL002',
            DETAIL = json_build_object('fault', 'reason_not_allowed', 'posting_id', p_posting, 'line', 1)::text;
    END IF;
    PERFORM ledger_write(
        ARRAY[p_posting], ARRAY[1], holders, ARRAY[p_credit], ARRAY[held], ARRAY[p_reason], ARRAY[p_happened],
        ARRAY[NULL::uuid], ARRAY[p_hold]);
    RETURN 'posted';
END $$;


-- Undo whole postings by their mirror image, each at most once, all in one step. What a live capture rests on stays.
CREATE FUNCTION ledger_reverse(p_posting uuid[], p_reverses uuid[], p_reason text, p_happened timestamptz)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    bad uuid;
    seen integer;
BEGIN
    PERFORM FROM ledger_account WHERE guard <> 'none' AND id IN (
        SELECT debit_id FROM ledger_transfer WHERE posting_id = ANY (p_reverses)
        UNION SELECT credit_id FROM ledger_transfer WHERE posting_id = ANY (p_reverses))
    ORDER BY id FOR NO KEY UPDATE;

    SELECT count(*) INTO seen FROM unnest(p_posting, p_reverses) AS u(posting, undone)
    WHERE EXISTS (SELECT FROM ledger_transfer t WHERE t.posting_id = u.posting AND t.reverses = u.undone AND t.reason = p_reason);
    IF seen = cardinality(p_posting) THEN
        RETURN 'repeated';
    END IF;
    SELECT u.posting INTO bad FROM unnest(p_posting) AS u(posting)
    WHERE EXISTS (SELECT FROM ledger_transfer t WHERE t.posting_id = u.posting) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting id used before for something else' USING ERRCODE = 'PL003',
            DETAIL = json_build_object('posting_id', bad)::text;
    END IF;
    SELECT u.undone INTO bad FROM unnest(p_reverses) AS u(undone)
    WHERE NOT EXISTS (SELECT FROM ledger_transfer t WHERE t.posting_id = u.undone AND t.reverses IS NULL) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'no such posting to reverse' USING ERRCODE = 'PL006',
            DETAIL = json_build_object('posting_id', bad)::text;
    END IF;
    SELECT u.undone INTO bad FROM unnest(p_reverses) AS u(undone)
    WHERE EXISTS (SELECT FROM ledger_resolution t WHERE t.posting_id = u.undone AND t.resolution = 'reversed') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'already reversed' USING ERRCODE = 'PL005',
            DETAIL = json_build_object('posting_id', bad, 'resolution', 'reversed')::text;
    END IF;
    SELECT u.undone INTO bad FROM unnest(p_reverses) AS u(undone)
    WHERE EXISTS (
        SELECT FROM ledger_resolution c
        WHERE c.posting_id = u.undone AND c.resolution = 'captured' AND c.by_posting <> ALL (p_reverses)
            AND NOT EXISTS (SELECT FROM ledger_resolution r
                            WHERE r.posting_id = c.by_posting AND r.resolution = 'reversed')) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'captured, so not to be reversed alone' USING ERRCODE = 'PL005',
            DETAIL = json_build_object('posting_id', bad, 'resolution', 'captured')::text;
    END IF;

    PERFORM ledger_write(
        array_agg(u.posting), array_agg(t.line), array_agg(t.credit_id), array_agg(t.debit_id), array_agg(t.amount),
        array_agg(p_reason), array_agg(p_happened), array_agg(u.undone), array_agg(NULL::uuid))
    FROM unnest(p_posting, p_reverses) AS u(posting, undone)
    JOIN ledger_transfer t ON t.posting_id = u.undone;
    RETURN 'posted';
END $$;


-- Balances: the stored one where it is guarded, checkpoint and tail where it is not.
CREATE FUNCTION ledger_balance(p_account bigint[])
RETURNS TABLE (account_id bigint, balance numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, CASE WHEN a.guard <> 'none' THEN a.balance ELSE
        COALESCE(c.balance, 0)
        + COALESCE((SELECT sum(t.amount) FROM ledger_transfer t
                    WHERE t.credit_id = a.id AND t.xid >= COALESCE(c.horizon, '0'::xid8)), 0)
        - COALESCE((SELECT sum(t.amount) FROM ledger_transfer t
                    WHERE t.debit_id = a.id AND t.xid >= COALESCE(c.horizon, '0'::xid8)), 0) END
    FROM unnest(p_account) AS u(id)
    JOIN ledger_account a ON a.id = u.id
    LEFT JOIN ledger_checkpoint c ON c.account_id = a.id
$$;


-- Fold the finished tail of every unguarded account into its checkpoint. Answers how many moved.
CREATE FUNCTION ledger_checkpoint_advance()
RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    n integer;
BEGIN
    PERFORM pg_advisory_xact_lock(7318002);
    INSERT INTO ledger_checkpoint AS c (account_id, horizon, balance)
    SELECT a.id, h.horizon, COALESCE(o.balance, 0)
        + COALESCE((SELECT sum(t.amount) FROM ledger_transfer t WHERE t.credit_id = a.id
                    AND t.xid >= COALESCE(o.horizon, '0'::xid8) AND t.xid < h.horizon), 0)
        - COALESCE((SELECT sum(t.amount) FROM ledger_transfer t WHERE t.debit_id = a.id
                    AND t.xid >= COALESCE(o.horizon, '0'::xid8) AND t.xid < h.horizon), 0)
    FROM ledger_account a
    CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon) h
    LEFT JOIN ledger_checkpoint o ON o.account_id = a.id
    WHERE a.guard = 'none' AND (o.horizon IS NULL OR o.horizon < h.horizon)
    ON CONFLICT (account_id) DO UPDATE SET horizon = EXCLUDED.horizon, balance = EXCLUDED.balance;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;

GRANT SELECT ON ledger_kind, ledger_rule, ledger_account, ledger_transfer, ledger_resolution, ledger_checkpoint TO puhui_app;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open, ledger_post, ledger_draw, ledger_share_source, ledger_fill, ledger_sweep, ledger_capture, ledger_reverse,
    ledger_balance, ledger_checkpoint_advance TO puhui_app;
