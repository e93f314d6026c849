"""The full text of every pack that was used, by its fingerprint."""

from alembic import op

revision = "0005_packs"
down_revision = "0004_identity"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE pack_text (
            sha256 text PRIMARY KEY,
            kind text NOT NULL,
            pack_id text NOT NULL,
            version text NOT NULL,
            text text NOT NULL,
            engine_version text NOT NULL,
            stored_at timestamptz NOT NULL DEFAULT now(),
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            CONSTRAINT pack_text_is_what_its_fingerprint_says
                CHECK (sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'))
        )
    """)
    op.execute("CREATE INDEX pack_text_xid ON pack_text (xid)")
    op.execute("CREATE INDEX pack_text_pack ON pack_text (pack_id, stored_at)")
    op.execute("""
        CREATE TRIGGER pack_text_kept BEFORE UPDATE OR DELETE ON pack_text
        FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()
    """)
    op.execute("""
        CREATE TRIGGER pack_text_not_emptied BEFORE TRUNCATE ON pack_text
        FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()
    """)
    op.execute("GRANT SELECT, INSERT ON pack_text TO puhui_app")
