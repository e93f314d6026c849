-- Contracts, what each capture is worth, periods, statements, payouts, disputes.

-- What a programme and a merchant agreed: an edition is never changed, a later one replaces it from its first day on.
-- `terms` is {term: [[funder, share], ...]}, the shares of a term decimal strings that make one; `fees` a list of rules.
CREATE TABLE contract_edition (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES organisation,
    programme text NOT NULL REFERENCES programme (code),
    edition integer NOT NULL CHECK (edition >= 1),
    valid_from date NOT NULL,
    valid_until date,
    period text NOT NULL CHECK (period IN ('weekly', 'monthly')),
    fen_per_point numeric NOT NULL CHECK (fen_per_point >= 0),
    terms jsonb NOT NULL,
    fees jsonb NOT NULL,
    account_sealed bytea,
    account_tail text,
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    agreed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (merchant_id, programme, edition),
    CONSTRAINT contract_edition_sound CHECK (
        (valid_until >= valid_from) IS NOT FALSE AND jsonb_typeof(terms) = 'object' AND terms ? 'standard'
        AND jsonb_typeof(fees) = 'array' AND num_nonnulls(account_sealed, account_tail) IN (0, 2))
);
CREATE INDEX contract_edition_xid ON contract_edition (xid);

-- What a capture is worth in fen, and who funds how much of it: {funder: fen}. Fixed when it was captured.
CREATE TABLE capture_value (
    redemption_id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL,
    programme text NOT NULL,
    edition_id uuid NOT NULL,
    term text NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    value_fen bigint NOT NULL CHECK (value_fen >= 0),
    funded jsonb NOT NULL,
    captured_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX capture_value_merchant ON capture_value (merchant_id, programme, captured_at);
CREATE INDEX capture_value_xid ON capture_value (xid);

-- What a refund, whole ('') or in part, takes back of it. `points_before` were given back by earlier parts.
CREATE TABLE refund_value (
    redemption_id uuid NOT NULL REFERENCES capture_value,
    part_id text NOT NULL,
    points_before bigint NOT NULL CHECK (points_before >= 0),
    points bigint NOT NULL CHECK (points > 0),
    value_fen bigint NOT NULL CHECK (value_fen >= 0),
    funded jsonb NOT NULL,
    refunded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (redemption_id, part_id),
    UNIQUE (redemption_id, points_before)
);
CREATE INDEX refund_value_xid ON refund_value (xid);

-- The statement of one period. It has what happened before `cut` and was settled below `horizon`, and no earlier statement
-- has. `opening` and `funded` are {funder: fen}; `pays` what each funder pays, {} where the statement is carried forward.
CREATE TABLE settlement_statement (
    id uuid PRIMARY KEY,
    merchant_id uuid NOT NULL REFERENCES organisation,
    programme text NOT NULL REFERENCES programme (code),
    number integer NOT NULL CHECK (number >= 1),
    edition_id uuid NOT NULL REFERENCES contract_edition,
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    cut timestamptz NOT NULL,
    horizon xid8 NOT NULL,
    opening_points bigint NOT NULL,
    opening jsonb NOT NULL,
    opening_fees_fen bigint NOT NULL,
    captures integer NOT NULL CHECK (captures >= 0),
    captured_points bigint NOT NULL,
    captured_fen bigint NOT NULL,
    refunds integer NOT NULL CHECK (refunds >= 0),
    refunded_points bigint NOT NULL,
    refunded_fen bigint NOT NULL,
    own_fen bigint NOT NULL,
    fees_fen bigint NOT NULL CHECK (fees_fen >= 0),
    corrections_points bigint NOT NULL,
    corrections_fen bigint NOT NULL,
    funded jsonb NOT NULL,
    payable_points bigint NOT NULL,
    payable_fen bigint NOT NULL,
    carried boolean NOT NULL,
    pays jsonb NOT NULL,
    lines integer NOT NULL CHECK (lines >= 0),
    lines_sha256 text NOT NULL CHECK (lines_sha256 ~ '^[0-9a-f]{64}$'),
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    closed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (merchant_id, programme, number)
);
CREATE INDEX settlement_statement_xid ON settlement_statement (xid);

-- A line of a statement. What is taken back is below zero; `funded` is {funder: fen}; `own_fen` the merchant's part of it.
CREATE TABLE settlement_line (
    statement_id uuid NOT NULL REFERENCES settlement_statement,
    line integer NOT NULL CHECK (line >= 1),
    kind text NOT NULL CHECK (kind IN ('capture', 'refund', 'fee', 'correction')),
    redemption_id uuid,
    part_id text,
    about text NOT NULL,
    happened_at timestamptz NOT NULL,
    points bigint NOT NULL,
    value_fen bigint NOT NULL,
    own_fen bigint NOT NULL,
    funded jsonb NOT NULL,
    payable_fen bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (statement_id, line),
    CONSTRAINT settlement_line_sound CHECK (
        CASE kind WHEN 'capture' THEN redemption_id IS NOT NULL AND part_id IS NULL
             WHEN 'refund' THEN num_nonnulls(redemption_id, part_id) = 2
             WHEN 'fee' THEN num_nonnulls(redemption_id, part_id) = 0 ELSE part_id IS NULL END)
);
CREATE UNIQUE INDEX settlement_line_capture ON settlement_line (redemption_id) WHERE kind = 'capture';
CREATE UNIQUE INDEX settlement_line_refund ON settlement_line (redemption_id, part_id) WHERE kind = 'refund';
CREATE UNIQUE INDEX settlement_line_correction ON settlement_line (about) WHERE kind = 'correction';
CREATE INDEX settlement_line_redemption ON settlement_line (redemption_id);
CREATE INDEX settlement_line_xid ON settlement_line (xid);

-- The number of the invoice that the merchant wrote for a statement.
CREATE TABLE settlement_invoice (
    statement_id uuid PRIMARY KEY REFERENCES settlement_statement,
    number text NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
    given_by uuid NOT NULL REFERENCES staff,
    given_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX settlement_invoice_xid ON settlement_invoice (xid);

-- A merchant does not agree with a line; what the operator answers, and what moves by that in the next statement.
CREATE TABLE settlement_dispute (
    id uuid PRIMARY KEY,
    statement_id uuid NOT NULL,
    line integer NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    opened_by uuid NOT NULL REFERENCES staff,
    opened_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    FOREIGN KEY (statement_id, line) REFERENCES settlement_line
);
CREATE INDEX settlement_dispute_statement ON settlement_dispute (statement_id);
CREATE INDEX settlement_dispute_xid ON settlement_dispute (xid);
CREATE TABLE settlement_answer (
    dispute_id uuid PRIMARY KEY REFERENCES settlement_dispute,
    words text NOT NULL CHECK (words <> ''),
    correction_points bigint NOT NULL,
    correction_fen bigint NOT NULL,
    funder text NOT NULL,
    act_id uuid UNIQUE REFERENCES two_person_act,
    answered_by uuid NOT NULL REFERENCES staff,
    answered_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT settlement_answer_moving_takes_two CHECK (((correction_points, correction_fen) = (0, 0)) = (act_id IS NULL))
);
CREATE INDEX settlement_answer_xid ON settlement_answer (xid);

-- A payout: statements of a programme that two people let go. Each line ends once, paid or failed; a statement is paid once.
CREATE TABLE settlement_payout (
    id uuid PRIMARY KEY,
    programme text NOT NULL REFERENCES programme (code),
    statements integer NOT NULL CHECK (statements >= 1),
    amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    let_go_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX settlement_payout_xid ON settlement_payout (xid);
CREATE TABLE settlement_payout_line (
    payout_id uuid NOT NULL REFERENCES settlement_payout,
    statement_id uuid NOT NULL REFERENCES settlement_statement,
    edition_id uuid NOT NULL REFERENCES contract_edition,
    amount_fen bigint NOT NULL CHECK (amount_fen >= 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (payout_id, statement_id)
);
CREATE INDEX settlement_payout_line_statement ON settlement_payout_line (statement_id);
CREATE INDEX settlement_payout_line_xid ON settlement_payout_line (xid);
CREATE TABLE settlement_payout_end (
    payout_id uuid NOT NULL,
    statement_id uuid NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('paid', 'failed')),
    words text NOT NULL CHECK (words <> ''),
    told_by uuid NOT NULL REFERENCES staff,
    told_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (payout_id, statement_id),
    FOREIGN KEY (payout_id, statement_id) REFERENCES settlement_payout_line
);
CREATE UNIQUE INDEX settlement_payout_end_paid ON settlement_payout_end (statement_id) WHERE outcome = 'paid';
CREATE INDEX settlement_payout_end_xid ON settlement_payout_end (xid);

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['contract_edition', 'capture_value', 'refund_value', 'settlement_statement', 'settlement_line',
                                'settlement_invoice', 'settlement_dispute', 'settlement_answer', 'settlement_payout',
                                'settlement_payout_line', 'settlement_payout_end'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
                        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', kept);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
                        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', kept);
    END LOOP;
END $$;
GRANT SELECT ON capture_value, refund_value TO puhui_app;
GRANT SELECT, INSERT ON contract_edition, settlement_statement, settlement_line, settlement_invoice, settlement_dispute,
    settlement_answer, settlement_payout, settlement_payout_line, settlement_payout_end TO puhui_app;


-- The term of a contract by which an offer is paid.
CREATE FUNCTION offer_term(p_offer pg_catalog.uuid) RETURNS pg_catalog.text LANGUAGE sql STABLE AS $$
    SELECT COALESCE((SELECT t.contract_term FROM public.offer_terms t WHERE t.offer_id = p_offer), 'standard')
$$;


-- Who funds how much of so many fen: each funder its share rounded down, and the first one named what is left.
CREATE FUNCTION contract_split(p_fen pg_catalog.int8, p_shares pg_catalog.jsonb) RETURNS pg_catalog.jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_object_agg(funder, part + CASE WHEN place = 1 THEN p_fen - parts ELSE 0 END)
    FROM (SELECT one.share ->> 0 AS funder, one.place, floor(p_fen * (one.share ->> 1)::pg_catalog.numeric)::pg_catalog.int8 AS part,
                 sum(floor(p_fen * (one.share ->> 1)::pg_catalog.numeric)) OVER ()::pg_catalog.int8 AS parts
          FROM jsonb_array_elements(p_shares) WITH ORDINALITY AS one (share, place)) AS split
$$;


-- What all funders took back once `p_points` of `p_of` points were given back: each its part of what it gave, rounded down.
CREATE FUNCTION capture_taken_back(p_funded pg_catalog.jsonb, p_points pg_catalog.int8, p_of pg_catalog.int8)
RETURNS TABLE (funder pg_catalog.text, fen pg_catalog.int8)
LANGUAGE sql IMMUTABLE AS $$
    SELECT one.key, floor(one.value::pg_catalog.numeric * p_points / p_of)::pg_catalog.int8 FROM jsonb_each_text(p_funded) AS one
$$;


-- Fix what a capture is worth, and who funds it, by the contract's edition in force. Locks nothing that anybody shares.
CREATE OR REPLACE FUNCTION capture_value(
    p_redemption pg_catalog.uuid, p_offer pg_catalog.uuid, p_merchant pg_catalog.uuid, p_programme pg_catalog.text,
    p_points pg_catalog.int8, p_now pg_catalog.timestamptz)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    agreed pg_catalog.record;
    today pg_catalog.date := (p_now AT TIME ZONE 'Asia/Shanghai')::pg_catalog.date;
    named pg_catalog.text;
    worth pg_catalog.int8;
BEGIN
    SELECT c.id, c.fen_per_point, c.terms, c.valid_until INTO agreed FROM public.contract_edition c
    WHERE c.merchant_id = p_merchant AND c.programme = p_programme AND c.valid_from <= today
    ORDER BY c.edition DESC LIMIT 1;
    IF NOT FOUND OR agreed.valid_until < today THEN
        RAISE EXCEPTION 'no contract in force' USING ERRCODE = 'PM031',
            DETAIL = json_build_object('programme', p_programme)::pg_catalog.text;
    END IF;
    named := public.offer_term(p_offer);
    IF NOT agreed.terms ? named THEN
        RAISE EXCEPTION 'no such term' USING ERRCODE = 'PM032', DETAIL = json_build_object('term', named)::pg_catalog.text;
    END IF;
    worth := floor(p_points * agreed.fen_per_point)::pg_catalog.int8;
    INSERT INTO public.capture_value
        (redemption_id, merchant_id, programme, edition_id, term, points, value_fen, funded, captured_at)
    VALUES (p_redemption, p_merchant, p_programme, agreed.id, named, p_points, worth,
            public.contract_split(worth, agreed.terms -> named), p_now);
END $$;


-- What a refund takes back of a capture's value, fixed with it. The row of the value is locked, so that parts of one capture
-- follow each other. A capture from before there were contracts has no value, and nothing is taken back of it.
CREATE FUNCTION refund_value_fixed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    valued record;
    before bigint;
    given bigint;
    named text := '';
BEGIN
    SELECT v.points, v.funded INTO valued FROM capture_value v WHERE v.redemption_id = NEW.redemption_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT COALESCE(sum(r.points), 0) INTO before FROM refund_value r WHERE r.redemption_id = NEW.redemption_id;
    IF TG_TABLE_NAME = 'redemption_part' THEN
        named := NEW.part_id;
        given := NEW.points;
    ELSE
        given := valued.points - before;
    END IF;
    INSERT INTO refund_value (redemption_id, part_id, points_before, points, value_fen, funded, refunded_at)
    SELECT NEW.redemption_id, named, before, given, sum(a.fen - b.fen), jsonb_object_agg(a.funder, a.fen - b.fen),
           NEW.refunded_at
    FROM capture_taken_back(valued.funded, before + given, valued.points) a
    JOIN capture_taken_back(valued.funded, before, valued.points) b ON b.funder = a.funder;
    RETURN NULL;
END $$;
CREATE TRIGGER redemption_refund_valued AFTER INSERT ON redemption_refund
    FOR EACH ROW EXECUTE FUNCTION refund_value_fixed();
CREATE TRIGGER redemption_part_valued AFTER INSERT ON redemption_part
    FOR EACH ROW EXECUTE FUNCTION refund_value_fixed();


REVOKE EXECUTE ON FUNCTION capture_value(uuid, uuid, uuid, text, int8, timestamptz), refund_value_fixed() FROM PUBLIC;


-- What a programme handed over to a cause for points that people gave to it: told by its operator, read by everybody. What was told
-- wrongly is taken back by a row of its own with everything in the negative.
CREATE TABLE cause_handover (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    reward text NOT NULL CHECK (reward <> ''),
    points bigint NOT NULL,
    money_fen bigint NOT NULL,
    recipient_zh text NOT NULL CHECK (recipient_zh <> ''),
    recipient_en text NOT NULL CHECK (recipient_en <> ''),
    reference text NOT NULL CHECK (reference <> ''),
    handed_on date NOT NULL,
    corrects uuid UNIQUE REFERENCES cause_handover,
    noted_by uuid NOT NULL REFERENCES staff,
    noted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT cause_handover_signs CHECK (
        CASE WHEN corrects IS NULL THEN points > 0 AND money_fen >= 0 ELSE points < 0 AND money_fen <= 0 END)
);
CREATE INDEX cause_handover_reward ON cause_handover (programme_id, reward, noted_at, id);
CREATE INDEX cause_handover_xid ON cause_handover (xid);
CREATE TRIGGER cause_handover_kept BEFORE UPDATE OR DELETE ON cause_handover
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER cause_handover_not_emptied BEFORE TRUNCATE ON cause_handover
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON cause_handover TO puhui_app;
