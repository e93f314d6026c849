"""What staff of a merchant ask and are told about offers."""

from __future__ import annotations

import datetime as dt
from datetime import date, datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from backend.kit import clock
from backend.kit.schemas import Asked, Code, Told
from merchant.catalogue.model import Offer, Stand, Step, Terms

Title = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Items = Annotated[int, Field(strict=True, ge=1, le=100_000_000)]


def _a_day(text: str) -> str:
    dt.date.fromisoformat(f"2000-{text}")  # a leap year: the 29th of February is a day of seasons
    return text


MonthDay = Annotated[
    str, StringConstraints(pattern=r"^[0-9]{2}-[0-9]{2}$", max_length=5), AfterValidator(_a_day)
]


Gives = Literal["goods", "coupon", "voucher"]


def gives_of(offer: Offer) -> Gives:
    """What an offer gives, in the word that people read."""
    return "goods" if offer.gives is None else cast("Gives", offer.gives)


class OfferMade(Asked):
    """What is offered for points, and on what terms. `items` null: as often as asked for.

    Both days are included; no last day: until withdrawn. `money_fen` is what is paid beside the points, told only. `period` and
    `per_period` go together: how often one citizen may have it in a day, week or month of Asia/Shanghai. `seasons` recur each
    year, as [MM-DD, MM-DD], both days included; an end before its start lies in the next year. `shops`: none means all of
    the merchant's. `opening_hours`: only while one of its shops is open. `contract_term`: who funds it, as the contract says.
    `gives`: goods at a till; or at once a coupon code, of which there are as many as are brought in; or a voucher: `face_fen` off a
    purchase of at least `minimum_fen`, good for `valid_days` after the day on which it is given.
    """

    programme: Code
    title_zh: Title
    title_en: Title
    price_points: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
    gives: Gives = "goods"
    items: Items | None = None
    first_day: date | None = None
    last_day: date | None = None
    per_citizen: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    category: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = None
    money_fen: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)] | None = None
    period: Literal["day", "week", "month"] | None = None
    per_period: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    opening_hours: bool = False
    seasons: Annotated[list[tuple[MonthDay, MonthDay]], Field(max_length=12, default_factory=list)]
    shops: Annotated[list[UUID], Field(max_length=500, default_factory=list)]
    terms_zh: Annotated[str, StringConstraints(min_length=1, max_length=4000)] | None = None
    terms_en: Annotated[str, StringConstraints(min_length=1, max_length=4000)] | None = None
    contract_term: Annotated[str, StringConstraints(min_length=1, max_length=40)] = "standard"
    face_fen: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)] | None = None
    minimum_fen: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)] | None = None
    valid_days: Annotated[int, Field(strict=True, ge=1, le=1095)] | None = None

    @model_validator(mode="after")
    def _period_whole(self) -> OfferMade:
        if (self.period is None) != (self.per_period is None):
            raise ValueError("period and per_period go together")
        if self.gives == "coupon" and self.items is not None:
            raise ValueError("a coupon offer has as many items as it has codes: items must be null")
        return self

    @model_validator(mode="after")
    def _voucher_whole(self) -> OfferMade:
        said = {self.face_fen is not None, self.valid_days is not None}
        if said != {self.gives == "voucher"} or (self.minimum_fen is not None and self.gives != "voucher"):
            raise ValueError(
                "a voucher needs face_fen and valid_days, and nothing else has them or minimum_fen"
            )
        return self

    def on_terms(self) -> Terms:
        """The terms alone."""
        named = set(Terms.__slots__)
        return Terms(**{name: value for name, value in self if name in named})


class Restocking(Asked):
    """Items to add to those that are left."""

    items: Items


class OfferTold(Told):
    """An offer as its merchant and the operator see it. `items_left` is null where it is not limited; `reason`: of the last step."""

    id: UUID
    programme: str
    title_zh: str
    title_en: str
    price_points: int
    gives: Gives
    items_left: int | None
    per_citizen: int | None
    first_day: date
    last_day: date | None
    created_at: datetime
    withdrawn_at: datetime | None
    stand: Stand
    step: Step
    reason: str | None
    images: list[str]
    category: str | None
    money_fen: int | None
    period: Literal["day", "week", "month"] | None
    per_period: int | None
    opening_hours: bool
    seasons: list[tuple[str, str]]
    shops: list[UUID]
    terms_zh: str | None
    terms_en: str | None
    contract_term: str
    face_fen: int | None
    minimum_fen: int | None
    valid_days: int | None

    @classmethod
    def of(cls, offer: Offer) -> OfferTold:
        return cls(
            id=offer.id,
            programme=offer.programme,
            title_zh=offer.title_zh,
            title_en=offer.title_en,
            price_points=offer.price_points,
            gives=gives_of(offer),
            items_left=offer.items_left,
            per_citizen=offer.per_citizen,
            first_day=offer.first_day,
            last_day=offer.last_day,
            created_at=offer.created_at,
            withdrawn_at=offer.withdrawn_at,
            stand=offer.stand_on(clock.today()),
            step=offer.step,
            reason=offer.reason,
            images=list(offer.images),
            **{name: getattr(offer.terms, name) for name in Terms.__slots__},
        )
