"""Points for something else than an act: a task, a referral, a campaign, an event.

An award never takes more than the programme's budget still holds: what no longer fits is given in part or not at all, and
the row says what was due. `cause` names what it is for (`task:walk-week`); the citizen reads it beside the points.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, log
from backend.programmes import budgets, codes, wallets
from backend.programmes.purses import Earned
from backend.programmes.service import programme_of

AWARDED, REPAID = "points.awarded", "points.award_repaid"

log.register(log.Sealed("award", key=("posting_id",)), log.Sealed("award_taken", key=("posting_id",)))


@dataclass(frozen=True, slots=True)
class Award:
    """`points` (above zero) for one participant, spendable up to and on `expires_on` (None: for ever)."""

    posting_id: UUID
    participant_id: UUID
    points: int
    expires_on: dt.date | None
    happened_at: dt.datetime
    cause: str = "award"


@dataclass(frozen=True, slots=True)
class Noted:
    """One award, or (with `points` below zero) what was taken back of one, as its citizen reads it."""

    posting_id: UUID
    cause: str
    wanted: int
    points: int
    at: dt.datetime


_GIVEN = text("SELECT posting_id, points FROM award WHERE posting_id = ANY (CAST(:ids AS uuid[]))")
_ADD = text("""
    INSERT INTO award (posting_id, programme_id, participant_id, cause, wanted, points, expires_on, awarded_at)
    SELECT posting_id, :programme, participant_id, cause, wanted, points, expires_on, awarded_at
    FROM unnest(CAST(:ids AS uuid[]), CAST(:participants AS uuid[]), CAST(:causes AS text[]), CAST(:wanted AS bigint[]),
                CAST(:points AS bigint[]), CAST(:due AS date[]), CAST(:at AS timestamptz[]))
        AS a(posting_id, participant_id, cause, wanted, points, expires_on, awarded_at)
""")
_TAKE = text("""
    INSERT INTO award_taken (posting_id, programme_id, participant_id, cause, points, taken_at)
    SELECT :posting, p.id, :participant, :cause, :points, :at FROM programme p WHERE p.code = :programme
    ON CONFLICT (posting_id) DO NOTHING
""")
_NOTED = text("""
    SELECT posting_id, cause, wanted, points, awarded_at AS at FROM award
    WHERE participant_id = :participant AND programme_id = :programme
    UNION ALL
    SELECT posting_id, cause, points, -points, taken_at FROM award_taken
    WHERE participant_id = :participant AND programme_id = :programme
    ORDER BY at DESC, posting_id DESC LIMIT :limit
""")
_STANDING = text("""
    SELECT CAST(COALESCE((SELECT sum(points) FROM award
                          WHERE participant_id = :participant AND programme_id = :programme), 0)
              - COALESCE((SELECT sum(points) FROM award_taken
                          WHERE participant_id = :participant AND programme_id = :programme), 0) AS bigint)
""")


async def award(session: AsyncSession, *, programme: str, awards: Sequence[Award]) -> dict[UUID, Earned]:
    """Give awards in the order given while the programme's budget lasts; an earlier debt is repaid first.

    `Earned.points` is what was given, 0 where nothing was left. An id that was awarded before answers `repeated`.
    Raises ProgrammeUnknown, and ParameterUnknown where the budget is unknown.
    """
    running = await programme_of(session, code=programme)
    room = await budgets.room(session, programme=running)
    before = {
        row.posting_id: int(row.points)
        for row in await session.execute(_GIVEN, {"ids": [one.posting_id for one in awards]})
    }
    answers = {
        posting: Earned(outcome="repeated", points=points, repaid=0) for posting, points in before.items()
    }
    new = [one for one in awards if one.posting_id not in before]
    given: list[int] = []
    for one in new:
        points = one.points if room is None else min(one.points, room)
        room = None if room is None else room - points
        given.append(points)
    if not new:
        return answers
    await session.execute(
        _ADD,
        {
            "programme": running.id,
            "ids": [one.posting_id for one in new],
            "participants": [one.participant_id for one in new],
            "causes": [one.cause for one in new],
            "wanted": [one.points for one in new],
            "points": given,
            "due": [one.expires_on for one in new],
            "at": [one.happened_at for one in new],
        },
    )
    funded = [(one, points) for one, points in zip(new, given, strict=True) if points]
    answers |= {one.posting_id: Earned(outcome="posted", points=0, repaid=0) for one in new}
    return answers | await _post(session, programme, funded)


async def _post(
    session: AsyncSession, programme: str, funded: Sequence[tuple[Award, int]]
) -> dict[UUID, Earned]:
    if not funded:
        return {}
    lots = [codes.wallet(one.participant_id, programme, one.expires_on) for one, _ in funded]
    source = codes.issuer(programme)
    opened = await ledger.open_accounts(session, {source, *lots})
    filled = await ledger.fill(
        session,
        source=opened[source.code],
        fills=[
            ledger.Fill(
                posting_id=one.posting_id,
                first=codes.debt(one.participant_id, programme).code,
                credit=opened[lot.code],
                amount=points,
                happened_at=one.happened_at,
            )
            for (one, points), lot in zip(funded, lots, strict=True)
        ],
        first_reason=REPAID,
        reason=AWARDED,
    )
    return {
        one.posting_id: Earned(
            outcome=filled[one.posting_id].outcome, points=points, repaid=filled[one.posting_id].filled
        )
        for one, points in funded
    }


async def take_back(
    session: AsyncSession,
    *,
    programme: str,
    participant_id: UUID,
    cause: str,
    points: int,
    posting_id: UUID,
    happened_at: dt.datetime,
) -> None:
    """Take points of an award back, as `wallets.claw_back` does; the same id again changes nothing."""
    await session.execute(
        _TAKE,
        {
            "posting": posting_id,
            "programme": programme,
            "participant": participant_id,
            "cause": cause,
            "points": points,
            "at": happened_at,
        },
    )
    await wallets.claw_back(
        session,
        participant_id=participant_id,
        programme=programme,
        points=points,
        posting_id=posting_id,
        happened_at=happened_at,
    )


async def noted(
    session: AsyncSession, *, programme_id: int, participant_id: UUID, limit: int = 100
) -> list[Noted]:
    """A citizen's awards and what was taken back of them, newest first."""
    rows = await session.execute(
        _NOTED, {"programme": programme_id, "participant": participant_id, "limit": limit}
    )
    return [Noted(*row) for row in rows]


async def standing(session: AsyncSession, *, programme_id: int, participant_id: UUID) -> int:
    """Points awarded to a citizen that were not taken back."""
    found = await session.execute(_STANDING, {"programme": programme_id, "participant": participant_id})
    return int(found.scalar_one())
