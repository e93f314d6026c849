"""What caps leave of one act's points, and what else of its person stands at its time: for acts accepted one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries as intake_queries
from backend.intake.holding import queries, standing
from backend.intake.holding.errors import OverlapStands
from backend.intake.holding.model import Facts, Unposted
from backend.intake.screening import rules_for
from backend.kit import clock
from backend.kit.db import TransactionCollided
from backend.packs import Library
from backend.programmes import Programme, programme_of
from backend.programmes.rules import EarningCap

Left = tuple[int, str]  # points, and the cap that last took some ("" for none)


async def within_caps(
    session: AsyncSession,
    programme: Programme,
    *,
    participant_id: UUID | None,
    activity: str,
    happened_at: dt.datetime,
    points: int,
    instead_of: Sequence[UUID],
) -> Left:
    """What the programme's caps leave of an act's points beside what its person earned in that day or month already.

    Acts that give way to it (`instead_of`) and withdrawn ones do not count.
    """
    left, by = points, ""
    for cap in programme.caps:
        if left <= 0 or participant_id is None or (cap.activities and activity not in cap.activities):
            continue
        begins, ends = _period(cap, happened_at)
        row = (
            await session.execute(
                queries.EARNED_BEFORE,
                {
                    "participant": participant_id,
                    "programme": programme.id,
                    "from": begins,
                    "before": ends,
                    "activities": list(cap.activities) if cap.activities else None,
                    "without": list(instead_of),
                },
            )
        ).one()
        rest = cap.limit - (row.points if cap.of == "points" else row.acts)
        if (left if cap.of == "points" else 1) > rest:
            left = max(rest, 0) if cap.of == "points" and cap.over == "trim" else 0
            by = cap.id
    return left, by


async def travel_of(session: AsyncSession, *, programme: str, library: Library) -> frozenset[str]:
    """The activities in which a person can be in one place only, as the programme's screens say; none without screens."""
    rules = rules_for((await programme_of(session, code=programme)).pack, library)
    return frozenset() if rules is None else rules.travel


async def told_of(
    session: AsyncSession, *, programmes: Collection[str], library: Library
) -> dict[tuple[str, str], tuple[str, str]]:
    """What citizens are told of windows and screens, zh and en, by programme and `early`, `late` or the screen's code."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for code in sorted(set(programmes)):
        rules = rules_for((await programme_of(session, code=code)).pack, library)
        found |= {(code, name): texts for name, texts in (rules.texts if rules else {}).items()}
    return found


async def confirm(
    session: AsyncSession, one: Unposted, facts: Facts, *, travel: Collection[str], instead_of: Sequence[UUID]
) -> None:
    """Take the turn that chunks take, and make sure that nothing came in between.

    Call it as chunks do, behind the rows and before any wallet or pool is locked, so that nobody waits in a circle.
    Whoever takes the turn next sees what this transaction wrote. Raises OverlapStands when the person
    travelled elsewhere then, TransactionCollided when the caps leave something else by now.
    """
    programme, act = one.programme, one.accepted
    if programme.screens is None and not programme.caps:
        return
    await session.execute(intake_queries.CONFIRM)
    left, _ = await within_caps(
        session,
        programme,
        participant_id=act.participant_id,
        activity=one.activity,
        happened_at=facts.happened_at,
        points=one.ruled,
        instead_of=[act.claim_key, *instead_of],
    )
    if left != one.capped:
        raise TransactionCollided
    if one.activity not in travel or act.participant_id is None:
        return
    others = await session.execute(
        queries.MEANWHILE,
        {
            "participant": act.participant_id,
            "source": facts.source_id,
            "activities": sorted(travel),
            "happened": facts.happened_at,
            "ended": facts.ended_at or facts.happened_at,
        },
    )
    if any(standing.of(other).claim_key != act.claim_key for other in others):
        raise OverlapStands


def _period(cap: EarningCap, moment: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """The Shanghai day or month in which a moment lies, and where the next one begins."""
    day = clock.day_of(moment)
    first = day.replace(day=1) if cap.per == "month" else day
    after = (
        (first + dt.timedelta(days=32)).replace(day=1) if cap.per == "month" else day + dt.timedelta(days=1)
    )
    begins, ends = (dt.datetime.combine(one, dt.time(), clock.SHANGHAI) for one in (first, after))
    return begins, ends
