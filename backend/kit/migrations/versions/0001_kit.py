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
            status smallint,
            headers jsonb,
            body bytea,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (principal, key)
        )
    """)
    op.execute("CREATE INDEX kit_idempotency_key_age ON kit_idempotency_key (created_at)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON kit_idempotency_key TO puhui_app")
    # Waits at most 2 s for another transaction that claims the same key (then 55P03); the limit ends with the call.
    op.execute("""
        CREATE FUNCTION kit_claim_key(in_principal text, in_key text, in_fingerprint bytea)
        RETURNS TABLE (claimed boolean, fingerprint bytea, status smallint, headers jsonb, body bytea)
        LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
        BEGIN
            INSERT INTO kit_idempotency_key AS k (principal, key, fingerprint)
            VALUES (in_principal, in_key, in_fingerprint)
            ON CONFLICT ON CONSTRAINT kit_idempotency_key_pkey DO NOTHING;
            IF FOUND THEN
                RETURN QUERY SELECT true, in_fingerprint, NULL::smallint, NULL::jsonb, NULL::bytea;
            ELSE
                RETURN QUERY SELECT false, k.fingerprint, k.status, k.headers, k.body FROM kit_idempotency_key k
                             WHERE k.principal = in_principal AND k.key = in_key;
            END IF;
        END $$
    """)
    op.execute("GRANT EXECUTE ON FUNCTION kit_claim_key(text, text, bytea) TO puhui_app")
    op.execute("""
        CREATE TABLE kit_outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            task text NOT NULL,
            payload jsonb NOT NULL,
            promised_at timestamptz NOT NULL DEFAULT now(),
            due_at timestamptz NOT NULL DEFAULT now(),
            relayed_at timestamptz,
            done_at timestamptz,
            attempts integer NOT NULL DEFAULT 0,
            last_error text
        )
    """)
    op.execute("CREATE INDEX kit_outbox_due ON kit_outbox (due_at, id) WHERE done_at IS NULL")
    op.execute("CREATE INDEX kit_outbox_done ON kit_outbox (done_at) WHERE done_at IS NOT NULL")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON kit_outbox TO puhui_app")
    op.execute("""
        CREATE TABLE kit_gauge (
            name text PRIMARY KEY,
            value double precision NOT NULL,
            measured_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("GRANT SELECT, INSERT, UPDATE ON kit_gauge TO puhui_app")
