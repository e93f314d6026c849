-- Classes of data and how long they are kept: places go early, facts stay.

-- Up to which Shanghai day the places of acts were forgotten, and how many went; `action_place` holds nothing older.
CREATE TABLE place_retention (
    before date PRIMARY KEY,
    places bigint NOT NULL CHECK (places >= 0),
    forgotten_at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX place_retention_xid ON place_retention (xid);
CREATE TRIGGER place_retention_kept BEFORE UPDATE OR DELETE ON place_retention
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER place_retention_not_emptied BEFORE TRUNCATE ON place_retention
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON place_retention TO puhui_app;
