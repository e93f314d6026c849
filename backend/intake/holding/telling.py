"""What citizens are told of their acts that are held, refused, corrected or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import inbox
from backend.inbox import Kind, Topic
from backend.intake.holding import queries
from backend.intake.holding.model import Held, Stored
from backend.kit import clock

if TYPE_CHECKING:
    from backend.inbox.service import Facts

HELD = Kind(
    "act.held",
    Topic.ACTS,
    "您有 $acts 条行为待人工核实，暂未计入。可在“待核实的行为”中查看原因并申诉。",
    "$acts of your acts wait for a person to look at them and do not count so far. Your held acts tell why, and you can appeal there.",
)
REFUSED = Kind(
    "act.refused",
    Topic.ACTS,
    "您 $day 的一条行为未被接受。可在 $until 前申诉。",
    "An act of yours on $day was not accepted. You can appeal until $until.",
)
WITHDRAWN = Kind(
    "act.withdrawn",
    Topic.ACTS,
    "您 $day 的一条行为被撤销，其 $points 积分已收回。",
    "An act of yours on $day no longer counts, and its $points points were taken back.",
)
CORRECTED = Kind(
    "act.corrected",
    Topic.ACTS,
    "您 $day 的一条行为已由报送方更正，以更正后的记录为准。",
    "An act of yours on $day was corrected by whoever reported it; the correction counts.",
)
inbox.register(HELD, REFUSED, WITHDRAWN, CORRECTED)
_AT_ONCE = 5_000


async def tell_held(session: AsyncSession, *, job_id: UUID) -> None:
    """Tell whose acts of a job wait for a person, once a job and person."""
    after: UUID | None = None
    while True:
        rows = (
            await session.execute(queries.WHOSE_WAIT, {"job": job_id, "after": after, "limit": _AT_ONCE})
        ).all()
        if not rows:
            return
        told: list[tuple[UUID, str, Facts]] = [
            (row.participant_id, str(job_id), {"acts": row.acts}) for row in rows
        ]
        await inbox.tell_many(session, kind=HELD.name, told=told)
        after = rows[-1].participant_id


async def tell_refused(session: AsyncSession, row: Held, *, until: str) -> None:
    """Tell whose act was refused, where somebody held its means then."""
    holder = (
        await session.execute(queries.HOLDER, {"token": row.facts.means_token, "at": row.facts.happened_at})
    ).scalar_one_or_none()
    if holder is not None:
        facts = {"day": str(clock.day_of(row.facts.happened_at)), "until": until}
        place = f"{row.job_id} {row.line}"
        await inbox.tell(session, participant_id=holder, kind=REFUSED.name, refers_to=place, facts=facts)


async def tell_withdrawn(session: AsyncSession, acts: Sequence[Stored], *, corrected: bool) -> None:
    """Tell whoever was credited with these acts that they count no more, or that a correction counts instead."""
    told: list[tuple[UUID, str, Facts]] = []
    for act in acts:
        holder = act.participant_id or act.claimed_by
        if holder is not None:
            facts: dict[str, str | int] = {"day": str(clock.day_of(act.happened_at)), "points": act.points}
            told.append((holder, str(act.claim_key), facts))
    if told:
        await inbox.tell_many(session, kind=(CORRECTED if corrected else WITHDRAWN).name, told=told)
