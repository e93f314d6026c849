-- Doors besides the phone, devices, step-up, and changing the phone.

-- What a code is for, and which device asked: a code made for one thing is worthless for another.
ALTER TABLE sign_in_code
    ADD COLUMN purpose text NOT NULL DEFAULT 'sign_in' CHECK (purpose IN ('sign_in', 'step_up', 'new_phone')),
    ADD COLUMN device_index bytea,
    ADD COLUMN allowed smallint NOT NULL DEFAULT 3 CHECK (allowed BETWEEN 1 AND 3);
CREATE INDEX sign_in_code_device ON sign_in_code (device_index, requested_at) WHERE device_index IS NOT NULL;

-- Someone showed once more who they are, for one purpose of one session. Operation: no fact rests on these rows.
CREATE TABLE step_up (
    request_id uuid PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES token_family ON DELETE CASCADE,
    participant_id uuid NOT NULL REFERENCES participant,
    purpose text NOT NULL CHECK (purpose ~ '^[a-z][a-z_]{0,30}$'),
    door text NOT NULL CHECK (door IN ('phone', 'wechat', 'alipay')),
    asked_at timestamptz NOT NULL,
    granted_at timestamptz,
    used_at timestamptz,
    CONSTRAINT step_up_used_when_granted CHECK (used_at IS NULL OR granted_at IS NOT NULL)
);
CREATE INDEX step_up_session ON step_up (session_id, purpose);
GRANT SELECT, INSERT, UPDATE, DELETE ON step_up TO puhui_app;

-- An installation of a client, known by the keyed digest of a secret that it made. Operation, too; the name is sealed
-- under the person's key. A device that was revoked never comes back: signing in again makes another.
CREATE TABLE device (
    id uuid PRIMARY KEY,
    participant_id uuid NOT NULL REFERENCES participant,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    name_sealed bytea,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE UNIQUE INDEX device_stands ON device (participant_id, digest) WHERE revoked_at IS NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON device TO puhui_app;

-- A session of a device is refreshed with that device's secret only, `bound_to` being its digest.
ALTER TABLE token_family
    ADD COLUMN device_id uuid REFERENCES device,
    ADD COLUMN bound_to bytea,
    ADD CONSTRAINT token_family_bound CHECK ((device_id IS NULL) = (bound_to IS NULL));
CREATE INDEX token_family_device ON token_family (device_id) WHERE device_id IS NOT NULL AND revoked_at IS NULL;
-- A token that was given once more because the answer with the one before was lost.
ALTER TABLE refresh_token ADD COLUMN replaced_at timestamptz;

-- Accounts of providers by which citizens sign in. Personal data, like `person`: a door that is closed holds nothing.
CREATE TABLE door (
    id uuid PRIMARY KEY,
    participant_id uuid NOT NULL REFERENCES participant,
    provider text NOT NULL CHECK (provider IN ('wechat', 'alipay')),
    subject_index bytea,
    subject_sealed bytea,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT door_closed_holds_nothing CHECK (
        CASE WHEN closed_at IS NULL THEN subject_index IS NOT NULL
             ELSE subject_index IS NULL AND subject_sealed IS NULL END)
);
CREATE UNIQUE INDEX door_opens_one ON door (subject_index) WHERE closed_at IS NULL;
CREATE INDEX door_participant ON door (participant_id) WHERE closed_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON door TO puhui_app;

-- Two accounts that turned out one person's: the first one ends, and what it had is the other's.
CREATE TABLE account_join (
    joined_id uuid PRIMARY KEY REFERENCES participant,
    into_id uuid NOT NULL REFERENCES participant,
    shown text NOT NULL CHECK (shown IN ('phone', 'wechat', 'alipay')),
    joined_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT account_join_two CHECK (joined_id <> into_id)
);
CREATE INDEX account_join_into ON account_join (into_id);
CREATE INDEX account_join_xid ON account_join (xid);
CREATE TRIGGER account_join_kept BEFORE UPDATE OR DELETE ON account_join
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER account_join_not_emptied BEFORE TRUNCATE ON account_join
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON account_join TO puhui_app;
