"""Children's accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import consent, people
from backend.identity.guardians import queries
from backend.identity.guardians.errors import ChildUnknown, EndsWrong, NotYet
from backend.identity.locks import take_turns
from backend.kit import clock
from backend.kit.settings import Keys

GUARDIAN = "guardian-consent"
YEARS = 14
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

    Raises EndsWrong, AgreementChanged.
    """
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


async def hand_over(
    session: AsyncSession, keys: Keys, *, guardian_id: UUID, child_id: UUID, phone: str
) -> None:
    """Give the account to the child, by a number that was shown to be theirs. Raises ChildUnknown, NotYet, PhoneTaken."""
    await take_turns(session, f"account:{child_id}")
    child = await child_of(session, guardian_id=guardian_id, child_id=child_id)
    if clock.today() < child.ends_on:
        raise NotYet
    await people.set_phone(session, keys, participant_id=child_id, phone=phone)
    await session.execute(queries.END, {"child": child_id, "because": "handed_over", "at": clock.now()})


async def end(session: AsyncSession, *, guardian_id: UUID, child_id: UUID) -> None:
    """Note that the guardian closes the child's account; closing it is the caller's. Raises ChildUnknown."""
    await take_turns(session, f"account:{child_id}")
    await child_of(session, guardian_id=guardian_id, child_id=child_id)
    await session.execute(queries.END, {"child": child_id, "because": "closed", "at": clock.now()})


async def allows(session: AsyncSession, *, participant_id: UUID, scope: Scope) -> bool:
    """Whether this may be done by or for a participant; true of everybody who is no child."""
    given = {"participant": participant_id, "scope": scope}
    return bool((await session.execute(queries.ALLOWS, given)).scalar_one())


def _child(row: RowMapping) -> Child:
    values = dict(row)
    return Child(**{**values, "allowed": tuple(values["allowed"])})
