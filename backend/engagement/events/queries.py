"""All SQL of events but that of their checks."""

from __future__ import annotations

from sqlalchemy import text

LOCK = text("SELECT pg_advisory_xact_lock(7318033, hashtext(CAST(:event AS text)))")

ADD = text("""
    INSERT INTO event (id, programme_id, reward, title_zh, title_en, place, starts_at, ends_at, capacity, points, award,
        published_by, published_at)
    VALUES (:id, :programme, :reward, :title_zh, :title_en, :place, :starts_at, :ends_at, :capacity, :points, :award, :by,
        :at)
""")
CALL_OFF = text("""
    INSERT INTO event_called_off (event_id, reason, called_off_by, called_off_at) VALUES (:event, :reason, :by, :at)
""")
_EVENTS = """
    SELECT e.id, p.code AS programme, e.reward, e.title_zh, e.title_en, e.place, e.starts_at, e.ends_at, e.capacity,
           e.points, e.award, e.published_at, f.called_off_at, f.reason AS called_off_because,
           (SELECT count(*) FROM event_signup s WHERE s.event_id = e.id
                AND NOT EXISTS (SELECT FROM event_signup_end n WHERE n.signup_id = s.id)) AS signed_up,
           (SELECT count(*) FROM event_signup s JOIN event_check_in c ON c.signup_id = s.id
            WHERE s.event_id = e.id) AS checked_in
    FROM event e JOIN programme p ON p.id = e.programme_id LEFT JOIN event_called_off f ON f.event_id = e.id
"""
ONE = text(_EVENTS + " WHERE e.id = :id AND p.code = :programme")
OF_PROGRAMME = text(
    _EVENTS
    + """
    WHERE p.code = :programme AND (CAST(:from AS timestamptz) IS NULL OR e.ends_at >= :from)
        AND (CAST(:after AS timestamptz) IS NULL
             OR (e.starts_at, e.id) > (CAST(:after AS timestamptz), CAST(:after_id AS uuid)))
    ORDER BY e.starts_at, e.id LIMIT :limit
    """
)
_SIGNUPS = """
    SELECT s.id, s.event_id, s.participant_id, s.number, s.points, s.signed_up_at,
           (SELECT count(*) FROM event_signup o WHERE o.event_id = s.event_id AND o.number < s.number
                AND NOT EXISTS (SELECT FROM event_signup_end n WHERE n.signup_id = o.id)) AS before,
           e.capacity, n.how, c.checked_in_at
    FROM event_signup s JOIN event e ON e.id = s.event_id
    LEFT JOIN event_signup_end n ON n.signup_id = s.id LEFT JOIN event_check_in c ON c.signup_id = s.id
"""
OWN = text(
    _SIGNUPS + " WHERE s.event_id = :event AND s.participant_id = :participant ORDER BY s.number DESC LIMIT 1"
)
SIGNUPS = text(_SIGNUPS + " WHERE s.event_id = :event AND s.number > :after ORDER BY s.number LIMIT :limit")
STANDING = text(
    _SIGNUPS + " WHERE s.event_id = :event AND n.signup_id IS NULL AND c.signup_id IS NULL ORDER BY s.number"
)
OF_CITIZEN = text(
    _SIGNUPS
    + """
    JOIN programme p ON p.id = e.programme_id
    WHERE p.code = :programme AND s.participant_id = :participant
        AND (CAST(:before_at AS timestamptz) IS NULL
             OR (s.signed_up_at, s.id) < (CAST(:before_at AS timestamptz), CAST(:before_id AS uuid)))
    ORDER BY s.signed_up_at DESC, s.id DESC LIMIT :limit
    """
)
SIGN_UP = text("""
    INSERT INTO event_signup (id, event_id, participant_id, number, points, signed_up_at)
    SELECT :id, :event, :participant, COALESCE(max(number), 0) + 1, :points, :at
    FROM event_signup WHERE event_id = :event
""")
END = text("INSERT INTO event_signup_end (signup_id, how, ended_at) VALUES (:signup, :how, :at)")
CHECK_IN = text("""
    INSERT INTO event_check_in (signup_id, shown, award, award_posting, checked_in_at)
    VALUES (:signup, :shown, :award, :posting, :at)
""")
BEGUN = text("""
    SELECT e.id, p.code AS programme FROM event e JOIN programme p ON p.id = e.programme_id
    WHERE e.starts_at <= :now AND e.starts_at > CAST(:now AS timestamptz) - interval '30 days'
        AND e.capacity < (SELECT count(*) FROM event_signup s WHERE s.event_id = e.id
                              AND NOT EXISTS (SELECT FROM event_signup_end n WHERE n.signup_id = s.id))
    ORDER BY e.id
""")
