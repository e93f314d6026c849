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
        (f"INSERT INTO membership_end (membership_id, ended_by, ended_at) SELECT id, member_id, now() FROM membership WHERE {FIRST}",),
        (
            f"""INSERT INTO token_family (id, audience, subject, started_at, expires_at, actor_id)
                SELECT gen_random_uuid(), 'citizen', group_id, now(), now() + interval '1 day', {STRANGER}
                FROM membership WHERE {FIRST}""",
        ),
        (
            f"""INSERT INTO token_family (id, audience, subject, started_at, expires_at, actor_id, see_only)
                SELECT gen_random_uuid(), 'citizen', group_id, now(), now() + interval '1 day', member_id, true
                FROM membership WHERE {FIRST}""",
        ),
    ],
    "members.acts": [
        (f"UPDATE group_act SET actor_id = {STRANGER}",),
        ("UPDATE group_act SET acted_at = acted_at - interval '1 day'",),
        (f"UPDATE group_act SET group_id = {STRANGER}",),
        ("UPDATE membership SET role = 'observer' WHERE member_id IN (SELECT actor_id FROM group_act)",),
    ],
    "members.firms": [
        (f"UPDATE firm_claim SET group_id = {STRANGER} WHERE id = (SELECT id FROM firm_claim LIMIT 1)",),
        (f"UPDATE firm_claim SET claimed_by = {STRANGER}",),
        ("UPDATE firm_check SET code_index = '\\x00' WHERE confirmed",),
        ("UPDATE firm_check SET checked_at = checked_at - interval '1 day'",),
        ("UPDATE firm_check SET claim_id = gen_random_uuid() WHERE confirmed",),
        ("DROP INDEX firm_check_code", "DROP INDEX firm_check_group", "UPDATE firm_check SET confirmed = true",
         "UPDATE firm_check SET code_index = (SELECT min(code_index) FROM firm_check)",
         "UPDATE firm_claim SET code_index = (SELECT min(code_index) FROM firm_check)"),
    ],
    "means.takeovers": [
        ("UPDATE means_takeover t SET taker_id = (SELECT participant_id FROM means_holding WHERE id = t.holding_id)",),
        ("UPDATE means_takeover SET asked_at = asked_at - interval '30 days'",),
        ("UPDATE means_takeover SET objects_until = objects_until + interval '30 days'",),
        ("DELETE FROM means_takeover_step WHERE step = 'granted'",),
        ("UPDATE means_takeover_step SET stepped_at = stepped_at - interval '30 days' WHERE step = 'refused'",),
        ("DELETE FROM means_takeover_step WHERE step = 'objected'",),
        ("UPDATE means_takeover_step SET takeover_id = gen_random_uuid() WHERE step = 'done'",),
        (  # by somebody who had withdrawn it
            "DROP INDEX means_takeover_end",
            """INSERT INTO means_takeover_step (takeover_id, step, reason, stepped_at)
               SELECT takeover_id, 'withdrawn', '', stepped_at FROM means_takeover_step WHERE step = 'done'""",
        ),
        (  # a year after the week
            """UPDATE means_takeover SET asked_at = asked_at - interval '1 year', objects_until = objects_until - interval '1 year'""",
            "UPDATE means_holding SET held = tstzrange(lower(held) - interval '1 year', upper(held)) WHERE id IN (SELECT holding_id FROM means_takeover)",
            "UPDATE means_takeover_step SET stepped_at = stepped_at - interval '1 year' WHERE step = 'objected'",
        ),
        (
            """UPDATE means_holding SET held = tstzrange(lower(held), upper(held) + interval '30 days')
               WHERE id IN (SELECT t.holding_id FROM means_takeover t JOIN means_takeover_step s ON s.takeover_id = t.id
                            WHERE s.step = 'done')""",
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
