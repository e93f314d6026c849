-- Merchants' shops, clerks, tills and keys of their software.

-- A shop of a merchant. What it is called, where it is and when it is open comes in editions: the last one counts.
CREATE TABLE shop (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES organisation,
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX shop_merchant ON shop (merchant_id);
CREATE INDEX shop_xid ON shop (xid);

-- `place`: latitude and longitude in hundredths of a degree (about a kilometre). `hours`: for each weekday, 1 = Monday, spans of
-- minutes of the day [from, until); `except_days`: the same for single days. A closed shop takes nothing.
CREATE TABLE shop_edition (
    shop_id uuid NOT NULL REFERENCES shop,
    number integer NOT NULL CHECK (number >= 1),
    name_zh text NOT NULL CHECK (name_zh <> ''),
    name_en text NOT NULL CHECK (name_en <> ''),
    address text NOT NULL,
    district text NOT NULL,
    lat_e2 smallint CHECK (lat_e2 BETWEEN -9000 AND 9000),
    lon_e2 smallint CHECK (lon_e2 BETWEEN -18000 AND 18000),
    hours jsonb NOT NULL,
    except_days jsonb NOT NULL,
    closed boolean NOT NULL,
    said_by uuid NOT NULL REFERENCES staff,
    said_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (shop_id, number),
    CONSTRAINT shop_edition_placed CHECK ((lat_e2 IS NULL) = (lon_e2 IS NULL))
);
CREATE INDEX shop_edition_xid ON shop_edition (xid);

CREATE VIEW shop_now AS
SELECT s.id, s.merchant_id, e.number, e.name_zh, e.name_en, e.address, e.district, e.lat_e2, e.lon_e2,
       e.hours, e.except_days, e.closed, s.made_at
FROM shop s CROSS JOIN LATERAL (SELECT * FROM shop_edition l WHERE l.shop_id = s.id ORDER BY l.number DESC LIMIT 1) e;

-- Whether a moment lies within hours, by the clock of Asia/Shanghai.
CREATE FUNCTION within_hours(
    p_hours pg_catalog.jsonb, p_except_days pg_catalog.jsonb, p_at pg_catalog.timestamptz) RETURNS pg_catalog.bool
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM jsonb_array_elements(COALESCE(
            p_except_days -> to_char(p_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD'),
            p_hours -> (extract(isodow FROM p_at AT TIME ZONE 'Asia/Shanghai')::text), '[]'::jsonb)) AS span
        WHERE extract(hour FROM p_at AT TIME ZONE 'Asia/Shanghai') * 60
            + extract(minute FROM p_at AT TIME ZONE 'Asia/Shanghai') >= (span ->> 0)::integer
            AND extract(hour FROM p_at AT TIME ZONE 'Asia/Shanghai') * 60
            + extract(minute FROM p_at AT TIME ZONE 'Asia/Shanghai') < (span ->> 1)::integer)
$$;

-- Whether a shop is open at a moment.
CREATE FUNCTION shop_is_open(p_shop pg_catalog.uuid, p_now pg_catalog.timestamptz) RETURNS pg_catalog.bool
LANGUAGE sql STABLE AS $$
    SELECT NOT s.closed AND public.within_hours(s.hours, s.except_days, p_now) FROM public.shop_now s WHERE s.id = p_shop
$$;

-- Who stands at a till. `label` is the shop's own name for them, such as a number; no name of a person is asked for.
CREATE TABLE clerk (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES organisation,
    shop_id uuid NOT NULL REFERENCES shop,
    label text NOT NULL CHECK (label <> ''),
    pin_hash text NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    locked_until timestamptz,
    active boolean NOT NULL DEFAULT true,
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    UNIQUE (shop_id, label)
);

-- A code that lets one device become a till of a shop.
CREATE TABLE till_enrolment (
    code_mac bytea PRIMARY KEY CHECK (length(code_mac) = 32),
    merchant_id uuid NOT NULL REFERENCES organisation,
    shop_id uuid NOT NULL REFERENCES shop,
    label text NOT NULL CHECK (label <> ''),
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

-- A device that proves by its own Ed25519 key that it is this till.
CREATE TABLE till (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES organisation,
    shop_id uuid NOT NULL REFERENCES shop,
    label text NOT NULL,
    public_key bytea NOT NULL UNIQUE CHECK (length(public_key) = 32),
    enrolled_by uuid NOT NULL REFERENCES staff,
    enrolled_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    revoked_by uuid REFERENCES staff,
    revoked_at timestamptz,
    CONSTRAINT till_revoked CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX till_merchant ON till (merchant_id);

-- What a till signed, as long as it could be shown again.
CREATE TABLE till_assertion (
    till_id uuid NOT NULL REFERENCES till,
    jti text NOT NULL,
    good_until timestamptz NOT NULL,
    PRIMARY KEY (till_id, jti)
);
CREATE INDEX till_assertion_good_until ON till_assertion (good_until);

-- A clerk at a till, for one shift at most.
CREATE TABLE till_session (
    id uuid PRIMARY KEY,
    till_id uuid NOT NULL REFERENCES till,
    clerk_id uuid NOT NULL REFERENCES clerk,
    began_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX till_session_ends_at ON till_session (ends_at);

-- A key of a shop's own till software; only a keyed digest of it is kept.
CREATE TABLE software_key (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES organisation,
    shop_id uuid NOT NULL REFERENCES shop,
    label text NOT NULL CHECK (label <> ''),
    sandbox boolean NOT NULL,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['capture', 'refund', 'read']),
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    last_used_on date,
    revoked_by uuid REFERENCES staff,
    revoked_at timestamptz
);
CREATE INDEX software_key_merchant ON software_key (merchant_id);

-- An operator stops a merchant, a shop or a till, and lets it go on: odd steps suspend, even ones resume, the last one counts.
CREATE TABLE suspension (
    subject_id uuid NOT NULL,
    number integer NOT NULL CHECK (number >= 1),
    kind text NOT NULL CHECK (kind IN ('merchant', 'shop', 'till')),
    merchant_id uuid NOT NULL REFERENCES organisation,
    step text NOT NULL CHECK (step IN ('suspended', 'resumed')),
    reason text NOT NULL CHECK (reason <> ''),
    stepped_by uuid NOT NULL REFERENCES staff,
    stepped_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (subject_id, number),
    CONSTRAINT suspension_turns CHECK ((step = 'suspended') = (number % 2 = 1)),
    CONSTRAINT suspension_of_merchant CHECK ((kind = 'merchant') = (subject_id = merchant_id))
);
CREATE INDEX suspension_merchant ON suspension (merchant_id);
CREATE INDEX suspension_xid ON suspension (xid);

-- What stands suspended now.
CREATE VIEW suspended AS
SELECT s.subject_id, s.kind, s.merchant_id, s.number, s.reason, s.stepped_by, s.stepped_at FROM suspension s
WHERE s.step = 'suspended'
  AND NOT EXISTS (SELECT FROM suspension r WHERE r.subject_id = s.subject_id AND r.number = s.number + 1);

-- Raises where nothing may be captured: the merchant, the shop or the till stands suspended. Shop and till may be missing.
CREATE FUNCTION refuse_suspended(p_merchant pg_catalog.uuid, p_shop pg_catalog.uuid, p_till pg_catalog.uuid) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE
    what pg_catalog.text;
BEGIN
    SELECT s.kind INTO what FROM public.suspended s WHERE s.subject_id IN (p_merchant, p_shop, p_till)
    ORDER BY s.kind LIMIT 1;
    IF what IS NOT NULL THEN
        RAISE EXCEPTION '% suspended', what
        USING ERRCODE = CASE what WHEN 'merchant' THEN 'PM051' WHEN 'shop' THEN 'PM052' ELSE 'PM053' END;
    END IF;
END $$;

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['shop', 'shop_edition', 'suspension'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT ON shop, shop_edition, suspension TO puhui_app;
GRANT SELECT ON shop_now, suspended TO puhui_app;
GRANT SELECT, INSERT, UPDATE ON clerk, till_enrolment, till, till_session, software_key TO puhui_app;
GRANT SELECT, INSERT, DELETE ON till_assertion TO puhui_app;
GRANT DELETE ON till_enrolment, till_session TO puhui_app;
REVOKE EXECUTE ON FUNCTION shop_is_open, within_hours, refuse_suspended FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop_is_open, within_hours, refuse_suspended TO puhui_app;


-- How somebody becomes a merchant. What is written until it is handed in, with its documents: operation, kept sealed.
CREATE TABLE merchant_application (
    id uuid PRIMARY KEY,
    secret_digest bytea NOT NULL CHECK (length(secret_digest) = 32),
    code text NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    credit_code text NOT NULL,
    programmes text[] NOT NULL,
    contact_sealed bytea NOT NULL,
    manager_id uuid REFERENCES staff,
    made_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX merchant_application_changed_at ON merchant_application (changed_at);

CREATE TABLE merchant_document (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES merchant_application ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('licence', 'authorisation', 'account', 'permit', 'other')),
    media_type text NOT NULL,
    size_bytes integer NOT NULL CHECK (size_bytes > 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    content_sealed bytea NOT NULL,
    added_at timestamptz NOT NULL
);
CREATE INDEX merchant_document_application_id ON merchant_document (application_id);

-- What was handed in: names and the fingerprints of its documents, which is what two people agree to.
CREATE TABLE application_submission (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL,
    number integer NOT NULL CHECK (number >= 1),
    body jsonb NOT NULL,
    subject_sha256 bytea NOT NULL CHECK (length(subject_sha256) = 32),
    submitted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (application_id, number)
);
CREATE INDEX application_submission_xid ON application_submission (xid);
CREATE INDEX application_submission_submitted_at ON application_submission (submitted_at);
CREATE INDEX application_submission_credit_code ON application_submission ((body ->> 'credit_code'));

CREATE TABLE application_end (
    submission_id uuid PRIMARY KEY REFERENCES application_submission,
    ended text NOT NULL CHECK (ended IN ('admitted', 'sent_back')),
    reason text CHECK (reason <> ''),
    organisation_id uuid UNIQUE REFERENCES organisation,
    credit_code text UNIQUE,
    act_id uuid UNIQUE REFERENCES two_person_act,
    ended_by uuid NOT NULL REFERENCES staff,
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT application_end_sound CHECK (
        (ended = 'sent_back') = (reason IS NOT NULL)
        AND (ended = 'admitted') = (organisation_id IS NOT NULL)
        AND (ended = 'admitted') = (credit_code IS NOT NULL)
        AND (ended = 'admitted') = (act_id IS NOT NULL))
);
CREATE INDEX application_end_xid ON application_end (xid);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['application_submission', 'application_end'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON merchant_application, merchant_document TO puhui_app;
GRANT SELECT, INSERT ON application_submission, application_end TO puhui_app;
