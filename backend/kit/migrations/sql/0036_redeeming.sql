-- Redeeming in full: what programmes ask of it, confirmation on the phone, shops and tills, refunds in parts.

-- Drawing from one account that has enough is the usual case: it takes four statements here, and moves what `ledger_draw_any`, the
-- function so far, would move. Anything else is left to that one, once nothing is written or locked any more: it locks all accounts
-- of the prefix in the order of their ids, and whoever held one of them by then could wait for one who waits for it.

ALTER FUNCTION ledger_draw(uuid, text, text, bigint, bigint, text, timestamptz, bigint, bigint, text) RENAME TO ledger_draw_any;
REVOKE EXECUTE ON FUNCTION ledger_draw_any FROM puhui_app;

-- Tables and types are named with their schema instead of pinning search_path, as in `ledger_post`. Accounts are locked by their
-- updates, in the order of their ids, like everywhere.
CREATE FUNCTION ledger_draw(
    p_posting pg_catalog.uuid, p_prefix pg_catalog.text, p_from pg_catalog.text, p_credit pg_catalog.int8,
    p_amount pg_catalog.int8, p_reason pg_catalog.text, p_happened pg_catalog.timestamptz, p_rest_debit pg_catalog.int8,
    p_rest_credit pg_catalog.int8, p_rest_reason pg_catalog.text)
RETURNS TABLE (outcome pg_catalog.text, drawn pg_catalog.int8, rest pg_catalog.int8)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    beyond pg_catalog.text := left(p_prefix, -1) || chr(ascii(right(p_prefix, 1)) + 1);
    source pg_catalog.int8;
    the_unit pg_catalog.text;
BEGIN
    IF p_amount > 0 AND p_rest_debit IS NULL THEN
        SELECT d.id, d.unit INTO source, the_unit
        FROM public.ledger_account d, public.ledger_account c, public.ledger_rule r
        WHERE d.id = (
                SELECT a.id FROM public.ledger_account a
                WHERE a.code >= GREATEST(p_from COLLATE "C", p_prefix COLLATE "C") AND a.code < beyond COLLATE "C"
                    AND a.guard = 'floor' AND a.balance > 0
                ORDER BY a.code LIMIT 1)
            AND d.balance >= p_amount AND c.id = p_credit AND c.id <> d.id AND c.guard = 'floor' AND c.unit = d.unit
            AND r.reason = p_reason AND r.debit_kind = d.kind AND r.credit_kind = c.kind;
        IF FOUND THEN
            BEGIN
                IF p_credit < source THEN
                    UPDATE public.ledger_account a SET balance = a.balance + p_amount WHERE a.id = p_credit;
                END IF;
                UPDATE public.ledger_account a SET balance = a.balance - p_amount WHERE a.id = source AND a.balance >= p_amount;
                IF FOUND THEN
                    IF p_credit > source THEN
                        UPDATE public.ledger_account a SET balance = a.balance + p_amount WHERE a.id = p_credit;
                    END IF;
                    INSERT INTO public.ledger_transfer (posting_id, line, debit_id, credit_id, unit, amount, reason, happened_at)
                    VALUES (p_posting, 1, source, p_credit, the_unit, p_amount, p_reason, p_happened)
                    ON CONFLICT (posting_id, line) DO NOTHING;
                    IF FOUND THEN
                        outcome := 'posted';
                        drawn := p_amount;
                        rest := 0;
                        RETURN NEXT;
                        RETURN;
                    END IF;
                END IF;
                RAISE EXCEPTION 'not the short way' USING ERRCODE = 'PL000';
            EXCEPTION WHEN SQLSTATE 'PL000' THEN
                NULL;
            END;
        END IF;
    END IF;
    RETURN QUERY SELECT d.outcome, d.drawn, d.rest FROM public.ledger_draw_any(
        p_posting, p_prefix, p_from, p_credit, p_amount, p_reason, p_happened, p_rest_debit, p_rest_credit, p_rest_reason) d;
END $$;
REVOKE EXECUTE ON FUNCTION ledger_draw FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_draw TO puhui_app;


-- The section [redeem] of the pack that a programme runs by now; it follows from pack and overlays, and is derived again.
CREATE TABLE programme_redeeming (
    programme text PRIMARY KEY REFERENCES programme (code),
    matures_after_days integer NOT NULL CHECK (matures_after_days >= 0),
    confirm_above_points bigint CHECK (confirm_above_points >= 0),
    step_up_above_points bigint CHECK (step_up_above_points >= 0),
    refund_within_days integer NOT NULL CHECK (refund_within_days >= 0),
    unknown text
);
GRANT SELECT, INSERT, UPDATE ON programme_redeeming TO puhui_app;

-- Who redeemed for a household or a firm; whether the phone has to confirm, and whether its owner showed once more who they are.
ALTER TABLE redemption ADD COLUMN actor_id uuid, ADD COLUMN confirm boolean, ADD COLUMN stepped_up boolean;

-- Where a capture was made. What is given at once, as a coupon is, nobody captured at a till.
ALTER TABLE redemption_end ADD COLUMN shop_id uuid, ADD COLUMN till_id uuid;
ALTER TABLE redemption_end DROP CONSTRAINT redemption_end_sound;
ALTER TABLE redemption_end ADD CONSTRAINT redemption_end_sound CHECK (
    CASE ended WHEN 'captured' THEN merchant_id IS NOT NULL AND (captured_by IS NOT NULL OR num_nonnulls(shop_id, till_id) = 0)
         WHEN 'cancelled' THEN num_nonnulls(merchant_id, captured_by, shop_id, till_id) = 0
         WHEN 'lapsed' THEN num_nonnulls(merchant_id, captured_by, shop_id, till_id) = 0 ELSE false END);

-- A till asks a citizen to confirm; the code that it scanned is used by that, whatever comes of it.
CREATE TABLE redemption_asked (
    id uuid PRIMARY KEY,
    redemption_id uuid NOT NULL REFERENCES redemption,
    mac bytea NOT NULL UNIQUE CHECK (length(mac) = 32),
    merchant_id uuid NOT NULL,
    asked_by uuid NOT NULL,
    shop_id uuid,
    till_id uuid,
    asked_at timestamptz NOT NULL,
    until timestamptz NOT NULL CHECK (until > asked_at),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX redemption_asked_redemption ON redemption_asked (redemption_id);
CREATE INDEX redemption_asked_xid ON redemption_asked (xid);

-- What became of a question, once; one without an answer timed out when it was over, or ended with its redemption.
CREATE TABLE redemption_answer (
    asked_id uuid PRIMARY KEY REFERENCES redemption_asked,
    answer text NOT NULL CHECK (answer IN ('confirmed', 'refused', 'withdrawn')),
    answered_by uuid NOT NULL,
    answered_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX redemption_answer_xid ON redemption_answer (xid);

-- The question that waits for its answer.
ALTER TABLE redemption_open ADD COLUMN asked_id uuid;

-- Who asked for a refund, and at which till: staff, a clerk, or a shop's software. Whoever agreed is `refunded_by`. None are
-- refunds from before this was noted.
ALTER TABLE redemption_refund ADD COLUMN asked_by uuid, ADD COLUMN till_id uuid;

-- A part of a capture given back. Parts go to the lots that the hold drew, the last one first.
CREATE TABLE redemption_part (
    redemption_id uuid NOT NULL REFERENCES redemption_end,
    part_id text NOT NULL CHECK (length(part_id) BETWEEN 1 AND 64),
    posting_id uuid NOT NULL UNIQUE,
    points bigint NOT NULL CHECK (points > 0),
    reason text NOT NULL CHECK (reason <> ''),
    refunded_by uuid NOT NULL,
    refunded_at timestamptz NOT NULL,
    asked_by uuid NOT NULL,
    till_id uuid,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (redemption_id, part_id)
);
CREATE INDEX redemption_part_xid ON redemption_part (xid);

-- Scans that found nothing; no code is kept, and they are forgotten. Operation: no fact rests on these rows.
CREATE TABLE redemption_miss (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id uuid NOT NULL,
    by_id uuid NOT NULL,
    shop_id uuid,
    till_id uuid,
    typed boolean NOT NULL,
    reason text NOT NULL CHECK (reason ~ '^[a-z_]{1,40}$'),
    at timestamptz NOT NULL
);
CREATE INDEX redemption_miss_by ON redemption_miss ((COALESCE(till_id, by_id)), at);
CREATE INDEX redemption_miss_merchant ON redemption_miss (merchant_id, at);
GRANT SELECT, INSERT, DELETE ON redemption_miss TO puhui_app;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['redemption_asked', 'redemption_answer', 'redemption_part'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT ON redemption_asked, redemption_answer TO puhui_app;
GRANT SELECT, INSERT ON redemption_part TO puhui_app;


-- Points that a programme still has of an offer's redemption: all that was refunded is none.
CREATE FUNCTION redemption_kept(p_redemption pg_catalog.uuid, p_points pg_catalog.int8)
RETURNS pg_catalog.bool LANGUAGE sql STABLE AS $$
    SELECT NOT EXISTS (SELECT FROM public.redemption_refund f WHERE f.redemption_id = p_redemption)
        AND p_points > COALESCE(
            (SELECT sum(p.points) FROM public.redemption_part p WHERE p.redemption_id = p_redemption), 0)
$$;


-- Raises where an offer is redeemed by nobody: its merchant stands suspended, or every shop where it is given.
CREATE FUNCTION offer_not_suspended(p_offer pg_catalog.uuid, p_merchant pg_catalog.uuid) RETURNS void
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.suspension s WHERE s.merchant_id = p_merchant) THEN
        RETURN;
    END IF;
    PERFORM public.refuse_suspended(p_merchant, NULL, NULL);
    IF (SELECT bool_and(l.shop_id IN (SELECT s.subject_id FROM public.suspended s WHERE s.merchant_id = p_merchant))
        FROM public.offer_shop l WHERE l.offer_id = p_offer) THEN
        RAISE EXCEPTION 'shops suspended' USING ERRCODE = 'PM052';
    END IF;
END $$;


DROP FUNCTION redemption_hold(uuid, uuid, uuid, bytea, timestamptz, date, timestamptz);

-- Set the price of an offer aside from the lots that lapse first, take one item, and note the code's digest.
--
-- What is asked of an account is asked of whoever acts for it, too: nobody redeems through a household what they could not alone.
-- Locks come in one order in every verb here: the redemption, then accounts, then one pile. Drawing the points locks what
-- the citizen has on hold, so from there on a citizen's redemptions in a programme stand in line and can be counted.
-- Tables and types are named with their schema instead of pinning search_path, as in `ledger_post`.
-- `p_voucher_*`: the code of a voucher, for an offer that gives one; without it, such an offer asks for it.
CREATE FUNCTION redemption_hold(
    p_id pg_catalog.uuid, p_participant pg_catalog.uuid, p_offer pg_catalog.uuid, p_mac pg_catalog.bytea,
    p_now pg_catalog.timestamptz, p_today pg_catalog.date, p_until pg_catalog.timestamptz, p_actor pg_catalog.uuid,
    p_stepped_up pg_catalog.bool, p_voucher_mac pg_catalog.bytea DEFAULT NULL, p_voucher_sealed pg_catalog.bytea DEFAULT NULL)
RETURNS TABLE (points pg_catalog.int8, confirm pg_catalog.bool)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    offered pg_catalog.record;
    code_of_hold pg_catalog.text;
    prefix pg_catalog.text;
    aside pg_catalog.int8;
    from_day pg_catalog.date;
BEGIN
    SELECT o.programme, o.merchant_id, o.price_points, o.limited, o.per_citizen, o.gives,
           p_today >= o.first_day AND (p_today <= o.last_day) IS NOT FALSE
           AND NOT EXISTS (SELECT FROM public.offer_withdrawal w WHERE w.offer_id = o.id) AS stands,
           r.matures_after_days, r.unknown, o.gives IS NULL AND o.price_points > r.confirm_above_points AS confirm,
           o.price_points > r.step_up_above_points AS step_up, r.step_up_above_points
    INTO offered FROM public.offer o LEFT JOIN public.programme_redeeming r ON r.programme = o.programme
    WHERE o.id = p_offer;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such offer' USING ERRCODE = 'PM001';
    ELSIF NOT offered.stands THEN
        RAISE EXCEPTION 'offer closed' USING ERRCODE = 'PM002';
    END IF;
    PERFORM public.offer_not_suspended(p_offer, offered.merchant_id);
    IF offered.limited AND NOT EXISTS (
        SELECT FROM public.offer_stock s WHERE s.offer_id = p_offer AND s.items_left > 0)
        OR offered.gives = 'coupon' AND NOT EXISTS (
            SELECT FROM public.coupon_left l WHERE l.offer_id = p_offer AND l.valid_until >= p_today) THEN
        RAISE EXCEPTION 'sold out' USING ERRCODE = 'PM003';
    ELSIF offered.unknown IS NOT NULL THEN
        RAISE EXCEPTION 'figure unknown' USING ERRCODE = 'PM011',
            DETAIL = json_build_object('programme', offered.programme, 'parameter', offered.unknown)::pg_catalog.text;
    END IF;
    IF NOT public.redeemable(p_participant) OR p_actor IS NOT NULL AND NOT public.redeemable(p_actor) THEN
        RAISE EXCEPTION 'not redeemable' USING ERRCODE = 'PM015';
    END IF;
    IF offered.matures_after_days > 0 THEN
        SELECT (max(p.created_at) AT TIME ZONE 'Asia/Shanghai')::pg_catalog.date + offered.matures_after_days INTO from_day
        FROM public.participant p WHERE p.id IN (p_participant, p_actor);
        IF from_day > p_today THEN
            RAISE EXCEPTION 'account too new' USING ERRCODE = 'PM012',
                DETAIL = json_build_object('from', from_day)::pg_catalog.text;
        END IF;
    END IF;
    IF offered.step_up AND p_stepped_up IS NOT TRUE THEN
        RAISE EXCEPTION 'step-up needed' USING ERRCODE = 'PM013',
            DETAIL = json_build_object('above_points', offered.step_up_above_points)::pg_catalog.text;
    ELSIF offered.gives = 'voucher' AND p_voucher_mac IS NULL THEN
        RAISE EXCEPTION 'voucher code wanted' USING ERRCODE = 'PM061';
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
            AND public.redemption_kept(r.id, r.points)) THEN
        RAISE EXCEPTION 'limit reached' USING ERRCODE = 'PM004',
            DETAIL = json_build_object('per_citizen', offered.per_citizen)::pg_catalog.text;
    END IF;
    PERFORM public.offer_admit(p_offer, p_participant, offered.price_points, p_now);
    IF offered.limited AND NOT public.offer_stock_take(p_offer) THEN
        RAISE EXCEPTION 'sold out' USING ERRCODE = 'PM003';
    END IF;

    IF EXISTS (SELECT FROM public.redemption_code c WHERE c.mac = p_mac) THEN
        RAISE unique_violation USING CONSTRAINT = 'redemption_code_mac';
    END IF;
    INSERT INTO public.redemption
        (id, offer_id, participant_id, points, made_at, code_mac, code_expires_at, actor_id, confirm, stepped_up)
    VALUES (p_id, p_offer, p_participant, offered.price_points, p_now, p_mac, p_until, p_actor, offered.confirm,
            NULLIF(p_stepped_up AND offered.step_up, false));
    IF offered.gives IS NULL THEN
        INSERT INTO public.redemption_open (redemption_id, stands_until) VALUES (p_id, p_until);
    ELSIF offered.gives = 'coupon' THEN
        PERFORM public.coupon_give(
            p_id, p_offer, offered.price_points, offered.programme, offered.merchant_id, p_now, p_today);
    ELSE
        PERFORM public.voucher_give(
            p_id, p_offer, offered.price_points, offered.programme, offered.merchant_id, p_now, p_today, p_voucher_mac,
            p_voucher_sealed);
    END IF;
    PERFORM public.budget_take(
        p_id, p_offer, offered.merchant_id, offered.programme, offered.price_points, p_today);
    points := offered.price_points;
    confirm := offered.confirm IS TRUE;
    RETURN NEXT;
END $$;


-- Claim an idempotency key and keep at once what opens its answer again; false where another request has it. Waits for that
-- one at most 2 s, like `kit_claim_key` (then 55P03).
CREATE FUNCTION kit_keep_answer(
    p_principal pg_catalog.text, p_key pg_catalog.text, p_fingerprint pg_catalog.bytea, p_kept pg_catalog.bytea)
RETURNS pg_catalog.bool LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
BEGIN
    INSERT INTO public.kit_idempotency_key (principal, key, fingerprint, status, headers, body)
    VALUES (p_principal, p_key, p_fingerprint, 201, '{}', p_kept)
    ON CONFLICT ON CONSTRAINT kit_idempotency_key_pkey DO NOTHING;
    RETURN FOUND;
END $$;


-- The same under an idempotency key, in one call: claimed before, and what opens the answer again kept with it. Not
-- `claimed`: the row that the first request left.
-- With a session: no row where that does not stand.
CREATE FUNCTION redemption_hold_once(
    p_principal pg_catalog.text, p_key pg_catalog.text, p_fingerprint pg_catalog.bytea, p_kept pg_catalog.bytea,
    p_id pg_catalog.uuid, p_participant pg_catalog.uuid, p_offer pg_catalog.uuid, p_mac pg_catalog.bytea,
    p_now pg_catalog.timestamptz, p_today pg_catalog.date, p_until pg_catalog.timestamptz, p_actor pg_catalog.uuid,
    p_session pg_catalog.uuid)
RETURNS TABLE (
    claimed pg_catalog.bool, fingerprint pg_catalog.bytea, status pg_catalog.int2, body pg_catalog.bytea,
    points pg_catalog.int8, confirm pg_catalog.bool)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
    IF p_session IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.token_family f
        WHERE f.id = p_session AND f.subject = p_participant AND f.audience = 'citizen' AND f.revoked_at IS NULL
          AND f.expires_at > p_now) THEN
        RETURN;
    END IF;
    claimed := public.kit_keep_answer(p_principal, p_key, p_fingerprint, p_kept);
    IF claimed THEN
        SELECT h.points, h.confirm INTO points, confirm
        FROM public.redemption_hold(p_id, p_participant, p_offer, p_mac, p_now, p_today, p_until, p_actor, NULL) h;
    ELSE
        SELECT k.fingerprint, k.status, k.body INTO fingerprint, status, body
        FROM public.kit_idempotency_key k WHERE k.principal = p_principal AND k.key = p_key;
    END IF;
    RETURN NEXT;
END $$;


-- What a capture is: its end, what the merchant is owed, what it is worth, and who is told. Not for callers: they hold the
-- right to end the redemption.
CREATE FUNCTION redemption_captured(
    p_redemption pg_catalog.uuid, p_offer pg_catalog.uuid, p_points pg_catalog.int8, p_programme pg_catalog.text,
    p_merchant pg_catalog.uuid, p_by pg_catalog.uuid, p_shop pg_catalog.uuid, p_till pg_catalog.uuid,
    p_posting pg_catalog.uuid, p_now pg_catalog.timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    code_of_payable pg_catalog.text;
    payable pg_catalog.int8;
BEGIN
    PERFORM public.refuse_suspended(p_merchant, p_shop, p_till);
    SELECT 'payable:' || m.code || ':' || p_programme INTO code_of_payable
    FROM public.organisation m WHERE m.id = p_merchant;
    SELECT a.id INTO payable FROM public.ledger_account a WHERE a.code = code_of_payable;
    IF NOT FOUND THEN
        SELECT a.id INTO payable FROM public.ledger_open(
            ARRAY[code_of_payable], ARRAY['payable'::pg_catalog.text], ARRAY[NULL::pg_catalog.date]) a;
    END IF;
    INSERT INTO public.redemption_end
        (redemption_id, ended, posting_id, merchant_id, captured_by, ended_at, shop_id, till_id)
    VALUES (p_redemption, 'captured', p_posting, p_merchant, p_by, p_now, p_shop, p_till);
    PERFORM public.capture_value(p_redemption, p_offer, p_merchant, p_programme, p_points, p_now);
    PERFORM public.ledger_capture(p_posting, p_redemption, payable, 'points.captured', p_now);
    PERFORM public.webhook_tell(p_posting, p_merchant, 'redemption.captured', jsonb_build_object(
        'redemption_id', p_redemption, 'offer_id', p_offer, 'programme', p_programme, 'points', p_points,
        'shop_id', p_shop, 'till_id', p_till), p_now);
END $$;


DROP FUNCTION redemption_capture(bytea, uuid, uuid, uuid, timestamptz);

-- What a till's scan comes to. `captured` with the receipt, now (`fresh`) or before; `waiting` for the phone; `unknown`, also
-- for the code of another merchant; else why not. Decided by who removes the row of `redemption_open`; a second till
-- waits for the first one's end.
CREATE FUNCTION redemption_capture(
    p_mac pg_catalog.bytea, p_merchant pg_catalog.uuid, p_by pg_catalog.uuid, p_shop pg_catalog.uuid,
    p_till pg_catalog.uuid, p_posting pg_catalog.uuid, p_now pg_catalog.timestamptz, p_wait_until pg_catalog.timestamptz)
RETURNS TABLE (
    state pg_catalog.text, fresh pg_catalog.bool, redemption_id pg_catalog.uuid, offer_id pg_catalog.uuid,
    programme pg_catalog.text, title_zh pg_catalog.text, title_en pg_catalog.text, points pg_catalog.int8,
    captured_at pg_catalog.timestamptz, captured_by pg_catalog.uuid, shop_id pg_catalog.uuid, till_id pg_catalog.uuid,
    scan_id pg_catalog.uuid, waits_until pg_catalog.timestamptz, money_fen pg_catalog.int8)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    scanned pg_catalog.record;
    ending pg_catalog.record;
    asked pg_catalog.record;
    answered pg_catalog.text;
BEGIN
    fresh := false;
    SELECT r.id, r.points, r.code_expires_at AS expires_at, r.offer_id, r.confirm, r.made_at INTO scanned
    FROM public.redemption r WHERE r.code_mac = p_mac;
    IF NOT FOUND THEN
        SELECT r.id, r.points, c.expires_at, r.offer_id, r.confirm, r.made_at INTO scanned
        FROM public.redemption_code c JOIN public.redemption r ON r.id = c.redemption_id WHERE c.mac = p_mac;
    END IF;
    IF FOUND THEN
        SELECT o.programme, o.title_zh, o.title_en, t.money_fen INTO programme, title_zh, title_en, money_fen
        FROM public.offer o LEFT JOIN public.offer_terms t ON t.offer_id = o.id
        WHERE o.id = scanned.offer_id AND o.merchant_id = p_merchant;
    END IF;
    IF NOT FOUND THEN
        state := 'unknown';
        RETURN NEXT;
        RETURN;
    END IF;
    redemption_id := scanned.id;
    offer_id := scanned.offer_id;
    points := scanned.points;

    IF scanned.confirm THEN
        PERFORM FROM public.redemption_open o WHERE o.redemption_id = scanned.id FOR UPDATE;
        IF FOUND THEN
            SELECT a.id, a.until, a.asked_by, a.till_id, a.shop_id, a.asked_at,
                   (a.until > p_now AND o.asked_id = a.id) IS TRUE AS waits INTO asked
            FROM public.redemption_asked a JOIN public.redemption_open o ON o.redemption_id = a.redemption_id
            WHERE a.redemption_id = scanned.id AND (a.mac = p_mac OR a.id = o.asked_id AND a.until > p_now)
            ORDER BY a.mac = p_mac DESC LIMIT 1;
            IF FOUND THEN
                state := CASE WHEN NOT asked.waits THEN 'used'
                              WHEN asked.asked_by = p_by AND asked.till_id IS NOT DISTINCT FROM p_till THEN 'waiting'
                              ELSE 'waiting_elsewhere' END;
                captured_at := asked.asked_at;
                captured_by := asked.asked_by;
                shop_id := asked.shop_id;
                till_id := asked.till_id;
                IF state = 'waiting' THEN
                    scan_id := asked.id;
                    waits_until := asked.until;
                END IF;
            ELSIF scanned.expires_at <= p_now THEN
                state := 'expired';
            ELSE
                state := 'waiting';
                fresh := true;
                PERFORM public.refuse_suspended(p_merchant, p_shop, p_till);
                PERFORM public.offer_at_shop(scanned.offer_id, p_shop, scanned.made_at, p_now);
                scan_id := p_posting;
                waits_until := p_wait_until;
                INSERT INTO public.redemption_asked
                    (id, redemption_id, mac, merchant_id, asked_by, shop_id, till_id, asked_at, until)
                VALUES (p_posting, scanned.id, p_mac, p_merchant, p_by, p_shop, p_till, p_now, p_wait_until);
                UPDATE public.redemption_open o
                SET asked_id = p_posting, stands_until = GREATEST(o.stands_until, p_wait_until)
                WHERE o.redemption_id = scanned.id;
            END IF;
            RETURN NEXT;
            RETURN;
        END IF;
    ELSIF scanned.expires_at > p_now THEN
        DELETE FROM public.redemption_open o WHERE o.redemption_id = scanned.id;
        IF FOUND THEN
            PERFORM public.offer_at_shop(scanned.offer_id, p_shop, scanned.made_at, p_now);
            PERFORM public.redemption_captured(
                scanned.id, scanned.offer_id, scanned.points, programme, p_merchant, p_by, p_shop, p_till, p_posting, p_now);
            state := 'captured';
            fresh := true;
            captured_at := p_now;
            captured_by := p_by;
            shop_id := p_shop;
            till_id := p_till;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;

    SELECT e.ended, e.ended_at, e.captured_by, e.shop_id, e.till_id,
           public.redemption_kept(scanned.id, scanned.points) AS kept
    INTO ending FROM public.redemption_end e WHERE e.redemption_id = scanned.id;
    state := CASE WHEN NOT FOUND THEN 'expired' WHEN NOT ending.kept THEN 'refunded' ELSE ending.ended END;
    captured_at := ending.ended_at;
    captured_by := ending.captured_by;
    shop_id := ending.shop_id;
    till_id := ending.till_id;
    RETURN NEXT;
END $$;


-- A scan by whoever a token names, in one statement: staff of a merchant by their session, a clerk by a till's. No row where
-- the session does not stand or its owner may not capture.
CREATE FUNCTION redemption_scan(
    p_staff pg_catalog.bool, p_session pg_catalog.uuid, p_subject pg_catalog.uuid, p_mac pg_catalog.bytea,
    p_posting pg_catalog.uuid, p_now pg_catalog.timestamptz, p_wait_until pg_catalog.timestamptz)
RETURNS TABLE (
    merchant_id pg_catalog.uuid, at_shop pg_catalog.uuid, at_till pg_catalog.uuid,
    state pg_catalog.text, fresh pg_catalog.bool, redemption_id pg_catalog.uuid, offer_id pg_catalog.uuid,
    programme pg_catalog.text, title_zh pg_catalog.text, title_en pg_catalog.text, points pg_catalog.int8,
    captured_at pg_catalog.timestamptz, captured_by pg_catalog.uuid, shop_id pg_catalog.uuid, till_id pg_catalog.uuid,
    scan_id pg_catalog.uuid, waits_until pg_catalog.timestamptz, money_fen pg_catalog.int8)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
    IF p_staff THEN
        SELECT s.organisation_id INTO merchant_id
        FROM public.token_family f JOIN public.staff s ON s.id = f.subject AND s.active
        JOIN public.staff_role r ON r.staff_id = s.id AND r.role = 'merchant'
        WHERE f.id = p_session AND f.subject = p_subject AND f.audience = 'staff' AND f.revoked_at IS NULL
            AND f.expires_at > p_now;
    ELSE
        SELECT t.merchant_id, t.shop_id, t.id INTO merchant_id, at_shop, at_till
        FROM public.till_session s JOIN public.till t ON t.id = s.till_id AND t.revoked_at IS NULL
        JOIN public.clerk c ON c.id = s.clerk_id AND c.active AND c.shop_id = t.shop_id
        WHERE s.id = p_session AND s.clerk_id = p_subject AND s.ended_at IS NULL AND s.ends_at > p_now;
    END IF;
    IF FOUND THEN
        RETURN QUERY SELECT merchant_id, at_shop, at_till, c.* FROM public.redemption_capture(
            p_mac, merchant_id, p_subject, at_shop, at_till, p_posting, p_now, p_wait_until) c;
    END IF;
END $$;


-- Whether a shop that says so takes a code at a moment that was asked for at another. One that told no hours takes codes at any
-- time, but for the days it excepts; and what was redeemed while it was open is served after the door is shut.
CREATE FUNCTION shop_takes(
    p_hours pg_catalog.jsonb, p_except_days pg_catalog.jsonb, p_made_at pg_catalog.timestamptz, p_at pg_catalog.timestamptz)
RETURNS pg_catalog.bool
LANGUAGE sql STABLE AS $$
    SELECT p_hours = '{}' AND NOT p_except_days ? to_char(p_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD')
        OR public.within_hours(p_hours, p_except_days, p_at) OR public.within_hours(p_hours, p_except_days, p_made_at)
$$;

-- Whether an offer may be given at a shop now; raises where it may not: the shop is closed for good or for now, it is outside its
-- hours, or the offer is of other shops. Captures by staff name no shop and may be made anywhere.
CREATE FUNCTION offer_at_shop(
    p_offer pg_catalog.uuid, p_shop pg_catalog.uuid, p_made_at pg_catalog.timestamptz, p_now pg_catalog.timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    said pg_catalog.record;
BEGIN
    IF p_shop IS NULL THEN
        RETURN;
    END IF;
    SELECT e.closed, public.shop_takes(e.hours, e.except_days, p_made_at, p_now) AS takes
    INTO said FROM public.shop_edition e WHERE e.shop_id = p_shop ORDER BY e.number DESC LIMIT 1;
    IF said.closed THEN
        RAISE EXCEPTION 'shop closed' USING ERRCODE = 'PM016';
    ELSIF NOT said.takes THEN
        RAISE EXCEPTION 'outside the hours of the shop' USING ERRCODE = 'PM017';
    END IF;
    IF EXISTS (SELECT FROM public.offer_shop l WHERE l.offer_id = p_offer)
        AND NOT EXISTS (SELECT FROM public.offer_shop l WHERE l.offer_id = p_offer AND l.shop_id = p_shop) THEN
        RAISE EXCEPTION 'not at this shop' USING ERRCODE = 'PM014';
    END IF;
END $$;


-- A citizen's answer to a till's question: what is confirmed is captured by the till that asked, in this statement. Answers what
-- became of the question: confirmed, refused, withdrawn, timed_out, ended; nothing where it is not theirs.
CREATE FUNCTION redemption_answered(
    p_redemption uuid, p_participant uuid, p_asked uuid, p_yes boolean, p_by uuid, p_posting uuid, p_now timestamptz)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked record;
    standing record;
    before text;
BEGIN
    SELECT a.*, r.points, r.offer_id, o.programme INTO asked
    FROM redemption_asked a JOIN redemption r ON r.id = a.redemption_id JOIN offer o ON o.id = r.offer_id
    WHERE a.id = p_asked AND a.redemption_id = p_redemption AND r.participant_id = p_participant;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO standing FROM redemption_open o WHERE o.redemption_id = p_redemption FOR UPDATE;
    IF NOT FOUND OR standing.asked_id IS DISTINCT FROM p_asked OR asked.until <= p_now THEN
        SELECT w.answer INTO before FROM redemption_answer w WHERE w.asked_id = p_asked;
        RETURN COALESCE(before, CASE WHEN asked.until <= p_now THEN 'timed_out' ELSE 'ended' END);
    END IF;
    IF p_yes AND p_by <> p_participant AND NOT redeemable(p_by) THEN
        RAISE EXCEPTION 'not redeemable' USING ERRCODE = 'PM015';
    END IF;
    INSERT INTO redemption_answer (asked_id, answer, answered_by, answered_at)
    VALUES (p_asked, CASE WHEN p_yes THEN 'confirmed' ELSE 'refused' END, p_by, p_now);
    IF p_yes THEN
        DELETE FROM redemption_open o WHERE o.redemption_id = p_redemption;
        PERFORM redemption_captured(
            p_redemption, asked.offer_id, asked.points, asked.programme, asked.merchant_id, asked.asked_by, asked.shop_id,
            asked.till_id, p_posting, p_now);
        RETURN 'confirmed';
    END IF;
    UPDATE redemption_open o SET asked_id = NULL WHERE o.redemption_id = p_redemption;
    RETURN 'refused';
END $$;


-- The till asks no more. Nothing happens to a question that was answered or is over.
CREATE FUNCTION redemption_withdraw(p_asked uuid, p_merchant uuid, p_by uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked record;
BEGIN
    SELECT a.redemption_id, a.until INTO asked FROM redemption_asked a WHERE a.id = p_asked AND a.merchant_id = p_merchant;
    PERFORM FROM redemption_open o WHERE o.redemption_id = asked.redemption_id AND o.asked_id = p_asked FOR UPDATE;
    IF FOUND AND asked.until > p_now THEN
        INSERT INTO redemption_answer (asked_id, answer, answered_by, answered_at) VALUES (p_asked, 'withdrawn', p_by, p_now);
        UPDATE redemption_open o SET asked_id = NULL WHERE o.redemption_id = asked.redemption_id;
    END IF;
END $$;


-- Another code for a redemption that stands; nothing when it does not, or is not the participant's, or stood long enough.
CREATE OR REPLACE FUNCTION redemption_renew(
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
    IF EXISTS (SELECT FROM redemption WHERE code_mac = p_mac) THEN
        RAISE unique_violation USING CONSTRAINT = 'redemption_code_mac';
    END IF;
    UPDATE redemption_open SET stands_until = GREATEST(stands_until, p_until) WHERE redemption_id = p_redemption;
    INSERT INTO redemption_code (mac, redemption_id, issued_at, expires_at) VALUES (p_mac, p_redemption, p_now, p_until);
    RETURN true;
END $$;


-- A capture of a merchant that is about to be refunded, its row locked: refunds of one redemption stand in line, and so does the
-- use of a voucher. `voucher`: none, or what became of the one that was given: good or used.
CREATE FUNCTION redemption_refundable(p_redemption uuid, p_merchant uuid)
RETURNS TABLE (
    posting_id uuid, ended_at timestamptz, offer_id uuid, limited boolean, programme text, points bigint,
    whole boolean, parts bigint, within_days integer, voucher text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM redemption_end e
    WHERE e.redemption_id = p_redemption AND e.merchant_id = p_merchant AND e.ended = 'captured' FOR NO KEY UPDATE;
    RETURN QUERY
    SELECT e.posting_id, e.ended_at, o.id, o.limited, o.programme, r.points,
           EXISTS (SELECT FROM redemption_refund f WHERE f.redemption_id = r.id),
           COALESCE((SELECT sum(p.points) FROM redemption_part p WHERE p.redemption_id = r.id), 0)::bigint,
           COALESCE((SELECT g.refund_within_days FROM programme_redeeming g WHERE g.programme = o.programme), 7),
           CASE WHEN o.gives = 'voucher' THEN
               CASE WHEN EXISTS (SELECT FROM voucher_use u WHERE u.redemption_id = r.id) THEN 'used' ELSE 'good' END END
    FROM redemption_end e JOIN redemption r ON r.id = e.redemption_id JOIN offer o ON o.id = r.offer_id
    WHERE e.redemption_id = p_redemption AND e.merchant_id = p_merchant AND e.ended = 'captured';
END $$;


-- A merchant's own names for who stood where: a clerk's or a software key's label, a login of its staff, a till's label.
CREATE FUNCTION redemption_labels(p_by uuid, p_till uuid) RETURNS TABLE (by_label text, till_label text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT COALESCE((SELECT c.label FROM clerk c WHERE c.id = p_by), (SELECT k.label FROM software_key k WHERE k.id = p_by),
                    (SELECT s.login FROM staff s WHERE s.id = p_by)),
           (SELECT t.label FROM till t WHERE t.id = p_till)
$$;


-- Who stands at a till of a merchant, or for it: staff, a clerk, a shop's software.
CREATE FUNCTION redemption_stood_for(p_by uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT COALESCE((SELECT s.organisation_id FROM staff s WHERE s.id = p_by),
                    (SELECT c.merchant_id FROM clerk c WHERE c.id = p_by),
                    (SELECT k.merchant_id FROM software_key k WHERE k.id = p_by AND NOT k.sandbox))
$$;


REVOKE EXECUTE ON FUNCTION shop_takes, redemption_scan, redemption_labels, redemption_stood_for, kit_keep_answer, redemption_hold, redemption_hold_once, redemption_captured, redemption_capture, offer_at_shop, offer_not_suspended,
    redemption_answered, redemption_withdraw, redemption_refundable FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop_takes, redemption_hold, redemption_hold_once, redemption_capture, redemption_answered, redemption_withdraw,
    redemption_refundable, redemption_scan, redemption_labels, redemption_stood_for TO puhui_app;


-- Which member redeemed for a household or a firm is told with whatever else they did for it.
CREATE FUNCTION redemption_acted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO group_act (group_id, actor_id, operation, address, acted_at)
    SELECT NEW.participant_id, NEW.actor_id, 'redeem', '/redemptions/' || NEW.id, NEW.made_at
    FROM participant p WHERE p.id = NEW.participant_id AND p.kind IN ('household', 'firm');
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION redemption_acted FROM PUBLIC;
CREATE TRIGGER redemption_acted AFTER INSERT ON redemption
    FOR EACH ROW WHEN (NEW.actor_id IS NOT NULL) EXECUTE FUNCTION redemption_acted();
