-- Doors besides the phone, devices, step-up, and changing the phone.

-- What a code is for, and which device asked: a code made for one thing is worthless for another.
ALTER TABLE sign_in_code
    ADD COLUMN purpose text NOT NULL DEFAULT 'sign_in' CHECK (purpose IN ('sign_in', 'step_up', 'new_phone')),
    ADD COLUMN device_index bytea;
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
