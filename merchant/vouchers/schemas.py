"""What tills and staff ask and are told of vouchers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit import i18n
from backend.kit.schemas import Asked, Told
from merchant.redemption import Says
from merchant.redemption.schemas import UseTold
from merchant.vouchers.model import Answer, Counts, Use
from merchant.vouchers.reasons import sentence


class VoucherShown(Asked):
    """The text of a scanned voucher, or its code as it was typed; `purchase_fen` is what the purchase comes to before it."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    purchase_fen: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)] | None = None


class VoucherAnswer(Told):
    """`yes`: `face_fen` off a purchase of at least `minimum_fen`. `no`: take it not, for this `reason`; `last_use` says who did."""

    answer: Says
    reason: str | None
    message: str | None
    redemption_id: UUID | None
    offer_id: UUID | None
    title_zh: str | None
    title_en: str | None
    face_fen: int | None
    minimum_fen: int | None
    valid_until: date | None
    last_use: UseTold | None

    @classmethod
    def of(cls, found: Answer) -> VoucherAnswer:
        return cls(
            answer=found.says,
            reason=found.reason,
            message=None if found.reason is None else sentence(found.reason, i18n.language()),
            redemption_id=found.redemption_id,
            offer_id=found.offer_id,
            title_zh=found.title_zh,
            title_en=found.title_en,
            face_fen=found.face_fen,
            minimum_fen=found.minimum_fen,
            valid_until=found.valid_until,
            last_use=found.last_use and UseTold.of(found.last_use),
        )


class VoucherUseTold(Told):
    """A voucher that one of our tills took."""

    redemption_id: UUID
    offer_id: UUID
    title_zh: str
    title_en: str
    face_fen: int
    purchase_fen: int | None
    used_at: datetime
    by: UUID
    by_label: str | None
    shop_id: UUID | None
    till_id: UUID | None
    till_label: str | None

    @classmethod
    def of(cls, use: Use) -> VoucherUseTold:
        return cls.model_validate(use)


class VouchersTold(Told):
    """What became of an offer's vouchers: `good` can still be used, `over` never were; `refunded` were given back and are dead."""

    given: int
    good: int
    used: int
    over: int
    refunded: int

    @classmethod
    def of(cls, counts: Counts) -> VouchersTold:
        return cls.model_validate(counts)
