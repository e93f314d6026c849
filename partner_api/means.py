"""Charges by which whoever sees an account's bill proves that it is theirs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.identity import means, partners
from backend.identity.means import MeansKind
from backend.kit import idempotency
from backend.kit.http import AppSettings, Router, WriteSession
from backend.kit.idempotency import IdempotencyKey
from backend.kit.problems import problems
from backend.kit.schemas import Asked, Told
from partner_api.access import NOT_LET_IN, LivePartner

router = Router(prefix="/means", tags=["means"])


class ChargeReported(Asked):
    """What I charged to one of my accounts, drawn uniformly from 1 to 999 fen, and never told to anybody but by the bill."""

    kind: MeansKind
    number: Annotated[str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True)]
    amount_fen: Annotated[int, Field(ge=1, le=means.MOST_FEN)]


class ChargeTold(Told):
    """Until when its amount may be told; then, or once it was told, I give it back."""

    charge_id: UUID
    expires_at: datetime


@router.post(
    "/charges",
    status_code=201,
    responses=problems(
        *NOT_LET_IN, partners.SandboxKey, means.MeansMisnamed, means.TooManyCharges, *idempotency.REFUSALS
    ),
)
async def report_charge(
    asked: ChargeReported,
    caller: LivePartner,
    settings: AppSettings,
    session: WriteSession,
    _: IdempotencyKey,
) -> ChargeTold:
    """Report a small charge; an earlier one of the number proves nothing from now on. Three a month and six a year of one number."""
    made = await means.report(
        session,
        settings.keys,
        kind=asked.kind.value,
        operator=caller.organisation,
        number=asked.number,
        amount_fen=asked.amount_fen,
    )
    return ChargeTold(charge_id=made.id, expires_at=made.expires_at)
