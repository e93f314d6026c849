-- Credits on their way between books, what their holders do with them in the book that issued them, and agreed sales.
-- Every row stays as it is: what becomes of a transfer or an offer is a further row.

-- Tonnes of one owner that are to stand in a compliance market's book instead of the book that issued them.
CREATE TABLE bridge_transfer (
    id uuid PRIMARY KEY,
    market text NOT NULL,
    from_book text COLLATE "C" NOT NULL REFERENCES serial_book (code),
    to_book text COLLATE "C" NOT NULL REFERENCES serial_book (code),
    owner text NOT NULL REFERENCES organisation (code),
    quantity_t bigint NOT NULL CHECK (quantity_t > 0),
    asked_by uuid NOT NULL REFERENCES staff,
    asked_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT bridge_transfer_between_two_books CHECK (from_book <> to_book)
);
CREATE INDEX bridge_transfer_owner ON bridge_transfer (owner, asked_at, id);

-- Each step stands on the one before it and is followed by at most one: a transfer is deposited or returned, never both,
-- and none of its steps happens twice.
CREATE TABLE bridge_step (
    bridge_id uuid NOT NULL REFERENCES bridge_transfer,
    step text NOT NULL,
    follows text,
    posting_id uuid NOT NULL UNIQUE,
    reason text,
    taken_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (bridge_id, step),
    CONSTRAINT bridge_step_followed_once UNIQUE (bridge_id, follows),
    FOREIGN KEY (bridge_id, follows) REFERENCES bridge_step (bridge_id, step),
    CONSTRAINT bridge_step_in_order CHECK (
        step = 'locked' AND follows IS NULL
        OR step = 'deposited' AND follows IS NOT DISTINCT FROM 'locked'
        OR step = 'returned' AND follows IS NOT DISTINCT FROM 'locked'
        OR step = 'confirmed' AND follows IS NOT DISTINCT FROM 'deposited'),
    CONSTRAINT bridge_step_returned_with_reason CHECK ((step = 'returned') = (reason IS NOT NULL))
);

-- Credits that passed to another holder in the book that issued them; the price was paid elsewhere.
CREATE TABLE credit_transfer (
    id uuid PRIMARY KEY,
    book text COLLATE "C" NOT NULL REFERENCES serial_book (code),
    giver text NOT NULL REFERENCES organisation (code),
    taker text NOT NULL REFERENCES organisation (code),
    quantity_t bigint NOT NULL CHECK (quantity_t > 0),
    price_fen bigint NOT NULL CHECK (price_fen >= 0),
    posting_id uuid NOT NULL UNIQUE,
    asked_by uuid NOT NULL REFERENCES staff,
    asked_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT credit_transfer_to_another CHECK (giver <> taker)
);

-- Credits that their holder gave up for a purpose of his own, without surrendering them.
CREATE TABLE credit_cancellation (
    id uuid PRIMARY KEY,
    book text COLLATE "C" NOT NULL REFERENCES serial_book (code),
    owner text NOT NULL REFERENCES organisation (code),
    quantity_t bigint NOT NULL CHECK (quantity_t > 0),
    purpose text NOT NULL CHECK (purpose <> ''),
    posting_id uuid NOT NULL UNIQUE,
    asked_by uuid NOT NULL REFERENCES staff,
    asked_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);

-- An offer of units to one buyer at one price for all of them; the units are set aside until it ends.
CREATE TABLE sale (
    id uuid PRIMARY KEY,
    market text NOT NULL,
    book text COLLATE "C" NOT NULL REFERENCES serial_book (code),
    seller text NOT NULL REFERENCES organisation (code),
    buyer text NOT NULL REFERENCES organisation (code),
    quantity_t bigint NOT NULL CHECK (quantity_t > 0),
    price_fen bigint NOT NULL CHECK (price_fen > 0),
    posting_id uuid NOT NULL UNIQUE,
    offered_by uuid NOT NULL REFERENCES staff,
    offered_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT sale_to_another CHECK (seller <> buyer),
    CONSTRAINT sale_expires_later CHECK (expires_at > offered_at)
);
CREATE INDEX sale_seller ON sale (seller, offered_at, id);
CREATE INDEX sale_buyer ON sale (buyer, offered_at, id);
CREATE INDEX sale_expiry ON sale (expires_at);

-- How an offer ended, once.
CREATE TABLE sale_end (
    sale_id uuid PRIMARY KEY REFERENCES sale,
    outcome text NOT NULL CHECK (outcome IN ('settled', 'declined', 'withdrawn', 'expired')),
    posting_id uuid NOT NULL UNIQUE,
    ended_by uuid REFERENCES staff,
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT sale_end_by_somebody_or_by_time CHECK ((outcome = 'expired') = (ended_by IS NULL))
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'bridge_transfer', 'bridge_step', 'credit_transfer', 'credit_cancellation', 'sale', 'sale_end']
    LOOP
        EXECUTE format('CREATE INDEX %I ON %I (xid)', name || '_xid', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()',
            name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()',
            name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
