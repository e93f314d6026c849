"""What breaks the invariants of members, and of means that were lost or replaced."""

from __future__ import annotations

LATER = "id = (SELECT id FROM membership WHERE added_by <> member_id AND role = 'member' LIMIT 1)"
FIRST = "id = (SELECT id FROM membership WHERE added_by = member_id LIMIT 1)"
STRANGER = "(SELECT id FROM participant WHERE kind = 'citizen' AND id NOT IN (SELECT member_id FROM membership) LIMIT 1)"

CASES: dict[str, list[tuple[str, ...]]] = {
    "members.let_in": [
        (f"UPDATE membership SET group_id = {STRANGER} WHERE {FIRST}",),
        ("UPDATE participant SET kind = 'firm' WHERE id IN (SELECT member_id FROM membership)",),
        (f"UPDATE membership SET added_at = added_at - interval '1 day' WHERE {FIRST}",),
        (f"UPDATE membership SET added_by = {STRANGER} WHERE {LATER}",),
        (f"UPDATE membership SET role = 'member' WHERE {FIRST}",),
        (
            f"""INSERT INTO membership (id, group_id, member_id, role, added_by, added_at)
                SELECT gen_random_uuid(), group_id, member_id, role, added_by, added_at FROM membership WHERE {FIRST}""",
        ),
        (f"UPDATE membership_end SET ended_by = {STRANGER}",),
        ("UPDATE membership_end SET ended_at = ended_at - interval '1 day'",),
        ("UPDATE membership_end SET membership_id = gen_random_uuid()",),
        (
            f"""INSERT INTO token_family (id, audience, subject, started_at, expires_at, actor_id)
                SELECT gen_random_uuid(), 'citizen', group_id, now(), now() + interval '1 day', {STRANGER}
                FROM membership WHERE {FIRST}""",
        ),
    ],
    "means.ended": [
        ("UPDATE means_holding SET held = tstzrange(lower(held), NULL) WHERE id = (SELECT holding_id FROM means_ended LIMIT 1)",),
        ("UPDATE means_ended SET said_at = said_at - interval '1 day'",),
        ("UPDATE means_ended SET holding_id = 1000000 WHERE why = 'lost'",),
        ("UPDATE means_ended SET successor_id = 1000000 WHERE why = 'replaced'",),
        ("UPDATE means_ended SET successor_id = holding_id WHERE why = 'replaced'",),
        (
            """UPDATE means_ended SET successor_id = (SELECT max(h.id) FROM means_holding h
                   WHERE h.participant_id <> (SELECT participant_id FROM means_holding WHERE id = holding_id))
               WHERE why = 'replaced'""",
        ),
    ],
}  # fmt: skip
