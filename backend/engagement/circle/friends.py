"""Friends: by a code that one hands to the other, ended by either."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from backend.engagement.circle import queries, service
from backend.engagement.circle.errors import (
    FriendsAlready,
    InvitationOwn,
    InvitationUnknown,
    PersonUnknown,
    TooManyInvitations,
)
from backend.engagement.circle.model import Friend, Invitation
from backend.identity.locks import take_turns
from backend.kit import clock, ids
from backend.kit.settings import Keys
from backend.programmes import Registered

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: they are misread
LENGTH = 12  # 60 bits: nobody finds an open one by trying
GOOD_FOR = dt.timedelta(days=7)
MOST_OPEN = 20  # of one person


def new_code() -> str:
    """A random code for people to pass on."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


async def invite(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> Invitation:
    """A code for one other person. Raises ProfileMissing, TooManyInvitations, FeatureOff."""
    service.require_social(programme)
    await service.require_shown(session, programme=programme, participant_id=participant_id)
    now = clock.now()
    whose = {"programme": programme.id, "participant": participant_id}
    if (await session.execute(queries.OPEN, {**whose, "at": now})).scalar_one() >= MOST_OPEN:
        raise TooManyInvitations(most=MOST_OPEN)
    invitation = Invitation(new_code(), now + GOOD_FOR)
    await session.execute(
        queries.INVITE,
        {
            **whose,
            "id": ids.uuid7(),
            "code_sha256": _digest(invitation.code),
            "at": now,
            "expires_at": invitation.expires_at,
        },
    )
    return invitation


async def accept(
    session: AsyncSession, keys: Keys, *, programme: Registered, participant_id: UUID, code: str
) -> Friend:
    """Become friends with whoever made the code.

    Raises ProfileMissing for oneself; InvitationUnknown also when its maker is no longer shown; InvitationOwn, FriendsAlready.
    """
    service.require_social(programme)
    found = await _invitation(session, programme, code)
    # Profiles are locked in one order, whoever of the two accepts; then the code is looked at again.
    await take_turns(
        session, *(f"circle:{programme.id}:{one}" for one in (participant_id, found.participant_id))
    )
    await service.require_shown(session, programme=programme, participant_id=participant_id)
    found = await _invitation(session, programme, code)
    now = clock.now()
    maker = (
        await service.shown(session, keys, programme=programme, participants=[found.participant_id])
    ).get(found.participant_id)
    if found.used or found.expires_at <= now or maker is None:
        raise InvitationUnknown
    if found.participant_id == participant_id:
        raise InvitationOwn
    standing = await _standing(session, programme, participant_id)
    if found.participant_id in standing:
        raise FriendsAlready
    await session.execute(
        queries.BEFRIEND,
        {
            "id": found.id,
            "programme": programme.id,
            "one": participant_id,
            "other": found.participant_id,
            "at": now,
        },
    )
    return Friend(found.participant_id, maker, now)


async def end(session: AsyncSession, *, programme: Registered, participant_id: UUID, handle: str) -> None:
    """Be friends no longer. PersonUnknown when there is no such friend."""
    other = await service.person_of(session, programme=programme, handle=handle)
    await take_turns(session, *(f"circle:{programme.id}:{one}" for one in (participant_id, other)))
    standing = await _standing(session, programme, participant_id)
    if other not in standing:
        raise PersonUnknown
    await session.execute(
        queries.END,
        {"id": standing[other][0], "by": participant_id, "at": max(clock.now(), standing[other][1])},
    )


async def friends(
    session: AsyncSession, keys: Keys, *, programme: Registered, participant_id: UUID
) -> list[Friend]:
    """My friends, while they and I agree to be shown, oldest friendship first."""
    standing = await _standing(session, programme, participant_id)
    seen = await service.shown(session, keys, programme=programme, participants=[participant_id, *standing])
    if participant_id not in seen:
        return []
    return [Friend(who, seen[who], since) for who, (_, since) in standing.items() if who in seen]


async def friends_of(session: AsyncSession, *, programme: Registered, participant_id: UUID) -> set[UUID]:
    """The friends who, like the person, agree to be shown now."""
    standing = await _standing(session, programme, participant_id)
    agreeing = await service.handles(session, programme=programme, participants=[participant_id, *standing])
    return set(standing) & set(agreeing) if participant_id in agreeing else set()


async def are_friends(session: AsyncSession, *, programme: Registered, one: UUID, other: UUID) -> bool:
    """True while the friendship stands and both agree to be shown."""
    return other in await friends_of(session, programme=programme, participant_id=one)


async def _standing(
    session: AsyncSession, programme: Registered, participant_id: UUID
) -> dict[UUID, tuple[UUID, dt.datetime]]:
    rows = await session.execute(queries.STANDING, {"programme": programme.id, "participant": participant_id})
    return {row.friend: (row.id, row.made_at) for row in rows}


async def _invitation(session: AsyncSession, programme: Registered, code: str) -> Row[Any]:
    asked = {"programme": programme.id, "code_sha256": _digest(code)}
    found = (await session.execute(queries.INVITATION, asked)).one_or_none()
    if found is None:
        raise InvitationUnknown
    return found


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.strip().upper().encode(errors="replace")).digest()
