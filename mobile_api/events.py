"""Events of a programme: signing up, giving the seat up, checking in at the door."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend import ledger, programmes
from backend.engagement import events
from backend.engagement.events import Event, SignUp
from backend.identity.proving import NotRedeemable
from backend.kit import clock, i18n, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import AppSettings, ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown, Registered

router = Router(prefix="/programmes/{programme}/events", tags=["events"])

_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff)


class SignUpTold(Told):
    """My sign-up. While I wait, `waiting_before` others wait before me."""

    state: str = Field(
        description="`seat`, `waiting`, `checked_in`, `cancelled`, `called_off`, or `no_seat`: "
        "in the last three the price went back."
    )
    points: int
    waiting_before: int | None
    signed_up_at: datetime
    checked_in_at: datetime | None

    @classmethod
    def of(cls, one: SignUp) -> SignUpTold:
        waits = one.state == "waiting" and one.capacity is not None
        return cls(
            state=one.state,
            points=one.points,
            waiting_before=one.before - (one.capacity or 0) if waits else None,
            signed_up_at=one.signed_up_at,
            checked_in_at=one.checked_in_at,
        )


class EventTold(Told):
    """Something to come to: what it costs, and what checking in earns. Who else comes is told to nobody."""

    id: UUID
    title: str
    place: str
    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    seats_left: int | None
    price_points: int
    award_points: int
    called_off_because: str | None

    @classmethod
    def of(cls, one: Event) -> EventTold:
        return cls(
            id=one.id,
            title=one.title_zh if i18n.language() == "zh" else one.title_en,
            place=one.place,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            capacity=one.capacity,
            seats_left=one.seats_left,
            price_points=one.points,
            award_points=one.award,
            called_off_because=one.called_off_because,
        )


class CheckInAsked(Asked):
    """The code that the screen at the door shows now."""

    code: Annotated[str, StringConstraints(min_length=8, max_length=12)]


async def _running(session: AsyncSession, code: str) -> Registered:
    running = await programmes.programme_of(session, code=code)
    programmes.require(running, "events")
    return running


@router.get("", responses=problems(*_REFUSED, paging.CursorUnusable))
async def list_events(
    programme: Code, _citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[EventTold]:
    """Events that have not ended, the next one first."""
    running = await _running(session, programme)
    after = asked.after(datetime, UUID)
    rows = await events.events_of(
        session,
        programme=running.code,
        since=clock.now(),
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.starts_at, row.id), show=EventTold.of)


@router.get("/{event_id}", responses=problems(*_REFUSED, events.EventUnknown))
async def get_event(
    programme: Code, event_id: UUID, _citizen: SignedInCitizen, session: ReadSession
) -> EventTold:
    """One event: when and where it is, what it costs and earns, and the seats that are left."""
    running = await _running(session, programme)
    return EventTold.of(await events.event_of(session, programme=running.code, event_id=event_id))


@router.get("/{event_id}/sign-up", responses=problems(*_REFUSED, events.EventUnknown, events.NotSignedUp))
async def get_sign_up(
    programme: Code, event_id: UUID, citizen: SignedInCitizen, session: ReadSession
) -> SignUpTold:
    """My sign-up for an event."""
    running = await _running(session, programme)
    event = await events.event_of(session, programme=running.code, event_id=event_id)
    found = await events.sign_up_of(session, event_id=event.id, participant_id=citizen.id)
    return SignUpTold.of(found)


@router.post(
    "/{event_id}/sign-up",
    status_code=201,
    responses=problems(
        *_REFUSED,
        events.EventUnknown,
        events.EventBegun,
        events.SignedUpAlready,
        ledger.InsufficientBalance,
        NotRedeemable,
        *idempotency.REFUSALS,
    ),
)
async def sign_up_for_event(
    programme: Code, event_id: UUID, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> SignUpTold:
    """Take a seat, or a place on the waiting list. The price is spent at once, and goes back to whoever gets no seat."""
    running = await _running(session, programme)
    made = await events.sign_up(session, programme=running, event_id=event_id, participant_id=citizen.id)
    return SignUpTold.of(made)


@router.post(
    "/{event_id}/sign-up/cancellation",
    responses=problems(
        *_REFUSED, events.EventUnknown, events.EventBegun, events.NotSignedUp, *idempotency.REFUSALS
    ),
)
async def cancel_sign_up(
    programme: Code, event_id: UUID, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> SignUpTold:
    """Give my seat up before the event begins: its points come back. Again changes nothing."""
    running = await _running(session, programme)
    found = await events.cancel(session, programme=running, event_id=event_id, participant_id=citizen.id)
    return SignUpTold.of(found)


@router.post(
    "/{event_id}/check-in",
    responses=problems(
        *_REFUSED, events.EventUnknown, events.NotSignedUp, events.CheckInRefused, *idempotency.REFUSALS
    ),
)
async def check_in(
    programme: Code,
    event_id: UUID,
    *,
    asked: CheckInAsked,
    citizen: SignedInCitizen,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> SignUpTold:
    """Check in with the code on the screen, from an hour before the event until its end. Again changes nothing."""
    running = await _running(session, programme)
    found = await events.check_in(
        session,
        settings.keys,
        programme=running,
        event_id=event_id,
        participant_id=citizen.id,
        code=asked.code,
    )
    return SignUpTold.of(found)
