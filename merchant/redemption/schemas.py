"""What tills ask and are told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from backend.kit import i18n
from backend.kit.schemas import Asked, Told
from merchant.redemption.model import Miss, Receipt, Says, Scanned, Use
from merchant.redemption.reasons import sentence
from merchant.redemption.refunds import MOST_AT_ONCE, Voided

Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    Field(examples=["售罄，未能交付 out of stock at the counter"]),
]


class Scan(Asked):
    """The text of a scanned code, or the sixteen digits beneath it."""

    code: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class Refund(Asked):
    """Why the goods came back."""

    reason: Reason


class Part(Asked):
    """Some of the points, and why. `part_id` is the shop's own name for the part: the same one is refunded once."""

    part_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,60}$")] = Field(examples=["line-2"])
    points: int = Field(ge=1, le=10**9)
    reason: Reason


class Span(Asked):
    """Everything that was captured from `since` until before `before`, at one till or at all."""

    since: datetime
    before: datetime
    till_id: UUID | None = None


class Void(Asked):
    """Captures to refund, by their ids or by a span of time; a dry run changes nothing."""

    redemption_ids: list[UUID] | None = Field(default=None, min_length=1, max_length=MOST_AT_ONCE)
    captured: Span | None = None
    reason: Reason
    dry_run: bool = True


class RefundedTold(Told):
    """Points given back: who asked for it at which till, and who of the staff agreed; all at once where there is no `part_id`."""

    part_id: str | None
    points: int
    at: datetime
    reason: str
    by: UUID | None
    by_label: str | None
    till_id: UUID | None
    till_label: str | None
    agreed_by: UUID
    agreed_by_label: str | None


class ReceiptTold(Told):
    """A captured redemption: what was given for how many points, when, and by whose till.

    `money_fen` is what the shop asks beside the points: a record, we move none.
    """

    redemption_id: UUID
    offer_id: UUID
    programme: str
    title_zh: str
    title_en: str
    points: int
    captured_at: datetime
    captured_by: UUID | None
    shop_id: UUID | None
    till_id: UUID | None
    refunded_at: datetime | None
    refund_reason: str | None
    refunded_points: int
    refunds: list[RefundedTold]
    money_fen: int | None

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptTold:
        return cls.model_validate(receipt)


class UseTold(Told):
    """When, by whom and where a code was used before."""

    at: datetime
    by: UUID | None
    by_label: str | None
    shop_id: UUID | None
    till_id: UUID | None
    till_label: str | None

    @classmethod
    def of(cls, use: Use) -> UseTold:
        return cls.model_validate(use)


class ScanTold(Told):
    """`yes`: hand it over. `no`: do not, for this `reason`. `waiting`: the customer confirms on the phone until `waits_until`;
    look again at `scan_id`. `repeated` says that the same was answered before.
    """

    answer: Says
    reason: str | None
    message: str | None
    points: int | None
    receipt: ReceiptTold | None
    last_use: UseTold | None
    scan_id: UUID | None
    waits_until: datetime | None
    repeated: bool

    @classmethod
    def of(cls, found: Scanned) -> ScanTold:
        return cls(
            answer=found.says,
            reason=found.reason,
            message=None if found.reason is None else sentence(found.reason, i18n.language()),
            points=found.points,
            receipt=found.receipt and ReceiptTold.of(found.receipt),
            last_use=found.last_use and UseTold.of(found.last_use),
            scan_id=found.scan_id,
            waits_until=found.waits_until,
            repeated=found.repeated,
        )


class MissTold(Told):
    """A scan that found nothing, and why. Its code is not kept."""

    at: datetime
    reason: str
    typed: bool
    by: UUID
    shop_id: UUID | None
    till_id: UUID | None

    @classmethod
    def of(cls, miss: Miss) -> MissTold:
        return cls(
            at=miss.at,
            reason=miss.reason,
            typed=miss.typed,
            by=miss.by,
            shop_id=miss.shop_id,
            till_id=miss.till_id,
        )


class VoidedTold(Told):
    """What became of one: `refunded`, `would_refund`, or the code of the refusal."""

    redemption_id: UUID
    result: str
    points: int

    @classmethod
    def of(cls, one: Voided) -> VoidedTold:
        return cls.model_validate(one)


class VoidTold(Told):
    """All of them, in the order of the request, and the points given back (or that would be)."""

    dry_run: bool
    points: int
    items: list[VoidedTold]
