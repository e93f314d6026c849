"""Roles' base rights, the trigger that keeps records as they are, idempotency keys and the outbox."""

from alembic import op

revision = "0001_kit"
down_revision = None


def upgrade() -> None:
    op.execute("GRANT USAGE ON SCHEMA public TO puhui_app")
    op.execute("""
        CREATE FUNCTION kit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'PK001';
        END $$
    """)
    op.execute("""
        CREATE TABLE kit_idempotency_key (
            principal text NOT NULL,
            key text NOT NULL,
            fingerprint bytea NOT NULL,
            status integer,
            headers jsonb,
            body bytea,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (principal, key)
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON kit_idempotency_key TO puhui_app")
    op.execute("""
        CREATE TABLE kit_outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            task text NOT NULL,
            payload jsonb NOT NULL,
            promised_at timestamptz NOT NULL DEFAULT now(),
            relayed_at timestamptz,
            done_at timestamptz,
            attempts integer NOT NULL DEFAULT 0,
            last_error text
        )
    """)
    op.execute("CREATE INDEX kit_outbox_open ON kit_outbox (id) WHERE done_at IS NULL")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON kit_outbox TO puhui_app")
