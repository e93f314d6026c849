-- Rewards that a programme gives directly, lotteries, planting and adoption, and events.

-- What a participant got for points: `number` counts what was ever given of a reward, `points` left the wallet by the
-- posting with the grant's own id. A prize of a lottery is a grant for no points, of the reward `<lottery's reward>/<prize>`.
CREATE TABLE reward_grant (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    reward text NOT NULL CHECK (reward <> ''),
    kind text NOT NULL CHECK (kind IN ('goods', 'voucher', 'privilege', 'public_service', 'public_welfare', 'prop',
        'planting', 'adoption', 'lottery')),
    participant_id uuid NOT NULL REFERENCES participant,
    number integer NOT NULL CHECK (number > 0),
    points bigint NOT NULL CHECK (points >= 0),
    protects_from timestamptz,
    protects_until timestamptz,
    granted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (programme_id, reward, number),
    CONSTRAINT reward_grant_protects CHECK (
        (protects_from IS NULL) = (protects_until IS NULL) AND (protects_from IS NULL OR kind = 'prop')
        AND (protects_until IS NULL OR protects_until > protects_from AND protects_from >= granted_at)),
    CONSTRAINT reward_grant_prizes_cost_nothing CHECK (kind <> 'lottery' OR points = 0)
);
CREATE INDEX reward_grant_xid ON reward_grant (xid);
CREATE INDEX reward_grant_participant ON reward_grant (participant_id, programme_id, granted_at);

-- What became of a grant that somebody has to fulfil. Refused: its points went back, by a posting derived from its id.
CREATE TABLE reward_outcome (
    grant_id uuid PRIMARY KEY REFERENCES reward_grant,
    outcome text NOT NULL CHECK (outcome IN ('delivered', 'refused')),
    words text NOT NULL CHECK (length(words) <= 500),
    decided_by uuid NOT NULL REFERENCES staff,
    decided_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT reward_outcome_says_why CHECK (outcome = 'delivered' OR words <> '')
);
CREATE INDEX reward_outcome_xid ON reward_outcome (xid);

-- A lottery: everything that decides its result is said, and logged, before anybody enters. `prizes` in the order in which
-- they are drawn: [{"id", "zh", "en", "count"}].
CREATE TABLE lottery (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    reward text NOT NULL CHECK (reward <> ''),
    operator_id uuid NOT NULL REFERENCES organisation,
    second_id uuid NOT NULL REFERENCES organisation,
    points bigint NOT NULL CHECK (points >= 0),
    most_per_person integer CHECK (most_per_person > 0),
    most_entries integer CHECK (most_entries > 0),
    one_prize_per_person boolean NOT NULL,
    prizes jsonb NOT NULL CHECK (jsonb_array_length(prizes) > 0),
    enter_from timestamptz NOT NULL,
    enter_until timestamptz NOT NULL,
    reveal_until timestamptz NOT NULL,
    opened_by uuid NOT NULL REFERENCES staff,
    opened_at timestamptz NOT NULL,
    log_index bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT lottery_two_organisations CHECK (operator_id <> second_id),
    CONSTRAINT lottery_in_time CHECK (opened_at < enter_until AND enter_from < enter_until AND enter_until < reveal_until)
);
CREATE INDEX lottery_xid ON lottery (xid);
CREATE INDEX lottery_programme ON lottery (programme_id, opened_at);

-- SHA-256(secret || lottery id) of one party: never of the same organisation or person, never the other's.
CREATE TABLE lottery_commitment (
    lottery_id uuid NOT NULL REFERENCES lottery,
    party text NOT NULL CHECK (party IN ('operator', 'second')),
    organisation_id uuid NOT NULL REFERENCES organisation,
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
    committed_by uuid NOT NULL REFERENCES staff,
    committed_at timestamptz NOT NULL,
    log_index bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (lottery_id, party),
    UNIQUE (lottery_id, organisation_id),
    UNIQUE (lottery_id, committed_by),
    UNIQUE (lottery_id, commitment)
);
CREATE INDEX lottery_commitment_xid ON lottery_commitment (xid);

-- One entry. A person has one random handle in a lottery, and their entries count from 1: `<handle>-<number>` is all that
-- anybody else sees.
CREATE TABLE lottery_entry (
    id uuid PRIMARY KEY,
    lottery_id uuid NOT NULL REFERENCES lottery,
    participant_id uuid NOT NULL REFERENCES participant,
    number integer NOT NULL CHECK (number > 0),
    handle text NOT NULL CHECK (handle ~ '^[0-9a-f]{16}$'),
    points bigint NOT NULL CHECK (points >= 0),
    entered_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (lottery_id, participant_id, number),
    UNIQUE (lottery_id, handle, number)
);
CREATE INDEX lottery_entry_xid ON lottery_entry (xid);
CREATE INDEX lottery_entry_participant ON lottery_entry (participant_id);

-- The entries as they stood when the time was over: their number and hash, and the log entries that list them.
CREATE TABLE lottery_close (
    lottery_id uuid PRIMARY KEY REFERENCES lottery,
    entries integer NOT NULL CHECK (entries >= 0),
    entries_sha256 bytea NOT NULL CHECK (octet_length(entries_sha256) = 32),
    closed_at timestamptz NOT NULL,
    log_index bigint NOT NULL,
    log_count integer NOT NULL CHECK (log_count > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX lottery_close_xid ON lottery_close (xid);

-- A party's secret, after the entries were fixed.
CREATE TABLE lottery_reveal (
    lottery_id uuid NOT NULL REFERENCES lottery_close,
    party text NOT NULL,
    secret bytea NOT NULL CHECK (octet_length(secret) = 32),
    revealed_by uuid NOT NULL REFERENCES staff,
    revealed_at timestamptz NOT NULL,
    log_index bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (lottery_id, party),
    FOREIGN KEY (lottery_id, party) REFERENCES lottery_commitment
);
CREATE INDEX lottery_reveal_xid ON lottery_reveal (xid);

-- The one result of a lottery: drawn from its seed, or failed because of the named parties, and then all points went back.
CREATE TABLE lottery_result (
    lottery_id uuid PRIMARY KEY REFERENCES lottery_close,
    outcome text NOT NULL CHECK (outcome IN ('drawn', 'failed')),
    seed bytea CHECK (octet_length(seed) = 32),
    failed_by text[] NOT NULL CHECK (failed_by <@ ARRAY['operator', 'second']),
    decided_at timestamptz NOT NULL,
    log_index bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT lottery_result_drawn_or_failed CHECK (
        (outcome = 'drawn') = (seed IS NOT NULL) AND (outcome = 'failed') = (cardinality(failed_by) > 0))
);
CREATE INDEX lottery_result_xid ON lottery_result (xid);

CREATE TABLE lottery_winner (
    lottery_id uuid NOT NULL REFERENCES lottery_result,
    place integer NOT NULL CHECK (place > 0),
    prize text NOT NULL,
    entry_id uuid NOT NULL UNIQUE REFERENCES lottery_entry,
    grant_id uuid NOT NULL UNIQUE REFERENCES reward_grant,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (lottery_id, place)
);
CREATE INDEX lottery_winner_xid ON lottery_winner (xid);

-- Orders of trees that were handed to the partner who really plants. A tree is handed over once.
CREATE TABLE tree_batch (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    partner text NOT NULL CHECK (partner <> ''),
    made_by uuid NOT NULL REFERENCES staff,
    made_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX tree_batch_xid ON tree_batch (xid);
CREATE INDEX tree_batch_programme ON tree_batch (programme_id, made_at);

CREATE TABLE tree_batch_order (
    grant_id uuid PRIMARY KEY REFERENCES reward_grant,
    batch_id uuid NOT NULL REFERENCES tree_batch,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX tree_batch_order_xid ON tree_batch_order (xid);
CREATE INDEX tree_batch_order_batch ON tree_batch_order (batch_id);

-- A tree that stands for an order, with the number of its certificate. Real: the partner reported it under a reference of
-- its own, which stands for one planted tree. Otherwise it grows on the screen only, and nobody reported anything.
CREATE TABLE tree (
    grant_id uuid PRIMARY KEY REFERENCES reward_grant,
    certificate text NOT NULL UNIQUE CHECK (certificate ~ '^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$'),
    kind text NOT NULL CHECK (kind IN ('planting', 'adoption')),
    partner text,
    reference text,
    place text,
    planted_on date NOT NULL,
    stands_until date,
    reported_by uuid REFERENCES staff,
    reported_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT tree_real_or_not CHECK (
        (partner IS NULL) = (reported_by IS NULL) AND (partner IS NULL) = (reference IS NULL)
        AND (partner IS NULL) = (place IS NULL)),
    CONSTRAINT tree_adopted_for_a_term CHECK ((kind = 'adoption' AND partner IS NOT NULL) = (stands_until IS NOT NULL)),
    CONSTRAINT tree_term CHECK (stands_until >= planted_on)
);
CREATE INDEX tree_xid ON tree (xid);
CREATE UNIQUE INDEX tree_planted_once ON tree (partner, reference) WHERE kind = 'planting' AND partner IS NOT NULL;
CREATE INDEX tree_adopted ON tree (partner, reference) WHERE kind = 'adoption';

-- Something to come to. `points` is its price, `award` what checking in earns.
CREATE TABLE event (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    reward text,
    title_zh text NOT NULL CHECK (title_zh <> ''),
    title_en text NOT NULL CHECK (title_en <> ''),
    place text NOT NULL CHECK (place <> ''),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    capacity integer CHECK (capacity > 0),
    points bigint NOT NULL CHECK (points >= 0),
    award bigint NOT NULL CHECK (award >= 0),
    published_by uuid NOT NULL REFERENCES staff,
    published_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT event_in_time CHECK (published_at < starts_at AND starts_at < ends_at)
);
CREATE INDEX event_xid ON event (xid);
CREATE INDEX event_programme ON event (programme_id, starts_at);

CREATE TABLE event_called_off (
    event_id uuid PRIMARY KEY REFERENCES event,
    reason text NOT NULL CHECK (reason <> '' AND length(reason) <= 500),
    called_off_by uuid NOT NULL REFERENCES staff,
    called_off_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX event_called_off_xid ON event_called_off (xid);

-- Who signed up, in order: the first ones that stand have the seats, the others wait.
CREATE TABLE event_signup (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES event,
    participant_id uuid NOT NULL REFERENCES participant,
    number integer NOT NULL CHECK (number > 0),
    points bigint NOT NULL CHECK (points >= 0),
    signed_up_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (event_id, number)
);
CREATE INDEX event_signup_xid ON event_signup (xid);
CREATE INDEX event_signup_participant ON event_signup (participant_id, event_id);

-- A sign-up that stands no more: its points went back by a posting derived from its id.
CREATE TABLE event_signup_end (
    signup_id uuid PRIMARY KEY REFERENCES event_signup,
    how text NOT NULL CHECK (how IN ('cancelled', 'called_off', 'no_seat')),
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX event_signup_end_xid ON event_signup_end (xid);

-- Who came: with the code that the screen showed in the 30 seconds numbered `shown`. What that earned is awarded by the
-- posting `award_posting`; there is none where it earned nothing.
CREATE TABLE event_check_in (
    signup_id uuid PRIMARY KEY REFERENCES event_signup,
    shown bigint NOT NULL,
    award bigint NOT NULL CHECK (award >= 0),
    award_posting uuid NOT NULL UNIQUE,
    checked_in_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX event_check_in_xid ON event_check_in (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['reward_grant', 'reward_outcome', 'lottery', 'lottery_commitment', 'lottery_entry',
        'lottery_close', 'lottery_reveal', 'lottery_result', 'lottery_winner', 'tree_batch', 'tree_batch_order', 'tree',
        'event', 'event_called_off', 'event_signup', 'event_signup_end', 'event_check_in']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
