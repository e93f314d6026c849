"""People and their pseudonyms, means, consent and the assigned right, organisations, staff, tokens, two-person acts."""

from alembic import op

revision = "0004_identity"
down_revision = "0003_log"

_KEPT = "FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()"
_NEVER_EMPTIED = "FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()"


def upgrade() -> None:
    for part in (_people, _means, _consent, _organisations, _staff, _sign_in, _tokens, _approvals):
        part()


def _people() -> None:
    op.execute("""
        CREATE TABLE participant (
            id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('citizen', 'household', 'firm')),
            created_at timestamptz NOT NULL DEFAULT now(),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        )
    """)
    _seal_rows("participant")
    _keep_rows("participant")
    op.execute("""
        CREATE TABLE person (
            participant_id uuid PRIMARY KEY REFERENCES participant,
            phone_index bytea UNIQUE,
            phone_sealed bytea,
            joined_at timestamptz NOT NULL,
            erased_at timestamptz,
            CONSTRAINT person_erased_holds_nothing
                CHECK (erased_at IS NULL OR (phone_index IS NULL AND phone_sealed IS NULL))
        )
    """)
    op.execute("""
        CREATE TABLE person_key (
            participant_id uuid PRIMARY KEY REFERENCES person,
            wrapped bytea NOT NULL
        )
    """)
    op.execute("GRANT SELECT, INSERT ON participant TO puhui_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON person TO puhui_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON person_key TO puhui_app")


def _means() -> None:
    op.execute("""
        CREATE TABLE means (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            token uuid NOT NULL UNIQUE,
            kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,30}$'),
            operator text NOT NULL,
            first_seen_at timestamptz NOT NULL DEFAULT now(),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        )
    """)
    _seal_rows("means")
    _keep_rows("means")
    op.execute("""
        CREATE TABLE means_holding (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            means_id bigint NOT NULL REFERENCES means,
            participant_id uuid NOT NULL REFERENCES participant,
            held tstzrange NOT NULL,
            proof text NOT NULL CHECK (proof IN ('partner_code', 'partner_list')),
            proof_reference text NOT NULL,
            hint_sealed bytea,
            linked_at timestamptz NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            CONSTRAINT means_holding_begins CHECK (
                NOT isempty(held) AND NOT lower_inf(held) AND lower_inc(held) AND NOT upper_inc(held)
            ),
            CONSTRAINT means_one_holder
                EXCLUDE USING gist (int8range(means_id, means_id, '[]') WITH &&, held WITH &&)
        )
    """)
    _seal_rows("means_holding")
    op.execute("CREATE INDEX means_holding_means ON means_holding (means_id)")
    op.execute("CREATE INDEX means_holding_participant ON means_holding (participant_id, id)")
    op.execute("""
        CREATE FUNCTION means_only_close() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND upper_inf(OLD.held) AND NOT upper_inf(NEW.held)
                AND lower(NEW.held) = lower(OLD.held)
                AND (to_jsonb(NEW) - 'held') = (to_jsonb(OLD) - 'held')
            THEN RETURN NEW;
            END IF;
            RAISE EXCEPTION 'a holding is only ever closed' USING ERRCODE = 'PK001';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER means_holding_only_closed BEFORE UPDATE OR DELETE ON means_holding
        FOR EACH ROW EXECUTE FUNCTION means_only_close()
    """)
    op.execute(
        f"CREATE TRIGGER means_holding_never_emptied BEFORE TRUNCATE ON means_holding {_NEVER_EMPTIED}"
    )
    op.execute("""
        CREATE VIEW means_holder AS
        SELECT means.token, holding.participant_id, holding.held
        FROM means_holding AS holding JOIN means ON means.id = holding.means_id
    """)
    op.execute("""
        CREATE TABLE means_link_attempt (
            subject uuid NOT NULL,
            day date NOT NULL,
            attempts integer NOT NULL,
            PRIMARY KEY (subject, day)
        )
    """)
    op.execute("GRANT SELECT, INSERT ON means TO puhui_app")
    op.execute("GRANT SELECT, INSERT, UPDATE (held) ON means_holding TO puhui_app")
    op.execute("GRANT SELECT ON means_holder TO puhui_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON means_link_attempt TO puhui_app")


def _consent() -> None:
    op.execute("""
        CREATE TABLE agreement_text (
            sha256 bytea PRIMARY KEY CHECK (sha256 = sha256(convert_to(body, 'UTF8'))),
            agreement_id text NOT NULL,
            edition text NOT NULL,
            body text NOT NULL,
            stored_at timestamptz NOT NULL DEFAULT now(),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            UNIQUE (agreement_id, edition)
        )
    """)
    _seal_rows("agreement_text")
    _keep_rows("agreement_text")
    op.execute("CREATE TYPE uuid_range AS RANGE (subtype = uuid)")
    op.execute("""
        CREATE TABLE assignment_of_right (
            id uuid PRIMARY KEY,
            participant_id uuid NOT NULL REFERENCES participant,
            agreement_id text NOT NULL,
            edition text NOT NULL,
            text_sha256 bytea NOT NULL REFERENCES agreement_text,
            covers tstzrange NOT NULL,
            recorded_at timestamptz NOT NULL,
            revoked_at timestamptz,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            CONSTRAINT assignment_begins CHECK (NOT isempty(covers) AND NOT lower_inf(covers)),
            CONSTRAINT assignment_ends_when_revoked CHECK (upper_inf(covers) = (revoked_at IS NULL)),
            CONSTRAINT assignment_once EXCLUDE USING gist
                (uuid_range(participant_id, participant_id, '[]') WITH &&, covers WITH &&)
        )
    """)
    _seal_rows("assignment_of_right")
    op.execute("CREATE INDEX assignment_of_right_participant ON assignment_of_right (participant_id)")
    op.execute("""
        CREATE FUNCTION assignment_only_revoke() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
                AND lower(NEW.covers) = lower(OLD.covers)
                AND (to_jsonb(NEW) - '{covers,revoked_at}'::text[])
                  = (to_jsonb(OLD) - '{covers,revoked_at}'::text[])
            THEN RETURN NEW;
            END IF;
            RAISE EXCEPTION 'an assignment is only ever revoked' USING ERRCODE = 'PK001';
        END $$
    """)
    op.execute("""
        CREATE TRIGGER assignment_only_revoked BEFORE UPDATE OR DELETE ON assignment_of_right
        FOR EACH ROW EXECUTE FUNCTION assignment_only_revoke()
    """)
    op.execute(
        f"CREATE TRIGGER assignment_never_emptied BEFORE TRUNCATE ON assignment_of_right {_NEVER_EMPTIED}"
    )
    op.execute("""
        CREATE VIEW right_assigned AS
        SELECT participant_id, covers, agreement_id, edition, text_sha256 FROM assignment_of_right
    """)
    op.execute("""
        CREATE TABLE consent_event (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            participant_id uuid NOT NULL REFERENCES participant,
            scenario text NOT NULL CHECK (scenario ~ '^[a-z][a-z_]{0,30}$'),
            given boolean NOT NULL,
            agreement_id text NOT NULL,
            edition text NOT NULL,
            text_sha256 bytea NOT NULL REFERENCES agreement_text,
            happened_at timestamptz NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        )
    """)
    _seal_rows("consent_event")
    _keep_rows("consent_event")
    op.execute("CREATE INDEX consent_event_participant ON consent_event (participant_id, scenario, id)")
    op.execute("""
        CREATE VIEW consent_given AS
        SELECT participant_id, scenario, edition,
               tstzrange(happened_at, CASE WHEN until IS NOT NULL THEN greatest(until, happened_at) END) AS given
        FROM (
            SELECT participant_id, scenario, given, happened_at, edition,
                   lead(happened_at) OVER (PARTITION BY participant_id, scenario ORDER BY id) AS until
            FROM consent_event
        ) AS stretch
        WHERE given
    """)
    op.execute("GRANT SELECT, INSERT ON agreement_text, consent_event TO puhui_app")
    op.execute("GRANT SELECT, INSERT, UPDATE (covers, revoked_at) ON assignment_of_right TO puhui_app")
    op.execute("GRANT SELECT ON right_assigned, consent_given TO puhui_app")


def _organisations() -> None:
    op.execute("""
        CREATE TABLE organisation (
            id uuid PRIMARY KEY,
            code text NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9-]{1,62}$'),
            name_zh text NOT NULL CHECK (name_zh <> ''),
            name_en text NOT NULL CHECK (name_en <> ''),
            created_at timestamptz NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        )
    """)
    _seal_rows("organisation")
    _keep_rows("organisation")
    op.execute("""
        CREATE TABLE organisation_role (
            organisation_id uuid NOT NULL REFERENCES organisation,
            role text NOT NULL CHECK (role IN
                ('operator', 'merchant', 'verification_body', 'authority', 'enterprise', 'partner')),
            PRIMARY KEY (organisation_id, role)
        )
    """)
    op.execute("GRANT SELECT, INSERT ON organisation TO puhui_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON organisation_role TO puhui_app")


def _staff() -> None:
    op.execute("""
        CREATE TABLE staff (
            id uuid PRIMARY KEY,
            organisation_id uuid NOT NULL REFERENCES organisation,
            login text NOT NULL UNIQUE CHECK (login ~ '^[a-z0-9][a-z0-9._@-]{1,126}$'),
            password_hash text NOT NULL,
            totp_sealed bytea NOT NULL,
            totp_last_step bigint NOT NULL DEFAULT 0,
            failures integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
            locked_until timestamptz,
            active boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL,
            UNIQUE (id, organisation_id)
        )
    """)
    op.execute("""
        CREATE TABLE staff_role (
            staff_id uuid NOT NULL,
            organisation_id uuid NOT NULL,
            role text NOT NULL,
            PRIMARY KEY (staff_id, role),
            FOREIGN KEY (staff_id, organisation_id) REFERENCES staff (id, organisation_id),
            FOREIGN KEY (organisation_id, role) REFERENCES organisation_role
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE ON staff TO puhui_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON staff_role TO puhui_app")


def _sign_in() -> None:
    op.execute("""
        CREATE TABLE sign_in_code (
            request_id uuid PRIMARY KEY,
            phone_index bytea NOT NULL,
            address_index bytea NOT NULL,
            code_mac bytea NOT NULL,
            requested_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            attempts integer NOT NULL DEFAULT 0 CHECK (attempts BETWEEN 0 AND 5),
            used_at timestamptz
        )
    """)
    op.execute("CREATE INDEX sign_in_code_phone ON sign_in_code (phone_index, requested_at)")
    op.execute("CREATE INDEX sign_in_code_address ON sign_in_code (address_index, requested_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_code TO puhui_app")


def _tokens() -> None:
    op.execute("""
        CREATE TABLE token_family (
            id uuid PRIMARY KEY,
            audience text NOT NULL CHECK (audience IN ('citizen', 'staff')),
            subject uuid NOT NULL,
            started_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            revoked_because text,
            CONSTRAINT token_family_reason CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
        )
    """)
    op.execute("CREATE INDEX token_family_subject ON token_family (subject) WHERE revoked_at IS NULL")
    op.execute("""
        CREATE TABLE refresh_token (
            digest bytea PRIMARY KEY,
            family_id uuid NOT NULL REFERENCES token_family ON DELETE CASCADE,
            issued_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL,
            used_at timestamptz
        )
    """)
    op.execute("CREATE INDEX refresh_token_family ON refresh_token (family_id)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON token_family, refresh_token TO puhui_app")


def _approvals() -> None:
    op.execute("""
        CREATE TABLE two_person_act (
            id uuid PRIMARY KEY,
            kind text NOT NULL,
            subject_sha256 bytea NOT NULL CHECK (length(subject_sha256) = 32),
            body jsonb NOT NULL,
            proposed_by uuid NOT NULL REFERENCES staff,
            proposed_at timestamptz NOT NULL,
            expires_at timestamptz NOT NULL CHECK (expires_at > proposed_at),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            UNIQUE (id, proposed_by, expires_at)
        )
    """)
    op.execute("CREATE INDEX two_person_act_kind ON two_person_act (kind, expires_at)")
    op.execute("""
        CREATE TABLE two_person_decision (
            act_id uuid PRIMARY KEY,
            proposed_by uuid NOT NULL,
            expires_at timestamptz NOT NULL,
            decided_by uuid NOT NULL REFERENCES staff,
            decided_at timestamptz NOT NULL,
            decision text NOT NULL CHECK (decision IN ('approved', 'rejected')),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            FOREIGN KEY (act_id, proposed_by, expires_at)
                REFERENCES two_person_act (id, proposed_by, expires_at),
            CONSTRAINT two_people CHECK (decided_by <> proposed_by),
            CONSTRAINT decided_in_time CHECK (decided_at < expires_at)
        )
    """)
    for table in ("two_person_act", "two_person_decision"):
        _seal_rows(table)
        _keep_rows(table)
        op.execute(f"GRANT SELECT, INSERT ON {table} TO puhui_app")


def _seal_rows(table: str) -> None:
    """Rows note their transaction, by which the log seals them."""
    op.execute(f"CREATE INDEX {table}_xid ON {table} (xid)")


def _keep_rows(table: str) -> None:
    op.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} {_KEPT}")
    op.execute(f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} {_NEVER_EMPTIED}")
