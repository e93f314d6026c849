"""What a programme's budget leaves of the points of acts: the later lines of a chunk go without, exact to the point.

Planned without the lock where the budget is large enough, and made sure of before the commit, behind the turn of the screens.
Where some of it is missing the chunk is planned again with the lock taken first; where nothing is left no lock is needed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from backend.intake import queries
from backend.intake.plans import Funding, Plan
from backend.intake.screens import Overtaken
from backend.programmes import Programme, benefits, budgets, wallets
from backend.programmes.budgets import Limit, Room


@dataclass(frozen=True, slots=True)
class Funds:
    """The budget that a chunk draws on (None: none). `first` takes the lock before anything is looked at; `dry`: only a
    rehearsal, which nobody has to wait for.
    """

    limit: Limit | None = None
    first: bool = False
    dry: bool = False

    async def apply(self, session: AsyncSession, plan: Plan, *, at: dt.datetime) -> None:
        """Take from the plan's acts, last line first, what the budget does not give. Raises Overtaken."""
        rows = plan.accepted
        rows = rows[(plan.held.person[rows] >= 0) & (plan.points[rows] > 0)]
        if self.limit is None or not len(rows):
            return
        if self.first:
            await budgets.lock(session, self.limit)
        room = await budgets.room_of(session, self.limit, at=at)
        rows = rows[np.argsort(plan.chunk.numbers("line")[rows], kind="stable")]
        wanted = plan.points[rows]
        total = int(wanted.sum())
        plan.funding = Funding(self.limit, room, total, at)
        if total <= room.points:
            return
        if room.points > 0 and not (self.first or self.dry):
            raise Overtaken
        before = np.cumsum(wanted) - wanted
        given = np.clip(max(room.points, 0) - before, 0, wanted)
        plan.points = plan.points.copy()
        plan.points[rows] = given
        plan.unfunded = np.zeros(len(plan.chunk), dtype=np.int64)
        plan.unfunded[rows] = wanted - given

    async def confirm(self, session: AsyncSession, plan: Plan) -> None:
        """Hold the budget to the commit; raise Overtaken where it no longer gives what was planned."""
        funding = plan.funding
        if funding is None or plan.unfunded is not None or self.first:
            return
        await budgets.lock(session, funding.limit)
        room = await budgets.room_of(session, funding.limit, at=funding.at)
        if room.points < funding.wanted:
            raise Overtaken


NO_FUNDS = Funds()


async def note(session: AsyncSession, plan: Plan, *, posting_id: UUID) -> None:
    """Keep that the budget gave a chunk's acts less than they would have earned."""
    if plan.funding is None or plan.unfunded is None:
        return
    rows = np.nonzero(plan.unfunded)[0]
    missing = plan.unfunded[rows].tolist()
    await add(
        session,
        Reached(plan.funding.limit, posting_id, plan.funding.at),
        room=plan.funding.room,
        wanted=plan.funding.wanted,
        given=plan.funding.wanted - sum(missing),
        missing=dict(zip((UUID(bytes=key.tobytes()) for key in plan.chunk.keys[rows]), missing, strict=True)),
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a budget was used up: which, by the posting that gives what is left, and when."""

    limit: Limit
    posting_id: UUID
    at: dt.datetime


async def add(
    session: AsyncSession,
    reached: Reached,
    *,
    room: Room,
    wanted: int,
    given: int,
    missing: dict[UUID, int],
    freed: int = 0,
) -> None:
    """Write it: what each of these acts goes without, by its key."""
    await session.execute(
        queries.ADD_REACHED,
        {
            "posting": reached.posting_id,
            "programme": reached.limit.programme,
            "year": reached.limit.year(reached.at),
            "room": room.points,
            "freed": freed,
            "wanted": wanted,
            "given": given,
            "snapshot": room.snapshot,
            "at": reached.at,
        },
    )
    await session.execute(
        queries.ADD_UNFUNDED,
        {"posting": reached.posting_id, "keys": list(missing), "points": list(missing.values())},
    )


@dataclass(frozen=True, slots=True)
class Share:
    """What a budget leaves of `wanted` points: `given`, of which `freed` counts on what is taken back first."""

    given: int
    freed: int
    room: Room | None


async def share(
    session: AsyncSession, limit: Limit | None, *, wanted: int, at: dt.datetime, freed: int = 0
) -> Share:
    """What one giving gets, outside a chunk; holds the budget to the commit. `freed` is taken back before it is given."""
    if limit is None or wanted <= 0:
        return Share(wanted, 0, None)
    await budgets.lock(session, limit)
    room = await budgets.room_of(session, limit, at=at)
    if room.points >= wanted:
        return Share(wanted, 0, None)
    counted = min(freed, wanted - max(room.points, 0)) if room.points >= 0 else freed
    given = max(min(room.points + counted, wanted), 0)
    return Share(given, counted, room if given < wanted else None)


async def freed_by(
    session: AsyncSession, holders: Sequence[tuple[UUID, int]], *, programme: Programme
) -> int:
    """What taking these points back from their holders brings to the budget at least: what still waits or lies in wallets."""
    sums: dict[UUID, int] = {}
    for holder, points in holders:
        sums[holder] = sums.get(holder, 0) + points
    found = 0
    for holder, points in sums.items():
        if programme.money:
            mine = await benefits.benefits_of(session, participant_id=holder, programme=programme.id)
            found += min(points, mine.amount_fen)
        else:
            wallet = await wallets.wallet_of(session, participant_id=holder, programme=programme.id)
            found += min(points, wallet.pending + wallet.spendable)
    return found
