"""My points that ripen, collecting them, and collecting a part of my friends'."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Path
from pydantic import Field

from backend import packs, programmes
from backend.engagement import circle, collecting
from backend.engagement.collecting import Taken
from backend.kit import idempotency, ids, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown, pending
from backend.programmes.errors import NothingToCollect
from backend.programmes.pending import Collected

router = Router(prefix="/programmes/{programme}", tags=["collecting"])

Handle = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]
_REFUSED = (Unauthenticated, ProgrammeUnknown)
_FRIENDS = (*_REFUSED, FeatureOff, circle.PersonUnknown, packs.ParameterUnknown)


class LotTold(Told):
    """Points of one day that may be collected from midnight of `ripe_on` up to the end of `collect_until`."""

    ripe_on: date
    collect_until: date | None = Field(description="Null where it never ends.")
    points: int
    ripe: bool


class FriendsLotTold(Told):
    """A friend's points that are ripe, and how many of them I may take now."""

    ripe_on: date
    collect_until: date | None
    points: int
    may_take: int


class GardenTold(Told):
    """What of a friend's is ripe. While it is `protected`, only the friend collects."""

    protected: bool
    lots: list[FriendsLotTold]


class CollectAsked(Asked):
    """Which day's points; without it all that are ripe."""

    ripe_on: date | None = None


class CollectedTold(Told):
    """What was collected: `repaid` went to a debt, the rest is in my wallet up to `expires_on` (null: for ever)."""

    points: int
    repaid: int
    expires_on: date | None

    @classmethod
    def of(cls, one: Collected) -> CollectedTold:
        return cls(points=one.points, repaid=one.repaid, expires_on=one.expires_on)


class TakenTold(Told):
    """What a friend took of my points. `handle` and `display_name` are null where that person is not shown now."""

    ripe_on: date
    points: int
    handle: str | None
    display_name: str | None
    taken_at: datetime

    @classmethod
    def of(cls, one: Taken) -> TakenTold:
        return cls(
            ripe_on=one.ripe_on,
            points=one.points,
            handle=one.by.handle if one.by else None,
            display_name=one.by.display_name if one.by else None,
            taken_at=one.taken_at,
        )


@router.get("/pending", responses=problems(*_REFUSED))
async def list_pending(programme: Code, citizen: SignedInCitizen, session: ReadSession) -> list[LotTold]:
    """My points that ripen or wait to be collected, the earliest day first."""
    await programmes.programme_of(session, code=programme)
    found = await pending.pending_of(session, participant_id=citizen.id, programme=programme)
    return [
        LotTold(ripe_on=lot.ripe_on, collect_until=lot.last_day, points=lot.points, ripe=lot.ripe)
        for lot in found
    ]


@router.post("/collect", responses=problems(*_REFUSED, NothingToCollect, *idempotency.REFUSALS))
async def collect(
    programme: Code, asked: CollectAsked, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> CollectedTold:
    """Collect my points that are ripe: of one day, or all. What I owe is repaid first."""
    running = await programmes.programme_of(session, code=programme)
    done = await pending.collect(
        session,
        programme=running,
        participant_id=citizen.id,
        posting_id=ids.uuid7(),
        ripe_on=asked.ripe_on,
    )
    return CollectedTold.of(done)


@router.get("/taken", responses=problems(*_REFUSED, paging.CursorUnusable))
async def list_taken(
    programme: Code, citizen: SignedInCitizen, settings: AppSettings, session: ReadSession, asked: Paging
) -> Page[TakenTold]:
    """What friends took of my points, the newest first."""
    running = await programmes.programme_of(session, code=programme)
    after = asked.after(datetime, UUID)
    rows = await collecting.taken_of(
        session,
        settings.keys,
        programme=running,
        owner=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.taken_at, row.id), show=TakenTold.of)


@router.get("/friends/{handle}/pending", responses=problems(*_FRIENDS))
async def get_garden(
    programme: Code, handle: Handle, citizen: SignedInCitizen, session: ReadSession
) -> GardenTold:
    """What of a friend's points is ripe, and what I may take of it."""
    running = await programmes.programme_of(session, code=programme)
    owner = await circle.person_of(session, programme=running, handle=handle)
    garden = await collecting.garden_of(session, programme=running, owner=owner, viewer=citizen.id)
    return GardenTold(
        protected=garden.protected,
        lots=[
            FriendsLotTold(
                ripe_on=lot.ripe_on, collect_until=lot.last_day, points=lot.points, may_take=lot.may_take
            )
            for lot in garden.lots
        ],
    )


@router.post(
    "/friends/{handle}/collect",
    responses=problems(
        *_FRIENDS,
        NothingToCollect,
        collecting.Protected,
        collecting.ShareTaken,
        collecting.DayLimitReached,
        *idempotency.REFUSALS,
    ),
)
async def collect_from_friend(
    programme: Code,
    handle: Handle,
    asked: CollectAsked,
    citizen: SignedInCitizen,
    session: WriteSession,
    _: IdempotencyKey,
) -> CollectedTold:
    """Collect as much of a friend's ripe points as I may."""
    running = await programmes.programme_of(session, code=programme)
    owner = await circle.person_of(session, programme=running, handle=handle)
    done = await collecting.take(
        session, programme=running, owner=owner, taker=citizen.id, ripe_on=asked.ripe_on
    )
    return CollectedTold.of(done)
