"""Events of my programme: publishing them, the code on the screen at the door, calling them off."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend import packs, programmes
from backend.engagement import events, rewards
from backend.engagement.events import Event
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown, Registered
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.moments import Moment
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes/{code}/events", tags=["events"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown, FeatureOff)
Words = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class EventStart(Asked):
    """Something to come to. With `reward`, its price is that of the pack's reward of the kind event."""

    title_zh: Words
    title_en: Words
    place: Words
    starts_at: Moment
    ends_at: Moment
    capacity: int | None = Field(default=None, strict=True, gt=0, le=1_000_000)
    price_points: int = Field(default=0, strict=True, ge=0, le=10**9)
    award_points: int = Field(default=0, strict=True, ge=0, le=10**6)
    reward: Code | None = None


class CallingOff(Asked):
    """Why it does not take place; those who signed up read it."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class EventTold(Told):
    """An event, how many signed up, and how many came."""

    id: UUID
    title_zh: str
    title_en: str
    place: str
    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    price_points: int
    award_points: int
    reward: str | None
    signed_up: int
    checked_in: int
    called_off_because: str | None

    @classmethod
    def of(cls, one: Event) -> EventTold:
        own = {
            name: getattr(one, name)
            for name in cls.model_fields
            if name not in {"price_points", "award_points"}
        }
        return cls(price_points=one.points, award_points=one.award, **own)


class ScreenCode(Told):
    """What the screen at the door shows until `good_until`; then ask again."""

    code: str
    good_until: datetime


async def _running(session: AsyncSession, person: Principal, code: str) -> Registered:
    running = await programme_in_sight(session, person, code)
    programmes.require(running, "events")
    return running


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_events(
    code: Code, person: OperatorOrAuthority, session: ReadSession, asked: Paging
) -> Page[EventTold]:
    """All events of my programme, by when they begin."""
    running = await _running(session, person, code)
    after = asked.after(datetime, UUID)
    rows = await events.events_of(
        session,
        programme=running.code,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.starts_at, row.id), show=EventTold.of)


@router.post(
    "",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        events.EventTimesOutOfOrder,
        rewards.RewardUnknown,
        rewards.RewardElsewhere,
        packs.ParameterUnknown,
        *idempotency.REFUSALS,
    ),
)
async def publish_event(
    code: Code, asked: EventStart, person: Operator, session: WriteSession, _: IdempotencyKey
) -> EventTold:
    """Publish an event; citizens can sign up from now on."""
    running = await _running(session, person, code)
    made = await events.publish(
        session,
        programme=running,
        title_zh=asked.title_zh,
        title_en=asked.title_en,
        place=asked.place,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
        capacity=asked.capacity,
        points=asked.price_points,
        award=asked.award_points,
        published_by=person.id,
        reward_id=asked.reward,
    )
    return EventTold.of(made)


@router.get("/{event_id}/code", responses=problems(*_NOT_LET_IN, events.EventUnknown, events.CheckInRefused))
async def get_event_code(
    code: Code, event_id: UUID, person: Operator, settings: AppSettings, session: ReadSession
) -> ScreenCode:
    """The code for the screen at the door: another one every 30 seconds, from an hour before the event until its end."""
    running = await _running(session, person, code)
    event = await events.event_of(session, programme=running.code, event_id=event_id)
    shown, until = await events.screen_code(settings.keys, event)
    return ScreenCode(code=shown, good_until=until)


@router.post(
    "/{event_id}/calling-off",
    responses=problems(*_NOT_LET_IN, events.EventUnknown, events.EventBegun, *idempotency.REFUSALS),
)
async def call_event_off(
    code: Code, event_id: UUID, asked: CallingOff, person: Operator, session: WriteSession, _: IdempotencyKey
) -> EventTold:
    """Call an event off before it begins: everybody's points go back."""
    running = await _running(session, person, code)
    found = await events.call_off(
        session, programme=running, event_id=event_id, reason=asked.reason, called_off_by=person.id
    )
    return EventTold.of(found)
