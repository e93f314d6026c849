"""Closing accounts, part by part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import members
from backend.identity.closing import queries
from backend.identity.closing.errors import AccountClosed
from backend.identity.leaving import erase_person
from backend.identity.locks import take_turns
from backend.kit import clock

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """What one noun keeps for a person. `tell` says what would become of it; `leave` does it, in the order of `turn`."""

    name: str
    turn: int
    tell: Callable[[AsyncSession, UUID], Awaitable[list[Facts]]]
    leave: Callable[[AsyncSession, UUID], Awaitable[object]]


_PARTS: dict[str, Part] = {}


def register(part: Part) -> None:
    """Let this part be asked whenever an account closes."""
    _PARTS[part.name] = part


def parts() -> list[Part]:
    """Every part, in the order in which they leave."""
    return sorted(_PARTS.values(), key=lambda one: one.turn)


async def told(session: AsyncSession, *, participant_id: UUID) -> dict[str, list[Facts]]:
    """What would become of everything if the account closed now, by part."""
    return {part.name: await part.tell(session, participant_id) for part in parts()}


async def close(session: AsyncSession, *, participant_id: UUID) -> dict[str, list[Facts]]:
    """Close an account: every part leaves, then the person is erased. Answers what became of things. AccountClosed.

    Two at once stand in line, and the second one is refused.
    """
    await take_turns(session, f"account:{participant_id}")
    row = await session.execute(queries.ADD, {"participant": participant_id, "at": clock.now()})
    if row.first() is None:
        raise AccountClosed
    await members.managed_alone(session, member_id=participant_id, lock=True)  # what is told is what is done
    became = await told(session, participant_id=participant_id)
    for part in parts():
        await part.leave(session, participant_id)
    await erase_person(session, participant_id=participant_id)
    return became
