"""A code asked for one purpose, exchanged for a grant, which is used once.

The code is one of `sign_in`, so all of its limits hold: it goes to the phone of the person who asks, and is bound to the
session and the purpose. Whoever has no phone here shows a fresh code of the door that they have.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import people, sign_in
from backend.identity.sign_in import RequestedCode, Use
from backend.identity.step_up import queries
from backend.identity.step_up.errors import DoorMissing, StepUpNeeded
from backend.kit import clock, ids
from backend.kit.settings import Keys

GRANT_LASTS = timedelta(minutes=5)
_REMEMBERED = timedelta(days=2)


class Purpose(enum.StrEnum):
    """What a grant is for; it is worthless for anything else."""

    CHANGE_PHONE = "change_phone"
    EXPORT = "export"
    CLOSE_ACCOUNT = "close_account"
    LARGE_REDEMPTION = "large_redemption"
    JOIN = "join"


@dataclass(frozen=True, slots=True)
class Granted:
    """The purpose may be pursued once, until then."""

    purpose: Purpose
    expires_at: datetime


async def ask(
    session: AsyncSession,
    keys: Keys,
    *,
    session_id: UUID,
    participant_id: UUID,
    person_id: UUID,
    purpose: Purpose,
    address: str,
    device: str | None = None,
) -> RequestedCode:
    """A code for the phone of `person_id`; send it after the transaction.

    `participant_id` is whose session it is: another one than the person's where they act for a household or a firm.
    Raises DoorMissing where no number is known, and what `sign_in.request_code` raises.
    """
    phone = await people.phone_of(session, keys, participant_id=person_id)
    if phone is None:
        raise DoorMissing
    asked = await sign_in.request_code(
        session,
        keys,
        phone=phone,
        address=address,
        device=device,
        use=Use.STEP_UP,
        bound_to=_bound_to(session_id, participant_id),
    )
    await queries.add(
        session,
        request_id=asked.request_id,
        session_id=session_id,
        participant_id=participant_id,
        purpose=purpose.value,
        door="phone",
        asked_at=clock.now(),
        granted_at=None,
    )
    return asked


async def grant(
    session: AsyncSession,
    keys: Keys,
    *,
    request_id: UUID,
    session_id: UUID,
    participant_id: UUID,
    person_id: UUID,
    code: str,
) -> Granted:
    """Exchange the code that arrived. Spend an attempt first (`sign_in.spend_attempt`). Raises SignInCodeWrong."""
    phone = await people.phone_of(session, keys, participant_id=person_id)
    if phone is None:
        raise sign_in.SignInCodeWrong
    await sign_in.use_code(
        session,
        keys,
        request_id=request_id,
        phone=phone,
        code=code,
        use=Use.STEP_UP,
        bound_to=_bound_to(session_id, participant_id),
    )
    now = clock.now()
    purpose = await queries.grant(
        session, request_id=request_id, session_id=session_id, participant_id=participant_id, now=now
    )
    if purpose is None:
        raise sign_in.SignInCodeWrong
    return Granted(Purpose(purpose), now + GRANT_LASTS)


async def grant_by_door(
    session: AsyncSession, *, session_id: UUID, participant_id: UUID, purpose: Purpose, door: str
) -> Granted:
    """A grant to somebody who has just shown a fresh code of a door of their own: the caller has verified it."""
    now = clock.now()
    await queries.add(
        session,
        request_id=ids.uuid7(),
        session_id=session_id,
        participant_id=participant_id,
        purpose=purpose.value,
        door=door,
        asked_at=now,
        granted_at=now,
    )
    return Granted(purpose, now + GRANT_LASTS)


async def use(session: AsyncSession, *, session_id: UUID, participant_id: UUID, purpose: Purpose) -> None:
    """Use up a grant of this session for this purpose, or raise StepUpNeeded.

    Call it in the transaction of what needs it. Of two at once, one gets through for one grant.
    """
    now = clock.now()
    used = await queries.use(
        session,
        session_id=session_id,
        participant_id=participant_id,
        purpose=purpose.value,
        since=now - GRANT_LASTS,
        now=now,
    )
    if not used:
        raise StepUpNeeded(purpose=purpose.value)


async def forget_old(session: AsyncSession) -> None:
    """Remove what was asked for longer ago than any grant or code lasts."""
    await queries.forget(session, before=clock.now() - _REMEMBERED)


def _bound_to(session_id: UUID, participant_id: UUID) -> bytes:
    return session_id.bytes + participant_id.bytes
