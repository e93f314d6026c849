-- What a citizen is told, what they want to be told, and which programmes they take part in.

-- What a participant's acts of before `closed_before` come to, kept when somebody reads it. An act counts to the day that its claim key
-- begins with. Derived: it is read again from the acts when it is gone, and it is good as long as nothing reached back since `as_of`.
CREATE TABLE home_closed (
    participant_id uuid PRIMARY KEY,
    closed_before date NOT NULL,
    acts bigint NOT NULL,
    grams bigint NOT NULL,
    points bigint NOT NULL,
    as_of xid8 NOT NULL
);
CREATE INDEX home_closed_before ON home_closed (closed_before);

-- A transaction that changed acts of days so far back that somebody may have kept their sum: one row for many acts, and seldom.
CREATE TABLE home_reach (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reached date NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    changed_in xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX home_reach_changed_in ON home_reach (changed_in, reached);
CREATE INDEX home_reach_at ON home_reach (at);
GRANT SELECT ON home_closed TO puhui_app;
GRANT SELECT, DELETE ON home_reach TO puhui_app;
GRANT DELETE ON home_closed TO puhui_app;


-- Say that acts from a day on changed; kept where a sum may rest on that day, which the clock of `p_today` or a kept sum says.
-- Two days on either side are for whoever is just passing from one month to the next.
CREATE FUNCTION home_reached(p_from date, p_today date) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO home_reach (reached)
    SELECT p_from - 2 WHERE p_from - 2 < GREATEST(
        (date_trunc('month', p_today + 2) - interval '1 month')::date, (SELECT max(closed_before) FROM home_closed))
$$;


-- The same for acts that are withdrawn or claimed one by one: their day is in the key.
CREATE FUNCTION home_reached_by_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := (SELECT date '1970-01-01' + ('x' || left(claim_key::text, 8))::bit(32)::integer
                   FROM changed ORDER BY claim_key LIMIT 1);
BEGIN
    IF first IS NOT NULL THEN
        PERFORM home_reached(first, (now() AT TIME ZONE 'Asia/Shanghai')::date);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER action_withdrawn_reaches AFTER INSERT ON action_withdrawn
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION home_reached_by_keys();
CREATE TRIGGER action_claim_reaches AFTER INSERT ON action_claim
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION home_reached_by_keys();


-- The sums of a participant's acts between two claim keys; withdrawn ones count for nothing, and benefits in money are not among
-- the points. Acts that waited for their means are looked at only where there are any. Not for callers: `intake_home` is.
-- The upper end is written so that no index is read by it: a plan for any keys would take a pair of ends for few rows, and read whole
-- months by them instead of one participant's acts.
CREATE FUNCTION intake_sums(
    p_participant pg_catalog.uuid, p_from pg_catalog.uuid, p_before pg_catalog.uuid,
    p_month pg_catalog.timestamptz, p_today pg_catalog.timestamptz, p_until pg_catalog.timestamptz,
    OUT acts pg_catalog.int8, OUT grams pg_catalog.int8, OUT points pg_catalog.int8,
    OUT month_acts pg_catalog.int8, OUT month_grams pg_catalog.int8, OUT month_points pg_catalog.int8,
    OUT today_acts pg_catalog.int8, OUT today_grams pg_catalog.int8, OUT today_points pg_catalog.int8)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    paying pg_catalog.int4[] := ARRAY(
        SELECT s.id FROM public.ledger_account l JOIN public.programme p ON l.code = 'subsidy:' || p.code
        JOIN public.intake_source s ON s.programme_id = p.id WHERE l.kind = 'subsidy');
    waited pg_catalog.record;
BEGIN
    SELECT count(*), COALESCE(sum(o.grams), 0), COALESCE(sum(o.points), 0),
           count(*) FILTER (WHERE o.happened_at >= p_month),
           COALESCE(sum(o.grams) FILTER (WHERE o.happened_at >= p_month), 0),
           COALESCE(sum(o.points) FILTER (WHERE o.happened_at >= p_month), 0),
           count(*) FILTER (WHERE o.happened_at >= p_today),
           COALESCE(sum(o.grams) FILTER (WHERE o.happened_at >= p_today), 0),
           COALESCE(sum(o.points) FILTER (WHERE o.happened_at >= p_today), 0)
    INTO acts, grams, points, month_acts, month_grams, month_points, today_acts, today_grams, today_points
    FROM (SELECT a.happened_at, a.grams, CASE WHEN a.source_id = ANY (paying) THEN 0 ELSE a.points END AS points
          FROM public.action a
          WHERE a.participant_id = p_participant AND a.claim_key >= p_from AND (a.claim_key < p_before) IS TRUE
              AND a.happened_at < p_until
              AND NOT EXISTS (SELECT FROM public.action_withdrawn w WHERE w.claim_key = a.claim_key)) o;
    IF EXISTS (SELECT FROM public.action_claim c
               WHERE c.participant_id = p_participant AND c.claim_key >= p_from AND (c.claim_key < p_before) IS TRUE) THEN
        SELECT count(*) AS acts, COALESCE(sum(o.grams), 0) AS grams, COALESCE(sum(o.points), 0) AS points,
               count(*) FILTER (WHERE o.happened_at >= p_month) AS month_acts,
               COALESCE(sum(o.grams) FILTER (WHERE o.happened_at >= p_month), 0) AS month_grams,
               COALESCE(sum(o.points) FILTER (WHERE o.happened_at >= p_month), 0) AS month_points,
               count(*) FILTER (WHERE o.happened_at >= p_today) AS today_acts,
               COALESCE(sum(o.grams) FILTER (WHERE o.happened_at >= p_today), 0) AS today_grams,
               COALESCE(sum(o.points) FILTER (WHERE o.happened_at >= p_today), 0) AS today_points
        INTO waited
        FROM (SELECT a.happened_at, a.grams, CASE WHEN a.source_id = ANY (paying) THEN 0 ELSE c.points END AS points
              FROM public.action_claim c JOIN public.action a ON a.claim_key = c.claim_key
              WHERE c.participant_id = p_participant AND c.claim_key >= p_from AND (c.claim_key < p_before) IS TRUE
                  AND a.happened_at < p_until
                  AND NOT EXISTS (SELECT FROM public.action_withdrawn w WHERE w.claim_key = a.claim_key)) o;
        acts := acts + waited.acts;
        grams := grams + waited.grams;
        points := points + waited.points;
        month_acts := month_acts + waited.month_acts;
        month_grams := month_grams + waited.month_grams;
        month_points := month_points + waited.month_points;
        today_acts := today_acts + waited.today_acts;
        today_grams := today_grams + waited.today_grams;
        today_points := today_points + waited.today_points;
    END IF;
END $$;


-- The first claim key of a day.
CREATE FUNCTION claim_key_of(p_day pg_catalog.date) RETURNS pg_catalog.uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(p_day - date '1970-01-01'), 8, '0') || repeat('0', 24))::pg_catalog.uuid
$$;


-- The sums of a citizen's first page: of all acts before `p_until`, and of those from `p_month` and from `p_today` on. What lies before the
-- month before is kept from one reading to the next; the rest is added up. Kept sum, what reached back and the acts are looked at
-- by one statement, and so at one moment. What accounts did that ended in this one is added, each with a kept sum of its own.
CREATE FUNCTION intake_home(
    p_participant pg_catalog.uuid, p_today pg_catalog.timestamptz, p_month pg_catalog.timestamptz,
    p_until pg_catalog.timestamptz)
RETURNS TABLE (
    acts pg_catalog.int8, grams pg_catalog.int8, points pg_catalog.int8,
    month_acts pg_catalog.int8, month_grams pg_catalog.int8, month_points pg_catalog.int8,
    today_acts pg_catalog.int8, today_grams pg_catalog.int8, today_points pg_catalog.int8)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    closed pg_catalog.date := ((p_month AT TIME ZONE 'Asia/Shanghai') - interval '1 month')::pg_catalog.date;
    border pg_catalog.uuid := public.claim_key_of(closed);
    first pg_catalog.uuid := '00000000-0000-0000-0000-000000000000';
    last pg_catalog.uuid := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
    as_of pg_catalog.xid8;
    found_sums pg_catalog.record;
BEGIN
    SELECT s.*, c.acts AS kept_acts, c.grams AS kept_grams, c.points AS kept_points,
           EXISTS (SELECT FROM public.account_join j WHERE j.into_id = p_participant) AS joined
    INTO found_sums
    FROM public.intake_sums(p_participant, border, last, p_month, p_today, p_until) s
    LEFT JOIN public.home_closed c ON c.participant_id = p_participant AND c.closed_before = closed
        AND c.as_of <= pg_snapshot_xmax(pg_current_snapshot())
        AND NOT EXISTS (SELECT FROM public.home_reach r WHERE r.changed_in >= c.as_of AND r.reached < closed);
    IF found_sums.kept_acts IS NULL THEN
        PERFORM set_config('synchronous_commit', 'off', true);  -- what is kept may be lost: it is read again from the acts
        as_of := pg_snapshot_xmin(pg_current_snapshot());
        SELECT s.acts, s.grams, s.points INTO found_sums.kept_acts, found_sums.kept_grams, found_sums.kept_points
        FROM public.intake_sums(p_participant, first, border, 'infinity', 'infinity', 'infinity') s;
        INSERT INTO public.home_closed AS h (participant_id, closed_before, acts, grams, points, as_of)
        VALUES (p_participant, closed, found_sums.kept_acts, found_sums.kept_grams, found_sums.kept_points, as_of)
        ON CONFLICT (participant_id) DO UPDATE
            SET closed_before = EXCLUDED.closed_before, acts = EXCLUDED.acts, grams = EXCLUDED.grams,
                points = EXCLUDED.points, as_of = EXCLUDED.as_of
            WHERE h.closed_before <> EXCLUDED.closed_before OR h.as_of < EXCLUDED.as_of
                OR h.as_of > pg_snapshot_xmax(pg_current_snapshot());
    END IF;
    acts := found_sums.kept_acts + found_sums.acts;
    grams := found_sums.kept_grams + found_sums.grams;
    points := found_sums.kept_points + found_sums.points;
    month_acts := found_sums.month_acts;
    month_grams := found_sums.month_grams;
    month_points := found_sums.month_points;
    today_acts := found_sums.today_acts;
    today_grams := found_sums.today_grams;
    today_points := found_sums.today_points;
    IF found_sums.joined THEN
        FOR found_sums IN
            SELECT h.* FROM public.account_join j
            CROSS JOIN LATERAL public.intake_home(j.joined_id, p_today, p_month, p_until) h
            WHERE j.into_id = p_participant
        LOOP
            acts := acts + found_sums.acts;
            grams := grams + found_sums.grams;
            points := points + found_sums.points;
            month_acts := month_acts + found_sums.month_acts;
            month_grams := month_grams + found_sums.month_grams;
            month_points := month_points + found_sums.month_points;
            today_acts := today_acts + found_sums.today_acts;
            today_grams := today_grams + found_sums.today_grams;
            today_points := today_points + found_sums.today_points;
        END LOOP;
    END IF;
    RETURN NEXT;
END $$;
REVOKE EXECUTE ON FUNCTION home_reached, home_reached_by_keys, intake_sums, intake_home FROM PUBLIC;
GRANT EXECUTE ON FUNCTION home_reached, intake_sums, claim_key_of, intake_home TO puhui_app;


-- What a citizen is told: the facts of it, worded when it is read. Operation: no fact rests on these rows, and they are forgotten.
CREATE TABLE inbox_item (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    participant_id uuid NOT NULL REFERENCES participant,
    kind text NOT NULL,
    refers_to text NOT NULL,
    facts jsonb NOT NULL,
    told_at timestamptz NOT NULL,
    read_at timestamptz,
    UNIQUE (participant_id, kind, refers_to)
);
CREATE INDEX inbox_item_participant ON inbox_item (participant_id, told_at, id);
CREATE INDEX inbox_item_told_at ON inbox_item (told_at);

-- What somebody does not want to be told of; without a row they want it.
CREATE TABLE inbox_choice (
    participant_id uuid NOT NULL REFERENCES participant,
    topic text NOT NULL,
    wanted boolean NOT NULL,
    said_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, topic)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_item TO puhui_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON inbox_choice TO puhui_app;


-- Leaving a programme and joining it again, step by step: odd ones leave, even ones join, the last one counts. Without any, everybody who
-- comes to the city's account takes part. `stepped_by`: who acted, where that was not the participant.
CREATE TABLE programme_step (
    participant_id uuid NOT NULL REFERENCES participant,
    programme_id integer NOT NULL REFERENCES programme,
    number integer NOT NULL CHECK (number >= 1),
    step text NOT NULL CHECK (step IN ('left', 'joined')),
    stepped_by uuid REFERENCES participant,
    stepped_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (participant_id, programme_id, number),
    CONSTRAINT programme_step_turns CHECK ((step = 'left') = (number % 2 = 1))
);
CREATE INDEX programme_step_left ON programme_step (programme_id) WHERE step = 'left';
CREATE INDEX programme_step_xid ON programme_step (xid);
CREATE TRIGGER programme_step_kept BEFORE UPDATE OR DELETE ON programme_step
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER programme_step_not_emptied BEFORE TRUNCATE ON programme_step
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON programme_step TO puhui_app;

-- When somebody was out of a programme: from leaving it until joining it again.
CREATE VIEW programme_left AS
SELECT l.participant_id, l.programme_id, l.stepped_at AS low,
       COALESCE((SELECT j.stepped_at FROM programme_step j
                 WHERE j.participant_id = l.participant_id AND j.programme_id = l.programme_id
                     AND j.number = l.number + 1), 'infinity') AS high
FROM programme_step l WHERE l.step = 'left';
GRANT SELECT ON programme_left TO puhui_app;
