"""What a programme's rules amount to: acts, grams, points and people of a span of days, by rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend.programmes import Registered

FEWEST = 5  # a group of fewer people is not told
_EPOCH = date(1970, 1, 1)
_LAST = date(9999, 12, 30)

# By claim keys, which begin with the day; whoever holds or claimed the means is one of the people.
_BY_RULE = text("""
    SELECT m.methodology, m.activity, count(*) AS acts, sum(a.grams)::bigint AS grams,
           sum(CASE WHEN a.participant_id IS NOT NULL THEN a.points ELSE COALESCE(c.points, 0) END)::bigint AS points,
           COALESCE(sum(t.points), 0)::bigint AS capped, COALESCE(sum(u.points), 0)::bigint AS unfunded,
           count(DISTINCT COALESCE(a.participant_id, c.participant_id)) AS people
    FROM action a
    JOIN intake_source s ON s.id = a.source_id
    JOIN method_named m ON m.id = a.method_id
    LEFT JOIN action_claim c ON c.claim_key = a.claim_key
    LEFT JOIN action_trimmed t ON t.claim_key = a.claim_key
    LEFT JOIN action_unfunded u ON u.claim_key = a.claim_key
    WHERE s.programme_id = :programme AND a.claim_key >= CAST(:low AS uuid) AND a.claim_key < CAST(:below AS uuid)
      AND NOT EXISTS (SELECT FROM action_withdrawn w WHERE w.claim_key = a.claim_key)
    GROUP BY m.methodology, m.activity ORDER BY m.methodology, m.activity
""")


@dataclass(frozen=True, slots=True)
class RuleFigures:
    """Standing acts of one activity of one methodology. `rule` is that of the pack that runs now, None without one.

    `capped` and `unfunded` are points that caps and the budget withheld. Points are fen where the programme gives money.
    """

    methodology: str
    activity: str
    rule: str | None
    acts: int
    grams: int
    points: int
    capped: int
    unfunded: int
    people: int


async def rules_of(
    session: AsyncSession, *, programme: Registered, first: date, last: date
) -> list[RuleFigures]:
    """The figures of these Shanghai days, both included; groups of fewer than five people are left out."""
    rows = await session.execute(
        _BY_RULE,
        {"programme": programme.id, "low": _key(first), "below": _key(min(last, _LAST) + timedelta(days=1))},
    )
    found = []
    for row in rows:
        if row.people < FEWEST:
            continue
        rule = programme.pack.earn_rule(methodology=row.methodology, activity=row.activity)
        found.append(
            RuleFigures(
                methodology=row.methodology,
                activity=row.activity,
                rule=rule.id if rule else None,
                acts=row.acts,
                grams=row.grams,
                points=row.points,
                capped=row.capped,
                unfunded=row.unfunded,
                people=row.people,
            )
        )
    return found


def _key(day: date) -> UUID:
    """The least claim key of a Shanghai day."""
    return UUID(f"{max((day - _EPOCH).days, 0):08x}{'0' * 24}")
