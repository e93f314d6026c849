"""All SQL about webhooks."""

from __future__ import annotations

from sqlalchemy import text

TELL = text(
    "SELECT webhook_tell(CAST(:id AS uuid), CAST(:organisation AS uuid), CAST(:event AS text), CAST(:data AS jsonb), "
    "CAST(:at AS timestamptz))"
)

_ENDPOINT = "SELECT id, organisation_id, url, events, form, made_at, disabled_at, disabled_because FROM webhook_endpoint "
ENDPOINTS = text(
    _ENDPOINT + "WHERE organisation_id = :organisation AND removed_at IS NULL ORDER BY made_at, id"
)
ONE = text(_ENDPOINT + "WHERE organisation_id = :organisation AND id = :id AND removed_at IS NULL")
ADD = text("""
    INSERT INTO webhook_endpoint (id, organisation_id, url, events, form, made_by, made_at)
    VALUES (:id, :organisation, :url, :events, :form, :by, :at)
""")
CHANGE = text("UPDATE webhook_endpoint SET url = :url, events = :events WHERE id = :id")
ENABLE = text("UPDATE webhook_endpoint SET disabled_at = NULL, disabled_because = NULL WHERE id = :id")
DISABLE = text("""
    UPDATE webhook_endpoint SET disabled_at = :at, disabled_because = :because WHERE id = :id AND disabled_at IS NULL
""")
REMOVE = text("UPDATE webhook_endpoint SET removed_at = :at WHERE id = :id")
GIVE_UP_WAITING = text("""
    UPDATE webhook_delivery SET state = 'given_up', ended_at = :at WHERE endpoint_id = :id AND state = 'waiting'
""")

SECRETS = text("""
    SELECT id, endpoint_id, made_at, ends_at FROM webhook_secret
    WHERE endpoint_id = :endpoint AND (ends_at IS NULL OR ends_at > :at) ORDER BY made_at DESC, id DESC
""")
ADD_SECRET = text(
    "INSERT INTO webhook_secret (id, endpoint_id, made_by, made_at) VALUES (:id, :endpoint, :by, :at)"
)
END_SECRETS = text("""
    UPDATE webhook_secret SET ends_at = LEAST(ends_at, :ends_at)
    WHERE endpoint_id = :endpoint AND (ends_at IS NULL OR ends_at > :ends_at)
""")

# Some of each endpoint, so that one with a long line delays nobody else. `next_at` moves on first: a lease.
CLAIM = text("""
    WITH mine AS (
        SELECT due.id FROM webhook_endpoint e CROSS JOIN LATERAL (
            SELECT d.id FROM webhook_delivery d
            WHERE d.endpoint_id = e.id AND d.state = 'waiting' AND d.next_at <= :now
            ORDER BY d.next_at LIMIT :each FOR UPDATE SKIP LOCKED) due
        WHERE e.disabled_at IS NULL AND e.removed_at IS NULL
        LIMIT :most
    ), taken AS (
        UPDATE webhook_delivery d SET next_at = :lease, attempts = d.attempts + 1, round = d.round + 1
        FROM mine WHERE d.id = mine.id RETURNING d.id, d.endpoint_id, d.message_id, d.attempts, d.round
    )
    SELECT t.id, t.endpoint_id, e.url, e.form, t.message_id, m.event, m.data, m.happened_at, t.attempts, t.round,
           ARRAY(SELECT s.id FROM webhook_secret s WHERE s.endpoint_id = e.id AND (s.ends_at IS NULL OR s.ends_at > :now)
                 ORDER BY s.made_at DESC, s.id DESC) AS secrets
    FROM taken t JOIN webhook_endpoint e ON e.id = t.endpoint_id JOIN webhook_message m ON m.id = t.message_id
    ORDER BY m.happened_at, t.id
""")
NOTE = text("""
    INSERT INTO webhook_attempt (delivery_id, number, at, took_ms, status, fault)
    VALUES (:delivery, :number, :at, :took_ms, :status, :fault) ON CONFLICT DO NOTHING
""")
END = text("""
    UPDATE webhook_delivery SET state = :state, ended_at = :at WHERE id = :id AND state = 'waiting' AND attempts = :attempts
""")
AGAIN = text("""
    UPDATE webhook_delivery SET next_at = :next_at WHERE id = :id AND state = 'waiting' AND attempts = :attempts
""")
DELIVERED_SINCE = text("""
    SELECT EXISTS (SELECT FROM webhook_delivery WHERE endpoint_id = :endpoint AND state = 'delivered' AND ended_at > :since)
        OR NOT EXISTS (SELECT FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id
                       WHERE d.endpoint_id = :endpoint AND m.happened_at <= :since)
""")

_DELIVERY = """
    SELECT d.id, d.message_id, d.endpoint_id, m.event, m.data, m.happened_at, d.state, d.attempts, d.next_at, d.ended_at
    FROM webhook_delivery d JOIN webhook_message m ON m.id = d.message_id
    JOIN webhook_endpoint e ON e.id = d.endpoint_id AND e.organisation_id = :organisation AND e.removed_at IS NULL
"""
DELIVERIES = text(
    _DELIVERY
    + """
    WHERE d.endpoint_id = :endpoint AND (CAST(:state AS text) IS NULL OR d.state = :state)
      AND (CAST(:after_at AS timestamptz) IS NULL OR (m.happened_at, d.id) < (:after_at, CAST(:after_id AS uuid)))
    ORDER BY m.happened_at DESC, d.id DESC LIMIT :limit
"""
)
DELIVERY = text(_DELIVERY + " WHERE d.id = :id")
ATTEMPTS = text("""
    SELECT number, at, took_ms, status, fault FROM webhook_attempt WHERE delivery_id = :id ORDER BY number
""")
REPLAY = text("""
    UPDATE webhook_delivery SET state = 'waiting', round = 0, next_at = :now, ended_at = NULL WHERE id = :id
""")
REPLAY_SPAN = text("""
    UPDATE webhook_delivery d SET state = 'waiting', round = 0, next_at = :now, ended_at = NULL
    FROM webhook_message m
    WHERE m.id = d.message_id AND d.endpoint_id = :endpoint AND m.happened_at >= :since AND m.happened_at < :until
      AND (d.state = 'given_up' OR (:delivered AND d.state = 'delivered'))
""")
FORGET = text("DELETE FROM webhook_message WHERE happened_at < :before")

ADD_MESSAGE = text("""
    INSERT INTO webhook_message (id, organisation_id, event, data, happened_at)
    VALUES (:id, :organisation, :event, CAST(:data AS jsonb), :at)
""")
ADD_DELIVERY = text(
    "INSERT INTO webhook_delivery (message_id, endpoint_id, next_at) VALUES (:id, :endpoint, :at)"
)
