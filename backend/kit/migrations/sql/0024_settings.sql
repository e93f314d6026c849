-- What overlays set in a programme's pack.

-- The overlays by which a programme runs since a moment, with the pack of the same moment; `place` is their order.
CREATE TABLE programme_overlay (
    programme_id integer NOT NULL,
    active_from timestamptz NOT NULL,
    place integer NOT NULL CHECK (place >= 0),
    overlay_sha256 text NOT NULL REFERENCES pack_text,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (programme_id, active_from, place),
    UNIQUE (programme_id, active_from, overlay_sha256),
    FOREIGN KEY (programme_id, active_from) REFERENCES programme_pack
);
CREATE INDEX programme_overlay_xid ON programme_overlay (xid);

CREATE TRIGGER programme_overlay_kept BEFORE UPDATE OR DELETE ON programme_overlay
    FOR EACH ROW EXECUTE FUNCTION kit_refuse_change();
CREATE TRIGGER programme_overlay_not_emptied BEFORE TRUNCATE ON programme_overlay
    FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change();
GRANT SELECT, INSERT ON programme_overlay TO puhui_app;
