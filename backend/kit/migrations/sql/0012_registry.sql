-- A compliance market's registry: its mode, accounts, obligations and rules by year, what its numbers are, pledges, closing.
-- Every row stays as it is: what changes is a further row. Whatever two people of the authority decided names their act.

-- Whether a registry is real. Live, it takes no unit of a demo book; the mode stands before the first unit does.
CREATE TABLE registry_mode (
    market text NOT NULL CHECK (market ~ '^[a-z][a-z-]{0,39}$'),
    revision integer NOT NULL CHECK (revision > 0),
    mode text NOT NULL CHECK (mode IN ('live', 'demo')),
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    proposed_by uuid NOT NULL REFERENCES staff,
    approved_by uuid NOT NULL REFERENCES staff,
    set_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (market, revision),
    CONSTRAINT registry_mode_takes_two CHECK (proposed_by <> approved_by)
);

-- An organisation's account in one market: that of an entity with an obligation, or of a mere holder.
CREATE TABLE registry_account (
    id uuid PRIMARY KEY,
    market text NOT NULL CHECK (market ~ '^[a-z][a-z-]{0,39}$'),
    organisation_id uuid NOT NULL REFERENCES organisation,
    organisation text NOT NULL REFERENCES organisation (code),
    region text NOT NULL,
    regulated boolean NOT NULL,
    opened_by uuid NOT NULL REFERENCES staff,
    opened_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT registry_account_once UNIQUE (market, organisation_id)
);

-- The figures of an entity's year that its offsets and its surrender are measured by. A later revision replaces them.
CREATE TABLE compliance_obligation (
    account_id uuid NOT NULL REFERENCES registry_account,
    compliance_year integer NOT NULL CHECK (compliance_year BETWEEN 2000 AND 2200),
    revision integer NOT NULL CHECK (revision > 0),
    issued_t bigint NOT NULL CHECK (issued_t BETWEEN 0 AND 1000000000000),
    initial_t bigint NOT NULL CHECK (initial_t BETWEEN 0 AND 1000000000000),
    confirmed_emissions_t bigint NOT NULL CHECK (confirmed_emissions_t BETWEEN 0 AND 1000000000000),
    obligation_t bigint NOT NULL CHECK (obligation_t BETWEEN 0 AND 1000000000000),
    reason text NOT NULL,
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    proposed_by uuid NOT NULL REFERENCES staff,
    approved_by uuid NOT NULL REFERENCES staff,
    fixed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (account_id, compliance_year, revision),
    CONSTRAINT compliance_obligation_takes_two CHECK (proposed_by <> approved_by)
);

-- By which edition of which pack a year's offsets are judged, with what the pack leaves open. A later revision replaces it.
CREATE TABLE compliance_rules (
    market text NOT NULL,
    compliance_year integer NOT NULL CHECK (compliance_year BETWEEN 2000 AND 2200),
    revision integer NOT NULL CHECK (revision > 0),
    pack_sha256 text NOT NULL REFERENCES pack_text,
    edition text NOT NULL,
    pools jsonb NOT NULL,
    parameters jsonb NOT NULL,
    apply_by date NOT NULL,
    surrender_by date NOT NULL,
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    proposed_by uuid NOT NULL REFERENCES staff,
    approved_by uuid NOT NULL REFERENCES staff,
    adopted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (market, compliance_year, revision),
    CONSTRAINT compliance_rules_takes_two CHECK (proposed_by <> approved_by),
    CONSTRAINT compliance_rules_in_order CHECK (apply_by <= surrender_by)
);

-- What the numbers of a market's book are: an allowance's year, a project's facts. Every number that is held has exactly one.
CREATE TABLE unit_lot (
    id uuid PRIMARY KEY,
    book_id bigint NOT NULL REFERENCES serial_book,
    serials int8range NOT NULL,
    unit text NOT NULL,
    source text NOT NULL CHECK (source IN ('allocated', 'registered', 'bridged')),
    source_id uuid NOT NULL,  -- the two-person act, or the bridge transfer
    facts jsonb NOT NULL,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT unit_lot_whole CHECK (
        NOT isempty(serials) AND lower_inc(serials) AND NOT upper_inc(serials) AND lower(serials) >= 1
        AND NOT upper_inf(serials)),
    CONSTRAINT unit_lot_one_meaning EXCLUDE USING gist (int8range(book_id, book_id, '[]') WITH &&, serials WITH &&)
);

-- Units set aside for a year, with the decision that let them be: the case as the engine read it, and its answer.
-- `step` numbers what happens to a market's year, one after the other, so that each decision can be made again.
CREATE TABLE unit_pledge (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES registry_account,
    market text NOT NULL,
    compliance_year integer NOT NULL,
    step integer NOT NULL CHECK (step > 0),
    rules_revision integer NOT NULL,
    obligation_revision integer NOT NULL,
    edition text NOT NULL,
    pack_sha256 text NOT NULL REFERENCES pack_text,
    asked jsonb NOT NULL,
    answer jsonb NOT NULL,
    cap_t bigint CHECK (cap_t >= 0),
    used_before_t bigint NOT NULL CHECK (used_before_t >= 0),
    offset_t bigint NOT NULL CHECK (offset_t >= 0),
    allowance_t bigint NOT NULL CHECK (allowance_t >= 0),
    pledged_by uuid NOT NULL REFERENCES staff,
    pledged_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT unit_pledge_step_once UNIQUE (market, compliance_year, step),
    CONSTRAINT unit_pledge_something CHECK (offset_t + allowance_t > 0),
    CONSTRAINT unit_pledge_within_the_cap CHECK (
        offset_t = 0 OR (cap_t IS NOT NULL AND used_before_t + offset_t <= cap_t)),
    FOREIGN KEY (account_id, compliance_year, obligation_revision)
        REFERENCES compliance_obligation (account_id, compliance_year, revision),
    FOREIGN KEY (market, compliance_year, rules_revision) REFERENCES compliance_rules (market, compliance_year, revision)
);
CREATE INDEX unit_pledge_account ON unit_pledge (account_id, compliance_year, step);

CREATE TABLE unit_pledge_lot (
    pledge_id uuid NOT NULL REFERENCES unit_pledge,
    line integer NOT NULL CHECK (line > 0),
    lot_id uuid NOT NULL REFERENCES unit_lot,
    book_id bigint NOT NULL REFERENCES serial_book,
    serials int8range NOT NULL CHECK (NOT isempty(serials)),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (pledge_id, line)
);

-- A pledge taken back as a whole before the year was closed.
CREATE TABLE unit_release (
    pledge_id uuid PRIMARY KEY REFERENCES unit_pledge,
    market text NOT NULL,
    compliance_year integer NOT NULL,
    step integer NOT NULL CHECK (step > 0),
    released_by uuid NOT NULL REFERENCES staff,
    released_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT unit_release_step_once UNIQUE (market, compliance_year, step)
);

-- The end of a market's year: nothing is pledged or released any more.
CREATE TABLE compliance_close (
    market text NOT NULL,
    compliance_year integer NOT NULL,
    step integer NOT NULL CHECK (step > 0),
    rules_revision integer NOT NULL,
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    proposed_by uuid NOT NULL REFERENCES staff,
    approved_by uuid NOT NULL REFERENCES staff,
    closed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (market, compliance_year),
    CONSTRAINT compliance_close_takes_two CHECK (proposed_by <> approved_by),
    FOREIGN KEY (market, compliance_year, rules_revision) REFERENCES compliance_rules (market, compliance_year, revision)
);

-- What an entity surrendered for a year, and what it is short of. `returned_t` was pledged beyond what is owed or allowed.
CREATE TABLE unit_surrender (
    account_id uuid NOT NULL REFERENCES registry_account,
    market text NOT NULL,
    compliance_year integer NOT NULL,
    obligation_revision integer NOT NULL,
    obligation_t bigint NOT NULL CHECK (obligation_t >= 0),
    cap_t bigint CHECK (cap_t >= 0),
    offset_t bigint NOT NULL CHECK (offset_t >= 0),
    allowance_t bigint NOT NULL CHECK (allowance_t >= 0),
    returned_t bigint NOT NULL CHECK (returned_t >= 0),
    shortfall_t bigint NOT NULL CHECK (shortfall_t >= 0),
    surrendered_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (account_id, compliance_year),
    CONSTRAINT unit_surrender_is_what_is_owed CHECK (offset_t + allowance_t + shortfall_t = obligation_t),
    CONSTRAINT unit_surrender_within_the_cap CHECK (offset_t = 0 OR (cap_t IS NOT NULL AND offset_t <= cap_t)),
    FOREIGN KEY (market, compliance_year) REFERENCES compliance_close (market, compliance_year),
    FOREIGN KEY (account_id, compliance_year, obligation_revision)
        REFERENCES compliance_obligation (account_id, compliance_year, revision)
);

CREATE TABLE unit_surrender_lot (
    account_id uuid NOT NULL,
    compliance_year integer NOT NULL,
    line integer NOT NULL CHECK (line > 0),
    fate text NOT NULL CHECK (fate IN ('surrendered', 'returned')),
    pledge_id uuid NOT NULL REFERENCES unit_pledge,
    lot_id uuid NOT NULL REFERENCES unit_lot,
    book_id bigint NOT NULL REFERENCES serial_book,
    serials int8range NOT NULL CHECK (NOT isempty(serials)),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (account_id, compliance_year, line),
    FOREIGN KEY (account_id, compliance_year) REFERENCES unit_surrender
);

-- What a revision after the close makes of a surrender that stands: `excess_t` of the offsets count no longer and stay
-- cancelled; `claim_t` more offsets would have been allowed; `overpaid_t` more was surrendered than is owed.
CREATE TABLE surrender_recount (
    account_id uuid NOT NULL,
    compliance_year integer NOT NULL,
    obligation_revision integer NOT NULL,
    obligation_t bigint NOT NULL CHECK (obligation_t >= 0),
    cap_t bigint CHECK (cap_t >= 0),
    counted_offset_t bigint NOT NULL CHECK (counted_offset_t >= 0),
    excess_t bigint NOT NULL CHECK (excess_t >= 0),
    claim_t bigint NOT NULL CHECK (claim_t >= 0),
    overpaid_t bigint NOT NULL CHECK (overpaid_t >= 0),
    shortfall_t bigint NOT NULL CHECK (shortfall_t >= 0),
    counted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (account_id, compliance_year, obligation_revision),
    CONSTRAINT surrender_recount_within_the_cap CHECK (
        counted_offset_t = 0 OR (cap_t IS NOT NULL AND counted_offset_t <= cap_t)),
    FOREIGN KEY (account_id, compliance_year) REFERENCES unit_surrender,
    FOREIGN KEY (account_id, compliance_year, obligation_revision)
        REFERENCES compliance_obligation (account_id, compliance_year, revision)
);

-- Credits that an account's organisation gave up for a purpose of its own, without surrendering them.
CREATE TABLE unit_cancellation (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES registry_account,
    book_id bigint NOT NULL REFERENCES serial_book,
    quantity_t bigint NOT NULL CHECK (quantity_t > 0),
    purpose text NOT NULL CHECK (purpose <> ''),
    cancelled_by uuid NOT NULL REFERENCES staff,
    cancelled_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX unit_cancellation_account ON unit_cancellation (account_id, cancelled_at, id);

-- Money that the authority saw arrive for an organisation in a market, or saw leave.
CREATE TABLE cash_movement (
    id uuid PRIMARY KEY,
    market text NOT NULL,
    organisation text NOT NULL REFERENCES organisation (code),
    direction text NOT NULL CHECK (direction IN ('deposited', 'withdrawn')),
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    reference text NOT NULL CHECK (reference <> ''),
    recorded_by uuid NOT NULL REFERENCES staff,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX cash_movement_organisation ON cash_movement (market, organisation, recorded_at, id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'registry_mode', 'registry_account', 'compliance_obligation', 'compliance_rules', 'unit_lot', 'unit_pledge',
        'unit_pledge_lot', 'unit_release', 'compliance_close', 'unit_surrender', 'unit_surrender_lot',
        'surrender_recount', 'unit_cancellation', 'cash_movement']
    LOOP
        EXECUTE format('CREATE INDEX %I ON %I (xid)', name || '_xid', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()',
            name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()',
            name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
