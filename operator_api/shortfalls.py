"""What operators owe for acts that were withdrawn after they had been certified, and its compulsory cancellation."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query

from backend import certification, ledger
from backend.certification import Series, shortfalls
from backend.certification.shortfalls.schemas import (
    CancellationTold,
    DebtTold,
    NewCancellation,
    ShortfallTold,
)
from backend.identity import Role
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Code
from operator_api.access import Authority, OperatorOrAuthority

router = Router(prefix="/certification", tags=["certification"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


def _whose(person: Principal) -> UUID | None:
    """The operator whose debts this person sees; None for those of all."""
    return None if Role.AUTHORITY in person.roles else person.organisation_id


@router.get("/shortfalls", responses=problems(*_NOT_LET_IN))
async def list_shortfalls(
    person: OperatorOrAuthority, session: ReadSession, project: Annotated[Code | None, Query()] = None
) -> list[DebtTold]:
    """What was withdrawn after it had been certified, by series: of my organisation, for the authority of every one."""
    found = await shortfalls.debts(session, operator_id=_whose(person), project=project)
    return [DebtTold.of(one) for one in found]


@router.get("/shortfalls/acts", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_withdrawn_acts(
    person: OperatorOrAuthority,
    session: ReadSession,
    asked: Paging,
    *,
    project: Annotated[Code, Query()],
    methodology: Annotated[Code, Query()],
    vintage_year: Annotated[int, Query(ge=1990, le=9999)],
    demo: Annotated[bool, Query()] = False,
    only_open: Annotated[bool, Query()] = False,
) -> Page[ShortfallTold]:
    """The withdrawn acts of a series that an issued batch certified, the older first."""
    after = asked.after(int)
    rows = await shortfalls.shortfalls(
        session,
        Series(project, methodology, vintage_year, demo),
        operator_id=_whose(person),
        only_open=only_open,
        limit=asked.fetch,
        after=after[0] if after else 0,
    )
    return asked.page(rows, position=lambda one: (one.number,), show=ShortfallTold.of)


@router.get("/cancellations", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_compulsory_cancellations(
    person: OperatorOrAuthority, session: ReadSession, asked: Paging
) -> Page[CancellationTold]:
    """Tonnes that operators lost to their debts: of my organisation, for the authority of every one; the last first."""
    after = asked.after(str, UUID)
    rows = await shortfalls.cancellations(
        session,
        operator_id=_whose(person),
        limit=asked.fetch,
        after=(after[0], str(after[1])) if after else None,
    )
    return asked.page(
        rows, position=lambda one: (one.cancelled_at.isoformat(), str(one.id)), show=CancellationTold.of
    )


@router.post(
    "/cancellations",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN,
        shortfalls.ShortfallUnknown,
        shortfalls.NothingOwed,
        shortfalls.NothingHeld,
        certification.NotIndependent,
        ledger.SerialsNotHeld,
        *idempotency.REFUSALS,
    ),
)
async def order_cancellation(
    asked: NewCancellation, person: Authority, session: WriteSession, _: IdempotencyKey
) -> CancellationTold:
    """Let an operator lose whole tonnes for what it owes in a series, where no batch is waited for any longer."""
    made = await shortfalls.cancel(session, series=asked.series, ordered_by=person.id, reason=asked.reason)
    return CancellationTold.of(made)
