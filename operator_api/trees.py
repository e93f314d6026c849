"""Orders of trees: handed over to the partner who plants, and reported by it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from backend import programmes
from backend.engagement import planting
from backend.engagement.planting import Batch, Order
from backend.identity import Role
from backend.kit import idempotency, paging
from backend.kit.access import Forbidden, Principal, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown, Registered
from operator_api.access import Operator, OperatorOrPartner, PartnerOrAbove
from operator_api.scope import own_code, programme_in_sight

router = Router(prefix="/programmes/{code}/trees", tags=["trees"])

_NOT_LET_IN = (Unauthenticated, Forbidden, ProgrammeUnknown, FeatureOff)
_REPORTED = (planting.OrderUnknown, planting.NotHandedOver)
Words = Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True)]


class HandOver(Asked):
    """The partner whose waiting orders are handed over, the oldest first."""

    partner: Words = Field(description="As the programme's pack names it.")


class BatchTold(Told):
    """Orders that were handed over together, and what became of them."""

    id: UUID
    partner: str
    made_at: datetime
    orders: int
    planted: int
    failed: int

    @classmethod
    def of(cls, one: Batch) -> BatchTold:
        return cls.model_validate(one)


class OrderTold(Told):
    """One order. Whose it is, is not told."""

    id: UUID
    reward: str
    kind: str
    number: int
    points: int
    state: str
    partner: str | None
    batch_id: UUID | None
    reference: str | None
    place: str | None
    planted_on: date | None
    stands_until: date | None
    certificate: str | None
    words: str
    ordered_at: datetime

    @classmethod
    def of(cls, one: Order) -> OrderTold:
        return cls(**{name: getattr(one, name) for name in cls.model_fields})


class Planted(Asked):
    """A tree in the ground. `reference` is the partner's own name for it; `place` goes down to the district."""

    reference: Words
    place: Words
    planted_on: date = Field(description="For an adopted tree: the day from which it is adopted.")
    stands_until: date | None = Field(
        default=None, description="Of an adopted tree: the last day of its term."
    )


class Failed(Asked):
    """Why no tree will stand for the order; whoever ordered it reads it."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


async def _seen(
    session: AsyncSession, person: Principal, code: str, partner: str | None = None
) -> tuple[Registered, str | None]:
    """The programme, and the partner whose orders only are seen: one's own, unless one is of the operator or authority."""
    if Role.AUTHORITY in person.roles or Role.OPERATOR in person.roles:
        running = await programme_in_sight(session, person, code)
        programmes.require(running, "planting")
        return running, partner
    own = await own_code(session, person)
    running = await programmes.programme_of(session, code=code)
    if own not in {one.partner for one in running.pack.features.rewards} or partner not in {None, own}:
        raise ProgrammeUnknown(programme=code)
    programmes.require(running, "planting")
    return running, own


@router.get("", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_trees(
    code: Code,
    person: PartnerOrAbove,
    *,
    session: ReadSession,
    asked: Paging,
    batch_id: Annotated[UUID | None, Query(description="Only orders of this batch.")] = None,
    open_only: Annotated[bool, Query(description="Only orders without a tree or a refusal yet.")] = False,
) -> Page[OrderTold]:
    """Orders of trees, the newest first; a partner sees those that were handed over to it."""
    programme, partner = await _seen(session, person, code)
    after = asked.after(datetime, UUID)
    rows = await planting.orders(
        session,
        programme=programme,
        partner=partner,
        batch_id=batch_id,
        open_only=open_only,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.ordered_at, row.id), show=OrderTold.of)


@router.get("/batches", responses=problems(*_NOT_LET_IN, paging.CursorUnusable))
async def list_tree_batches(
    code: Code, person: PartnerOrAbove, session: ReadSession, asked: Paging
) -> Page[BatchTold]:
    """What was handed over, the newest first."""
    programme, partner = await _seen(session, person, code)
    after = asked.after(datetime, UUID)
    rows = await planting.batches(
        session,
        programme=programme,
        partner=partner,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.made_at, row.id), show=BatchTold.of)


@router.post(
    "/batches",
    status_code=201,
    responses=problems(*_NOT_LET_IN, planting.NothingToHandOver, *idempotency.REFUSALS),
)
async def hand_trees_over(
    code: Code, asked: HandOver, person: Operator, session: WriteSession, _: IdempotencyKey
) -> BatchTold:
    """Hand a partner the orders that wait for it, up to a thousand at once; each is handed over once."""
    programme, partner = await _seen(session, person, code, asked.partner)
    assert partner is not None
    made = await planting.hand_over(session, programme=programme, partner=partner, made_by=person.id)
    return BatchTold.of(made)


@router.post(
    "/{tree_id}/planted",
    status_code=201,
    responses=problems(
        *_NOT_LET_IN, *_REPORTED, planting.ReportUnfit, planting.ReferenceTaken, *idempotency.REFUSALS
    ),
)
async def report_planted(
    code: Code,
    tree_id: UUID,
    asked: Planted,
    person: OperatorOrPartner,
    session: WriteSession,
    _: IdempotencyKey,
) -> OrderTold:
    """Report that the order's tree stands. Its certificate has a number from now on."""
    programme, partner = await _seen(session, person, code)
    found = await planting.planted(
        session,
        programme=programme,
        order_id=tree_id,
        reference=asked.reference,
        place=asked.place,
        planted_on=asked.planted_on,
        stands_until=asked.stands_until,
        reported_by=person.id,
        partner=partner,
    )
    return OrderTold.of(found)


@router.post(
    "/{tree_id}/failed",
    status_code=201,
    responses=problems(*_NOT_LET_IN, *_REPORTED, *idempotency.REFUSALS),
)
async def report_failed(
    code: Code,
    tree_id: UUID,
    asked: Failed,
    person: OperatorOrPartner,
    session: WriteSession,
    _: IdempotencyKey,
) -> OrderTold:
    """Report that no tree will stand for the order: its points go back to the exact lots."""
    programme, partner = await _seen(session, person, code)
    found = await planting.failed(
        session,
        programme=programme,
        order_id=tree_id,
        reason=asked.reason,
        reported_by=person.id,
        partner=partner,
    )
    return OrderTold.of(found)
