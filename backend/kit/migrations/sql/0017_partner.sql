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

-- ---------------------------------------------------------------- uploads and batches: below this line ----------------
