"""Trees for points: planted or adopted, really or on screen, and their certificates."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from backend import ledger, packs, programmes
from backend.engagement import planting, rewards
from backend.engagement.planting import Certificate, Order
from backend.kit import clock, idempotency, paging
from backend.kit.access import SignedInCitizen, Unauthenticated
from backend.kit.http import ReadSession, Router, WriteSession, settings_of
from backend.kit.idempotency import IdempotencyKey
from backend.kit.paging import Page, Paging
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Code, Told
from backend.programmes import FeatureOff, ProgrammeUnknown, Registered
from mobile_api import names

router = Router(prefix="/programmes/{programme}/trees", tags=["trees"])

_REFUSED = (Unauthenticated, ProgrammeUnknown, FeatureOff)
Named = Annotated[
    bool,
    Query(description="Print the name under which I agreed to be shown; without it, no name is printed."),
]


class TreeAsked(Asked):
    """The reward, of the kind planting or adoption, that I want."""

    reward: Code


class TreeTold(Told):
    """A tree that I spent points on. `real` is false where it grows on screen only: no tree in the ground stands for it."""

    id: UUID
    reward: str
    kind: str
    points: int
    real: bool
    state: str = Field(
        description="`waiting`, `handed_over` to the partner, `planted` (or adopted), or `failed`: then its points went back."
    )
    words: str
    partner: str | None
    reference: str | None
    place: str | None
    planted_on: date | None
    stands_until: date | None
    certificate: str | None
    ordered_at: datetime

    @classmethod
    def of(cls, one: Order) -> TreeTold:
        own = {name: getattr(one, name) for name in cls.model_fields if name != "real"}
        return cls(real=one.certificate is None or one.partner is not None, **own)


async def _running(session: AsyncSession, code: str) -> Registered:
    running = await programmes.programme_of(session, code=code)
    programmes.require(running, "planting")
    return running


@router.get("", responses=problems(*_REFUSED, paging.CursorUnusable))
async def list_trees(
    programme: Code, citizen: SignedInCitizen, session: ReadSession, asked: Paging
) -> Page[TreeTold]:
    """My trees, the newest first."""
    running = await _running(session, programme)
    after = asked.after(datetime, UUID)
    rows = await planting.orders_of(
        session,
        programme=running,
        participant_id=citizen.id,
        limit=asked.fetch,
        after=(after[0], after[1]) if after else None,
    )
    return asked.page(rows, position=lambda row: (row.ordered_at, row.id), show=TreeTold.of)


@router.post(
    "",
    status_code=201,
    responses=problems(
        *_REFUSED,
        rewards.RewardUnknown,
        rewards.RewardElsewhere,
        rewards.RewardSoldOut,
        rewards.RewardLimitReached,
        packs.ParameterUnknown,
        ledger.InsufficientBalance,
        *idempotency.REFUSALS,
    ),
)
async def order_tree(
    programme: Code, asked: TreeAsked, citizen: SignedInCitizen, session: WriteSession, _: IdempotencyKey
) -> TreeTold:
    """Spend my points on a tree. Where a partner plants, it is planted later; else it grows on screen from now on."""
    running = await _running(session, programme)
    made = await planting.order(session, programme=running, reward_id=asked.reward, participant_id=citizen.id)
    return TreeTold.of(made)


@router.get("/{tree_id}", responses=problems(*_REFUSED, planting.OrderUnknown))
async def get_tree(
    programme: Code, tree_id: UUID, citizen: SignedInCitizen, session: ReadSession
) -> TreeTold:
    """One tree of mine."""
    running = await _running(session, programme)
    found = await planting.order_of(session, programme=running, order_id=tree_id, participant_id=citizen.id)
    return TreeTold.of(found)


_PDF = {200: {"content": {"application/pdf": {}}, "description": "The certificate, A4."}}
_SVG = {200: {"content": {"image/svg+xml": {}}, "description": "The certificate, 360 points wide."}}


@router.get(
    "/{tree_id}/certificate.pdf",
    response_class=Response,
    responses=problems(*_REFUSED, planting.OrderUnknown, planting.NoCertificate) | _PDF,  # type: ignore[operator]
)
async def get_certificate_pdf(
    programme: Code,
    tree_id: UUID,
    *,
    citizen: SignedInCitizen,
    session: ReadSession,
    request: Request,
    named: Named = False,
) -> Response:
    """The certificate of my tree for the printer."""
    certificate, address, name = await _certificate(
        session, request, code=programme, tree_id=tree_id, citizen_id=citizen.id, named=named
    )
    made = await planting.as_pdf(
        certificate, address=address, name=name, printed_on=clock.today().isoformat()
    )
    return Response(made, media_type="application/pdf", headers={"cache-control": "private, no-store"})


@router.get(
    "/{tree_id}/certificate.svg",
    response_class=Response,
    responses=problems(*_REFUSED, planting.OrderUnknown, planting.NoCertificate) | _SVG,  # type: ignore[operator]
)
async def get_certificate_svg(
    programme: Code,
    tree_id: UUID,
    *,
    citizen: SignedInCitizen,
    session: ReadSession,
    request: Request,
    named: Named = False,
) -> Response:
    """The certificate of my tree for a phone."""
    certificate, address, name = await _certificate(
        session, request, code=programme, tree_id=tree_id, citizen_id=citizen.id, named=named
    )
    made = await planting.as_svg(
        certificate, address=address, name=name, printed_on=clock.today().isoformat()
    )
    return Response(made, media_type="image/svg+xml", headers={"cache-control": "private, no-store"})


async def _certificate(
    session: AsyncSession, request: Request, *, code: str, tree_id: UUID, citizen_id: UUID, named: bool
) -> tuple[Certificate, str, str | None]:
    running = await _running(session, code)
    found = await planting.order_of(session, programme=running, order_id=tree_id, participant_id=citizen_id)
    if found.certificate is None:
        raise planting.NoCertificate
    certificate = await planting.certificate(session, number=found.certificate)
    address = f"{request.url.scheme}://{request.url.netloc}/public/v1/certificates/{found.certificate}"
    if not named:
        return certificate, address, None
    keys = settings_of(request).keys
    shown = await names.shown(session, keys, programme=running, participants=[citizen_id])
    return certificate, address, shown.get(citizen_id)
