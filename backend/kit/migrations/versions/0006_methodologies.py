"""Filings and demo overrides of methodologies, and what actions refer to when they say how they were computed."""

from alembic import op

revision = "0006_methodologies"
down_revision = "0005_packs"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE methodology_filing (
            id uuid PRIMARY KEY,
            pack_sha256 text NOT NULL REFERENCES pack_text,
            region text NOT NULL,
            valid_from date NOT NULL,
            valid_until date,
            act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
            proposed_by uuid NOT NULL REFERENCES staff,
            approved_by uuid NOT NULL REFERENCES staff,
            filed_at timestamptz NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            CONSTRAINT methodology_filing_takes_two CHECK (proposed_by <> approved_by),
            CONSTRAINT methodology_filing_ends_after_it_begins CHECK (valid_until >= valid_from)
        )
    """)
    op.execute("""
        CREATE TABLE methodology_demo_override (
            id uuid PRIMARY KEY,
            pack_sha256 text NOT NULL REFERENCES pack_text,
            region text NOT NULL,
            reason text NOT NULL CHECK (reason <> ''),
            set_by uuid NOT NULL REFERENCES staff,
            set_at timestamptz NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            UNIQUE (pack_sha256, region)
        )
    """)
    op.execute("""
        CREATE TABLE method_ref (
            id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            pack_sha256 text NOT NULL REFERENCES pack_text,
            edition text NOT NULL,
            activity text NOT NULL,
            overlay_sha256 text[] NOT NULL DEFAULT '{}',
            engine_version text NOT NULL,
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
            UNIQUE (pack_sha256, edition, activity, overlay_sha256, engine_version)
        )
    """)
    op.execute("""
        CREATE FUNCTION method_ref_knows_its_overlays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT FROM unnest(NEW.overlay_sha256) AS o (sha256)
                       WHERE NOT EXISTS (SELECT FROM pack_text p WHERE p.sha256 = o.sha256)) THEN
                RAISE EXCEPTION 'an overlay is not stored' USING ERRCODE = '23503';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER method_ref_overlays_stored BEFORE INSERT ON method_ref
        FOR EACH ROW EXECUTE FUNCTION method_ref_knows_its_overlays()
    """)
    for table in ("methodology_filing", "methodology_demo_override", "method_ref"):
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
    op.execute("CREATE INDEX methodology_filing_pack ON methodology_filing (pack_sha256)")
    # For joins by the rooms above: which methodology and activity an action's method is.
    op.execute("""
        CREATE VIEW method_named AS
        SELECT r.id, p.pack_id AS methodology, r.activity
        FROM method_ref r JOIN pack_text p ON p.sha256 = r.pack_sha256
    """)
    op.execute("GRANT SELECT ON method_named TO puhui_app")
