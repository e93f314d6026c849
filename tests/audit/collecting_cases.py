"""What breaks the invariants of points that wait, and of what friends take."""

from __future__ import annotations

GARDEN = "(SELECT id FROM programme WHERE code = 'audited-garden')"
FIRST = "taken_before = 0"
NEXT = "taken_before > 0"
OWN = """reason = 'points.collected' AND posting_id NOT IN (SELECT posting_id FROM collecting_taken)"""
ONE_LOT = "code = (SELECT min(code) FROM ledger_account WHERE kind = 'pending')"

CASES: dict[str, list[tuple[str, ...]]] = {
    "points.waiting": [
        (f"UPDATE ledger_account SET due = due + 1 WHERE {ONE_LOT}",),
        (f"UPDATE ledger_transfer SET happened_at = happened_at - interval '2 days' WHERE {OWN}",),
        (f"UPDATE ledger_transfer SET happened_at = happened_at + interval '4 days' WHERE {OWN}",),
        (f"DELETE FROM collecting_taken WHERE {FIRST}",),
        ("UPDATE collecting_taken SET taker_id = gen_random_uuid()",),
        (
            f"""UPDATE ledger_transfer SET reason = 'points.expired',
                credit_id = (SELECT min(id) FROM ledger_account WHERE kind = 'breakage') WHERE {OWN}""",
        ),
        (
            """UPDATE ledger_account SET due = due + 1
               WHERE kind = 'wallet' AND split_part(code, ':', 3) = 'audited-garden'""",
        ),
    ],
    "collecting.taken": [
        (f"UPDATE collecting_taken SET ripe_on = ripe_on + 1 WHERE {FIRST}",),
        (f"UPDATE collecting_taken SET owner_id = gen_random_uuid() WHERE {FIRST}",),
        (f"UPDATE collecting_taken SET taken_before = taken_before - 1 WHERE {NEXT}",),
        (f"UPDATE collecting_taken SET points = points - 1 WHERE {NEXT}",),
        (f"UPDATE collecting_taken SET taken_at = taken_at + interval '1 second' WHERE {NEXT}",),
        (f"UPDATE collecting_taken SET posting_id = gen_random_uuid() WHERE {NEXT}",),
        (f"UPDATE collecting_taken SET taker_id = gen_random_uuid() WHERE {NEXT}",),
        (f"UPDATE collecting_taken SET ripened = ripened + 1 WHERE {NEXT}",),
        (f"UPDATE collecting_taken SET ripened = 50 WHERE {FIRST}",),
        (f"UPDATE circle_friendship SET made_at = made_at + interval '1 day' WHERE programme_id = {GARDEN}",),
        (
            f"""UPDATE circle_event SET said_at = said_at + interval '1 day'
                WHERE programme_id = {GARDEN} AND kind = 'shown'""",
        ),
        (
            f"""UPDATE reward_grant SET granted_at = granted_at - interval '1 day',
                protects_from = protects_from - interval '1 day' WHERE programme_id = {GARDEN}""",
        ),
        (
            f"""UPDATE collecting_taken k SET taker_id = o.taker_id FROM collecting_taken o
                WHERE k.lot = o.lot AND k.{NEXT} AND o.{FIRST}""",
        ),
        (
            "UPDATE collecting_taken SET programme_id = (SELECT id FROM programme WHERE code = 'gd-green-travel')",
        ),
    ],
}
