"""All SQL about clerks, tills, their sessions and software keys."""

from __future__ import annotations

from sqlalchemy import text

ADD_CLERK = text("""
    INSERT INTO clerk (id, merchant_id, shop_id, label, pin_hash, made_by, made_at)
    VALUES (:id, :merchant, :shop, :label, :pin_hash, :by, :at) ON CONFLICT (shop_id, label) DO NOTHING RETURNING id
""")
_CLERK = "SELECT id, merchant_id, shop_id, label, active, made_at, locked_until FROM clerk "
CLERKS = text(_CLERK + "WHERE merchant_id = :merchant AND shop_id = :shop ORDER BY label")
CLERK = text(_CLERK + "WHERE merchant_id = :merchant AND id = :id")
SET_PIN = text("UPDATE clerk SET pin_hash = :pin_hash, failures = 0, locked_until = NULL WHERE id = :id")
SET_ACTIVE = text("UPDATE clerk SET active = :active WHERE id = :id")
# One attempt counted, before the PIN is looked at. The last that is allowed locks; it is let through.
COUNT_PIN = text("""
    UPDATE clerk c SET
        failures = CASE WHEN b.locked THEN c.failures WHEN c.failures + 1 >= :allowed THEN 0 ELSE c.failures + 1 END,
        locked_until = CASE WHEN b.locked THEN c.locked_until WHEN c.failures + 1 >= :allowed THEN :lock_until END
    FROM (SELECT id, COALESCE(locked_until > :now, false) AS locked FROM clerk
          WHERE id = :id AND shop_id = :shop FOR UPDATE) b
    WHERE c.id = b.id RETURNING b.locked
""")
FORGIVE_PIN = text("UPDATE clerk SET failures = 0, locked_until = NULL WHERE id = :id")
PIN = text("SELECT pin_hash FROM clerk WHERE id = :clerk AND shop_id = :shop AND active")

ADD_ENROLMENT = text("""
    INSERT INTO till_enrolment (code_mac, merchant_id, shop_id, label, made_by, made_at, expires_at)
    VALUES (:mac, :merchant, :shop, :label, :by, :at, :expires_at)
""")
USE_ENROLMENT = text("""
    UPDATE till_enrolment SET used_at = :now WHERE code_mac = :mac AND used_at IS NULL AND expires_at > :now
    RETURNING merchant_id, shop_id, label, made_by
""")
ADD_TILL = text("""
    INSERT INTO till (id, merchant_id, shop_id, label, public_key, enrolled_by, enrolled_at)
    VALUES (:id, :merchant, :shop, :label, :public_key, :by, :at) ON CONFLICT (public_key) DO NOTHING RETURNING id
""")
_TILL = """
    SELECT id, merchant_id, shop_id, label, public_key, enrolled_at, last_seen_at, revoked_at FROM till
"""
TILLS = text(_TILL + " WHERE merchant_id = :merchant ORDER BY enrolled_at, id")
TILL = text(_TILL + " WHERE merchant_id = :merchant AND id = :id")
LIVE_TILL = text(_TILL + " WHERE id = :id AND revoked_at IS NULL")
REVOKE_TILL = text("UPDATE till SET revoked_at = :at, revoked_by = :by WHERE id = :id AND revoked_at IS NULL")
END_SESSIONS_OF_TILL = text("UPDATE till_session SET ended_at = :at WHERE till_id = :id AND ended_at IS NULL")
END_SESSIONS_OF_CLERK = text(
    "UPDATE till_session SET ended_at = :at WHERE clerk_id = :id AND ended_at IS NULL"
)
SEEN = text("UPDATE till SET last_seen_at = :at WHERE id = :id")
REMEMBER = text("""
    INSERT INTO till_assertion (till_id, jti, good_until) VALUES (:till, :jti, :good_until) ON CONFLICT DO NOTHING RETURNING jti
""")

BEGIN = text("""
    INSERT INTO till_session (id, till_id, clerk_id, began_at, ends_at) VALUES (:id, :till, :clerk, :at, :ends_at)
""")
END = text("UPDATE till_session SET ended_at = :at WHERE id = :id AND ended_at IS NULL")
# Who stands at the till of a session: nobody once the session, the till or the clerk is no longer good.
STANDING = """
    SELECT s.id, s.clerk_id, s.till_id, t.shop_id, t.merchant_id FROM till_session s
    JOIN till t ON t.id = s.till_id AND t.revoked_at IS NULL
    JOIN clerk c ON c.id = s.clerk_id AND c.active AND c.shop_id = t.shop_id
    WHERE s.id = $1 AND s.clerk_id = $2 AND s.ended_at IS NULL AND s.ends_at > $3
"""
SHIFT = text("""
    SELECT s.id, s.clerk_id, s.ends_at FROM till_session s JOIN clerk c ON c.id = s.clerk_id AND c.active
    WHERE s.id = :id AND s.till_id = :till AND s.ended_at IS NULL AND s.ends_at > :now
""")

ADD_KEY = text("""
    INSERT INTO software_key (id, merchant_id, shop_id, label, sandbox, scopes, digest, made_by, made_at)
    VALUES (:id, :merchant, :shop, :label, :sandbox, :scopes, :digest, :by, :at)
""")
_KEY = """
    SELECT id, merchant_id, shop_id, label, sandbox, scopes, made_at, last_used_on, revoked_at FROM software_key
"""
KEYS = text(_KEY + " WHERE merchant_id = :merchant ORDER BY made_at, id")
KEY = text(_KEY + " WHERE merchant_id = :merchant AND id = :id")
LIVE_KEYS = text("SELECT count(*) FROM software_key WHERE shop_id = :shop AND revoked_at IS NULL")
REVOKE_KEY = text(
    "UPDATE software_key SET revoked_at = :at, revoked_by = :by WHERE id = :id AND revoked_at IS NULL"
)
LIVE_KEY = """
    SELECT id, merchant_id, shop_id, sandbox, scopes, last_used_on FROM software_key WHERE digest = $1 AND revoked_at IS NULL
"""
USED_KEY = "UPDATE software_key SET last_used_on = $2 WHERE id = $1"

FORGET_ASSERTIONS = text("DELETE FROM till_assertion WHERE good_until < :now")
FORGET_ENROLMENTS = text("DELETE FROM till_enrolment WHERE expires_at < :before")
FORGET_SESSIONS = text("DELETE FROM till_session WHERE ends_at < :before")
