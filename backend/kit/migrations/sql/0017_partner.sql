-- Partners' keys, nonces and quotas; below the line, what they send.

-- A public key that signs a partner's requests: agreed to by two of its people. Keys of a partner, the real ones and those
-- of its sandbox apart, form one chain: each further key names the one before it, which ends at `replaced_until`.
CREATE TABLE partner_key (
    id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation,
    sandbox boolean NOT NULL,
    public_key bytea NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL,
    replaces uuid,
    replaced_until timestamptz,
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT partner_key_is_ed25519 CHECK (length(public_key) = 32),
    CONSTRAINT partner_key_once UNIQUE (public_key),
    CONSTRAINT partner_key_in_chain UNIQUE (organisation_id, sandbox, id),
    CONSTRAINT partner_key_follows UNIQUE NULLS NOT DISTINCT (organisation_id, sandbox, replaces),
    FOREIGN KEY (organisation_id, sandbox, replaces) REFERENCES partner_key (organisation_id, sandbox, id),
    CONSTRAINT partner_key_lasts CHECK (valid_from < valid_until AND valid_until <= valid_from + interval '9600 hours'),
    CONSTRAINT partner_key_replaces CHECK ((replaces IS NULL) = (replaced_until IS NULL)),
    CONSTRAINT partner_key_overlaps CHECK (
        replaced_until >= valid_from AND replaced_until <= valid_from + interval '720 hours')
);
CREATE INDEX partner_key_xid ON partner_key (xid);
CREATE UNIQUE INDEX partner_key_replaced ON partner_key (replaces) WHERE replaces IS NOT NULL;
COMMENT ON COLUMN partner_key.replaced_until IS 'when the key that this one replaces ends, at most 30 days after this begins';

-- A key that is good no longer, from this moment on. One person is enough.
CREATE TABLE partner_key_revoked (
    key_id uuid PRIMARY KEY REFERENCES partner_key,
    revoked_by uuid NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    revoked_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX partner_key_revoked_xid ON partner_key_revoked (xid);

-- How much a partner may send; the latest row of a partner counts.
CREATE TABLE partner_quota (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organisation_id uuid NOT NULL REFERENCES organisation,
    events_per_day bigint NOT NULL CHECK (events_per_day >= 0),
    requests_per_minute integer NOT NULL CHECK (requests_per_minute > 0),
    reason text NOT NULL CHECK (reason <> ''),
    set_by uuid NOT NULL,
    set_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX partner_quota_xid ON partner_quota (xid);
CREATE INDEX partner_quota_latest ON partner_quota (organisation_id, id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['partner_key', 'partner_key_revoked', 'partner_quota'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;

-- A key with the moment at which it ends, whatever ends it.
CREATE VIEW partner_key_standing AS
SELECT k.id, k.organisation_id, k.sandbox, k.public_key, k.valid_from, k.valid_until, k.replaces, k.act_id,
       least(k.valid_until, next.replaced_until, gone.revoked_at) AS ends_at, gone.revoked_at
FROM partner_key k
LEFT JOIN partner_key next ON next.replaces = k.id
LEFT JOIN partner_key_revoked gone ON gone.key_id = k.id;
GRANT SELECT ON partner_key_standing TO puhui_app;

-- Nonces of signatures that were accepted, for as long as the same signature would be accepted by its time. Not sealed,
-- since they do not stay.
CREATE TABLE partner_nonce (
    key_id uuid NOT NULL,
    nonce text COLLATE "C" NOT NULL,
    good_until timestamptz NOT NULL,
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX partner_nonce_good_until ON partner_nonce (good_until);
GRANT SELECT, INSERT, DELETE ON partner_nonce TO puhui_app;

-- Events that a partner sent on a Shanghai day. A counter, not a record: what was received stands in the jobs.
CREATE TABLE partner_usage (
    organisation_id uuid NOT NULL,
    sandbox boolean NOT NULL,
    day date NOT NULL,
    events bigint NOT NULL CHECK (events >= 0),
    PRIMARY KEY (organisation_id, sandbox, day)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON partner_usage TO puhui_app;

-- The moment at which a partner's sandbox stands; without a row it has the real time.
CREATE TABLE sandbox_clock (
    organisation_id uuid PRIMARY KEY REFERENCES organisation,
    stands_at timestamptz NOT NULL
);

-- Acts that a partner's sandbox took, so that sending them again is answered as it would be. Nothing else knows them.
CREATE TABLE sandbox_act (
    organisation_id uuid NOT NULL,
    claim_key uuid NOT NULL,
    facts_sha256 bytea NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (organisation_id, claim_key)
);
CREATE INDEX sandbox_act_taken ON sandbox_act (taken_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON sandbox_clock TO puhui_app;
GRANT SELECT, INSERT, DELETE ON sandbox_act TO puhui_app;

-- ---------------------------------------------------------------- uploads and batches: below this line ----------------

-- A file as a partner sent it, kept in the data folder under its id until some time after its last job ended.
CREATE TABLE intake_upload (
    id uuid PRIMARY KEY,
    source_id integer NOT NULL REFERENCES intake_source,
    organisation_id uuid NOT NULL REFERENCES organisation,
    key_id uuid NOT NULL,
    file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 200),
    file_type text NOT NULL CHECK (file_type IN ('csv', 'ndjson', 'parquet', 'xlsx')),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    lines bigint CHECK (lines >= 0),
    received_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX intake_upload_xid ON intake_upload (xid);
CREATE INDEX intake_upload_of ON intake_upload (organisation_id, received_at, id);
COMMENT ON COLUMN intake_upload.lines IS 'lines of a text, rows of a table; as far as known before it is read';

-- Taking a file in, once, or trying it, which stores nothing of it.
CREATE TABLE intake_upload_job (
    id uuid PRIMARY KEY,
    upload_id uuid NOT NULL REFERENCES intake_upload,
    dry_run boolean NOT NULL,
    events bigint NOT NULL CHECK (events >= 0),
    asked_at timestamptz NOT NULL,
    key_id uuid NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX intake_upload_job_xid ON intake_upload_job (xid);
CREATE INDEX intake_upload_job_of ON intake_upload_job (upload_id);
CREATE UNIQUE INDEX intake_upload_job_once ON intake_upload_job (upload_id) WHERE NOT dry_run;
COMMENT ON COLUMN intake_upload_job.events IS 'counted against the quota of its day';

-- What became of a job, step by step; the latest is its state. How far it has come stands in intake_chunk.
CREATE TABLE intake_upload_step (
    job_id uuid NOT NULL REFERENCES intake_upload_job,
    seq integer NOT NULL CHECK (seq > 0),
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'cancelled', 'finished', 'failed')),
    code text NOT NULL DEFAULT '',
    intake_job uuid REFERENCES intake_job,
    counts jsonb,
    at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (job_id, seq),
    CONSTRAINT intake_upload_step_code CHECK ((code <> '') = (state = 'failed')),
    CONSTRAINT intake_upload_step_begins CHECK (seq > 1 OR state = 'waiting'),
    CONSTRAINT intake_upload_step_counts CHECK (counts IS NULL OR state = 'finished')
);
CREATE INDEX intake_upload_step_xid ON intake_upload_step (xid);
COMMENT ON COLUMN intake_upload_step.intake_job IS 'what the file was taken in by; none of a trial';
COMMENT ON COLUMN intake_upload_step.counts IS 'of a trial that finished';

-- The file is gone; what was taken in of it stays.
CREATE TABLE intake_upload_removed (
    upload_id uuid PRIMARY KEY REFERENCES intake_upload,
    removed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX intake_upload_removed_xid ON intake_upload_removed (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['intake_upload', 'intake_upload_job', 'intake_upload_step', 'intake_upload_removed'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;

-- A file's run is found by what it is of.
CREATE INDEX intake_job_of_file ON intake_job (source_id, file_sha256);
