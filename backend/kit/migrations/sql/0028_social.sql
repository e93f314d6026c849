-- Profiles, friends, teams, leaderboards, feeds and news.

-- What people say about being shown to others in one programme: `shown` (under a new handle, by a text that was read),
-- `named` (another name), `hidden`, or `erased` together with the person's key. The name is sealed under that key.
CREATE TABLE circle_event (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    seq integer NOT NULL CHECK (seq > 0),
    kind text NOT NULL CHECK (kind IN ('shown', 'named', 'hidden', 'erased')),
    handle text NOT NULL CHECK (handle ~ '^[0-9a-f]{16}$'),
    name_sealed bytea,
    text_sha256 bytea REFERENCES agreement_text,
    said_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    UNIQUE (programme_id, participant_id, seq),
    CONSTRAINT circle_event_names CHECK ((kind IN ('shown', 'named')) = (name_sealed IS NOT NULL)),
    CONSTRAINT circle_event_read CHECK ((kind = 'shown') = (text_sha256 IS NOT NULL))
);
CREATE INDEX circle_event_xid ON circle_event (xid);
CREATE INDEX circle_event_participant ON circle_event (participant_id);
CREATE UNIQUE INDEX circle_event_handle ON circle_event (handle) WHERE kind = 'shown';

-- Those who agree to be shown now.
CREATE VIEW circle_now AS
    SELECT programme_id, participant_id, seq, handle, name_sealed, said_at
    FROM (SELECT DISTINCT ON (programme_id, participant_id) *
          FROM circle_event ORDER BY programme_id, participant_id, seq DESC) AS last
    WHERE kind IN ('shown', 'named');

-- The spans of time in which people agreed to be shown.
CREATE VIEW circle_span AS
    SELECT programme_id, participant_id, handle, said_at AS since, until
    FROM (SELECT *, lead(said_at) OVER (PARTITION BY programme_id, participant_id ORDER BY seq) AS until
          FROM circle_event WHERE kind <> 'named') AS said
    WHERE kind = 'shown';

-- Whoever is erased is shown nowhere from the same moment on, whatever did the erasing.
CREATE FUNCTION circle_forget() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO circle_event (id, programme_id, participant_id, seq, kind, handle, said_at)
        SELECT gen_random_uuid(), programme_id, participant_id, seq + 1, 'erased', handle, greatest(now(), said_at)
        FROM circle_now WHERE participant_id = OLD.participant_id;
    RETURN NULL;
END $$;
CREATE TRIGGER circle_forget AFTER DELETE ON person_key FOR EACH ROW EXECUTE FUNCTION circle_forget();

-- A code that one other person may use once; only its digest is kept.
CREATE TABLE circle_invitation (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    code_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(code_sha256) = 32),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > made_at),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX circle_invitation_xid ON circle_invitation (xid);
CREATE INDEX circle_invitation_participant ON circle_invitation (programme_id, participant_id, made_at);

-- Two friends, by the one invitation that the other accepted.
CREATE TABLE circle_friendship (
    id uuid PRIMARY KEY REFERENCES circle_invitation,
    programme_id integer NOT NULL REFERENCES programme,
    first_id uuid NOT NULL REFERENCES participant,
    second_id uuid NOT NULL REFERENCES participant,
    made_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT circle_friendship_ordered CHECK (first_id < second_id)
);
CREATE INDEX circle_friendship_xid ON circle_friendship (xid);
CREATE INDEX circle_friendship_first ON circle_friendship (programme_id, first_id);
CREATE INDEX circle_friendship_second ON circle_friendship (programme_id, second_id);

CREATE TABLE circle_friendship_end (
    friendship_id uuid PRIMARY KEY REFERENCES circle_friendship,
    ended_by uuid NOT NULL REFERENCES participant,
    ended_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX circle_friendship_end_xid ON circle_friendship_end (xid);

CREATE TABLE team (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    code text NOT NULL UNIQUE CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{12}$'),
    founded_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX team_xid ON team (xid);
CREATE INDEX team_programme ON team (programme_id);

-- What happened in a team, step by step. The founder joins by founding; whoever founded or took over (`led`) names it.
CREATE TABLE team_event (
    team_id uuid NOT NULL REFERENCES team,
    seq integer NOT NULL CHECK (seq > 0),
    kind text NOT NULL CHECK (kind IN ('founded', 'joined', 'left', 'led', 'named')),
    participant_id uuid NOT NULL REFERENCES participant,
    name_sealed bytea,
    happened_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (team_id, seq),
    CONSTRAINT team_event_founded_first CHECK ((kind = 'founded') = (seq = 1)),
    CONSTRAINT team_event_names CHECK ((kind IN ('founded', 'named')) = (name_sealed IS NOT NULL))
);
CREATE INDEX team_event_xid ON team_event (xid);
CREATE INDEX team_event_participant ON team_event (participant_id, team_id, seq);

-- The spans of time in which people were members of teams.
CREATE VIEW team_span AS
    SELECT t.programme_id, s.team_id, s.participant_id, s.since, s.until
    FROM (SELECT team_id, participant_id, kind, happened_at AS since,
                 lead(happened_at) OVER (PARTITION BY team_id, participant_id ORDER BY seq) AS until
          FROM team_event WHERE kind IN ('founded', 'joined', 'left')) AS s
    JOIN team t ON t.id = s.team_id
    WHERE s.kind <> 'left';

-- What leaderboards in Redis were made from: another token whenever something that they show may have changed. Slot 0 is
-- that of acts; people take one of 31 others, so that a long run over acts lets nobody wait who wants to be hidden.
CREATE TABLE board_version (
    programme_id integer NOT NULL REFERENCES programme,
    slot integer NOT NULL CHECK (slot BETWEEN 0 AND 31),
    token uuid NOT NULL,
    PRIMARY KEY (programme_id, slot)
);
CREATE FUNCTION board_changed() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO board_version AS v (programme_id, slot, token)
        SELECT CASE TG_TABLE_NAME WHEN 'circle_event' THEN (to_jsonb(NEW) ->> 'programme_id')::integer
                   ELSE (SELECT programme_id FROM team WHERE id = (to_jsonb(NEW) ->> 'team_id')::uuid) END,
               1 + (hashtext(NEW.participant_id::text) & 2147483647) % 31, gen_random_uuid()
        ON CONFLICT (programme_id, slot) DO UPDATE SET token = excluded.token;
    RETURN NULL;
END $$;
CREATE TRIGGER board_changed AFTER INSERT ON circle_event FOR EACH ROW EXECUTE FUNCTION board_changed();
CREATE TRIGGER board_changed AFTER INSERT ON team_event FOR EACH ROW EXECUTE FUNCTION board_changed();

-- Acts that came, late ones too, and acts that were taken back: whatever made their days again.
CREATE FUNCTION board_acted() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO board_version AS v (programme_id, slot, token)
        SELECT programme_id, 0, gen_random_uuid() FROM (SELECT DISTINCT programme_id FROM touched) AS programmes
        ON CONFLICT (programme_id, slot) DO UPDATE SET token = excluded.token;
    RETURN NULL;
END $$;
CREATE TRIGGER board_acted_more AFTER INSERT ON acted_day REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION board_acted();
CREATE TRIGGER board_acted_otherwise AFTER UPDATE ON acted_day REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION board_acted();
CREATE TRIGGER board_acted_less AFTER DELETE ON acted_day REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION board_acted();

-- What somebody let others see of what they achieved, under the handle of that time: a new handle does not bring it back.
CREATE TABLE feed_post (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    participant_id uuid NOT NULL REFERENCES participant,
    handle text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('task', 'level', 'achievement', 'tree', 'team')),
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 130),
    audience text NOT NULL CHECK (audience IN ('friends', 'programme')),
    posted_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX feed_post_xid ON feed_post (xid);
CREATE INDEX feed_post_programme ON feed_post (programme_id, posted_at, id);

-- Liked, and no longer: the last step counts.
CREATE TABLE feed_like (
    post_id uuid NOT NULL REFERENCES feed_post,
    participant_id uuid NOT NULL REFERENCES participant,
    seq integer NOT NULL CHECK (seq > 0),
    liked boolean NOT NULL,
    said_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (post_id, participant_id, seq),
    CONSTRAINT feed_like_turns CHECK (liked = (seq % 2 = 1))
);
CREATE INDEX feed_like_xid ON feed_like (xid);

CREATE TABLE feed_report (
    post_id uuid NOT NULL REFERENCES feed_post,
    participant_id uuid NOT NULL REFERENCES participant,
    cause text NOT NULL CHECK (cause IN ('name', 'untrue', 'harassment', 'other')),
    reported_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (post_id, participant_id)
);
CREATE INDEX feed_report_xid ON feed_report (xid);

-- Taken back by its author, or hidden by the operator with a reason that the author reads.
CREATE TABLE feed_removal (
    post_id uuid PRIMARY KEY REFERENCES feed_post,
    staff_id uuid REFERENCES staff,
    reason_zh text NOT NULL CHECK (length(reason_zh) <= 500),
    reason_en text NOT NULL CHECK (length(reason_en) <= 500),
    removed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT feed_removal_says_why CHECK (
        (staff_id IS NOT NULL) = (reason_zh <> '') AND (staff_id IS NOT NULL) = (reason_en <> ''))
);
CREATE INDEX feed_removal_xid ON feed_removal (xid);

CREATE TABLE news_item (
    id uuid PRIMARY KEY,
    programme_id integer NOT NULL REFERENCES programme,
    on_day date NOT NULL,
    title_zh text NOT NULL CHECK (length(title_zh) BETWEEN 1 AND 120),
    title_en text NOT NULL CHECK (length(title_en) BETWEEN 1 AND 120),
    body_zh text NOT NULL CHECK (length(body_zh) BETWEEN 1 AND 4000),
    body_en text NOT NULL CHECK (length(body_en) BETWEEN 1 AND 4000),
    published_by uuid NOT NULL REFERENCES staff,
    published_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX news_item_xid ON news_item (xid);
CREATE INDEX news_item_programme ON news_item (programme_id, on_day);

CREATE TABLE news_withdrawal (
    item_id uuid PRIMARY KEY REFERENCES news_item,
    withdrawn_by uuid NOT NULL REFERENCES staff,
    withdrawn_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX news_withdrawal_xid ON news_withdrawal (xid);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['circle_event', 'circle_invitation', 'circle_friendship', 'circle_friendship_end', 'team',
        'team_event', 'feed_post', 'feed_like', 'feed_report', 'feed_removal', 'news_item', 'news_withdrawal']
    LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I
            FOR EACH ROW EXECUTE FUNCTION kit_refuse_change()', name || '_kept', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION kit_refuse_change()', name || '_not_emptied', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO puhui_app', name);
    END LOOP;
END $$;
GRANT SELECT ON circle_now, circle_span, team_span TO puhui_app;
GRANT SELECT, INSERT, UPDATE ON board_version TO puhui_app;
REVOKE EXECUTE ON FUNCTION circle_forget(), board_changed(), board_acted() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION circle_forget(), board_changed(), board_acted() TO puhui_app;
