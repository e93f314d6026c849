-- Corrections that partners send, and appeals of citizens.

-- An act whose claim was taken when it was accepted: it stands under a key of its own, the `number`th revision of the
-- claim `root`, which stays claimed for ever. What stands for a claim is the one act among the root and its revisions that
-- is not withdrawn.
CREATE TABLE action_revision (
    claim_key uuid PRIMARY KEY REFERENCES action,
    root uuid NOT NULL REFERENCES action,
    number integer NOT NULL CHECK (number > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT action_revision_once UNIQUE (root, number),
    CONSTRAINT action_revision_of_another CHECK (root <> claim_key)
);
CREATE INDEX action_revision_xid ON action_revision (xid);

-- A partner took an event back, or sent it again as it should have been: an accepted act (`withdrew`), or a row that was
-- held. With `staff_id` it was a person of the operator who took an accepted act back. `facts_sha256` is of what was sent, so the same correction again is the same correction.
CREATE TABLE intake_correction (
    id uuid PRIMARY KEY,
    source_id integer NOT NULL REFERENCES intake_source,
    kind text NOT NULL CHECK (kind IN ('corrected', 'withdrawn')),
    staff_id uuid REFERENCES staff,
    asked_key uuid NOT NULL,
    withdrew uuid UNIQUE REFERENCES action_withdrawn,
    held_job_id uuid,
    held_line bigint,
    replaced_by uuid REFERENCES action,
    facts_sha256 text NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    corrected_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    FOREIGN KEY (held_job_id, held_line) REFERENCES intake_held,
    CONSTRAINT intake_correction_once UNIQUE (source_id, asked_key, facts_sha256),
    CONSTRAINT intake_correction_of_one_thing CHECK ((withdrew IS NULL) = (held_job_id IS NOT NULL)
        AND (held_job_id IS NULL) = (held_line IS NULL)),
    CONSTRAINT intake_correction_of_staff_withdraws CHECK (staff_id IS NULL OR kind = 'withdrawn' AND withdrew IS NOT NULL),
    CONSTRAINT intake_correction_replaces CHECK (replaced_by IS NULL OR kind = 'corrected' AND withdrew IS NOT NULL),
    CONSTRAINT intake_correction_corrects CHECK (kind <> 'corrected' OR withdrew IS NULL OR replaced_by IS NOT NULL)
);
CREATE INDEX intake_correction_xid ON intake_correction (xid);


-- A citizen asks a person to look at an act that was held, refused or withdrawn. `words` are sealed under the citizen's own
-- key; nobody can read them once that is destroyed.
CREATE TABLE intake_appeal (
    id uuid PRIMARY KEY,
    participant_id uuid NOT NULL REFERENCES participant,
    held_job_id uuid,
    held_line bigint,
    claim_key uuid UNIQUE REFERENCES action_withdrawn,
    words bytea NOT NULL,
    due_on date NOT NULL,
    appealed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (held_job_id, held_line),
    FOREIGN KEY (held_job_id, held_line) REFERENCES intake_held,
    CONSTRAINT intake_appeal_of_one_thing CHECK ((claim_key IS NULL) = (held_job_id IS NOT NULL)
        AND (held_job_id IS NULL) = (held_line IS NULL))
);
CREATE INDEX intake_appeal_xid ON intake_appeal (xid);
CREATE INDEX intake_appeal_participant ON intake_appeal (participant_id, appealed_at);

-- What the operator answered, once. `accepted_key` is the act that was accepted for it.
CREATE TABLE intake_appeal_answer (
    appeal_id uuid PRIMARY KEY REFERENCES intake_appeal,
    outcome text NOT NULL CHECK (outcome IN ('upheld', 'dismissed')),
    staff_id uuid NOT NULL REFERENCES staff,
    reason text NOT NULL CHECK (reason <> ''),
    accepted_key uuid UNIQUE REFERENCES action,
    answered_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT intake_appeal_answer_accepts CHECK ((accepted_key IS NOT NULL) = (outcome = 'upheld'))
);
CREATE INDEX intake_held_unlinked ON intake_held (means_token) WHERE participant_id IS NULL;
CREATE INDEX intake_appeal_answer_xid ON intake_appeal_answer (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['action_revision', 'intake_correction', 'intake_appeal', 'intake_appeal_answer'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;

