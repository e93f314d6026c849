-- Fingerprints of time buckets that platforms exchange.

-- One comparison of our acts with the fingerprints that another platform sent. `agreement` is what both platforms agreed
-- to, without any key; `probes` are the distinct fingerprints of ours that were looked for among `theirs`.
CREATE TABLE fingerprint_match (
    id uuid PRIMARY KEY,
    exchange text NOT NULL,
    platform text NOT NULL,
    agreement jsonb NOT NULL,
    agreement_sha256 text NOT NULL CHECK (agreement_sha256 ~ '^[0-9a-f]{64}$'),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    bits smallint NOT NULL CHECK (bits BETWEEN 16 AND 64),
    acts bigint NOT NULL CHECK (acts >= 0),
    probes bigint NOT NULL CHECK (probes >= 0),
    theirs bigint NOT NULL CHECK (theirs >= 0),
    matched bigint NOT NULL CHECK (matched BETWEEN 0 AND acts),
    noted bigint NOT NULL CHECK (noted BETWEEN 0 AND matched),
    matched_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX fingerprint_match_xid ON fingerprint_match (xid);
COMMENT ON COLUMN fingerprint_match.noted IS 'of the matched acts, those that this platform had not claimed before';

-- Another platform seems to have claimed an accepted act too. It waits for a person; the act stands meanwhile.
CREATE TABLE external_claim (
    claim_key uuid NOT NULL REFERENCES action,
    platform text NOT NULL,
    match_id uuid NOT NULL REFERENCES fingerprint_match,
    beside boolean NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (claim_key, platform)
);
CREATE INDEX external_claim_xid ON external_claim (xid);
CREATE INDEX external_claim_match ON external_claim (match_id);
COMMENT ON COLUMN external_claim.beside IS 'found in a neighbouring bucket only, within the tolerance of clocks';

-- What a person decided of it, once: the act is ours, or theirs and taken back here by that person.
CREATE TABLE external_claim_decision (
    id uuid PRIMARY KEY,
    claim_key uuid NOT NULL,
    platform text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('ours', 'theirs')),
    staff_id uuid NOT NULL REFERENCES staff,
    reason text NOT NULL CHECK (reason <> ''),
    decided_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (claim_key, platform),
    FOREIGN KEY (claim_key, platform) REFERENCES external_claim
);
CREATE INDEX external_claim_decision_xid ON external_claim_decision (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['fingerprint_match', 'external_claim', 'external_claim_decision'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
