"""Programmes that run, and the rule packs they have run by."""

from alembic import op

revision = "0007_programmes"
down_revision = "0006_methodologies"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE programme (
            id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            code text NOT NULL UNIQUE,
            operator_code text NOT NULL,
            registered_at timestamptz NOT NULL DEFAULT now(),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id()
        )
    """)
    op.execute("""
        CREATE TABLE programme_pack (
            programme_id integer NOT NULL REFERENCES programme,
            pack_sha256 text NOT NULL,
            active_from timestamptz NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            PRIMARY KEY (programme_id, active_from)
        )
    """)
    for table in ("programme", "programme_pack"):
        op.execute(f"CREATE INDEX {table}_xid ON {table} (xid)")
        op.execute(f"""
            CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()
        """)
        op.execute(f"""
            CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()
        """)
        op.execute(f"GRANT SELECT, INSERT ON {table} TO puhui_app")
