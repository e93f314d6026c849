-- Acts that are not, or no longer, plainly accepted: held for a decision, withdrawn, trimmed by a cap; and the short-lived
-- places of acts that screens look at.

-- A row that was received but not accepted, whole, until somebody decides. `claim`: its claim stands for another act;
-- `overlap`: the participant travelled elsewhere then; `early`, `late`: outside the programme's window; `screen`: implausible.
CREATE TABLE intake_held (
    job_id uuid NOT NULL REFERENCES intake_job,
    line bigint NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('claim', 'overlap', 'early', 'late', 'screen')),
    code text NOT NULL DEFAULT '',
    bound text NOT NULL DEFAULT '',
    claim_key uuid NOT NULL,
    against uuid,
    source_id integer NOT NULL REFERENCES intake_source,
    method_id integer NOT NULL,
    means_token uuid NOT NULL,
    participant_id uuid,
    happened_at timestamptz NOT NULL,
    ended_at timestamptz,
    inputs jsonb NOT NULL,
    grams bigint NOT NULL CHECK (grams >= 0),
    points bigint NOT NULL CHECK (points >= 0),
    barrier text,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (job_id, line),
    CONSTRAINT intake_held_against CHECK ((against IS NOT NULL) = (kind IN ('claim', 'overlap')))
);
CREATE INDEX intake_held_xid ON intake_held (xid);
CREATE INDEX intake_held_claim ON intake_held (claim_key);
CREATE INDEX intake_held_against ON intake_held (against) WHERE against IS NOT NULL;
CREATE INDEX intake_held_participant ON intake_held (participant_id, happened_at) WHERE participant_id IS NOT NULL;

-- What was decided of a held row: once, by a rule or by a person of the operator. `claim_key` is that of the act that was
-- accepted, in a chunk of its own.
CREATE TABLE intake_decision (
    id uuid PRIMARY KEY,
    job_id uuid NOT NULL,
    line bigint NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'refused')),
    by_rule text,
    staff_id uuid,
    reason text NOT NULL DEFAULT '',
    claim_key uuid REFERENCES action,
    decided_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (job_id, line),
    FOREIGN KEY (job_id, line) REFERENCES intake_held,
    CONSTRAINT intake_decision_by_one CHECK ((by_rule IS NULL) <> (staff_id IS NULL)),
    CONSTRAINT intake_decision_accepts CHECK ((claim_key IS NOT NULL) = (outcome = 'accepted')),
    CONSTRAINT intake_decision_reasoned CHECK (staff_id IS NULL OR reason <> '')
);
CREATE INDEX intake_decision_xid ON intake_decision (xid);

-- An accepted act that no longer counts, and what took its place, if anything did.
CREATE TABLE action_withdrawn (
    claim_key uuid PRIMARY KEY REFERENCES action,
    cause text NOT NULL CHECK (cause IN ('withdrawn', 'corrected', 'conflict', 'appeal')),
    reference uuid NOT NULL,
    replaced_by uuid REFERENCES action,
    withdrawn_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT action_withdrawn_by_another CHECK (replaced_by <> claim_key)
);
CREATE INDEX action_withdrawn_xid ON action_withdrawn (xid);
CREATE INDEX action_withdrawn_reference ON action_withdrawn (reference);
CREATE UNIQUE INDEX action_withdrawn_replaced_by ON action_withdrawn (replaced_by) WHERE replaced_by IS NOT NULL;

-- An act that earned less than its rule gives, because a cap was reached.
CREATE TABLE action_trimmed (
    claim_key uuid PRIMARY KEY REFERENCES action,
    cap text NOT NULL,
    points bigint NOT NULL CHECK (points > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX action_trimmed_xid ON action_trimmed (xid);
COMMENT ON COLUMN action_trimmed.points IS 'the points that the cap took; what was earned stands in action';

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['intake_held', 'intake_decision', 'action_withdrawn', 'action_trimmed'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;

-- Where an act began and ended, and on which device: only for screens, never shown, gone after the retention.
-- Not sealed, since it does not stay.
CREATE TABLE action_place (
    claim_key uuid PRIMARY KEY,
    from_lat_e7 integer, from_lon_e7 integer, to_lat_e7 integer, to_lon_e7 integer,
    from_place text, to_place text,
    device uuid
);
CREATE INDEX action_place_device ON action_place (device) WHERE device IS NOT NULL;
GRANT SELECT, INSERT ON action_place TO puhui_app;

-- Forget the places of acts before a Shanghai day; answers how many were forgotten.
CREATE FUNCTION intake_forget_places(p_before date) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM action_place
        WHERE claim_key < (lpad(to_hex(p_before - date '1970-01-01'), 8, '0') || repeat('0', 24))::uuid
        RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
REVOKE EXECUTE ON FUNCTION intake_forget_places FROM PUBLIC;
GRANT EXECUTE ON FUNCTION intake_forget_places TO puhui_app;

-- A chunk of a large city moves the balance of every wallet on a page: with room for a second version of each, none of
-- them has to leave its page and enter every index anew.
ALTER TABLE ledger_account SET (fillfactor = 45);
