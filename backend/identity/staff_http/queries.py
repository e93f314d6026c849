"""One question instead of two: does the session stand, and who is that now?"""

from __future__ import annotations

# By session, subject, audience and moment; nothing where the session does not stand or nobody has the id.
SIGNED_IN_HOT = """
    SELECT s.organisation_id, s.active, array(SELECT role FROM staff_role WHERE staff_id = s.id) AS roles
    FROM staff s
    WHERE s.id = $2::uuid AND EXISTS (
        SELECT FROM token_family f
        WHERE f.id = $1::uuid AND f.subject = s.id AND f.audience = $3::text AND f.revoked_at IS NULL
          AND f.expires_at > $4::timestamptz)
"""
