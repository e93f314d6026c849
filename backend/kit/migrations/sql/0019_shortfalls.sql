-- Grams of withdrawn acts that were certified before: what is missing, and what made it good.

-- A withdrawn act whose grams stand in the certified tree of an issued batch. `grams` are those that stand there;
-- `number` counts the shortfalls of a series, and the older one is made good first. `log_size` is how many entries the log
-- had: a statement whose entry came later was made in the knowledge of it, whatever clocks say.
CREATE TABLE certification_shortfall (
    claim_key uuid PRIMARY KEY REFERENCES action_withdrawn,
    batch_id uuid NOT NULL REFERENCES batch_issuance,
    project text NOT NULL,
    methodology text NOT NULL,
    vintage_year integer NOT NULL,
    demo boolean NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    grams bigint NOT NULL CHECK (grams > 0),
    log_size bigint NOT NULL CHECK (log_size > 0),
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (project, methodology, vintage_year, demo, number)
);
CREATE INDEX certification_shortfall_xid ON certification_shortfall (xid);
CREATE INDEX certification_shortfall_batch ON certification_shortfall (batch_id);

-- What of a statement's deduction makes good for withdrawn acts of the series; most statements have none.
CREATE TABLE certification_correction (
    batch_id uuid NOT NULL,
    revision integer NOT NULL,
    grams bigint NOT NULL CHECK (grams > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, revision),
    FOREIGN KEY (batch_id, revision) REFERENCES batch_statement
);
CREATE INDEX certification_correction_xid ON certification_correction (xid);

-- Whole tonnes that an operator still held and lost to what no batch made good: because the programme's term was over,
-- or because somebody of the authority ordered it.
CREATE TABLE certification_cancellation (
    id uuid PRIMARY KEY,
    project text NOT NULL,
    methodology text NOT NULL,
    vintage_year integer NOT NULL,
    demo boolean NOT NULL,
    operator_id uuid NOT NULL REFERENCES organisation,
    book text NOT NULL,
    quantity_t bigint NOT NULL CHECK (quantity_t > 0),
    owed_g bigint NOT NULL CHECK (owed_g > 0),
    term_days integer CHECK (term_days >= 0),
    ordered_by uuid REFERENCES staff,
    reason text NOT NULL CHECK (reason <> ''),
    log_index bigint NOT NULL,
    cancelled_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT certification_cancellation_by_term_or_person CHECK ((term_days IS NULL) <> (ordered_by IS NULL)),
    CONSTRAINT certification_cancellation_no_more CHECK (quantity_t <= (owed_g + 999999) / 1000000)
);
CREATE INDEX certification_cancellation_xid ON certification_cancellation (xid);

-- Grams of a shortfall made good, by an issued batch of its series or by a cancellation. What a cancellation took beyond
-- what was missing waits for the series' next shortfall.
CREATE TABLE certification_cover (
    claim_key uuid NOT NULL REFERENCES certification_shortfall,
    number integer NOT NULL CHECK (number > 0),
    batch_id uuid REFERENCES batch_issuance,
    cancellation_id uuid REFERENCES certification_cancellation,
    grams bigint NOT NULL CHECK (grams > 0),
    covered_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (claim_key, number),
    CONSTRAINT certification_cover_by_one CHECK ((batch_id IS NULL) <> (cancellation_id IS NULL))
);
CREATE INDEX certification_cover_xid ON certification_cover (xid);
CREATE INDEX certification_cover_batch ON certification_cover (batch_id) WHERE batch_id IS NOT NULL;
CREATE INDEX certification_cover_cancellation ON certification_cover (cancellation_id) WHERE cancellation_id IS NOT NULL;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['certification_shortfall', 'certification_correction', 'certification_cancellation',
        'certification_cover']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
