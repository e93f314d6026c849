"""Ending one account in another: who may come in, what they act with, and what they said."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import devices, doors, members, people, tokens
from backend.identity.consent.carrying import carry_over
from backend.identity.joining import queries
from backend.identity.joining.errors import NotToBeJoined
from backend.identity.locks import take_turns
from backend.identity.means import takeovers
from backend.identity.means.moving import move_all
from backend.kit import clock
from backend.kit.settings import Keys


async def join(session: AsyncSession, keys: Keys, *, joined: UUID, into: UUID, shown: str) -> None:
    """End `joined` in `into`; the caller has verified that both are one person's, the second one by `shown`.

    The phone of `joined` is the other's where that has none, else nobody's. What it consented to is carried over where the
    other never said anything about it. Its own word stays as it was: it still tells of what was done until now.
    Raises NotToBeJoined.
    """
    if joined == into:
        raise NotToBeJoined
    both = [joined, into]
    await take_turns(session, *(f"join:{one}" for one in both))
    if await queries.any_ended(session, both) or await queries.count_people(session, both) != 2:
        raise NotToBeJoined
    now = clock.now()
    await queries.add(session, joined=joined, into=into, shown=shown, now=now)
    await _phone(session, keys, joined=joined, into=into)
    await doors.move_all(session, keys, of=joined, to=into)
    for one in (joined, *await queries.joined(session, joined)):
        await takeovers.withdraw_all(session, taker_id=one, holder_id=into)
    await move_all(session, keys, of=joined, to=into)
    await carry_over(session, of=joined, to=into)
    await members.move_all(session, of=joined, to=into)
    await devices.revoke_all(session, participant_id=joined)
    await tokens.end_sessions_of(session, subject=joined, because="the account was joined to another")


async def which_ends(session: AsyncSession, keys: Keys, *, mine: UUID, other: UUID) -> tuple[UUID, UUID]:
    """Which of two accounts ends, and which stands: one with a phone stands before one without, else the first."""
    if await people.phone_of(session, keys, participant_id=mine) is not None:
        return other, mine
    if await people.phone_of(session, keys, participant_id=other) is not None:
        return mine, other
    return other, mine


async def survivor_of(session: AsyncSession, *, participant_id: UUID) -> UUID:
    """The account that this one ended in, however often; itself where it stands."""
    return await queries.survivor(session, participant_id)


async def joined_accounts(session: AsyncSession, *, participant_id: UUID) -> list[UUID]:
    """Every account that ended in this one."""
    return await queries.joined(session, participant_id)


async def _phone(session: AsyncSession, keys: Keys, *, joined: UUID, into: UUID) -> None:
    phone = await people.phone_of(session, keys, participant_id=joined)
    if phone is None:
        return
    await people.forget_phone(session, participant_id=joined)
    if await people.phone_of(session, keys, participant_id=into) is None:
        await people.set_phone(session, keys, participant_id=into, phone=phone)
