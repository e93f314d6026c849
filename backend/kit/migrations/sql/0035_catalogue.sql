-- Offers in full: drafts and their review, and on what terms an offer is given.

-- What became of an offer, step by step; the last one counts. An offer without terms was made before there were reviews and
-- counts as published; its first step, if there is any, is its first pause.
CREATE TABLE offer_step (
    offer_id uuid NOT NULL REFERENCES offer,
    number integer NOT NULL CHECK (number >= 1),
    step text NOT NULL CHECK (step IN ('drafted', 'submitted', 'published', 'sent_back', 'paused', 'resumed')),
    stepped_by uuid NOT NULL REFERENCES staff,
    reason text CHECK (reason <> ''),
    stepped_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (offer_id, number),
    CONSTRAINT offer_step_told CHECK ((step = 'sent_back') <= (reason IS NOT NULL)),
    CONSTRAINT offer_step_first CHECK (number > 1 AND step <> 'drafted' OR number = 1 AND step IN ('drafted', 'paused'))
);
CREATE INDEX offer_step_xid ON offer_step (xid);

-- On what terms an offer is given, said once with its draft. `seasons`: spans of days of each year, [["04-01", "06-30"], …],
-- both included. `money_fen`: what is paid beside the points, told only. `per_period`: how often one citizen may have it in a
-- day, week or month of Asia/Shanghai. `opening_hours`: only while one of its shops is open. Of an offer that gives vouchers:
-- `face_fen`, what one is worth at the till; `minimum_fen`, from what purchase on; `valid_days` after the day it is given.
CREATE TABLE offer_terms (
    offer_id uuid PRIMARY KEY REFERENCES offer,
    category text CHECK (category ~ '^[a-z_]{1,40}$'),
    money_fen bigint CHECK (money_fen >= 0),
    period text CHECK (period IN ('day', 'week', 'month')),
    per_period integer CHECK (per_period >= 1),
    opening_hours boolean NOT NULL,
    seasons jsonb NOT NULL CHECK (jsonb_typeof(seasons) = 'array'),
    terms_zh text,
    terms_en text,
    contract_term text NOT NULL DEFAULT 'standard' CHECK (contract_term <> ''),
    face_fen bigint CHECK (face_fen > 0),
    minimum_fen bigint CHECK (minimum_fen > 0),
    valid_days integer CHECK (valid_days BETWEEN 1 AND 1095),
    said_by uuid NOT NULL REFERENCES staff,
    said_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT offer_terms_period CHECK ((period IS NULL) = (per_period IS NULL)),
    CONSTRAINT offer_terms_voucher CHECK (
        (face_fen IS NULL) = (valid_days IS NULL) AND (face_fen IS NOT NULL OR minimum_fen IS NULL))
);
CREATE INDEX offer_terms_xid ON offer_terms (xid);
CREATE INDEX offer_terms_category ON offer_terms (category);

-- Shops where an offer is given; none: at all of its merchant's.
CREATE TABLE offer_shop (
    offer_id uuid NOT NULL REFERENCES offer,
    shop_id uuid NOT NULL REFERENCES shop,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (offer_id, shop_id)
);
CREATE INDEX offer_shop_xid ON offer_shop (xid);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['offer_step', 'offer_terms', 'offer_shop'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON offer_step, offer_terms, offer_shop TO puhui_app;


-- Whether an offer has been let through and is not paused: one look-up by its key.
CREATE FUNCTION offer_shown(p_offer pg_catalog.uuid) RETURNS pg_catalog.bool
LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT s.step IN ('published', 'resumed') FROM public.offer_step s
                     WHERE s.offer_id = p_offer ORDER BY s.number DESC LIMIT 1), true)
$$;

-- Whether a citizen may redeem an offer now, beyond what `redemption_hold` asks itself; raises what speaks against it. Called
-- once the points are drawn, so that one citizen's redemptions in a programme stand in line and can be counted.
CREATE FUNCTION offer_admit(
    p_offer pg_catalog.uuid, p_participant pg_catalog.uuid, p_points pg_catalog.int8, p_now pg_catalog.timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    terms pg_catalog.record;
    today pg_catalog.text;
BEGIN
    IF NOT public.offer_shown(p_offer) THEN
        RAISE EXCEPTION 'offer not published' USING ERRCODE = 'PM041';
    END IF;
    SELECT t.period, t.per_period, t.opening_hours, t.seasons INTO terms
    FROM public.offer_terms t WHERE t.offer_id = p_offer;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- A season whose end lies before its start runs over the turn of the year.
    IF terms.seasons <> '[]' THEN
        today := to_char(p_now AT TIME ZONE 'Asia/Shanghai', 'MM-DD');
        IF NOT EXISTS (
            SELECT FROM jsonb_array_elements(terms.seasons) AS s (span)
            WHERE CASE WHEN span ->> 0 <= span ->> 1 THEN today BETWEEN span ->> 0 AND span ->> 1
                       ELSE today >= span ->> 0 OR today <= span ->> 1 END) THEN
            RAISE EXCEPTION 'out of season' USING ERRCODE = 'PM042';
        END IF;
    END IF;
    IF terms.opening_hours AND NOT EXISTS (
        SELECT FROM public.shop s JOIN public.offer o ON o.merchant_id = s.merchant_id
        WHERE o.id = p_offer AND public.shop_is_open(s.id, p_now)
          AND (NOT EXISTS (SELECT FROM public.offer_shop l WHERE l.offer_id = p_offer)
               OR EXISTS (SELECT FROM public.offer_shop l WHERE l.offer_id = p_offer AND l.shop_id = s.id))) THEN
        RAISE EXCEPTION 'no shop is open' USING ERRCODE = 'PM043';
    END IF;
    IF terms.per_period IS NOT NULL AND terms.per_period <= (
        SELECT count(*) FROM public.redemption r LEFT JOIN public.redemption_end e ON e.redemption_id = r.id
        WHERE r.participant_id = p_participant AND r.offer_id = p_offer
          AND r.made_at >= date_trunc(terms.period, p_now AT TIME ZONE 'Asia/Shanghai') AT TIME ZONE 'Asia/Shanghai'
          AND COALESCE(e.ended, 'captured') = 'captured' AND public.redemption_kept(r.id, r.points)) THEN
        RAISE EXCEPTION 'limit of the period reached' USING ERRCODE = 'PM044',
            DETAIL = json_build_object('period', terms.period, 'per_period', terms.per_period)::pg_catalog.text;
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION offer_shown FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offer_shown TO puhui_app;


-- What an offer gives: nothing said is goods at a till. A coupon offer is not limited by a stock: codes left are what it has.
ALTER TABLE offer ADD COLUMN gives text;
ALTER TABLE offer ADD CONSTRAINT offer_gives CHECK (gives IS NULL OR gives = 'coupon' AND NOT limited OR gives = 'voucher');

-- Codes that a merchant brought in at once, all or none.
CREATE TABLE coupon_import (
    id uuid PRIMARY KEY,
    offer_id uuid NOT NULL REFERENCES offer,
    codes integer NOT NULL CHECK (codes BETWEEN 1 AND 10000),
    imported_by uuid NOT NULL REFERENCES staff,
    imported_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX coupon_import_offer ON coupon_import (offer_id);
CREATE INDEX coupon_import_xid ON coupon_import (xid);

-- The codes, sealed; `mac` is a keyed digest of merchant and code, so that one code is brought in once whatever offer it is of.
-- `valid_until` is included; none is for ever.
CREATE TABLE coupon_code (
    id uuid PRIMARY KEY,
    import_id uuid NOT NULL REFERENCES coupon_import,
    mac bytea NOT NULL UNIQUE CHECK (length(mac) = 32),
    code_sealed bytea NOT NULL,
    valid_until date,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX coupon_code_import ON coupon_code (import_id);
CREATE INDEX coupon_code_xid ON coupon_code (xid);

-- Which redemption a code was given to: one at most each way, for ever.
CREATE TABLE coupon_given (
    redemption_id uuid PRIMARY KEY REFERENCES redemption_end,
    coupon_id uuid NOT NULL UNIQUE REFERENCES coupon_code,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX coupon_given_xid ON coupon_given (xid);

-- Codes that nobody has yet: every code less those given. Derived, and recomputed by the audit.
CREATE TABLE coupon_left (
    coupon_id uuid PRIMARY KEY,
    offer_id uuid NOT NULL,
    valid_until date NOT NULL
);
CREATE INDEX coupon_left_offer ON coupon_left (offer_id, valid_until, coupon_id);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['coupon_import', 'coupon_code', 'coupon_given'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON coupon_import, coupon_code TO puhui_app;
GRANT SELECT ON coupon_given, coupon_left TO puhui_app;


-- A code that was brought in is left from the first, in the same statement.
CREATE FUNCTION coupon_code_is_left() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO coupon_left (coupon_id, offer_id, valid_until)
    SELECT new.id, i.offer_id, COALESCE(new.valid_until, 'infinity') FROM coupon_import i WHERE i.id = new.import_id;
    RETURN NULL;
END $$;
CREATE TRIGGER coupon_code_left AFTER INSERT ON coupon_code FOR EACH ROW EXECUTE FUNCTION coupon_code_is_left();


-- Codes of an offer that can still be given on a day.
CREATE FUNCTION coupons_left(p_offer pg_catalog.uuid, p_day pg_catalog.date) RETURNS pg_catalog.int8
LANGUAGE sql STABLE AS $$
    SELECT count(*) FROM public.coupon_left l WHERE l.offer_id = p_offer AND l.valid_until >= p_day
$$;


-- Capture a redemption whose points are on hold and give it one code, the one that ends first. Whoever takes a code's row away has
-- it; buyers pass each other's codes by, and wait for those only where no other is left, as their holders may yet give them up.
-- The code is taken before the payable account is touched: a buyer who waits for a code holds nothing that others need.
CREATE FUNCTION coupon_give(
    p_redemption pg_catalog.uuid, p_offer pg_catalog.uuid, p_points pg_catalog.int8, p_programme pg_catalog.text,
    p_merchant pg_catalog.uuid, p_now pg_catalog.timestamptz, p_today pg_catalog.date)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    drawn pg_catalog.uuid;
BEGIN
    SELECT l.coupon_id INTO drawn FROM public.coupon_left l
    WHERE l.offer_id = p_offer AND l.valid_until >= p_today
    ORDER BY l.valid_until, l.coupon_id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        SELECT l.coupon_id INTO drawn FROM public.coupon_left l
        WHERE l.offer_id = p_offer AND l.valid_until >= p_today
        ORDER BY l.valid_until, l.coupon_id LIMIT 1 FOR UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'sold out' USING ERRCODE = 'PM003';
        END IF;
    END IF;
    DELETE FROM public.coupon_left l WHERE l.coupon_id = drawn;
    PERFORM public.redemption_captured(
        p_redemption, p_offer, p_points, p_programme, p_merchant, NULL, NULL, NULL, gen_random_uuid(), p_now);
    INSERT INTO public.coupon_given (redemption_id, coupon_id) VALUES (p_redemption, drawn);
END $$;

REVOKE EXECUTE ON FUNCTION coupons_left, coupon_code_is_left, coupon_give FROM PUBLIC;
GRANT EXECUTE ON FUNCTION coupons_left TO puhui_app;


-- Vouchers: what a redemption drew that is worth money at the merchant's tills. The code is the platform's own, sealed; `mac` is its
-- keyed digest. Worth and last day (included) are those of the offer's terms on the day it was given.
CREATE TABLE voucher (
    redemption_id uuid PRIMARY KEY REFERENCES redemption_end,
    mac bytea NOT NULL UNIQUE CHECK (length(mac) = 32),
    code_sealed bytea NOT NULL,
    face_fen bigint NOT NULL CHECK (face_fen > 0),
    minimum_fen bigint CHECK (minimum_fen > 0),
    valid_until date NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX voucher_valid_until ON voucher (valid_until, redemption_id);
CREATE INDEX voucher_xid ON voucher (xid);

-- A voucher is used once. `purchase_fen`: what the purchase came to, where the till said so.
CREATE TABLE voucher_use (
    redemption_id uuid PRIMARY KEY REFERENCES voucher,
    merchant_id uuid NOT NULL REFERENCES organisation,
    used_by uuid NOT NULL,
    shop_id uuid,
    till_id uuid,
    purchase_fen bigint CHECK (purchase_fen > 0),
    used_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX voucher_use_merchant ON voucher_use (merchant_id, used_at, redemption_id);
CREATE INDEX voucher_use_xid ON voucher_use (xid);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['voucher', 'voucher_use'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT ON voucher, voucher_use TO puhui_app;


-- Capture a redemption whose points are on hold and give it a voucher with the code that came along. Not for callers:
-- `redemption_hold` is.
CREATE FUNCTION voucher_give(
    p_redemption pg_catalog.uuid, p_offer pg_catalog.uuid, p_points pg_catalog.int8, p_programme pg_catalog.text,
    p_merchant pg_catalog.uuid, p_now pg_catalog.timestamptz, p_today pg_catalog.date, p_mac pg_catalog.bytea,
    p_sealed pg_catalog.bytea)
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.redemption_captured(
        p_redemption, p_offer, p_points, p_programme, p_merchant, NULL, NULL, NULL, gen_random_uuid(), p_now);
    INSERT INTO public.voucher (redemption_id, mac, code_sealed, face_fen, minimum_fen, valid_until)
    SELECT p_redemption, p_mac, p_sealed, t.face_fen, t.minimum_fen, p_today + t.valid_days
    FROM public.offer_terms t WHERE t.offer_id = p_offer;
END $$;


-- What a till is told of a voucher, and where it does more than look, the use of it. `good` is a yes; `unknown`, also for another
-- merchant's; else why not. Uses and refunds of one voucher stand in line behind the end of its redemption.
CREATE FUNCTION voucher_at_till(
    p_mac bytea, p_merchant uuid, p_by uuid, p_shop uuid, p_till uuid, p_purchase_fen bigint, p_use boolean, p_event uuid,
    p_now timestamptz, p_today date)
RETURNS TABLE (
    state text, redemption_id uuid, offer_id uuid, title_zh text, title_en text, face_fen bigint, minimum_fen bigint,
    valid_until date, used_at timestamptz, used_by uuid, shop_id uuid, till_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    points bigint;
BEGIN
    SELECT v.redemption_id, r.offer_id, o.title_zh, o.title_en, v.face_fen, v.minimum_fen, v.valid_until, r.points
    INTO redemption_id, offer_id, title_zh, title_en, face_fen, minimum_fen, valid_until, points
    FROM voucher v JOIN redemption r ON r.id = v.redemption_id JOIN offer o ON o.id = r.offer_id
    WHERE v.mac = p_mac AND o.merchant_id = p_merchant;
    IF NOT FOUND THEN
        state := 'unknown';
        RETURN NEXT;
        RETURN;
    END IF;
    IF p_use THEN
        PERFORM FROM redemption_end e WHERE e.redemption_id = voucher_at_till.redemption_id FOR NO KEY UPDATE;
    END IF;
    SELECT u.used_at, u.used_by, u.shop_id, u.till_id INTO used_at, used_by, shop_id, till_id
    FROM voucher_use u WHERE u.redemption_id = voucher_at_till.redemption_id;
    state := CASE WHEN FOUND THEN 'used'
                  WHEN NOT redemption_kept(voucher_at_till.redemption_id, points) THEN 'refunded'
                  WHEN valid_until < p_today THEN 'over'
                  WHEN p_purchase_fen < minimum_fen THEN 'purchase_too_small'
                  WHEN p_use AND p_purchase_fen IS NULL AND minimum_fen IS NOT NULL THEN 'purchase_wanted'
                  ELSE 'good' END;
    IF state NOT IN ('used', 'refunded', 'over') THEN
        PERFORM refuse_suspended(p_merchant, p_shop, p_till);
        PERFORM offer_at_shop(voucher_at_till.offer_id, p_shop, p_now, p_now);
    END IF;
    IF p_use AND state = 'good' THEN
        INSERT INTO voucher_use (redemption_id, merchant_id, used_by, shop_id, till_id, purchase_fen, used_at)
        VALUES (voucher_at_till.redemption_id, p_merchant, p_by, p_shop, p_till, p_purchase_fen, p_now);
        PERFORM webhook_tell(p_event, p_merchant, 'voucher.used', jsonb_build_object(
            'redemption_id', voucher_at_till.redemption_id, 'offer_id', voucher_at_till.offer_id,
            'face_fen', voucher_at_till.face_fen, 'purchase_fen', p_purchase_fen, 'shop_id', p_shop, 'till_id', p_till), p_now);
        used_at := p_now;
        used_by := p_by;
        shop_id := p_shop;
        till_id := p_till;
    END IF;
    RETURN NEXT;
END $$;

REVOKE EXECUTE ON FUNCTION voucher_give, voucher_at_till FROM PUBLIC;
GRANT EXECUTE ON FUNCTION voucher_at_till TO puhui_app;


-- How many points offers may take between two days, both included: those of one merchant, or those that are named (a campaign).
CREATE TABLE offer_budget (
    id uuid PRIMARY KEY,
    programme text NOT NULL REFERENCES programme (code),
    merchant_id uuid REFERENCES organisation,
    name_zh text NOT NULL CHECK (name_zh <> ''),
    name_en text NOT NULL CHECK (name_en <> ''),
    points bigint NOT NULL CHECK (points > 0),
    first_day date NOT NULL,
    last_day date NOT NULL,
    set_by uuid NOT NULL REFERENCES staff,
    set_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT offer_budget_days CHECK (last_day >= first_day)
);
CREATE INDEX offer_budget_merchant ON offer_budget (merchant_id, programme) WHERE merchant_id IS NOT NULL;
CREATE INDEX offer_budget_programme ON offer_budget (programme);
CREATE INDEX offer_budget_xid ON offer_budget (xid);

CREATE TABLE offer_budget_offer (
    budget_id uuid NOT NULL REFERENCES offer_budget,
    offer_id uuid NOT NULL REFERENCES offer,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (offer_id, budget_id)
);
CREATE INDEX offer_budget_offer_xid ON offer_budget_offer (xid);

CREATE TABLE offer_budget_end (
    budget_id uuid PRIMARY KEY REFERENCES offer_budget,
    ended_by uuid NOT NULL REFERENCES staff,
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX offer_budget_end_xid ON offer_budget_end (xid);

-- Which budgets a redemption was taken from, when its points were set aside.
CREATE TABLE redemption_budget (
    redemption_id uuid NOT NULL,
    budget_id uuid NOT NULL REFERENCES offer_budget,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (redemption_id, budget_id)
);
CREATE INDEX redemption_budget_budget ON redemption_budget (budget_id);
CREATE INDEX redemption_budget_xid ON redemption_budget (xid);

-- What is taken of a budget: derived, and the audit adds it up again.
CREATE TABLE offer_budget_used (
    budget_id uuid PRIMARY KEY REFERENCES offer_budget,
    points bigint NOT NULL CHECK (points >= 0)
);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['offer_budget', 'offer_budget_offer', 'offer_budget_end', 'redemption_budget'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON offer_budget, offer_budget_offer, offer_budget_end, offer_budget_used TO puhui_app;
GRANT SELECT ON redemption_budget TO puhui_app;


-- Take a redemption's points from every budget that its offer stands under; raises where one has not enough left. Behind the pile in
-- the order of locks, budgets in the order of their ids. Not for callers: `redemption_hold` is.
CREATE FUNCTION budget_take(
    p_redemption pg_catalog.uuid, p_offer pg_catalog.uuid, p_merchant pg_catalog.uuid, p_programme pg_catalog.text,
    p_points pg_catalog.int8, p_today pg_catalog.date)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    budget pg_catalog.record;
BEGIN
    FOR budget IN
        SELECT b.id, b.points, b.name_zh, b.name_en FROM public.offer_budget b
        WHERE b.id IN (
            SELECT m.id FROM public.offer_budget m WHERE m.merchant_id = p_merchant AND m.programme = p_programme
            UNION ALL SELECT o.budget_id FROM public.offer_budget_offer o WHERE o.offer_id = p_offer)
            AND p_today BETWEEN b.first_day AND b.last_day
            AND NOT EXISTS (SELECT FROM public.offer_budget_end e WHERE e.budget_id = b.id)
        ORDER BY b.id
    LOOP
        UPDATE public.offer_budget_used u SET points = u.points + p_points
        WHERE u.budget_id = budget.id AND u.points + p_points <= budget.points;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'budget used up' USING ERRCODE = 'PM045',
                DETAIL = json_build_object('zh', budget.name_zh, 'en', budget.name_en)::pg_catalog.text;
        END IF;
        INSERT INTO public.redemption_budget (redemption_id, budget_id) VALUES (p_redemption, budget.id);
    END LOOP;
END $$;

-- Give back what a redemption took, which ended without a capture: the last thing that a transaction does.
CREATE FUNCTION budget_give_back(p_redemption uuid, p_points bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    taken uuid;
BEGIN
    FOR taken IN SELECT b.budget_id FROM redemption_budget b WHERE b.redemption_id = p_redemption ORDER BY b.budget_id LOOP
        UPDATE offer_budget_used SET points = points - p_points WHERE budget_id = taken;
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION budget_take, budget_give_back FROM PUBLIC;
GRANT EXECUTE ON FUNCTION budget_give_back TO puhui_app;


-- Pictures of offers, each kept once under the SHA-256 of its bytes; what was sent is drawn again, so that nothing but the picture
-- stays. The bytes are left out of the seal, which has their digest: the audit holds one against the other.
CREATE TABLE image (
    sha256 bytea PRIMARY KEY CHECK (length(sha256) = 32),
    media_type text NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png', 'image/webp')),
    width integer NOT NULL CHECK (width BETWEEN 1 AND 4096),
    height integer NOT NULL CHECK (height BETWEEN 1 AND 4096),
    content bytea NOT NULL,
    kept_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
ALTER TABLE image ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX image_xid ON image (xid);

-- Which offers have which pictures, in the order of their numbers; and which were taken off again while it was a draft.
CREATE TABLE offer_image (
    offer_id uuid NOT NULL REFERENCES offer,
    number integer NOT NULL CHECK (number >= 1),
    sha256 bytea NOT NULL REFERENCES image,
    added_by uuid NOT NULL REFERENCES staff,
    added_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (offer_id, number)
);
CREATE INDEX offer_image_sha256 ON offer_image (sha256);
CREATE INDEX offer_image_xid ON offer_image (xid);
CREATE TABLE offer_image_removal (
    offer_id uuid NOT NULL,
    number integer NOT NULL,
    removed_by uuid NOT NULL REFERENCES staff,
    removed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (offer_id, number),
    FOREIGN KEY (offer_id, number) REFERENCES offer_image
);
CREATE INDEX offer_image_removal_xid ON offer_image_removal (xid);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['image', 'offer_image', 'offer_image_removal'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON image, offer_image, offer_image_removal TO puhui_app;


-- The names of an offer's pictures, in their order.
CREATE FUNCTION offer_images(p_offer pg_catalog.uuid) RETURNS pg_catalog.text[]
LANGUAGE sql STABLE AS $$
    SELECT array_agg(encode(i.sha256, 'hex') ORDER BY i.number) FROM public.offer_image i
    WHERE i.offer_id = p_offer AND NOT EXISTS (
        SELECT FROM public.offer_image_removal r WHERE r.offer_id = i.offer_id AND r.number = i.number)
$$;
REVOKE EXECUTE ON FUNCTION offer_images FROM PUBLIC;
GRANT EXECUTE ON FUNCTION offer_images TO puhui_app;
