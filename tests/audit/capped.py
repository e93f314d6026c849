"""Metro trips beyond the caps of a day and of a month."""

from __future__ import annotations

CAPS = """
[[cap]]
id         = "metro-points-a-day"
per        = "day"
of         = "points"
limit      = 120
over       = "trim"
activities = ["metro"]
source     = "programme policy"

[[cap]]
id         = "metro-trips-a-month"
per        = "month"
of         = "acts"
limit      = 4
over       = "zero"
activities = ["metro"]
source     = "programme policy"

"""
FIRST_EARN = '[[earn]]\nid          = "cycling"'
HEAD = "deal_date,close_date,card_no,deal_value,deal_type,company_name,car_no,station,conn_mark,deal_money,equ_no"


def trips() -> str:
    """Of the card C0, with a trip on the third: two whole ones, one that is trimmed, and next day one for nothing."""
    moments = ("2026-11-05 08:10:00", "2026-11-05 12:10:00", "2026-11-05 18:10:00", "2026-11-06 08:10:00")
    rows = [f'"{at}","{at[:10]} 00:00:00",C0,0,地铁出站,x,y,z,0,0,1' for at in moments]
    return "\n".join([HEAD, *rows]) + "\n"


CASES: dict[str, list[tuple[str, ...]]] = {
    "caps.kept": [
        (
            """UPDATE action_trimmed SET claim_key = (left(claim_key::text, 8) || right(gen_random_uuid()::text, 28))::uuid
               WHERE cap = 'metro-points-a-day'""",
        ),
        ("UPDATE action SET participant_id = NULL WHERE claim_key IN (SELECT claim_key FROM action_trimmed)",),
        ("UPDATE action_trimmed SET cap = 'metro-trips-a-year'",),
        ("UPDATE action_trimmed SET cap = 'metro-trips-a-month' WHERE cap = 'metro-points-a-day'",),
        (
            """UPDATE action SET happened_at = happened_at - interval '1 month' WHERE claim_key IN
               (SELECT claim_key FROM action_trimmed WHERE cap = 'metro-trips-a-month')""",
        ),
        ("UPDATE action_trimmed SET points = 1 WHERE cap = 'metro-points-a-day'",
         "UPDATE action SET points = 1 WHERE claim_key IN (SELECT claim_key FROM action_trimmed WHERE points = 1)"),
        (
            """UPDATE action SET points = 50 WHERE claim_key IN
               (SELECT claim_key FROM action_trimmed WHERE cap = 'metro-points-a-day')""",
            "DELETE FROM action_trimmed",
        ),
        (
            """UPDATE action SET points = 50 WHERE claim_key IN
               (SELECT claim_key FROM action_trimmed WHERE cap = 'metro-trips-a-month')""",
            "DELETE FROM action_trimmed",
        ),
    ],
}  # fmt: skip
