"""Publishing, signing up, cancelling, checking in. Each takes the event's lock first, accounts last."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement import rewards
from backend.engagement.events import codes, queries
from backend.engagement.events.errors import (
    CheckInRefused,
    EventBegun,
    EventTimesOutOfOrder,
    EventUnknown,
    NotSignedUp,
    SignedUpAlready,
)
from backend.engagement.events.model import OPENS_BEFORE, Event, SignUp
from backend.kit import clock, ids, logging
from backend.kit.db import Database
from backend.kit.errors import DomainError
from backend.kit.keys import Keys
from backend.programmes import Registered, awards, expires_on, spending

Position = tuple[dt.datetime, UUID]

_log = logging.get("puhui.events")


async def publish(
    session: AsyncSession,
    *,
    programme: Registered,
    title_zh: str,
    title_en: str,
    place: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime,
    capacity: int | None,
    points: int,
    award: int,
    published_by: UUID,
    reward_id: str | None = None,
) -> Event:
    """Publish an event. With `reward_id`, a reward of the kind event, its price in the pack counts instead of `points`.

    Raises EventTimesOutOfOrder, RewardUnknown, RewardElsewhere, ParameterUnknown.
    """
    now = clock.now()
    if not now < starts_at < ends_at:
        raise EventTimesOutOfOrder
    if reward_id is not None:
        reward = rewards.reward_of(programme, reward_id=reward_id, kinds={"event"})
        points = rewards.price_of(programme, reward)
    event_id = ids.uuid7()
    given = {
        "id": event_id,
        "programme": programme.id,
        "reward": reward_id,
        "title_zh": title_zh,
        "title_en": title_en,
        "place": place,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "capacity": capacity,
        "points": points,
        "award": award,
        "by": published_by,
        "at": now,
    }
    await session.execute(queries.ADD, given)
    return await event_of(session, programme=programme.code, event_id=event_id)


async def call_off(
    session: AsyncSession, *, programme: Registered, event_id: UUID, reason: str, called_off_by: UUID
) -> Event:
    """Call an event off before it begins: everybody's points go back. Raises EventUnknown, EventBegun."""
    event, now = await _open_event(session, programme, event_id)
    given = {"event": event.id, "reason": reason, "by": called_off_by, "at": now}
    await session.execute(queries.CALL_OFF, given)
    standing = await session.execute(queries.STANDING, {"event": event.id})
    await _end(session, [_signup(row) for row in standing], how="called_off", at=now)
    return await event_of(session, programme=programme.code, event_id=event_id)


async def sign_up(
    session: AsyncSession, *, programme: Registered, event_id: UUID, participant_id: UUID
) -> SignUp:
    """Sign up for the next seat, or for the end of the waiting list; the price is spent at once.

    Whoever still waits when the event begins gets it back. Raises EventUnknown, EventBegun, SignedUpAlready,
    InsufficientBalance.
    """
    event, now = await _open_event(session, programme, event_id)
    earlier = await _own(session, event_id, participant_id)
    if earlier is not None and earlier.how is None:
        raise SignedUpAlready
    signup_id = ids.uuid7()
    given = {
        "id": signup_id,
        "event": event.id,
        "participant": participant_id,
        "points": event.points,
        "at": now,
    }
    await session.execute(queries.SIGN_UP, given)
    if event.points:
        await spending.spend(
            session,
            participant_id=participant_id,
            programme=programme.code,
            points=event.points,
            posting_id=signup_id,
            happened_at=now,
        )
    return await sign_up_of(session, event_id=event_id, participant_id=participant_id)


async def cancel(
    session: AsyncSession, *, programme: Registered, event_id: UUID, participant_id: UUID
) -> SignUp:
    """Give a seat or a place on the waiting list up before the event begins: the points go back, whoever waits moves up.

    Again changes nothing. Raises EventUnknown, EventBegun, NotSignedUp.
    """
    _, now = await _open_event(session, programme, event_id)
    found = await _own(session, event_id, participant_id)
    if found is None:
        raise NotSignedUp
    if found.checked_in_at is not None:
        raise EventBegun
    if found.how is None:
        await _end(session, [found], how="cancelled", at=now)
    return await sign_up_of(session, event_id=event_id, participant_id=participant_id)


async def screen_code(keys: Keys, event: Event) -> tuple[str, dt.datetime]:
    """The code that the screen at the door shows now, and until when. Raises CheckInRefused outside the time for it."""
    now = clock.now()
    if not _door_is_open(event, now):
        raise CheckInRefused
    shown = codes.shown_at(now)
    until = dt.datetime.fromtimestamp((shown + 1) * codes.SHOWN_FOR_S, dt.UTC)
    return codes.code_of(keys, event.id, shown), until


async def check_in(
    session: AsyncSession,
    keys: Keys,
    *,
    programme: Registered,
    event_id: UUID,
    participant_id: UUID,
    code: str,
) -> SignUp:
    """Check in with the code on the screen, once a person; it earns the event's award, as far as the programme's budget
    still holds it. Again changes nothing.

    Raises EventUnknown, NotSignedUp, CheckInRefused.
    """
    await session.execute(queries.LOCK, {"event": str(event_id)})
    event, now = await event_of(session, programme=programme.code, event_id=event_id), clock.now()
    found = await _own(session, event_id, participant_id)
    if found is None or found.how is not None:
        raise NotSignedUp
    if found.state == "checked_in":
        return found
    shown = codes.matching(keys, event.id, code, now)
    if found.state != "seat" or shown is None or not _door_is_open(event, now):
        raise CheckInRefused
    posting_id = ids.derive(found.id, "award")
    given = {"signup": found.id, "shown": shown, "award": event.award, "posting": posting_id, "at": now}
    await session.execute(queries.CHECK_IN, given)
    if event.award:
        award = awards.Award(
            posting_id=posting_id,
            participant_id=participant_id,
            points=event.award,
            expires_on=expires_on(programme.pack, clock.day_of(now)),
            happened_at=now,
            cause=f"event:{event.id}",
        )
        await awards.award(session, programme=programme.code, awards=[award])
    return await sign_up_of(session, event_id=event_id, participant_id=participant_id)


def _door_is_open(event: Event, now: dt.datetime) -> bool:
    return event.called_off_at is None and event.starts_at - OPENS_BEFORE <= now <= event.ends_at


async def settle_begun(db: Database) -> int:
    """Give their points back to those who still waited when an event began, a transaction each; answers how many events."""
    async with db.transaction() as session:
        begun = (await session.execute(queries.BEGUN, {"now": clock.now()})).all()
    for row in begun:
        try:
            async with db.transaction() as session:
                await session.execute(queries.LOCK, {"event": str(row.id)})
                standing = await session.execute(queries.STANDING, {"event": row.id})
                waiting = [one for one in map(_signup, standing) if one.state == "waiting"]
                await _end(session, waiting, how="no_seat", at=clock.now())
        except DomainError as error:  # one that cannot be settled does not hold up the others
            _log.error("event does not settle", event_id=str(row.id), exc_info=error)
    return len(begun)


async def _end(
    session: AsyncSession,
    found: Sequence[SignUp],
    *,
    how: Literal["cancelled", "called_off", "no_seat"],
    at: dt.datetime,
) -> None:
    if found:
        await session.execute(queries.END, [{"signup": one.id, "how": how, "at": at} for one in found])
    undo = {back_id(one.id): one.id for one in found if one.points}
    if undo:
        await spending.give_back_many(session, undo=undo, happened_at=at)


def back_id(signup_id: UUID) -> UUID:
    """The id of the posting that gives a sign-up's points back."""
    return ids.derive(signup_id, "back")


async def _open_event(
    session: AsyncSession, programme: Registered, event_id: UUID
) -> tuple[Event, dt.datetime]:
    await session.execute(queries.LOCK, {"event": str(event_id)})
    event, now = await event_of(session, programme=programme.code, event_id=event_id), clock.now()
    if event.called_off_at is not None or now >= event.starts_at:
        raise EventBegun
    return event, now


async def event_of(session: AsyncSession, *, programme: str, event_id: UUID) -> Event:
    """One event of a programme. Raises EventUnknown."""
    row = (await session.execute(queries.ONE, {"id": event_id, "programme": programme})).one_or_none()
    if row is None:
        raise EventUnknown
    return Event(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row's columns


async def events_of(
    session: AsyncSession,
    *,
    programme: str,
    since: dt.datetime | None = None,
    limit: int = 50,
    after: Position | None = None,
) -> list[Event]:
    """A programme's events by when they begin; those that had not ended at `since`."""
    at, event_id = after or (None, None)
    given = {"programme": programme, "from": since, "limit": limit, "after": at, "after_id": event_id}
    return [Event(**row._mapping) for row in await session.execute(queries.OF_PROGRAMME, given)]  # noqa: SLF001


async def _own(session: AsyncSession, event_id: UUID, participant_id: UUID) -> SignUp | None:
    given = {"event": event_id, "participant": participant_id}
    row = (await session.execute(queries.OWN, given)).one_or_none()
    return None if row is None else _signup(row)


async def sign_up_of(session: AsyncSession, *, event_id: UUID, participant_id: UUID) -> SignUp:
    """A participant's last sign-up for an event. Raises NotSignedUp."""
    found = await _own(session, event_id, participant_id)
    if found is None:
        raise NotSignedUp
    return found


async def sign_ups(session: AsyncSession, *, event_id: UUID, limit: int = 50, after: int = 0) -> list[SignUp]:
    """Everybody's sign-ups for an event, in order, behind a number."""
    given = {"event": event_id, "limit": limit, "after": after}
    return [_signup(row) for row in await session.execute(queries.SIGNUPS, given)]


async def sign_ups_of(
    session: AsyncSession,
    *,
    programme: str,
    participant_id: UUID,
    limit: int = 50,
    after: Position | None = None,
) -> list[SignUp]:
    """A participant's sign-ups in a programme, the newest first."""
    at, signup_id = after or (None, None)
    given = {
        "programme": programme,
        "participant": participant_id,
        "limit": limit,
        "before_at": at,
        "before_id": signup_id,
    }
    return [_signup(row) for row in await session.execute(queries.OF_CITIZEN, given)]


def _signup(row: object) -> SignUp:
    return SignUp(**row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001
