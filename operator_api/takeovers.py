"""Means that two people claim: what the holder objects, and what a person of the operator decides. Neither is named here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from backend.identity import means
from backend.identity.means import takeovers
from backend.identity.means.takeovers import State, Takeover
from backend.intake import takeovers_told
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from operator_api.access import Operator

router = Router(prefix="/takeovers", tags=["takeovers"])

_NOT_LET_IN = (Unauthenticated, Forbidden)


class TakeoverDecision(Asked):
    """Whether whoever showed the operator's code is to hold it, and why."""

    granted: bool
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class TakeoverStaffTold(Told):
    """Somebody showed the code of what another one holds, who objects."""

    takeover_id: UUID
    holding_id: int
    kind: str
    operator: str
    asked_at: datetime
    state: State
    objection: str | None

    @classmethod
    def of(cls, one: Takeover) -> TakeoverStaffTold:
        return cls(
            takeover_id=one.id,
            holding_id=one.holding_id,
            kind=one.kind,
            operator=one.operator,
            asked_at=one.asked_at,
            state=one.state,
            objection=one.objection,
        )


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_takeovers(
    person: Operator,  # noqa: ARG001 - whoever is an operator may ask
    session: ReadSession,
    asked: Paging,
) -> Page[TakeoverStaffTold]:
    """What was objected to and waits for a decision, the oldest first."""
    after = asked.after(UUID)
    found = await takeovers.objected(session, after=after[0] if after else None, limit=asked.fetch)
    return asked.page(found, position=lambda one: (one.id,), show=TakeoverStaffTold.of)


@router.post(
    "/{takeover_id}/decision",
    responses=problems(
        *_NOT_LET_IN,
        means.TakeoverUnknown,
        means.TakeoverNotYet,
        means.TakeoverEnded,
        *idempotency.REFUSALS,
    ),
)
async def decide_takeover(
    takeover_id: UUID, asked: TakeoverDecision, person: Operator, session: WriteSession, _: IdempotencyKey
) -> TakeoverStaffTold:
    """Grant it, after which whoever asked may complete it, or refuse it."""
    found = await takeovers.decide(
        session, takeover_id=takeover_id, granted=asked.granted, reason=asked.reason, by=person.id
    )
    await takeovers_told.tell(session, found)
    return TakeoverStaffTold.of(found)
