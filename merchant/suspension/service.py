"""Suspending, letting go on, and what stands suspended."""

from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend.identity import staff
from backend.identity.locks import take_turns
from backend.kit import clock
from merchant.suspension import queries
from merchant.suspension.errors import (
    NotSuspended,
    ResumedByTheSame,
    SuspendedAlready,
    SuspensionOfOneself,
    SuspensionSubjectUnknown,
)


class Kind(enum.StrEnum):
    """What is suspended."""

    MERCHANT = "merchant"
    SHOP = "shop"
    TILL = "till"


class Step(enum.StrEnum):
    """What was done."""

    SUSPENDED = "suspended"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Suspension:
    """One step: `number` counts a subject's steps, odd ones suspend and even ones let go on."""

    subject_id: UUID
    number: int
    kind: Kind
    merchant_id: UUID
    step: Step
    reason: str
    stepped_by: UUID
    stepped_at: dt.datetime


async def suspend(
    session: AsyncSession, *, kind: Kind, subject_id: UUID, reason: str, by: UUID
) -> Suspension:
    """Stop a merchant, a shop or a till, from the next scan on. One person is enough.

    Raises SuspensionSubjectUnknown, SuspensionOfOneself, SuspendedAlready.
    """
    found = await session.execute(queries.MERCHANT_OF[kind], {"id": subject_id})
    merchant_id = found.scalar_one_or_none()
    if merchant_id is None:
        raise SuspensionSubjectUnknown
    await _not_ones_own(session, merchant_id, by)
    await take_turns(session, f"suspension:{subject_id}")
    last = (await session.execute(queries.LAST, {"id": subject_id})).one_or_none()
    if last is not None and last.step == Step.SUSPENDED:
        raise SuspendedAlready
    number = 1 if last is None else last.number + 1
    step = Suspension(subject_id, number, kind, merchant_id, Step.SUSPENDED, reason, by, clock.now())
    return await _write(session, step)


async def resume(session: AsyncSession, *, subject_id: UUID, reason: str, by: UUID) -> Suspension:
    """Let go on what stands suspended: a person decides who did not suspend it.

    Raises SuspensionSubjectUnknown, SuspensionOfOneself, NotSuspended, ResumedByTheSame.
    """
    await take_turns(session, f"suspension:{subject_id}")
    last = (await session.execute(queries.LAST, {"id": subject_id})).one_or_none()
    if last is None:
        raise SuspensionSubjectUnknown
    await _not_ones_own(session, last.merchant_id, by)
    if last.step != Step.SUSPENDED:
        raise NotSuspended
    if last.stepped_by == by:
        raise ResumedByTheSame
    step = Suspension(
        subject_id, last.number + 1, Kind(last.kind), last.merchant_id, Step.RESUMED, reason, by, clock.now()
    )
    return await _write(session, step)


async def history(session: AsyncSession, *, subject_id: UUID) -> list[Suspension]:
    """Every step of a subject, the first one first. Raises SuspensionSubjectUnknown where there is none."""
    steps = [_of(row) for row in await session.execute(queries.HISTORY, {"id": subject_id})]
    if not steps:
        raise SuspensionSubjectUnknown
    return steps


async def standing(
    session: AsyncSession,
    *,
    merchant_id: UUID | None = None,
    limit: int = 50,
    after: tuple[dt.datetime, UUID] | None = None,
) -> list[Suspension]:
    """What stands suspended, of one merchant or of all, the newest first, behind the position of the last one seen."""
    at, subject_id = after or (None, None)
    given = {"merchant": merchant_id, "limit": limit, "after_at": at, "after_id": subject_id}
    return [_of(row) for row in await session.execute(queries.STANDING, given)]


async def _not_ones_own(session: AsyncSession, merchant_id: UUID, by: UUID) -> None:
    if (await staff.staff_member(session, staff_id=by)).organisation_id == merchant_id:
        raise SuspensionOfOneself


async def _write(session: AsyncSession, step: Suspension) -> Suspension:
    given = {
        "id": step.subject_id,
        "number": step.number,
        "kind": step.kind,
        "merchant": step.merchant_id,
        "step": step.step,
        "reason": step.reason,
        "by": step.stepped_by,
        "at": step.stepped_at,
    }
    await session.execute(queries.STEP, given)
    return step


def _of(row: object) -> Suspension:
    named = dict(row._mapping)  # type: ignore[attr-defined]  # noqa: SLF001 - SQLAlchemy's public name
    return Suspension(**{**named, "kind": Kind(named["kind"]), "step": Step(named["step"])})
