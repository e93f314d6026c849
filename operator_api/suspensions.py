"""Stopping merchants, shops and tills, and letting them go on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from merchant import suspension
from merchant.suspension.schemas import Resumed, Suspended, SuspensionStaffTold
from operator_api.access import Operator

router = Router(prefix="/suspensions", tags=["suspensions"])

_NOT_LET_IN = (Unauthenticated, Forbidden)
_REFUSED = (suspension.SuspensionSubjectUnknown, suspension.SuspensionOfOneself)


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_suspensions(
    person: Operator,  # noqa: ARG001 - whoever is an operator may ask
    session: ReadSession,
    asked: Paging,
) -> Page[SuspensionStaffTold]:
    """What stands suspended now, the newest first."""
    after = asked.after(datetime, UUID)
    rows = await suspension.standing(
        session, limit=asked.fetch, after=(after[0], after[1]) if after else None
    )
    return asked.page(
        rows, position=lambda row: (row.stepped_at, row.subject_id), show=SuspensionStaffTold.model_validate
    )


@router.post(
    "",
    status_code=201,
    responses=problems(*_NOT_LET_IN, *_REFUSED, suspension.SuspendedAlready, *idempotency.REFUSALS),
)
async def suspend(
    asked: Suspended, person: Operator, session: WriteSession, _: IdempotencyKey
) -> SuspensionStaffTold:
    """Stop a merchant, a shop or a till: it captures nothing from the next scan on. One person is enough."""
    step = await suspension.suspend(
        session, kind=asked.kind, subject_id=asked.subject_id, reason=asked.reason, by=person.id
    )
    return SuspensionStaffTold.model_validate(step)


@router.get("/{subject_id}", responses=problems(*_NOT_LET_IN, suspension.SuspensionSubjectUnknown))
async def get_suspension(
    subject_id: UUID,
    person: Operator,  # noqa: ARG001
    session: ReadSession,
) -> list[SuspensionStaffTold]:
    """Every suspension and resumption of a merchant, a shop or a till, the first one first."""
    steps = await suspension.history(session, subject_id=subject_id)
    return [SuspensionStaffTold.model_validate(one) for one in steps]


@router.post(
    "/{subject_id}/resumption",
    responses=problems(
        *_NOT_LET_IN,
        *_REFUSED,
        suspension.NotSuspended,
        suspension.ResumedByTheSame,
        *idempotency.REFUSALS,
    ),
)
async def resume(
    subject_id: UUID, asked: Resumed, person: Operator, session: WriteSession, _: IdempotencyKey
) -> SuspensionStaffTold:
    """Let it go on: another person decides than the one who suspended it."""
    step = await suspension.resume(session, subject_id=subject_id, reason=asked.reason, by=person.id)
    return SuspensionStaffTold.model_validate(step)
