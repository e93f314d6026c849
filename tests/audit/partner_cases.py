"""What breaks the invariants of partners' keys and quotas."""

from __future__ import annotations

FIRST = "id = (SELECT min(id::text)::uuid FROM partner_key WHERE NOT sandbox)"
SECOND = "id = (SELECT id FROM partner_key WHERE NOT sandbox ORDER BY id::text OFFSET 1 LIMIT 1)"
LAST = "id = (SELECT max(id::text)::uuid FROM partner_key WHERE NOT sandbox)"
OTHER = "gen_random_uuid()"
OFFICE = "(SELECT id FROM organisation WHERE code = 'authority')"

CASES: dict[str, list[tuple[str, ...]]] = {
    "partners.keys": [
        ("UPDATE partner_key SET public_key = set_byte(public_key, 0, 255 - get_byte(public_key, 0))",),
        (f"UPDATE partner_key SET valid_until = valid_until + interval '1 day' WHERE {FIRST}",),
        (f"UPDATE partner_key SET valid_from = valid_from - interval '1 day' WHERE {FIRST}",),
        (f"UPDATE partner_key SET sandbox = NOT sandbox WHERE {LAST}",),
        (f"UPDATE partner_key SET act_id = {OTHER} WHERE {FIRST}",),
        (f"UPDATE partner_key SET replaces = {OTHER} WHERE {LAST}",),
        (
            "ALTER TABLE partner_key DROP CONSTRAINT partner_key_follows",
            f"UPDATE partner_key SET replaces = NULL, replaced_until = NULL WHERE {LAST}",
        ),
        (f"UPDATE partner_key SET replaced_until = replaced_until + interval '90 days' WHERE {LAST}",),
        (f"UPDATE partner_key SET organisation_id = {OFFICE}",),
        (f"DELETE FROM partner_key WHERE {LAST}",),
        ("DELETE FROM organisation_role WHERE role = 'partner'",),
        (
            """UPDATE two_person_decision SET decided_by = (SELECT id FROM staff WHERE login = 'first')
               WHERE act_id IN (SELECT act_id FROM partner_key)""",
        ),
        (
            """UPDATE two_person_decision SET decision = 'rejected'
               WHERE act_id IN (SELECT act_id FROM partner_key)""",
        ),
        (  # three at once, though each is as its own proposal says
            "DELETE FROM partner_key_revoked",
            f"UPDATE partner_key SET replaced_until = valid_from + interval '720 hours' WHERE {SECOND}",
            f"""UPDATE two_person_act SET body = body || '{{"overlap_days": 30}}'
                WHERE id = (SELECT act_id FROM partner_key WHERE {SECOND})""",
        ),
        (f"UPDATE partner_key_revoked SET key_id = {OTHER}",),
        (f"UPDATE partner_key_revoked SET revoked_by = {OTHER}",),
        (f"UPDATE partner_quota SET set_by = {OTHER}",),
        (f"UPDATE partner_quota SET organisation_id = {OFFICE}",),
    ],
}
