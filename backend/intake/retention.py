"""How long each class of data is kept.

Places (coordinates, stations, devices) serve the screens alone, which look back one day beyond the acts that arrive: they go after
`PLACES_DAYS`, platform policy, long enough for a decision about an act that is held. Facts of acts, and the packs that they were
computed by, are never deleted: the methodologies ask for ten years (`[monitoring] retain_years`).
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import log
from backend.kit import clock
from backend.kit.checks import Checked, Rule, count_rows, look_for

PLACES_DAYS = 60

log.register(log.Sealed("place_retention", key=("before",)))

_FORGET = text("""
    INSERT INTO place_retention (before, places)
    SELECT CAST(:before AS date), intake_forget_places(CAST(:before AS date))
    WHERE NOT EXISTS (SELECT FROM place_retention WHERE before >= CAST(:before AS date))
    RETURNING places
""")
_KEPT = Rule.single(
    "action_place",
    """
        SELECT claim_key AS place FROM action_place
        WHERE claim_key < (SELECT (lpad(to_hex(max(before) - date '1970-01-01'), 8, '0') || repeat('0', 24))::uuid
                           FROM place_retention)
    """,
    en="it is older than what was said to be forgotten",
    zh="早于已声明删除的日期",
)


async def forget_places(session: AsyncSession, *, days: int = PLACES_DAYS) -> int:
    """Forget the places of acts that happened more than `days` Shanghai days ago; answers how many. Once a day is enough."""
    before = clock.today() - dt.timedelta(days=days)
    found: int | None = (await session.execute(_FORGET, {"before": before})).scalar_one_or_none()
    return found or 0


async def places(session: AsyncSession) -> Checked:
    """No place is older than what was said to be forgotten."""
    said = await count_rows(session, "SELECT count(*) FROM place_retention")
    checked = Checked(rows=said + await count_rows(session, "SELECT count(*) FROM action_place"))
    return await look_for(session, checked, [_KEPT])
