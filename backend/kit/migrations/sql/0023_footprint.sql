-- Personal footprints, apart from reductions: what citizens add up about themselves. No ledger account, pool or act knows
-- these rows. They hold no words of anybody, only amounts under the pseudonym.

-- One amount of emissions. `computed`: a quantity times the figure of an item in a stored pack; `self_stated`: the citizen's
-- own figure. An entry that another one `replaces` counts no longer.
CREATE TABLE footprint_entry (
    id uuid PRIMARY KEY,
    participant_id uuid NOT NULL REFERENCES participant,
    category text NOT NULL CHECK (category IN ('clothing', 'food', 'housing', 'travel')),
    basis text NOT NULL CHECK (basis IN ('computed', 'self_stated')),
    item text,
    quantity_milli bigint CHECK (quantity_milli > 0),
    region text,
    factor_year integer,
    pack_sha256 text REFERENCES pack_text,
    emissions_g bigint NOT NULL CHECK (emissions_g BETWEEN 0 AND 1000000000000),
    happened_on date NOT NULL,
    replaces uuid UNIQUE REFERENCES footprint_entry,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT footprint_entry_basis CHECK (
        (basis = 'computed') = (item IS NOT NULL) AND (item IS NULL) = (quantity_milli IS NULL)
        AND (item IS NULL) = (pack_sha256 IS NULL) AND (item IS NOT NULL OR (region IS NULL AND factor_year IS NULL))),
    CONSTRAINT footprint_entry_not_itself CHECK (replaces <> id)
);
CREATE INDEX footprint_entry_xid ON footprint_entry (xid);
CREATE INDEX footprint_entry_participant ON footprint_entry (participant_id, happened_on DESC, id DESC);
COMMENT ON COLUMN footprint_entry.quantity_milli IS 'thousandths of the unit of the item';
COMMENT ON COLUMN footprint_entry.factor_year IS 'the year whose figure was used, where figures are by year';

-- An entry taken back without another in its place.
CREATE TABLE footprint_withdrawal (
    entry_id uuid PRIMARY KEY REFERENCES footprint_entry,
    withdrawn_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX footprint_withdrawal_xid ON footprint_withdrawal (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['footprint_entry', 'footprint_withdrawal'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
