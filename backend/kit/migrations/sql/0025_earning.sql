-- Budgets of programmes and benefits in money.

-- That a programme's budget did not give what acts would have earned. `room` was left of it as `snapshot` saw the ledger,
-- without the floor; `freed` is what the same transaction took back before it gave. `posting_id` is the posting that gave
-- the points, or would have; `budget_year` is NULL where the budget is for the programme's whole life.
CREATE TABLE budget_reached (
    posting_id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    budget_year integer,
    room bigint NOT NULL,
    freed bigint NOT NULL CHECK (freed >= 0),
    wanted bigint NOT NULL CHECK (wanted > 0),
    given bigint NOT NULL CHECK (given < wanted),
    snapshot text NOT NULL CHECK (snapshot <> ''),
    reached_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT budget_reached_gives_all_there_is CHECK (given = GREATEST(room + freed, 0))
);
CREATE INDEX budget_reached_xid ON budget_reached (xid);
CREATE INDEX budget_reached_programme ON budget_reached (programme_id, reached_at);

-- What an act would have earned beyond what it did, had the budget not been used up.
CREATE TABLE action_unfunded (
    claim_key uuid PRIMARY KEY,
    posting_id uuid NOT NULL REFERENCES budget_reached,
    points bigint NOT NULL CHECK (points > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX action_unfunded_xid ON action_unfunded (xid);
CREATE INDEX action_unfunded_posting ON action_unfunded (posting_id);

-- A payout of benefits in money that two people let go: what lay on each citizen's account then, one line each.
CREATE TABLE benefit_payout (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    through date NOT NULL,
    people integer NOT NULL CHECK (people > 0),
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    approval_id uuid NOT NULL UNIQUE,
    proposed_by uuid NOT NULL REFERENCES staff,
    approved_by uuid NOT NULL REFERENCES staff,
    paid_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT benefit_payout_two_people CHECK (proposed_by <> approved_by)
);
CREATE INDEX benefit_payout_xid ON benefit_payout (xid);
CREATE INDEX benefit_payout_programme ON benefit_payout (programme_id, paid_at);
CREATE TABLE benefit_payout_line (
    payout_id uuid NOT NULL REFERENCES benefit_payout,
    participant_id uuid NOT NULL REFERENCES participant,
    amount_fen bigint NOT NULL CHECK (amount_fen > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (payout_id, participant_id)
);
CREATE INDEX benefit_payout_line_xid ON benefit_payout_line (xid);
CREATE INDEX benefit_payout_line_participant ON benefit_payout_line (participant_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['budget_reached', 'action_unfunded', 'benefit_payout', 'benefit_payout_line'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
