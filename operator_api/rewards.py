"""What my programme gave for points, and what waits for us to deliver it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints

from backend.engagement import rewards
from backend.engagement.rewards import Grant
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import ProgrammeUnknown
from operator_api.access import Operator, OperatorOrAuthority
from operator_api.scope import programme_in_sight

router = Router(prefix="/programmes/{code}", tags=["rewards"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown)
_DECIDED = (rewards.GrantUnknown, rewards.GrantDecided)


class GrantTold(Told):
    """Something that somebody got for points, or won. The holder shows its id; whose it is, is not told."""

    id: UUID
    reward: str
    kind: str
    number: int
    points: int
    state: str = Field(description="`waiting`, `delivered`, or `refused`: then the points went back.")
    words: str
    granted_at: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, one: Grant) -> GrantTold:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class Delivery(Asked):
    """What the holder is told: where to fetch it, a voucher's code, a seat."""

    words: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)] = ""


class Refusal(Asked):
    """Why it cannot be given; the holder reads it."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


@router.get("/grants", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_grants(
    code: Code,
    person: OperatorOrAuthority,
    *,
    session: ReadSession,
    asked: Paging,
    reward: Annotated[str | None, Query(max_length=130, description="Only grants of this reward.")] = None,
    waiting: Annotated[bool, Query(description="Only what somebody still has to deliver.")] = False,
) -> Page[GrantTold]:
    """What my programme gave for points and as prizes, the newest first. Trees have a list of their own."""
    programme = await programme_in_sight(session, person, code)
    after = asked.after(datetime, UUID)
    rows = await rewards.grants(
        session,
        programme=programme,
        reward=reward,
        waiting=waiting,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.granted_at, row.id), show=GrantTold.of)


@router.post(
    "/grants/{grant_id}/delivery", responses=problems(*_NOT_LET_IN, *_DECIDED, *idempotency.REFUSALS)
)
async def deliver_grant(
    code: Code, grant_id: UUID, asked: Delivery, person: Operator, session: WriteSession, _: IdempotencyKey
) -> GrantTold:
    """Note that it was delivered."""
    programme = await programme_in_sight(session, person, code)
    decided = await rewards.decide(
        session,
        programme=programme,
        grant_id=grant_id,
        outcome="delivered",
        words=asked.words,
        decided_by=person.id,
    )
    return GrantTold.of(decided)


@router.post("/grants/{grant_id}/refusal", responses=problems(*_NOT_LET_IN, *_DECIDED, *idempotency.REFUSALS))
async def refuse_grant(
    code: Code, grant_id: UUID, asked: Refusal, person: Operator, session: WriteSession, _: IdempotencyKey
) -> GrantTold:
    """Refuse it: its points go back to the exact lots, and it to the stock. A prize that was won is not refused."""
    programme = await programme_in_sight(session, person, code)
    decided = await rewards.decide(
        session,
        programme=programme,
        grant_id=grant_id,
        outcome="refused",
        words=asked.reason,
        decided_by=person.id,
    )
    return GrantTold.of(decided)
