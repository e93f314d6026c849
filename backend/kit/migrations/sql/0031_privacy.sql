-- The right taken back, who is the same person, guardians, leaving, and who looked at whom.

-- Grams of a pooled act that left their pool because the right to claim them was taken back before a batch took them.
-- `part` numbers the postings of one revocation.
CREATE TABLE action_released (
    claim_key uuid PRIMARY KEY REFERENCES action,
    assignment_id uuid NOT NULL REFERENCES assignment_of_right,
    part integer NOT NULL CHECK (part > 0),
    released_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX action_released_xid ON action_released (xid);
CREATE INDEX action_released_assignment ON action_released (assignment_id, part);

CREATE INDEX assignment_of_right_revoked ON assignment_of_right (revoked_at) WHERE revoked_at IS NOT NULL;

-- When a scenario was said no to: from that word until the next.
CREATE INDEX consent_event_withdrawn ON consent_event (participant_id) WHERE NOT given;
CREATE VIEW consent_withdrawn AS
SELECT e.participant_id, e.scenario, e.happened_at AS low,
       COALESCE((SELECT n.happened_at FROM consent_event n
                 WHERE n.participant_id = e.participant_id AND n.scenario = e.scenario AND n.id > e.id
                 ORDER BY n.id LIMIT 1), 'infinity') AS high
FROM consent_event e WHERE NOT e.given;
GRANT SELECT ON consent_withdrawn TO puhui_app;

-- That an account is some natural person's, as a provider of real names said: a keyed digest, never the number itself.
CREATE TABLE person_proof (
    id uuid PRIMARY KEY,
    participant_id uuid NOT NULL REFERENCES participant,
    provider text NOT NULL CHECK (provider ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    subject_index bytea NOT NULL CHECK (length(subject_index) = 32),
    proved_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (participant_id, provider)
);
CREATE INDEX person_proof_subject ON person_proof (provider, subject_index, proved_at, id);
CREATE INDEX person_proof_xid ON person_proof (xid);

-- An account that its holder closed.
CREATE TABLE account_closed (
    participant_id uuid PRIMARY KEY REFERENCES participant,
    closed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX account_closed_xid ON account_closed (xid);

-- What an account gave up when it was closed: points to breakage, money to what was forgone.
CREATE TABLE account_forfeit (
    posting_id uuid PRIMARY KEY,
    participant_id uuid NOT NULL REFERENCES account_closed,
    programme_id integer NOT NULL REFERENCES programme,
    amount bigint NOT NULL CHECK (amount > 0),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX account_forfeit_participant ON account_forfeit (participant_id);
CREATE INDEX account_forfeit_xid ON account_forfeit (xid);

-- A child's account under a guardian's. `ends_on` is the first of the month behind the fourteenth birthday: no day of birth
-- is kept, and none follows from it.
CREATE TABLE guardianship (
    child_id uuid PRIMARY KEY REFERENCES participant,
    guardian_id uuid NOT NULL REFERENCES participant,
    ends_on date NOT NULL CHECK (extract(day FROM ends_on) = 1),
    agreement_id text NOT NULL,
    edition text NOT NULL,
    text_sha256 bytea NOT NULL REFERENCES agreement_text,
    began_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT guardianship_of_another CHECK (child_id <> guardian_id)
);
CREATE INDEX guardianship_guardian ON guardianship (guardian_id);
CREATE INDEX guardianship_xid ON guardianship (xid);

-- How a guardianship ended, once: the child took the account over, or the guardian withdrew and closed it.
CREATE TABLE guardianship_ended (
    child_id uuid PRIMARY KEY REFERENCES guardianship,
    because text NOT NULL CHECK (because IN ('handed_over', 'closed')),
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX guardianship_ended_xid ON guardianship_ended (xid);

-- What a guardian allows a child beyond earning: each said on its own, never assumed.
CREATE TABLE guardian_word (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    child_id uuid NOT NULL REFERENCES guardianship,
    scope text NOT NULL CHECK (scope IN ('social', 'lottery', 'redeem')),
    allowed boolean NOT NULL,
    text_sha256 bytea NOT NULL REFERENCES agreement_text,
    said_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX guardian_word_child ON guardian_word (child_id, scope, id);
CREATE INDEX guardian_word_xid ON guardian_word (xid);

-- Which member of staff opened what of whom, by which operation and why.
CREATE TABLE person_look (
    id uuid PRIMARY KEY,
    participant_id uuid NOT NULL REFERENCES participant,
    staff_id uuid NOT NULL REFERENCES staff,
    organisation_id uuid NOT NULL REFERENCES organisation,
    operation text NOT NULL CHECK (operation ~ '^[a-z][a-z0-9_]{0,62}$'),
    reason text NOT NULL CHECK (btrim(reason) <> '' AND length(reason) <= 500),
    looked_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX person_look_participant ON person_look (participant_id, looked_at, id);
CREATE INDEX person_look_xid ON person_look (xid);

-- Whether a guardian allows this of a child; everybody who is no child may.
CREATE FUNCTION guardian_allows(p_participant uuid, p_scope text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (
            SELECT FROM guardianship g WHERE g.child_id = p_participant
              AND NOT EXISTS (SELECT FROM guardianship_ended e WHERE e.child_id = g.child_id))
        OR COALESCE((SELECT w.allowed FROM guardian_word w
                     WHERE w.child_id = p_participant AND w.scope = p_scope ORDER BY w.id DESC LIMIT 1), false)
$$;

-- Whether what this participant holds may be redeemed: not while another account, proved earlier to be the same person's,
-- is open; not after closing; and for a child only where its guardian said so.
CREATE FUNCTION redeemable(p_participant uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM account_closed c WHERE c.participant_id = p_participant)
        AND NOT EXISTS (
            SELECT FROM person_proof mine
            JOIN person_proof other ON other.provider = mine.provider AND other.subject_index = mine.subject_index
                AND (other.proved_at, other.id) < (mine.proved_at, mine.id)
                AND other.participant_id <> mine.participant_id
            WHERE mine.participant_id = p_participant
              AND NOT EXISTS (SELECT FROM account_closed c WHERE c.participant_id = other.participant_id)
              AND NOT EXISTS (SELECT FROM account_join j
                              WHERE j.joined_id = other.participant_id AND j.into_id = mine.participant_id))
        AND guardian_allows(p_participant, 'redeem')
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['action_released', 'person_proof', 'account_closed', 'account_forfeit', 'guardianship',
                                'guardianship_ended', 'guardian_word', 'person_look'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION redeemable, guardian_allows FROM PUBLIC;
GRANT EXECUTE ON FUNCTION redeemable, guardian_allows TO puhui_app;
