-- Intake: who sends, what was sent, and every action that was accepted.

CREATE TABLE intake_source (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    programme_id integer NOT NULL REFERENCES programme,
    partner_code text NOT NULL,
    region text NOT NULL,
    evidence text NOT NULL CHECK (evidence IN ('operator_feed', 'receipt_upload', 'self_report')),
    mapping text NOT NULL,
    overlays text[] NOT NULL DEFAULT '{}',
    covered_boundary boolean NOT NULL DEFAULT false,
    registered_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);

-- One file of one source, read by one mapping. Progress is what its chunks say; only the end is noted here.
CREATE TABLE intake_job (
    id uuid PRIMARY KEY,
    source_id integer NOT NULL REFERENCES intake_source,
    file_name text NOT NULL,
    file_sha256 text NOT NULL,
    mapping_sha256 text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE UNIQUE INDEX intake_job_one_open ON intake_job (source_id, file_sha256, mapping_sha256)
    WHERE finished_at IS NULL;

CREATE TABLE intake_chunk (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id uuid NOT NULL REFERENCES intake_job,
    seq integer NOT NULL,
    first_line bigint NOT NULL,
    last_line bigint NOT NULL,
    received bigint NOT NULL,
    accepted bigint NOT NULL,
    duplicates bigint NOT NULL,
    conflicts bigint NOT NULL,
    rejected bigint NOT NULL,
    filtered bigint NOT NULL,
    waiting bigint NOT NULL,
    grams bigint NOT NULL,
    points bigint NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (job_id, seq),
    CONSTRAINT intake_chunk_adds_up CHECK (received = accepted + duplicates + conflicts + rejected + filtered)
);

-- Rows that were not accepted, by line; the row itself stays in the sender's file.
CREATE TABLE intake_rejection (
    job_id uuid NOT NULL REFERENCES intake_job,
    line bigint NOT NULL,
    field text NOT NULL,
    code text NOT NULL,
    bound text NOT NULL DEFAULT '',
    seq integer NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (job_id, line)
);

-- Rows whose claim stands for another act or another source: kept whole until somebody decides.
CREATE TABLE intake_conflict (
    job_id uuid NOT NULL REFERENCES intake_job,
    line bigint NOT NULL,
    claim_key uuid NOT NULL,
    act jsonb NOT NULL,
    seq integer NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (job_id, line)
);

-- The claim key begins with the Shanghai day of the act, so a month is a range of keys, one key is unique over the
-- whole platform, and a partition follows from the key alone.
CREATE TABLE action (
    claim_key uuid NOT NULL,
    happened_at timestamptz NOT NULL,
    ended_at timestamptz,
    source_id integer NOT NULL,
    method_id integer NOT NULL,
    means_token uuid NOT NULL,
    participant_id uuid,
    inputs jsonb NOT NULL,
    grams bigint NOT NULL CHECK (grams >= 0),
    points bigint NOT NULL CHECK (points >= 0),
    credit text NOT NULL CHECK (credit IN
        ('pooled', 'unlinked', 'right_not_assigned', 'evidence', 'method_not_filed', 'covered_boundary')),
    job_id uuid NOT NULL,
    seq integer NOT NULL,
    line bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (claim_key),
    CONSTRAINT action_only_a_holder_has_credit
        CHECK (participant_id IS NOT NULL OR credit NOT IN ('pooled', 'right_not_assigned')),
    CONSTRAINT action_unlinked_has_no_holder CHECK (credit <> 'unlinked' OR participant_id IS NULL)
) PARTITION BY RANGE (claim_key);
CREATE INDEX action_participant ON action (participant_id, happened_at) WHERE participant_id IS NOT NULL;
CREATE INDEX action_waiting ON action (means_token) WHERE participant_id IS NULL;
CREATE INDEX action_xid ON action (xid);

-- An action that waited for its holder, and was credited to one later.
CREATE TABLE action_claim (
    claim_key uuid PRIMARY KEY REFERENCES action,
    participant_id uuid NOT NULL,
    points bigint NOT NULL CHECK (points >= 0),
    claim_id uuid NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX action_claim_participant ON action_claim (participant_id, claim_key);
CREATE INDEX action_claim_xid ON action_claim (xid);
CREATE INDEX intake_chunk_xid ON intake_chunk (xid);
CREATE INDEX intake_source_xid ON intake_source (xid);
CREATE INDEX intake_job_xid ON intake_job (xid);
CREATE INDEX intake_rejection_xid ON intake_rejection (xid);
CREATE INDEX intake_conflict_xid ON intake_conflict (xid);

-- A month's partition, made ahead by whoever first needs it.
CREATE FUNCTION action_partition(p_month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', p_month)::date;
    next date := (date_trunc('month', p_month) + interval '1 month')::date;
    name text := 'action_' || to_char(date_trunc('month', p_month), 'YYYY_MM');
BEGIN
    IF first < date '1990-01-01' OR first > (now() + interval '2 years')::date THEN
        RAISE EXCEPTION 'no partition for that month' USING ERRCODE = '22003';
    END IF;
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7318003);
    IF to_regclass(name) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF action FOR VALUES FROM (%L) TO (%L)', name,
            lpad(to_hex(first - date '1970-01-01'), 8, '0') || repeat('0', 24),
            lpad(to_hex(next - date '1970-01-01'), 8, '0') || repeat('0', 24));
        EXECUTE format('CREATE TRIGGER action_not_emptied BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name);
    END IF;
END $$;

CREATE TRIGGER action_kept BEFORE UPDATE OR DELETE ON action FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER action_not_emptied BEFORE TRUNCATE ON action FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER action_claim_kept BEFORE UPDATE OR DELETE ON action_claim
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER intake_chunk_kept BEFORE UPDATE OR DELETE ON intake_chunk
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER intake_source_kept BEFORE UPDATE OR DELETE ON intake_source
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();

GRANT SELECT, INSERT ON intake_source, intake_chunk, intake_rejection, intake_conflict, action, action_claim
    TO puhui_app;
GRANT SELECT, INSERT ON intake_job TO puhui_app;
GRANT UPDATE (finished_at) ON intake_job TO puhui_app;
REVOKE EXECUTE ON FUNCTION action_partition FROM PUBLIC;
GRANT EXECUTE ON FUNCTION action_partition TO puhui_app;
