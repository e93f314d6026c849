-- What merchants offer for points, and how it is redeemed: offers and their stock, redemptions, their codes and their ends.

-- What an organisation gives for points of one programme. An offer never changes: it is withdrawn, and another one made.
CREATE TABLE offer (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES organisation,
    programme text NOT NULL REFERENCES programme (code),
    title_zh text NOT NULL,
    title_en text NOT NULL,
    price_points bigint NOT NULL,
    limited boolean NOT NULL,
    per_citizen integer,
    first_day date NOT NULL,
    last_day date,
    created_by uuid NOT NULL REFERENCES staff,
    created_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT offer_sound CHECK (
        title_zh <> '' AND title_en <> '' AND price_points BETWEEN 1 AND 1000000000 AND (per_citizen >= 1) IS NOT FALSE
        AND (last_day >= first_day) IS NOT FALSE)
);
CREATE INDEX offer_merchant ON offer (merchant_id, created_at, id);
CREATE INDEX offer_programme ON offer (programme, created_at, id);
CREATE INDEX offer_xid ON offer (xid);

CREATE TABLE offer_withdrawal (
    offer_id uuid PRIMARY KEY REFERENCES offer,
    withdrawn_by uuid NOT NULL REFERENCES staff,
    withdrawn_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX offer_withdrawal_xid ON offer_withdrawal (xid);

-- Items that a merchant put up, the first ones included.
CREATE TABLE offer_restock (
    id uuid PRIMARY KEY,
    offer_id uuid NOT NULL REFERENCES offer,
    items integer NOT NULL CHECK (items BETWEEN 1 AND 100000000),
    restocked_by uuid NOT NULL REFERENCES staff,
    restocked_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX offer_restock_offer ON offer_restock (offer_id);
CREATE INDEX offer_restock_xid ON offer_restock (xid);

-- What is left of a limited offer, in sixteen piles, so that buyers of one popular offer do not stand in one line: what the
-- restocks, redemptions, ends and refunds add up to. No key leads to the offer, whose row every buyer would have to share.
CREATE TABLE offer_stock (
    offer_id uuid NOT NULL,
    pile smallint NOT NULL CHECK (pile BETWEEN 0 AND 15),
    items_left integer NOT NULL CHECK (items_left >= 0),
    PRIMARY KEY (offer_id, pile)
) WITH (fillfactor = 10);

-- Points on hold for an offer. The id is also that of the posting that holds them, and only a keyed digest of the code is
-- kept. No foreign key leads from here: its check would share-lock the row of a popular offer. `redemption_hold` reads the
-- offer instead, and the audit looks for orphans.
CREATE TABLE redemption (
    id uuid PRIMARY KEY,
    offer_id uuid NOT NULL,
    participant_id uuid NOT NULL,
    points bigint NOT NULL,
    made_at timestamptz NOT NULL,
    code_mac bytea NOT NULL,
    code_expires_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT redemption_sound CHECK (points > 0 AND length(code_mac) = 32 AND code_expires_at > made_at)
);
CREATE UNIQUE INDEX redemption_code_mac ON redemption (code_mac);
CREATE INDEX redemption_participant ON redemption (participant_id, made_at, id);
CREATE INDEX redemption_xid ON redemption (xid);

-- Further codes of a redemption, each for the time after the one before.
CREATE TABLE redemption_code (
    mac bytea PRIMARY KEY CHECK (length(mac) = 32),
    redemption_id uuid NOT NULL REFERENCES redemption,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > issued_at),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX redemption_code_redemption ON redemption_code (redemption_id);
CREATE INDEX redemption_code_xid ON redemption_code (xid);

-- Redemptions that have not ended, and until when they stand. Whoever removes the row ends the redemption, and nobody else.
CREATE TABLE redemption_open (
    redemption_id uuid PRIMARY KEY,
    stands_until timestamptz NOT NULL
);
CREATE INDEX redemption_open_due ON redemption_open (stands_until);

-- How a redemption ended, once: captured by a till, cancelled by its citizen, or lapsed. `posting_id` is what the ledger knows
-- of it: the capture, or the reversal of the hold.
CREATE TABLE redemption_end (
    redemption_id uuid PRIMARY KEY,
    ended text NOT NULL,
    posting_id uuid NOT NULL,
    merchant_id uuid,
    captured_by uuid,
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT redemption_end_sound CHECK (
        CASE ended WHEN 'captured' THEN merchant_id IS NOT NULL AND captured_by IS NOT NULL
             WHEN 'cancelled' THEN num_nonnulls(merchant_id, captured_by) = 0
             WHEN 'lapsed' THEN num_nonnulls(merchant_id, captured_by) = 0 ELSE false END)
);
CREATE INDEX redemption_end_merchant ON redemption_end (merchant_id, ended_at, redemption_id);
CREATE INDEX redemption_end_xid ON redemption_end (xid);

-- A capture undone by its merchant, once. The ids of the two reversing postings follow from `posting_id`.
CREATE TABLE redemption_refund (
    redemption_id uuid PRIMARY KEY REFERENCES redemption_end,
    posting_id uuid NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    refunded_by uuid NOT NULL REFERENCES staff,
    refunded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX redemption_refund_xid ON redemption_refund (xid);


-- Items beside those that are there, spread over the piles. Locks the piles in their order.
CREATE FUNCTION offer_restock(p_id uuid, p_offer uuid, p_items integer, p_by uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO offer_restock (id, offer_id, items, restocked_by, restocked_at)
    VALUES (p_id, p_offer, p_items, p_by, p_now);
    INSERT INTO offer_stock AS s (offer_id, pile, items_left)
    SELECT p_offer, n, p_items / 16 + (n < p_items % 16)::integer FROM generate_series(0, 15) AS n ORDER BY n
    ON CONFLICT (offer_id, pile) DO UPDATE SET items_left = s.items_left + EXCLUDED.items_left;
END $$;


-- Take one item; false when there is none. First from the pile that this connection prefers, then from any pile that nobody
-- is taking from. Only when all others are empty or busy do we wait for the busy ones: an item that somebody takes and
-- gives up again is ours. Not for callers: `redemption_hold` is.
CREATE FUNCTION offer_stock_take(p_offer pg_catalog.uuid) RETURNS pg_catalog.bool LANGUAGE plpgsql AS $$
DECLARE
    preferred pg_catalog.int4 := pg_catalog.pg_backend_pid() % 16;
    found_pile pg_catalog.int2;
BEGIN
    SELECT s.pile INTO found_pile FROM public.offer_stock s
    WHERE s.offer_id = p_offer AND s.pile = preferred AND s.items_left > 0
    FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT s.pile INTO found_pile FROM public.offer_stock s
        WHERE s.offer_id = p_offer AND s.items_left > 0
        ORDER BY (s.pile - preferred + 16) % 16 LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN
        SELECT s.pile INTO found_pile FROM public.offer_stock s
        WHERE s.offer_id = p_offer AND s.items_left > 0
        ORDER BY s.pile LIMIT 1
        FOR NO KEY UPDATE;
    END IF;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE public.offer_stock s SET items_left = s.items_left - 1 WHERE s.offer_id = p_offer AND s.pile = found_pile;
    RETURN true;
END $$;


-- Put one item of a limited offer back, the last thing that a transaction does.
CREATE FUNCTION offer_stock_put_back(p_offer uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE offer_stock SET items_left = items_left + 1 WHERE offer_id = p_offer AND pile = pg_backend_pid() % 16
$$;


-- Set the price of an offer aside from the lots that lapse first, take one item, and note the code's digest.
--
-- Locks come in one order in every verb here: the redemption, then accounts, then one pile. Drawing the points locks what
-- the citizen has on hold, so from there on a citizen's redemptions in a programme stand in line and can be counted.
-- Tables and types are named with their schema instead of pinning search_path, as in `ledger_post`.
CREATE FUNCTION redemption_hold(
    p_id pg_catalog.uuid, p_participant pg_catalog.uuid, p_offer pg_catalog.uuid, p_mac pg_catalog.bytea,
    p_now pg_catalog.timestamptz, p_today pg_catalog.date, p_until pg_catalog.timestamptz)
RETURNS pg_catalog.int8
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    offered pg_catalog.record;
    code_of_hold pg_catalog.text;
    prefix pg_catalog.text;
    aside pg_catalog.int8;
BEGIN
    SELECT o.programme, o.price_points, o.limited, o.per_citizen,
           p_today >= o.first_day AND (p_today <= o.last_day) IS NOT FALSE
           AND NOT EXISTS (SELECT FROM public.offer_withdrawal w WHERE w.offer_id = o.id) AS stands
    INTO offered FROM public.offer o WHERE o.id = p_offer;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such offer' USING ERRCODE = 'PM001';
    ELSIF NOT offered.stands THEN
        RAISE EXCEPTION 'offer closed' USING ERRCODE = 'PM002';
    ELSIF offered.limited AND NOT EXISTS (
        SELECT FROM public.offer_stock s WHERE s.offer_id = p_offer AND s.items_left > 0) THEN
        RAISE EXCEPTION 'sold out' USING ERRCODE = 'PM003';
    END IF;

    code_of_hold := 'hold:' || p_participant || ':' || offered.programme;
    prefix := 'wallet:' || p_participant || ':' || offered.programme || ':';
    SELECT a.id INTO aside FROM public.ledger_account a WHERE a.code = code_of_hold;
    IF NOT FOUND THEN
        SELECT a.id INTO aside
        FROM public.ledger_open(ARRAY[code_of_hold], ARRAY['hold'::pg_catalog.text], ARRAY[NULL::pg_catalog.date]) a;
    END IF;
    PERFORM public.ledger_draw(
        p_id, prefix, prefix || to_char(p_today, 'YYYY-MM-DD'), aside, offered.price_points, 'points.held', p_now,
        NULL, NULL, NULL);

    IF offered.per_citizen IS NOT NULL AND offered.per_citizen <= (
        SELECT count(*) FROM public.redemption r LEFT JOIN public.redemption_end e ON e.redemption_id = r.id
        WHERE r.participant_id = p_participant AND r.offer_id = p_offer AND COALESCE(e.ended, 'captured') = 'captured'
            AND NOT EXISTS (SELECT FROM public.redemption_refund f WHERE f.redemption_id = r.id)) THEN
        RAISE EXCEPTION 'limit reached' USING ERRCODE = 'PM004',
            DETAIL = json_build_object('per_citizen', offered.per_citizen)::pg_catalog.text;
    END IF;
    IF offered.limited AND NOT public.offer_stock_take(p_offer) THEN
        RAISE EXCEPTION 'sold out' USING ERRCODE = 'PM003';
    END IF;

    INSERT INTO public.redemption (id, offer_id, participant_id, points, made_at, code_mac, code_expires_at)
    VALUES (p_id, p_offer, p_participant, offered.price_points, p_now, p_mac, p_until);
    INSERT INTO public.redemption_open (redemption_id, stands_until) VALUES (p_id, p_until);
    RETURN offered.price_points;
END $$;


-- Turn what a code holds into a debt to its merchant, once: `captured` with the receipt, now or before; `unknown`, also for the
-- code of another merchant; `expired` while the redemption has not ended, else how it ended. Decided by who removes the
-- row of `redemption_open`; a second till waits for the first one's end.
CREATE FUNCTION redemption_capture(
    p_mac pg_catalog.bytea, p_merchant pg_catalog.uuid, p_staff pg_catalog.uuid, p_posting pg_catalog.uuid,
    p_now pg_catalog.timestamptz)
RETURNS TABLE (
    state pg_catalog.text, redemption_id pg_catalog.uuid, offer_id pg_catalog.uuid, programme pg_catalog.text,
    title_zh pg_catalog.text, title_en pg_catalog.text, points pg_catalog.int8, captured_at pg_catalog.timestamptz,
    captured_by pg_catalog.uuid)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    scanned pg_catalog.record;
    code_of_payable pg_catalog.text;
    payable pg_catalog.int8;
    ending pg_catalog.record;
BEGIN
    SELECT r.id, r.points, r.code_expires_at AS expires_at, r.offer_id INTO scanned
    FROM public.redemption r WHERE r.code_mac = p_mac;
    IF NOT FOUND THEN
        SELECT r.id, r.points, c.expires_at, r.offer_id INTO scanned
        FROM public.redemption_code c JOIN public.redemption r ON r.id = c.redemption_id WHERE c.mac = p_mac;
    END IF;
    IF FOUND THEN
        SELECT o.programme, o.title_zh, o.title_en INTO programme, title_zh, title_en
        FROM public.offer o WHERE o.id = scanned.offer_id AND o.merchant_id = p_merchant;
    END IF;
    IF NOT FOUND THEN
        state := 'unknown';
        RETURN NEXT;
        RETURN;
    END IF;
    redemption_id := scanned.id;
    offer_id := scanned.offer_id;
    points := scanned.points;

    IF scanned.expires_at > p_now THEN
        DELETE FROM public.redemption_open o WHERE o.redemption_id = scanned.id;
        IF FOUND THEN
            SELECT 'payable:' || m.code || ':' || programme INTO code_of_payable
            FROM public.organisation m WHERE m.id = p_merchant;
            SELECT a.id INTO payable FROM public.ledger_account a WHERE a.code = code_of_payable;
            IF NOT FOUND THEN
                SELECT a.id INTO payable FROM public.ledger_open(
                    ARRAY[code_of_payable], ARRAY['payable'::pg_catalog.text], ARRAY[NULL::pg_catalog.date]) a;
            END IF;
            INSERT INTO public.redemption_end (redemption_id, ended, posting_id, merchant_id, captured_by, ended_at)
            VALUES (scanned.id, 'captured', p_posting, p_merchant, p_staff, p_now);
            PERFORM public.ledger_capture(p_posting, scanned.id, payable, 'points.captured', p_now);
            state := 'captured';
            captured_at := p_now;
            captured_by := p_staff;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    SELECT e.ended, e.ended_at, e.captured_by,
           EXISTS (SELECT FROM public.redemption_refund f WHERE f.redemption_id = scanned.id) AS refunded
    INTO ending FROM public.redemption_end e WHERE e.redemption_id = scanned.id;
    state := CASE WHEN NOT FOUND THEN 'expired' WHEN ending.refunded THEN 'refunded' ELSE ending.ended END;
    captured_at := ending.ended_at;
    captured_by := ending.captured_by;
    RETURN NEXT;
END $$;


-- End a redemption without a capture: as its citizen at any time while it stands, else (no participant) only once it has
-- lapsed. Nothing when it has ended already or is not theirs. Releasing the hold is the caller's, in this transaction.
CREATE FUNCTION redemption_close(p_redemption uuid, p_participant uuid, p_posting uuid, p_now timestamptz)
RETURNS TABLE (ended text, offer_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
BEGIN
    SELECT CASE WHEN o.stands_until <= p_now THEN 'lapsed' ELSE 'cancelled' END, r.offer_id INTO ended, offer_id
    FROM redemption_open o JOIN redemption r ON r.id = o.redemption_id
    WHERE o.redemption_id = p_redemption
        AND CASE WHEN p_participant IS NULL THEN o.stands_until <= p_now ELSE r.participant_id = p_participant END
    FOR UPDATE OF o;
    IF FOUND THEN
        DELETE FROM redemption_open o WHERE o.redemption_id = p_redemption;
        INSERT INTO redemption_end (redemption_id, ended, posting_id, ended_at)
        VALUES (p_redemption, ended, p_posting, p_now);
        RETURN NEXT;
    END IF;
END $$;


-- Another code for a redemption that stands; nothing when it does not, or is not the participant's, or stood long enough.
CREATE FUNCTION redemption_renew(
    p_redemption uuid, p_participant uuid, p_mac bytea, p_now timestamptz, p_until timestamptz, p_made_after timestamptz)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM redemption_open o JOIN redemption r ON r.id = o.redemption_id
    WHERE o.redemption_id = p_redemption AND r.participant_id = p_participant AND o.stands_until > p_now
        AND r.made_at > p_made_after
    FOR NO KEY UPDATE OF o;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE redemption_open SET stands_until = GREATEST(stands_until, p_until) WHERE redemption_id = p_redemption;
    INSERT INTO redemption_code (mac, redemption_id, issued_at, expires_at) VALUES (p_mac, p_redemption, p_now, p_until);
    RETURN true;
END $$;


DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['offer', 'offer_withdrawal', 'offer_restock', 'redemption', 'redemption_code',
                                'redemption_end', 'redemption_refund'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON offer, offer_withdrawal, redemption_refund TO puhui_app;
GRANT SELECT ON offer_restock, offer_stock, redemption, redemption_code, redemption_open, redemption_end TO puhui_app;
REVOKE EXECUTE ON FUNCTION offer_restock, offer_stock_take, offer_stock_put_back, redemption_hold, redemption_capture,
    redemption_close, redemption_renew FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offer_restock, offer_stock_put_back, redemption_hold, redemption_capture, redemption_close,
    redemption_renew TO puhui_app;
