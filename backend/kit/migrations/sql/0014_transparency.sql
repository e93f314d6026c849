-- What the public asks of the log, by serial number. Every row here is read out of log entries and can be made again
-- from them; nothing else is kept, so the rows may be removed and written again.

-- How far the log was followed: every entry below `next_index` is in the tables below, the last of which has the hash
-- `last_leaf`.
CREATE TABLE transparency_progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    next_index bigint NOT NULL CHECK (next_index >= 0),
    last_leaf bytea NOT NULL
);
INSERT INTO transparency_progress (next_index, last_leaf) VALUES (0, '');

-- What an entry says of a run of serial numbers. `book` is where it happened; `line` is the book in which these numbers
-- came into being, the same on both sides of a bridge.
CREATE TABLE transparency_event (
    entry_index bigint NOT NULL,
    part bigint NOT NULL CHECK (part >= 0),
    kind text NOT NULL,
    line text COLLATE "C" NOT NULL,
    book text COLLATE "C" NOT NULL,
    serials int8range NOT NULL CHECK (NOT isempty(serials) AND lower(serials) >= 1),
    PRIMARY KEY (entry_index, part)
);
CREATE INDEX transparency_event_serials ON transparency_event USING gist (serials);

-- Where numbers came into being: an issuance, or units that a registry took in or allocated.
CREATE TABLE transparency_source (
    entry_index bigint NOT NULL,
    line text COLLATE "C" NOT NULL,
    serials int8range NOT NULL CHECK (NOT isempty(serials) AND lower(serials) >= 1),
    unit text NOT NULL,
    batch text,
    project text COLLATE "C",
    methodology text COLLATE "C",
    vintage_year bigint,
    demo boolean NOT NULL,
    PRIMARY KEY (entry_index, serials)
);
CREATE INDEX transparency_source_batch ON transparency_source (batch);

-- Where each number stands now: runs of one line that do not overlap. `born` is the entry of its source, `last` the one
-- that brought it where it is.
CREATE TABLE transparency_range (
    line text COLLATE "C" NOT NULL,
    serials int8range NOT NULL CHECK (NOT isempty(serials) AND lower(serials) >= 1),
    status text NOT NULL CHECK (status IN ('held', 'locked', 'bridged', 'pledged', 'surrendered', 'cancelled')),
    book text COLLATE "C" NOT NULL,
    market text,
    holder text,
    compliance_year bigint,
    born bigint NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (line, serials)
);
CREATE INDEX transparency_range_serials ON transparency_range USING gist (serials);
CREATE INDEX transparency_range_low ON transparency_range (line, (lower(serials)));
CREATE INDEX transparency_range_born ON transparency_range (born);

-- Which entries are about a batch.
CREATE TABLE transparency_batch (
    entry_index bigint PRIMARY KEY,
    batch text NOT NULL,
    kind text NOT NULL,
    project text COLLATE "C",
    methodology text COLLATE "C",
    vintage_year bigint,
    demo boolean,
    previous text
);
CREATE INDEX transparency_batch_id ON transparency_batch (batch, entry_index);
CREATE INDEX transparency_batch_previous ON transparency_batch (previous) WHERE previous IS NOT NULL;
CREATE INDEX transparency_batch_frozen ON transparency_batch (entry_index) WHERE kind = 'batch.frozen';

-- Entries that tell what cannot be: of units that never came into being, or that are gone.
CREATE TABLE transparency_unfollowed (
    entry_index bigint PRIMARY KEY,
    kind text NOT NULL,
    reason text NOT NULL
);

GRANT SELECT, INSERT, DELETE ON transparency_event, transparency_source, transparency_range, transparency_batch,
    transparency_unfollowed TO puhui_app;
GRANT SELECT, UPDATE ON transparency_progress TO puhui_app;
