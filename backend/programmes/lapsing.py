"""Telling citizens in time which points will lapse."""

from __future__ import annotations

import datetime as dt

from backend import inbox
from backend.inbox import Kind, Topic
from backend.kit import clock
from backend.kit.db import Database
from backend.programmes import queries

TOLD_BEFORE = dt.timedelta(days=30)
LAPSING = Kind(
    "points.lapsing",
    Topic.POINTS,
    zh="您在 $programme 的 $points 积分将于 $last_day 后失效。",
    en="$points points in $programme lapse after $last_day.",
)
inbox.register(LAPSING)


async def warn_all(db: Database, *, batch: int = 2_000) -> int:
    """Tell everybody whose points lapse within thirty days, once for each lot; how many were told. Harmless to repeat."""
    told, after, today = 0, 0, clock.today()
    while True:
        async with db.transaction() as session:
            given = {"today": today, "until": today + TOLD_BEFORE, "after": after, "limit": batch}
            rows = (await session.execute(queries.LAPSING, given)).all()
            told += await inbox.tell_many(
                session,
                kind=LAPSING.name,
                told=[
                    (
                        row.participant_id,
                        f"{row.programme}:{row.due.isoformat()}",
                        {"programme": row.programme, "points": row.balance, "last_day": row.due.isoformat()},
                    )
                    for row in rows
                ],
            )
        if len(rows) < batch:
            return told
        after = rows[-1].id
