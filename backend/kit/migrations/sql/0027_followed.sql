-- What acts amount to by person and day, and what tasks, campaigns and referrals gave for it.

-- Up to where acts were followed: everything that transactions below `below` wrote is in `acted_day`.
CREATE TABLE followed_cursor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    below xid8 NOT NULL
);
INSERT INTO followed_cursor (below) VALUES ('0');
-- Programmes that are followed, by the pack they ran by when they were last read whole.
CREATE TABLE followed_programme (
    programme_id integer PRIMARY KEY REFERENCES programme,
    active_from timestamptz NOT NULL
);
-- People and days that the next run looks at although no act of theirs is new.
CREATE TABLE followed_again (
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (programme_id, participant_id, day)
);
-- What somebody's standing acts of one activity amount to on one Shanghai day. Made of acts alone, and made again at any time.
CREATE TABLE acted_day (
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL,
    day date NOT NULL,
    activity text NOT NULL,
    acts bigint NOT NULL CHECK (acts > 0),
    grams bigint NOT NULL CHECK (grams >= 0),
    points bigint NOT NULL CHECK (points >= 0),
    PRIMARY KEY (programme_id, participant_id, day, activity)
);
CREATE INDEX acted_day_day ON acted_day (programme_id, day);
GRANT SELECT, INSERT, UPDATE, DELETE ON followed_cursor, followed_programme, followed_again, acted_day TO puhui_app;

-- Points given for something else than an act. `wanted` is what was due; `points` what the programme's budget still held.
CREATE TABLE award (
    posting_id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    cause text NOT NULL CHECK (cause <> ''),
    wanted bigint NOT NULL CHECK (wanted > 0),
    points bigint NOT NULL CHECK (points >= 0),
    expires_on date,
    awarded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT award_no_more_than_wanted CHECK (points <= wanted)
);
CREATE INDEX award_xid ON award (xid);
CREATE INDEX award_cause ON award (cause) WHERE cause LIKE 'referral:%';
CREATE INDEX award_participant ON award (participant_id, programme_id, awarded_at);
-- Points of awards that were taken back, because what they were for no longer stands.
CREATE TABLE award_taken (
    posting_id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    cause text NOT NULL CHECK (cause <> ''),
    points bigint NOT NULL CHECK (points > 0),
    taken_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX award_taken_xid ON award_taken (xid);
CREATE INDEX award_taken_participant ON award_taken (participant_id, programme_id, taken_at);

-- One run's grants of one campaign, counted from 1. `room` is what was left of the campaign's budget, `programme_room` of
-- the programme's (NULL: it has none).
CREATE TABLE campaign_batch (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    campaign text NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    active_from timestamptz NOT NULL,
    room bigint NOT NULL,
    programme_room bigint,
    wanted bigint NOT NULL CHECK (wanted > 0),
    given bigint NOT NULL CHECK (given >= 0),
    granted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (programme_id, campaign, number),
    CONSTRAINT campaign_batch_gives_all_there_is
        CHECK (given = LEAST(wanted, GREATEST(LEAST(room, COALESCE(programme_room, room)), 0)))
);
CREATE INDEX campaign_batch_xid ON campaign_batch (xid);
-- What an act was given by a campaign beyond its own points: `points` of the `wanted`, less where the budget ended.
CREATE TABLE campaign_grant (
    programme_id integer NOT NULL REFERENCES programme,
    campaign text NOT NULL,
    claim_key uuid NOT NULL REFERENCES action,
    batch_id uuid NOT NULL REFERENCES campaign_batch,
    participant_id uuid NOT NULL REFERENCES participant,
    wanted bigint NOT NULL CHECK (wanted > 0),
    points bigint NOT NULL CHECK (points >= 0),
    posting_id uuid REFERENCES award,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (programme_id, campaign, claim_key),
    CONSTRAINT campaign_grant_no_more_than_wanted CHECK (points <= wanted),
    CONSTRAINT campaign_grant_posted CHECK (points = 0 OR posting_id IS NOT NULL)
);
CREATE INDEX campaign_grant_xid ON campaign_grant (xid);
CREATE INDEX campaign_grant_batch ON campaign_grant (batch_id);
CREATE INDEX campaign_grant_posting ON campaign_grant (posting_id);
CREATE INDEX campaign_grant_participant ON campaign_grant (participant_id);
CREATE INDEX campaign_grant_claim ON campaign_grant (claim_key);
-- What came back to a campaign because its act was withdrawn; `after` is the number of the campaign's last batch then.
CREATE TABLE campaign_returned (
    programme_id integer NOT NULL,
    campaign text NOT NULL,
    claim_key uuid NOT NULL REFERENCES action_withdrawn,
    points bigint NOT NULL CHECK (points > 0),
    after integer NOT NULL CHECK (after > 0),
    posting_id uuid NOT NULL REFERENCES award_taken,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (programme_id, campaign, claim_key),
    FOREIGN KEY (programme_id, campaign, claim_key) REFERENCES campaign_grant
);
CREATE INDEX campaign_returned_xid ON campaign_returned (xid);
CREATE INDEX campaign_returned_posting ON campaign_returned (posting_id);

-- That somebody took a task on for a period: acts count from that day on.
CREATE TABLE task_accepted (
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    task text NOT NULL,
    first date NOT NULL,
    accepted_on date NOT NULL,
    accepted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (programme_id, participant_id, task, first),
    CONSTRAINT task_accepted_within CHECK (accepted_on >= first)
);
CREATE INDEX task_accepted_xid ON task_accepted (xid);
-- A task done in a period, under the terms it was done by: `needed` of `measure` from `counted_from` to `last`.
CREATE TABLE task_finished (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    task text NOT NULL,
    first date NOT NULL,
    last date NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    counted_from date NOT NULL,
    measure text NOT NULL CHECK (measure IN ('acts', 'grams', 'points', 'days')),
    activities text[] NOT NULL,
    needed bigint NOT NULL CHECK (needed > 0),
    points bigint NOT NULL CHECK (points >= 0),
    active_from timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (programme_id, participant_id, task, first, number),
    CONSTRAINT task_finished_within CHECK (first <= counted_from AND counted_from <= last)
);
CREATE INDEX task_finished_xid ON task_finished (xid);
COMMENT ON COLUMN task_finished.id IS 'also the posting id of its award, where points > 0';
-- That a task is no longer done, since acts went.
CREATE TABLE task_undone (
    finished_id uuid PRIMARY KEY REFERENCES task_finished,
    undone_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX task_undone_xid ON task_undone (xid);

-- The code by which somebody brings others along.
CREATE TABLE referral_code (
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    code text NOT NULL CHECK (code ~ '^[A-HJ-NP-Z2-9]{8}$'),
    made_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (programme_id, participant_id),
    UNIQUE (programme_id, code)
);
CREATE INDEX referral_code_xid ON referral_code (xid);
-- Somebody who came with another's code, once.
CREATE TABLE referral (
    programme_id integer NOT NULL REFERENCES programme,
    newcomer_id uuid NOT NULL REFERENCES participant,
    referrer_id uuid NOT NULL REFERENCES participant,
    joined_on date NOT NULL,
    redeemed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (programme_id, newcomer_id),
    CONSTRAINT referral_of_another CHECK (newcomer_id <> referrer_id)
);
CREATE INDEX referral_xid ON referral (xid);
CREATE INDEX referral_referrer ON referral (programme_id, referrer_id);
-- That a newcomer did what a referral asks for: `needed` acts up to `last`. Their postings have ids derived from this one.
CREATE TABLE referral_rewarded (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL,
    newcomer_id uuid NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    last date NOT NULL,
    needed integer NOT NULL CHECK (needed > 0),
    to_referrer bigint NOT NULL CHECK (to_referrer >= 0),
    to_referred bigint NOT NULL CHECK (to_referred >= 0),
    counts boolean NOT NULL,
    active_from timestamptz NOT NULL,
    rewarded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (programme_id, newcomer_id, number),
    FOREIGN KEY (programme_id, newcomer_id) REFERENCES referral,
    CONSTRAINT referral_rewarded_or_beyond_most CHECK (counts OR to_referrer = 0)
);
CREATE INDEX referral_rewarded_xid ON referral_rewarded (xid);
COMMENT ON COLUMN referral_rewarded.counts IS 'false where the referrer had been rewarded as often as the pack allows';
CREATE TABLE referral_undone (
    rewarded_id uuid PRIMARY KEY REFERENCES referral_rewarded,
    undone_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX referral_undone_xid ON referral_undone (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['award', 'award_taken', 'campaign_batch', 'campaign_grant', 'campaign_returned',
        'task_accepted', 'task_finished', 'task_undone', 'referral_code', 'referral', 'referral_rewarded',
        'referral_undone']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;

CREATE FUNCTION acted_key(p_day date) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(p_day - date '1970-01-01'), 8, '0') || repeat('0', 24))::uuid
$$;
COMMENT ON FUNCTION acted_key IS 'the lowest claim key of a Shanghai day';
REVOKE EXECUTE ON FUNCTION acted_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION acted_key TO puhui_app;
