-- From pooled grams to issued credits. Every row here is a step that was taken: none is ever changed or removed.
-- No table but `batch` refers to one by a foreign key where millions of rows would have to ask; the audit does.

-- The acts of closed months, frozen in one order. A series is (project, methodology, vintage year, demo); its next batch
-- begins when the last one is issued, and opens with what that one carried over.
CREATE TABLE batch (
    id uuid PRIMARY KEY,
    project text NOT NULL,
    methodology text NOT NULL,
    vintage_year integer NOT NULL,
    demo boolean NOT NULL,
    sequence integer NOT NULL CHECK (sequence > 0),
    previous_id uuid UNIQUE,
    region text NOT NULL,
    operator_id uuid NOT NULL REFERENCES organisation,
    first_month date NOT NULL,
    last_month date NOT NULL,
    benefit_split text NOT NULL CHECK (benefit_split <> ''),
    benefit_split_published_on date NOT NULL,
    acts bigint NOT NULL CHECK (acts > 0),
    frozen_g bigint NOT NULL CHECK (frozen_g > 0),
    frozen_root bytea NOT NULL CHECK (length(frozen_root) = 32),
    carry_in_g bigint NOT NULL CHECK (carry_in_g >= 0),
    log_index bigint NOT NULL,
    closed_by uuid NOT NULL REFERENCES staff,
    closed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (project, methodology, vintage_year, demo, sequence),
    CONSTRAINT batch_first_has_no_previous CHECK ((sequence = 1) = (previous_id IS NULL)),
    CONSTRAINT batch_first_carries_nothing_in CHECK (previous_id IS NOT NULL OR carry_in_g = 0),
    CONSTRAINT batch_months_are_months CHECK (
        extract(day FROM first_month) = 1 AND extract(day FROM last_month) = 1 AND first_month <= last_month),
    CONSTRAINT batch_within_its_year CHECK (
        extract(year FROM first_month) = vintage_year AND extract(year FROM last_month) = vintage_year)
);

-- The frozen acts. A claim key stands here once on the whole platform, so no gram is in two batches.
CREATE TABLE batch_leaf (
    batch_id uuid NOT NULL,
    position integer NOT NULL CHECK (position >= 0),
    claim_key uuid NOT NULL,
    day date NOT NULL,
    region text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    grams bigint NOT NULL CHECK (grams > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, position),
    CONSTRAINT batch_leaf_once UNIQUE (claim_key)
);

-- The nodes of level 8 and above of the two trees; below them a tree is built again from 256 leaves.
-- Revision 0 is the frozen tree, any other the certified tree of that statement.
CREATE TABLE batch_node (
    batch_id uuid NOT NULL,
    revision integer NOT NULL CHECK (revision >= 0),
    level smallint NOT NULL CHECK (level >= 8),
    number integer NOT NULL CHECK (number >= 0),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    grams bigint NOT NULL CHECK (grams > 0),
    from_gram bigint NOT NULL CHECK (from_gram >= 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, revision, level, number)
);
CREATE INDEX batch_node_gram ON batch_node (batch_id, revision, level, from_gram);

-- The monitoring report, as bytes whose SHA-256 two people certify.
CREATE TABLE batch_report (
    batch_id uuid PRIMARY KEY REFERENCES batch,
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    document bytea NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);

CREATE TABLE batch_report_certified (
    batch_id uuid PRIMARY KEY REFERENCES batch,
    report_sha256 bytea NOT NULL,
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    organisation_id uuid NOT NULL REFERENCES organisation,
    proposed_by uuid NOT NULL REFERENCES staff,
    approved_by uuid NOT NULL REFERENCES staff,
    certified_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT batch_report_certified_takes_two CHECK (proposed_by <> approved_by)
);

-- Who verifies: the assignment with the highest number.
CREATE TABLE batch_assignment (
    batch_id uuid NOT NULL REFERENCES batch,
    number integer NOT NULL CHECK (number > 0),
    organisation_id uuid NOT NULL REFERENCES organisation,
    assigned_by uuid NOT NULL REFERENCES staff,
    assigned_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, number)
);

-- A sample is what its seed says; the acts it hits are noted so that nobody has to draw again.
CREATE TABLE batch_sample (
    batch_id uuid NOT NULL REFERENCES batch,
    number integer NOT NULL CHECK (number > 0),
    seed bytea NOT NULL CHECK (length(seed) = 32),
    draws integer NOT NULL CHECK (draws > 0),
    drawn_by uuid NOT NULL REFERENCES staff,
    drawn_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, number)
);

CREATE TABLE batch_draw (
    batch_id uuid NOT NULL,
    sample integer NOT NULL,
    draw integer NOT NULL CHECK (draw > 0),
    gram bigint NOT NULL CHECK (gram >= 0),
    position integer NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, sample, draw),
    FOREIGN KEY (batch_id, sample) REFERENCES batch_sample,
    FOREIGN KEY (batch_id, position) REFERENCES batch_leaf
);

-- What a verifier found of an act: how many of its grams stand. Of one act the finding with the highest number counts.
CREATE TABLE batch_finding (
    batch_id uuid NOT NULL REFERENCES batch,
    number integer NOT NULL CHECK (number > 0),
    position integer NOT NULL,
    keeps_g bigint NOT NULL CHECK (keeps_g >= 0),
    reason text NOT NULL CHECK (reason ~ '^[a-z_]+$'),
    remark text NOT NULL CHECK (remark <> ''),
    found_by uuid NOT NULL REFERENCES staff,
    found_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, number),
    FOREIGN KEY (batch_id, position) REFERENCES batch_leaf
);

-- The verification statement; the one with the highest revision stands. It rests on the findings up to `findings`.
-- Of the frozen acts `kept_acts` were not cut off by the deduction, and the last of those keeps `last_keeps_g`.
CREATE TABLE batch_statement (
    batch_id uuid NOT NULL REFERENCES batch,
    revision integer NOT NULL CHECK (revision > 0),
    organisation_id uuid NOT NULL REFERENCES organisation,
    findings integer NOT NULL CHECK (findings >= 0),
    rejected_g bigint NOT NULL CHECK (rejected_g >= 0),
    deducted_g bigint NOT NULL CHECK (deducted_g >= 0),
    kept_acts integer NOT NULL CHECK (kept_acts >= 0),
    last_keeps_g bigint NOT NULL CHECK (last_keeps_g >= 0),
    verified_g bigint NOT NULL CHECK (verified_g >= 0),
    certified_root bytea NOT NULL CHECK (length(certified_root) = 32),
    certified_leaves bigint NOT NULL CHECK (certified_leaves >= 0),
    certified_g bigint NOT NULL CHECK (certified_g >= 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    document bytea NOT NULL,
    log_index bigint NOT NULL,
    issued_by uuid NOT NULL REFERENCES staff,
    issued_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (batch_id, revision)
);

-- Two people of the authority agreed: whole tonnes became credits with the numbers [first_serial, first_serial + quantity_t).
CREATE TABLE batch_issuance (
    batch_id uuid PRIMARY KEY REFERENCES batch,
    revision integer NOT NULL,
    act_id uuid NOT NULL UNIQUE REFERENCES two_person_act,
    book text NOT NULL,
    first_serial bigint CHECK (first_serial > 0),
    quantity_t bigint NOT NULL CHECK (quantity_t >= 0),
    carry_out_g bigint NOT NULL CHECK (carry_out_g >= 0 AND carry_out_g < 1000000),
    owner_id uuid NOT NULL REFERENCES organisation,
    proposed_by uuid NOT NULL REFERENCES staff,
    approved_by uuid NOT NULL REFERENCES staff,
    log_index bigint NOT NULL,
    issued_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    FOREIGN KEY (batch_id, revision) REFERENCES batch_statement,
    CONSTRAINT batch_issuance_takes_two CHECK (proposed_by <> approved_by),
    CONSTRAINT batch_issuance_numbers_what_it_issues CHECK ((quantity_t > 0) = (first_serial IS NOT NULL))
);
CREATE UNIQUE INDEX batch_issuance_serials ON batch_issuance (book, first_serial);

-- Whatever program writes: a series goes on only behind an issued batch.
ALTER TABLE batch ADD CONSTRAINT batch_follows_an_issued_one FOREIGN KEY (previous_id) REFERENCES batch_issuance;

CREATE INDEX batch_xid ON batch (xid);
CREATE INDEX batch_leaf_xid ON batch_leaf (xid);
CREATE INDEX batch_node_xid ON batch_node (xid);
CREATE INDEX batch_report_xid ON batch_report (xid);
CREATE INDEX batch_report_certified_xid ON batch_report_certified (xid);
CREATE INDEX batch_assignment_xid ON batch_assignment (xid);
CREATE INDEX batch_sample_xid ON batch_sample (xid);
CREATE INDEX batch_draw_xid ON batch_draw (xid);
CREATE INDEX batch_finding_xid ON batch_finding (xid);
CREATE INDEX batch_statement_xid ON batch_statement (xid);
CREATE INDEX batch_issuance_xid ON batch_issuance (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['batch', 'batch_leaf', 'batch_node', 'batch_report', 'batch_report_certified',
        'batch_assignment', 'batch_sample', 'batch_draw', 'batch_finding', 'batch_statement', 'batch_issuance']
    LOOP
        EXECUTE format('CREATE TRIGGER %1$s_kept BEFORE UPDATE OR DELETE ON %1$s
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_not_emptied BEFORE TRUNCATE ON %1$s
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
