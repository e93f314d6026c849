"""Children's accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import consent, people, tokens
from backend.identity.guardians import queries
from backend.identity.guardians.errors import (
    ChildUnknown,
    EndsWrong,
    NoGuardian,
    NotAllowedByGuardian,
    NotYet,
    TooManyChildren,
)
from backend.identity.locks import take_turns
from backend.identity.people import ParticipantKind
from backend.identity.tokens import Audience, TokenPair
from backend.kit import clock
from backend.kit.settings import Keys, Settings

GUARDIAN = "guardian-consent"
YEARS = 14
MOST_CHILDREN = 8
Scope = Literal["social", "lottery", "redeem"]


@dataclass(frozen=True, slots=True)
class Child:
    """A child's account: until which day it is under the guardian's, and what the guardian allows beyond earning."""

    child_id: UUID
    guardian_id: UUID
    ends_on: date
    began_at: datetime
    ended: str | None
    allowed: tuple[str, ...]


async def add_child(
    session: AsyncSession, keys: Keys, *, guardian_id: UUID, ends_on: date, text_sha256: bytes
) -> Child:
    """An account for a child, which nobody signs in to. `ends_on` is the first of the month after the fourteenth birthday.

    Raises EndsWrong, AgreementChanged, NoGuardian, TooManyChildren.
    """
    await take_turns(session, f"guardian:{guardian_id}")
    if (await session.execute(queries.IS_CHILD, {"participant": guardian_id})).scalar_one():
        raise NoGuardian
    if (await people.participant_of(session, participant_id=guardian_id)).kind is not ParticipantKind.CITIZEN:
        raise NoGuardian
    if len(await children_of(session, guardian_id=guardian_id)) >= MOST_CHILDREN:
        raise TooManyChildren(MOST_CHILDREN)
    today = clock.today()
    if ends_on.day != 1 or not today < ends_on <= date(today.year + YEARS + 1, today.month, 1):
        raise EndsWrong
    agreed = await consent.agree(session, agreement_id=GUARDIAN, purpose="guardian", text_sha256=text_sha256)
    child_id = await people.citizen_without_phone(session, keys)
    await session.execute(
        queries.ADD,
        {
            "child": child_id,
            "guardian": guardian_id,
            "ends_on": ends_on,
            "agreement": agreed.id,
            "edition": agreed.edition,
            "sha256": agreed.sha256,
            "at": clock.now(),
        },
    )
    return await child_of(session, guardian_id=guardian_id, child_id=child_id)


async def children_of(session: AsyncSession, *, guardian_id: UUID) -> list[Child]:
    """The accounts that are under a guardian's now."""
    rows = await session.execute(queries.CHILDREN, {"guardian": guardian_id})
    return [_child(row._mapping) for row in rows]  # noqa: SLF001


async def child_of(session: AsyncSession, *, guardian_id: UUID, child_id: UUID) -> Child:
    """One of them; ChildUnknown for another's, and once it is over."""
    row = (await session.execute(queries.ONE, {"guardian": guardian_id, "child": child_id})).one_or_none()
    if row is None:
        raise ChildUnknown
    return _child(row._mapping)  # noqa: SLF001


async def say(
    session: AsyncSession,
    *,
    guardian_id: UUID,
    child_id: UUID,
    scope: Scope,
    allowed: bool,
    text_sha256: bytes,
) -> Child:
    """Allow a child something beyond earning, or no longer. Raises ChildUnknown, AgreementChanged."""
    await child_of(session, guardian_id=guardian_id, child_id=child_id)
    agreed = await consent.agree(session, agreement_id=GUARDIAN, purpose="guardian", text_sha256=text_sha256)
    given = {
        "child": child_id,
        "scope": scope,
        "allowed": allowed,
        "sha256": agreed.sha256,
        "at": clock.now(),
    }
    await session.execute(queries.SAY, given)
    return await child_of(session, guardian_id=guardian_id, child_id=child_id)


async def act_for(
    session: AsyncSession,
    settings: Settings,
    *,
    guardian_id: UUID,
    child_id: UUID,
    device: tuple[UUID, bytes] | None = None,
) -> TokenPair:
    """A session of the child's account, in which the guardian acts and sees what is in it. Raises ChildUnknown."""
    await take_turns(session, f"account:{child_id}")
    await child_of(session, guardian_id=guardian_id, child_id=child_id)
    return await tokens.start_session(
        session, settings, Audience.CITIZEN, subject=child_id, device=device, actor_id=guardian_id
    )


async def keeps(session: AsyncSession, *, guardian_id: UUID, child_id: UUID) -> bool:
    """Whether this account is a child's under this guardian's now."""
    given = {"guardian": guardian_id, "child": child_id}
    return (await session.execute(queries.ONE, given)).one_or_none() is not None


async def check_age(session: AsyncSession, *, guardian_id: UUID, child_id: UUID) -> None:
    """Refuse to hand over what is still a child's under fourteen. Raises ChildUnknown, NotYet."""
    child = await child_of(session, guardian_id=guardian_id, child_id=child_id)
    if clock.today() < child.ends_on:
        raise NotYet


async def hand_over(
    session: AsyncSession, keys: Keys, *, guardian_id: UUID, child_id: UUID, phone: str
) -> None:
    """Give the account to the child, by a number that was shown to be theirs. Raises ChildUnknown, NotYet, PhoneTaken."""
    await take_turns(session, f"account:{child_id}")
    await check_age(session, guardian_id=guardian_id, child_id=child_id)
    await people.set_phone(session, keys, participant_id=child_id, phone=phone)
    await session.execute(queries.END, {"child": child_id, "because": "handed_over", "at": clock.now()})
    await tokens.end_acting(session, subject=child_id, actor_id=guardian_id, because="the child took over")


async def end(session: AsyncSession, *, guardian_id: UUID, child_id: UUID) -> None:
    """Note that the guardian closes the child's account; closing it is the caller's. Raises ChildUnknown."""
    await take_turns(session, f"account:{child_id}")
    await child_of(session, guardian_id=guardian_id, child_id=child_id)
    await session.execute(queries.END, {"child": child_id, "because": "closed", "at": clock.now()})


async def require(session: AsyncSession, *, participant_id: UUID, scope: Scope) -> None:
    """Refuse what a child's guardian has not agreed to. Raises NotAllowedByGuardian."""
    if not await allows(session, participant_id=participant_id, scope=scope):
        raise NotAllowedByGuardian(scope)


async def allows(session: AsyncSession, *, participant_id: UUID, scope: Scope) -> bool:
    """Whether this may be done by or for a participant; true of everybody who is no child."""
    given = {"participant": participant_id, "scope": scope}
    return bool((await session.execute(queries.ALLOWS, given)).scalar_one())


def _child(row: RowMapping) -> Child:
    values = dict(row)
    return Child(**{**values, "allowed": tuple(values["allowed"])})
