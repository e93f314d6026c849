"""What staff of a merchant send and are told about coupon codes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from backend.kit.schemas import Asked, Told
from merchant.coupons import reading
from merchant.coupons.reading import MOST_AT_ONCE, Line
from merchant.coupons.service import Counts, Given

MOST_CSV = 1_500_000


class CouponSent(Asked):
    """One code; `valid_until` is included."""

    code: Annotated[str, StringConstraints(max_length=200)]
    valid_until: Annotated[str, StringConstraints(max_length=20)] | None = None


class CouponsSent(Asked):
    """Codes as a list, or as the text of a CSV file with the columns `code` and `valid_until`; one of the two.

    `valid_until` is the last day, included, of codes that say none of their own; null: for ever.
    """

    codes: Annotated[list[CouponSent], Field(min_length=1, max_length=MOST_AT_ONCE)] | None = None
    csv: Annotated[str, StringConstraints(min_length=1, max_length=MOST_CSV)] | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> CouponsSent:
        if (self.codes is None) == (self.csv is None):
            raise ValueError("either codes or csv")
        return self

    def lines(self) -> list[Line]:
        """One for each code. Raises what `reading.of_csv` raises."""
        if self.csv is not None:
            return reading.of_csv(self.csv)
        return [
            Line(number, one.code.strip(), one.valid_until) for number, one in enumerate(self.codes or [], 1)
        ]


class CouponsTold(Told):
    """How many codes: `left` can be given; `expired` never were; `retired` were given and their points went back."""

    imported: int
    left: int
    given: int
    expired: int
    retired: int

    @classmethod
    def of(cls, counts: Counts) -> CouponsTold:
        return cls(
            imported=counts.imported,
            left=counts.left,
            given=counts.given,
            expired=counts.expired,
            retired=counts.retired,
        )


class RetiredCoupon(Told):
    """A code whose points went back: do not take it any more."""

    redemption_id: UUID
    code: str
    valid_until: date | None
    given_at: datetime

    @classmethod
    def of(cls, given: Given) -> RetiredCoupon:
        return cls(
            redemption_id=given.redemption_id,
            code=given.code,
            valid_until=given.valid_until,
            given_at=given.given_at,
        )
