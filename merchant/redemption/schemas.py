"""What tills ask and are told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit.schemas import Asked, Told
from merchant.redemption.model import Receipt


class Scan(Asked):
    """The text of a scanned code."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Refund(Asked):
    """Why the goods came back."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)] = Field(
        examples=["售罄，未能交付 out of stock at the counter"]
    )


class ReceiptTold(Told):
    """A captured redemption: what was given for how many points, when, and by whose till."""

    redemption_id: UUID
    offer_id: UUID
    programme: str
    title_zh: str
    title_en: str
    points: int
    captured_at: datetime
    captured_by: UUID
    refunded_at: datetime | None
    refund_reason: str | None

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptTold:
        return cls.model_validate(receipt)
