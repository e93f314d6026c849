-- What a citizen is told, what they want to be told, and which programmes they take part in.

-- The sums of a participant's acts: of all before `p_before`, and of those from `p_month` and from `p_today` on; withdrawn ones count for
-- nothing, and benefits in money are not among the points. One walk over the acts; the acts that waited for their means are looked
-- at only where there are any. Tables and types are named with their schema instead of pinning search_path, as in `ledger_post`.
CREATE FUNCTION intake_home(
    p_participant pg_catalog.uuid, p_today pg_catalog.timestamptz, p_month pg_catalog.timestamptz,
    p_before pg_catalog.timestamptz)
RETURNS TABLE (
    acts pg_catalog.int8, grams pg_catalog.int8, points pg_catalog.int8,
    month_acts pg_catalog.int8, month_grams pg_catalog.int8, month_points pg_catalog.int8,
    today_acts pg_catalog.int8, today_grams pg_catalog.int8, today_points pg_catalog.int8)
LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
#variable_conflict use_column
DECLARE
    paying pg_catalog.int4[] := ARRAY(
        SELECT s.id FROM public.ledger_account l JOIN public.programme p ON l.code = 'subsidy:' || p.code
        JOIN public.intake_source s ON s.programme_id = p.id WHERE l.kind = 'subsidy');
    one pg_catalog.record;
BEGIN
    SELECT count(*) AS acts, sum(o.grams) AS grams, sum(o.points) AS points,
           count(*) FILTER (WHERE o.happened_at >= p_month) AS month_acts,
           sum(o.grams) FILTER (WHERE o.happened_at >= p_month) AS month_grams,
           sum(o.points) FILTER (WHERE o.happened_at >= p_month) AS month_points,
           count(*) FILTER (WHERE o.happened_at >= p_today) AS today_acts,
           sum(o.grams) FILTER (WHERE o.happened_at >= p_today) AS today_grams,
           sum(o.points) FILTER (WHERE o.happened_at >= p_today) AS today_points
    INTO one
    FROM (SELECT a.happened_at, a.grams, CASE WHEN a.source_id = ANY (paying) THEN 0 ELSE a.points END AS points
          FROM public.action a
          WHERE a.participant_id = p_participant AND a.happened_at < p_before
              AND NOT EXISTS (SELECT FROM public.action_withdrawn w WHERE w.claim_key = a.claim_key)) o;
    acts := one.acts;
    grams := COALESCE(one.grams, 0);
    points := COALESCE(one.points, 0);
    month_acts := one.month_acts;
    month_grams := COALESCE(one.month_grams, 0);
    month_points := COALESCE(one.month_points, 0);
    today_acts := one.today_acts;
    today_grams := COALESCE(one.today_grams, 0);
    today_points := COALESCE(one.today_points, 0);

    IF EXISTS (SELECT FROM public.action_claim c WHERE c.participant_id = p_participant) THEN
        SELECT count(*) AS acts, COALESCE(sum(o.grams), 0) AS grams, COALESCE(sum(o.points), 0) AS points,
               count(*) FILTER (WHERE o.happened_at >= p_month) AS month_acts,
               COALESCE(sum(o.grams) FILTER (WHERE o.happened_at >= p_month), 0) AS month_grams,
               COALESCE(sum(o.points) FILTER (WHERE o.happened_at >= p_month), 0) AS month_points,
               count(*) FILTER (WHERE o.happened_at >= p_today) AS today_acts,
               COALESCE(sum(o.grams) FILTER (WHERE o.happened_at >= p_today), 0) AS today_grams,
               COALESCE(sum(o.points) FILTER (WHERE o.happened_at >= p_today), 0) AS today_points
        INTO one
        FROM (SELECT a.happened_at, a.grams, CASE WHEN a.source_id = ANY (paying) THEN 0 ELSE c.points END AS points
              FROM public.action_claim c JOIN public.action a ON a.claim_key = c.claim_key
              WHERE c.participant_id = p_participant AND a.happened_at < p_before
                  AND NOT EXISTS (SELECT FROM public.action_withdrawn w WHERE w.claim_key = a.claim_key)) o;
        acts := acts + one.acts;
        grams := grams + one.grams;
        points := points + one.points;
        month_acts := month_acts + one.month_acts;
        month_grams := month_grams + one.month_grams;
        month_points := month_points + one.month_points;
        today_acts := today_acts + one.today_acts;
        today_grams := today_grams + one.today_grams;
        today_points := today_points + one.today_points;
    END IF;
    RETURN NEXT;
END $$;
REVOKE EXECUTE ON FUNCTION intake_home FROM PUBLIC;
GRANT EXECUTE ON FUNCTION intake_home TO puhui_app;


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
